//! What becomes of an envelope that arrived: admitted and stepped, or dropped and counted.

use super::Node;
use super::admit::{Rejection, admit};
use super::requests::Hop;
use crate::wal::Snapshot;
use crate::wire::{Address, Body, Envelope, NodeId, RaftMessage};

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
            _ => self.dropped.misaddressed += 1,
        }
    }

    fn on_raft(&mut self, from: NodeId, message: RaftMessage) {
        let mut admitted = admit(&message, from, &self.raw.raft);
        if admitted.is_ok()
            && let Some(snapshot) = &message.snapshot
        {
            admitted = match Snapshot::decode(&snapshot.body) {
                Ok(decoded)
                    if decoded.cluster == self.config.cluster
                        && (decoded.index, decoded.term) == (snapshot.index, snapshot.term)
                        && decoded.membership == snapshot.membership =>
                {
                    self.incoming = Some(decoded);
                    Ok(())
                }
                _ => Err(Rejection::Unsound),
            };
        }
        match admitted {
            Ok(()) => {
                // raft-rs refuses what concerns no member: late answers, for the most part.
                let snapshot = message.snapshot.is_some();
                if self.raw.step(message.into_raft()).is_err() {
                    self.dropped.misaddressed += 1;
                }
                if snapshot {
                    self.settle();
                    self.incoming = None;
                }
            }
            Err(Rejection::Foreign) => self.dropped.foreign += 1,
            Err(Rejection::Misaddressed) => self.dropped.misaddressed += 1,
            Err(Rejection::Unsound) => self.dropped.unsound += 1,
        }
    }
}
