//! From the two tables to the state a replica goes on from, or to the name of what is damaged.

use std::collections::VecDeque;

use thiserror::Error;

use super::record::{HardState, Record, WriteBatch};
use super::snapshot::Snapshot;
use crate::frame::FrameError;
use crate::planted::{self, Bug};
use crate::wire::{ClusterId, EntryKind, LogEntry, NodeId};

/// All that a replica's disk holds, in the order of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    pub records: Vec<(u64, Vec<u8>)>,
    pub snapshots: Vec<(u64, Vec<u8>)>,
}

impl Tables {
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.snapshots.is_empty()
    }

    /// Does what a transaction does. The disk of the tests and of the simulated world.
    pub fn write(&mut self, batch: &WriteBatch) {
        if let Some((index, bytes)) = &batch.snapshot {
            self.snapshots.retain(|(at, _)| at != index);
            self.snapshots.push((*index, bytes.clone()));
            self.snapshots.sort_by_key(|(at, _)| *at);
        }
        if let Some(from) = batch.folds_from {
            self.records.retain(|(seq, _)| *seq < from);
        }
        if planted::is(Bug::DamagedTailCut) {
            self.records.retain(|(seq, _)| *seq < batch.seq);
        }
        self.records.push((batch.seq, batch.record.clone()));
        if let Some(below) = batch.drop_records_below {
            self.records.retain(|(seq, _)| *seq >= below);
        }
        if let Some(below) = batch.drop_snapshots_below {
            self.snapshots.retain(|(at, _)| *at >= below);
        }
    }
}

/// What a replica goes on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    pub snapshot: Snapshot,
    pub hard_state: HardState,
    pub led_term: u64,
    /// Index and term just before the first entry.
    pub base: (u64, u64),
    /// Consecutive, from `base.0 + 1` on; they may begin before the snapshot's index.
    pub entries: Vec<LogEntry>,
    /// The newest record's key, and for each record what deleting and folding need to know.
    pub last_seq: u64,
    pub extents: VecDeque<Extent>,
    /// A newer snapshot was damaged; this one and the log replace it.
    pub fell_back_from: Option<u64>,
}

impl Recovered {
    /// The state that the disk knows to be committed. Its membership is still the snapshot's.
    pub fn committed(self) -> Snapshot {
        let mut state = self.snapshot;
        for entry in self.entries {
            if !(state.index + 1..=self.hard_state.commit).contains(&entry.index) {
                continue;
            }
            if entry.kind == EntryKind::Normal && !entry.data.is_empty() {
                state.store.apply(entry.index, entry.term, &entry.data);
            }
            (state.index, state.term) = (entry.index, entry.term);
        }
        state
    }
}

/// What one record covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub seq: u64,
    /// Of its entries; 0 for none.
    pub first_index: u64,
    pub last_index: u64,
    pub bytes: u64,
    /// Whether it says nothing that a later record's entries and hard state do not say anew.
    pub foldable: bool,
}

impl Extent {
    pub fn of(record: &Record, bytes: u64) -> Self {
        let at = |entry: Option<&LogEntry>| entry.map_or(0, |entry| entry.index);
        let alone = record.from_seq == record.seq;
        Self {
            seq: record.seq,
            first_index: at(record.entries.first()),
            last_index: at(record.entries.last()),
            bytes,
            foldable: alone && record.membership.is_none() && record.snapshot.is_none(),
        }
    }
}

/// Why a disk cannot be gone on from. Nothing is changed on it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    #[error("WAL record {seq} is damaged: {cause}")]
    Record { seq: u64, cause: FrameError },
    #[error("WAL record {seq} is missing")]
    MissingRecord { seq: u64 },
    #[error("WAL record {seq} belongs to node {node} of cluster {cluster:016x}")]
    Foreign {
        seq: u64,
        cluster: ClusterId,
        node: NodeId,
    },
    #[error("WAL record {seq} does not continue the log: {what}")]
    Inconsistent { seq: u64, what: &'static str },
    #[error(
        "the snapshot at index {index} is damaged ({cause}) and the log does not reach back far enough to do without it"
    )]
    Snapshot { index: u64, cause: FrameError },
    #[error(
        "the snapshot at index {index} is missing and the log does not reach back far enough to do without it"
    )]
    MissingSnapshot { index: u64 },
    #[error("there are records but no snapshot")]
    NoSnapshot,
}

