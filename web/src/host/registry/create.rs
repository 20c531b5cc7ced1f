//! A new cluster, empty or from a backup.
//!
//! # Why creating a cluster can be repeated
//!
//! The steps are: (1) the record, marked incomplete, with the identity; (2) each founder's first
//! batch, into a database that is empty; (3) the mark.
//!
//! Whoever finds an incomplete record goes on with its identity. A founder's database is then
//! either empty and gets what it would have got, or has its first batch and keeps it. It has
//! nothing else: no replica starts before the record is complete, so none has voted or written, and
//! there is no promise that writing the first batch could take back. The lock only keeps two tabs
//! from doing the same work; without it the identity is still drawn once, in the transaction that
//! finds no record, and each disk's epoch lets one of the two write its first batch.
//!
//! Once the record is complete, an empty member has forgotten its vote. It is not given a first
//! batch again, here or anywhere: that is for its host to report.
//!
//! # Why restoring one can be, too
//!
//! The first batches come from the backup, which only the tab has that was given the file. Whoever
//! finds the record incomplete without it must not complete it: some founders would have the pairs
//! and others nothing. So the record says from its first transaction on that it is being restored,
//! and without the file it is as good as none. With the file everything begins anew: the founders'
//! databases are emptied, which takes nothing back since no replica has started, and only then the
//! record gets another identity, so that none can be left with the pairs of another backup.

use tabraft::wal::{Snapshot, WriteBatch, bootstrap, found};
use tabraft::wire::{Membership, NodeId};

use super::record::{ClusterRecord, Registry};
use super::{RegistryError, is_foreign};
use crate::host::disk::{self, DiskError, Durability};
use crate::host::lock::{self, Mode};

fn lock_name(cluster: &str) -> String {
    format!("tabraft:{cluster}:registry")
}

/// The complete record of a cluster; one that does not exist is created with members 1 to `nodes`.
///
/// # Errors
/// The storage's or the lock's; the record is unreadable; a member has data of another cluster;
/// `IncompleteRestore`.
pub async fn open_or_create(cluster: &str, nodes: u64) -> Result<ClusterRecord, RegistryError> {
    let held = lock::acquire(&lock_name(cluster), Mode::Wait).await?;
    let record = create_under_lock(cluster, nodes).await;
    drop(held);
    record
}

async fn create_under_lock(cluster: &str, nodes: u64) -> Result<ClusterRecord, RegistryError> {
    let registry = Registry::open(cluster).await?;
    let record = begin(&registry, nodes).await?;
    if record.complete {
        return Ok(record);
    }
    if record.restoring {
        return Err(RegistryError::IncompleteRestore);
    }
    let membership = Membership::of_voters(record.members.clone());
    for &node in &record.members {
        let batch = bootstrap(record.identity, node, membership.clone());
        first_batch(cluster, &record, node, &batch).await?;
    }
    complete(&registry, &record).await
}

/// The record that is there, or a new and incomplete one: one transaction, so that an identity is
/// drawn once.
async fn begin(registry: &Registry, nodes: u64) -> Result<ClusterRecord, RegistryError> {
    if let Some(record) = registry.read().await? {
        return Ok(record);
    }
    let new = ClusterRecord::new(random()?, nodes, false);
    let get_or_insert = |found: &mut Option<_>| Ok(found.get_or_insert(new).clone());
    registry.change(get_or_insert).await
}

async fn first_batch(
    cluster: &str,
    record: &ClusterRecord,
    node: NodeId,
    batch: &WriteBatch,
) -> Result<(), RegistryError> {
    let opened = disk::open(cluster, node, Durability::Strict).await?;
    if opened.tables.is_empty() {
        opened.disk.write(batch).await?;
    } else if is_foreign(&opened.tables, record.identity) {
        return Err(RegistryError::Foreign { node });
    }
    Ok(())
}

/// Sets the mark, unless another tab has begun the cluster anew or completed it.
async fn complete(
    registry: &Registry,
    begun: &ClusterRecord,
) -> Result<ClusterRecord, RegistryError> {
    let mark = |found: &mut Option<ClusterRecord>| match found {
        Some(found) if found.identity == begun.identity => {
            found.complete = true;
            Ok(found.clone())
        }
        _ => Err(RegistryError::ClusterExists),
    };
    registry.change(mark).await
}

