//! The log in memory, as raft-rs reads it: everything since the last compaction, persisted or on
//! its way there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Result, Storage, StorageError};

use crate::wire::{Membership, NodeId};

/// What an entry costs beyond its data, roughly, in bytes.
const ENTRY_OVERHEAD_BYTES: u64 = 64;

#[derive(Default)]
pub struct Log {
    /// Index and term just before the first entry.
    base: (u64, u64),
    entries: VecDeque<Entry>,
    /// Each term of which there are entries, with the first of them, ascending.
    terms: VecDeque<(u64, u64)>,
    bytes: u64,
    pub hard_state: HardState,
    /// The membership to start with: that of the snapshot, never a later one, since the conf
    /// changes after it are applied again.
    pub conf_state: ConfState,
    /// The snapshots for followers that are too far behind, while they need them.
    for_followers: BTreeMap<NodeId, Snapshot>,
    /// The followers raft-rs asked for a snapshot for when there was none.
    wanted: RefCell<BTreeSet<NodeId>>,
}

impl Log {
    pub fn new(base: (u64, u64), entries: Vec<Entry>, state: RaftState) -> Self {
        let mut log = Self {
            base,
            hard_state: state.hard_state,
            conf_state: state.conf_state,
            ..Self::default()
        };
        log.append(&entries);
        log
    }

    pub fn first(&self) -> u64 {
        self.base.0 + 1
    }

    pub fn last(&self) -> u64 {
        self.base.0 + self.entries.len() as u64
    }

    /// What the entries cost in memory, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The index at which each term's entries begin, and the term; the newest so many terms.
    pub fn terms(&self, many: usize) -> Vec<(u64, u64)> {
        let skipped = self.terms.len().saturating_sub(many);
        self.terms.iter().skip(skipped).copied().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The entries from an index on; none if it is not there.
    pub fn iter_from(&self, index: u64) -> impl Iterator<Item = &Entry> {
        let offset = index.checked_sub(self.first());
        let offset = offset.map_or(self.entries.len(), |offset| offset as usize);
        self.entries.range(offset.min(self.entries.len())..)
    }

    fn entry(&self, index: u64) -> Option<&Entry> {
        let offset = index.checked_sub(self.first())?;
        self.entries.get(usize::try_from(offset).ok()?)
    }

    /// The term of the entry at `index`, or of the one just before the first.
    pub fn term_at(&self, index: u64) -> Option<u64> {
        if index == self.base.0 {
            return Some(self.base.1);
        }
        self.entry(index).map(|entry| entry.term)
    }

    /// Puts consecutive entries in place of what the log has from the first one's index on.
    pub fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else {
            return;
        };
        assert!(
            (self.first()..=self.last() + 1).contains(&first.index),
            "raft-rs appends to a log at {}..={} from {}",
            self.first(),
            self.last(),
            first.index
        );
        while self.last() >= first.index {
            if let Some(removed) = self.entries.pop_back() {
                self.bytes -= cost(&removed);
            }
        }
        while self
            .terms
            .pop_back_if(|(begins, _)| *begins >= first.index)
            .is_some()
        {}
        for entry in entries {
            if self
                .terms
                .back()
                .is_none_or(|(_, term)| *term != entry.term)
            {
                self.terms.push_back((entry.index, entry.term));
            }
        }
        self.bytes += entries.iter().map(cost).sum::<u64>();
        self.entries.extend(entries.iter().cloned());
    }

    /// Forgets the entries up to `index` but for the last `keep` of them; more of those while the
    /// log is larger than `bytes_max`.
    pub fn compact(&mut self, index: u64, keep: u64, bytes_max: u64) {
        let until = index.saturating_sub(keep);
        while (self.base.0 < until || (self.base.0 < index && self.bytes > bytes_max))
            && let Some(removed) = self.entries.pop_front()
        {
            self.base = (removed.index, removed.term);
            self.bytes -= cost(&removed);
        }
        let (base, first) = (self.base.0, self.first());
        // A term whose entries are all gone ends before the next begins.
        while self
            .terms
            .get(1)
            .is_some_and(|(begins, _)| *begins <= first)
        {
            self.terms.pop_front();
        }
        if self.entries.is_empty() {
            self.terms.clear();
        } else if let Some((begins, _)) = self.terms.front_mut() {
            *begins = first.max(*begins);
        }
        self.for_followers
            .retain(|_, snapshot| snapshot.get_metadata().index >= base);
    }

