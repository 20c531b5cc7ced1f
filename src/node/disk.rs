//! What is on a replica's disk, on its way there, and gathered for the next batch.

use std::collections::VecDeque;

use raft::eraftpb::Entry;

use super::fold::Run;
use crate::wal::replay::Extent;
use crate::wal::{Recovered, Snapshot};
use crate::wire::{LogEntry, Membership};

/// What is known of the disk.
pub struct Disk {
    pub last_seq: u64,
    pub extents: VecDeque<Extent>,
    pub run: Run,
    pub bytes: u64,
    /// Index and term of the newest durable snapshot, and its membership.
    pub snapshot: (u64, u64),
    pub snapshot_membership: Membership,
    /// A snapshot from here on has the members of now: no change was applied after it.
    pub membership_index: u64,
    pub led_term: u64,
    /// The term and the commit index that are durable.
    pub term: u64,
    pub commit: u64,
    pub in_flight: Option<InFlight>,
    pub next: Gathered,
}

pub struct InFlight {
    pub seq: u64,
    /// The newest Ready in the batch.
    pub ready: u64,
    pub term: u64,
    pub commit: u64,
    pub snapshot: Option<((u64, u64), Membership)>,
    /// The snapshot is a leader's and replaces the state machine.
    pub installs: Option<Snapshot>,
}

/// A batch in the making.
#[derive(Default)]
pub struct Gathered {
    /// Something in it must be durable before messages may go: it is to be written as soon as
    /// the disk is free.
    pub sync: bool,
    /// There is something to write, if only a commit index, which may wait for a tick.
    pub dirty: bool,
    pub entries: Vec<LogEntry>,
    pub membership: Option<(u64, Membership)>,
    pub snapshot: Option<((u64, u64), Membership, Vec<u8>)>,
    pub installs: Option<Snapshot>,
}

impl Disk {
    pub fn new(recovered: &Recovered) -> Self {
        Self {
            last_seq: recovered.last_seq,
            run: Run::of(recovered.extents.iter()),
            extents: recovered.extents.clone(),
            bytes: recovered.extents.iter().map(|extent| extent.bytes).sum(),
            snapshot: recovered.snapshot,
            snapshot_membership: recovered.membership.clone(),
            membership_index: recovered.snapshot.0,
            led_term: recovered.led_term,
            term: recovered.hard_state.term,
            commit: recovered.hard_state.commit,
            in_flight: None,
            next: Gathered::default(),
        }
    }

    pub fn records(&self) -> u64 {
        self.extents.len() as u64
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether this term is durable, and with it the vote in it.
    pub fn is_durable_in(&self, term: u64) -> bool {
        self.term == term
    }

    /// Nothing that messages could depend on is undone.
    pub fn is_settled(&self) -> bool {
        self.in_flight.is_none() && !self.next.sync
    }

    /// A commit index alone is worth a write when nothing else is going on.
    pub fn flush_lazily(&mut self) {
        self.next.sync |= self.next.dirty && self.in_flight.is_none();
    }

    /// Whether it is durable that `index` is committed. If not, it will be: something waits for it.
    pub fn makes_commit_durable(&mut self, index: u64) -> bool {
        let under_way = |batch: &InFlight| batch.commit >= index;
        let durable = self.commit >= index;
        self.next.sync |= !durable && !self.in_flight.as_ref().is_some_and(under_way);
        durable
    }

    pub fn add_membership(&mut self, index: u64, membership: Membership) {
        self.membership_index = index;
        self.next.membership = Some((index, membership));
        self.next.dirty = true;
    }

    pub fn add_entries(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first().map(|entry| entry.index) else {
            return;
        };
        let keep = self.next.entries.partition_point(|e| e.index < first);
        self.next.entries.truncate(keep);
        let entries = entries.iter().cloned().map(LogEntry::from);
        self.next.entries.extend(entries);
        self.next.sync = true;
    }

    pub fn install(&mut self, snapshot: Snapshot, body: Vec<u8>) {
        self.next.entries.clear();
        let at = (snapshot.index, snapshot.term);
        self.next.snapshot = Some((at, snapshot.membership.clone(), body));
        self.next.installs = Some(snapshot);
        self.next.sync = true;
    }

    /// Whether a snapshot is on its way to the disk.
    pub fn takes_snapshot(&self) -> bool {
        let under_way = |batch: &InFlight| batch.snapshot.is_some();
        self.next.snapshot.is_some() || self.in_flight.as_ref().is_some_and(under_way)
    }

    pub fn add_snapshot(&mut self, at: (u64, u64), membership: Membership, body: Vec<u8>) {
        self.next.snapshot = Some((at, membership, body));
        self.next.sync = true;
    }
}

impl Disk {
    /// The first record that is needed once a new snapshot joins the newest: the first one with
    /// entries after the newest.
    pub fn first_needed(&self) -> Option<u64> {
        let needed = |extent: &&Extent| extent.last_index > self.snapshot.0;
        let first = self.extents.iter().find(needed);
        first.map(|extent| extent.seq)
    }

    /// The oldest record that stays where those below `from` and those from `until` on go.
    pub fn oldest(&self, from: u64, until: u64) -> Option<u64> {
        let stays = |extent: &&Extent| (from..until).contains(&extent.seq);
        self.extents.iter().find(stays).map(|extent| extent.seq)
    }

    /// Takes in the record about to be written, in place of those it folds.
    pub fn add_extent(&mut self, extent: Extent, folds_from: Option<u64>) {
        if let Some(from) = folds_from {
            while let Some(folded) = self.extents.pop_back_if(|extent| extent.seq >= from) {
                self.bytes -= folded.bytes;
            }
        }
        self.run.add(&extent);
        self.bytes += extent.bytes;
        self.extents.push_back(extent);
    }

    pub fn drop_extents(&mut self, below: u64) {
        while let Some(dropped) = self.extents.pop_front_if(|extent| extent.seq < below) {
            self.bytes -= dropped.bytes;
        }
    }
}
