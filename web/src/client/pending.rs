//! A request that a tab was asked for and has not answered.

use futures_channel::oneshot;
use tabraft::kv::Op;
use tabraft::wire::{Answer, Ask, Read};

use super::flight::Lane;
use super::room::Place;
use crate::model::ApiError;

pub enum What {
    /// Gets its session and sequence number when it is first sent.
    Write(Op),
    Other(Ask),
}

pub struct Pending {
    pub what: What,
    /// Its session and its sequence number there, once it has them.
    pub place: Option<(u64, u64)>,
    /// Where it is counted while it is under way, with how many bytes; `None` while it waits.
    pub flies: Option<(Lane, usize)>,
    /// It was sent, and neither answered nor given back since.
    pub awaits: bool,
    /// When it was first sent.
    pub sent_ms: f64,
    /// What it takes of the tab's room, if it takes any.
    _room: Option<Place>,
    /// The replica to ask, if it must be that one.
    pub target: Option<u64>,
    pub deadline_ms: f64,
    pub attempts: u32,
    /// The candidate it was sent to, unless it was sent to another since.
    pub kept_by: Option<u64>,
    /// When to send it (again).
    pub due_ms: f64,
    pub answer: Option<oneshot::Sender<Result<Answer, ApiError>>>,
}

impl Pending {
    pub fn new(what: What, target: Option<u64>, deadline_ms: f64, due_ms: f64) -> Self {
        Self {
            what,
            place: None,
            flies: None,
            awaits: false,
            sent_ms: 0.0,
            _room: None,
            target,
            deadline_ms,
            attempts: 0,
            kept_by: None,
            due_ms,
            answer: None,
        }
    }

    pub fn answered_to(
        self,
        room: Option<Place>,
        answer: oneshot::Sender<Result<Answer, ApiError>>,
    ) -> Self {
        Self {
            _room: room,
            answer: Some(answer),
            ..self
        }
    }

    pub fn lane(&self) -> Option<Lane> {
        self.what.lane()
    }
}

impl What {
    /// `None` for what is small, rare, and never to wait.
    pub fn lane(&self) -> Option<Lane> {
        match self {
            Self::Write(_) => Some(Lane::Writes),
            Self::Other(Ask::Get { read, .. } | Ask::Scan { read, .. }) => match read {
                Read::Linearizable => Some(Lane::Linearizable),
                Read::Stale => Some(Lane::Stale),
            },
            Self::Other(_) => None,
        }
    }

    /// Whether it needs room in the tab: what waits for a quorum does. Who looks, or repairs, must not
    /// stand behind that.
    pub fn needs_room(&self) -> bool {
        matches!(self.lane(), Some(Lane::Writes | Lane::Linearizable))
    }

    /// Bytes of keys and values in it.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Write(op) => op_bytes(op),
            Self::Other(ask) => size(ask),
        }
    }
}

/// Bytes of keys and values.
pub fn size(ask: &Ask) -> usize {
    match ask {
        Ask::Write { op, .. } => op_bytes(op),
        Ask::Get { key, .. } | Ask::Scan { prefix: key, .. } => key.len(),
        _ => 64,
    }
}

fn op_bytes(op: &Op) -> usize {
    op.key().len()
        + match op {
            Op::Put { value, .. } => value.len(),
            Op::Delete { .. } => 0,
            Op::Cas {
                expected, value, ..
            } => value.len() + expected.as_ref().map_or(0, |bytes| bytes.len()),
        }
}
