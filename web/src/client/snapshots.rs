//! Snapshots: taken now, saved as a file, and a new cluster made from one.

use super::Cluster;
use super::members::not_yet;
use crate::model::{ApiError, Exported, Restored, Work};

impl Cluster {
    /// Takes a snapshot of a running replica now; its index.
    pub async fn snapshot(&self, _id: u64) -> Result<u64, ApiError> {
        Err(not_yet())
    }

    /// The state as a file: the leader's, confirmed by a quorum, or a certain replica's as it is.
    pub async fn export_snapshot(&self, _node: Option<u64>) -> Result<Exported, ApiError> {
        Err(not_yet())
    }

    /// Makes a new cluster of `nodes` members (those of the settings if not given) from a file.
    ///
    /// # Errors
    /// `BAD_FILE` with what is wrong, `CLUSTER_EXISTS`; nothing is changed then.
    pub async fn restore(
        &self,
        _file: web_sys::Blob,
        _cluster: &str,
        _nodes: Option<u64>,
    ) -> Result<Restored, ApiError> {
        Err(not_yet())
    }

    /// Long work under way, if there is any.
    pub fn progress(&self) -> Option<Work> {
        None
    }
}
