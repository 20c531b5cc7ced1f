//! WAL records: one a batch, with everything Raft must not forget.

use serde::{Deserialize, Serialize};

use crate::frame::{self, FrameError, Kind};
use crate::wire::{ClusterId, LogEntry, Membership, NUMBER_MAX, NodeId};

/// Raft's hard state. Written with every record, so that the newest one holds it whatever was
/// deleted before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardState {
    pub term: u64,
    /// 0 for nobody.
    pub vote: NodeId,
    /// Lags behind what is committed; never ahead of the log.
    pub commit: u64,
}

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub cluster: ClusterId,
    pub node: NodeId,
    /// The key it is stored under.
    pub seq: u64,
    /// It stands for the records from this one on, which went when it came; its own number where
    /// it stands for itself alone.
    pub from_seq: u64,
    /// The oldest record there is once this one is there: those before it were deleted.
    pub oldest_seq: u64,
    pub hard_state: HardState,
    /// The newest term in which this replica was leader; 0 for none. While it equals
    /// `hard_state.term`, entries of that term were this replica's own proposals.
    pub led_term: u64,
    /// Consecutive. They replace whatever the log had from the first one's index on.
    pub entries: Vec<LogEntry>,
    /// The membership that came into force at an index, when it changed.
    pub membership: Option<(u64, Membership)>,
    /// Index and term of the snapshot written with this record.
    pub snapshot: Option<(u64, u64)>,
}

impl Record {
    pub fn encode(&self) -> Vec<u8> {
        frame::encode(Kind::Record, self)
    }

    /// Whether raft-rs could count on from its numbers. They may be larger than what is admitted
    /// from peers: a replica counts on from that itself.
    pub fn is_within_bounds(&self) -> bool {
        let hard_state = [self.hard_state.term, self.hard_state.commit];
        let entries = self.entries.iter().map(|entry| entry.index);
        let snapshot = self.snapshot.map(|(index, _)| index);
        let numbers = hard_state.into_iter().chain([self.seq]);
        let mut numbers = numbers.chain(entries).chain(snapshot);
        numbers.all(|number| number < 2 * NUMBER_MAX)
    }

    /// # Errors
    /// What is wrong with the bytes. Never panics, whatever they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        frame::decode(Kind::Record, bytes)
    }
}

/// One transaction. Either all of it happens or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteBatch {
    /// Key of the record, and the name under which its completion is reported.
    pub seq: u64,
    /// An encoded [`Record`].
    pub record: Vec<u8>,
    /// Index and encoded [`Snapshot`](super::Snapshot).
    pub snapshot: Option<(u64, Vec<u8>)>,
    /// Delete the records from this number up to `seq`: the new one stands for them.
    pub folds_from: Option<u64>,
    /// Delete records with smaller sequence numbers: a durable snapshot replaces them.
    pub drop_records_below: Option<u64>,
    /// Delete snapshots with smaller indices.
    pub drop_snapshots_below: Option<u64>,
}
