//! Ids given to new replicas and taken from removed ones.

use futures_util::future::{join, join_all, join3};
use gloo_timers::future::TimeoutFuture;
use tabraft::wal::{self, HardState, Record, WriteBatch};
use tabraft_web::host::disk::{self, DiskError, Durability};
use tabraft_web::host::idb;
use tabraft_web::host::lock::{self, Mode};
use tabraft_web::host::registry::{
    self, ClusterRecord, ID_MAX, RegistryError, forget, mark_removed, mark_stopped, prepare_joiner,
    reserve,
};
use tabraft_web::names;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    IDENTITY, create, exists, first_tables, fresh, half_made, leave, record, tables, tables_of,
    write,
};

/// A joiner's second batch, in which it votes.
fn vote(identity: u64, node: u64) -> WriteBatch {
    let record = Record {
        cluster: identity,
        node,
        seq: 2,
        from_seq: 2,
        oldest_seq: 1,
        hard_state: HardState {
            term: 3,
            vote: 1,
            commit: 0,
        },
        led_term: 0,
        entries: Vec::new(),
        membership: None,
        snapshot: None,
    };
    WriteBatch {
        seq: 2,
        record: record.encode(),
        snapshot: None,
        folds_from: None,
        drop_records_below: None,
        drop_snapshots_below: None,
    }
}

async fn joined(cluster: &str, wanted: Option<u64>) -> u64 {
    let id = reserve(cluster, wanted).await.expect("an id");
    let identity = record(cluster).await.identity;
    let prepared = prepare_joiner(cluster, identity, id).await;
    prepared.expect("it is prepared");
    id
}

fn used<T>(node: u64) -> Result<T, RegistryError> {
    Err(RegistryError::IdUsed { node })
}

#[wasm_bindgen_test]
async fn tabs_that_reserve_at_once_get_an_id_each() {
    let cluster = fresh("reserve");
    create(&cluster, 3).await;
    let one = || reserve(&cluster, None);
    let (one, two, three) = join3(one(), one(), one()).await;
    let mut ids = [one, two, three].map(|id| id.expect("an id"));
    ids.sort_unstable();
    assert_eq!(ids, [4, 5, 6]);
    let found = record(&cluster).await;
    assert_eq!((found.joining, found.next_id), (vec![4, 5, 6], 7));
    assert_eq!(found.members, [1, 2, 3], "no member before it has a disk");
    assert!(!exists(&cluster, 4).await);
}

#[wasm_bindgen_test]
async fn an_id_may_be_asked_for_if_it_was_never_used() {
    let cluster = fresh("wanted");
    create(&cluster, 3).await;
    assert_eq!(reserve(&cluster, Some(10)).await, Ok(10));
    assert_eq!(reserve(&cluster, None).await, Ok(11));
    assert_eq!(reserve(&cluster, Some(7)).await, Ok(7));
    assert_eq!(reserve(&cluster, Some(7)).await, Ok(7), "not begun yet");
    for node in 1..=3 {
        assert_eq!(reserve(&cluster, Some(node)).await, used(node));
        let kept = tables(&cluster, node).await;
        let identity = record(&cluster).await.identity;
        assert!(kept == first_tables(identity, node, &[1, 2, 3]));
    }
    for node in [0, ID_MAX + 1] {
        let error = Err(RegistryError::BadId { node });
        assert_eq!(reserve(&cluster, Some(node)).await, error);
    }
    assert_eq!(reserve(&cluster, Some(ID_MAX)).await, Ok(ID_MAX));
    let node = ID_MAX + 1;
    let none_left = Err(RegistryError::BadId { node });
    assert_eq!(reserve(&cluster, None).await, none_left);
}

#[wasm_bindgen_test]
async fn a_joiner_begins_with_nothing_and_is_then_a_member() {
    let cluster = fresh("joiner");
    let identity = create(&cluster, 3).await.identity;
    let id = reserve(&cluster, None).await.expect("an id");
    for _ in 0..2 {
        assert_eq!(prepare_joiner(&cluster, identity, id).await, Ok(()));
        assert!(tables(&cluster, id).await == tables_of(&wal::join(identity, id)));
        let found = record(&cluster).await;
        assert_eq!((found.members, found.joining), (vec![1, 2, 3, 4], vec![]));
    }
    // Its tab may have ended before it was proposed.
    assert_eq!(reserve(&cluster, Some(id)).await, Ok(id));
    assert_eq!(record(&cluster).await.members, [1, 2, 3, 4]);
    assert_eq!(reserve(&cluster, None).await, Ok(5));
}

