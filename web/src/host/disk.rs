//! A replica's disk: one IndexedDB database with the two tables of [`tabraft::wal`] and the epoch
//! of its owner.
//!
//! | object store | key | value |
//! |---|---|---|
//! | `wal` | sequence number | a record, as bytes |
//! | `snapshots` | index | a snapshot, as bytes |
//! | `owner` | `"epoch"` | a number that each opening raises by one |
//!
//! # Fencing
//!
//! The lock that a host holds on its replica can be stolen, and the old host does not notice before
//! it runs again. The epoch is what makes that harmless. IndexedDB runs transactions that write to
//! the same stores one after another, in every tab, so each write either comes before the new
//! host's opening, which then reads it, or it finds the new epoch and aborts.

use std::cell::Cell;

use indexed_db_futures::object_store::ObjectStore;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::{Transaction, TransactionRef};
use indexed_db_futures::typed_array::Uint8ArraySlice;
use indexed_db_futures::{KeyRange, error::Error};
use js_sys::Uint8Array;
use tabraft::wal::{Tables, WriteBatch};
use wasm_bindgen::{JsCast, JsValue};

pub use super::idb::DiskError;
use super::idb::{self, Connection};
pub use crate::settings::Durability;

const WAL: &str = "wal";
const SNAPSHOTS: &str = "snapshots";
const OWNER: &str = "owner";
const STORES: &[&str] = &[WAL, SNAPSHOTS, OWNER];
const EPOCH: &str = "epoch";

/// Rows read by one request: browsers bound the size of an answer, and each is held twice.
const RECORDS_PER_READ: u32 = 256;
const SNAPSHOTS_PER_READ: u32 = 1;

/// The name of a replica's database.
pub fn database_name(cluster: &str, node: u64) -> String {
    format!("tabraft:{cluster}:{node}")
}

/// A replica's database, open, under an epoch of its own.
pub struct Disk {
    connection: Connection,
    epoch: u64,
    durability: Durability,
    /// Batches continue one another: the next is for when this one's outcome is known.
    writing: Cell<bool>,
}

/// What opening a disk gives.
pub struct Opened {
    pub disk: Disk,
    /// Empty on a new disk.
    pub tables: Tables,
    pub epoch: u64,
}

/// Opens a replica's database, or creates it, and fences whoever had it open before.
///
/// # Errors
/// `Unavailable`, `Blocked`, `Full`, `Closed`, or the browser's reason.
pub async fn open(cluster: &str, node: u64, durability: Durability) -> Result<Opened, DiskError> {
    let connection = Connection::open(&database_name(cluster, node), STORES).await?;
    let (epoch, tables) = claim(&connection).await?;
    let disk = Disk {
        connection,
        epoch,
        durability,
        writing: Cell::new(false),
    };
    Ok(Opened {
        disk,
        tables,
        epoch,
    })
}

/// One transaction raises the epoch and reads the tables: nobody writes in between.
async fn claim(connection: &Connection) -> Result<(u64, Tables), DiskError> {
    let transaction = connection.write([WAL, SNAPSHOTS, OWNER], Durability::Strict)?;
    let owner = transaction.object_store(OWNER)?;
    let epoch = read_epoch(&owner)?.await?.map_or(Ok(0), whole)? + 1;
    let _raised = owner.put(epoch as f64).with_key(EPOCH).primitive()?;
    let tables = read(&transaction).await?;
    idb::commit(transaction).await?;
    Ok((epoch, tables))
}

/// Reads a replica's tables and leaves its epoch alone, so that its host goes on.
///
/// # Errors
/// As [`open`]. A database that does not exist reads as empty.
pub async fn read_tables(cluster: &str, node: u64) -> Result<Tables, DiskError> {
    let name = database_name(cluster, node);
    if !idb::exists(&name).await? {
        return Ok(Tables::default());
    }
    let connection = Connection::open(&name, STORES).await?;
    let transaction = connection.read([WAL, SNAPSHOTS])?;
    let tables = read(&transaction).await?;
    idb::commit(transaction).await?;
    Ok(tables)
}

/// Deletes a replica's database. Its host, if it has one, finds it closed.
///
/// # Errors
/// `Blocked`: it is deleted once the tab that has it open wakes up or ends. `Unavailable`.
pub async fn destroy(cluster: &str, node: u64) -> Result<(), DiskError> {
    idb::delete(&database_name(cluster, node)).await
}

impl Disk {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Writes a batch in one transaction. Ready once the browser has reported it complete, which
    /// with strict durability means flushed. One batch at a time; of a future that was dropped the
    /// outcome is unknown, and the disk takes no more.
    ///
    /// # Errors
    /// After `LostEpoch` and `Closed` every further write fails with the same error. After any
    /// other the same batch may be tried again.
    pub async fn write(&self, batch: &WriteBatch) -> Result<(), DiskError> {
        if let Some(error) = self.connection.ended() {
            return Err(error);
        }
        if self.writing.replace(true) {
            return Err(DiskError::Other("a write is under way already".into()));
        }
        let written = self.transact(batch).await;
        self.writing.set(false);
        if let Err(error @ (DiskError::LostEpoch { .. } | DiskError::Closed)) = &written {
            self.connection.end(error.clone());
        }
        written
    }

