//! A disk that misbehaves on purpose, and writes that are tried again.

use futures_util::future::join;
use gloo_timers::future::TimeoutFuture;
use tabraft_web::host::disk::{Disk, DiskError};
use tabraft_web::model::DiskFault;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{batch, batch_with_snapshot, filled, fresh, listen, open, seqs, stored};
use crate::script::Counted;

fn fail_next(disk: &Disk, fail_next: u32) {
    disk.set_fault(DiskFault {
        fail_next,
        ..DiskFault::default()
    });
}

#[wasm_bindgen_test]
async fn an_aborted_write_is_tried_again() {
    let cluster = fresh("again");
    let disk = filled(&cluster, 1).await;
    let aborts = Counted::calls("IDBTransaction", "abort").await;
    for (fails, least_ms) in [(1, 10.0), (2, 50.0), (3, 210.0)] {
        fail_next(&disk, fails);
        let seq = u64::from(fails) + 1;
        let begun = js_sys::Date::now();
        assert_eq!(disk.write(&batch(seq)).await, Ok(()), "{fails} aborts");
        let took = js_sys::Date::now() - begun;
        assert!(took >= least_ms - 2.0, "tried again after {took} ms");
        assert_eq!(aborts.take(), fails, "transactions really aborted");
    }
    assert_eq!(seqs(&stored(&cluster).await), [1, 2, 3, 4]);
    assert_eq!(disk.write(&batch(5)).await, Ok(()));
    assert_eq!(aborts.take(), 0, "the fault is used up");
}

#[wasm_bindgen_test]
async fn four_aborts_are_a_failure_that_keeps_nothing() {
    let cluster = fresh("four");
    let disk = filled(&cluster, 2).await;
    let before = stored(&cluster).await;
    let heard = listen(&disk);
    let transactions = Counted::calls("IDBDatabase", "transaction").await;
    fail_next(&disk, 5);
    let failed = disk.write(&batch_with_snapshot(3, 2)).await;
    assert_eq!(transactions.take(), 4);
    assert!(matches!(failed, Err(DiskError::Aborted(_))), "{failed:?}");
    assert!(stored(&cluster).await == before, "something was kept");
    assert!(heard.borrow().is_empty(), "the disk is still open");
    transactions.take();
    assert_eq!(disk.write(&batch_with_snapshot(3, 2)).await, Ok(()));
    assert_eq!(transactions.take(), 2, "the fifth abort, then none");
}

#[wasm_bindgen_test]
async fn what_cannot_pass_is_not_tried_again() {
    let cluster = fresh("final");
    let disk = filled(&cluster, 2).await;
    let transactions = Counted::calls("IDBDatabase", "transaction").await;
    disk.set_fault(DiskFault {
        full: true,
        ..DiskFault::default()
    });
    assert_eq!(disk.write(&batch(3)).await, Err(DiskError::Full));
    assert_eq!(transactions.take(), 1, "full");
    disk.set_fault(DiskFault::default());
    assert_eq!(disk.write(&batch(2)).await, Err(DiskError::Exists));
    assert_eq!(transactions.take(), 1, "exists");
    drop(open(&cluster).await);
    transactions.take();
    let lost = DiskError::LostEpoch { ours: 1, found: 2 };
    assert_eq!(disk.write(&batch(3)).await, Err(lost));
    assert_eq!(transactions.take(), 1, "lost epoch");
    drop(transactions);
    assert_eq!(seqs(&stored(&cluster).await), [1, 2]);
}

/// Another host opens the disk while this one waits for its next try.
#[wasm_bindgen_test]
async fn each_try_checks_the_epoch() {
    let cluster = fresh("try-epoch");
    let old = filled(&cluster, 1).await;
    fail_next(&old, 2);
    let two = batch(2);
    let taken_over = async {
        TimeoutFuture::new(25).await;
        open(&cluster).await
    };
    let (written, new) = join(old.write(&two), taken_over).await;
    let lost = DiskError::LostEpoch { ours: 1, found: 2 };
    assert_eq!(written, Err(lost));
    assert_eq!(seqs(&stored(&cluster).await), [1]);
    assert_eq!(new.disk.write(&batch(2)).await, Ok(()));
}

#[wasm_bindgen_test]
async fn a_disk_closed_between_two_tries_is_written_no_more() {
    let cluster = fresh("try-closed");
    let disk = filled(&cluster, 1).await;
    fail_next(&disk, 2);
    let two = batch(2);
    let close = async {
        TimeoutFuture::new(25).await;
        disk.close();
    };
    let (written, ()) = join(disk.write(&two), close).await;
    assert_eq!(written, Err(DiskError::Closed));
    assert_eq!(seqs(&stored(&cluster).await), [1]);
}

#[wasm_bindgen_test]
async fn a_slow_disk_begins_late_until_it_is_mended() {
    let cluster = fresh("slow");
    let disk = filled(&cluster, 1).await;
    disk.set_fault(DiskFault {
        delay_ms: 120.0,
        ..DiskFault::default()
    });
    let begun = js_sys::Date::now();
    let two = batch(2);
    let look = async {
        TimeoutFuture::new(60).await;
        assert_eq!(seqs(&stored(&cluster).await), [1], "not begun yet");
    };
    let (written, ()) = join(disk.write(&two), look).await;
    assert_eq!(written, Ok(()));
    assert!(js_sys::Date::now() - begun >= 118.0);
    for delay_ms in [0.0, -5.0, f64::NAN] {
        disk.set_fault(DiskFault {
            delay_ms,
            ..DiskFault::default()
        });
        let begun = js_sys::Date::now();
        let seq = seqs(&stored(&cluster).await).len() as u64 + 1;
        assert_eq!(disk.write(&batch(seq)).await, Ok(()));
        assert!(js_sys::Date::now() - begun < 100.0, "{delay_ms}");
    }
}

#[wasm_bindgen_test]
async fn a_full_disk_keeps_nothing_until_there_is_room() {
    let cluster = fresh("made-full");
    let disk = filled(&cluster, 2).await;
    let before = stored(&cluster).await;
    disk.set_fault(DiskFault {
        full: true,
        fail_next: 1,
        ..DiskFault::default()
    });
    for _ in 0..2 {
        let full = disk.write(&batch_with_snapshot(3, 2)).await;
        assert_eq!(full, Err(DiskError::Full));
        assert!(stored(&cluster).await == before);
    }
    disk.set_fault(DiskFault::default());
    assert_eq!(disk.write(&batch_with_snapshot(3, 2)).await, Ok(()));
}