#[wasm_bindgen_test]
async fn a_joiner_that_has_voted_is_not_begun_again() {
    let cluster = fresh("voted");
    let identity = create(&cluster, 1).await.identity;
    let id = joined(&cluster, None).await;
    write(&cluster, id, &vote(identity, id)).await;
    let before = tables(&cluster, id).await;
    assert_eq!(reserve(&cluster, Some(id)).await, used(id));
    assert_eq!(prepare_joiner(&cluster, identity, id).await, used(id));
    assert!(tables(&cluster, id).await == before);
}

/// Founder or joiner: an empty disk of a member is one that forgot.
#[wasm_bindgen_test]
async fn a_member_that_has_lost_its_disk_is_not_begun_again() {
    let cluster = fresh("lost");
    let identity = create(&cluster, 3).await.identity;
    let joiner = joined(&cluster, None).await;
    disk::wipe(&cluster, joiner).await.expect("wiped");
    disk::destroy(&cluster, 2).await.expect("destroyed");
    for node in [2, joiner] {
        assert_eq!(reserve(&cluster, Some(node)).await, used(node));
        assert_eq!(prepare_joiner(&cluster, identity, node).await, used(node));
        assert!(tables(&cluster, node).await.is_empty());
    }
}

/// The batch was written and the tab ended before it could say so in the record.
#[wasm_bindgen_test]
async fn a_half_prepared_joiner_is_completed() {
    let cluster = fresh("half-prepared");
    let identity = create(&cluster, 1).await.identity;
    let id = reserve(&cluster, None).await.expect("an id");
    write(&cluster, id, &wal::join(identity, id)).await;
    assert_eq!(reserve(&cluster, Some(id)).await, Ok(id));
    assert_eq!(prepare_joiner(&cluster, identity, id).await, Ok(()));
    let found = record(&cluster).await;
    assert_eq!((found.members, found.joining), (vec![1, 2], vec![]));
    assert!(tables(&cluster, id).await == tables_of(&wal::join(identity, id)));
}

#[wasm_bindgen_test]
async fn only_what_was_reserved_in_this_cluster_is_prepared() {
    let cluster = fresh("unreserved");
    let identity = create(&cluster, 1).await.identity;
    assert_eq!(prepare_joiner(&cluster, identity, 9).await, used(9));
    assert!(!exists(&cluster, 9).await);
    let id = reserve(&cluster, None).await.expect("an id");
    let other = prepare_joiner(&cluster, identity ^ 1, id).await;
    assert_eq!(other, Err(RegistryError::NoSuchCluster));
    assert!(!exists(&cluster, id).await);
    // Left by a cluster of that name whose record is gone.
    write(&cluster, id, &wal::join(identity ^ 1, id)).await;
    let foreign = prepare_joiner(&cluster, identity, id).await;
    assert_eq!(foreign, Err(RegistryError::Foreign { node: id }));
}

#[wasm_bindgen_test]
async fn a_removed_id_begins_anew_on_an_empty_disk() {
    let cluster = fresh("removed");
    let identity = create(&cluster, 3).await.identity;
    let opened = disk::open(&cluster, 2, Durability::Strict).await;
    let old = opened.expect("the disk opens").disk;
    assert_eq!(mark_stopped(&cluster, 2, true).await, Ok(()));
    assert_eq!(mark_removed(&cluster, 2, 50).await, Ok(()));
    let found = record(&cluster).await;
    assert_eq!((found.members, found.removed), (vec![1, 3], vec![2]));
    assert!(found.stopped.is_empty(), "no member to be stopped");
    assert!(!tables(&cluster, 2).await.is_empty(), "kept until wiped");
    assert_eq!(reserve(&cluster, None).await, Ok(4), "new ones are new");

    assert_eq!(reserve(&cluster, Some(2)).await, Ok(2));
    assert!(tables(&cluster, 2).await.is_empty());
    let late = old.write(&vote(identity, 2)).await;
    assert!(matches!(late, Err(DiskError::LostEpoch { .. })), "{late:?}");
    assert_eq!(joined(&cluster, Some(2)).await, 2);
    assert!(tables(&cluster, 2).await == tables_of(&wal::join(identity, 2)));
    let found = record(&cluster).await;
    assert_eq!((found.members, found.removed), (vec![1, 2, 3], vec![]));
    // It votes, and from then on it is not begun again.
    write(&cluster, 2, &vote(identity, 2)).await;
    assert_eq!(reserve(&cluster, Some(2)).await, used(2));
}

