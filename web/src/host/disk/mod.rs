//! A replica's disk: one IndexedDB database with the two tables of [`tabraft::wal`] and the epoch
//! of its owner.
//!
//! | object store | key | value |
//! |---|---|---|
//! | `wal` | sequence number | a record, as bytes |
//! | `snapshots` | index | a snapshot, as bytes |
//! | `owner` | `"epoch"` | a number that each opening raises by one |
//! | `owner` | `"rewritten"` | another number whenever rows were changed in place or all deleted |
//!
//! - here: the disk in its host's hands
//! - [`ahead`]: reading it before it is taken over
//! - [`peek`]: reading it past the host, which goes on
//! - [`tools`]: wiping and damaging it
//! - `rows`: keys and values of the tables
//!
//! # Fencing
//!
//! The lock that a host holds on its replica can be stolen, and the old host does not notice before
//! it runs again. The epoch is what makes that harmless. IndexedDB runs transactions that write to
//! the same stores one after another, in every tab, so each write either comes before the new
//! host's opening, which then reads it, or it finds the new epoch and aborts.
//!
//! # Writes that the browser aborts
//!
//! An aborted transaction has kept nothing, and its cause may be gone a moment later. The same
//! batch is tried again a few times before its replica fails. Each try checks the epoch, and a
//! record is only ever added, so a try too many fails and changes nothing.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::try_join;
use gloo_timers::future::TimeoutFuture;
use indexed_db_futures::KeyRange;
use indexed_db_futures::error::Error;
use indexed_db_futures::object_store::ObjectStore;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::{Transaction, TransactionRef};
use indexed_db_futures::typed_array::Uint8ArraySlice;
use tabraft::wal::{Replay, Tables, WriteBatch};

pub mod ahead;
pub mod peek;
mod rows;
pub mod tools;

pub use super::idb::DiskError;
use super::idb::{self, Connection};
use crate::model::DiskFault;
pub use crate::settings::Durability;
use ahead::{Known, Stamp};
pub use peek::{Peek, read_snapshot, read_tables};
use rows::{key, whole};
pub use tools::{corrupt, destroy, wipe};

const WAL: &str = "wal";
const SNAPSHOTS: &str = "snapshots";
const OWNER: &str = "owner";
const STORES: &[&str] = &[WAL, SNAPSHOTS, OWNER];
const EPOCH: &str = "epoch";

/// How long to wait before each further try of an aborted write, in milliseconds.
const RETRIES_MS: [u32; 3] = [10, 40, 160];

/// The name of a replica's database.
pub fn database_name(cluster: &str, node: u64) -> String {
    format!("tabraft:{cluster}:{node}")
}

/// A replica's database, open, under an epoch of its own.
pub struct Disk {
    connection: Rc<Connection>,
    epoch: u64,
    durability: Durability,
    /// Batches continue one another: the next is for when this one's outcome is known.
    writing: Cell<bool>,
    fault: Cell<DiskFault>,
}

/// What opening a disk gives.
pub struct Opened {
    pub disk: Disk,
    /// Empty on a new disk. Of the snapshots the newest; [`Disk::tables`] has all.
    pub tables: Tables,
    /// What was made of some of them ahead.
    pub replay: Option<Replay>,
}

/// Opens a replica's database, or creates it, and fences whoever had it open before.
///
/// # Errors
/// `Unavailable`, `Blocked`, `Full`, `Closed`, or the browser's reason.
pub async fn open(cluster: &str, node: u64, durability: Durability) -> Result<Opened, DiskError> {
    let connection = Connection::open(&database_name(cluster, node), STORES).await?;
    own(connection.into(), Known::default(), durability).await
}

/// [`open`] for a database that may be open already, and read.
///
/// # Errors
/// As [`open`].
pub async fn take_over(
    peek: Option<Rc<Peek>>,
    cluster: &str,
    node: u64,
    durability: Durability,
) -> Result<Opened, DiskError> {
    match peek.filter(|peek| peek.is_open()) {
        Some(peek) => own(peek.connection(), peek.take_known().await, durability).await,
        None => open(cluster, node, durability).await,
    }
}

async fn own(
    connection: Rc<Connection>,
    known: Known,
    durability: Durability,
) -> Result<Opened, DiskError> {
    let Known {
        stamp,
        tables,
        replay,
    } = claim(&connection, known).await?;
    let disk = Disk {
        connection,
        epoch: stamp.epoch,
        durability,
        writing: Cell::new(false),
        fault: Cell::default(),
    };
    Ok(Opened {
        disk,
        tables,
        replay,
    })
}

/// A connection beside the host's, closed again as soon as it is dropped; none if there is no such
/// database.
async fn existing(cluster: &str, node: u64) -> Result<Option<Connection>, DiskError> {
    Connection::open_existing(&database_name(cluster, node), STORES).await
}

/// Raises the epoch, and reads what no former host adds to any more: the reading has the epoch in its
/// scope, so it begins when the raising is complete. Without a right to write it does not wait for a
/// successor who reads the log meanwhile.
///
/// The raising need not be flushed: what ends every host at once cannot leave one behind that has
/// the old epoch, and the first batch flushes what came before it.
async fn claim(connection: &Connection, known: Known) -> Result<Known, DiskError> {
    let raising = connection.write([OWNER], Durability::Relaxed)?;
    let reading = connection.read([WAL, SNAPSHOTS, OWNER])?;
    let raised = async {
        let epoch = raise_epoch(&raising).await?;
        idb::commit(raising).await?;
        Ok::<_, DiskError>(epoch)
    };
    // What was read is read, whatever becomes of the transaction.
    let read = known.completed(&reading, Stamp::before);
    let (ours, known) = try_join(raised, read).await?;
    match known.stamp.epoch {
        found if found == ours => Ok(known),
        // Already somebody else's.
        found => Err(DiskError::LostEpoch { ours, found }),
    }
}

