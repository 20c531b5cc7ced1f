//! What was written is what is read.

use futures_util::future::join;
use tabraft::wal::{Tables, WriteBatch, replay};
use tabraft_web::host::disk::{self, DiskError, Durability};
use tabraft_web::host::idb;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    CLUSTER, NODE, batch, batch_of, batch_with_snapshot, filled, first, fresh, open, seqs, stored,
};

#[wasm_bindgen_test]
async fn a_new_disk_is_empty_and_each_opening_raises_the_epoch() {
    let cluster = fresh("epoch");
    for epoch in 1..=3 {
        let opened = open(&cluster).await;
        assert_eq!(opened.disk.epoch(), epoch);
        assert!(opened.tables.is_empty());
    }
}

/// Against the tables of the core, which do what a transaction is to do.
#[wasm_bindgen_test]
async fn a_disk_does_what_the_model_of_the_core_does() {
    let cluster = fresh("model");
    let mut batches = vec![first()];
    batches.extend((2..=20).map(batch));
    batches.push(batch_with_snapshot(21, 15));
    batches.push(WriteBatch {
        drop_records_below: Some(12),
        drop_snapshots_below: Some(15),
        ..batch(22)
    });
    batches.push(batch_of(23, &[7; 300_000]));
    let mut model = Tables::default();
    let disk = open(&cluster).await.disk;
    for batch in &batches {
        disk.write(batch).await.expect("a batch");
        model.write(batch);
        assert!(stored(&cluster).await == model, "after {}", batch.seq);
    }
    drop(disk);
    let tables = open(&cluster).await.tables;
    assert!(tables == model);
    let recovered = replay(CLUSTER, NODE, &tables).expect("the disk is whole");
    assert_eq!((recovered.last_seq, recovered.snapshot.0), (23, 15));
    assert_eq!(recovered.entries.last().map(|entry| entry.index), Some(23));
}

/// Reading goes on where a request's share of rows ends, also where that is the last row.
#[wasm_bindgen_test]
async fn a_long_log_is_read_whole() {
    let cluster = fresh("long");
    let disk = disk::open(&cluster, NODE, Durability::Relaxed)
        .await
        .expect("the disk opens")
        .disk;
    disk.write(&first()).await.expect("the first batch");
    for seq in 2..=513 {
        disk.write(&batch_of(seq, b"x")).await.expect("a batch");
        if [255, 256, 257, 511, 512, 513].contains(&seq) {
            let tables = stored(&cluster).await;
            assert!(seqs(&tables).into_iter().eq(1..=seq), "{seq} records");
        }
    }
}

#[wasm_bindgen_test]
async fn reading_the_tables_leaves_the_host_alone() {
    let cluster = fresh("salvage");
    let disk = filled(&cluster, 3).await;
    let tables = stored(&cluster).await;
    disk.write(&batch(4)).await.expect("the host goes on");
    assert_eq!(seqs(&tables), [1, 2, 3]);
    assert_eq!(open(&cluster).await.disk.epoch(), 2);
}

#[wasm_bindgen_test]
async fn reading_what_does_not_exist_creates_nothing() {
    let cluster = fresh("absent");
    assert!(stored(&cluster).await.is_empty());
    let exists = idb::exists(&disk::database_name(&cluster, NODE)).await;
    assert_eq!(exists, Ok(false));
}

#[wasm_bindgen_test]
async fn a_second_write_waits_for_the_first() {
    let cluster = fresh("second");
    let disk = filled(&cluster, 1).await;
    let (two, three) = (batch(2), batch(3));
    let (first, second) = join(disk.write(&two), disk.write(&three)).await;
    assert_eq!(first, Ok(()));
    assert!(matches!(second, Err(DiskError::Other(_))), "{second:?}");
    assert_eq!(seqs(&stored(&cluster).await), [1, 2]);
    disk.write(&batch(3)).await.expect("the next");
}

#[wasm_bindgen_test]
async fn a_destroyed_disk_is_gone() {
    let cluster = fresh("destroyed");
    drop(filled(&cluster, 3).await);
    assert_eq!(disk::destroy(&cluster, NODE).await, Ok(()));
    let opened = open(&cluster).await;
    assert!(opened.tables.is_empty());
    assert_eq!(opened.disk.epoch(), 1);
}
