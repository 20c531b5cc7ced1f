//! What becomes of an envelope that arrived: admitted and stepped, or dropped and counted.

use super::admit::{Rejection, admit};
use super::requests::Hop;
use super::{Event, Node};
use crate::wire::{Address, Body, Envelope, NodeId, RaftKind, RaftMessage};

impl Node {
    pub(super) fn on_envelope(&mut self, envelope: Envelope) {
        if envelope.cluster != self.config.cluster {
            self.dropped.foreign += 1;
            return;
        }
        match (envelope.from, envelope.body) {
            (Address::Node(from), Body::Raft(messages)) => {
                for message in messages {
                    self.on_raft(from, message);
                }
            }
            (Address::Client(client), Body::Requests(requests)) => {
                self.on_requests(client, requests, Hop::First);
            }
            (Address::Node(_), Body::Forwarded { client, requests }) => {
                self.on_requests(client, requests, Hop::Last);
            }
            (Address::Node(from), Body::Hello) => self.on_hello(from),
            (Address::Node(from), Body::Snapshot { message, part }) => {
                self.on_snapshot_part(from, *message, part);
            }
            (Address::Node(from), Body::SnapshotAnswer { index, answer }) => {
                self.on_snapshot_answer(from, index, answer);
            }
            (Address::Node(_), Body::NotMember { applied }) => self.on_not_member(applied),
            _ => self.dropped.misaddressed += 1,
        }
    }

    pub(super) fn on_raft(&mut self, from: NodeId, message: RaftMessage) {
        // Snapshots come in parts.
        let admitted = match message.kind {
            RaftKind::Snapshot => Err(Rejection::Unsound),
            _ => admit(&message, from, &self.raw.raft),
        };
        if let Err(rejection) = admitted {
            return self.reject(rejection);
        }
        let wants_vote = matches!(
            message.kind,
            RaftKind::RequestVote | RaftKind::RequestPreVote
        );
        if wants_vote && self.knows_no_member(from) {
            self.tell_not_member(from);
        }
        // raft-rs refuses what concerns no member: late answers, for the most part.
        if self.raw.step(message.into_raft()).is_err() {
            self.dropped.misaddressed += 1;
        }
    }

    pub(super) fn reject(&mut self, rejection: Rejection) {
        match rejection {
            Rejection::Foreign => self.dropped.foreign += 1,
            Rejection::Misaddressed => self.dropped.misaddressed += 1,
            Rejection::Unsound => self.dropped.unsound += 1,
        }
    }

    /// Whether the cluster, as far as this replica has applied, does not have `id`.
    pub(super) fn knows_no_member(&self, id: NodeId) -> bool {
        let membership = self.membership();
        !membership.voters.is_empty() && !membership.has(id)
    }

    pub(super) fn tell_not_member(&mut self, id: NodeId) {
        let applied = self.applied;
        self.send(Address::Node(id), Body::NotMember { applied });
    }

    /// Another replica has applied more than this one and says that this one is no member. As far
    /// as this one has applied it is; so it was removed in between, and will not hear of that from
    /// a leader, who does not send to it any more.
    fn on_not_member(&mut self, applied: u64) {
        if applied > self.applied && self.membership().has(self.config.id) {
            self.emit(Event::Removed { index: applied });
        }
    }
}
