//! Leaving a log file of the browser behind that a kill may have torn.
//!
//! Chromium keeps all databases of an origin in one LevelDB. LevelDB writes a log record as a header
//! and then its contents. A browser killed between the two leaves a header without contents at the
//! end of the log file, which the next start rightly ignores; but then it appends to that same file
//! (`reuse_logs`). The start after that takes what follows for the contents, finds a wrong checksum,
//! and Chromium deletes every database of the origin: all replicas at once.
//!
//! LevelDB begins a new file when it has taken 4 MiB. So the first page of an origin writes as much,
//! and deletes it again. From then on no torn end has anything after it. Other browsers keep
//! IndexedDB in SQLite; there this does nothing.

use indexed_db_futures::prelude::*;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::JsValue;

use super::idb::{Connection, DiskError};
use super::{idb, lock};
use crate::names::{PAGES_LOCK, ROTATION_DATABASE};
use crate::settings::Durability;

const STORE: &str = "bytes";
const STORES: &[&str] = &[STORE];
const KEY: &str = "bytes";
/// Smaller than what Chromium would put into a file of its own.
const VALUE_BYTES: usize = 48 * 1024;
const VALUES_A_TRANSACTION: usize = 8;
/// Somewhat more than LevelDB's 4 MiB.
const TRANSACTIONS: usize = 12;

/// Counts this page among the origin's until it ends; the first of them leaves the log behind.
///
/// # Errors
/// The lock's or the storage's. What is stored stays as safe as the browser keeps it.
pub async fn count_page() -> Result<(), RotationError> {
    let first = lock::acquire(PAGES_LOCK, lock::Mode::IfAvailable).await?;
    if first.is_some() && has_leveldb() {
        begin_new_log().await?;
    }
    drop(first);
    let counted = lock::acquire(PAGES_LOCK, lock::Mode::Shared).await?;
    // The browser lets go of it when the page ends.
    std::mem::forget(counted);
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(transparent)]
    Lock(#[from] lock::LockError),
    #[error(transparent)]
    Storage(#[from] DiskError),
}

/// Whether the browser is Chromium, by a property that only its IndexedDB has: it tells of such
/// deletions.
fn has_leveldb() -> bool {
    let tells = |it: JsValue| {
        let prototype = Reflect::get(&it, &"prototype".into())?;
        Reflect::has(&prototype, &"dataLoss".into())
    };
    let event = Reflect::get(&js_sys::global(), &"IDBVersionChangeEvent".into());
    event.and_then(tells).unwrap_or(false)
}

async fn begin_new_log() -> Result<(), DiskError> {
    // Bytes that do not get fewer by compression.
    let mut bytes = vec![0; VALUE_BYTES];
    getrandom::getrandom(&mut bytes)
        .map_err(|error| DiskError::Other(format!("no random numbers: {error}")))?;
    let value: JsValue = Uint8Array::from(&bytes[..]).into();
    let connection = Connection::open(ROTATION_DATABASE, STORES).await?;
    for _ in 0..TRANSACTIONS {
        let transaction = connection.write([STORE], Durability::Relaxed)?;
        let store = transaction.object_store(STORE)?;
        for _ in 0..VALUES_A_TRANSACTION {
            let _put = store.put(&value).with_key(KEY).primitive()?;
        }
        idb::commit(transaction).await?;
    }
    connection.close();
    idb::delete(ROTATION_DATABASE).await
}
