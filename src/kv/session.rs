//! Client sessions: every write applied exactly once, however often it is retried across leaders
//! (Raft thesis, section 6.3).
//!
//! A session keeps the answer of each write until the client says it has it. A retry finds the
//! answer and is not applied again. Writes of one session may arrive in any order: the client
//! keeps many in flight, and each may be retried by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::{Outcome, Refusal};
use super::store::Applied;
use super::{SESSION_WINDOW_MAX, SESSIONS_MAX};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    /// Answers below are forgotten.
    answered_below: u64,
    /// Index of the last entry that used the session.
    used_at: u64,
    answers: BTreeMap<u64, Applied>,
}

/// All sessions, by the index of the entry that opened them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions(BTreeMap<u64, Session>);

/// What a write's sequence number says about it.
pub enum Admission {
    /// Not applied yet.
    New,
    /// Applied before, with this result.
    Again(Applied),
    Refused(Refusal),
}

impl Sessions {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Opens a session named `index`; where there are too many, forgets the one longest unused.
    pub fn open(&mut self, index: u64) {
        if self.0.len() >= SESSIONS_MAX
            && let Some(idle) = self
                .0
                .iter()
                .min_by_key(|(_, s)| s.used_at)
                .map(|(id, _)| *id)
        {
            self.0.remove(&idle);
        }
        let session = Session {
            answered_below: 1,
            used_at: index,
            answers: BTreeMap::new(),
        };
        self.0.insert(index, session);
    }

    /// Looks up write `seq` of `session` and forgets the answers the client has.
    pub fn admit(&mut self, session: u64, seq: u64, answered_below: u64, index: u64) -> Admission {
        let Some(session) = self.0.get_mut(&session) else {
            return Admission::Refused(Refusal::SessionExpired);
        };
        session.used_at = index;
        if answered_below > session.answered_below {
            session.answered_below = answered_below;
            session.answers = session.answers.split_off(&answered_below);
        }
        if seq < session.answered_below {
            return Admission::Refused(Refusal::Answered);
        }
        if let Some(applied) = session.answers.get(&seq) {
            return Admission::Again(*applied);
        }
        if session.answers.len() >= SESSION_WINDOW_MAX {
            return Admission::Refused(Refusal::WindowFull);
        }
        Admission::New
    }

    /// Keeps the answer of a write that [`Sessions::admit`] found new.
    pub fn keep(&mut self, session: u64, seq: u64, applied: Applied) {
        if let Some(session) = self.0.get_mut(&session) {
            session.answers.insert(seq, applied);
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Outcome::Refused(refusal)
    }
}
