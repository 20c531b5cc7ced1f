//! Rows that are broken or missing: replay names them, and the bytes stay.

use tabraft::frame::FrameError;
use tabraft::wal::{Damage, replay};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    CLUSTER, NODE, batch, batch_with_snapshot, damage, filled, fresh, open, put, remove, stored,
};

/// Replay's refusal of what a new host reads; the bytes are the same before and after.
async fn refusal(cluster: &str) -> Damage {
    let before = stored(cluster).await;
    let opened = open(cluster).await;
    let refusal = replay(CLUSTER, NODE, &opened.tables).expect_err("replay refuses");
    drop(opened);
    assert!(stored(cluster).await == before, "the bytes have changed");
    refusal
}

#[wasm_bindgen_test]
async fn a_flipped_bit_is_named() {
    for seq in [1, 3, 5] {
        let cluster = fresh("flipped");
        drop(filled(&cluster, 5).await);
        damage(&cluster, "wal", seq, |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        })
        .await;
        let cause = FrameError::Checksum;
        assert_eq!(refusal(&cluster).await, Damage::Record { seq, cause });
    }
}

/// The last one too: cutting it off could take back a vote.
#[wasm_bindgen_test]
async fn a_truncated_record_is_named() {
    for seq in [3, 5] {
        let cluster = fresh("truncated");
        drop(filled(&cluster, 5).await);
        let mut whole = 0;
        damage(&cluster, "wal", seq, |bytes| {
            whole = bytes.len();
            bytes.truncate(whole / 2);
        })
        .await;
        let cause = FrameError::Short {
            found: whole / 2,
            wanted: whole,
        };
        assert_eq!(refusal(&cluster).await, Damage::Record { seq, cause });
    }
}

#[wasm_bindgen_test]
async fn a_value_that_is_not_bytes_is_damage() {
    let cluster = fresh("not-bytes");
    drop(filled(&cluster, 5).await);
    put(&cluster, "wal", 4, JsValue::from_str("text")).await;
    let refusal = refusal(&cluster).await;
    assert!(
        matches!(refusal, Damage::Record { seq: 4, .. }),
        "{refusal:?}"
    );
}

#[wasm_bindgen_test]
async fn a_missing_record_is_named() {
    let cluster = fresh("missing");
    drop(filled(&cluster, 5).await);
    remove(&cluster, "wal", 3).await;
    assert_eq!(refusal(&cluster).await, Damage::MissingRecord { seq: 3 });
}

#[wasm_bindgen_test]
async fn records_without_a_snapshot_are_damage() {
    let cluster = fresh("no-snapshot");
    drop(filled(&cluster, 2).await);
    remove(&cluster, "snapshots", 1).await;
    assert_eq!(refusal(&cluster).await, Damage::NoSnapshot);
}

#[wasm_bindgen_test]
async fn an_older_snapshot_and_the_log_replace_a_damaged_one() {
    let cluster = fresh("fall-back");
    let disk = filled(&cluster, 4).await;
    let written = disk.write(&batch_with_snapshot(5, 4)).await;
    assert_eq!(written, Ok(()));
    disk.write(&batch(6)).await.expect("a batch");
    drop(disk);
    damage(&cluster, "snapshots", 4, |bytes| bytes[20] ^= 1).await;

    let opened = open(&cluster).await;
    assert!(
        replay(CLUSTER, NODE, &opened.tables).is_err(),
        "it is the newest alone"
    );
    let tables = opened.disk.tables().await.expect("the tables");
    let recovered = replay(CLUSTER, NODE, &tables).expect("replay falls back");
    assert_eq!(recovered.fell_back_from, Some(4));
    assert_eq!(recovered.snapshot.0, 1);
    let indices: Vec<_> = recovered.entries.iter().map(|entry| entry.index).collect();
    assert_eq!(indices, [2, 3, 4, 5, 6]);
}
