//! How a replica stands in its cluster, which decides what can be done to it.

use super::verb::Verb;
use crate::model::{NodeStatus, Role, State, Status};

/// What the verbs depend on. Far smaller than a status, so that it changes seldom.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub id: u64,
    pub state: State,
    pub role: Role,
    pub member: bool,
    pub learner: bool,
    /// Whether it has a snapshot on its disk.
    pub snapshot: bool,
    /// Whether what it stored is of no use any more, so that it cannot be started.
    pub lost: bool,
    /// Who leads the cluster; 0 for nobody.
    pub leader: u64,
    /// How many vote in the cluster.
    pub voters: usize,
}

/// The newest membership that anybody tells of.
pub fn newest(status: &Status) -> Option<&NodeStatus> {
    let telling = |n: &&NodeStatus| n.member && !n.voters.is_empty();
    let tellers = status.nodes.iter().filter(telling);
    tellers.max_by_key(|n| (n.id == status.leader, n.applied))
}

impl Standing {
    pub fn of(status: &Status, id: u64) -> Self {
        let unknown = NodeStatus::unknown(id);
        let node = status.nodes.iter().find(|n| n.id == id);
        let node = node.unwrap_or(&unknown);
        let newest = newest(status);
        let learner = newest.is_some_and(|n| n.learners.contains(&id));
        // Its host's words, for want of a code.
        let says = |words: &str| node.problem.contains(words);
        Self {
            id,
            state: node.state,
            role: node.role,
            member: node.member,
            learner,
            snapshot: node.snapshot_index > 0,
            lost: node.state == State::Failed && (says("damaged") || says("forgotten")),
            leader: status.leader,
            voters: newest.map_or(status.nodes.len(), |n| n.voters.len()),
        }
    }

    /// The verb that stands beside its problem: the only one that leads on.
    pub fn remedy(&self) -> Option<Verb> {
        let idle = matches!(self.state, State::Stopped | State::Failed);
        match (self.member, self.lost) {
            (false, _) if idle => Some(Verb::Wipe),
            (true, true) => Some(Verb::Replace),
            _ => None,
        }
    }

    /// Why a verb does not apply, after "Node N".
    pub fn obstacle(&self, verb: Verb) -> Option<&'static str> {
        if !self.member {
            return self.obstacle_removed(verb);
        }
        match verb {
            Verb::Start | Verb::Wipe => match self.state {
                State::Running if verb == Verb::Wipe => Some("is running: stop it first"),
                State::Paused if verb == Verb::Wipe => Some("is paused: stop it first"),
                State::Running => Some("is running"),
                State::Paused => Some("is paused: resume it"),
                State::Stopped | State::Failed => None,
            },
            Verb::OpenTab if self.state == State::Stopped => None,
            Verb::Crash
            | Verb::Stop
            | Verb::Pause
            | Verb::Resume
            | Verb::OpenTab
            | Verb::SlowDisk
            | Verb::FullDisk
            | Verb::FailNextWrite
            | Verb::MendDisk => self.idle(),
            Verb::Snapshot => self.idle().or_else(|| self.paused()),
            Verb::TransferLeader if self.leader == self.id => Some("leads already"),
            Verb::TransferLeader if self.learner => Some("is a learner: promote it first"),
            Verb::TransferLeader if self.leader == 0 => {
                Some("cannot take over: there is no leader to hand over")
            }
            Verb::TransferLeader => self.idle().or_else(|| self.paused()),
            Verb::Promote if !self.learner => Some("is a voter already"),
            Verb::Promote => self.idle().or_else(|| self.paused()),
            Verb::Remove if self.voters == 1 && !self.learner => {
                Some("is the only voter: add another first")
            }
            Verb::DamageSnapshot if !self.snapshot => Some("has no snapshot yet"),
            Verb::Remove
            | Verb::Replace
            | Verb::Save
            | Verb::DamageWalLast
            | Verb::DamageWalMiddle
            | Verb::DamageSnapshot => None,
        }
    }

    /// It may still run: who was removed behind a cut link does not know it.
    fn obstacle_removed(&self, verb: Verb) -> Option<&'static str> {
        let idle = self.idle().is_some();
        match verb {
            Verb::Wipe if idle => None,
            Verb::Wipe => Some("is running: stop it first"),
            Verb::Crash | Verb::Stop | Verb::Pause | Verb::Resume if !idle => None,
            _ => Some("was removed from the cluster: all that is left is to wipe it"),
        }
    }

    fn idle(&self) -> Option<&'static str> {
        match self.state {
            State::Stopped => Some("is not running"),
            State::Failed => Some("failed and is not running"),
            State::Running | State::Paused => None,
        }
    }

    fn paused(&self) -> Option<&'static str> {
        (self.state == State::Paused).then_some("is paused: resume it")
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
