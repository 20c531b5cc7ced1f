//! Reading a disk past its host.

use futures_util::future::join;
use tabraft::wal::{Recovered, Replay, WriteBatch, replay};
use tabraft_web::host::disk::peek::Tail;
use tabraft_web::host::disk::{self, DiskError, Durability, Peek, corrupt, read_snapshot, wipe};
use tabraft_web::host::idb;
use tabraft_web::model::{Place, Stored};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    CLUSTER, NODE, batch, batch_of, batch_with_snapshot, filled, first, fresh, open, seqs, stored,
};
use crate::script::Counted;

async fn read_tail(cluster: &str, numbers: u32) -> Tail {
    match Peek::open(cluster, NODE).await.expect("a database") {
        Some(peek) => peek.tail(numbers).await.expect("a tail"),
        None => Tail::of_nothing(),
    }
}

async fn tail(cluster: &str, numbers: u32) -> Vec<(u64, Vec<u8>)> {
    read_tail(cluster, numbers).await.records
}

async fn snapshot(cluster: &str, index: u64) -> Option<Vec<u8>> {
    let snapshot = read_snapshot(cluster, NODE, index).await;
    snapshot.expect("the snapshot is read")
}

#[wasm_bindgen_test]
async fn the_tail_is_the_newest_records_in_order() {
    let cluster = fresh("tail");
    let disk = filled(&cluster, 12).await;
    let all = stored(&cluster).await.records;
    for records in [1, 2, 5, 11, 12, 13, 1000, u32::MAX] {
        let wanted = &all[all.len().saturating_sub(records as usize)..];
        assert!(tail(&cluster, records).await == wanted, "{records} records");
    }
    assert!(tail(&cluster, 0).await.is_empty());
    // Also where the log does not begin with the first record.
    let dropped = WriteBatch {
        drop_records_below: Some(9),
        ..batch(13)
    };
    disk.write(&dropped).await.expect("a batch");
    let left = stored(&cluster).await.records;
    assert_eq!(left.len(), 5);
    assert!(tail(&cluster, 3).await == left[2..]);
    assert!(tail(&cluster, 100).await == left);
}

/// One record may stand for many: fewer are read then, and it is known whether there are more.
#[wasm_bindgen_test]
async fn a_folded_tail_tells_whether_it_is_all() {
    let cluster = fresh("folded");
    let disk = filled(&cluster, 12).await;
    let fold = WriteBatch {
        folds_from: Some(4),
        ..batch(13)
    };
    disk.write(&fold).await.expect("a batch");
    let tables = stored(&cluster).await;
    assert_eq!(seqs(&tables), [1, 2, 3, 13]);
    let left = tables.records;
    for (numbers, wanted, all) in [(1, 1, false), (10, 1, false), (12, 3, false), (13, 4, true)] {
        let tail = read_tail(&cluster, numbers).await;
        assert!(tail.records == left[4 - wanted..], "{numbers} numbers");
        assert_eq!(tail.all, all, "{numbers} numbers");
    }
}

#[wasm_bindgen_test]
async fn reading_past_the_host_leaves_it_alone() {
    let cluster = fresh("beside");
    let disk = filled(&cluster, 3).await;
    assert_eq!(tail(&cluster, 2).await.len(), 2);
    assert!(snapshot(&cluster, 1).await.is_some());
    assert_eq!(disk.write(&batch(4)).await, Ok(()), "the host goes on");
    assert_eq!(open(&cluster).await.disk.epoch(), 2);
}

#[wasm_bindgen_test]
async fn reading_past_the_host_creates_nothing() {
    let cluster = fresh("no-disk");
    assert!(tail(&cluster, 10).await.is_empty());
    assert!(snapshot(&cluster, 1).await.is_none());
    let exists = idb::exists(&disk::database_name(&cluster, NODE)).await;
    assert_eq!(exists, Ok(false));
    drop(open(&cluster).await);
    assert!(tail(&cluster, 10).await.is_empty(), "no records");
    assert!(snapshot(&cluster, 1).await.is_none(), "no snapshots");
}

