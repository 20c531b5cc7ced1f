//! The pairs, kept in order of their keys, and how a committed entry changes them.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::command::{Command, Op, Outcome, Refusal};
use super::session::{Admission, Sessions};
use crate::planted::{self, Bug};

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
                Admission::Again(_) if planted::is(Bug::NoDeduplication) => applied(self.write(op)),
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

    /// The same pairs for a cluster that knows none of this one's sessions.
    pub fn without_sessions(&self) -> Self {
        Self {
            sessions: Sessions::default(),
            ..self.clone()
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

#[cfg(test)]
mod tests {
    use super::super::{KEY_BYTES_MAX, SESSION_WINDOW_MAX, SESSIONS_MAX};
    use super::*;

    /// A store with one session, and the index of the next entry.
    struct Log {
        store: Store,
        index: u64,
        session: u64,
    }

    impl Log {
        fn new() -> Self {
            let mut log = Self {
                store: Store::default(),
                index: 1,
                session: 0,
            };
            log.session = log.commit(&Command::Open).index;
            log
        }

        fn commit(&mut self, command: &Command) -> Applied {
            self.index += 1;
            self.store.apply(self.index, 1, &command.encode())
        }

        fn write(&mut self, seq: u64, answered_below: u64, op: Op) -> Outcome {
            let session = self.session;
            let write = Command::Write {
                session,
                seq,
                answered_below,
                op,
            };
            self.commit(&write).outcome
        }
    }

    fn put(key: &str, value: &str) -> Op {
        let (key, value) = (key.to_owned(), Bytes::from(value.to_owned()));
        Op::Put { key, value }
    }

    fn cas(key: &str, expected: Option<&str>, value: &str) -> Op {
        let bytes = |text: &str| Bytes::from(text.to_owned());
        Op::Cas {
            key: key.to_owned(),
            expected: expected.map(bytes),
            value: bytes(value),
        }
    }

    #[test]
    fn every_operation_says_what_it_did() {
        let mut log = Log::new();
        let key = || "a".to_owned();
        let cases = [
            (
                Op::Delete { key: key() },
                Outcome::Deleted { existed: false },
            ),
            (cas("a", Some("x"), "y"), Outcome::Swapped(false)),
            (cas("a", None, "x"), Outcome::Swapped(true)),
            (cas("a", None, "y"), Outcome::Swapped(false)),
            (cas("a", Some("x"), "y"), Outcome::Swapped(true)),
            (put("a", "z"), Outcome::Put),
            (
                Op::Delete { key: key() },
                Outcome::Deleted { existed: true },
            ),
            (put("", "z"), Refusal::KeyEmpty.into()),
        ];
        for ((op, outcome), seq) in cases.into_iter().zip(1..) {
            assert_eq!(log.write(seq, 1, op.clone()), outcome, "{op:?}");
        }
        assert!(log.store.is_empty());
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        let bytes = long.len();
        let refused = Refusal::KeyTooLarge { bytes };
        assert_eq!(log.write(99, 1, put(&long, "")), refused.into());
    }

    #[test]
    fn a_retry_gets_the_first_answer_and_changes_nothing() {
        let mut log = Log::new();
        let first = log.write(1, 1, cas("a", None, "x"));
        log.write(2, 1, put("a", "y"));
        assert_eq!(log.write(1, 1, cas("a", None, "x")), first);
        assert_eq!(log.store.get("a"), Some(&Bytes::from("y")));
        // Once the client said that it has the answer, nothing is kept of it.
        log.write(3, 3, put("b", ""));
        let again = log.write(1, 1, put("a", "z"));
        assert_eq!(again, Refusal::Answered.into());
        assert_eq!(log.store.get("a"), Some(&Bytes::from("y")));
    }

    #[test]
    fn a_session_keeps_so_many_answers_and_no_more() {
        let mut log = Log::new();
        for seq in 1..=SESSION_WINDOW_MAX as u64 {
            assert_eq!(log.write(seq, 1, put("a", "")), Outcome::Put);
        }
        let next = SESSION_WINDOW_MAX as u64 + 1;
        let refused = log.write(next, 1, put("a", "x"));
        assert_eq!(refused, Refusal::WindowFull.into());
        assert_eq!(log.write(next, 2, put("a", "x")), Outcome::Put);
    }

    #[test]
    fn the_session_longest_unused_goes_first() {
        let mut log = Log::new();
        let idle = log.commit(&Command::Open).index;
        for _ in 2..SESSIONS_MAX {
            log.commit(&Command::Open);
        }
        assert_eq!(log.write(1, 1, put("a", "x")), Outcome::Put);
        log.commit(&Command::Open);
        assert_eq!(log.write(2, 1, put("a", "y")), Outcome::Put);
        log.session = idle;
        let expired = log.write(1, 1, put("a", "z"));
        assert_eq!(expired, Refusal::SessionExpired.into());
    }

    #[test]
    fn an_image_is_the_whole_state() {
        let mut log = Log::new();
        log.write(1, 1, put("a", "x"));
        let restored = Store::restore(log.store.image()).expect("its own image");
        assert_eq!(restored, log.store);
        let mut image = log.store.image();
        image.pairs[0].1 = Bytes::from("forged");
        assert_eq!(Store::restore(image), None);
    }

    #[test]
    fn the_digest_tells_histories_apart_that_end_in_the_same_pairs() {
        let mut one = Log::new();
        one.write(1, 1, put("a", "x"));
        let mut other = Log::new();
        other.write(1, 1, cas("a", None, "x"));
        assert_eq!(one.store.scan("", 9), other.store.scan("", 9));
        assert_ne!(one.store.digest(), other.store.digest());
    }

    #[test]
    fn what_is_no_command_is_refused_by_every_replica_alike() {
        let mut store = Store::default();
        let applied = store.apply(2, 1, b"\xff\xff\xff");
        assert_eq!(applied.outcome, Refusal::Malformed.into());
    }
}
