//! Applying committed entries, and the snapshots that follow from it.

use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, Entry, EntryType};

use super::admit::decode_changes;
use super::{Event, Node, log};
use crate::kv::{Applied, Outcome, Refusal};
use crate::planted::{self, Bug};
use crate::wire::{MemberChange, Membership};

impl Node {
    /// Applies what is committed and durable here, up to so many entries, which are counted down.
    /// Returns whether anything was.
    pub(super) fn apply(&mut self, left: &mut u64) -> bool {
        let before = self.applied;
        while *left > 0
            && let Some(entry) = self.committed.pop_front()
        {
            // A membership must not come into force, be lost with a crash, and the one before it
            // be gone by: the commit index that covers it is made durable first.
            let changes_membership = entry.entry_type != EntryType::EntryNormal;
            if changes_membership
                && !planted::is(Bug::MembershipBeforeDurable)
                && !self.disk.makes_commit_durable(entry.index)
            {
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
            *left -= 1;
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
        let was_member = self.membership().has(self.config.id);
        let conf = change.and_then(|change| self.raw.apply_conf_change(&change).ok());
        let outcome = match conf {
            Some(conf) => {
                let membership = Membership::from(conf);
                let is_member = membership.has(self.config.id);
                self.step_down_if_removed();
                self.disk.add_membership(entry.index, membership.clone());
                self.emit(Event::MembershipChanged {
                    index: entry.index,
                    membership,
                });
                if was_member && !is_member {
                    self.emit(Event::Removed { index: entry.index });
                }
                Outcome::Changed
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
            // The others learn by this that its removal is committed.
            self.raw.raft.bcast_append();
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, raft::INVALID_ID);
        }
    }

    /// raftexample's rule, after the batch was applied: a snapshot when more than
    /// `snapshot_entries` were applied since the last one, or when they are too large.
    pub(super) fn take_snapshot_if_due(&mut self) {
        let limits = self.config.limits;
        let since = self.applied.saturating_sub(self.disk.snapshot.0);
        let too_large = self.bytes_since_snapshot > limits.snapshot_bytes;
        if since <= limits.snapshot_entries && !too_large {
            return;
        }
        self.take_snapshot();
    }

    /// Takes a snapshot now, unless there is nothing new, or one is on its way to the disk.
    pub(super) fn take_snapshot(&mut self) {
        let under_way = self.disk.takes_snapshot() && !planted::is(Bug::OlderSnapshotWins);
        if self.applied <= self.disk.snapshot.0 || under_way {
            return;
        }
        if let Some((at, membership, body)) = self.encode_snapshot() {
            self.bytes_since_snapshot = 0;
            self.disk.add_snapshot(at, membership, body);
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