/// However long the log is; and the connection is not left for others to wait for.
#[wasm_bindgen_test]
async fn the_tail_takes_one_answer_and_one_connection() {
    let cluster = fresh("cheap");
    let disk = filled(&cluster, 1).await;
    for seq in 2..=600 {
        disk.write(&batch_of(seq, b"x")).await.expect("a batch");
    }
    let reads = Counted::calls("IDBObjectStore", "getAll").await;
    assert_eq!(tail(&cluster, 300).await.len(), 300);
    assert_eq!(reads.take(), 1);
    drop(reads);
    let opened = Counted::calls("IDBFactory", "open").await;
    tail(&cluster, 300).await;
    snapshot(&cluster, 1).await;
    assert_eq!(opened.take(), 2);
    drop(opened);
    let closed = Counted::calls("IDBDatabase", "close").await;
    tail(&cluster, 300).await;
    assert_eq!(closed.take(), 1);
    snapshot(&cluster, 1).await;
    assert_eq!(closed.take(), 1);
}

#[wasm_bindgen_test]
async fn a_snapshot_is_read_by_its_index() {
    let cluster = fresh("by-index");
    let disk = filled(&cluster, 4).await;
    let newer = batch_with_snapshot(5, 4);
    disk.write(&newer).await.expect("a batch");
    let bytes = |batch: WriteBatch| batch.snapshot.map(|(_, bytes)| bytes);
    assert_eq!(snapshot(&cluster, 1).await, bytes(first()));
    assert_eq!(snapshot(&cluster, 4).await, bytes(newer));
    for absent in [0, 2, 5] {
        assert_eq!(snapshot(&cluster, absent).await, None);
    }
}

/// The host writes as fast as it can. Each tail is of one moment: nothing acknowledged before is
/// missing, and it has no gaps.
#[wasm_bindgen_test]
async fn a_tail_read_beside_a_busy_host_is_of_one_moment() {
    let cluster = fresh("busy");
    let disk = filled(&cluster, 1).await;
    let durable = std::cell::Cell::new(1);
    let writing = async {
        for seq in 2..=200 {
            disk.write(&batch_of(seq, b"x")).await.expect("a batch");
            durable.set(seq);
        }
    };
    let reading = async {
        let mut tails_seen = 0;
        while durable.get() < 200 {
            let before = durable.get();
            let tail = tail(&cluster, 7).await;
            let last = tail.last().map_or(0, |(seq, _)| *seq);
            assert!(last >= before && last <= durable.get() + 1);
            assert!(
                tail.iter()
                    .map(|(seq, _)| *seq)
                    .eq(last.saturating_sub(6).max(1)..=last)
            );
            tails_seen += 1;
        }
        tails_seen
    };
    let ((), tails_seen) = join(writing, reading).await;
    assert!(tails_seen > 3, "{tails_seen}");
    assert_eq!(seqs(&stored(&cluster).await).len(), 200);
}

/// A successor and a spare worker keep it open; the dead host's next life is fenced as ever, and
/// whoever wants the database gone does not wait for them.
#[wasm_bindgen_test]
async fn a_database_kept_open_is_taken_over_or_let_go() {
    let cluster = fresh("kept-open");
    let disk = filled(&cluster, 3).await;
    let (ahead, other) = (peek(&cluster).await, peek(&cluster).await);
    assert_eq!(disk.write(&batch(4)).await, Ok(()), "it is in nobody's way");
    let strict = disk::Durability::Strict;
    let opened = disk::take_over(Some(ahead.into()), &cluster, NODE, strict).await;
    let opened = opened.expect("the disk");
    assert_eq!((opened.disk.epoch(), seqs(&opened.tables).len()), (2, 4));
    let lost = DiskError::LostEpoch { ours: 1, found: 2 };
    assert_eq!(disk.write(&batch(5)).await, Err(lost));
    assert_eq!(opened.disk.write(&batch(5)).await, Ok(()));
    assert_eq!(other.tail(9).await.expect("a tail").records.len(), 5);

    disk::destroy(&cluster, NODE)
        .await
        .expect("nobody is in the way");
    assert!(!other.is_open());
    let begun = disk::take_over(Some(other.into()), &cluster, NODE, strict).await;
    let begun = begun.expect("a new disk");
    assert!(begun.tables.is_empty() && begun.disk.epoch() == 1);
}

/// Reads of what follows on the records and on the snapshots that are known.
const BEYOND: u32 = 2;

