//! The origin's record of a cluster: its identity and its first members.
//!
//! # Why creating a cluster can be repeated
//!
//! A tab can end between any two steps of [`open_or_create`]. The steps are: (1) the record, marked
//! incomplete, with the identity; (2) each member's first batch, into a database that is empty;
//! (3) the mark. Each is one strict transaction, so each has happened wholly or not at all.
//!
//! Whoever finds an incomplete record goes on with its identity. A member's database is then either
//! empty and gets what it would have got, or has its first batch and keeps it. It has nothing else:
//! no replica starts before the record is complete, so none has voted or written, and there is no
//! promise that writing the first batch could take back. The lock only keeps two tabs from doing
//! the same work; without it the identity is still drawn once, in the transaction that finds no
//! record, and each disk's epoch lets one of the two write its first batch.
//!
//! Once the record is complete, an empty member has forgotten its vote. It is not given a first
//! batch again, here or anywhere: that is for its host to report.

use indexed_db_futures::prelude::*;
use serde::{Deserialize, Serialize};
use tabraft::wal::{Record, Tables, bootstrap};
use tabraft::wire::{ClusterId, Membership, NodeId};
use thiserror::Error;

use super::disk::{self, Durability};
use super::idb::{self, Connection, DiskError};
use super::lock::{self, LockError, Mode};

const META: &str = "meta";
const STORES: &[&str] = &[META];
const RECORD: &str = "cluster";
const VERSION: u32 = 1;

/// What an origin knows of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRecord {
    pub identity: ClusterId,
    /// The members it was created with; Raft's membership is in the replicas.
    pub members: Vec<NodeId>,
    /// Every member has had its first batch.
    pub complete: bool,
}

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
}

impl RegistryError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            RegistryError::Storage(error) => error.code(),
            RegistryError::Lock(error) => error.code(),
            RegistryError::Unreadable(_) => "UNREADABLE_CLUSTER",
            RegistryError::Foreign { .. } => "FOREIGN_DATA",
        }
    }
}

/// The record as it is stored: a plain object, for people with the developer tools open. Numbers
/// of JavaScript do not hold an identity exactly, so it is 16 hex digits.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    identity: String,
    members: Vec<NodeId>,
    complete: bool,
}

impl Stored {
    fn of(record: &ClusterRecord) -> Self {
        Self {
            version: VERSION,
            identity: format!("{:016x}", record.identity),
            members: record.members.clone(),
            complete: record.complete,
        }
    }

    fn record(self) -> Result<ClusterRecord, RegistryError> {
        if self.version != VERSION {
            let found = self.version;
            return Err(RegistryError::Unreadable(format!(
                "it has version {found} and this build reads version {VERSION}"
            )));
        }
        let identity = u64::from_str_radix(&self.identity, 16)
            .map_err(|_| RegistryError::Unreadable("its identity is not a number".into()))?;
        Ok(ClusterRecord {
            identity,
            members: self.members,
            complete: self.complete,
        })
    }
}

/// The name of a cluster's database.
pub fn database_name(cluster: &str) -> String {
    format!("tabraft:{cluster}")
}

fn lock_name(cluster: &str) -> String {
    format!("tabraft:{cluster}:registry")
}

/// The record of a cluster, if the origin has one. It may be incomplete.
///
/// # Errors
/// The storage's, or the record is unreadable.
pub async fn find(cluster: &str) -> Result<Option<ClusterRecord>, RegistryError> {
    let name = database_name(cluster);
    if !idb::exists(&name).await? {
        return Ok(None);
    }
    let connection = Connection::open(&name, STORES).await?;
    read(&connection).await
}

/// The complete record of a cluster; one that does not exist is created with members 1 to `nodes`.
///
/// # Errors
/// The storage's or the lock's; the record is unreadable; a member has data of another cluster.
pub async fn open_or_create(cluster: &str, nodes: u64) -> Result<ClusterRecord, RegistryError> {
    let held = lock::acquire(&lock_name(cluster), Mode::Wait).await?;
    let record = create_under_lock(cluster, nodes).await;
    drop(held);
    record
}

