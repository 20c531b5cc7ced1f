//! What a replica is told at its start, and what may be set while it runs.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::wire::{ClusterId, NodeId};

/// Ticks without word from a leader after which a replica campaigns, at least; at most twice this.
pub const ELECTION_TICKS: usize = 10;
/// Ticks between a leader's heartbeats.
pub const HEARTBEAT_TICKS: usize = 1;
/// The most bytes of entries in one append message (one entry may be larger).
pub const MESSAGE_BYTES_MAX: u64 = 1 << 20;
/// Append messages to one follower that may be unanswered.
pub const INFLIGHT_MAX: usize = 256;
/// Bytes of entries a leader takes on before any of them is committed.
pub const UNCOMMITTED_BYTES_MAX: u64 = 64 << 20;

/// What a replica is told at its start and keeps for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub cluster: ClusterId,
    pub id: NodeId,
    /// Another for each life of the replica: its host's owner epoch.
    pub epoch: u64,
    /// Where the election timeouts come from.
    pub seed: u64,
    /// Whether hosts can read each other's disks: then a snapshot's body does not travel.
    pub shared_store: bool,
    pub limits: Limits,
}

/// What may be set at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// A snapshot is taken when more entries than this were applied since the last one.
    pub snapshot_entries: u64,
    /// Or when they are larger than this, in bytes of memory.
    pub snapshot_bytes: u64,
    /// Entries before a snapshot that are kept for slow followers, while they are not larger than
    /// `snapshot_bytes`.
    pub catchup_entries: u64,
    /// A replica that slept for so many ticks does not campaign in this round: what it would
    /// campaign for is old news.
    pub sit_out_ticks: u64,
    /// A leader that slept for so many ticks steps down before it does anything else.
    pub step_down_ticks: u64,
    /// After so many small records in a row the next one holds their entries too, and they go.
    pub fold_records: u64,
    /// Entries applied before other inputs have their turn.
    pub apply_per_turn: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            snapshot_entries: 10_000,
            snapshot_bytes: 64 << 20,
            catchup_entries: 5_000,
            sit_out_ticks: 6,
            step_down_ticks: 200,
            fold_records: 64,
            apply_per_turn: 1_024,
        }
    }
}

/// Why a replica cannot be started from what was recovered.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("raft refuses to start: {0}")]
    Raft(#[from] raft::Error),
}
