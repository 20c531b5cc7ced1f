//! Ids given to new replicas, and taken from removed ones.
//!
//! # Why an id that forgot its vote never comes back
//!
//! A replica that lost its disk might vote again in a term it has voted in, or be counted for
//! entries it no longer has. So each id goes one way: on no list, `joining`, `members`, `removed`,
//! and from there to `joining` again.
//!
//! 1. [`reserve`] puts an id on `joining` if it was never used, or if a committed change has removed
//!    it; then, before that, its disk is emptied.
//! 2. [`prepare_joiner`] writes the first batch into an empty disk of an id on `joining`, and puts
//!    it on `members`. It empties nothing, and an empty disk of an id on `members` gets no batch:
//!    that is a member that forgot.
//! 3. [`mark_removed`] puts it on `removed`, after the change was committed.
//!
//! A tab that ends between two steps leaves an id on the list it was on. Reserving or preparing it
//! again does what was not done yet.
//!
//! Two tabs may do this at once, even if a lock fails. Whoever is about to empty or to begin a disk
//! opens it first, which raises its epoch, and reads the record after that. If another tab has
//! meanwhile moved the id on, the record says so. If it does so later, it opens the disk to begin
//! it or to host it, which raises the epoch again, and the first tab's write fails.
//!
//! A tab may be frozen between a committed removal and [`mark_removed`], while others reserve the id
//! again and make it a member. So the removal is named by its log index, and each is believed once.
//!
//! # Why a new life under a removed id is another replica
//!
//! The disk of the old life is emptied, and its host fenced, before the addition is proposed. So
//! whoever counts a vote of the old life campaigned without the addition in its log, and in a term
//! no later than the addition's: its voters and those that committed the addition are majorities
//! with a member in common, which voted first and appended the addition afterwards; the other way
//! round it would not have voted for that log. The new life grants no vote before it has a leader's
//! snapshot with itself among the members. From then on it grants votes only to logs that have the
//! addition, and who has an entry of a term campaigns in later ones. So the two lives never vote in
//! the same term.

use tabraft::wal;
use tabraft::wire::{ClusterId, NodeId};

use super::record::{self, ClusterRecord, put_on};
use super::{ID_MAX, RegistryError, is_foreign};
use crate::host::disk::{self, Durability, Opened};
use crate::host::lock::{self, Held, Mode};
use crate::names;

/// Gives an id to a new replica: one that was never used, or the one that is wanted. One that was
/// reserved before and has promised nothing yet is given again.
///
/// # Errors
/// `IdUsed`, `BadId`; `Running` if it is wanted from a removed replica that still runs;
/// `NoSuchCluster`, `IncompleteRestore`; the storage's or the lock's.
pub async fn reserve(cluster: &str, wanted: Option<NodeId>) -> Result<NodeId, RegistryError> {
    let Some(id) = wanted else {
        let take_next = |record: &mut ClusterRecord| {
            let id = record.next_id;
            join(record, id)
        };
        return record::change(cluster, take_next).await;
    };
    let found = record::read(cluster).await?;
    if found.members.contains(&id) {
        let tables = disk::read_tables(cluster, id).await?;
        let is_untouched = wal::is_untouched(&tables);
        return is_untouched
            .then_some(id)
            .ok_or(RegistryError::IdUsed { node: id });
    }
    let removal = found.removals.get(&id).copied();
    if removal.is_some() && !found.joining.contains(&id) {
        empty_removed(cluster, id, removal).await?;
    }
    let take = |record: &mut ClusterRecord| {
        // Nobody has moved it on since.
        if record.members.contains(&id) || record.removals.get(&id).copied() != removal {
            return Err(RegistryError::IdUsed { node: id });
        }
        join(record, id)
    };
    record::change(cluster, take).await
}

fn join(record: &mut ClusterRecord, id: NodeId) -> Result<NodeId, RegistryError> {
    if !(1..=ID_MAX).contains(&id) {
        return Err(RegistryError::BadId { node: id });
    }
    record.take_off(id);
    put_on(&mut record.joining, id);
    Ok(id)
}

