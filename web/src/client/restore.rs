//! A new cluster, made from a file.

use js_sys::{ArrayBuffer, Uint8Array};
use tabraft::frame::{FrameError, Kind};
use tabraft::wal::Snapshot;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::{Cluster, address};
use crate::host::registry;
use crate::model::{ApiError, Restored};
use crate::settings::{NODES_MAX, cluster_name};

/// Bytes read at a time.
const SLICE: f64 = (4 << 20) as f64;
/// Enough of a file to tell what it is and how long it should be.
const HEAD: f64 = 16.0;
const MAGIC: &[u8] = b"TBRF";

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
        let bytes = self.read_file(&file).await?;
        self.set_work("Checking the file", None).await;
        let backup = Snapshot::decode_backup(&bytes)
            .map_err(|error| bad_file(&error, bytes.len() as f64))?;
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

    /// Reads a file, unless its first bytes say that there is no use in it.
    async fn read_file(&self, file: &Blob) -> Result<Vec<u8>, ApiError> {
        let size = file.size();
        let head = slice(file, 0.0, HEAD.min(size)).await?;
        match Snapshot::decode_backup(&head) {
            // Of the right kind, and as long as it says.
            Err(FrameError::Short { wanted, .. }) if wanted as f64 == size => {}
            Err(FrameError::Short { wanted, .. }) if size >= HEAD && size > wanted as f64 => {
                return Err(too_long(size, wanted));
            }
            Err(error) => return Err(refusal(&error, &head, size)),
            Ok(_) => {}
        }
        let mut bytes = Vec::with_capacity(size as usize);
        let mut at = 0.0;
        while at < size {
            self.set_work("Reading the file", Some(at / size)).await;
            let end = size.min(at + SLICE);
            bytes.extend(slice(file, at, end).await?);
            at = end;
        }
        Ok(bytes)
    }
}

async fn slice(file: &Blob, from: f64, to: f64) -> Result<Vec<u8>, ApiError> {
    let failed = |error: JsValue| ApiError::browser("The file could not be read", &error);
    let part = file.slice_with_f64_and_f64(from, to).map_err(failed)?;
    let buffer = JsFuture::from(part.array_buffer()).await.map_err(failed)?;
    Ok(Uint8Array::new(&buffer.unchecked_into::<ArrayBuffer>()).to_vec())
}

/// What the first bytes of a file say is wrong with it.
fn refusal(error: &FrameError, head: &[u8], size: f64) -> ApiError {
    if size == 0.0 {
        return ApiError::new("BAD_FILE", "The file is empty. Nothing was changed.");
    }
    let begins_well = head
        .iter()
        .zip(MAGIC)
        .all(|(found, wanted)| found == wanted);
    match error {
        FrameError::Short { .. } if !begins_well => bad_file(&FrameError::Magic, size),
        error => bad_file(error, size),
    }
}

fn too_long(size: f64, wanted: usize) -> ApiError {
    let found = size as usize;
    bad_file(&FrameError::Long { found, wanted }, size)
}

/// What is wrong with a file of `size` bytes.
fn bad_file(error: &FrameError, size: f64) -> ApiError {
    let sentence = match error {
        FrameError::Magic => "The file is not one that tabraft has made.".to_owned(),
        FrameError::Kind { found, .. } => format!(
            "The file is {}, not a snapshot that was saved as a file.",
            kind_in_words(*found)
        ),
        FrameError::Version { found, wanted } if found > wanted => format!(
            "The file was made by a newer version of tabraft: it has format {found}, and this \
             build reads format {wanted}. Reload the page to get the newest build."
        ),
        FrameError::Version { found, wanted } => {
            format!("The file has format {found}, and this build reads format {wanted} only.")
        }
        FrameError::Short { wanted, .. } => {
            format!("The file is cut short: it has {size} of {wanted} bytes.")
        }
        FrameError::Long { wanted, .. } => format!(
            "The file has {size} bytes where {wanted} belong: something was added to its end."
        ),
        FrameError::TooLarge { found, max } => {
            format!("The file is too large: it says {found} bytes, and {max} are the most.")
        }
        FrameError::Checksum => {
            "The file is damaged: its checksum does not match its contents.".to_owned()
        }
        FrameError::Contents => {
            "The file makes no sense, although its checksum matches. It was not made by tabraft."
                .to_owned()
        }
    };
    ApiError::new("BAD_FILE", format!("{sentence} Nothing was changed."))
}

fn kind_in_words(kind: u8) -> &'static str {
    const KINDS: [(Kind, &str); 3] = [
        (Kind::Record, "a record of a write-ahead log"),
        (Kind::Snapshot, "a snapshot from a replica's own disk"),
        (Kind::Envelope, "a message between replicas"),
    ];
    let found = KINDS.iter().find(|(of, _)| *of as u8 == kind);
    found.map_or("of a kind that this build does not know", |(_, words)| {
        words
    })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn told(head: &[u8], size: f64) -> String {
        let error = Snapshot::decode_backup(head).expect_err("no backup");
        refusal(&error, head, size).message
    }

    #[test]
    fn each_wrong_file_is_named() {
        let backup = Snapshot::nothing(7).encode_backup();
        let with = |at: usize, byte: u8| {
            let mut head = backup[..16].to_vec();
            head[at] = byte;
            head
        };
        let cases = [
            (Vec::new(), 0.0, "empty"),
            (b"PNG".to_vec(), 3.0, "not one that tabraft has made"),
            (b"TB".to_vec(), 2.0, "cut short: it has 2 of 16 bytes"),
            (with(0, b'X'), 900.0, "not one that tabraft has made"),
            (with(4, 1), 900.0, "a record of a write-ahead log"),
            (with(4, 2), 900.0, "from a replica's own disk"),
            (with(4, 9), 900.0, "does not know"),
            (with(5, 200), 900.0, "newer version"),
            (with(11, 0xff), 900.0, "too large"),
            (backup[..16].to_vec(), 17.0, "cut short: it has 17 of"),
        ];
        for (head, size, wanted) in cases {
            let sentence = told(&head, size);
            assert!(sentence.contains(wanted), "{sentence}");
            assert!(sentence.ends_with("Nothing was changed."), "{sentence}");
        }
    }
}
