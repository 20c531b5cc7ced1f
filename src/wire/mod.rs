//! What travels between replicas and clients: envelopes.
//!
//! An envelope says which cluster it belongs to and who sent it; anything else is not for us and
//! is dropped and counted by the receiver. Its bytes are a [`frame`] of kind
//! envelope around postcard's encoding of [`Envelope`]. A channel may lose, repeat and reorder
//! envelopes; nothing here relies on it.
//!
//! Raft's messages have shapes of their own here ([`RaftMessage`], [`LogEntry`]) in place of
//! raft-rs's protobuf encoding, whose decoder can be driven into a stack overflow by hostile bytes
//! (RUSTSEC-2024-0437). Nothing from outside reaches that decoder.

mod entries;
mod raft;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::entries::Entries;
pub use self::raft::{EntryKind, LogEntry, Membership, RaftKind, RaftMessage, SnapshotMessage};
use crate::frame::{self, FrameError, Kind};
use crate::kv::{Applied, Op, Refusal};
use crate::node::Report;

/// A replica's id within its cluster; never 0.
pub type NodeId = u64;
/// A client's number, drawn at random by the client.
pub type ClientId = u64;
/// A cluster's identity, drawn at random when it is created: two clusters of one name differ.
pub type ClusterId = u64;

/// Terms and indices from here on are nobody's: raft-rs adds to them without a check.
pub const NUMBER_MAX: u64 = 1 << 60;

/// Who sends, or is to receive, an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Address {
    Node(NodeId),
    Client(ClientId),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    pub cluster: ClusterId,
    pub from: Address,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// Replica to replica, in the order they were made.
    Raft(Vec<RaftMessage>),
    /// Client to replica.
    Requests(Vec<Request>),
    /// Replica to leader: requests of a client that asked the wrong replica.
    Forwarded {
        client: ClientId,
        requests: Vec<Request>,
    },
    /// Replica to client. `leader` is whom the replica takes for the leader now; 0 for nobody.
    Replies { leader: NodeId, replies: Vec<Reply> },
    /// Replica to replica: I am up again, and missed what was sent to me before.
    Hello,
    /// Leader to follower: a snapshot. The body of the message's own is empty: here is the way to it.
    Snapshot {
        message: Box<RaftMessage>,
        part: Part,
    },
    /// Follower to leader: how far the snapshot at `index` has come.
    SnapshotAnswer { index: u64, answer: SnapshotAnswer },
    /// Replica to replica: as of index `applied` you are no member.
    NotMember { applied: u64 },
}

/// Where a snapshot's body is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// In the sender's own store, which the receiver can read.
    Stored,
    /// Some of it is here: `bytes` stand at `offset` of `total` bytes.
    Chunk {
        total: u64,
        offset: u64,
        bytes: Bytes,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotAnswer {
    /// So many bytes from the beginning have arrived.
    Have(u64),
    /// It is not in the store any more, or was never: send it whole.
    NotFound,
    /// What arrived is no snapshot.
    Damaged,
    /// It is durable, and applied.
    Installed,
}

/// One request; `id` is the client's own and comes back with the reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub ask: Ask,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    OpenSession,
    Write {
        session: u64,
        seq: u64,
        answered_below: u64,
        op: Op,
    },
    Get {
        key: String,
        read: Read,
    },
    Scan {
        prefix: String,
        limit: u32,
        read: Read,
    },
    Status,
    /// Joint consensus where more than one change is asked for.
    ChangeMembership(Vec<MemberChange>),
}

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Read {
    /// ReadIndex (Raft thesis, section 6.4), confirmed by a quorum.
    Linearizable,
    /// Whatever the replica has applied.
    Stale,
}

/// One change of a conf change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberChange {
    AddVoter(NodeId),
    AddLearner(NodeId),
    Remove(NodeId),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub id: u64,
    pub answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Of [`Ask::OpenSession`], [`Ask::Write`] and [`Ask::ChangeMembership`]: applied.
    Applied(Applied),
    Value(Option<Bytes>),
    Pairs(Vec<(String, Bytes)>),
    Status(Box<Report>),
    /// Not done here and now, and perhaps never: ask again, the leader if one is named. A write
    /// must be retried under the same sequence number.
    Retry,
    Refused(Refusal),
}

impl Envelope {
    pub fn encode(&self) -> Vec<u8> {
        frame::encode(Kind::Envelope, self)
    }

    /// # Errors
    /// What is wrong with the bytes. Never panics, whatever they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        frame::decode(Kind::Envelope, bytes)
    }
}
