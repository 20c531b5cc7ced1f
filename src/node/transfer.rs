//! Snapshots on their way to followers that are too far behind.
//!
//! raft-rs decides that a follower gets one and hands out the message. Its body goes one of two
//! ways. Where replicas can read each other's disks, the message says only that the snapshot is
//! [`Part::Stored`], and the follower's host fetches it. Otherwise, or if it is gone by then, it
//! goes in [`Part::Chunk`]s of [`CHUNK_BYTES`], each when the one before has been acknowledged:
//! heartbeats and appends to others pass in between, and nothing piles up.
//!
//! The leader is told of the end, good or bad: a follower that was ended while it installed one
//! would else be waited for without end (etcd#10225).

use bytes::Bytes;
use raft::{ProgressState, SnapshotStatus};

use super::admit::{Rejection, admit};
use super::{ELECTION_TICKS, Node, Output};
use crate::frame::Kind;
use crate::wal::Snapshot;
use crate::wire::{
    Address, Body, Membership, NodeId, Part, RaftKind, RaftMessage, SnapshotAnswer, SnapshotMessage,
};

/// The most bytes of a snapshot in one envelope: as many as a channel carries in a few
/// milliseconds.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Ticks without an answer after which a part is sent again.
const RESEND_TICKS: usize = 4;
/// Ticks without an answer after which the transfer counts as failed.
const LOST_TICKS: usize = 4 * ELECTION_TICKS;
/// A snapshot's frame is no larger.
const BODY_BYTES_MAX: u64 = Kind::Snapshot.payload_max() as u64 + 64;

/// A snapshot that a leader sends to one follower.
pub(super) struct Outgoing {
    /// Without its body.
    message: RaftMessage,
    /// Empty where the follower reads it from the leader's store.
    body: Bytes,
    /// Bytes that the follower has.
    have: usize,
    /// Ticks since it last answered.
    silent: usize,
}

/// A snapshot that a follower is getting.
pub(super) struct Incoming {
    from: NodeId,
    message: RaftMessage,
    /// Bytes there will be; `None` where the host fetches them.
    total: Option<u64>,
    bytes: Vec<u8>,
}

impl Incoming {
    fn is(&self, from: NodeId, message: &RaftMessage, total: Option<u64>) -> bool {
        (self.from, &self.message, self.total) == (from, message, total)
    }
}

