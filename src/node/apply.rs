//! Applying committed entries, and the snapshots that follow from it.

use bytes::Bytes;
use raft::SnapshotStatus;
use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, Entry, EntryType};

use super::admit::decode_changes;
use super::{ELECTION_TICKS, Event, Node, log};
use crate::kv::{Applied, Outcome, Refusal};
use crate::wire::{MemberChange, Membership, SnapshotMessage};

/// Ticks after which a snapshot that a follower has not acknowledged counts as lost.
const SNAPSHOT_LOST_TICKS: usize = 4 * ELECTION_TICKS;

impl Node {
    /// Applies what is committed and durable here. Returns whether anything was.
    pub(super) fn apply(&mut self) -> bool {
        let before = self.applied;
        while let Some(entry) = self.committed.pop_front() {
            // A membership must not come into force, be lost with a crash, and the one before it
            // be gone by: the commit index that covers it is made durable first.
            let changes_membership = entry.entry_type != EntryType::EntryNormal;
            if changes_membership && !self.disk.makes_commit_durable(entry.index) {
                self.committed.push_front(entry);
                break;
            }
            let applied = if changes_membership {
                self.apply_membership(&entry)
            } else if entry.data.is_empty() {
                // The entry every leader begins its term with.
                None
            } else {
                Some(self.store.apply(entry.index, entry.term, &entry.data))
            };
            self.applied = entry.index;
            self.bytes_since_snapshot += log::cost(&entry);
            self.answer_waiter(entry.index, entry.term, applied);
            if changes_membership {
                break;
            }
        }
        if self.applied == before {
            return false;
        }
        let last = self.raw.raft.raft_log.last_index();
        self.raw.advance_apply_to(self.applied);
        if self.raw.raft.raft_log.last_index() > last {
            // raft-rs appended the end of a joint membership, and tells nobody before the next
            // heartbeat.
            self.raw.raft.bcast_append();
        }
        self.take_snapshot_if_due();
        true
    }

    fn apply_membership(&mut self, entry: &Entry) -> Option<Applied> {
        let change = if entry.context.is_empty() {
            // raft-rs itself leaves a joint configuration.
            Some(ConfChangeV2::default())
        } else {
            decode_changes(&entry.context).map(|changes| conf_change(&changes))
        };
        let conf = change.and_then(|change| self.raw.apply_conf_change(&change).ok());
        let outcome = match conf {
            Some(conf) => {
                let membership = Membership::from(conf);
                self.step_down_if_removed();
                self.disk.add_membership(entry.index, membership.clone());
                self.emit(Event::MembershipChanged {
                    index: entry.index,
                    membership,
                });
                Outcome::Put
            }
            None => Outcome::Refused(Refusal::ConfChange),
        };
        Some(Applied {
            index: entry.index,
            term: entry.term,
            outcome,
        })
    }

    /// A leader that is no voter any more would lead on, and panic when it next commits something:
    /// raft-rs then looks it up among the members.
    fn step_down_if_removed(&mut self) {
        if self.is_leader() && !self.raw.raft.promotable() {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, raft::INVALID_ID);
        }
    }

    /// raftexample's rule, after the batch was applied: a snapshot when more than
    /// `snapshot_entries` were applied since the last one, or when they are too large.
    fn take_snapshot_if_due(&mut self) {
        let limits = self.config.limits;
        let since = self.applied.saturating_sub(self.disk.snapshot.0);
        let too_large = self.bytes_since_snapshot > limits.snapshot_bytes;
        if (since <= limits.snapshot_entries && !too_large) || self.disk.takes_snapshot() {
            return;
        }
        if let Some((at, _, body)) = self.encode_snapshot() {
            self.bytes_since_snapshot = 0;
            self.disk.add_snapshot(at, body);
        }
    }

    /// Makes a snapshot for the followers that raft-rs asked for one for, and has it sent at once:
    /// by the time raft-rs asked again it might be dropped. Returns whether there was any.
    pub(super) fn offer_snapshot(&mut self) -> bool {
        let mut wanted = self.raw.store().take_wanted();
        wanted.retain(|id| self.is_leader() && self.raw.raft.prs().get(*id).is_some());
        if wanted.is_empty() {
            return false;
        }
        let Some((at, membership, body)) = self.encode_snapshot() else {
            return false;
        };
        let snapshot = SnapshotMessage {
            index: at.0,
            term: at.1,
            membership,
            body: Bytes::from(body),
        };
        self.raw.mut_store().offer_snapshot(snapshot.into_raft());
        for id in wanted {
            self.raw.raft.send_append(id);
        }
        true
    }

    /// A follower that does not acknowledge a snapshot in time is tried anew (etcd#10225: a leader
    /// waits forever for a follower that was ended while it installed one).
    pub(super) fn watch_snapshots(&mut self) {
        if !self.is_leader() {
            self.snapshots_sent.clear();
        }
        let progress = self.raw.raft.prs();
        self.snapshots_sent.retain(|id, _| {
            let state = progress.get(*id).map(|pr| pr.state);
            state == Some(raft::ProgressState::Snapshot)
        });
        if self.snapshots_sent.is_empty() {
            self.raw.mut_store().drop_snapshot();
            return;
        }
        let mut lost = Vec::new();
        for (id, ticks) in &mut self.snapshots_sent {
            *ticks += 1;
            if *ticks >= SNAPSHOT_LOST_TICKS {
                lost.push(*id);
            }
        }
        for id in lost {
            self.snapshots_sent.remove(&id);
            // The next one may as well be newer.
            self.raw.mut_store().drop_snapshot();
            self.raw.report_snapshot(id, SnapshotStatus::Failure);
        }
    }
}

/// raft-rs's conf change; joint consensus where there is more than one change.
pub(super) fn conf_change(changes: &[MemberChange]) -> ConfChangeV2 {
    let single = |change: &MemberChange| {
        let (kind, id) = match *change {
            MemberChange::AddVoter(id) => (ConfChangeType::AddNode, id),
            MemberChange::AddLearner(id) => (ConfChangeType::AddLearnerNode, id),
            MemberChange::Remove(id) => (ConfChangeType::RemoveNode, id),
        };
        let mut single = ConfChangeSingle::default();
        single.set_change_type(kind);
        single.node_id = id;
        single
    };
    let mut change = ConfChangeV2::default();
    let changes: Vec<_> = changes.iter().map(single).collect();
    change.set_changes(changes.into());
    change
}
