//! What is done to a replica's disk on purpose, past its host: wiping, damaging, deleting.

use indexed_db_futures::prelude::*;
use indexed_db_futures::typed_array::Uint8ArraySlice;
use tabraft::wal::{Record, Snapshot};
use wasm_bindgen::JsValue;

use super::ahead::note_rewritten;
use super::rows::{bytes_of, key, whole};
use super::{
    DiskError, Durability, OWNER, SNAPSHOTS, WAL, clear_all, database_name, existing, raise_epoch,
};
use crate::host::idb;
use crate::model::{Place, Stored};

/// Empties a replica's disk and raises its epoch, in one transaction: a host that has it open is
/// fenced and writes nothing into the emptied tables. The database stays, because its epoch must
/// not begin again; a database that does not exist is not created.
///
/// # Errors
/// As [`open`](super::open).
pub async fn wipe(cluster: &str, node: u64) -> Result<(), DiskError> {
    let Some(connection) = existing(cluster, node).await? else {
        return Ok(());
    };
    let transaction = connection.write([WAL, SNAPSHOTS, OWNER], Durability::Strict)?;
    raise_epoch(&transaction).await?;
    clear_all(&transaction)?;
    idb::commit(transaction).await
}

/// Flips one bit of a record or a snapshot and says which one it was. A host does not notice
/// before it reads its disk again. What is damaged already stays as it is: a second flip could
/// mend it.
///
/// # Errors
/// `Nothing` if there is no such record or snapshot; as [`open`](super::open).
pub async fn corrupt(
    cluster: &str,
    node: u64,
    what: Stored,
    place: Place,
) -> Result<u64, DiskError> {
    let store = match what {
        Stored::Wal => WAL,
        Stored::Snapshot => SNAPSHOTS,
    };
    let connection = existing(cluster, node).await?.ok_or(DiskError::Nothing)?;
    let transaction = connection.write([store, OWNER], Durability::Strict)?;
    let rows = transaction.object_store(store)?;
    let keys = rows.get_all_keys::<f64>().primitive()?.await?;
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let chosen = match place {
        Place::Last => keys.last(),
        Place::Middle => keys.get(keys.len() / 2),
    };
    let chosen = whole(*chosen.ok_or(DiskError::Nothing)?)?;
    let value = rows
        .get::<JsValue, f64, _>(key(chosen))
        .primitive()?
        .await?;
    let mut bytes = value.map(bytes_of).unwrap_or_default();
    let is_whole = match what {
        Stored::Wal => Record::decode(&bytes).is_ok(),
        Stored::Snapshot => Snapshot::decode(&bytes).is_ok(),
    };
    if is_whole {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        let bytes = Uint8ArraySlice::new(&bytes);
        let _put = rows.put(bytes).with_key(key(chosen)).primitive()?;
        note_rewritten(&transaction)?;
    }
    idb::commit(transaction).await?;
    Ok(chosen)
}

/// Deletes a replica's database, epoch and all. Its host, if it has one, finds it closed.
///
/// # Errors
/// `Blocked`: it is deleted once the tab that has it open wakes up or ends. `Unavailable`.
pub async fn destroy(cluster: &str, node: u64) -> Result<(), DiskError> {
    idb::delete(&database_name(cluster, node)).await
}