/// Takes a disk over that was read ahead; what is stored, and how many reads of rows that took.
async fn taken_over(cluster: &str, ahead: Peek, reads: &Counted) -> u32 {
    let stored = stored(cluster).await;
    reads.take();
    let opened = disk::take_over(Some(ahead.into()), cluster, NODE, Durability::Strict).await;
    let opened = opened.expect("the disk");
    let reads = reads.take();
    assert!(opened.tables == stored, "it is what is stored");
    let ahead = opened.replay.unwrap_or(Replay::new(CLUSTER, NODE));
    let recovered = ahead.finish(&stored).map(Recovered::committed);
    let plain = replay(CLUSTER, NODE, &stored).map(Recovered::committed);
    assert_eq!(recovered, plain, "it was made of what is stored");
    reads
}

async fn read_ahead(cluster: &str) -> Peek {
    let peek = peek(cluster).await;
    peek.read_ahead(CLUSTER).await.expect("it is read");
    peek
}

#[wasm_bindgen_test]
async fn what_was_read_ahead_is_not_read_again() {
    let reads = Counted::calls("IDBObjectStore", "getAll").await;
    let cluster = fresh("ahead");
    let disk = filled(&cluster, 12).await;
    let ahead = read_ahead(&cluster).await;
    assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND);
    drop(disk);

    // What has come since, what stands for others, and what was dropped.
    let cluster = fresh("ahead-of");
    let disk = filled(&cluster, 12).await;
    let ahead = read_ahead(&cluster).await;
    let fold = WriteBatch {
        folds_from: Some(9),
        drop_records_below: Some(4),
        ..batch(13)
    };
    for batch in [fold, batch(14), batch(15)] {
        disk.write(&batch).await.expect("a batch");
    }
    assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND);

    // Read ahead again and again; a newer snapshot takes the place of the one that was known.
    let cluster = fresh("ahead-again");
    let disk = filled(&cluster, 3).await;
    let ahead = read_ahead(&cluster).await;
    for seq in 4..9 {
        disk.write(&batch(seq)).await.expect("a batch");
        reads.take();
        ahead.read_ahead(CLUSTER).await.expect("it is read");
        assert_eq!(reads.take(), BEYOND, "the new record alone");
    }
    let with_snapshot = WriteBatch {
        drop_snapshots_below: Some(8),
        ..batch_with_snapshot(9, 8)
    };
    disk.write(&with_snapshot).await.expect("a batch");
    assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND);
}

/// Rows that were changed in place, or that another life of the replica has written under the same keys.
#[wasm_bindgen_test]
async fn what_was_read_ahead_is_never_stale() {
    let reads = Counted::calls("IDBObjectStore", "getAll").await;
    for what in [Stored::Wal, Stored::Snapshot] {
        let cluster = fresh("ahead-damaged");
        let _disk = filled(&cluster, 5).await;
        let ahead = read_ahead(&cluster).await;
        corrupt(&cluster, NODE, what, Place::Last)
            .await
            .expect("damaged");
        assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND + 2);
    }

    let cluster = fresh("ahead-wiped");
    let _disk = filled(&cluster, 5).await;
    let ahead = read_ahead(&cluster).await;
    wipe(&cluster, NODE).await.expect("wiped");
    assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND);

    // The next host's, under the numbers of the one before.
    let cluster = fresh("ahead-begun");
    let _disk = filled(&cluster, 5).await;
    let ahead = read_ahead(&cluster).await;
    wipe(&cluster, NODE).await.expect("wiped");
    let disk = open(&cluster).await.disk;
    disk.write(&first()).await.expect("the first batch");
    for seq in 2..=5 {
        let other = batch_of(seq, b"another life");
        disk.write(&other).await.expect("a batch");
    }
    assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND + 2);

    // The same host's, which emptied its disk and went on.
    let cluster = fresh("ahead-cleared");
    let disk = filled(&cluster, 5).await;
    let ahead = read_ahead(&cluster).await;
    disk.clear().await.expect("cleared");
    disk.write(&first()).await.expect("the first batch");
    disk.write(&batch_of(2, b"another life"))
        .await
        .expect("a batch");
    assert_eq!(taken_over(&cluster, ahead, &reads).await, BEYOND + 2);
}

async fn peek(cluster: &str) -> Peek {
    let peek = Peek::open(cluster, NODE).await.expect("it opens");
    peek.expect("a database")
}