    /// Begins anew after a snapshot that came from the leader.
    pub fn install(&mut self, snapshot: &Snapshot) {
        let metadata = snapshot.get_metadata();
        self.base = (metadata.index, metadata.term);
        self.entries.clear();
        self.terms.clear();
        self.bytes = 0;
        self.conf_state = metadata.get_conf_state().clone();
        self.hard_state.commit = self.hard_state.commit.max(metadata.index);
        self.for_followers.clear();
    }

    /// The followers that raft-rs asked for a snapshot for when there was none.
    pub fn take_wanted(&self) -> BTreeSet<NodeId> {
        self.wanted.take()
    }

    pub fn offer_snapshot(&mut self, to: NodeId, snapshot: Snapshot) {
        self.for_followers.insert(to, snapshot);
    }

    pub fn drop_snapshot(&mut self, to: NodeId) {
        self.for_followers.remove(&to);
    }

    /// Forgets the snapshots of all other followers.
    pub fn keep_snapshots_for(&mut self, followers: &[NodeId]) {
        self.for_followers.retain(|id, _| followers.contains(id));
    }
}

/// What an entry costs in memory, in bytes.
pub fn cost(entry: &Entry) -> u64 {
    (entry.data.len() + entry.context.len()) as u64 + ENTRY_OVERHEAD_BYTES
}

