//! What is committed: the same entry, the same state and the same membership at the same index, on
//! every replica and for ever.

use super::{FIRST, Replicas};
use crate::node::{Event, Node};
use crate::wire::{EntryKind, LogEntry, Membership, NodeId};

impl Replicas {
    /// State machine safety: what is committed at an index is the same everywhere, for ever.
    pub(super) fn compare_committed(&mut self, id: NodeId, node: &Node, since: u64) {
        let log = node.log();
        let from = (since + 1).max(log.first());
        let skipped = usize::try_from(from - log.first()).unwrap_or(usize::MAX);
        for entry in log.iter().skip(skipped) {
            let index = entry.index;
            if index > node.commit() {
                break;
            }
            let Some(place) = Self::place(index) else {
                continue;
            };
            match self.committed.get(place) {
                Some(known)
                    if known.term == entry.term
                        && known.data == entry.data
                        && known.context == entry.context => {}
                Some(known) => {
                    let (ours, theirs) = (known.term, entry.term);
                    self.violated(format!(
                        "{id} committed another entry at {index}: term {theirs}, not {ours}"
                    ));
                }
                None if place == self.committed.len() => {
                    self.commit(LogEntry::from(entry.clone()));
                    self.committed_in(node.term());
                }
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

    /// Equal at equal indices, whether the replica came there by its log, by a snapshot or by
    /// replaying what its disk had.
    pub(super) fn compare_digest(&mut self, id: NodeId, node: &Node, applied: u64) {
        let Some(place) = Self::place(applied) else {
            return;
        };
        if self.digests.get(place) != Some(&node.store().digest()) {
            self.violated(format!(
                "{id} has another state at {applied} than it should"
            ));
        }
    }

    /// The same at equal indices, too: a snapshot has the membership of its own index. While a
    /// leader's snapshot is on its way to the disk, raft-rs has the membership already.
    pub(super) fn compare_membership(&mut self, id: NodeId, node: &Node, applied: u64) {
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
                let in_force = self.in_force.entry(id).or_default();
                *in_force = (*in_force).max(*index);
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

    /// The digest of the state machine after an entry.
    pub fn digest_at(&self, index: u64) -> Option<u64> {
        self.digests.get(Self::place(index)?).copied()
    }

    /// The membership in force at an index.
    pub fn membership_at(&self, index: u64) -> Option<&Membership> {
        let (_, membership) = self.memberships.range(..=index).next_back()?;
        Some(membership)
    }

    /// The newest membership that came into force anywhere.
    pub fn membership(&self) -> Membership {
        let newest = self.memberships.last_key_value();
        newest.map_or_else(Membership::default, |(_, newest)| newest.clone())
    }
}
