//! Raft's promises (Raft paper, figure 3), checked after every input of every replica, and the
//! promises of the disk, checked with every message, every write and every restart.
//!
//! - here: what is known of all replicas together, and what never goes back
//! - [`elections`]: one leader a term, leader completeness, one vote a term
//! - [`committed`]: state machine safety: entries, states and memberships are the same at the same
//!   index
//! - [`disks`]: log matching, one owner, what a restart must bring back, and what must have been
//!   deleted

mod committed;
mod disks;
mod elections;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Model;
use crate::kv::Store;
use crate::node::Node;
use crate::sim::disk::Disk;
use crate::wire::{LogEntry, Membership, NodeId};
use disks::Written;

/// What is known of all replicas together.
#[derive(Default)]
pub struct Replicas {
    leaders: BTreeMap<u64, NodeId>,
    votes: BTreeMap<(NodeId, u64), NodeId>,
    /// From index 2 on; a cluster begins with a snapshot at 1.
    committed: Vec<LogEntry>,
    /// For each of them, a term in which it was committed already.
    committed_by: Vec<u64>,
    /// The digest of the state machine after each of them.
    digests: Vec<u64>,
    store: Store,
    pub model: Model,
    /// The memberships, by the index since which each is in force.
    memberships: BTreeMap<u64, Membership>,
    /// Each entry that is on a disk, by index and term: a hash of it, and the term before it.
    entries: HashMap<(u64, u64), (u64, Option<u64>)>,
    written: BTreeMap<NodeId, Written>,
    seen: BTreeMap<NodeId, Seen>,
    /// The newest membership change that each replica has had in force.
    in_force: BTreeMap<NodeId, u64>,
    /// Those that lost their disk and are members still.
    forgetful: BTreeSet<NodeId>,
    violations: Vec<String>,
}

/// The last that was seen of a replica in its present life.
#[derive(Default)]
struct Seen {
    term: u64,
    commit: u64,
    applied: u64,
}

const FIRST: u64 = 2;

impl Replicas {
    pub fn is_sound(&self) -> bool {
        self.violations.is_empty()
    }

    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    pub fn violated(&mut self, what: String) {
        self.violations.push(what);
    }

    pub fn committed(&self) -> &[LogEntry] {
        &self.committed
    }

    /// The newest entry that any replica knows to be committed.
    pub fn newest(&self) -> u64 {
        self.committed.len() as u64 + FIRST - 1
    }

    /// A replica took an input.
    pub fn observe(&mut self, id: NodeId, node: &Node, disk: &Disk) {
        let now = Seen {
            term: node.term(),
            commit: node.commit(),
            applied: node.applied(),
        };
        let before = self.seen.remove(&id).unwrap_or_default();
        if now.term < before.term || now.commit < before.commit || now.applied < before.applied {
            self.violated(format!("{id}: term, commit or applied went back"));
        }
        if now.applied > now.commit {
            self.violated(format!("{id} applied {} uncommitted", now.applied));
        }
        let durable = disk.durable.last_index;
        if now.applied > durable {
            let applied = now.applied;
            self.violated(format!("{id} applied {applied}; its disk has {durable}"));
        }
        self.leads(id, node);
        if now.commit > before.commit {
            self.compare_committed(id, node, before.commit);
        }
        if now.applied > before.applied {
            self.compare_digest(id, node, now.applied);
            self.compare_membership(id, node, now.applied);
        }
        self.seen.insert(id, now);
    }

    /// A replica took an input whose place another host has taken. It may learn first what is
    /// committed.
    pub fn observe_zombie(&mut self, id: NodeId, node: &Node) {
        self.leads(id, node);
        if node.commit() > self.newest() {
            self.compare_committed(id, node, self.newest());
        }
    }

    /// A replica's disk was emptied: what it votes from now on is another's vote.
    pub fn wiped(&mut self, id: NodeId) {
        self.votes.retain(|(voter, _), _| *voter != id);
        self.written.remove(&id);
        self.in_force.remove(&id);
        self.forgetful.remove(&id);
    }

    /// The state machine the committed entries make.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
