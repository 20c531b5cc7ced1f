//! What is so in the cluster, before it is put into words.

use crate::model::{FaultyLink, NodeStatus, Role, State, Status};
use crate::ui::standing::{Standing, newest};
use crate::ui::verb::Verb;

/// Entries a learner may be behind and still count as up to date.
const FAR_BEHIND: u64 = 500;

/// What the sentence is made from.
pub(super) struct Facts<'a> {
    pub status: &'a Status,
    pub faults: &'a [FaultyLink],
    pub quorum: u64,
    pub voters: Vec<&'a NodeStatus>,
    /// Voters that run.
    pub running: Vec<&'a NodeStatus>,
    /// Voters and learners that do not run.
    pub down: Vec<&'a NodeStatus>,
}

impl<'a> Facts<'a> {
    pub fn new(status: &'a Status, faults: &'a [FaultyLink]) -> Self {
        // Before the first membership every node counts as a voter.
        let newest = newest(status);
        let is_voter = |id: u64| newest.is_none_or(|n| n.voters.contains(&id));
        let is_learner = |id: u64| newest.is_some_and(|n| n.learners.contains(&id));
        let members = || status.nodes.iter().filter(|n| n.member);
        let voters: Vec<_> = members().filter(|n| is_voter(n.id)).collect();
        let running = voters
            .iter()
            .copied()
            .filter(|n| n.state == State::Running)
            .collect();
        let down = members()
            .filter(|n| (is_voter(n.id) || is_learner(n.id)) && n.state != State::Running)
            .collect();
        // A status without a quorum has no membership yet: a majority of what is known.
        let quorum = if status.quorum > 0 {
            status.quorum
        } else {
            voters.len() as u64 / 2 + 1
        };
        Self {
            status,
            faults,
            quorum,
            voters,
            running,
            down,
        }
    }

    /// Raft does not relay, and an answer needs the way back.
    pub fn connected(&self, a: u64, b: u64) -> bool {
        a == b
            || !self
                .faults
                .iter()
                .any(|f| f.fault.is_cut() && ((f.from, f.to) == (a, b) || (f.from, f.to) == (b, a)))
    }

    /// How many running voters `id` reaches, itself included.
    pub fn reach(&self, id: u64) -> u64 {
        self.running
            .iter()
            .filter(|n| self.connected(id, n.id))
            .count() as u64
    }

    pub fn widest_group(&self) -> u64 {
        self.running
            .iter()
            .map(|n| self.reach(n.id))
            .max()
            .unwrap_or(0)
    }

    /// The leader whose host is gone, while nobody leads a later term.
    pub fn dead_leader(&self) -> Option<&'a NodeStatus> {
        let gone = |n: &&&NodeStatus| n.state == State::Stopped && n.role == Role::Leader;
        let dead = self.voters.iter().filter(gone).max_by_key(|n| n.term)?;
        // A candidate is one term ahead of the leader that it is to follow.
        (dead.term + 1 >= self.status.term).then_some(*dead)
    }

    /// A node whose disk is of no use any more.
    pub fn lost(&self) -> Option<u64> {
        let replaced = |id: &u64| {
            let remedy = Standing::of(self.status, *id).remedy();
            remedy == Some(Verb::Replace)
        };
        self.down.iter().map(|n| n.id).find(replaced)
    }

    /// Learners that run and are still far from the end of the leader's log.
    pub fn catching_up(&self, leader: &NodeStatus) -> Vec<u64> {
        let far = |id: u64| {
            let progress = leader.progress.iter().find(|p| p.id == id);
            progress.is_some_and(|p| leader.last_index.saturating_sub(p.matched) > FAR_BEHIND)
        };
        self.learners(leader).filter(|id| far(*id)).collect()
    }

    /// Learners that run.
    pub fn learners<'b>(&'b self, leader: &'b NodeStatus) -> impl Iterator<Item = u64> + 'b {
        let runs = |id: &u64| {
            let mut nodes = self.status.nodes.iter();
            nodes.any(|n| n.id == *id && n.state == State::Running)
        };
        leader.learners.iter().copied().filter(runs)
    }

    /// Nodes that were removed and not wiped yet.
    pub fn removed(&self) -> Vec<u64> {
        let removed = self.status.nodes.iter().filter(|n| !n.member);
        removed.map(|n| n.id).collect()
    }

    /// The leader that can commit: of two that claim to lead, the one of the higher term.
    pub fn leader(&self) -> Option<&'a NodeStatus> {
        let claims = self
            .running
            .iter()
            .copied()
            .filter(|n| n.role == Role::Leader);
        claims
            .filter(|n| self.reach(n.id) >= self.quorum)
            .max_by_key(|n| n.term)
    }
}
