//! The pairs, kept in order of their keys, and how a committed entry changes them.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::command::{Command, Op, Outcome, Refusal};
use super::session::{Admission, Sessions};

/// Where a command stands in the log, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub index: u64,
    pub term: u64,
    pub outcome: Outcome,
}

/// The state machine. Equal on all replicas that have applied the same index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pairs: BTreeMap<String, Bytes>,
    sessions: Sessions,
    /// Sum over all pairs of a hash of each: kept up with every write at a cost that does not
    /// grow with the number of keys.
    pairs_digest: u64,
    /// Hash chain over every command applied. Two replicas that applied other commands, or the
    /// same ones in another order, differ here even where their pairs agree.
    history_digest: u64,
}

/// The state machine as it stands in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreImage {
    pairs: Vec<(String, Bytes)>,
    sessions: Sessions,
    pairs_digest: u64,
    history_digest: u64,
}

impl Store {
    /// Applies the command of a committed entry. Bytes that are no command change nothing and are
    /// refused, on every replica alike.
    pub fn apply(&mut self, index: u64, term: u64, data: &[u8]) -> Applied {
        self.history_digest = xxh3_64_with_seed(data, self.history_digest ^ index);
        let applied = |outcome| Applied {
            index,
            term,
            outcome,
        };
        match Command::decode(data) {
            None => applied(Refusal::Malformed.into()),
            Some(Command::Open) => {
                self.sessions.open(index);
                applied(Outcome::Opened)
            }
            Some(Command::Write {
                session,
                seq,
                answered_below,
                op,
            }) => match self.sessions.admit(session, seq, answered_below, index) {
                Admission::Refused(refusal) => applied(refusal.into()),
                Admission::Again(before) => before,
                Admission::New => {
                    let result = applied(self.write(op));
                    self.sessions.keep(session, seq, result);
                    result
                }
            },
        }
    }

    fn write(&mut self, op: Op) -> Outcome {
        if let Err(refusal) = op.check() {
            return refusal.into();
        }
        match op {
            Op::Put { key, value } => {
                self.insert(key, value);
                Outcome::Put
            }
            Op::Delete { key } => {
                let removed = self.pairs.remove_entry(&key);
                if let Some((key, value)) = &removed {
                    self.pairs_digest = self.pairs_digest.wrapping_sub(hash(key, value));
                }
                Outcome::Deleted {
                    existed: removed.is_some(),
                }
            }
            Op::Cas {
                key,
                expected,
                value,
            } => {
                let swap = self.pairs.get(&key) == expected.as_ref();
                if swap {
                    self.insert(key, value);
                }
                Outcome::Swapped(swap)
            }
        }
    }

    fn insert(&mut self, key: String, value: Bytes) {
        let added = hash(&key, &value);
        // The value may be a slice of a large message: a copy of its own lets that go.
        let value = Bytes::copy_from_slice(&value);
        let removed = match self.pairs.get_mut(&key) {
            Some(old) => {
                let removed = hash(&key, old);
                *old = value;
                removed
            }
            None => {
                self.pairs.insert(key, value);
                0
            }
        };
        self.pairs_digest = self.pairs_digest.wrapping_add(added).wrapping_sub(removed);
    }

    pub fn get(&self, key: &str) -> Option<&Bytes> {
        self.pairs.get(key)
    }

    /// Up to `limit` pairs whose keys begin with `prefix`, in order of their keys.
    pub fn scan(&self, prefix: &str, limit: usize) -> Vec<(String, Bytes)> {
        self.pairs
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Hash of the pairs and of every command that led to them. The sessions follow from the same
    /// commands.
    pub fn digest(&self) -> u64 {
        self.pairs_digest ^ self.history_digest
    }

    pub fn image(&self) -> StoreImage {
        StoreImage {
            pairs: self
                .pairs
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            sessions: self.sessions.clone(),
            pairs_digest: self.pairs_digest,
            history_digest: self.history_digest,
        }
    }

    /// The state machine of an image; `None` if its pairs do not have the digest it claims.
    pub fn restore(image: StoreImage) -> Option<Self> {
        let mut store = Store {
            sessions: image.sessions,
            history_digest: image.history_digest,
            ..Store::default()
        };
        for (key, value) in image.pairs {
            store.insert(key, value);
        }
        (store.pairs_digest == image.pairs_digest).then_some(store)
    }
}

fn hash(key: &str, value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64_with_seed(key.as_bytes(), key.len() as u64))
}
