//! Disks: made slow, full or faulty, damaged, wiped; and the steps of a write.

use futures_util::future::join_all;

use super::Cluster;
use super::deadline::Deadline;
use super::membership::CHANGE;
use crate::host::disk;
use crate::host::lock::{self, Mode};
use crate::host::registry;
use crate::model::{ApiError, DiskFault, EntryAt, Place, State, Step, Stored};
use crate::names;
use crate::protocol::{Deed, Word, Yield};

/// How long a replica may take to say what it remembers, in milliseconds.
const ENTRY_TIMEOUT_MS: f64 = 1_000.0;
/// How long a removal may take to be confirmed before its disk is wiped, in milliseconds.
const CONFIRM_MS: f64 = 2_000.0;

impl Cluster {
    /// Makes a running replica's disk misbehave; `DiskFault::default()` ends that.
    ///
    /// # Errors
    /// `NOT_RUNNING`.
    pub async fn disk(&self, id: u64, fault: DiskFault) -> Result<(), ApiError> {
        self.deed(id, Deed::Disk(fault)).await?;
        self.event(id, "disk", fault_sentence(id, &fault));
        Ok(())
    }

    /// Deletes all that a replica which does not run has stored. A member that forgot its vote
    /// cannot come back under its id; one that was removed is listed no more.
    ///
    /// # Errors
    /// `ALREADY_RUNNING`, or why the disk could not be emptied.
    pub async fn wipe(&self, id: u64) -> Result<(), ApiError> {
        let joined = self.joined().await?;
        self.check_listed(id)?;
        self.look_at_locks().await;
        if self.0.view.borrow().is_running(id) {
            return Err(still_running(id));
        }
        let is_member = self.0.view.borrow().members().contains(&id);
        if !is_member {
            self.confirm_removal(id).await;
        }
        let cluster = self.cluster();
        let name = names::node_lock(cluster, id);
        let held = lock::acquire(&name, Mode::IfAvailable).await;
        let held = held.map_err(|error| ApiError::told(error.code(), error.to_string()))?;
        let held = held.ok_or_else(|| still_running(id))?;
        disk::wipe(cluster, id).await?;
        held.release();
        registry::forget(cluster, id).await?;
        joined.tabs.say(Word::Wiped { node: id });
        self.0.view.borrow_mut().forget_status(id);
        self.tell_record().await;
        self.event(id, "disk", wiped_sentence(id, is_member));
        Ok(())
    }

    /// Notes the removal of a replica that is no member, if that was not noted; else it would stay
    /// listed. Without a quorum it does.
    async fn confirm_removal(&self, id: u64) {
        if self.0.view.borrow().record().removed.contains(&id) || self.check_quorum(CHANGE).is_err()
        {
            return;
        }
        let deadline = Deadline::after(CONFIRM_MS);
        let noted = async {
            let _lock = self.membership_lock(deadline).await?;
            let report = self.confirmed(deadline).await?;
            self.note_removal(id, &report).await
        };
        if let Err(error) = noted.await {
            self.event(id, "problem", error.message);
        }
    }

    /// Flips one bit of what a replica has stored.
    ///
    /// # Errors
    /// `NOTHING_STORED`, or why it could not be read and written.
    pub async fn corrupt(&self, id: u64, what: Stored, at: Place) -> Result<(), ApiError> {
        self.joined().await?;
        self.check_listed(id)?;
        let found = disk::corrupt(self.cluster(), id, what, at).await?;
        let value = match what {
            Stored::Wal => format!("WAL record {found}"),
            Stored::Snapshot => format!("the snapshot at index {found}"),
        };
        self.event(
            id,
            "disk",
            format!(
                "One bit of node {id}'s {value} was flipped. It shows when the disk is next read."
            ),
        );
        Ok(())
    }

    /// What each running replica has at an index of its log, by id. Asks them; so only when a
    /// person or a script wants to know.
    ///
    /// # Errors
    /// Only if no replica answered, and one could not.
    pub async fn entry(&self, index: u64) -> Result<Vec<EntryAt>, ApiError> {
        self.joined().await?;
        let status = self.status();
        let reacting = status.nodes.iter().filter(|n| n.state == State::Running);
        let asked =
            reacting.map(|node| self.deed_within(node.id, Deed::Entry(index), ENTRY_TIMEOUT_MS));
        let mut found = Vec::new();
        let mut failed = None;
        for answer in join_all(asked).await {
            match answer {
                Ok(Yield::Entry(of_one)) => found.push(*of_one),
                Ok(_) => failed = Some(super::wrong_answer()),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// When the write at an index went through each step, on each replica that still knows.
    ///
    /// # Errors
    /// Those of [`Cluster::entry`].
    pub async fn steps(&self, index: u64) -> Result<Vec<Step>, ApiError> {
        let found = self.entry(index).await?;
        let mut steps: Vec<Step> = found.into_iter().flat_map(|of_one| of_one.steps).collect();
        steps.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
        Ok(steps)
    }
}

fn still_running(id: u64) -> ApiError {
    ApiError::new(
        "ALREADY_RUNNING",
        format!("Node {id} is running. Stop it before its disk is wiped."),
    )
}

fn fault_sentence(id: u64, fault: &DiskFault) -> String {
    let mut parts = Vec::new();
    if fault.delay_ms > 0.0 {
        parts.push(format!("begins every write {} ms late", fault.delay_ms));
    }
    match fault.fail_next {
        0 => {}
        1 => parts.push("fails the next write".into()),
        many => parts.push(format!("fails the next {many} writes")),
    }
    if fault.full {
        parts.push("is full".into());
    }
    if parts.is_empty() {
        return format!("Node {id}'s disk works as it should.");
    }
    format!("Node {id}'s disk {}.", parts.join(", "))
}

fn wiped_sentence(id: u64, is_member: bool) -> String {
    if is_member {
        format!(
            "Node {id}'s disk was wiped. It has forgotten its vote and cannot come back under its \
             id: remove it, or replace it."
        )
    } else {
        format!("Node {id}'s disk was wiped.")
    }
}
