//! What a dead leader's log still had to send, read from its disk by another replica.
//!
//! A leader persists an entry while it sends it. If it dies in between, the entry is on its disk
//! alone. Where the disk can be read by others, as in one browser's origin, a follower reads the
//! end of that log and takes it as the append that the leader was about to send.
//!
//! # Why that is sound
//!
//! Raft lets a message be late. An append of a leader of term T says: in term T this was my log.
//! That is true for ever, so whoever makes the very message from the very log may deliver it, the
//! leader being dead, cut off, or well. So it must be the log of a *leader of the term the message
//! names*. A leader never overwrites its own entries in the term it leads, so its log on disk is
//! always a beginning of its log in memory. Each record says in which term its writer last led
//! ([`Record::led_term`](super::Record)); if that is the record's term, the log up to there is a
//! leader's log. If the term is a later one, the writer was deposed, its entries may have been
//! overwritten since by nobody but itself, and nothing of it is taken. Nor is anything taken from
//! a follower: its log may hold what a leader of a later term is going to remove.

use thiserror::Error;

use super::log::Log;
use super::replay::Damage;
use crate::planted::{self, Bug};
use crate::wire::{ClusterId, LogEntry, NodeId};

/// The end of a leader's log, as an append message has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The term it led, and leads in this message.
    pub term: u64,
    /// Index and term just before the first entry.
    pub previous: (u64, u64),
    pub entries: Vec<LogEntry>,
    /// What it knew to be committed, and had written down.
    pub commit: u64,
}

/// Why nothing was taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unsalvageable {
    #[error("its log has no records")]
    Empty,
    #[error("{0}")]
    Damaged(#[from] Damage),
    #[error("it did not lead term {term} when it last wrote")]
    NotLeader { term: u64 },
    #[error("the records read do not reach back to index {wanted}")]
    OutOfReach { wanted: u64 },
}

/// The append that `leader` could send to a replica whose log agrees with all logs up to `from`,
/// because that much is committed. `records` are the newest of its log, in order, under their
/// sequence numbers; they may begin anywhere.
///
/// # Errors
/// [`Unsalvageable::OutOfReach`]: try again with more records. The others are final.
pub fn salvage(
    cluster: ClusterId,
    leader: NodeId,
    records: &[(u64, Vec<u8>)],
    from: u64,
) -> Result<Tail, Unsalvageable> {
    if records.is_empty() {
        return Err(Unsalvageable::Empty);
    }
    let mut log = Log::default();
    for (seq, bytes) in records {
        log.add(cluster, leader, *seq, bytes)?;
    }
    let term = log.hard_state.term;
    if log.led_term != term && !planted::is(Bug::SalvagesFollower) {
        return Err(Unsalvageable::NotLeader { term });
    }
    let out_of_reach = Unsalvageable::OutOfReach { wanted: from };
    let at = log.entries.iter().position(|entry| entry.index == from);
    let (previous, entries) = match at {
        Some(at) => {
            let previous = (from, log.entries[at].term);
            (previous, log.entries.split_off(at + 1))
        }
        None => match (log.marked, log.entries.first()) {
            (Some((index, term)), Some(first)) if index == from && first.index == from + 1 => {
                ((index, term), log.entries)
            }
            _ => return Err(out_of_reach),
        },
    };
    Ok(Tail {
        term,
        previous,
        entries,
        commit: log.hard_state.commit,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::wal::{HardState, Record};
    use crate::wire::EntryKind;

    fn entry(index: u64, term: u64) -> LogEntry {
        LogEntry {
            index,
            term,
            kind: EntryKind::Normal,
            data: Bytes::from_static(b"x"),
            context: Bytes::new(),
        }
    }

    /// Term, term last led, and the index and term of each entry.
    type Written<'a> = (u64, u64, &'a [(u64, u64)]);

    /// The records of replica 1, which wrote all that, one after another.
    fn records(written: &[Written<'_>]) -> Vec<(u64, Vec<u8>)> {
        let record = |(seq, (term, led_term, entries)): (u64, &Written<'_>)| {
            let record = Record {
                cluster: 7,
                node: 1,
                seq,
                from_seq: seq,
                oldest_seq: 1,
                hard_state: HardState {
                    term: *term,
                    vote: 1,
                    commit: 3,
                },
                led_term: *led_term,
                entries: entries.iter().map(|(i, t)| entry(*i, *t)).collect(),
                membership: None,
                snapshot: None,
            };
            (seq, record.encode())
        };
        (9..).zip(written).map(record).collect()
    }

    fn places(tail: &Tail) -> Vec<(u64, u64)> {
        tail.entries.iter().map(|e| (e.index, e.term)).collect()
    }

    #[test]
    fn a_leaders_tail_is_the_append_it_would_send() {
        let records = records(&[(2, 2, &[(3, 2)]), (2, 2, &[(4, 2), (5, 2)])]);
        let tail = salvage(7, 1, &records, 3).expect("a leader's log");
        assert_eq!((tail.term, tail.previous, tail.commit), (2, (3, 2), 3));
        assert_eq!(places(&tail), [(4, 2), (5, 2)]);
    }

    #[test]
    fn what_it_overwrote_as_a_follower_is_not_in_it() {
        let written: [Written<'_>; 3] = [
            (2, 0, &[(3, 1), (4, 2), (5, 2)]),
            (3, 0, &[(4, 3)]),
            (4, 4, &[(5, 4)]),
        ];
        let tail = salvage(7, 1, &records(&written), 3).expect("a leader's log");
        assert_eq!(places(&tail), [(4, 3), (5, 4)]);
    }

    #[test]
    fn nothing_is_taken_from_a_follower_or_a_deposed_leader() {
        for led in [0, 2] {
            let records = records(&[(2, led, &[(3, 2), (4, 2)]), (3, led, &[])]);
            let refused = Err(Unsalvageable::NotLeader { term: 3 });
            assert_eq!(salvage(7, 1, &records, 3), refused);
        }
    }

    #[test]
    fn records_that_do_not_reach_back_ask_for_more() {
        let records = records(&[(2, 2, &[(4, 2)])]);
        let wanted = Err(Unsalvageable::OutOfReach { wanted: 3 });
        assert_eq!(salvage(7, 1, &records, 3), wanted);
        assert_eq!(salvage(7, 1, &[], 3), Err(Unsalvageable::Empty));
    }

    #[test]
    fn damage_and_foreign_logs_are_named() {
        let mut bad = records(&[(2, 2, &[(3, 2)])]);
        let of_other = salvage(8, 1, &bad, 3);
        assert!(matches!(
            of_other,
            Err(Unsalvageable::Damaged(Damage::Foreign { .. }))
        ));
        bad[0].1[30] ^= 1;
        let damaged = salvage(7, 1, &bad, 3);
        assert!(matches!(
            damaged,
            Err(Unsalvageable::Damaged(Damage::Record { seq: 9, .. }))
        ));
    }
}
