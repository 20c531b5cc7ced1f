//! The record of a cluster, and Web Locks, in a real browser, in a page as in the product.

use futures_util::future::{FutureExt, join, join3};
use gloo_timers::future::TimeoutFuture;
use indexed_db_futures::database::Database;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::TransactionMode;
use tabraft::wal::{Record, Tables, bootstrap};
use tabraft::wire::Membership;
use tabraft_web::host::disk::{self, Durability};
use tabraft_web::host::idb;
use tabraft_web::host::lock::{self, LockState, Mode};
use tabraft_web::host::registry::{self, ClusterRecord, RegistryError};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const IDENTITY: u64 = 0xfedc_ba98_7654_3210;

fn fresh(test: &str) -> String {
    let mut number = [0; 8];
    getrandom::getrandom(&mut number).expect("random numbers");
    format!("{test}-{:016x}", u64::from_le_bytes(number))
}

async fn create(cluster: &str, nodes: u64) -> ClusterRecord {
    registry::open_or_create(cluster, nodes)
        .await
        .expect("the cluster is there")
}

async fn tables(cluster: &str, node: u64) -> Tables {
    disk::read_tables(cluster, node).await.expect("the tables")
}

fn first_tables(identity: u64, node: u64, members: &[u64]) -> Tables {
    let mut tables = Tables::default();
    tables.write(&bootstrap(identity, node, Membership::of_voters(members)));
    tables
}

/// Writes a cluster's record as an earlier tab may have left it.
async fn leave(cluster: &str, record: &str) {
    let db = Database::open(registry::database_name(cluster))
        .with_version(1_u32)
        .with_on_upgrade_needed(|_, db| {
            db.create_object_store("meta").build()?;
            Ok(())
        })
        .await
        .expect("the database opens");
    let transaction = db
        .transaction("meta")
        .with_mode(TransactionMode::Readwrite)
        .build()
        .expect("a transaction");
    let meta = transaction.object_store("meta").expect("the store");
    let record = js_sys::JSON::parse(record).expect("JSON");
    meta.put(record)
        .with_key("cluster")
        .without_key_type()
        .primitive()
        .expect("put")
        .await
        .expect("put");
    drop(meta);
    transaction.commit().await.expect("committed");
    db.close();
}

fn half_made() -> String {
    format!(
        r#"{{"version": 1, "identity": "{IDENTITY:016x}", "members": [1, 2, 3], "complete": false}}"#
    )
}

#[wasm_bindgen_test]
async fn tabs_that_come_at_once_create_one_cluster() {
    let cluster = fresh("at-once");
    let (one, two, three) = join3(
        create(&cluster, 3),
        create(&cluster, 3),
        create(&cluster, 5),
    )
    .await;
    assert!(one == two && two == three, "{one:?} {two:?} {three:?}");
    assert_eq!(one.members, [1, 2, 3]);
    assert!(one.complete);
    for node in 1..=3 {
        let wanted = first_tables(one.identity, node, &[1, 2, 3]);
        assert!(tables(&cluster, node).await == wanted, "node {node}");
    }
    assert_eq!(registry::find(&cluster).await, Ok(Some(one)));
    let other = create(&fresh("at-once"), 3).await;
    assert_ne!(other.identity, two.identity);
}

#[wasm_bindgen_test]
async fn looking_for_a_cluster_does_not_create_it() {
    let cluster = fresh("absent");
    assert_eq!(registry::find(&cluster).await, Ok(None));
    let exists = idb::exists(&registry::database_name(&cluster)).await;
    assert_eq!(exists, Ok(false));
}

/// However far the tab came that began, its cluster is completed under its identity.
#[wasm_bindgen_test]
async fn a_half_made_cluster_is_completed() {
    for bootstrapped in 0..=3 {
        let cluster = fresh("half");
        leave(&cluster, &half_made()).await;
        for node in 1..=bootstrapped {
            let opened = disk::open(&cluster, node, Durability::Strict).await;
            let batch = bootstrap(IDENTITY, node, Membership::of_voters([1, 2, 3]));
            let disk = opened.expect("the disk opens").disk;
            disk.write(&batch).await.expect("the first batch");
        }
        let found = registry::find(&cluster).await.expect("it is readable");
        assert!(found.is_some_and(|record| !record.complete));

        // The size asked for is for a cluster that does not exist yet.
        let (one, two) = join(create(&cluster, 1), create(&cluster, 5)).await;
        assert_eq!(one, two);
        assert_eq!((one.identity, one.complete), (IDENTITY, true));
        for node in 1..=3 {
            let wanted = first_tables(IDENTITY, node, &[1, 2, 3]);
            assert!(tables(&cluster, node).await == wanted, "node {node}");
        }
    }
}