async fn create_under_lock(cluster: &str, nodes: u64) -> Result<ClusterRecord, RegistryError> {
    let connection = Connection::open(&database_name(cluster), STORES).await?;
    let mut record = begin(&connection, nodes).await?;
    if record.complete {
        return Ok(record);
    }
    for &node in &record.members {
        first_batch(cluster, &record, node).await?;
    }
    record.complete = true;
    let transaction = connection.write([META], Durability::Strict)?;
    put(&transaction, &record)?;
    idb::commit(transaction).await?;
    Ok(record)
}

async fn read(connection: &Connection) -> Result<Option<ClusterRecord>, RegistryError> {
    let transaction = connection.read([META]).map_err(RegistryError::Storage)?;
    let record = get(&transaction).await?;
    idb::commit(transaction).await?;
    Ok(record)
}

/// The record that is there, or a new and incomplete one: one transaction, so that an identity is
/// drawn once.
async fn begin(connection: &Connection, nodes: u64) -> Result<ClusterRecord, RegistryError> {
    if let Some(record) = read(connection).await? {
        return Ok(record);
    }
    let identity = random()?;
    let transaction = connection.write([META], Durability::Strict)?;
    if let Some(record) = get(&transaction).await? {
        return Ok(record);
    }
    let record = ClusterRecord {
        identity,
        members: (1..=nodes).collect(),
        complete: false,
    };
    put(&transaction, &record)?;
    idb::commit(transaction).await?;
    Ok(record)
}

async fn first_batch(
    cluster: &str,
    record: &ClusterRecord,
    node: NodeId,
) -> Result<(), RegistryError> {
    let opened = disk::open(cluster, node, Durability::Strict).await?;
    if opened.tables.is_empty() {
        let membership = Membership::of_voters(record.members.clone());
        let batch = bootstrap(record.identity, node, membership);
        opened.disk.write(&batch).await?;
    } else if is_foreign(&opened.tables, record.identity) {
        return Err(RegistryError::Foreign { node });
    }
    Ok(())
}

/// A record that does not decode is damage, which the replica's host reports.
fn is_foreign(tables: &Tables, identity: ClusterId) -> bool {
    let first = tables.records.first();
    first
        .and_then(|(_, bytes)| Record::decode(bytes).ok())
        .is_some_and(|record| record.cluster != identity)
}

async fn get(
    transaction: &indexed_db_futures::transaction::TransactionRef<'_>,
) -> Result<Option<ClusterRecord>, RegistryError> {
    let meta = transaction.object_store(META).map_err(DiskError::from)?;
    let stored = meta
        .get::<wasm_bindgen::JsValue, &str, _>(RECORD)
        .primitive()
        .map_err(DiskError::from)?
        .await
        .map_err(DiskError::from)?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    let stored: Stored = serde_wasm_bindgen::from_value(stored)
        .map_err(|error| RegistryError::Unreadable(error.to_string()))?;
    stored.record().map(Some)
}

fn put(
    transaction: &indexed_db_futures::transaction::TransactionRef<'_>,
    record: &ClusterRecord,
) -> Result<(), RegistryError> {
    let stored = serde_wasm_bindgen::to_value(&Stored::of(record))
        .map_err(|error| RegistryError::Unreadable(error.to_string()))?;
    let meta = transaction.object_store(META).map_err(DiskError::from)?;
    let _put = meta
        .put(stored)
        .with_key(RECORD)
        .primitive()
        .map_err(DiskError::from)?;
    Ok(())
}

fn random() -> Result<u64, DiskError> {
    let mut bytes = [0; 8];
    getrandom::getrandom(&mut bytes)
        .map_err(|error| DiskError::Other(format!("no random numbers: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}