/// The new epoch, once the transaction is complete.
async fn raise_epoch(transaction: &TransactionRef<'_>) -> Result<u64, DiskError> {
    let owner = transaction.object_store(OWNER)?;
    let epoch = read_epoch(&owner)?.await?.map_or(Ok(0), whole)? + 1;
    let _raised = owner.put(key(epoch)).with_key(EPOCH).primitive()?;
    Ok(epoch)
}

impl Disk {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// All that is stored.
    ///
    /// # Errors
    /// The browser's.
    pub async fn tables(&self) -> Result<Tables, DiskError> {
        peek::tables_of(&self.connection).await
    }

    /// Makes this disk misbehave from the next transaction on; `DiskFault::default()` ends that.
    pub fn set_fault(&self, fault: DiskFault) {
        self.fault.set(fault);
    }

    /// Writes a batch in one transaction. Ready once the browser has reported it complete, which
    /// with strict durability means flushed. One batch at a time; of a future that was dropped the
    /// outcome is unknown, and the disk takes no more.
    ///
    /// # Errors
    /// After `LostEpoch` and `Closed` every further write fails with the same error. After any
    /// other the same batch may be tried again; if it was the browser's abort, that has been done.
    pub async fn write(&self, batch: &WriteBatch) -> Result<(), DiskError> {
        self.change(|transaction| put_all(transaction, batch)).await
    }

    /// Empties the disk, for a replica that is to begin anew under an id whose earlier life is
    /// over.
    ///
    /// # Errors
    /// As [`Disk::write`].
    pub async fn clear(&self) -> Result<(), DiskError> {
        self.change(clear_all).await
    }

    async fn change(&self, requests: impl Requests) -> Result<(), DiskError> {
        if let Some(error) = self.connection.ended() {
            return Err(error);
        }
        if self.writing.replace(true) {
            return Err(DiskError::Other("a write is under way already".into()));
        }
        let changed = self.insist(requests).await;
        self.writing.set(false);
        if let Err(error @ (DiskError::LostEpoch { .. } | DiskError::Closed)) = &changed {
            self.connection.end(error.clone());
        }
        changed
    }

    async fn insist(&self, requests: impl Requests) -> Result<(), DiskError> {
        for wait in RETRIES_MS {
            match self.transact(&requests).await {
                Err(error) if error.is_passing() => TimeoutFuture::new(wait).await,
                outcome => return outcome,
            }
        }
        self.transact(&requests).await
    }

    async fn transact(&self, requests: &impl Requests) -> Result<(), DiskError> {
        if self.fault.get().delay_ms > 0.0 {
            let delay = self.fault.get().delay_ms.min(f64::from(i32::MAX));
            TimeoutFuture::new(delay as u32).await;
        }
        let transaction = self
            .connection
            .write([WAL, SNAPSHOTS, OWNER], self.durability)?;
        // All requests go out at once, the epoch's first. Nothing is committed before its answer.
        let owner = transaction.object_store(OWNER)?;
        let found = read_epoch(&owner)?;
        requests(&transaction)?;
        let found = found.await?.map_or(Ok(0), whole)?;
        let refusal = if found == self.epoch {
            self.take_fault()
        } else {
            let ours = self.epoch;
            Some(DiskError::LostEpoch { ours, found })
        };
        match refusal {
            None => idb::commit(transaction).await,
            // An abort can fail only because the browser was first to abort.
            Some(refusal) => match transaction.abort().await {
                Ok(()) | Err(_) => Err(refusal),
            },
        }
    }

    /// How the transaction under way is to fail on purpose, if it is.
    fn take_fault(&self) -> Option<DiskError> {
        let mut fault = self.fault.get();
        if fault.full {
            return Some(DiskError::Full);
        }
        fault.fail_next = fault.fail_next.checked_sub(1)?;
        self.fault.set(fault);
        Some(DiskError::Aborted("the disk was told to fail".into()))
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

/// What is to happen in a transaction, issued as often as it is tried.
trait Requests: Fn(&Transaction<'_>) -> Result<(), Error> {}

impl<F: Fn(&Transaction<'_>) -> Result<(), Error>> Requests for F {}

/// Issues a batch's requests, in the order of [`Tables::write`]. A record is added, not put: one
/// that is there already is not overwritten but an error.
fn put_all(transaction: &Transaction<'_>, batch: &WriteBatch) -> Result<(), Error> {
    let wal = transaction.object_store(WAL)?;
    if let Some((index, bytes)) = &batch.snapshot {
        let snapshots = transaction.object_store(SNAPSHOTS)?;
        let bytes = Uint8ArraySlice::new(bytes);
        let _put = snapshots.put(bytes).with_key(key(*index)).primitive()?;
    }
    if let Some(from) = batch.folds_from {
        let folded = KeyRange::Bound(key(from), false, key(batch.seq), true);
        let _deleted = wal.delete::<f64, _>(folded).primitive()?;
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

fn clear_all(transaction: &Transaction<'_>) -> Result<(), Error> {
    for store in [WAL, SNAPSHOTS] {
        let _cleared = transaction.object_store(store)?.clear()?;
    }
    ahead::note_rewritten(transaction)
}

type EpochRequest = indexed_db_futures::future::BasicRequest<Option<f64>>;

fn read_epoch(owner: &ObjectStore<'_>) -> Result<EpochRequest, Error> {
    owner.get::<f64, &str, _>(EPOCH).primitive()
}

fn below(number: u64) -> KeyRange<f64> {
    KeyRange::UpperBound(key(number), true)
}
