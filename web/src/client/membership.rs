//! The membership as a quorum has it, and bringing it to where it is wanted.
//!
//! A change of the membership has no session that would make it take effect once, and its answer
//! can be lost. So nothing here goes by answers. What is wanted is compared with the membership
//! that the leader has applied after a quorum confirmed that it leads, and asked for until the two
//! agree. Doing so again after an interruption does what was not done yet.

use tabraft::wire::{Answer, Ask, MemberChange, Membership, Read};

use super::deadline::Deadline;
use super::{Cluster, wrong_answer};
use crate::host::lock::{self, Held, Mode};
use crate::host::registry;
use crate::model::{ApiError, State};
use crate::names;

/// A replica's own word, as the core gives it.
pub type Report = tabraft::node::Report;

/// How long one question may take before it is asked again, in milliseconds.
const ATTEMPT_MS: f64 = 1_500.0;
/// How long to wait before that, in milliseconds.
const PAUSE_MS: u32 = 20;

/// What a quorum is needed for.
pub const CHANGE: &str = "to change the membership";

impl Cluster {
    /// What the leader has applied, confirmed by a quorum after this was called.
    ///
    /// # Errors
    /// `TIMEOUT` with what seems to be in the way.
    pub(super) async fn confirmed(&self, deadline: Deadline) -> Result<Report, ApiError> {
        loop {
            let leader = self.0.view.borrow().leader();
            if leader != 0
                && let Ok(report) = self.confirmed_by(leader, deadline).await
            {
                return Ok(report);
            }
            if !deadline.pause(PAUSE_MS).await {
                self.check_quorum("to agree on anything")?;
                return Err(ApiError::new(
                    "TIMEOUT",
                    format!(
                        "No leader confirmed the membership within {}; whether a change took \
                         effect is unknown.",
                        deadline.in_words()
                    ),
                ));
            }
        }
    }

    /// As [`Cluster::confirmed`], by one replica.
    pub(super) async fn confirmed_by(
        &self,
        id: u64,
        deadline: Deadline,
    ) -> Result<Report, ApiError> {
        let requests = &self.joined().await?.requests;
        let nothing = Ask::Scan {
            prefix: String::new(),
            limit: 0,
            read: Read::Linearizable,
        };
        let left = || deadline.left(ATTEMPT_MS);
        requests.other(nothing, Some(id), left()).await?;
        match requests.other(Ask::Status, Some(id), left()).await? {
            Answer::Status(report) => Ok(*report),
            _ => Err(wrong_answer()),
        }
    }

    /// Asks for changes until the membership is as wanted.
    ///
    /// # Errors
    /// What the leader refuses it for; `TIMEOUT`.
    pub(super) async fn reach(
        &self,
        wanted: impl Fn(&Membership) -> bool,
        changes: &[MemberChange],
        deadline: Deadline,
    ) -> Result<Report, ApiError> {
        let requests = &self.joined().await?.requests;
        let mut refused: Option<ApiError> = None;
        loop {
            let report = match self.confirmed(deadline).await {
                Ok(report) => report,
                Err(error) => return Err(refused.unwrap_or(error)),
            };
            let settled = report.membership.voters_outgoing.is_empty();
            if settled && wanted(&report.membership) {
                return Ok(report);
            }
            if settled && let Some(error) = refused.take_if(|error| is_final(error)) {
                return Err(error);
            }
            if settled {
                let ask = Ask::ChangeMembership(changes.to_vec());
                let asked = requests.other(ask, Some(report.id), deadline.left(ATTEMPT_MS));
                refused = asked.await.err();
            }
            if !deadline.pause(PAUSE_MS).await {
                let late = || {
                    let sentence = format!(
                        "The membership was not changed within {}; it may still be.",
                        deadline.in_words()
                    );
                    ApiError::new("TIMEOUT", sentence)
                };
                return Err(refused.unwrap_or_else(late));
            }
        }
    }

    /// # Errors
    /// `NO_QUORUM`, with how many voters run and how many it takes, and what for: "to ...".
    pub(super) fn check_quorum(&self, what_for: &str) -> Result<(), ApiError> {
        let voters = self.0.view.borrow().voters();
        let status = self.status();
        let reacts = |id: &&u64| {
            let node = status.nodes.iter().find(|node| node.id == **id);
            node.is_some_and(|node| node.state == State::Running)
        };
        let running = voters.iter().filter(reacts).count();
        let needed = voters.len() / 2 + 1;
        if running >= needed {
            return Ok(());
        }
        Err(ApiError::new(
            "NO_QUORUM",
            no_quorum_sentence(what_for, voters.len(), needed, running),
        ))
    }

    /// One tab at a time changes who is a member: what it notes in the origin's record is then of
    /// its own change. No promise of Raft's rests on it.
    pub(super) async fn membership_lock(&self, deadline: Deadline) -> Result<Held, ApiError> {
        let name = names::membership_lock(self.cluster());
        let most = deadline.left(f64::from(u32::MAX)) as u32;
        match super::within(lock::acquire(&name, Mode::Wait), most).await {
            Some(Ok(Some(held))) => Ok(held),
            Some(Err(error)) => Err(ApiError::told(error.code(), error.to_string())),
            _ => Err(ApiError::new(
                "BUSY",
                "Another tab is changing the membership. Try again when it is done.",
            )),
        }
    }

    /// Notes in the origin's record that a replica is no member, as of a confirmed report. The
    /// caller has had the membership's lock since before the report.
    pub(super) async fn note_removal(&self, id: u64, report: &Report) -> Result<(), ApiError> {
        let record = registry::find(self.cluster()).await?;
        let listed = record.is_some_and(|record| record.members.contains(&id));
        if listed && !report.membership.has(id) {
            registry::mark_removed(self.cluster(), id, report.applied).await?;
        }
        self.tell_record().await;
        Ok(())
    }
}

/// Whether asking again is of no use, unless the refusal is itself the echo of a change that was
/// made: then the membership is as wanted.
fn is_final(error: &ApiError) -> bool {
    matches!(error.code, "NOT_MEMBER" | "ALREADY_MEMBER" | "LAST_VOTER")
}

fn no_quorum_sentence(what_for: &str, voters: usize, needed: usize, running: usize) -> String {
    let running_words = match running {
        0 => "none is running".to_owned(),
        1 => "1 is running".to_owned(),
        _ => format!("{running} are running"),
    };
    let more = match needed - running {
        1 => "one more".to_owned(),
        more => format!("{more} more"),
    };
    format!(
        "{needed} of {voters} voters are needed {what_for}; {running_words}. \
         Start {more}."
    )
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_lost_quorum_is_told_in_numbers() {
        assert_eq!(
            no_quorum_sentence(CHANGE, 3, 2, 1),
            "2 of 3 voters are needed to change the membership; 1 is running. Start one more."
        );
        assert_eq!(
            no_quorum_sentence(CHANGE, 5, 3, 0),
            "3 of 5 voters are needed to change the membership; none is running. Start 3 more."
        );
    }
}
