//! Snapshots: taken now, and saved as a file.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::Cluster;
use super::deadline::Deadline;
use crate::model::{ApiError, Exported, Update, Work};

/// How long a snapshot may take if its caller does not say, in milliseconds.
pub const SNAPSHOT_TIMEOUT_MS: f64 = 15_000.0;

impl Cluster {
    /// Takes a snapshot of a running replica now; its index, once it is durable.
    ///
    /// # Errors
    /// `NOT_RUNNING`, `PAUSED`, `TIMEOUT`.
    pub async fn snapshot(&self, id: u64) -> Result<u64, ApiError> {
        let deadline = Deadline::after(SNAPSHOT_TIMEOUT_MS);
        self.snapshot_checked(id, deadline).await
    }

    pub(super) async fn snapshot_checked(
        &self,
        id: u64,
        deadline: Deadline,
    ) -> Result<u64, ApiError> {
        self.fresh_status().await?;
        self.check_listed(id)?;
        self.snapshot_by(id, deadline).await
    }

    /// The state as a file: the leader's, confirmed by a quorum, so that it has every write that
    /// was acknowledged; or a certain replica's as it is, running or not, which needs no quorum.
    ///
    /// # Errors
    /// `NO_QUORUM`, `NOTHING_STORED`, `DAMAGED`, `TIMEOUT`.
    pub async fn export_snapshot(&self, node: Option<u64>) -> Result<Exported, ApiError> {
        let deadline = Deadline::after(SNAPSHOT_TIMEOUT_MS);
        self.export_snapshot_by(node, deadline).await
    }

    pub(super) async fn export_snapshot_by(
        &self,
        node: Option<u64>,
        deadline: Deadline,
    ) -> Result<Exported, ApiError> {
        let _work = self.work("Taking a snapshot");
        self.fresh_status().await?;
        let state = match node {
            Some(id) => self.state_as_it_is(id, deadline).await?,
            None => {
                self.check_quorum("to confirm the state")?;
                self.state_of_leader(deadline).await?
            }
        };
        self.set_work("Making the file", None).await;
        let bytes = state.encode_backup();
        let failed = |error: JsValue| ApiError::browser("The file could not be made", &error);
        let parts = Array::of1(&Uint8Array::from(&bytes[..]));
        let blob = Blob::new_with_u8_array_sequence(&parts).map_err(failed)?;
        Ok(Exported {
            blob,
            file_name: format!("tabraft-{}-{}.tbrf", self.cluster(), state.index),
            index: state.index,
            keys: state.store.len() as u64,
            bytes: bytes.len() as u64,
        })
    }

    /// Shows long work until what is returned is dropped.
    pub(super) fn work(&self, what: &str) -> AtWork {
        self.note_work(what.into(), None);
        AtWork(self.clone())
    }

    /// Shows how far long work is, and lets the page draw it.
    pub(super) async fn set_work(&self, what: &str, done: Option<f64>) {
        self.note_work(what.into(), done);
        gloo_timers::future::TimeoutFuture::new(0).await;
    }

    pub(super) fn note_work(&self, what: String, done: Option<f64>) {
        *self.0.work.borrow_mut() = Some(Work { what, done });
        self.tell(Update::Progress);
    }
}

/// Long work under way.
pub struct AtWork(Cluster);

impl Drop for AtWork {
    fn drop(&mut self) {
        *self.0.0.work.borrow_mut() = None;
        self.0.tell(Update::Progress);
    }
}
