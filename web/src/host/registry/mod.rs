//! The origin's record of a cluster: its identity, and which ids are used for what.
//!
//! - [`create`]: a new cluster, empty or from a backup
//! - [`members`]: ids given to new replicas, and taken from removed ones
//! - [`record`]: what the record holds, and how it is stored
//!
//! A tab can end between any two steps of what is done here, and two tabs can do it at once. Every
//! step is one strict transaction, so each has happened wholly or not at all, and every change of
//! the record reads it in the transaction that writes it. Locks keep tabs from doing the same work
//! twice; no promise rests on them. The arguments are where the steps are, in [`create`] and
//! [`members`]. Together they keep one rule: **no replica starts under an id with a disk that is
//! emptier than what was promised under that id.**

use tabraft::wal::{Record, Tables};
use tabraft::wire::{ClusterId, NodeId};
use thiserror::Error;

use super::disk::DiskError;
use super::lock::LockError;

pub mod create;
pub mod members;
pub mod record;

pub use create::{create_restored, discard_restore, open_or_create};
pub use members::{forget, mark_removed, mark_stopped, prepare_joiner, reserve};
pub use record::ClusterRecord;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    #[error(transparent)]
    Storage(#[from] DiskError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(
        "This build of tabraft cannot read the record of the cluster ({0}). Reload the page to get the newest build, or use another cluster name."
    )]
    Unreadable(String),
    #[error(
        "Node {node} has data of another cluster that had the same name. Delete this site's data, or use another cluster name."
    )]
    Foreign { node: NodeId },
    #[error("There is no cluster of that name in this browser.")]
    NoSuchCluster,
    #[error("There is a cluster of that name already. Choose another name.")]
    ClusterExists,
    #[error("The restore of this cluster was interrupted; restore it again or delete it.")]
    IncompleteRestore,
    #[error(
        "Id {node} was used before, and a replica that forgot its vote must not come back under it. Choose another id, or remove node {node} from the cluster first."
    )]
    IdUsed { node: NodeId },
    #[error("{node} is no id of a node. Ids are whole numbers from 1 to {ID_MAX}.")]
    BadId { node: NodeId },
    #[error("Node {node} is still running. Stop it first.")]
    Running { node: NodeId },
}

/// The largest id that a number of JavaScript holds exactly, and one after it.
pub const ID_MAX: NodeId = (1 << 53) - 2;

impl RegistryError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            RegistryError::Storage(error) => error.code(),
            RegistryError::Lock(error) => error.code(),
            RegistryError::Unreadable(_) => "UNREADABLE_CLUSTER",
            RegistryError::Foreign { .. } => "FOREIGN_DATA",
            RegistryError::NoSuchCluster => "NO_SUCH_CLUSTER",
            RegistryError::ClusterExists => "CLUSTER_EXISTS",
            RegistryError::IncompleteRestore => "INCOMPLETE_RESTORE",
            RegistryError::IdUsed { .. } => "ID_USED",
            RegistryError::BadId { .. } => "BAD_ARGUMENT",
            RegistryError::Running { .. } => "ALREADY_RUNNING",
        }
    }
}

/// The name of a cluster's database.
pub fn database_name(cluster: &str) -> String {
    format!("tabraft:{cluster}")
}

/// The record of a cluster, if the origin has one. It may be incomplete.
///
/// # Errors
/// The storage's, or the record is unreadable.
pub async fn find(cluster: &str) -> Result<Option<ClusterRecord>, RegistryError> {
    match record::Registry::existing(cluster).await? {
        Some(registry) => registry.read().await,
        None => Ok(None),
    }
}

/// A record that does not decode is damage, which the replica's host reports.
fn is_foreign(tables: &Tables, identity: ClusterId) -> bool {
    let first = tables.records.first();
    first
        .and_then(|(_, bytes)| Record::decode(bytes).ok())
        .is_some_and(|record| record.cluster != identity)
}
