//! Members of the cluster: added, promoted, removed, replaced; and who leads them.

use super::Cluster;
use crate::model::ApiError;

impl Cluster {
    /// Starts a new replica in this tab and makes it a member: a learner that catches up, then,
    /// unless it is to stay one, a voter. Without an id it gets a new one.
    ///
    /// # Errors
    /// `ID_USED`, `NO_QUORUM`, or why it cannot run here.
    pub async fn add_node(&self, id: Option<u64>, learner: bool) -> Result<u64, ApiError> {
        let _ = (id, learner);
        Err(not_yet())
    }

    /// Makes a learner that has caught up a voter.
    pub async fn promote(&self, _id: u64) -> Result<(), ApiError> {
        Err(not_yet())
    }

    /// Removes a member. A leader hands over first.
    pub async fn remove_node(&self, _id: u64) -> Result<(), ApiError> {
        Err(not_yet())
    }

    /// Removes a member and adds a new one in its place, which catches up from its peers. The new
    /// one's id.
    pub async fn replace(&self, _id: u64) -> Result<u64, ApiError> {
        Err(not_yet())
    }

    /// Makes a voter the leader.
    pub async fn transfer_leader(&self, _id: u64) -> Result<(), ApiError> {
        Err(not_yet())
    }
}

pub(super) fn not_yet() -> ApiError {
    ApiError::new("FAILED", "This build cannot do that yet.")
}
