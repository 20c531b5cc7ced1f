//! Keys and values of a replica's tables.

use std::collections::VecDeque;

use futures_util::future::{try_join, try_join3};
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

/// What is stored. Rows of `known` are not read again if it `holds`: if they are what is stored under
/// their keys, wherever there still is something. All that needs no other answer is asked for at once.
pub async fn read(
    transaction: &TransactionRef<'_>,
    which: Snapshots,
    known: Tables,
    holds: impl Future<Output = Result<bool, DiskError>>,
) -> Result<Tables, DiskError> {
    let (wal, snapshots) = (
        transaction.object_store(WAL)?,
        transaction.object_store(SNAPSHOTS)?,
    );
    let keep = match which {
        Snapshots::All => usize::MAX,
        Snapshots::Newest => 1,
    };
    let newer = list(&wal, &known.records, RECORDS_PER_READ);
    // Without one that is known, the first is not the newest.
    let newest = match known.snapshots.is_empty() {
        true => 0,
        false => SNAPSHOTS_PER_READ,
    };
    let newest = list(&snapshots, &known.snapshots, newest);
    let (holds, newer, newest) = try_join3(holds, newer, newest).await?;
    let known = if holds { known } else { Tables::default() };
    let records = complete(&wal, newer, known.records, usize::MAX, RECORDS_PER_READ);
    let snapshots = complete(
        &snapshots,
        newest,
        known.snapshots,
        keep,
        SNAPSHOTS_PER_READ,
    );
    let (records, snapshots) = try_join(records, snapshots).await?;
    Ok(Tables { records, snapshots })
}

/// The keys of a store, and the rows that follow on those which are known.
struct Listing {
    keys: Vec<u64>,
    following: Vec<Row>,
}

async fn list(store: &ObjectStore<'_>, known: &[Row], many: u32) -> Result<Listing, DiskError> {
    let keys = store.get_all_keys::<f64>().primitive()?;
    // Nothing is lower than zero.
    let last = known.last().map_or(-1.0, |(at, _)| key(*at));
    let following = async {
        match many {
            0 => Ok(Vec::new()),
            _ => read_from(store, KeyRange::LowerBound(last, true), many).await,
        }
    };
    let keys = async {
        let keys = keys.await?.map(|key| whole(key?));
        keys.collect::<Result<_, DiskError>>()
    };
    let (keys, following) = try_join(keys, following).await?;
    Ok(Listing { keys, following })
}

/// The last rows of a store. What is not there yet is read, a few requests ahead of what is being taken
/// in.
async fn complete(
    store: &ObjectStore<'_>,
    listing: Listing,
    known: Vec<Row>,
    many: usize,
    rows_per_read: u32,
) -> Result<Vec<Row>, DiskError> {
    let Listing { keys, following } = listing;
    let keys = &keys[keys.len().saturating_sub(many)..];
    let mut here = known.into_iter().chain(following).peekable();
    let mut rows: Vec<Row> = Vec::with_capacity(keys.len());
    let mut missing = Vec::new();
    for &key in keys {
        while here.next_if(|(at, _)| *at < key).is_some() {}
        rows.push(here.next_if(|(at, _)| *at == key).unwrap_or_else(|| {
            missing.push(rows.len());
            (key, Vec::new())
        }));
    }
    let runs = missing.chunk_by(|at, next| at + 1 == *next);
    let mut chunks = runs.flat_map(|run| run.chunks(rows_per_read as usize));
    let mut ahead = VecDeque::new();
    loop {
        while ahead.len() < READS_AHEAD
            && let Some(chunk) = chunks.next()
        {
            let [first, last] = [chunk[0], chunk[chunk.len() - 1]].map(|at| key(rows[at].0));
            let values = store
                .get_all::<JsValue>()
                .with_query::<f64, _>(KeyRange::Bound(first, false, last, false))
                .primitive()?;
            ahead.push_back((chunk, values));
        }
        let Some((chunk, values)) = ahead.pop_front() else {
            return Ok(rows);
        };
        for (at, value) in chunk.iter().zip(values.await?) {
            rows[*at].1 = bytes_of(value?);
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
