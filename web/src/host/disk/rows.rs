//! Keys and values of a replica's tables.

use std::collections::VecDeque;

use futures_util::future::try_join;
use indexed_db_futures::KeyRange;
use indexed_db_futures::object_store::ObjectStore;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::TransactionRef;
use js_sys::Uint8Array;
use tabraft::wal::Tables;
use wasm_bindgen::{JsCast, JsValue};

use super::{DiskError, SNAPSHOTS, WAL};

/// Rows read by one request: browsers bound the size of an answer, and each is held twice.
const RECORDS_PER_READ: u32 = 256;
const SNAPSHOTS_PER_READ: u32 = 1;
/// Requests under way at once.
const READS_AHEAD: usize = 4;

/// A key, and the bytes under it.
pub type Row = (u64, Vec<u8>);

/// Which snapshots to read: the older one is needed only if the newest is damaged.
#[derive(Clone, Copy)]
pub enum Snapshots {
    All,
    Newest,
}

pub async fn read(transaction: &TransactionRef<'_>, which: Snapshots) -> Result<Tables, DiskError> {
    let (wal, snapshots) = (
        transaction.object_store(WAL)?,
        transaction.object_store(SNAPSHOTS)?,
    );
    let keep = match which {
        Snapshots::All => usize::MAX,
        Snapshots::Newest => 1,
    };
    let records = read_last(&wal, RECORDS_PER_READ, usize::MAX);
    let snapshots = read_last(&snapshots, SNAPSHOTS_PER_READ, keep);
    let (records, snapshots) = try_join(records, snapshots).await?;
    Ok(Tables { records, snapshots })
}

/// The last rows, a few requests ahead of what is being taken in.
async fn read_last(
    store: &ObjectStore<'_>,
    rows_per_read: u32,
    many: usize,
) -> Result<Vec<Row>, DiskError> {
    let mut keys: Vec<f64> = Vec::new();
    for key in store.get_all_keys::<f64>().primitive()?.await? {
        keys.push(key?);
    }
    let keys = &keys[keys.len().saturating_sub(many)..];
    let mut chunks = keys.chunks(rows_per_read as usize);
    let request = |chunk: &[f64]| {
        let (first, last) = (chunk[0], chunk[chunk.len() - 1]);
        store
            .get_all::<JsValue>()
            .with_query::<f64, _>(KeyRange::Bound(first, false, last, false))
            .primitive()
    };
    let mut ahead = VecDeque::new();
    let mut rows = Vec::with_capacity(keys.len());
    loop {
        while ahead.len() < READS_AHEAD
            && let Some(chunk) = chunks.next()
        {
            ahead.push_back((chunk, request(chunk)?));
        }
        let Some((chunk, values)) = ahead.pop_front() else {
            return Ok(rows);
        };
        for (key, value) in chunk.iter().zip(values.await?) {
            rows.push((whole(*key)?, bytes_of(value?)));
        }
    }
}

/// The first so many rows of a range.
pub async fn read_from(
    store: &ObjectStore<'_>,
    range: KeyRange<f64>,
    limit: u32,
) -> Result<Vec<Row>, DiskError> {
    let keys = store
        .get_all_keys::<f64>()
        .with_query::<f64, _>(range.clone())
        .with_limit(limit)
        .primitive()?;
    let values = store
        .get_all::<JsValue>()
        .with_query::<f64, _>(range)
        .with_limit(limit)
        .primitive()?;
    let keys = keys.await?;
    let mut rows = Vec::with_capacity(keys.len());
    for (key, value) in keys.zip(values.await?) {
        rows.push((whole(key?)?, bytes_of(value?)));
    }
    Ok(rows)
}

/// Whatever is not bytes reads as none, which replay then names as damage of that row.
pub fn bytes_of(value: JsValue) -> Vec<u8> {
    value
        .dyn_into::<Uint8Array>()
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default()
}

/// Keys are numbers of JavaScript, exact up to 2^53; at a million records a second that lasts 285
/// years.
pub fn key(number: u64) -> f64 {
    number as f64
}

pub fn whole(number: f64) -> Result<u64, DiskError> {
    let is_key = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
    is_key
        .then_some(number as u64)
        .ok_or_else(|| DiskError::Other(format!("the database has {number} where a key belongs")))
}
