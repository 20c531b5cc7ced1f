//! What clients asked and were answered, and whether a single copy of the data could have
//! answered so.
//!
//! The log gives the order of the writes, so linearizability is easier to check here than in
//! general: an answer fixes an index (a write's) or a range of indices (a read's: from the version
//! it saw until the next), and no request may come out before an index that another one had come
//! out at before it was asked.

use crate::kv::Applied;
use crate::wire::{Answer, Ask, ClientId};

use super::Model;

#[derive(Default)]
pub struct History {
    moments: u64,
    pub requests: Vec<Asked>,
    /// The newest entry that a client has an answer from.
    pub newest_applied: u64,
}

/// One request, and what became of it.
pub struct Asked {
    pub client: ClientId,
    pub ask: Ask,
    at: u64,
    pub answer: Option<Answered>,
}

pub struct Answered {
    at: u64,
    pub answer: Answer,
    /// The newest entry that any replica knew to be committed.
    newest: u64,
}

impl Asked {
    /// When it was asked, in moments of the history.
    pub fn at(&self) -> u64 {
        self.at
    }
}

impl Answered {
    /// When it was answered, in moments of the history.
    pub fn at(&self) -> u64 {
        self.at
    }
}

impl History {
    /// Notes a request; returns its place.
    pub fn asked(&mut self, client: ClientId, ask: Ask) -> usize {
        self.moments += 1;
        self.requests.push(Asked {
            client,
            ask,
            at: self.moments,
            answer: None,
        });
        self.requests.len() - 1
    }

    /// Notes its answer, which came when the entries up to `newest` were committed.
    pub fn answered(&mut self, place: usize, answer: Answer, newest: u64) {
        self.moments += 1;
        let at = self.moments;
        if let Answer::Applied(applied) = &answer {
            self.newest_applied = self.newest_applied.max(applied.index);
        }
        if let Some(request) = self.requests.get_mut(place) {
            request.answer = Some(Answered { at, answer, newest });
        }
    }

    /// Checks every answer against the committed log.
    ///
    /// # Errors
    /// The first request whose answer no single copy could have given.
    pub fn check(&self, model: &Model) -> Result<(), String> {
        // The index that answered requests came out at, by the moment of the answer.
        let mut floors: Vec<(u64, u64)> = Vec::new();
        for request in &self.requests {
            let Some(answered) = &request.answer else {
                continue;
            };
            let before = floors.iter().filter(|(at, _)| *at < request.at);
            let floor = before.map(|(_, index)| *index).max().unwrap_or(0);
            let index = came_out_at(&request.ask, answered, floor, model).map_err(|what| {
                let (ask, answer) = (&request.ask, &answered.answer);
                format!("{ask:?} -> {answer:?}: {what}")
            })?;
            // Most answers come in order: only the recent floors can be the highest.
            floors.retain(|(at, known)| *at > answered.at || *known > index);
            floors.push((answered.at, index));
        }
        Ok(())
    }
}

/// The least index a request can have come out at: not below `floor`, and not after its answer.
fn came_out_at(ask: &Ask, answered: &Answered, floor: u64, model: &Model) -> Result<u64, String> {
    match (ask, &answered.answer) {
        (Ask::Write { session, seq, .. }, Answer::Applied(applied)) => {
            let effect: Option<&Applied> = model.effect(*session, *seq);
            if effect != Some(applied) {
                return Err(format!("the log has {effect:?} for this write"));
            }
            // It may have been committed by an attempt long before the answer, but never before
            // it was asked.
            if applied.index <= floor {
                return Err(format!("another came out at {floor} before this was asked"));
            }
            Ok(applied.index)
        }
        (Ask::Get { key, .. }, Answer::Value(value)) => {
            let versions = model.versions(key);
            // From which index the key had the value, until which it kept it.
            let absent = std::iter::once((0, None)).chain(versions.iter().cloned());
            let ends = versions.iter().map(|(index, _)| *index).chain([u64::MAX]);
            absent
                .zip(ends)
                .take_while(|((index, _), _)| *index <= answered.newest)
                .find(|((_, known), end)| known == value && *end > floor)
                .map(|((index, _), _)| index.max(floor))
                .ok_or_else(|| format!("not the value at {floor} or later; it was {versions:?}"))
        }
        _ => Err("no answer to this request".to_owned()),
    }
}
