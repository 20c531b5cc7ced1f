//! A new cluster from a backup.

use std::cell::RefCell;

use tabraft::kv::{Command, Op, Store};
use tabraft::wal::{Snapshot, found};
use tabraft::wire::Membership;
use tabraft_web::host::disk::{self, DiskError};
use tabraft_web::host::registry::{self, RegistryError, create_restored, discard_restore};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    IDENTITY, create, first_tables, fresh, half_made, leave, record, tables, tables_of, write,
};

fn backup() -> Snapshot {
    let mut store = Store::default();
    store.apply(2, 1, &Command::Open.encode());
    let put = Command::Write {
        session: 2,
        seq: 1,
        answered_below: 1,
        op: Op::Put {
            key: "key".into(),
            value: "value".into(),
        },
    };
    store.apply(3, 1, &put.encode());
    assert_eq!(
        store.get("key").map(|value| &value[..]),
        Some(&b"value"[..])
    );
    Snapshot {
        cluster: 77,
        index: 3,
        term: 1,
        membership: Membership::of_voters([1]),
        store,
    }
}

async fn restore(cluster: &str, nodes: u64) -> Result<registry::ClusterRecord, RegistryError> {
    create_restored(cluster, nodes, &backup(), |_, _| ()).await
}

/// As a tab leaves it that ended when `done` of three founders had their first batch.
async fn interrupted(test: &str, done: u64) -> String {
    let cluster = fresh(test);
    leave(
        &cluster,
        &format!(
            r#"{{"version": 2, "identity": "{IDENTITY:016x}", "members": [1, 2, 3], "nextId": 4,
                 "restoring": true, "complete": false}}"#
        ),
    )
    .await;
    for node in 1..=done {
        let membership = Membership::of_voters([1, 2, 3]);
        write(
            &cluster,
            node,
            &found(IDENTITY, node, membership, &backup()),
        )
        .await;
    }
    cluster
}

#[wasm_bindgen_test]
async fn every_founder_has_the_pairs_of_the_backup() {
    let cluster = fresh("restored");
    let told = RefCell::new(Vec::new());
    let progress = |done, total| told.borrow_mut().push((done, total));
    let restored = create_restored(&cluster, 3, &backup(), progress).await;
    let restored = restored.expect("it is restored");
    assert_eq!(*told.borrow(), [(0, 3), (1, 3), (2, 3), (3, 3)]);
    assert_eq!(
        (&restored.members[..], restored.complete),
        (&[1, 2, 3][..], true)
    );
    assert_ne!(restored.identity, 77, "it is another cluster");
    for node in 1..=3 {
        let membership = Membership::of_voters([1, 2, 3]);
        let wanted = found(restored.identity, node, membership, &backup());
        assert!(tables(&cluster, node).await == tables_of(&wanted), "{node}");
    }
    assert_eq!(create(&cluster, 5).await, restored);
    assert_eq!(registry::reserve(&cluster, None).await, Ok(4));
}

#[wasm_bindgen_test]
async fn a_cluster_that_exists_is_not_restored_over() {
    let whole = fresh("exists");
    let before = create(&whole, 3).await;
    assert_eq!(restore(&whole, 5).await, Err(RegistryError::ClusterExists));
    assert_eq!(
        discard_restore(&whole).await,
        Err(RegistryError::ClusterExists)
    );
    assert_eq!(record(&whole).await, before);
    for node in 1..=3 {
        let wanted = first_tables(before.identity, node, &[1, 2, 3]);
        assert!(tables(&whole, node).await == wanted);
    }
    let half = fresh("half-exists");
    leave(&half, &half_made()).await;
    assert_eq!(restore(&half, 3).await, Err(RegistryError::ClusterExists));
    assert_eq!(create(&half, 3).await.identity, IDENTITY);
    let restored = fresh("twice");
    restore(&restored, 3).await.expect("it is restored");
    let again = restore(&restored, 3).await;
    assert_eq!(again, Err(RegistryError::ClusterExists));
    let discarded = discard_restore(&restored).await;
    assert_eq!(discarded, Err(RegistryError::ClusterExists));
    assert!(!tables(&restored, 1).await.is_empty());
}

