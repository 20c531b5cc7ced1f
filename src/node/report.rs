//! What a replica tells of itself: a report when asked, and events as they happen.

use raft::StateRole;
use serde::{Deserialize, Serialize};

use super::{Dropped, Node, Seen};
use crate::wire::{Membership, NodeId};

/// Terms of a log that a report tells of.
pub const TERMS_TOLD: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    Leader,
    Follower,
    Candidate,
    PreCandidate,
    Learner,
}

/// A replica at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub id: NodeId,
    pub epoch: u64,
    pub role: Role,
    pub term: u64,
    /// 0 for nobody.
    pub vote: NodeId,
    /// 0 for nobody.
    pub leader: NodeId,
    pub first_index: u64,
    pub last_index: u64,
    pub commit: u64,
    pub applied: u64,
    /// Index and term of the newest durable snapshot.
    pub snapshot: (u64, u64),
    pub wal_records: u64,
    pub wal_bytes: u64,
    pub keys: u64,
    /// Hash of the state machine at `applied`.
    pub digest: u64,
    pub membership: Membership,
    pub dropped: Dropped,
    /// Where the entries of each term begin in the log, and the term; the newest [`TERMS_TOLD`].
    pub terms: Vec<(u64, u64)>,
    /// On a leader: what each member is known to have, and what it is sent next.
    pub progress: Vec<Progress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub id: NodeId,
    pub matched: u64,
    pub next: u64,
}

/// Something that happened to a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Role, term or leader are not what they were.
    Changed {
        role: Role,
        term: u64,
        leader: NodeId,
    },
    SnapshotTaken {
        index: u64,
        first_index: u64,
    },
    /// A leader's snapshot replaced the state machine.
    SnapshotInstalled {
        index: u64,
    },
    MembershipChanged {
        index: u64,
        membership: Membership,
    },
    /// The cluster, as of this index, does not have this replica any more. Its host ends it.
    Removed {
        index: u64,
    },
    /// So many entries of a dead leader's log, which were on no other disk, are in this one.
    Salvaged {
        leader: NodeId,
        entries: u64,
    },
    /// Nothing was taken over, and why.
    NotSalvaged {
        leader: NodeId,
        reason: String,
    },
    /// It led, and slept for so many ticks.
    SteppedDown {
        ticks: u64,
    },
}

/// How far a replica's log has come, as indices. Each only grows while nothing of the log is
/// replaced, so that a host which notes the time at every change knows when a write went through
/// each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// In the log: proposed to this leader, or received from another.
    pub last: u64,
    /// On a leader: sent to the follower that is furthest ahead.
    pub sent: u64,
    /// On this replica's own disk.
    pub persisted: u64,
    /// Known to be on a majority of disks.
    pub committed: u64,
    pub applied: u64,
}

impl Node {
    pub fn report(&self) -> Report {
        let raft = &self.raw.raft;
        let log = self.raw.store();
        let mut progress: Vec<_> = if self.is_leader() {
            raft.prs()
                .iter()
                .map(|(id, pr)| Progress {
                    id: *id,
                    matched: pr.matched,
                    next: pr.next_idx,
                })
                .collect()
        } else {
            Vec::new()
        };
        progress.sort_unstable_by_key(|progress| progress.id);
        Report {
            id: self.config.id,
            epoch: self.config.epoch,
            role: self.role(),
            term: raft.term,
            vote: raft.vote,
            leader: raft.leader_id,
            first_index: log.first(),
            last_index: log.last(),
            commit: raft.raft_log.committed,
            applied: self.applied,
            snapshot: self.disk.snapshot,
            wal_records: self.disk.records(),
            wal_bytes: self.disk.bytes(),
            keys: self.store.len() as u64,
            digest: self.store.digest(),
            membership: self.membership(),
            dropped: self.dropped,
            terms: log.terms(TERMS_TOLD),
            progress,
        }
    }

    pub fn marks(&self) -> Marks {
        let raft = &self.raw.raft;
        let others = raft.prs().iter().filter(|(id, _)| **id != raft.id);
        let next = others.map(|(_, progress)| progress.next_idx).max();
        Marks {
            last: raft.raft_log.last_index(),
            sent: next
                .filter(|_| self.is_leader())
                .map_or(0, |next| next.saturating_sub(1)),
            persisted: raft.raft_log.persisted,
            committed: raft.raft_log.committed,
            applied: self.applied,
        }
    }

    /// The membership in force: as applied.
    pub fn membership(&self) -> Membership {
        self.raw.raft.prs().conf().to_conf_state().into()
    }

    pub fn role(&self) -> Role {
        match self.raw.raft.state {
            StateRole::Leader => Role::Leader,
            StateRole::Candidate => Role::Candidate,
            StateRole::PreCandidate => Role::PreCandidate,
            StateRole::Follower if self.raw.raft.promotable() => Role::Follower,
            StateRole::Follower => Role::Learner,
        }
    }

    /// Emits what changed in role, term and leader, and gives clients their requests back when
    /// leadership is gone.
    pub(super) fn tell_changes(&mut self) {
        let now = Seen {
            role: Some(self.role()),
            term: self.raw.raft.term,
            leader: self.raw.raft.leader_id,
        };
        if now == self.seen {
            return;
        }
        let was_leader = self.seen.role == Some(Role::Leader);
        if was_leader && (now.role != self.seen.role || now.term != self.seen.term) {
            self.give_back_waiters();
        }
        self.emit(Event::Changed {
            role: self.role(),
            term: now.term,
            leader: now.leader,
        });
        self.seen = now;
    }
}
