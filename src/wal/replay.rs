//! From the two tables to the state a replica goes on from, or to the name of what is damaged.

use std::collections::VecDeque;

use thiserror::Error;

use super::log::Log;
use super::record::{HardState, Record, WriteBatch};
use super::snapshot::Snapshot;
use crate::frame::FrameError;
use crate::kv::Store;
use crate::planted::{self, Bug};
use crate::wire::{ClusterId, EntryKind, LogEntry, Membership, NodeId};

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
    pub cluster: ClusterId,
    /// Index and term of the newest whole snapshot, and the membership in force there.
    pub snapshot: (u64, u64),
    pub membership: Membership,
    /// The state machine up to `applied`: the snapshot's, and what was applied ahead.
    pub store: Store,
    pub applied: u64,
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
        let (mut store, (mut index, mut term)) = (self.store, self.snapshot);
        for entry in self.entries {
            if !(index + 1..=self.hard_state.commit).contains(&entry.index) {
                continue;
            }
            if entry.index > self.applied {
                apply(&mut store, &entry);
            }
            (index, term) = (entry.index, entry.term);
        }
        Snapshot {
            cluster: self.cluster,
            index,
            term,
            membership: self.membership,
            store,
        }
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
    Replay::new(cluster, node).finish(tables)
}

/// A disk that is read bit by bit while its host goes on writing, so that little is left to do when
/// a replica is to go on from it.
///
/// Of the rows it was given it relies on what every host keeps to: a row stays as it is for as long
/// as it is there.
#[derive(Clone)]
pub struct Replay {
    cluster: ClusterId,
    node: NodeId,
    log: Log,
    /// How many records the log is made of, the first's key and the last's.
    records: usize,
    ends: Option<(u64, u64)>,
    state: Option<State>,
}

/// A snapshot's state machine, and what was applied to it.
#[derive(Clone)]
struct State {
    snapshot: (u64, u64),
    membership: Membership,
    store: Store,
    applied: u64,
}

impl Replay {
    pub fn new(cluster: ClusterId, node: NodeId) -> Self {
        Self {
            cluster,
            node,
            log: Log::default(),
            records: 0,
            ends: None,
            state: None,
        }
    }

    /// Takes in what the tables have that they had not before, and applies what is known to be
    /// committed, up to the next change of the membership.
    ///
    /// # Errors
    /// Damage of a record. It is of no use then.
    pub fn follow(&mut self, tables: &Tables) -> Result<(), Damage> {
        self.add(&tables.records)?;
        let newest = tables.snapshots.last();
        self.state
            .take_if(|state| newest.is_none_or(|(at, _)| *at != state.snapshot.0));
        if self.state.is_none() {
            // A damaged one is for a replica that has to do without it.
            self.state = newest
                .and_then(|(at, bytes)| decode(self.cluster, *at, bytes).ok())
                .filter(|snapshot| self.log.reaches(snapshot.index, snapshot.term))
                .map(State::of);
        }
        if let Some(state) = &mut self.state {
            let commit = self.log.hard_state.commit;
            let following = self.log.entries_from(state.applied + 1);
            for entry in following.iter().take_while(|entry| entry.index <= commit) {
                if entry.kind != EntryKind::Normal {
                    break;
                }
                apply(&mut state.store, entry);
                state.applied = entry.index;
            }
        }
        Ok(())
    }

    /// What a replica goes on from that has these tables for a disk.
    ///
    /// # Errors
    /// As [`replay`].
    pub fn finish(mut self, tables: &Tables) -> Result<Recovered, Damage> {
        self.add(&tables.records)?;
        let mut log = self.log;
        let Some(last_seq) = log.last_seq else {
            let first = tables.snapshots.first();
            return Err(first.map_or(Damage::NoSnapshot, |_| Damage::MissingRecord { seq: 1 }));
        };
        let oldest = tables.records.first().map(|(seq, _)| *seq);
        if oldest.is_some_and(|seq| seq > log.oldest_seq) {
            let seq = log.oldest_seq;
            return Err(Damage::MissingRecord { seq });
        }
        let newest = tables.snapshots.last().map(|(at, _)| *at);
        let ahead = self.state.filter(|state| {
            let (index, term) = state.snapshot;
            newest == Some(index) && log.reaches(index, term)
        });
        let (state, fell_back_from) = match ahead {
            Some(state) => (state, None),
            None => {
                let (newest, fell_back_from) =
                    newest_snapshot(self.cluster, &tables.snapshots, &log)?;
                (State::of(newest), fell_back_from)
            }
        };
        let (hard_state, led_term) = (log.hard_state, log.led_term);
        let extents = std::mem::take(&mut log.extents);
        let (base, entries) = log.entries_around(state.snapshot);
        let last_index = entries.last().map_or(base.0, |entry| entry.index);
        let commit = hard_state.commit.max(state.snapshot.0);
        if commit > last_index {
            return Err(Damage::Inconsistent {
                seq: last_seq,
                what: "it commits entries that the log does not have",
            });
        }
        Ok(Recovered {
            cluster: self.cluster,
            snapshot: state.snapshot,
            membership: state.membership,
            store: state.store,
            applied: state.applied,
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

    /// Adds the records that are new; all of them, if some are gone that it had.
    fn add(&mut self, records: &[(u64, Vec<u8>)]) -> Result<(), Damage> {
        if ends(records.get(..self.records).unwrap_or_default()) != self.ends {
            (self.log, self.records) = (Log::default(), 0);
        }
        for (seq, bytes) in &records[self.records..] {
            let added = self.log.add(self.cluster, self.node, *seq, bytes);
            let is_last = records.last().is_some_and(|(last, _)| last == seq);
            let cut = is_last && planted::is(Bug::DamagedTailCut);
            added.or_else(|damage| if cut { Ok(()) } else { Err(damage) })?;
        }
        (self.records, self.ends) = (records.len(), ends(records));
        Ok(())
    }
}

impl State {
    fn of(snapshot: Snapshot) -> Self {
        Self {
            snapshot: (snapshot.index, snapshot.term),
            membership: snapshot.membership,
            store: snapshot.store,
            applied: snapshot.index,
        }
    }
}

/// Keys of the first and the last; those between are between them.
fn ends(records: &[(u64, Vec<u8>)]) -> Option<(u64, u64)> {
    Some((records.first()?.0, records.last()?.0))
}

fn apply(store: &mut Store, entry: &LogEntry) {
    if entry.kind == EntryKind::Normal && !entry.data.is_empty() {
        store.apply(entry.index, entry.term, &entry.data);
    }
}

fn decode(cluster: ClusterId, at: u64, bytes: &[u8]) -> Result<Snapshot, FrameError> {
    let snapshot = Snapshot::decode(bytes)?;
    let ours = snapshot.cluster == cluster && snapshot.index == at;
    ours.then_some(snapshot).ok_or(FrameError::Contents)
}

/// The newest whole snapshot that the log goes on from, and the index of a damaged newer one.
fn newest_snapshot(
    cluster: ClusterId,
    stored: &[(u64, Vec<u8>)],
    log: &Log,
) -> Result<(Snapshot, Option<u64>), Damage> {
    let mut damaged = None;
    for (index, bytes) in stored.iter().rev() {
        match decode(cluster, *index, bytes) {
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