/// A frozen tab wakes up and notes what others have noted, and gone on from, long since.
#[wasm_bindgen_test]
async fn a_removal_is_believed_once() {
    let cluster = fresh("once");
    let identity = create(&cluster, 3).await.identity;
    assert_eq!(mark_removed(&cluster, 2, 50).await, Ok(()));
    assert_eq!(mark_removed(&cluster, 2, 50).await, Ok(()));
    joined(&cluster, Some(2)).await;
    write(&cluster, 2, &vote(identity, 2)).await;
    let before = (record(&cluster).await, tables(&cluster, 2).await);
    assert_eq!(mark_removed(&cluster, 2, 50).await, Ok(()));
    assert_eq!(reserve(&cluster, Some(2)).await, used(2));
    assert!((record(&cluster).await, tables(&cluster, 2).await) == before);
    assert_eq!(mark_removed(&cluster, 2, 90).await, Ok(()));
    assert_eq!(record(&cluster).await.removed, [2]);
    assert_eq!(reserve(&cluster, Some(2)).await, Ok(2));
}

#[wasm_bindgen_test]
async fn a_removed_id_that_still_runs_is_left_alone() {
    let cluster = fresh("runs");
    let identity = create(&cluster, 3).await.identity;
    let lock = names::node_lock(&cluster, 3);
    let host = lock::acquire(&lock, Mode::Wait).await.expect("the lock");
    assert_eq!(mark_removed(&cluster, 3, 7).await, Ok(()));
    let before = tables(&cluster, 3).await;
    let running = RegistryError::Running { node: 3 };
    assert_eq!(reserve(&cluster, Some(3)).await, Err(running.clone()));
    assert!(tables(&cluster, 3).await == before);
    assert_eq!(record(&cluster).await.removed, [3]);
    drop(host);
    assert_eq!(reserve(&cluster, Some(3)).await, Ok(3));
    let host = lock::acquire(&lock, Mode::Wait).await.expect("the lock");
    let prepared = prepare_joiner(&cluster, identity, 3).await;
    assert_eq!(prepared, Err(running));
    assert!(tables(&cluster, 3).await.is_empty());
    drop(host);
}

/// In place of Web Locks: everybody gets every lock, only the first who asks gets it late.
struct FailingLocks;

impl FailingLocks {
    fn begin() -> Self {
        js_sys::eval(
            "self.late_ = [500];
             navigator.locks.request = async (name, options, granted) => {
                 await new Promise((resolve) => setTimeout(resolve, self.late_.shift() ?? 0));
                 return granted({name});
             };",
        )
        .expect("put in place");
        Self
    }
}

impl Drop for FailingLocks {
    fn drop(&mut self) {
        js_sys::eval("delete navigator.locks.request").expect("put back");
    }
}

/// A tab that has seen the removal sleeps; meanwhile another one begins the new life, which votes.
#[wasm_bindgen_test]
async fn a_tab_that_wakes_up_late_empties_no_new_life() {
    let cluster = fresh("late-reserve");
    let identity = create(&cluster, 2).await.identity;
    assert_eq!(mark_removed(&cluster, 2, 50).await, Ok(()));
    let locks = FailingLocks::begin();
    let new_life = async {
        TimeoutFuture::new(50).await;
        joined(&cluster, Some(2)).await;
        write(&cluster, 2, &vote(identity, 2)).await;
        tables(&cluster, 2).await
    };
    let (late, lived) = join(reserve(&cluster, Some(2)), new_life).await;
    drop(locks);
    assert_eq!(late, used(2));
    assert!(tables(&cluster, 2).await == lived, "a vote was forgotten");
}

/// A tab that has seen the reservation sleeps; meanwhile the replica joins and loses its disk.
#[wasm_bindgen_test]
async fn a_tab_that_wakes_up_late_begins_no_member_again() {
    let cluster = fresh("late-prepare");
    let identity = create(&cluster, 1).await.identity;
    let id = reserve(&cluster, None).await.expect("an id");
    let locks = FailingLocks::begin();
    let life_and_loss = async {
        TimeoutFuture::new(50).await;
        joined(&cluster, Some(id)).await;
        write(&cluster, id, &vote(identity, id)).await;
        disk::wipe(&cluster, id).await.expect("wiped");
    };
    let late = prepare_joiner(&cluster, identity, id);
    let (late, ()) = join(late, life_and_loss).await;
    drop(locks);
    assert_eq!(late, used(id));
    assert!(tables(&cluster, id).await.is_empty());
}