/// Nobody without the file completes it: some founders would have the pairs and others nothing.
#[wasm_bindgen_test]
async fn an_interrupted_restore_is_not_opened_as_an_empty_cluster() {
    for done in 0..=3 {
        let cluster = interrupted("interrupted", done).await;
        let before = record(&cluster).await;
        assert!(before.restoring && !before.complete);
        let incomplete = RegistryError::IncompleteRestore;
        assert_eq!(incomplete.code(), "INCOMPLETE_RESTORE");
        let opened = registry::open_or_create(&cluster, 3).await;
        assert_eq!(opened, Err(incomplete.clone()));
        let reserved = registry::reserve(&cluster, None).await;
        assert_eq!(reserved, Err(incomplete));
        assert_eq!(record(&cluster).await, before);
        for node in 1..=3 {
            let is_empty = tables(&cluster, node).await.is_empty();
            assert_eq!(is_empty, node > done, "node {node} of {done}");
        }
    }
}

#[wasm_bindgen_test]
async fn an_interrupted_restore_is_begun_anew() {
    for done in 0..=3 {
        let cluster = interrupted("anew", done).await;
        let restored = restore(&cluster, 2).await.expect("it is restored");
        assert_ne!(restored.identity, IDENTITY);
        assert_eq!(restored.members, [1, 2]);
        for node in 1..=2 {
            let membership = Membership::of_voters([1, 2]);
            let wanted = found(restored.identity, node, membership, &backup());
            assert!(tables(&cluster, node).await == tables_of(&wanted), "{node}");
        }
        assert!(tables(&cluster, 3).await.is_empty(), "no founder any more");
        assert_eq!(create(&cluster, 3).await, restored);
    }
}

#[wasm_bindgen_test]
async fn an_interrupted_restore_can_be_given_up() {
    let cluster = interrupted("given-up", 2).await;
    assert_eq!(discard_restore(&cluster).await, Ok(()));
    assert_eq!(registry::find(&cluster).await, Ok(None));
    let created = create(&cluster, 2).await;
    for node in 1..=2 {
        let wanted = first_tables(created.identity, node, &[1, 2]);
        assert!(tables(&cluster, node).await == wanted);
    }
    assert_eq!(discard_restore(&fresh("nothing")).await, Ok(()));
}

#[wasm_bindgen_test]
async fn data_of_an_earlier_cluster_is_not_restored_over() {
    let cluster = fresh("leftover");
    write(
        &cluster,
        2,
        &found(5, 2, Membership::of_voters([2]), &backup()),
    )
    .await;
    let before = tables(&cluster, 2).await;
    let foreign = RegistryError::Foreign { node: 2 };
    assert_eq!(restore(&cluster, 3).await, Err(foreign));
    assert_eq!(registry::find(&cluster).await, Ok(None));
    assert!(tables(&cluster, 1).await.is_empty());
    assert!(tables(&cluster, 2).await == before);
}

/// The disk is full when the third founder's turn comes.
#[wasm_bindgen_test]
async fn a_restore_that_fails_leaves_the_name_free() {
    let cluster = fresh("no-room");
    js_sys::eval(
        "self.add_ = IDBObjectStore.prototype.add;
         self.adds = 0;
         IDBObjectStore.prototype.add = function (...args) {
             if (++self.adds == 3) throw new DOMException('no room', 'QuotaExceededError');
             return self.add_.apply(this, args);
         };",
    )
    .expect("put in place");
    let restored = restore(&cluster, 3).await;
    js_sys::eval("IDBObjectStore.prototype.add = self.add_").expect("put back");
    assert_eq!(restored, Err(RegistryError::Storage(DiskError::Full)));
    assert_eq!(registry::find(&cluster).await, Ok(None));
    for node in 1..=3 {
        let kept = disk::read_tables(&cluster, node).await;
        assert!(kept.is_ok_and(|tables| tables.is_empty()), "node {node}");
    }
    assert!(restore(&cluster, 3).await.is_ok());
}
