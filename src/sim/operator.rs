//! Whoever looks after the cluster: replaces replicas whose disks are lost, one step at a time, as
//! the product's "Replace" does. It goes by the membership that came into force, not by answers.
//!
//! Every step leaves a majority that keeps its word, if there was one: a replica is added that is
//! well, or one is removed that is not.

use std::collections::BTreeMap;

use super::World;
use super::fault::Fault;
use super::host::State;
use super::loss::has_change;
use crate::wal;
use crate::wire::{MemberChange, Membership, NodeId};

#[derive(Default)]
pub(super) struct Operator {
    /// Who replaces whom.
    replacements: BTreeMap<NodeId, NodeId>,
    /// Replicas that were removed, emptied and started again under their ids.
    spares: Vec<NodeId>,
    added: u64,
}

/// The first id of those that are added.
const FIRST_ADDED: NodeId = 21;

impl World {
    /// Takes the next step for each lost replica.
    pub fn operate(&mut self) {
        let membership = self.replicas.membership();
        if !membership.voters_outgoing.is_empty() {
            return;
        }
        let lost: Vec<NodeId> = self.lost.keys().copied().collect();
        for id in lost {
            if membership.has(id) {
                if self.agenda.now() + 500 >= self.calm_at {
                    self.replace(id, &membership);
                }
            } else {
                self.begin_anew(id);
            }
        }
    }

    fn replace(&mut self, id: NodeId, membership: &Membership) {
        let new = match self.operator.replacements.get(&id) {
            Some(new) if !self.lost.contains_key(new) => *new,
            _ => {
                let new = self.newcomer();
                self.operator.replacements.insert(id, new);
                new
            }
        };
        let change = if !membership.has(new) {
            if !self.is_untouched(new) {
                // It was a member, and was removed again: it is not to come back as it is.
                self.operator.replacements.remove(&id);
                return;
            }
            MemberChange::AddLearner(new)
        } else if membership.learners.contains(&new) && membership.voters.contains(&id) {
            MemberChange::AddVoter(new)
        } else {
            MemberChange::Remove(id)
        };
        self.ask_for_membership(vec![change]);
    }

    fn newcomer(&mut self) -> NodeId {
        if let Some(spare) = self.operator.spares.pop() {
            return spare;
        }
        let new = FIRST_ADDED + self.operator.added;
        self.operator.added += 1;
        self.add_joiner(new);
        new
    }

    fn is_untouched(&self, id: NodeId) -> bool {
        let tables = self.hosts.get(&id).map(|host| &host.disk.tables);
        tables.is_some_and(wal::is_untouched)
    }

    /// A lost replica's removal is committed, and nobody who could undo that is asleep: its id may
    /// be used again, for one that has nothing.
    fn begin_anew(&mut self, id: NodeId) {
        if self.operator.replacements.remove(&id).is_some() {
            self.faults.count(Fault::Replaced);
        }
        let all_up = self.hosts.iter().all(|(other, host)| match &host.state {
            State::Up(node) => !has_change(node),
            _ => self.lost.contains_key(other),
        });
        let is_quiet = self.agenda.now() >= self.calm_at && self.zombies.is_empty();
        if all_up && is_quiet {
            self.operator.spares.push(id);
            self.wipe(id);
            self.start(id);
        }
    }

    /// Whether no member's disk is lost.
    pub(super) fn is_mended(&self) -> bool {
        let membership = self.replicas.membership();
        self.lost.keys().all(|id| !membership.has(*id))
    }
}