/// It is listed no longer, but known: its disk may still hold its former life.
#[wasm_bindgen_test]
async fn a_forgotten_id_is_emptied_before_it_is_used_again() {
    let cluster = fresh("forget");
    let identity = create(&cluster, 3).await.identity;
    assert_eq!(forget(&cluster, 3).await, Ok(()));
    assert_eq!(record(&cluster).await.members, [1, 2, 3], "not removed");
    assert_eq!(mark_removed(&cluster, 3, 7).await, Ok(()));
    assert_eq!(forget(&cluster, 3).await, Ok(()));
    let found = record(&cluster).await;
    assert_eq!((found.members, found.removed), (vec![1, 2], vec![]));
    assert_eq!(reserve(&cluster, None).await, Ok(4));
    assert_eq!(joined(&cluster, Some(3)).await, 3);
    assert!(tables(&cluster, 3).await == tables_of(&wal::join(identity, 3)));
}

#[wasm_bindgen_test]
async fn what_tabs_note_at_once_is_all_noted() {
    let cluster = fresh("all-noted");
    create(&cluster, 9).await;
    let stops = join_all((1..=9).map(|id| mark_stopped(&cluster, id, true)));
    let removals = join_all((1..=4).map(|id| mark_removed(&cluster, id, 10 + id)));
    let ids = join_all((0..3).map(|_| reserve(&cluster, None)));
    let (stops, removals, ids) = join3(stops, removals, ids).await;
    assert!(stops.iter().chain(&removals).all(Result::is_ok));
    assert!(ids.iter().all(Result::is_ok));
    let found = record(&cluster).await;
    assert_eq!(found.stopped, [5, 6, 7, 8, 9]);
    assert_eq!(found.removed, [1, 2, 3, 4]);
    assert_eq!(found.joining, [10, 11, 12]);
    assert_eq!(mark_stopped(&cluster, 7, false).await, Ok(()));
    assert_eq!(mark_stopped(&cluster, 1, true).await, Ok(()));
    assert_eq!(record(&cluster).await.stopped, [5, 6, 8, 9]);
}

#[wasm_bindgen_test]
async fn a_record_of_the_first_version_is_gone_on_from() {
    let cluster = fresh("version-1");
    let complete = half_made().replace("\"complete\": false", "\"complete\": true");
    leave(&cluster, &complete).await;
    let found = ClusterRecord {
        identity: IDENTITY,
        members: vec![1, 2, 3],
        next_id: 4,
        complete: true,
        ..ClusterRecord::default()
    };
    assert_eq!(record(&cluster).await, found);
    assert_eq!(create(&cluster, 5).await, found);
    assert_eq!(mark_removed(&cluster, 2, 8).await, Ok(()));
    assert_eq!(reserve(&cluster, None).await, Ok(4));
    let changed = ClusterRecord {
        members: vec![1, 3],
        joining: vec![4],
        removed: vec![2],
        removals: [(2, 8)].into(),
        next_id: 5,
        ..found
    };
    assert_eq!(record(&cluster).await, changed);
}

#[wasm_bindgen_test]
async fn nothing_is_noted_of_a_cluster_that_is_not_there() {
    let absent = fresh("no-record");
    let half = fresh("half-made");
    leave(&half, &half_made()).await;
    for cluster in [&absent, &half] {
        let none = Err(RegistryError::NoSuchCluster);
        assert_eq!(reserve(cluster, None).await, none.clone().map(|()| 0));
        assert_eq!(reserve(cluster, Some(1)).await, none.clone().map(|()| 0));
        assert_eq!(prepare_joiner(cluster, IDENTITY, 1).await, none);
        assert_eq!(mark_removed(cluster, 1, 5).await, none);
        assert_eq!(mark_stopped(cluster, 1, true).await, none);
        assert_eq!(forget(cluster, 1).await, none);
        assert!(!exists(cluster, 1).await);
    }
    let name = registry::database_name(&absent);
    assert_eq!(idb::exists(&name).await, Ok(false));
    assert!(!record(&half).await.complete);
}