    async fn transact(&self, batch: &WriteBatch) -> Result<(), DiskError> {
        let transaction = self
            .connection
            .write([WAL, SNAPSHOTS, OWNER], self.durability)?;
        // All requests go out at once, the epoch's first. Nothing is committed before its answer.
        let owner = transaction.object_store(OWNER)?;
        let found = read_epoch(&owner)?;
        put_all(&transaction, batch)?;
        let found = found.await?.map_or(Ok(0), whole)?;
        if found != self.epoch {
            let ours = self.epoch;
            // An abort can fail only because the browser was first to abort.
            return match transaction.abort().await {
                Ok(()) | Err(_) => Err(DiskError::LostEpoch { ours, found }),
            };
        }
        idb::commit(transaction).await
    }

    /// Calls back once, when the database is closed by any hand but the owner's, or this host finds
    /// its epoch lost. Calls back now if that has happened.
    pub fn on_closed(&self, callback: impl FnOnce(&DiskError) + 'static) {
        self.connection.on_end(callback);
    }

    /// Closes the database; a write under way still finishes. Dropping the disk does the same.
    pub fn close(&self) {
        self.connection.close();
    }
}

/// Issues a batch's requests, in the order of [`Tables::write`]. A record is added, not put: one
/// that is there already is not overwritten but an error.
fn put_all(transaction: &Transaction<'_>, batch: &WriteBatch) -> Result<(), Error> {
    let wal = transaction.object_store(WAL)?;
    if let Some((index, bytes)) = &batch.snapshot {
        let snapshots = transaction.object_store(SNAPSHOTS)?;
        let bytes = Uint8ArraySlice::new(bytes);
        let _put = snapshots.put(bytes).with_key(key(*index)).primitive()?;
    }
    let bytes = Uint8ArraySlice::new(&batch.record);
    let _added = wal.add(bytes).with_key(key(batch.seq)).primitive()?;
    if let Some(seq) = batch.drop_records_below {
        let _deleted = wal.delete::<f64, _>(below(seq)).primitive()?;
    }
    if let Some(index) = batch.drop_snapshots_below {
        let snapshots = transaction.object_store(SNAPSHOTS)?;
        let _deleted = snapshots.delete::<f64, _>(below(index)).primitive()?;
    }
    Ok(())
}

type EpochRequest = indexed_db_futures::future::BasicRequest<Option<f64>>;

fn read_epoch(owner: &ObjectStore<'_>) -> Result<EpochRequest, Error> {
    owner.get::<f64, &str, _>(EPOCH).primitive()
}

async fn read(transaction: &TransactionRef<'_>) -> Result<Tables, DiskError> {
    Ok(Tables {
        records: read_table(transaction, WAL, RECORDS_PER_READ).await?,
        snapshots: read_table(transaction, SNAPSHOTS, SNAPSHOTS_PER_READ).await?,
    })
}

async fn read_table(
    transaction: &TransactionRef<'_>,
    name: &str,
    rows_per_read: u32,
) -> Result<Vec<(u64, Vec<u8>)>, DiskError> {
    let store = transaction.object_store(name)?;
    let mut rows = Vec::new();
    let mut rest = KeyRange::LowerBound(0.0, false);
    loop {
        let keys = store
            .get_all_keys::<f64>()
            .with_query::<f64, _>(rest.clone())
            .with_limit(rows_per_read)
            .primitive()?;
        let values = store
            .get_all::<JsValue>()
            .with_query::<f64, _>(rest)
            .with_limit(rows_per_read)
            .primitive()?;
        let keys = keys.await?;
        let count = keys.len();
        let mut last = 0.0;
        for (key, value) in keys.zip(values.await?) {
            last = key?;
            rows.push((whole(last)?, bytes_of(value?)));
        }
        if count < rows_per_read as usize {
            return Ok(rows);
        }
        rest = KeyRange::LowerBound(last, true);
    }
}

/// Whatever is not bytes reads as none, which replay then names as damage of that row.
fn bytes_of(value: JsValue) -> Vec<u8> {
    value
        .dyn_into::<Uint8Array>()
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default()
}

/// Keys are numbers of JavaScript, exact up to 2^53; at a million records a second that lasts 285
/// years.
fn key(number: u64) -> f64 {
    number as f64
}

fn below(number: u64) -> KeyRange<f64> {
    KeyRange::UpperBound(key(number), true)
}

fn whole(number: f64) -> Result<u64, DiskError> {
    let is_key = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
    is_key
        .then_some(number as u64)
        .ok_or_else(|| DiskError::Other(format!("the database has {number} where a key belongs")))
}
