//! Creating a cluster, wholly or half.

use futures_util::future::{join, join3};
use tabraft::wal::{Record, bootstrap};
use tabraft::wire::Membership;
use tabraft_web::host::disk::{self, Durability};
use tabraft_web::host::idb;
use tabraft_web::host::registry::{self, RegistryError};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{IDENTITY, create, first_tables, fresh, half_made, leave, tables};

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
        &half_made().replace("\"version\": 1", "\"version\": 3"),
    )
    .await;
    let error = registry::open_or_create(&cluster, 3).await;
    assert!(
        matches!(error, Err(RegistryError::Unreadable(_))),
        "{error:?}"
    );
    assert!(tables(&cluster, 1).await.is_empty());
}
