//! Certain messages, one at a time.

use bytes::Bytes;
use tabraft::kv::Store;
use tabraft::wal::Snapshot;
use tabraft::wire::{
    Address, Ask, Body, EntryKind, Envelope, LogEntry, Membership, Part, RaftKind, RaftMessage,
    Request, SnapshotMessage,
};

use super::messages::{CLUSTER, Happening};

/// A message from 2 to 1 with nothing in it but its kind and term.
pub fn plain(kind: RaftKind, term: u64) -> RaftMessage {
    RaftMessage {
        kind,
        to: 1,
        from: 2,
        term,
        ..RaftMessage::empty()
    }
}

pub fn from_two(message: RaftMessage) -> Happening {
    Happening::Arrives(Envelope {
        cluster: CLUSTER,
        from: Address::Node(2),
        body: Body::Raft(vec![message]),
    })
}

/// A client's request.
pub fn asks(ask: Ask) -> Happening {
    Happening::Arrives(Envelope {
        cluster: CLUSTER,
        from: Address::Client(9),
        body: Body::Requests(vec![Request { id: 1, ask }]),
    })
}

/// An append of one entry after the bootstrap snapshot.
pub fn first_append(term: u64) -> RaftMessage {
    let entry = LogEntry {
        index: 2,
        term,
        kind: EntryKind::Normal,
        data: Bytes::new(),
        context: Bytes::new(),
    };
    RaftMessage {
        log_term: 1,
        index: 1,
        entries: vec![entry].into(),
        ..plain(RaftKind::Append, term)
    }
}

/// A leader's snapshot of an empty state, with members 1, 2 and 3.
pub fn snapshot_at(index: u64, term: u64) -> RaftMessage {
    let membership = Membership::of_voters([1, 2, 3]);
    let body = Snapshot {
        cluster: CLUSTER,
        index,
        term,
        membership: membership.clone(),
        store: Store::default(),
    };
    let snapshot = SnapshotMessage {
        index,
        term,
        membership,
        body: Bytes::from(body.encode()),
    };
    RaftMessage {
        snapshot: Some(snapshot),
        ..plain(RaftKind::Snapshot, term)
    }
}

/// A snapshot message as a leader would send it, whole in one chunk; or twisted: by reference, its
/// first half only, with a length that is not true.
pub fn in_part(mut message: RaftMessage, twist: u32) -> Body {
    let snapshot = message.snapshot.as_mut().expect("a snapshot");
    let body = std::mem::take(&mut snapshot.body);
    let total = body.len() as u64;
    let part = match twist {
        1 => Part::Stored,
        2 => Part::Chunk {
            total,
            offset: 0,
            bytes: body.slice(..body.len() / 2),
        },
        3 => Part::Chunk {
            total,
            offset: total / 2,
            bytes: body.slice(body.len() / 2..),
        },
        4 => Part::Chunk {
            total: u64::MAX,
            offset: u64::MAX,
            bytes: body,
        },
        _ => Part::Chunk {
            total,
            offset: 0,
            bytes: body,
        },
    };
    let message = Box::new(message);
    Body::Snapshot { message, part }
}
