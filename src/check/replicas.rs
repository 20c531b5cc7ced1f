//! Raft's promises (Raft paper, figure 3), checked after every input of every replica, and the
//! promises of the disk, checked with every message.

use std::collections::BTreeMap;

use super::Model;
use crate::kv::Store;
use crate::node::{Event, Node};
use crate::sim::disk::Disk;
use crate::wire::{EntryKind, LogEntry, Membership, NodeId, RaftKind, RaftMessage};

/// What is known of all replicas together.
#[derive(Default)]
pub struct Replicas {
    leaders: BTreeMap<u64, NodeId>,
    votes: BTreeMap<(NodeId, u64), NodeId>,
    /// From index 2 on; a cluster begins with a snapshot at 1.
    committed: Vec<LogEntry>,
    /// The digest of the state machine after each of them.
    digests: Vec<u64>,
    store: Store,
    pub model: Model,
    /// The memberships, by the index since which each is in force.
    memberships: BTreeMap<u64, Membership>,
    seen: BTreeMap<NodeId, Seen>,
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

    /// A replica came back from its disk. What it had not made durable may be gone.
    pub fn reborn(&mut self, id: NodeId) {
        self.seen.remove(&id);
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

    /// Election safety: no two lead one term.
    fn leads(&mut self, id: NodeId, node: &Node) {
        if node.is_leader() {
            let leader = *self.leaders.entry(node.term()).or_insert(id);
            if leader != id {
                self.violated(format!("{id} and {leader} both lead term {}", node.term()));
            }
        }
    }

    /// State machine safety: what is committed at an index is the same everywhere, for ever.
    fn compare_committed(&mut self, id: NodeId, node: &Node, since: u64) {
        let new = node.log().iter().map(|entry| (entry.index, entry));
        for (index, entry) in new.filter(|(i, _)| (since + 1..=node.commit()).contains(i)) {
            let place = (index - FIRST) as usize;
            let entry = LogEntry::from(entry.clone());
            match self.committed.get(place) {
                Some(known) if *known == entry => {}
                Some(known) => {
                    let (ours, theirs) = (known.term, entry.term);
                    self.violated(format!(
                        "{id} committed another entry at {index}: term {theirs}, not {ours}"
                    ));
                }
                None if place == self.committed.len() => self.commit(entry),
                None => self.violated(format!("{id} committed {index} before all before it")),
            }
        }
    }

    fn commit(&mut self, entry: LogEntry) {
        if entry.kind == EntryKind::Normal && !entry.data.is_empty() {
            self.store.apply(entry.index, entry.term, &entry.data);
        }
        self.model.commit(&entry);
        self.digests.push(self.store.digest());
        self.committed.push(entry);
    }

    /// Equal at equal indices, whether the replica came there by its log or by a snapshot.
    fn compare_digest(&mut self, id: NodeId, node: &Node, applied: u64) {
        let Some(place) = applied.checked_sub(FIRST) else {
            return;
        };
        if self.digests.get(place as usize) != Some(&node.store().digest()) {
            self.violated(format!(
                "{id} has another state at {applied} than it should"
            ));
        }
    }

    /// The same at equal indices, too: a snapshot has the membership of its own index. While a
    /// leader's snapshot is on its way to the disk, raft-rs has the membership already.
    fn compare_membership(&mut self, id: NodeId, node: &Node, applied: u64) {
        let known = self.memberships.range(..=applied).next_back();
        let known = known.map(|(_, membership)| membership);
        if node.log().first() <= applied + 1 && known != Some(&node.membership()) {
            self.violated(format!(
                "{id} has another membership at {applied} than it should: {:?}",
                node.membership()
            ));
        }
    }

    /// The membership that a cluster begins with.
    pub fn founded(&mut self, membership: &Membership) {
        self.memberships.insert(FIRST - 1, membership.clone());
    }

    /// A replica told of itself.
    pub fn told(&mut self, id: NodeId, event: &Event) {
        match event {
            Event::MembershipChanged { index, membership } => {
                let known = self.memberships.entry(*index);
                if known.or_insert_with(|| membership.clone()) != membership {
                    self.violated(format!("{id} has another membership since {index}"));
                }
            }
            Event::Removed { index } => {
                let before = self.memberships.range(..=*index).next_back();
                if before.is_none_or(|(_, membership)| membership.has(id)) {
                    self.violated(format!("{id} is a member, although it says not at {index}"));
                }
            }
            _ => {}
        }
    }

    /// A replica's disk was emptied: what it votes from now on is another's vote.
    pub fn wiped(&mut self, id: NodeId) {
        self.votes.retain(|(voter, _), _| *voter != id);
    }

    /// The digest of the state machine after an entry.
    pub fn digest_at(&self, index: u64) -> Option<u64> {
        let place = usize::try_from(index.checked_sub(FIRST)?).ok()?;
        self.digests.get(place).copied()
    }

    /// The membership in force at an index.
    pub fn membership_at(&self, index: u64) -> Option<&Membership> {
        let (_, membership) = self.memberships.range(..=index).next_back()?;
        Some(membership)
    }

    /// What a replica says in messages must be on its disk already, but for a leader's appends.
    pub fn promised(&mut self, id: NodeId, messages: &[RaftMessage], disk: &Disk) {
        let durable = disk.durable;
        for message in messages.iter().filter(|message| !message.reject) {
            let vote = match message.kind {
                RaftKind::RequestVote => id,
                RaftKind::RequestVoteResponse => message.to,
                RaftKind::AppendResponse => {
                    if durable.term < message.term || durable.last_index < message.index {
                        let (term, index) = (message.term, message.index);
                        self.violated(format!(
                            "{id} said it has {index} in term {term}; its disk has {durable:?}"
                        ));
                    }
                    continue;
                }
                _ => continue,
            };
            // A disk that is in a later term already cannot vote in this one again.
            if durable.term < message.term || (durable.term == message.term && durable.vote != vote)
            {
                let term = message.term;
                self.violated(format!(
                    "{id} voted for {vote} in term {term}; its disk has {durable:?}"
                ));
            }
            let cast = *self.votes.entry((id, message.term)).or_insert(vote);
            if cast != vote {
                let term = message.term;
                self.violated(format!("{id} voted for {cast} and {vote} in term {term}"));
            }
        }
    }

    /// The state machine the committed entries make.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