#[wasm_bindgen_test]
async fn a_member_that_has_forgotten_its_vote_is_not_begun_again() {
    let cluster = fresh("forgotten");
    let record = create(&cluster, 3).await;
    disk::destroy(&cluster, 2).await.expect("destroyed");
    assert_eq!(create(&cluster, 3).await, record);
    assert!(tables(&cluster, 2).await.is_empty());
}

#[wasm_bindgen_test]
async fn data_of_an_earlier_cluster_of_that_name_is_not_taken_over() {
    let cluster = fresh("earlier");
    let earlier = create(&cluster, 2).await;
    idb::delete(&registry::database_name(&cluster))
        .await
        .expect("the record is deleted");
    let error = registry::open_or_create(&cluster, 2).await;
    assert_eq!(error, Err(RegistryError::Foreign { node: 1 }));
    let kept = tables(&cluster, 1).await;
    let record = Record::decode(&kept.records[0].1).expect("a record");
    assert_eq!(record.cluster, earlier.identity);
}

#[wasm_bindgen_test]
async fn a_record_of_a_newer_build_is_left_alone() {
    let cluster = fresh("newer");
    leave(
        &cluster,
        &half_made().replace("\"version\": 1", "\"version\": 2"),
    )
    .await;
    let error = registry::open_or_create(&cluster, 3).await;
    assert!(
        matches!(error, Err(RegistryError::Unreadable(_))),
        "{error:?}"
    );
    assert!(tables(&cluster, 1).await.is_empty());
}

async fn states(name: &str) -> Vec<LockState> {
    let locks = lock::query().await.expect("the locks");
    let of_name = locks.into_iter().filter(|(found, _)| found == name);
    of_name.map(|(_, state)| state).collect()
}

async fn take(name: &str, mode: Mode) -> Option<lock::Held> {
    lock::acquire(name, mode).await.expect("the lock")
}

#[wasm_bindgen_test]
async fn a_lock_has_one_holder_and_then_the_next_in_the_queue() {
    let name = fresh("queue");
    let held = take(&name, Mode::Wait).await.expect("held");
    assert!(take(&name, Mode::IfAvailable).await.is_none());
    let first = async {
        let held = take(&name, Mode::Wait).await;
        TimeoutFuture::new(20).await;
        assert_eq!(states(&name).await, [LockState::Held, LockState::Pending]);
        drop(held);
        1
    };
    let second = async {
        let _held = take(&name, Mode::Wait).await;
        2
    };
    let holder = async {
        TimeoutFuture::new(20).await;
        use LockState::{Held, Pending};
        assert_eq!(states(&name).await, [Held, Pending, Pending]);
        held.release();
    };
    let (first, second, ()) = join3(first, second, holder).await;
    assert_eq!((first, second), (1, 2));
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, []);
}

#[wasm_bindgen_test]
async fn who_stops_waiting_leaves_the_queue() {
    let name = fresh("withdrawn");
    let held = take(&name, Mode::Wait).await.expect("held");
    let mut waiting = Box::pin(lock::acquire(&name, Mode::Wait));
    assert!(waiting.as_mut().now_or_never().is_none());
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held, LockState::Pending]);
    drop(waiting);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held]);
    drop(held);
    assert!(take(&name, Mode::Wait).await.is_some());
}

/// Granted while nobody looks, and then given up: it must not stay held.
#[wasm_bindgen_test]
async fn a_lock_granted_too_late_is_let_go() {
    let name = fresh("late");
    let mut waiting = Box::pin(lock::acquire(&name, Mode::Wait));
    assert!(waiting.as_mut().now_or_never().is_none());
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held]);
    drop(waiting);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, []);
}

#[wasm_bindgen_test]
async fn a_stolen_lock_is_reported_and_a_released_one_is_not() {
    let name = fresh("stolen");
    let held = take(&name, Mode::Wait).await.expect("held");
    let lost = held.lost();
    assert!(held.lost().now_or_never().is_none());
    let thief = take(&name, Mode::Steal).await.expect("stolen");
    lost.await;
    held.lost().await;
    drop(held);
    TimeoutFuture::new(20).await;
    assert_eq!(states(&name).await, [LockState::Held], "the thief has it");

    let lost = thief.lost();
    thief.release();
    TimeoutFuture::new(20).await;
    assert!(lost.now_or_never().is_none());
}
