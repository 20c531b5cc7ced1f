//! A replica's state as a backup: from its newest snapshot, or from all of its disk.

use tabraft::wal::{self, Snapshot};

use super::Cluster;
use super::deadline::Deadline;
use crate::host::disk;
use crate::model::{ApiError, State};
use crate::protocol::{Deed, Yield};

/// Snapshots that are gone again when they are to be read, because newer ones were taken.
const TRIES: u32 = 3;
/// How long to wait for another leader, in milliseconds.
const LOOK_MS: u32 = 50;

impl Cluster {
    /// What a running replica has applied, by way of its disk.
    pub(super) async fn state_of_running(
        &self,
        id: u64,
        deadline: Deadline,
    ) -> Result<Snapshot, ApiError> {
        for _ in 0..TRIES {
            let index = self.snapshot_by(id, deadline).await?;
            let bytes = disk::read_snapshot(self.cluster(), id, index).await?;
            if let Some(bytes) = bytes {
                return Snapshot::decode(&bytes).map_err(|error| damaged(id, &error));
            }
        }
        Err(nothing(id))
    }

    /// All that was acknowledged before this was called, from whoever leads.
    pub(super) async fn state_of_leader(&self, deadline: Deadline) -> Result<Snapshot, ApiError> {
        loop {
            let leader = self.confirmed(deadline).await?.id;
            match self.state_of_running(leader, deadline).await {
                // It ended meanwhile; another will lead.
                Err(error) if error.code == "NOT_RUNNING" && deadline.pause(LOOK_MS).await => {}
                outcome => return outcome,
            }
        }
    }

    pub(super) async fn snapshot_by(&self, id: u64, deadline: Deadline) -> Result<u64, ApiError> {
        self.check_reacts(id)?;
        let timeout_ms = deadline.left(f64::MAX);
        match self.deed_within(id, Deed::Snapshot, timeout_ms).await? {
            Yield::Index(index) => Ok(index),
            _ => Err(super::wrong_answer()),
        }
    }

    /// A replica's state as it is, whether it runs or not.
    pub(super) async fn state_as_it_is(
        &self,
        id: u64,
        deadline: Deadline,
    ) -> Result<Snapshot, ApiError> {
        self.fresh_status().await?;
        let status = self.status();
        let node = status.nodes.iter().find(|node| node.id == id);
        let node = node.ok_or_else(|| ApiError::no_such_node(id))?;
        match node.state {
            State::Running => self.state_of_running(id, deadline).await,
            State::Paused | State::Stopped | State::Failed => self.state_on_disk(id).await,
        }
    }

    /// What a replica knows to be committed, read past its host. What it has beyond that may have
    /// been taken back.
    async fn state_on_disk(&self, id: u64) -> Result<Snapshot, ApiError> {
        let identity = self.joined().await?.identity;
        let tables = disk::read_tables(self.cluster(), id).await?;
        if tables.is_empty() {
            return Err(nothing(id));
        }
        let recovered =
            wal::replay(identity, id, &tables).map_err(|damage| damaged(id, &damage))?;
        let state = recovered.committed();
        if state.is_nothing() {
            return Err(nothing(id));
        }
        Ok(state)
    }
}

fn nothing(id: u64) -> ApiError {
    ApiError::new(
        "NOTHING_STORED",
        format!("Node {id} has no state on its disk."),
    )
}

fn damaged(id: u64, damage: &impl std::fmt::Display) -> ApiError {
    ApiError::new(
        "DAMAGED",
        format!("Node {id}'s disk is damaged: {damage}. Its bytes are kept as they are."),
    )
}