async fn empty_removed(
    cluster: &str,
    id: NodeId,
    removal: Option<u64>,
) -> Result<(), RegistryError> {
    let (opened, record, _held) = take_over(cluster, id).await?;
    let goes_on = record.members.contains(&id) || record.joining.contains(&id);
    if goes_on || record.removals.get(&id).copied() != removal {
        return Err(RegistryError::IdUsed { node: id });
    }
    if !opened.tables.is_empty() {
        opened.disk.clear().await?;
    }
    Ok(())
}

/// Writes the first batch of a replica that joins, under an id that was reserved. Doing it again
/// changes nothing as long as the replica has promised nothing.
///
/// # Errors
/// `IdUsed` if the id was not reserved, or its disk holds more, or a member has lost it; `Running`;
/// `Foreign`; `NoSuchCluster` also if the cluster of that name is another one by now; the storage's
/// or the lock's.
pub async fn prepare_joiner(
    cluster: &str,
    identity: ClusterId,
    id: NodeId,
) -> Result<(), RegistryError> {
    let is_ours = |record: &ClusterRecord| match record.identity == identity {
        true => Ok(record.joining.contains(&id)),
        false => Err(RegistryError::NoSuchCluster),
    };
    let found = record::read(cluster).await?;
    if !is_ours(&found)? && !found.members.contains(&id) {
        return Err(RegistryError::IdUsed { node: id });
    }
    let (opened, record, _held) = take_over(cluster, id).await?;
    let is_joining = is_ours(&record)?;
    if opened.tables.is_empty() && is_joining {
        opened.disk.write(&wal::join(identity, id)).await?;
    } else if is_foreign(&opened.tables, identity) {
        return Err(RegistryError::Foreign { node: id });
    } else if !wal::is_untouched(&opened.tables) {
        return Err(RegistryError::IdUsed { node: id });
    }
    let admit = |record: &mut ClusterRecord| {
        if is_ours(record)? {
            record.take_off(id);
            put_on(&mut record.members, id);
        }
        Ok(())
    };
    record::change(cluster, admit).await
}

/// The replica's lock; its disk, opened and so fenced against all others; and the record as it is
/// after that.
async fn take_over(
    cluster: &str,
    id: NodeId,
) -> Result<(Opened, ClusterRecord, Held), RegistryError> {
    let held = lock::acquire(&names::node_lock(cluster, id), Mode::IfAvailable).await?;
    let held = held.ok_or(RegistryError::Running { node: id })?;
    let opened = disk::open(cluster, id, Durability::Strict).await?;
    let record = record::read(cluster).await?;
    Ok((opened, record, held))
}

/// Notes that a replica is no member any more. To be called only when the change that removed it
/// was acknowledged as committed, at `index` of the log. A removal that was noted before is not
/// noted again, even if the id has had a new life since.
///
/// # Errors
/// As [`reserve`].
pub async fn mark_removed(cluster: &str, id: NodeId, index: u64) -> Result<(), RegistryError> {
    let mark = |record: &mut ClusterRecord| {
        if !(1..=ID_MAX).contains(&id) {
            return Err(RegistryError::BadId { node: id });
        }
        if record.removals.get(&id).is_none_or(|noted| *noted < index) {
            record.take_off(id);
            put_on(&mut record.removed, id);
            record.removals.insert(id, index);
        }
        Ok(())
    };
    record::change(cluster, mark).await
}

/// Notes whether a member was stopped on purpose. Of others nothing is noted.
///
/// # Errors
/// As [`reserve`].
pub async fn mark_stopped(
    cluster: &str,
    id: NodeId,
    is_stopped: bool,
) -> Result<(), RegistryError> {
    let mark = |record: &mut ClusterRecord| {
        record.stopped.retain(|stopped| *stopped != id);
        if is_stopped && record.members.contains(&id) {
            put_on(&mut record.stopped, id);
        }
        Ok(())
    };
    record::change(cluster, mark).await
}

/// Lists a removed replica no longer, for one that has been wiped. Of others nothing is changed.
///
/// # Errors
/// As [`reserve`].
pub async fn forget(cluster: &str, id: NodeId) -> Result<(), RegistryError> {
    let forget = |record: &mut ClusterRecord| {
        record.removed.retain(|removed| *removed != id);
        Ok(())
    };
    record::change(cluster, forget).await
}