impl Storage for Log {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState::new(
            self.hard_state.clone(),
            self.conf_state.clone(),
        ))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low < self.first() {
            return Err(StorageError::Compacted.into());
        }
        if high > self.last() + 1 {
            return Err(StorageError::Unavailable.into());
        }
        let bytes_max = max_size.into().unwrap_or(u64::MAX);
        let mut bytes = 0;
        let found = (low..high).map_while(|index| self.entry(index));
        Ok(found
            .take_while(|entry| {
                let first = bytes == 0;
                bytes += cost(entry);
                first || bytes <= bytes_max
            })
            .cloned()
            .collect())
    }

    fn term(&self, index: u64) -> Result<u64> {
        if index < self.base.0 {
            return Err(StorageError::Compacted.into());
        }
        self.term_at(index)
            .ok_or_else(|| StorageError::Unavailable.into())
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.first())
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.last())
    }

    /// Making one takes the state machine, which the log does not have. So raft-rs is told to wait,
    /// and the follower is noted. A follower ignores a snapshot from before it was a member.
    fn snapshot(&self, request_index: u64, to: u64) -> Result<Snapshot> {
        let suits = |snapshot: &&Snapshot| {
            let metadata = snapshot.get_metadata();
            let membership = Membership::from(metadata.get_conf_state().clone());
            metadata.index >= request_index && membership.has(to)
        };
        match self.for_followers.get(&to).filter(suits) {
            Some(snapshot) => Ok(snapshot.clone()),
            None => {
                self.wanted.borrow_mut().insert(to);
                Err(StorageError::SnapshotTemporarilyUnavailable.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, term: u64) -> Entry {
        Entry {
            index,
            term,
            ..Entry::default()
        }
    }

    /// A log with entries 4 and 5 after a base of 3, at terms equal to the indices.
    fn log() -> Log {
        let entries = vec![entry(4, 4), entry(5, 5)];
        Log::new((3, 3), entries, RaftState::default())
    }

    fn terms(log: &Log) -> Vec<(u64, u64)> {
        log.iter().map(|entry| (entry.index, entry.term)).collect()
    }

    /// What the terms of a log are by its entries.
    fn spans(log: &Log) -> Vec<(u64, u64)> {
        let mut spans = terms(log);
        spans.dedup_by_key(|(_, term)| *term);
        spans
    }

    fn range(log: &Log, low: u64, high: u64, bytes: u64) -> Result<Vec<u64>> {
        let entries = log.entries(low, high, bytes, GetEntriesContext::empty(false))?;
        Ok(entries.into_iter().map(|entry| entry.index).collect())
    }

    #[test]
    fn terms_are_known_from_the_base_on() {
        let log = log();
        assert_eq!(log.term(2), Err(StorageError::Compacted.into()));
        assert_eq!(log.term(3), Ok(3));
        assert_eq!(log.term(5), Ok(5));
        assert_eq!(log.term(6), Err(StorageError::Unavailable.into()));
    }

    #[test]
    fn entries_are_had_within_bounds_and_never_fewer_than_one() {
        let log = log();
        let compacted = Err(StorageError::Compacted.into());
        assert_eq!(range(&log, 3, 5, u64::MAX), compacted);
        assert_eq!(range(&log, 4, 6, u64::MAX), Ok(vec![4, 5]));
        assert_eq!(range(&log, 4, 6, 2 * ENTRY_OVERHEAD_BYTES), Ok(vec![4, 5]));
        assert_eq!(range(&log, 4, 6, 2 * ENTRY_OVERHEAD_BYTES - 1), Ok(vec![4]));
        assert_eq!(range(&log, 4, 6, 0), Ok(vec![4]));
        let unavailable = Err(StorageError::Unavailable.into());
        assert_eq!(range(&log, 4, 7, u64::MAX), unavailable);
    }

    #[test]
    fn appending_replaces_what_is_there() {
        let cases = [
            (vec![(4, 4), (5, 5)], vec![(4, 4), (5, 5)]),
            (vec![(4, 6), (5, 6)], vec![(4, 6), (5, 6)]),
            (vec![(4, 6)], vec![(4, 6)]),
            (vec![(6, 6)], vec![(4, 4), (5, 5), (6, 6)]),
        ];
        for (appended, after) in cases {
            let entries = appended.into_iter().map(|(index, term)| entry(index, term));
            let entries: Vec<_> = entries.collect();
            let mut log = log();
            log.append(&entries);
            assert_eq!(terms(&log), after);
            assert_eq!(log.terms(9), spans(&log));
            assert_eq!(log.bytes(), after.len() as u64 * ENTRY_OVERHEAD_BYTES);
        }
    }

    #[test]
    fn compaction_keeps_some_for_followers_and_fewer_when_they_are_large() {
        // Up to, kept, bytes; the first index left.
        let cases = [
            (5, 0, u64::MAX, 6),
            (5, 1, u64::MAX, 5),
            (5, 9, u64::MAX, 4),
            (4, 9, 0, 5),
            (3, 0, 0, 4),
        ];
        for (index, keep, bytes_max, first) in cases {
            let mut log = log();
            log.compact(index, keep, bytes_max);
            assert_eq!(log.first_index(), Ok(first));
            assert_eq!(log.term(first - 1), Ok(first - 1));
            assert_eq!(log.last_index(), Ok(5));
            assert_eq!(log.terms(9), spans(&log));
        }
    }

    #[test]
    fn each_term_is_told_with_the_index_it_begins_at() {
        let of = |entries: &[(u64, u64)]| entries.iter().map(|(i, t)| entry(*i, *t)).collect();
        let entries = of(&[(1, 1), (2, 1), (3, 2), (4, 2), (5, 2), (6, 5), (7, 5)]);
        let mut log = Log::new((0, 0), entries, RaftState::default());
        assert_eq!(log.terms(9), [(1, 1), (3, 2), (6, 5)]);
        assert_eq!(log.terms(2), [(3, 2), (6, 5)]);
        log.compact(4, 0, u64::MAX);
        assert_eq!(log.terms(9), [(5, 2), (6, 5)]);
        log.append(&of(&[(6, 7), (7, 7)]));
        assert_eq!(log.terms(9), [(5, 2), (6, 7)]);
        log.append(&of(&[(5, 8)]));
        assert_eq!(log.terms(9), [(5, 8)]);
        log.compact(5, 0, u64::MAX);
        assert_eq!(log.terms(9), []);
        log.append(&of(&[(6, 8), (7, 9)]));
        assert_eq!(log.terms(9), [(6, 8), (7, 9)]);
    }

    #[test]
    fn an_installed_snapshot_takes_the_logs_place() {
        let mut log = log();
        let mut snapshot = Snapshot::default();
        snapshot.mut_metadata().index = 9;
        snapshot.mut_metadata().term = 7;
        log.install(&snapshot);
        assert_eq!((log.first(), log.last(), log.bytes()), (10, 9, 0));
        assert_eq!(log.term(9), Ok(7));
        assert_eq!(log.terms(9), []);
        assert_eq!(log.hard_state.commit, 9);
    }

    #[test]
    fn a_snapshot_is_for_the_members_it_has() {
        let mut log = log();
        let temporarily = StorageError::SnapshotTemporarilyUnavailable;
        assert_eq!(log.snapshot(0, 2), Err(temporarily.into()));
        assert_eq!(log.take_wanted(), BTreeSet::from([2]));
        let mut snapshot = Snapshot::default();
        snapshot.mut_metadata().index = 5;
        snapshot.mut_metadata().mut_conf_state().voters = vec![1, 2];
        log.offer_snapshot(2, snapshot.clone());
        log.offer_snapshot(3, snapshot.clone());
        assert_eq!(log.snapshot(0, 2), Ok(snapshot));
        assert!(log.snapshot(0, 3).is_err());
        assert_eq!(log.take_wanted(), BTreeSet::from([3]));
    }
}
