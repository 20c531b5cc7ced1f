//! The record: what it holds, how it is stored, and how it is changed.

use std::collections::BTreeMap;

use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::TransactionRef;
use serde::{Deserialize, Serialize};
use tabraft::wire::{ClusterId, NodeId};
use wasm_bindgen::JsValue;

use super::{RegistryError, database_name};
use crate::host::disk::Durability;
use crate::host::idb::{self, Connection, DiskError};

const META: &str = "meta";
const STORES: &[&str] = &[META];
const RECORD: &str = "cluster";
/// Version 1 had the identity, the members and the mark only: no other id was ever used.
const VERSION: u32 = 2;

/// What an origin knows of a cluster. Raft's membership is in the replicas; this is about ids and
/// databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterRecord {
    pub identity: ClusterId,
    /// Replicas that have had their first batch and were not removed, in order.
    pub members: Vec<NodeId>,
    /// Ids given away whose disk has not had its first batch.
    pub joining: Vec<NodeId>,
    /// Replicas that a committed change removed, and that nobody has forgotten yet.
    pub removed: Vec<NodeId>,
    /// Members that were stopped on purpose.
    pub stopped: Vec<NodeId>,
    /// For each id that was ever removed, the log index of its last removal.
    pub removals: BTreeMap<NodeId, u64>,
    /// Larger than every id that was ever used.
    pub next_id: NodeId,
    /// Made from a backup. While it is incomplete as well, only who has the file can go on.
    pub restoring: bool,
    /// Every founder has had its first batch.
    pub complete: bool,
}

impl ClusterRecord {
    /// A new cluster, without any first batch yet.
    pub(super) fn new(identity: ClusterId, nodes: u64, restoring: bool) -> Self {
        Self {
            identity,
            members: (1..=nodes).collect(),
            next_id: nodes + 1,
            restoring,
            ..Self::default()
        }
    }

    /// # Errors
    /// The cluster is not wholly there.
    pub(super) fn completed(self) -> Result<Self, RegistryError> {
        match (self.complete, self.restoring) {
            (true, _) => Ok(self),
            (false, true) => Err(RegistryError::IncompleteRestore),
            (false, false) => Err(RegistryError::NoSuchCluster),
        }
    }

    /// Takes an id off every list, before it is put on another one.
    pub(super) fn take_off(&mut self, id: NodeId) {
        let lists = [
            &mut self.members,
            &mut self.joining,
            &mut self.removed,
            &mut self.stopped,
        ];
        for list in lists {
            list.retain(|listed| *listed != id);
        }
        self.next_id = self.next_id.max(id + 1);
    }
}

/// Puts an id on a list that is in order.
pub(super) fn put_on(list: &mut Vec<NodeId>, id: NodeId) {
    if let Err(at) = list.binary_search(&id) {
        list.insert(at, id);
    }
}

/// The record as it is stored: a plain object, for people with the developer tools open. Numbers
/// of JavaScript do not hold an identity exactly, so it is 16 hex digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    version: u32,
    identity: String,
    members: Vec<NodeId>,
    #[serde(default)]
    joining: Vec<NodeId>,
    #[serde(default)]
    removed: Vec<NodeId>,
    #[serde(default)]
    stopped: Vec<NodeId>,
    #[serde(default)]
    removals: Vec<Removal>,
    #[serde(default)]
    next_id: NodeId,
    #[serde(default)]
    restoring: bool,
    complete: bool,
}

#[derive(Serialize, Deserialize)]
struct Removal {
    id: NodeId,
    index: u64,
}

impl From<&ClusterRecord> for Stored {
    fn from(record: &ClusterRecord) -> Self {
        let removals = record.removals.iter();
        Self {
            version: VERSION,
            identity: format!("{:016x}", record.identity),
            members: record.members.clone(),
            joining: record.joining.clone(),
            removed: record.removed.clone(),
            stopped: record.stopped.clone(),
            removals: removals
                .map(|(&id, &index)| Removal { id, index })
                .collect(),
            next_id: record.next_id,
            restoring: record.restoring,
            complete: record.complete,
        }
    }
}

