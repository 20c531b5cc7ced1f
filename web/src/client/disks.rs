//! Disks: made slow, full or faulty, damaged, wiped; settings changed while the cluster runs; and
//! the steps of a write.

use super::Cluster;
use super::members::not_yet;
use crate::model::{ApiError, Change, DiskFault, Place, Step, Stored};

impl Cluster {
    /// Makes a running replica's disk misbehave; `DiskFault::default()` ends that.
    pub async fn disk(&self, _id: u64, _fault: DiskFault) -> Result<(), ApiError> {
        Err(not_yet())
    }

    /// Deletes all that a replica which does not run has stored. A member that forgot its vote
    /// cannot come back under its id.
    pub async fn wipe(&self, _id: u64) -> Result<(), ApiError> {
        Err(not_yet())
    }

    /// Flips one bit of what a replica has stored.
    pub async fn corrupt(&self, _id: u64, _what: Stored, _at: Place) -> Result<(), ApiError> {
        Err(not_yet())
    }

    /// Changes settings in all tabs.
    pub async fn configure(&self, _change: Change) -> Result<(), ApiError> {
        Err(not_yet())
    }

    /// When the write at an index went through each step, on each replica that still knows.
    pub async fn steps(&self, _index: u64) -> Result<Vec<Step>, ApiError> {
        Err(not_yet())
    }
}
