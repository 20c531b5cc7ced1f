//! A new cluster, made from a file.

use tabraft::frame::Kind;
use tabraft::wal::Snapshot;
use web_sys::Blob;

use super::saved_file::{self, bad_file};
use super::{Cluster, address};
use crate::host::registry;
use crate::model::{ApiError, Restored};
use crate::settings::{NODES_MAX, cluster_name};

impl Cluster {
    /// Makes a new cluster of `nodes` members (those of the settings if not given) from a file.
    /// It has an identity of its own; this one stays as it is.
    ///
    /// # Errors
    /// `BAD_ARGUMENT`; `BAD_FILE` with what is wrong; `CLUSTER_EXISTS`; nothing is changed then.
    pub async fn restore(
        &self,
        file: Blob,
        cluster: &str,
        nodes: Option<u64>,
    ) -> Result<Restored, ApiError> {
        let cluster = cluster_name(cluster).map_err(|wanted| {
            ApiError::bad_argument(format!("The new cluster's name must be {wanted}."))
        })?;
        let nodes = nodes.unwrap_or(self.0.settings.nodes);
        if !(1..=NODES_MAX).contains(&nodes) {
            let wanted = format!("nodes must be a whole number from 1 to {NODES_MAX}.");
            return Err(ApiError::bad_argument(wanted));
        }
        let found = registry::find(&cluster).await?;
        if found.is_some_and(|record| record.complete || !record.restoring) {
            return Err(registry::RegistryError::ClusterExists.into());
        }
        let _work = self.work("Reading the file");
        let tell = async |done| self.set_work("Reading the file", Some(done)).await;
        let bytes = saved_file::read(&file, Kind::Backup, tell).await?;
        self.set_work("Checking the file", None).await;
        let backup = Snapshot::decode_backup(&bytes)
            .map_err(|error| bad_file(Kind::Backup, &error, bytes.len() as f64))?;
        drop(bytes);
        let me = self.clone();
        let progress = move |done: u64, of: u64| {
            let what = format!("Writing node {} of {of}", (done + 1).min(of));
            me.note_work(what, Some(done as f64 / of.max(1) as f64));
        };
        registry::create_restored(&cluster, nodes, &backup, progress).await?;
        Ok(Restored {
            url: address::for_cluster(&cluster)?,
            cluster,
            index: backup.index,
            keys: backup.store.len() as u64,
        })
    }
}