impl Stored {
    fn record(self) -> Result<ClusterRecord, RegistryError> {
        if !(1..=VERSION).contains(&self.version) {
            let found = self.version;
            return Err(RegistryError::Unreadable(format!(
                "it has version {found} and this build reads versions up to {VERSION}"
            )));
        }
        let identity = u64::from_str_radix(&self.identity, 16)
            .map_err(|_| RegistryError::Unreadable("its identity is not a number".into()))?;
        let removals: BTreeMap<_, _> = self.removals.iter().map(|r| (r.id, r.index)).collect();
        let largest = self.members.iter().max().copied().unwrap_or(0);
        Ok(ClusterRecord {
            identity,
            members: sorted(self.members),
            joining: sorted(self.joining),
            removed: sorted(self.removed),
            stopped: sorted(self.stopped),
            removals,
            next_id: match self.next_id {
                0 => largest.saturating_add(1),
                next => next,
            },
            restoring: self.restoring,
            complete: self.complete,
        })
    }
}

fn sorted(mut ids: Vec<NodeId>) -> Vec<NodeId> {
    ids.sort_unstable();
    ids
}

/// The database that a cluster's record is in.
pub(super) struct Registry(Connection);

impl Registry {
    /// Opens it, or creates it.
    pub async fn open(cluster: &str) -> Result<Self, RegistryError> {
        let connection = Connection::open(&database_name(cluster), STORES).await?;
        Ok(Self(connection))
    }

    /// Opens it if it exists.
    pub async fn existing(cluster: &str) -> Result<Option<Self>, RegistryError> {
        let connection = Connection::open_existing(&database_name(cluster), STORES).await?;
        Ok(connection.map(Self))
    }

    pub async fn read(&self) -> Result<Option<ClusterRecord>, RegistryError> {
        let transaction = self.0.read([META])?;
        let record = get(&transaction).await?;
        idb::commit(transaction).await?;
        Ok(record)
    }

    /// Reads the record, changes it, and writes it, in one transaction. Nothing is changed where
    /// `change` gives an error; `None` deletes the record.
    pub async fn change<T>(
        &self,
        change: impl FnOnce(&mut Option<ClusterRecord>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let transaction = self.0.write([META], Durability::Strict)?;
        let mut record = get(&transaction).await?;
        let before = record.clone();
        let outcome = change(&mut record)?;
        if record != before {
            put(&transaction, record.as_ref())?;
        }
        idb::commit(transaction).await?;
        Ok(outcome)
    }
}

/// The record of a cluster that is wholly there.
pub(super) async fn read(cluster: &str) -> Result<ClusterRecord, RegistryError> {
    let registry = Registry::existing(cluster).await?;
    let registry = registry.ok_or(RegistryError::NoSuchCluster)?;
    let record = registry.read().await?;
    record.ok_or(RegistryError::NoSuchCluster)?.completed()
}

/// Changes the record of a cluster that is wholly there.
pub(super) async fn change<T>(
    cluster: &str,
    change: impl FnOnce(&mut ClusterRecord) -> Result<T, RegistryError>,
) -> Result<T, RegistryError> {
    let registry = Registry::existing(cluster).await?;
    let registry = registry.ok_or(RegistryError::NoSuchCluster)?;
    let on_record = |record: &mut Option<ClusterRecord>| {
        let mut found = record
            .clone()
            .ok_or(RegistryError::NoSuchCluster)?
            .completed()?;
        let outcome = change(&mut found)?;
        *record = Some(found);
        Ok(outcome)
    };
    registry.change(on_record).await
}

async fn get(transaction: &TransactionRef<'_>) -> Result<Option<ClusterRecord>, RegistryError> {
    let meta = transaction.object_store(META).map_err(DiskError::from)?;
    let stored = meta
        .get::<JsValue, &str, _>(RECORD)
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
    transaction: &TransactionRef<'_>,
    record: Option<&ClusterRecord>,
) -> Result<(), RegistryError> {
    let meta = transaction.object_store(META).map_err(DiskError::from)?;
    let Some(record) = record else {
        let deleted = meta.delete::<&str, _>(RECORD).primitive();
        let _deleted = deleted.map_err(DiskError::from)?;
        return Ok(());
    };
    let stored = serde_wasm_bindgen::to_value(&Stored::from(record))
        .map_err(|error| RegistryError::Unreadable(error.to_string()))?;
    let _put = meta
        .put(stored)
        .with_key(RECORD)
        .primitive()
        .map_err(DiskError::from)?;
    Ok(())
}
