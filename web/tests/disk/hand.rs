//! Batches to write, and a hand that reads and changes rows behind the disk's back.

use std::cell::RefCell;
use std::rc::Rc;

use indexed_db_futures::KeyRange;
use indexed_db_futures::database::Database;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::TransactionMode;
use js_sys::Uint8Array;
use tabraft::kv::Store;
use tabraft::wal::{HardState, Record, Snapshot, Tables, WriteBatch, bootstrap};
use tabraft::wire::{EntryKind, LogEntry, Membership};
use tabraft_web::host::disk::{self, Disk, DiskError, Durability, Opened};
use wasm_bindgen::JsValue;

pub const CLUSTER: u64 = 0xc0ffee;
pub const NODE: u64 = 1;

/// A cluster name no other test and no other run has.
pub fn fresh(test: &str) -> String {
    let mut number = [0; 8];
    getrandom::getrandom(&mut number).expect("random numbers");
    format!("{test}-{:016x}", u64::from_le_bytes(number))
}

pub async fn open(cluster: &str) -> Opened {
    disk::open(cluster, NODE, Durability::Strict)
        .await
        .expect("the disk opens")
}

/// Opens a new disk and gives it the first batch and `records - 1` more.
pub async fn filled(cluster: &str, records: u64) -> Disk {
    let disk = open(cluster).await.disk;
    disk.write(&first()).await.expect("the first batch");
    for seq in 2..=records {
        disk.write(&batch(seq)).await.expect("a batch");
    }
    disk
}

pub fn first() -> WriteBatch {
    bootstrap(CLUSTER, NODE, membership())
}

/// Batch `seq` appends the entry at index `seq`.
pub fn batch(seq: u64) -> WriteBatch {
    batch_of(seq, &[seq as u8; 300])
}

pub fn batch_of(seq: u64, data: &[u8]) -> WriteBatch {
    with_marker(seq, data, None)
}

/// As [`batch`], with a snapshot at index `at`.
pub fn batch_with_snapshot(seq: u64, at: u64) -> WriteBatch {
    let snapshot = Snapshot {
        cluster: CLUSTER,
        index: at,
        term: 1,
        membership: membership(),
        store: Store::default(),
    };
    WriteBatch {
        snapshot: Some((at, snapshot.encode())),
        ..with_marker(seq, &[seq as u8; 300], Some((at, 1)))
    }
}

fn with_marker(seq: u64, data: &[u8], snapshot: Option<(u64, u64)>) -> WriteBatch {
    let record = Record {
        cluster: CLUSTER,
        node: NODE,
        seq,
        from_seq: seq,
        oldest_seq: seq,
        hard_state: HardState {
            term: 1,
            vote: NODE,
            commit: seq,
        },
        led_term: 0,
        entries: vec![LogEntry {
            index: seq,
            term: 1,
            kind: EntryKind::Normal,
            data: data.to_vec().into(),
            context: Default::default(),
        }],
        membership: None,
        snapshot,
    };
    WriteBatch {
        seq,
        record: record.encode(),
        snapshot: None,
        folds_from: None,
        drop_records_below: None,
        drop_snapshots_below: None,
    }
}

fn membership() -> Membership {
    Membership::of_voters([1, 2, 3])
}

/// What is on the disk, read past its owner.
pub async fn stored(cluster: &str) -> Tables {
    disk::read_tables(cluster, NODE)
        .await
        .expect("the tables are read")
}

pub fn seqs(tables: &Tables) -> Vec<u64> {
    tables.records.iter().map(|(seq, _)| *seq).collect()
}

/// Puts a value into a replica's database past its owner.
pub async fn put(cluster: &str, store: &str, key: u64, value: JsValue) {
    let db = raw(cluster).await;
    let transaction = db
        .transaction([store])
        .with_mode(TransactionMode::Readwrite)
        .build()
        .expect("a transaction");
    let rows = transaction.object_store(store).expect("the store");
    let put = rows
        .put(value)
        .with_key(key as f64)
        .primitive()
        .expect("put");
    put.await.expect("put");
    drop(rows);
    transaction.commit().await.expect("committed");
    db.close();
}

pub async fn remove(cluster: &str, store: &str, key: u64) {
    let db = raw(cluster).await;
    let transaction = db
        .transaction([store])
        .with_mode(TransactionMode::Readwrite)
        .build()
        .expect("a transaction");
    let rows = transaction.object_store(store).expect("the store");
    rows.delete::<f64, _>(KeyRange::Only(key as f64))
        .primitive()
        .expect("delete")
        .await
        .expect("delete");
    drop(rows);
    transaction.commit().await.expect("committed");
    db.close();
}

async fn raw(cluster: &str) -> Database {
    Database::open(disk::database_name(cluster, NODE))
        .with_version(1_u32)
        .await
        .expect("the database opens")
}

/// Changes the bytes of one row.
pub async fn damage(cluster: &str, store: &str, key: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let tables = stored(cluster).await;
    let rows = match store {
        "wal" => tables.records,
        _ => tables.snapshots,
    };
    let (_, mut bytes) = rows
        .into_iter()
        .find(|(at, _)| *at == key)
        .expect("the row is there");
    change(&mut bytes);
    put(
        cluster,
        store,
        key,
        Uint8Array::from(bytes.as_slice()).into(),
    )
    .await;
}

/// Collects what a disk calls back.
pub fn listen(disk: &Disk) -> Rc<RefCell<Vec<DiskError>>> {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let tell = heard.clone();
    disk.on_closed(move |error| tell.borrow_mut().push(error.clone()));
    heard
}
