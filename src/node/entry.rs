//! What a replica has at one index of its log, for whoever wants to look at it.

use raft::eraftpb::{Entry, EntryType};

use super::admit::decode_changes;
use super::{Node, log};
use crate::kv::{Command, Op};
use crate::wire::MemberChange;

/// How one index of a log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Folded away: the snapshot at this index has its effect.
    Compacted { snapshot: u64 },
    /// The log ends at `last`, before it.
    Beyond { last: u64 },
    Entry {
        term: u64,
        /// What it costs in memory.
        bytes: u64,
        content: Content,
    },
}

/// What an entry asks of the state machine, or of the membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// With an entry without data every leader begins its term (Raft paper, section 8).
    Empty,
    Open,
    Write {
        session: u64,
        seq: u64,
        op: Op,
    },
    /// A change of the membership; empty where a joint one is left.
    Membership(Vec<MemberChange>),
    /// Bytes that no replica of this version would propose.
    Unknown,
}

impl Node {
    pub fn slot(&self, index: u64) -> Slot {
        let log = self.log();
        if index < log.first() {
            return Slot::Compacted {
                snapshot: self.snapshot().0,
            };
        }
        match log.iter_from(index).next() {
            Some(entry) => Slot::Entry {
                term: entry.term,
                bytes: log::cost(entry),
                content: content(entry),
            },
            None => Slot::Beyond { last: log.last() },
        }
    }
}

fn content(entry: &Entry) -> Content {
    if entry.entry_type != EntryType::EntryNormal {
        if entry.context.is_empty() {
            return Content::Membership(Vec::new());
        }
        let changes = decode_changes(&entry.context);
        return changes.map_or(Content::Unknown, Content::Membership);
    }
    if entry.data.is_empty() {
        return Content::Empty;
    }
    match Command::decode(&entry.data) {
        Some(Command::Open) => Content::Open,
        Some(Command::Write {
            session, seq, op, ..
        }) => Content::Write { session, seq, op },
        None => Content::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn normal(data: Vec<u8>) -> Entry {
        Entry {
            data: data.into(),
            ..Entry::default()
        }
    }

    #[test]
    fn an_entry_says_what_it_asks() {
        assert_eq!(content(&normal(vec![])), Content::Empty);
        assert_eq!(content(&normal(Command::Open.encode())), Content::Open);
        let op = Op::Put {
            key: "a".into(),
            value: Bytes::from_static(b"1"),
        };
        let write = Command::Write {
            session: 3,
            seq: 7,
            answered_below: 2,
            op: op.clone(),
        };
        let wanted = Content::Write {
            session: 3,
            seq: 7,
            op,
        };
        assert_eq!(content(&normal(write.encode())), wanted);
        assert_eq!(content(&normal(vec![0xff; 9])), Content::Unknown);
        // A command with a tail is none.
        let tail = [write.encode(), vec![0]].concat();
        assert_eq!(content(&normal(tail)), Content::Unknown);
    }

    #[test]
    fn a_change_of_the_membership_is_told_apart() {
        let mut entry = normal(vec![1]);
        entry.set_entry_type(EntryType::EntryConfChangeV2);
        assert_eq!(content(&entry), Content::Membership(vec![]));
        entry.context = vec![0xff; 3].into();
        assert_eq!(content(&entry), Content::Unknown);
    }
}
