//! Reads and writes.

use std::rc::Rc;

use bytes::Bytes;

use super::Cluster;
use super::judged::Judged;
use super::store::{Pair, Store, Watch};
use crate::model::{ApiError, Call, Status, Written};

impl Cluster {
    /// What this page's clients use, with the judge's eye on it.
    ///
    /// # Errors
    /// Those of [`Cluster::ready`].
    pub async fn store(&self) -> Result<&Judged, ApiError> {
        self.ready().await?;
        let unopened = || ApiError::new("CLOSED", "The page has no cluster.");
        self.0.judged.get().ok_or_else(unopened)
    }

    /// # Errors
    /// Those of the console API, here and below.
    pub async fn put(&self, key: &str, value: Bytes, call: Call) -> Result<Written, ApiError> {
        self.store().await?.put(key, value, call).await
    }

    pub async fn delete(&self, key: &str, call: Call) -> Result<Written, ApiError> {
        self.store().await?.delete(key, call).await
    }

    pub async fn cas(
        &self,
        key: &str,
        expected: Option<Bytes>,
        value: Bytes,
        call: Call,
    ) -> Result<Written, ApiError> {
        self.store().await?.cas(key, expected, value, call).await
    }

    pub async fn get(&self, key: &str, call: Call) -> Result<Option<Bytes>, ApiError> {
        self.store().await?.get(key, call).await
    }

    pub async fn scan(&self, prefix: &str, limit: u32, call: Call) -> Result<Vec<Pair>, ApiError> {
        self.store().await?.scan(prefix, limit, call).await
    }

    /// The status after every member was asked.
    pub async fn fresh_status(&self) -> Result<Status, ApiError> {
        self.store().await?.status().await
    }

    /// Calls `changed` when the data may have changed, until the watch is dropped.
    pub async fn watch(&self, changed: Rc<dyn Fn()>) -> Result<Watch, ApiError> {
        Ok(self.store().await?.watch(changed))
    }
}
