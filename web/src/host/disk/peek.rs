//! Reading a replica's disk past its host. The epoch stays as it is, so the host goes on; it waits
//! for no more than the reading itself. A database that does not exist is not created.

use indexed_db_futures::KeyRange;
use indexed_db_futures::cursor::CursorDirection;
use indexed_db_futures::object_store::ObjectStore;
use indexed_db_futures::prelude::*;
use tabraft::wal::Tables;
use wasm_bindgen::JsValue;

use super::rows::{self, Row, bytes_of, key, whole};
use super::{DiskError, SNAPSHOTS, WAL, existing};
use crate::host::idb;

/// All that a replica has stored; nothing, if it has no database.
///
/// # Errors
/// As [`open`](super::open).
pub async fn read_tables(cluster: &str, node: u64) -> Result<Tables, DiskError> {
    let Some(connection) = existing(cluster, node).await? else {
        return Ok(Tables::default());
    };
    let transaction = connection.read([WAL, SNAPSHOTS])?;
    let tables = rows::read(&transaction).await?;
    idb::commit(transaction).await?;
    Ok(tables)
}

/// The end of a replica's log.
#[derive(Debug, Default)]
pub struct Tail {
    /// In order.
    pub records: Vec<Row>,
    /// There are none before them.
    pub all: bool,
}

/// The records among the newest so many numbers of a replica's log. They are fewer than that where
/// one record stands for others.
///
/// # Errors
/// As [`open`](super::open).
pub async fn read_tail(cluster: &str, node: u64, numbers: u32) -> Result<Tail, DiskError> {
    let Some(connection) = existing(cluster, node).await? else {
        return Ok(Tail::default());
    };
    let transaction = connection.read([WAL])?;
    let wal = transaction.object_store(WAL)?;
    let oldest = wal.get_all_keys::<f64>().with_limit(1).primitive()?;
    let tail = match last_key(&wal).await? {
        Some(newest) => {
            let first = (newest + 1).saturating_sub(u64::from(numbers));
            let range = KeyRange::LowerBound(key(first), false);
            let records = rows::read_from(&wal, range, numbers).await?;
            let oldest = oldest.await?.next().transpose()?.map(whole).transpose()?;
            let all = oldest.is_some_and(|oldest| first <= oldest);
            Tail { records, all }
        }
        None => Tail::default(),
    };
    idb::commit(transaction).await?;
    Ok(tail)
}

/// The snapshot that a replica has stored for an index, as bytes.
///
/// # Errors
/// As [`open`](super::open).
pub async fn read_snapshot(
    cluster: &str,
    node: u64,
    index: u64,
) -> Result<Option<Vec<u8>>, DiskError> {
    let Some(connection) = existing(cluster, node).await? else {
        return Ok(None);
    };
    let transaction = connection.read([SNAPSHOTS])?;
    let snapshots = transaction.object_store(SNAPSHOTS)?;
    let found = snapshots
        .get::<JsValue, f64, _>(key(index))
        .primitive()?
        .await?;
    idb::commit(transaction).await?;
    Ok(found.map(bytes_of))
}

async fn last_key(store: &ObjectStore<'_>) -> Result<Option<u64>, DiskError> {
    let cursor = store
        .open_key_cursor()
        .with_direction(CursorDirection::Prev)
        .primitive()?
        .await?;
    match cursor {
        Some(mut cursor) => cursor.next_key::<f64>().await?.map(whole).transpose(),
        None => Ok(None),
    }
}
