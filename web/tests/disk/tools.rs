//! Wiping and damaging a disk on purpose.

use futures_util::future::join;
use gloo_timers::future::TimeoutFuture;
use tabraft::wal::{Damage, Tables, replay};
use tabraft_web::host::disk::{self, DiskError, corrupt, wipe};
use tabraft_web::host::idb;
use tabraft_web::model::{Place, Stored};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    CLUSTER, NODE, batch, batch_of, batch_with_snapshot, filled, first, fresh, listen, open, stored,
};

#[wasm_bindgen_test]
async fn a_wiped_disk_is_empty_and_its_host_is_fenced() {
    let cluster = fresh("wiped");
    let old = filled(&cluster, 3).await;
    let written = old.write(&batch_with_snapshot(4, 3)).await;
    assert_eq!(written, Ok(()));
    let heard = listen(&old);
    assert_eq!(wipe(&cluster, NODE).await, Ok(()));
    assert!(stored(&cluster).await.is_empty());
    let lost = DiskError::LostEpoch { ours: 1, found: 2 };
    assert_eq!(old.write(&batch(5)).await, Err(lost.clone()));
    assert_eq!(*heard.borrow(), [lost]);
    assert!(stored(&cluster).await.is_empty(), "it came back");
    let opened = open(&cluster).await;
    assert_eq!(opened.disk.epoch(), 3, "the epoch does not begin again");
    assert!(opened.tables.is_empty());
    assert_eq!(opened.disk.write(&first()).await, Ok(()));
}

#[wasm_bindgen_test]
async fn wiping_beside_a_busy_host_leaves_nothing() {
    for round in 0..10 {
        let cluster = fresh("wiped-busy");
        let old = filled(&cluster, 1).await;
        let writing = async {
            for seq in 2..500 {
                if let Err(error) = old.write(&batch_of(seq, b"x")).await {
                    assert_eq!(error, DiskError::LostEpoch { ours: 1, found: 2 });
                    return;
                }
            }
            panic!("the host was never fenced");
        };
        let wiping = async {
            TimeoutFuture::new(round).await;
            wipe(&cluster, NODE).await
        };
        let ((), wiped) = join(writing, wiping).await;
        assert_eq!(wiped, Ok(()));
        assert!(stored(&cluster).await.is_empty());
    }
}

#[wasm_bindgen_test]
async fn a_host_empties_its_disk_unless_it_is_fenced() {
    let cluster = fresh("cleared");
    let old = filled(&cluster, 3).await;
    let new = open(&cluster).await.disk;
    let before = stored(&cluster).await;
    let lost = DiskError::LostEpoch { ours: 1, found: 2 };
    assert_eq!(old.clear().await, Err(lost));
    assert!(stored(&cluster).await == before);
    assert_eq!(new.clear().await, Ok(()));
    assert!(stored(&cluster).await.is_empty());
    assert_eq!(new.write(&first()).await, Ok(()), "still the owner");
}

/// What and where, the row that it is, and all bits that are not as they were.
async fn flip(cluster: &str, what: Stored, place: Place) -> (u64, Vec<(Stored, u64, u32)>) {
    let before = stored(cluster).await;
    let row = corrupt(cluster, NODE, what, place).await.expect("damaged");
    (row, differences(&before, &stored(cluster).await))
}

fn differences(before: &Tables, after: &Tables) -> Vec<(Stored, u64, u32)> {
    let tables = [
        (Stored::Wal, &before.records, &after.records),
        (Stored::Snapshot, &before.snapshots, &after.snapshots),
    ];
    let mut found = Vec::new();
    for (what, before, after) in tables {
        assert_eq!(before.len(), after.len());
        for ((seq, old), (also, new)) in before.iter().zip(after) {
            assert_eq!((seq, old.len()), (also, new.len()));
            let flipped = old.iter().zip(new).map(|(a, b)| (a ^ b).count_ones());
            let flipped = flipped.sum();
            if flipped > 0 {
                found.push((what, *seq, flipped));
            }
        }
    }
    found
}

#[wasm_bindgen_test]
async fn one_bit_of_one_row_is_flipped() {
    let cluster = fresh("one-bit");
    let disk = filled(&cluster, 7).await;
    for (seq, at) in [(8, 3), (9, 6)] {
        let written = disk.write(&batch_with_snapshot(seq, at)).await;
        assert_eq!(written, Ok(()));
    }
    for (what, place, row) in [
        (Stored::Wal, Place::Last, 9),
        (Stored::Wal, Place::Middle, 5),
        (Stored::Snapshot, Place::Last, 6),
        (Stored::Snapshot, Place::Middle, 3),
    ] {
        let wanted = vec![(what, row, 1)];
        assert_eq!(flip(&cluster, what, place).await, (row, wanted));
        // Once more might mend it.
        assert_eq!(flip(&cluster, what, place).await, (row, vec![]));
    }
    assert_eq!(disk.write(&batch(10)).await, Ok(()), "the host goes on");
}

#[wasm_bindgen_test]
async fn what_was_damaged_on_purpose_is_named() {
    for (place, wanted) in [(Place::Last, 4), (Place::Middle, 3)] {
        let cluster = fresh("named");
        drop(filled(&cluster, 4).await);
        flip(&cluster, Stored::Wal, place).await;
        let damage = replay(CLUSTER, NODE, &open(&cluster).await.tables);
        assert!(
            matches!(damage, Err(Damage::Record { seq, .. }) if seq == wanted),
            "{damage:?}"
        );
    }
    let cluster = fresh("named-snapshot");
    drop(filled(&cluster, 4).await);
    flip(&cluster, Stored::Snapshot, Place::Last).await;
    let damage = replay(CLUSTER, NODE, &open(&cluster).await.tables);
    assert!(
        matches!(damage, Err(Damage::Snapshot { index: 1, .. })),
        "{damage:?}"
    );
}

#[wasm_bindgen_test]
async fn tools_create_no_disk() {
    let cluster = fresh("no-tools");
    let nothing = Err(DiskError::Nothing);
    let last = |what| corrupt(&cluster, NODE, what, Place::Last);
    assert_eq!(wipe(&cluster, NODE).await, Ok(()));
    assert_eq!(last(Stored::Wal).await, nothing);
    assert_eq!(last(Stored::Snapshot).await, nothing);
    let exists = idb::exists(&disk::database_name(&cluster, NODE)).await;
    assert_eq!(exists, Ok(false));
    drop(open(&cluster).await);
    assert_eq!(last(Stored::Wal).await, nothing, "an empty one");
    assert_eq!(last(Stored::Snapshot).await, nothing, "an empty one");
    assert_eq!(DiskError::Nothing.code(), "NOTHING_STORED");
}
