//! The log that records make up, put together one record after the other.

use std::collections::VecDeque;

use super::record::{HardState, Record};
use super::replay::{Damage, Extent};
use crate::wire::{ClusterId, LogEntry, NodeId};

/// The records, put together.
#[derive(Clone, Default)]
pub(super) struct Log {
    /// The oldest record there should be.
    pub(super) oldest_seq: u64,
    pub(super) last_seq: Option<u64>,
    pub(super) hard_state: HardState,
    pub(super) led_term: u64,
    pub(super) entries: Vec<LogEntry>,
    pub(super) extents: VecDeque<Extent>,
    /// The newest snapshot that a record speaks of.
    pub(super) marked: Option<(u64, u64)>,
}

impl Log {
    pub(super) fn add(
        &mut self,
        cluster: ClusterId,
        node: NodeId,
        seq: u64,
        bytes: &[u8],
    ) -> Result<(), Damage> {
        let record = Record::decode(bytes).map_err(|cause| Damage::Record { seq, cause })?;
        if (record.cluster, record.node) != (cluster, node) {
            return Err(Damage::Foreign {
                seq,
                cluster: record.cluster,
                node: record.node,
            });
        }
        let inconsistent = |what| Err(Damage::Inconsistent { seq, what });
        if record.seq != seq {
            return inconsistent("it was stored under another record's number");
        }
        if record.from_seq > seq {
            return inconsistent("it stands for records that come after it");
        }
        match self.last_seq {
            Some(last) if record.from_seq > last + 1 => {
                return Err(Damage::MissingRecord { seq: last + 1 });
            }
            Some(last) if record.from_seq <= last => {
                return inconsistent("it stands for records that are still there");
            }
            _ => {}
        }
        if !record.is_within_bounds() {
            return inconsistent("its numbers are out of all bounds");
        }
        if record.hard_state.term < self.hard_state.term {
            return inconsistent("its term is smaller than the record's before it");
        }
        self.extents
            .push_back(Extent::of(&record, bytes.len() as u64));
        if let Some((index, term)) = record.snapshot {
            self.mark_snapshot(index, term);
        }
        let first = record.entries.first().map(|entry| entry.index);
        if first.is_some_and(|index| index <= self.hard_state.commit) {
            return inconsistent("it replaces entries that were committed");
        }
        if !self.append(record.entries) {
            return inconsistent("its entries leave a gap");
        }
        if self.last_term() > record.hard_state.term {
            return inconsistent("its entries are of a later term than it is");
        }
        self.oldest_seq = record.oldest_seq;
        self.last_seq = Some(seq);
        self.hard_state = record.hard_state;
        self.led_term = record.led_term;
        Ok(())
    }

    /// A snapshot that the log does not lead up to was installed from a leader: it replaces the
    /// log, as it did in memory. One from before the log's first entry was the replica's own, and
    /// what led up to it is dropped since.
    fn mark_snapshot(&mut self, index: u64, term: u64) {
        let own = match self.entries.first() {
            Some(first) => index < first.index || self.term_at(index) == Some(term),
            None => true,
        };
        if !own {
            self.entries.clear();
        }
        self.marked = self.marked.max(Some((index, term)));
    }

    /// Puts entries in place of what the log had from their first index on, if they are consecutive,
    /// their terms never go back, and they follow what the log has.
    fn append(&mut self, entries: Vec<LogEntry>) -> bool {
        let Some(first) = entries.first().map(|entry| entry.index) else {
            return true;
        };
        match self.entries.first().map(|entry| entry.index) {
            Some(start)
                if (start..=start.saturating_add(self.entries.len() as u64)).contains(&first) =>
            {
                self.entries.truncate((first - start) as usize);
            }
            Some(start) if first < start => self.entries.clear(),
            Some(_) => return false,
            // Right after a snapshot was installed nothing but its successor can follow. The first
            // record there is may begin anywhere.
            None if self.last_seq.is_some()
                && self.marked.is_some_and(|(index, _)| first != index + 1) =>
            {
                return false;
            }
            None => {}
        }
        let before = self.entries.last().map_or(0, |entry| entry.term);
        let terms = entries.iter().map(|entry| entry.term);
        let sound = first > 0
            && entries
                .iter()
                .zip(first..)
                .all(|(entry, index)| entry.index == index)
            && std::iter::once(before).chain(terms).is_sorted();
        self.entries.extend(entries);
        sound
    }

    fn term_at(&self, index: u64) -> Option<u64> {
        let offset = index.checked_sub(self.entries.first()?.index)?;
        let entry = self.entries.get(usize::try_from(offset).ok()?)?;
        Some(entry.term)
    }

    fn last_term(&self) -> u64 {
        let marked = self.marked.map_or(0, |(_, term)| term);
        self.entries.last().map_or(marked, |entry| entry.term)
    }

    /// Whether snapshot `(index, term)` and the entries after it make up the whole log.
    pub(super) fn reaches(&self, index: u64, term: u64) -> bool {
        match self.entries.first() {
            None => self.marked == Some((index, term)),
            Some(first) => first.index == index + 1 || self.term_at(index) == Some(term),
        }
    }

    /// The entries from an index on; none if the log does not have the one before it, or this one for
    /// its first.
    pub(super) fn entries_from(&self, index: u64) -> &[LogEntry] {
        let first = self.entries.first().map_or(0, |entry| entry.index);
        let offset = index.checked_sub(first);
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        offset
            .and_then(|offset| self.entries.get(offset..))
            .unwrap_or_default()
    }

    /// The entries, and index and term just before them.
    pub(super) fn entries_around(self, snapshot: (u64, u64)) -> ((u64, u64), Vec<LogEntry>) {
        let mut entries = self.entries;
        match entries.first() {
            Some(first) if first.index <= snapshot.0 => {
                // The first entry gives the term before the second.
                let base = (first.index, first.term);
                entries.remove(0);
                (base, entries)
            }
            _ => (snapshot, entries),
        }
    }
}