/// A new cluster with members 1 to `nodes`, which begin with the pairs of a backup. It has an
/// identity of its own. `progress` is told how many of its members have theirs, of how many.
///
/// # Errors
/// `ClusterExists`; `Foreign`; the storage's or the lock's. The name is as free then as it was
/// before, unless that fails too: then it is an `IncompleteRestore`.
pub async fn create_restored(
    cluster: &str,
    nodes: u64,
    backup: &Snapshot,
    mut progress: impl FnMut(u64, u64),
) -> Result<ClusterRecord, RegistryError> {
    let _held = lock::acquire(&lock_name(cluster), Mode::Wait).await?;
    let registry = Registry::open(cluster).await?;
    discard(cluster, &registry).await?;
    for node in 1..=nodes {
        if !disk::read_tables(cluster, node).await?.is_empty() {
            return Err(RegistryError::Foreign { node });
        }
    }
    let new = ClusterRecord::new(random()?, nodes, true);
    let insert = |found: &mut Option<ClusterRecord>| match found {
        Some(_) => Err(RegistryError::ClusterExists),
        None => Ok(found.insert(new).clone()),
    };
    let record = registry.change(insert).await?;
    let restored = fill(cluster, &record, backup, &mut progress).await;
    if let Err(error) = restored {
        if let Err(second) = undo(cluster, &registry, &record).await {
            let second = second.to_string().into();
            web_sys::console::warn_2(&"tabraft: a restore was left half done:".into(), &second);
        }
        return Err(error);
    }
    complete(&registry, &record).await
}

async fn fill(
    cluster: &str,
    record: &ClusterRecord,
    backup: &Snapshot,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), RegistryError> {
    let total = record.members.len() as u64;
    let membership = Membership::of_voters(record.members.clone());
    for (done, &node) in (0..).zip(&record.members) {
        progress(done, total);
        let batch = found(record.identity, node, membership.clone(), backup);
        first_batch(cluster, record, node, &batch).await?;
    }
    progress(total, total);
    Ok(())
}

/// Deletes what an interrupted restore left, and nothing else.
///
/// # Errors
/// `ClusterExists` if the cluster is not the rest of a restore; the storage's or the lock's.
pub async fn discard_restore(cluster: &str) -> Result<(), RegistryError> {
    let _held = lock::acquire(&lock_name(cluster), Mode::Wait).await?;
    match Registry::existing(cluster).await? {
        Some(registry) => discard(cluster, &registry).await,
        None => Ok(()),
    }
}

async fn discard(cluster: &str, registry: &Registry) -> Result<(), RegistryError> {
    match registry.read().await? {
        Some(record) if record.restoring && !record.complete => {
            undo(cluster, registry, &record).await
        }
        Some(_) => Err(RegistryError::ClusterExists),
        None => Ok(()),
    }
}

/// Empties the databases first: the record is what tells that they may be emptied. It is read again
/// when the disk has its new epoch. If it is complete by then, replicas may run; if it becomes so
/// later, a replica that starts raises the epoch, and the disk is no longer emptied under it.
async fn undo(
    cluster: &str,
    registry: &Registry,
    begun: &ClusterRecord,
) -> Result<(), RegistryError> {
    for &node in &begun.members {
        let opened = disk::open(cluster, node, Durability::Strict).await?;
        if is_foreign(&opened.tables, begun.identity) {
            return Err(RegistryError::Foreign { node });
        }
        if registry.read().await?.as_ref() != Some(begun) {
            return Err(RegistryError::ClusterExists);
        }
        opened.disk.clear().await?;
    }
    let delete = |found: &mut Option<ClusterRecord>| {
        if found.as_ref() != Some(begun) {
            return Err(RegistryError::ClusterExists);
        }
        *found = None;
        Ok(())
    };
    registry.change(delete).await
}

fn random() -> Result<u64, DiskError> {
    let mut bytes = [0; 8];
    getrandom::getrandom(&mut bytes)
        .map_err(|error| DiskError::Other(format!("no random numbers: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}
