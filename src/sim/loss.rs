//! Disks that are damaged or emptied, and what the cluster may lose of them.
//!
//! A replica that forgot its word must not give it anew, so one whose disk is lost stays down until
//! it is removed and replaced:
//!
//! - one whose records are damaged or missing, because replay refuses it;
//! - one whose disk is empty although it was a member, by the rule of the product's registry;
//! - with relaxed durability one that lost its newest writes in a power cut. Nothing on its disk
//!   says so, which is why relaxed durability keeps no promise over a power cut. Here the operator
//!   knows, and what is checked is that the disk is one that the replica once had.
//!
//! Raft goes on only while a majority keeps its disk. So a disk is lost only while all others are
//! well and a majority of them: [`World::may_lose`].

use super::World;
use super::fault::Fault;
use super::host::{Host, State};
use crate::node::Node;
use crate::wal::{self, Tables};
use crate::wire::{EntryKind, LogEntry, NodeId};

/// Why a replica stays down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Damaged,
    Evicted,
    /// Its newest writes are gone.
    Forgot,
}

/// What on a disk is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damaged {
    /// A bit of a record or a snapshot is flipped: which one, and which bit.
    Record(u64, u64),
    Snapshot(u64, u64),
    /// A record is missing that is not the newest.
    Missing(u64),
}

impl World {
    /// Damages what a replica has stored. Its host does not notice before it reads its disk again.
    pub fn damage(&mut self, id: NodeId, damaged: Damaged) {
        let Some(host) = self.hosts.get(&id) else {
            return;
        };
        let mut tables = host.disk.tables.clone();
        let done = match damaged {
            Damaged::Record(which, bit) => flip(&mut tables.records, which, bit),
            Damaged::Snapshot(which, bit) => flip(&mut tables.snapshots, which, bit),
            Damaged::Missing(which) => {
                // The newest is never missing: that would be a write taken back.
                let others = tables.records.len().saturating_sub(1) as u64;
                if others > 0 {
                    tables.records.remove((which % others) as usize);
                }
                others > 0
            }
        };
        let is_readable = wal::replay(self.settings.cluster, id, &tables).is_ok();
        if !done || (!is_readable && !self.may_lose(id)) {
            return;
        }
        if let Some(host) = self.hosts.get_mut(&id) {
            host.disk.tables = tables;
            self.spoiled.insert(id);
            self.story.tell(|| format!("{id} disk: {damaged:?}"));
        }
    }

    /// The browser deletes a replica's database. Its host finds it closed, and ends.
    pub fn evict(&mut self, id: NodeId) {
        if !self.may_lose(id) {
            return;
        }
        self.crash(id, false);
        if let Some(host) = self.hosts.get_mut(&id) {
            host.disk.evict();
            self.faults.count(Fault::Eviction);
            self.lost.insert(id, Loss::Evicted);
            self.story
                .tell(|| format!("{id} has lost all it had stored"));
        }
    }

    /// Power is gone: everything ends at once, and nobody is left to hear of it. Of the writes under
    /// way some reached the disks.
    pub fn cut_power(&mut self, fates: u64) {
        let ids: Vec<NodeId> = self.hosts.keys().copied().collect();
        // Before anybody is down.
        let loser = ids.iter().copied().find(|id| {
            let host = &self.hosts[id];
            fates.rotate_right(*id as u32) & 1 == 1
                && host.disk.unsynced() > 0
                && self.may_lose(*id)
        });
        self.faults.count(Fault::PowerCut);
        for id in ids {
            self.end(id, fates.rotate_left(id as u32) & 1 == 1);
        }
        if let Some(id) = loser {
            self.lose_suffix(id, fates);
        }
    }

    fn lose_suffix(&mut self, id: NodeId, fates: u64) {
        let cluster = self.settings.cluster;
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        let unsynced = host.disk.unsynced() as u64;
        let kept = fates % unsynced.max(1);
        host.disk.lose_unsynced(kept as usize);
        self.faults.count(Fault::LostSuffix);
        self.lost.insert(id, Loss::Forgot);
        self.story
            .tell(|| format!("{id} lost {} writes", unsynced - kept));
        let found = wal::replay(cluster, id, &host.disk.tables);
        let durable = host.disk.durable;
        let is_sound = found.as_ref().is_ok_and(|found| {
            let last = found.entries.last().map_or(found.base.0, |e| e.index);
            found.hard_state.term == durable.term
                && found.hard_state.vote == durable.vote
                && last == durable.last_index
        });
        if !is_sound && !self.spoiled.contains(&id) {
            self.replicas
                .violated(format!("{id} lost its newest writes, and more: {found:?}"));
        }
    }

    /// Whether the cluster goes on without this replica's disk, whatever is under way: all others
    /// are up and well, agree about who is a member, have no change of that in their logs, and are
    /// a majority.
    pub fn may_lose(&self, id: NodeId) -> bool {
        let membership = self.replicas.membership();
        let is_quiet = membership.voters_outgoing.is_empty()
            && self.agenda.now() >= self.calm_at
            && self.zombies.is_empty();
        let mut well = 0;
        for other in membership.members() {
            if other == id || self.lost.contains_key(&other) {
                continue;
            }
            let Some(host) = self.hosts.get(&other) else {
                return false;
            };
            let State::Up(node) = &host.state else {
                return false;
            };
            if node.membership() != membership || has_change(node) || !self.is_readable(host) {
                return false;
            }
            well += usize::from(membership.voters.contains(&other));
        }
        self.losses && is_quiet && well > membership.voters.len() / 2
    }

    fn is_readable(&self, host: &Host) -> bool {
        let tables: &Tables = &host.disk.tables;
        !self.spoiled.contains(&host.id)
            || wal::replay(self.settings.cluster, host.id, tables).is_ok()
    }
}

/// Whether a conf change is in its log that it has not applied.
pub(super) fn has_change(node: &Node) -> bool {
    let log = node.log().iter().filter(|e| e.index > node.applied());
    log.map(|entry| LogEntry::from(entry.clone()).kind)
        .any(|kind| kind != EntryKind::Normal)
}

fn flip(rows: &mut [(u64, Vec<u8>)], which: u64, bit: u64) -> bool {
    let many = rows.len() as u64;
    let Some((_, bytes)) = which
        .checked_rem(many)
        .and_then(|i| rows.get_mut(i as usize))
    else {
        return false;
    };
    let bit = bit % (8 * bytes.len() as u64);
    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    true
}