impl Node {
    /// Makes a snapshot for the followers that raft-rs asked for one for, and has it sent at once:
    /// by the time raft-rs asked again it might be dropped. Returns whether there was any.
    pub(super) fn offer_snapshot(&mut self) -> bool {
        let mut wanted = self.raw.store().take_wanted();
        wanted.retain(|id| self.is_leader() && self.raw.raft.prs().get(*id).is_some());
        let mut offered = false;
        for id in wanted {
            let reads_store = self.config.shared_store && !self.unreadable.contains(&id);
            let snapshot = if reads_store {
                self.stored_snapshot(id)
            } else {
                self.whole_snapshot()
            };
            // The log hands out no other, and would ask for it anew without end.
            if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.membership.has(id)) {
                self.raw
                    .mut_store()
                    .offer_snapshot(id, snapshot.into_raft());
                self.raw.raft.send_append(id);
                offered = true;
            }
        }
        offered
    }

    /// The newest durable snapshot, without its body, if the log goes on from it and it has the
    /// members of now. If not, a new one is taken, and raft-rs asks again. An older one could have
    /// `to` as a member in an earlier life under its id: it would then read in the log that it was
    /// removed, and until then vote by a membership that counts another replica.
    fn stored_snapshot(&mut self, to: NodeId) -> Option<SnapshotMessage> {
        let (at, membership) = (self.disk.snapshot, &self.disk.snapshot_membership);
        let has_all = at.0 >= self.disk.membership_index && membership.has(to);
        if has_all && at.0 + 1 >= self.raw.store().first() {
            return Some(message_of(at, membership.clone(), Bytes::new()));
        }
        self.take_snapshot();
        None
    }

    /// The state as applied.
    fn whole_snapshot(&self) -> Option<SnapshotMessage> {
        let (at, membership, body) = self.encode_snapshot()?;
        Some(message_of(at, membership, Bytes::from(body)))
    }

    /// Begins to send a snapshot.
    pub(super) fn send_snapshot(&mut self, mut message: RaftMessage) {
        let Some(snapshot) = &mut message.snapshot else {
            return;
        };
        let (to, body) = (message.to, std::mem::take(&mut snapshot.body));
        let outgoing = Outgoing {
            message,
            body,
            have: 0,
            silent: 0,
        };
        self.outgoing.insert(to, outgoing);
        self.send_part(to);
    }

    fn send_part(&mut self, to: NodeId) {
        let Some(outgoing) = self.outgoing.get(&to) else {
            return;
        };
        let (message, body) = (Box::new(outgoing.message.clone()), &outgoing.body);
        let part = if body.is_empty() {
            Part::Stored
        } else if outgoing.have < body.len() {
            let end = body.len().min(outgoing.have + CHUNK_BYTES);
            Part::Chunk {
                total: body.len() as u64,
                offset: outgoing.have as u64,
                bytes: body.slice(outgoing.have..end),
            }
        } else {
            // It has everything, and installs it.
            return;
        };
        self.send(Address::Node(to), Body::Snapshot { message, part });
    }

    /// A follower says how far its snapshot has come.
    pub(super) fn on_snapshot_answer(&mut self, from: NodeId, index: u64, answer: SnapshotAnswer) {
        let Some(outgoing) = self.outgoing.get_mut(&from) else {
            return;
        };
        let sent = outgoing.message.snapshot.as_ref();
        if sent.is_none_or(|snapshot| snapshot.index != index) {
            return;
        }
        outgoing.silent = 0;
        match answer {
            SnapshotAnswer::Have(have) => {
                let have = usize::try_from(have).unwrap_or(usize::MAX);
                // An answer that was late or repeated asks for nothing new.
                if have <= outgoing.body.len() && have != outgoing.have {
                    outgoing.have = have;
                    self.send_part(from);
                }
            }
            SnapshotAnswer::NotFound | SnapshotAnswer::Damaged => {
                self.unreadable.insert(from);
                self.end_transfer(from, SnapshotStatus::Failure);
            }
            SnapshotAnswer::Installed => {
                self.unreadable.remove(&from);
                self.end_transfer(from, SnapshotStatus::Finish);
            }
        }
    }

    /// The next one may as well be newer.
    fn end_transfer(&mut self, to: NodeId, status: SnapshotStatus) {
        self.outgoing.remove(&to);
        self.raw.mut_store().drop_snapshot(to);
        self.raw.report_snapshot(to, status);
    }

    /// The follower was started again: what it had of its snapshot it may not have any more, and
    /// what it installed it did not tell.
    pub(super) fn begin_transfer_anew(&mut self, to: NodeId) {
        if self.outgoing.contains_key(&to) {
            self.end_transfer(to, SnapshotStatus::Failure);
        }
    }

    /// Looks after the followers that are being sent a snapshot, and gives up one of a former term.
    pub(super) fn watch_transfers(&mut self) {
        let term = self.raw.raft.term;
        self.incoming
            .take_if(|incoming| incoming.message.term < term);
        let leads = self.is_leader();
        let progress = self.raw.raft.prs();
        self.outgoing.retain(|id, _| {
            let state = progress.get(*id).map(|progress| progress.state);
            leads && state == Some(ProgressState::Snapshot)
        });
        let followers: Vec<NodeId> = self.outgoing.keys().copied().collect();
        self.raw.mut_store().keep_snapshots_for(&followers);
        if !leads {
            self.unreadable.clear();
        }
        for id in followers {
            let Some(outgoing) = self.outgoing.get_mut(&id) else {
                continue;
            };
            outgoing.silent += 1;
            if outgoing.silent >= LOST_TICKS {
                self.end_transfer(id, SnapshotStatus::Failure);
            } else if outgoing.silent % RESEND_TICKS == 0 {
                self.send_part(id);
            }
        }
    }

    /// Part of a leader's snapshot arrived, or word of where it is.
    pub(super) fn on_snapshot_part(&mut self, from: NodeId, message: RaftMessage, part: Part) {
        let snapshot = message.snapshot.as_ref();
        let Some(snapshot) = snapshot.filter(|_| message.kind == RaftKind::Snapshot) else {
            return self.reject(Rejection::Unsound);
        };
        let (index, has_body) = (snapshot.index, !snapshot.body.is_empty());
        if let Err(rejection) = admit(&message, from, &self.raw.raft) {
            return self.reject(rejection);
        }
        if has_body || !part_is_sound(&part) {
            return self.reject(Rejection::Unsound);
        }
        if message.term < self.raw.raft.term {
            return;
        }
        if index <= self.raw.raft.raft_log.committed {
            // What is committed but not applied is on its way to the disk.
            let answer = match part {
                _ if index <= self.applied => SnapshotAnswer::Installed,
                Part::Chunk { total, .. } => SnapshotAnswer::Have(total),
                Part::Stored => SnapshotAnswer::Have(0),
            };
            return self.answer_snapshot(from, index, answer);
        }
        match part {
            Part::Stored => self.fetch(from, message, index),
            Part::Chunk {
                total,
                offset,
                bytes,
            } => self.gather(from, message, (total, offset), &bytes),
        }
    }

    fn fetch(&mut self, from: NodeId, message: RaftMessage, index: u64) {
        let under_way = self.incoming.as_ref();
        if under_way.is_some_and(|incoming| incoming.is(from, &message, None)) {
            return;
        }
        self.incoming = Some(Incoming {
            from,
            message,
            total: None,
            bytes: Vec::new(),
        });
        self.outputs.push_back(Output::Fetch { from, index });
    }

    fn gather(
        &mut self,
        from: NodeId,
        message: RaftMessage,
        (total, offset): (u64, u64),
        bytes: &[u8],
    ) {
        let index = message.snapshot.as_ref().map_or(0, |s| s.index);
        let under_way = self.incoming.as_ref();
        if !under_way.is_some_and(|incoming| incoming.is(from, &message, Some(total))) {
            self.incoming = Some(Incoming {
                from,
                message,
                total: Some(total),
                bytes: Vec::new(),
            });
        }
        let Some(incoming) = &mut self.incoming else {
            return;
        };
        if offset == incoming.bytes.len() as u64 {
            incoming.bytes.extend_from_slice(bytes);
        }
        let have = incoming.bytes.len() as u64;
        self.answer_snapshot(from, index, SnapshotAnswer::Have(have));
        if have == total
            && let Some(incoming) = self.incoming.take()
        {
            self.take_in(incoming);
        }
    }

    /// The host has read, or not found, what [`Output::Fetch`] asked for.
    pub(super) fn on_fetched(&mut self, from: NodeId, index: u64, body: Option<Vec<u8>>) {
        let asked = self.incoming.take_if(|incoming| {
            let snapshot = incoming.message.snapshot.as_ref();
            let this_one = snapshot.is_some_and(|snapshot| snapshot.index == index);
            incoming.from == from && incoming.total.is_none() && this_one
        });
        let Some(mut incoming) = asked else {
            return;
        };
        match body {
            Some(body) => {
                incoming.bytes = body;
                self.take_in(incoming);
            }
            None => self.answer_snapshot(from, index, SnapshotAnswer::NotFound),
        }
    }

    /// Steps the message of a snapshot that is here whole, if it is what the message says.
    fn take_in(&mut self, incoming: Incoming) {
        let Incoming {
            from,
            mut message,
            bytes,
            ..
        } = incoming;
        let Some(claimed) = &mut message.snapshot else {
            return;
        };
        let index = claimed.index;
        let cluster = self.config.cluster;
        let decoded = Snapshot::decode(&bytes).ok().filter(|decoded| {
            decoded.cluster == cluster
                && (decoded.index, decoded.term) == (claimed.index, claimed.term)
                && decoded.membership == claimed.membership
        });
        // The log may have grown while it was on its way.
        let admitted = admit(&message, from, &self.raw.raft).is_ok();
        let Some(decoded) = decoded.filter(|_| admitted) else {
            return self.answer_snapshot(from, index, SnapshotAnswer::Damaged);
        };
        if let Some(claimed) = &mut message.snapshot {
            claimed.body = Bytes::from(bytes);
        }
        self.admitted_snapshot = Some(decoded);
        if self.raw.step(message.into_raft()).is_err() {
            self.dropped.misaddressed += 1;
        }
        self.settle();
        self.admitted_snapshot = None;
        self.installing = Some((from, index));
    }

    /// A snapshot is installed; tells the leader who sent it.
    pub(super) fn tell_installed(&mut self, index: u64) {
        if let Some((from, _)) = self.installing.take_if(|(_, of)| *of == index) {
            self.answer_snapshot(from, index, SnapshotAnswer::Installed);
        }
    }

    fn answer_snapshot(&mut self, to: NodeId, index: u64, answer: SnapshotAnswer) {
        self.send(Address::Node(to), Body::SnapshotAnswer { index, answer });
    }
}

fn message_of(at: (u64, u64), membership: Membership, body: Bytes) -> SnapshotMessage {
    SnapshotMessage {
        index: at.0,
        term: at.1,
        membership,
        body,
    }
}

fn part_is_sound(part: &Part) -> bool {
    match part {
        Part::Stored => true,
        Part::Chunk {
            total,
            offset,
            bytes,
        } => {
            let end = offset.checked_add(bytes.len() as u64);
            (1..=BODY_BYTES_MAX).contains(total)
                && (1..=CHUNK_BYTES).contains(&bytes.len())
                && end.is_some_and(|end| end <= *total)
        }
    }
}