/// Reads a disk.
///
/// # Errors
/// The first damage found. A damaged newest snapshot is none if an older one and the log do in
/// its place.
pub fn replay(cluster: ClusterId, node: NodeId, tables: &Tables) -> Result<Recovered, Damage> {
    let mut log = Log::default();
    for (seq, bytes) in &tables.records {
        let added = log.add(cluster, node, *seq, bytes);
        let is_last = tables.records.last().is_some_and(|(last, _)| last == seq);
        let cut = is_last && planted::is(Bug::DamagedTailCut);
        added.or_else(|damage| if cut { Ok(()) } else { Err(damage) })?;
    }
    let Some(last_seq) = log.last_seq else {
        let first = tables.snapshots.first();
        return Err(first.map_or(Damage::NoSnapshot, |_| Damage::MissingRecord { seq: 1 }));
    };
    let oldest = tables.records.first().map(|(seq, _)| *seq);
    if oldest.is_some_and(|seq| seq > log.oldest_seq) {
        let seq = log.oldest_seq;
        return Err(Damage::MissingRecord { seq });
    }
    let (snapshot, fell_back_from) = newest_snapshot(cluster, &tables.snapshots, &log)?;
    let (hard_state, led_term) = (log.hard_state, log.led_term);
    let extents = std::mem::take(&mut log.extents);
    let (base, entries) = log.entries_around(&snapshot);
    let last_index = entries.last().map_or(base.0, |entry| entry.index);
    let commit = hard_state.commit.max(snapshot.index);
    if commit > last_index {
        return Err(Damage::Inconsistent {
            seq: last_seq,
            what: "it commits entries that the log does not have",
        });
    }
    Ok(Recovered {
        snapshot,
        hard_state: HardState {
            commit,
            ..hard_state
        },
        led_term,
        base,
        entries,
        last_seq,
        extents,
        fell_back_from,
    })
}

/// The records, put together.
#[derive(Default)]
pub(super) struct Log {
    /// The oldest record there should be.
    oldest_seq: u64,
    last_seq: Option<u64>,
    pub(super) hard_state: HardState,
    pub(super) led_term: u64,
    pub(super) entries: Vec<LogEntry>,
    extents: VecDeque<Extent>,
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
    fn reaches(&self, index: u64, term: u64) -> bool {
        match self.entries.first() {
            None => self.marked == Some((index, term)),
            Some(first) => first.index == index + 1 || self.term_at(index) == Some(term),
        }
    }

    /// The entries, and index and term just before them.
    fn entries_around(self, snapshot: &Snapshot) -> ((u64, u64), Vec<LogEntry>) {
        let mut entries = self.entries;
        match entries.first() {
            Some(first) if first.index <= snapshot.index => {
                // The first entry gives the term before the second.
                let base = (first.index, first.term);
                entries.remove(0);
                (base, entries)
            }
            _ => ((snapshot.index, snapshot.term), entries),
        }
    }
}

/// The newest whole snapshot that the log goes on from, and the index of a damaged newer one.
fn newest_snapshot(
    cluster: ClusterId,
    stored: &[(u64, Vec<u8>)],
    log: &Log,
) -> Result<(Snapshot, Option<u64>), Damage> {
    let mut damaged = None;
    for (index, bytes) in stored.iter().rev() {
        let decoded = Snapshot::decode(bytes).and_then(|snapshot| {
            let ours = snapshot.cluster == cluster && snapshot.index == *index;
            ours.then_some(snapshot).ok_or(FrameError::Contents)
        });
        match decoded {
            Ok(snapshot) if log.reaches(snapshot.index, snapshot.term) => {
                return Ok((snapshot, damaged.map(|(index, _)| index)));
            }
            Ok(_) => {}
            Err(cause) => damaged = damaged.or(Some((*index, cause))),
        }
    }
    Err(match damaged {
        Some((index, cause)) => Damage::Snapshot { index, cause },
        None if stored.is_empty() => Damage::NoSnapshot,
        None => log
            .marked
            .map_or(Damage::NoSnapshot, |(index, _)| Damage::MissingSnapshot {
                index,
            }),
    })
}
