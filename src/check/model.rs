//! The state machine as a page of prose would have it: a write of a session takes effect where it
//! is first committed, and nowhere else.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::kv::{Applied, Command, Op, Outcome};
use crate::wire::{EntryKind, LogEntry};

/// A key's value from an index on.
pub type Version = (u64, Option<Bytes>);

#[derive(Default)]
pub struct Model {
    keys: BTreeMap<String, Vec<Version>>,
    effects: HashMap<(u64, u64), Applied>,
}

impl Model {
    /// Takes the next committed entry.
    pub fn commit(&mut self, entry: &LogEntry) {
        let Some(Command::Write {
            session, seq, op, ..
        }) = Command::decode(&entry.data).filter(|_| entry.kind == EntryKind::Normal)
        else {
            return;
        };
        if self.effects.contains_key(&(session, seq)) {
            return;
        }
        let versions = self.keys.entry(op.key().to_owned()).or_default();
        let now = versions.last().and_then(|(_, value)| value.clone());
        let (outcome, written) = match op {
            Op::Put { value, .. } => (Outcome::Put, Some(Some(value))),
            Op::Delete { .. } => {
                let existed = now.is_some();
                (Outcome::Deleted { existed }, existed.then_some(None))
            }
            Op::Cas {
                expected, value, ..
            } => {
                let swap = now == expected;
                (Outcome::Swapped(swap), swap.then_some(Some(value)))
            }
        };
        versions.extend(written.map(|value| (entry.index, value)));
        let applied = Applied {
            index: entry.index,
            term: entry.term,
            outcome,
        };
        self.effects.insert((session, seq), applied);
    }

    /// What came of a write, if it was committed.
    pub fn effect(&self, session: u64, seq: u64) -> Option<&Applied> {
        self.effects.get(&(session, seq))
    }

    /// The values a key had, each with the index it was written at; absent before the first.
    pub fn versions(&self, key: &str) -> &[Version] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    /// All pairs as they are now.
    pub fn pairs(&self) -> Vec<(String, Bytes)> {
        self.keys
            .iter()
            .filter_map(|(key, versions)| {
                let (_, value) = versions.last()?;
                Some((key.clone(), value.clone()?))
            })
            .collect()
    }
}
