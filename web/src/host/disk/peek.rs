//! Reading a replica's disk past its host. The epoch stays as it is, so the host goes on; it waits
//! for no more than the reading itself. A database that does not exist is not created.
//!
//! To open a database takes longer than to read the end of a log. Who may have to read one in a
//! hurry keeps it open: [`Peek`].

use std::cell::Cell;
use std::future::ready;
use std::rc::Rc;

use futures_util::lock::Mutex;
use indexed_db_futures::KeyRange;
use indexed_db_futures::cursor::CursorDirection;
use indexed_db_futures::object_store::ObjectStore;
use indexed_db_futures::prelude::*;
use tabraft::wal::Tables;
use tabraft::wire::ClusterId;
use wasm_bindgen::JsValue;

use super::ahead::Known;
use super::rows::{self, Row, Snapshots, bytes_of, key, whole};
use super::{DiskError, SNAPSHOTS, WAL, existing};
use crate::host::idb::{self, Connection};

/// The end of a replica's log.
#[derive(Debug)]
pub struct Tail {
    /// In order.
    pub records: Vec<Row>,
    /// There are none before them.
    pub all: bool,
}

impl Tail {
    /// That of an empty log.
    pub fn of_nothing() -> Self {
        Self {
            records: Vec::new(),
            all: true,
        }
    }
}

/// A replica's database, open in the hands of somebody who may or may not be its next host.
pub struct Peek {
    connection: Rc<Connection>,
    node: u64,
    /// Locked while it is read.
    known: Mutex<Known>,
    /// It is not read ahead any more: there is too much, or it cannot be read.
    given_up: Cell<bool>,
}

impl Peek {
    /// Opens a replica's database, if it has one.
    ///
    /// # Errors
    /// As [`open`](super::open).
    pub async fn open(cluster: &str, node: u64) -> Result<Option<Self>, DiskError> {
        let connection = existing(cluster, node).await?;
        Ok(connection.map(|connection| Self {
            connection: Rc::new(connection),
            node,
            known: Mutex::default(),
            given_up: Cell::new(false),
        }))
    }

    /// Whether it can still be used: the browser closes it, or who wants to delete it.
    pub fn is_open(&self) -> bool {
        self.connection.ended().is_none()
    }

    pub(super) fn connection(&self) -> Rc<Connection> {
        self.connection.clone()
    }

    pub(super) async fn take_known(&self) -> Known {
        std::mem::take(&mut *self.known.lock().await)
    }

    /// Reads what has come since it was last read, and replays it, so that who takes the disk over has
    /// that much less to do. After an error, and where there is too much, nothing is read ahead any more.
    ///
    /// # Errors
    /// The browser's.
    pub async fn read_ahead(&self, cluster: ClusterId) -> Result<(), DiskError> {
        if self.given_up.get() || !self.is_open() {
            return Ok(());
        }
        let mut held = self.known.lock().await;
        let known = std::mem::take(&mut *held).refreshed(&self.connection).await;
        self.given_up
            .set(known.as_ref().map_or(true, Known::is_too_large));
        let mut known = known?;
        if !self.given_up.get() {
            known.replay_ahead(cluster, self.node);
            *held = known;
        }
        Ok(())
    }

    /// All that is stored.
    ///
    /// # Errors
    /// The browser's.
    pub async fn tables(&self) -> Result<Tables, DiskError> {
        tables_of(&self.connection).await
    }

    /// The records among the newest so many numbers of the log. They are fewer than that where one
    /// record stands for others.
    ///
    /// # Errors
    /// The browser's.
    pub async fn tail(&self, numbers: u32) -> Result<Tail, DiskError> {
        let transaction = self.connection.read([WAL])?;
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
            None => Tail::of_nothing(),
        };
        idb::commit(transaction).await?;
        Ok(tail)
    }

    /// The snapshot of an index, as bytes.
    ///
    /// # Errors
    /// The browser's.
    pub async fn snapshot(&self, index: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let transaction = self.connection.read([SNAPSHOTS])?;
        let snapshots = transaction.object_store(SNAPSHOTS)?;
        let found = snapshots
            .get::<JsValue, f64, _>(key(index))
            .primitive()?
            .await?;
        idb::commit(transaction).await?;
        Ok(found.map(bytes_of))
    }
}

/// All that a replica has stored; nothing, if it has no database.
///
/// # Errors
/// As [`open`](super::open).
pub async fn read_tables(cluster: &str, node: u64) -> Result<Tables, DiskError> {
    match Peek::open(cluster, node).await? {
        Some(peek) => peek.tables().await,
        None => Ok(Tables::default()),
    }
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
    match Peek::open(cluster, node).await? {
        Some(peek) => peek.snapshot(index).await,
        None => Ok(None),
    }
}

pub(super) async fn tables_of(connection: &Connection) -> Result<Tables, DiskError> {
    let transaction = connection.read([WAL, SNAPSHOTS])?;
    let tables = rows::read(
        &transaction,
        Snapshots::All,
        Tables::default(),
        ready(Ok(true)),
    )
    .await?;
    idb::commit(transaction).await?;
    Ok(tables)
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
