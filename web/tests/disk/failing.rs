//! Aborts, no room, a database deleted under its owner: no write is reported durable that is not.

use futures_util::future::join;
use gloo_timers::future::TimeoutFuture;
use tabraft_web::host::disk::{self, DiskError, Durability};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    NODE, batch, batch_of, batch_with_snapshot, filled, first, fresh, listen, open, seqs, stored,
};
use crate::script::{Replaced, run};

/// A storage bucket of Chromium's in the place of the origin's default one.
async fn in_bucket(name: &str, quota: u32) -> Replaced {
    let body = format!(
        "const bucket = await navigator.storageBuckets.open('{name}', {{quota: {quota}}});
         const factory = bucket.indexedDB;
         Object.defineProperty(self, 'indexedDB', {{value: factory, configurable: true}});"
    );
    Replaced::by(&body, "delete self.indexedDB").await
}

#[wasm_bindgen_test]
async fn a_record_is_never_overwritten() {
    let cluster = fresh("exists");
    let disk = filled(&cluster, 3).await;
    let before = stored(&cluster).await;
    let again = disk.write(&batch_with_snapshot(3, 2)).await;
    assert_eq!(again, Err(DiskError::Exists));
    // The snapshot's put had succeeded when the record's failed.
    assert!(stored(&cluster).await == before, "something was kept");
    assert_eq!(disk.write(&batch(4)).await, Ok(()));
}

/// Every request succeeds, and then the browser aborts in place of committing.
#[wasm_bindgen_test]
async fn a_write_is_not_durable_before_its_transaction_is_complete() {
    let cluster = fresh("abort");
    let disk = filled(&cluster, 1).await;
    let replaced = Replaced::by(
        "self.commit_ = IDBTransaction.prototype.commit;
         IDBTransaction.prototype.commit = function () { this.abort(); };",
        "IDBTransaction.prototype.commit = self.commit_;",
    )
    .await;
    let written = disk.write(&batch_with_snapshot(2, 1)).await;
    drop(replaced);
    assert!(matches!(written, Err(DiskError::Aborted(_))), "{written:?}");
    assert_eq!(seqs(&stored(&cluster).await), [1]);
    assert_eq!(disk.write(&batch(2)).await, Ok(()), "tried again");
}

#[wasm_bindgen_test]
async fn no_room_is_named_and_keeps_nothing() {
    let cluster = fresh("full");
    let _bucket = in_bucket("full", 3_000_000).await;
    let disk = filled(&cluster, 1).await;
    let mut written = vec![1];
    let error = loop {
        let seq = written.len() as u64 + 1;
        assert!(seq < 100, "the quota does not hold");
        // What cannot be compressed, or a hundred of these would fit.
        let mut data = vec![0; 200_000];
        getrandom::getrandom(&mut data).expect("random numbers");
        match disk.write(&batch_of(seq, &data)).await {
            Ok(()) => written.push(seq),
            Err(error) => break error,
        }
    };
    assert_eq!(error, DiskError::Full);
    assert_eq!(error.code(), "STORAGE_FULL");
    drop(disk);
    assert_eq!(seqs(&open(&cluster).await.tables), written);
    run("await navigator.storageBuckets.delete('full')").await;
}

/// The browser itself closes the database, as when its user clears the site's data.
#[wasm_bindgen_test]
async fn a_database_closed_by_the_browser_is_written_no_more() {
    let cluster = fresh("cleared");
    let _bucket = in_bucket("cleared", 50_000_000).await;
    let disk = filled(&cluster, 2).await;
    let heard = listen(&disk);
    run("await navigator.storageBuckets.delete('cleared')").await;
    for _ in 0..100 {
        if !heard.borrow().is_empty() {
            break;
        }
        TimeoutFuture::new(10).await;
    }
    assert_eq!(*heard.borrow(), [DiskError::Closed]);
    assert_eq!(disk.write(&batch(3)).await, Err(DiskError::Closed));
    assert_eq!(DiskError::Closed.code(), "STORAGE_CLOSED");
}

#[wasm_bindgen_test]
async fn a_disk_makes_way_for_its_deletion() {
    let cluster = fresh("deleted");
    let disk = filled(&cluster, 2).await;
    let heard = listen(&disk);
    assert_eq!(disk::destroy(&cluster, NODE).await, Ok(()));
    assert_eq!(*heard.borrow(), [DiskError::Closed]);
    for _ in 0..2 {
        assert_eq!(disk.write(&batch(3)).await, Err(DiskError::Closed));
    }
    assert!(open(&cluster).await.tables.is_empty(), "it came back");
}

/// The owner's own hand is no news to him.
#[wasm_bindgen_test]
async fn a_disk_closed_by_its_owner_does_not_call_back() {
    let cluster = fresh("closed");
    let disk = filled(&cluster, 1).await;
    let heard = listen(&disk);
    let two = batch(2);
    let (written, ()) = join(disk.write(&two), async { disk.close() }).await;
    assert_eq!(written, Ok(()), "a write under way finishes");
    assert_eq!(disk.write(&batch(3)).await, Err(DiskError::Closed));
    assert!(heard.borrow().is_empty());
    assert_eq!(seqs(&stored(&cluster).await), [1, 2]);
}

#[wasm_bindgen_test]
async fn a_browser_without_storage_is_named() {
    for (how, reason) in [
        ("value: undefined", "no IndexedDB"),
        (
            "get() { throw new DOMException('not here', 'SecurityError'); }",
            "SecurityError: not here",
        ),
        (
            "value: {open() { throw new DOMException('not here', 'SecurityError'); },
                     databases: async () => []}",
            "refuses to open",
        ),
    ] {
        let replaced = Replaced::by(
            &format!("Object.defineProperty(self, 'indexedDB', {{configurable: true, {how}}})"),
            "delete self.indexedDB",
        )
        .await;
        let opened = disk::open("none", NODE, Durability::Strict).await;
        drop(replaced);
        let error = opened.err().expect("it does not open");
        assert!(error.to_string().contains(reason), "{how}: {error}");
        assert_eq!(error.code(), "NO_STORAGE");
    }
}

/// A deletion that a frozen tab holds up is not waited for forever.
#[wasm_bindgen_test]
async fn a_database_that_nobody_lets_go_of_is_blocked() {
    let cluster = fresh("blocked");
    drop(filled(&cluster, 1).await);
    let name = disk::database_name(&cluster, NODE);
    run(&format!(
        "self.holder = await new Promise((resolve, reject) => {{
             const opening = indexedDB.open('{name}');
             opening.onsuccess = () => resolve(opening.result);
             opening.onerror = reject;
         }});"
    ))
    .await;
    let (destroyed, opened) = join(
        disk::destroy(&cluster, NODE),
        disk::open(&cluster, NODE, Durability::Strict),
    )
    .await;
    assert_eq!(destroyed, Err(DiskError::Blocked));
    assert_eq!(opened.err(), Some(DiskError::Blocked));
    run("self.holder.close()").await;
    let opened = open(&cluster).await;
    assert!(opened.tables.is_empty(), "deleted once it was let go of");
    assert_eq!(opened.disk.write(&first()).await, Ok(()));
}
