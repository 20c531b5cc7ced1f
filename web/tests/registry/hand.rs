//! Records as another tab or another build left them, and what is on the disks.

use indexed_db_futures::database::Database;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::TransactionMode;
use tabraft::wal::{Tables, WriteBatch, bootstrap};
use tabraft::wire::Membership;
use tabraft_web::host::disk::{self, Durability};
use tabraft_web::host::idb;
use tabraft_web::host::registry::{self, ClusterRecord};

pub const IDENTITY: u64 = 0xfedc_ba98_7654_3210;

pub fn fresh(test: &str) -> String {
    let mut number = [0; 8];
    getrandom::getrandom(&mut number).expect("random numbers");
    format!("{test}-{:016x}", u64::from_le_bytes(number))
}

pub async fn create(cluster: &str, nodes: u64) -> ClusterRecord {
    registry::open_or_create(cluster, nodes)
        .await
        .expect("the cluster is there")
}

pub async fn tables(cluster: &str, node: u64) -> Tables {
    disk::read_tables(cluster, node).await.expect("the tables")
}

pub fn first_tables(identity: u64, node: u64, members: &[u64]) -> Tables {
    let mut tables = Tables::default();
    tables.write(&bootstrap(identity, node, Membership::of_voters(members)));
    tables
}

/// Writes a cluster's record as an earlier tab may have left it.
pub async fn leave(cluster: &str, record: &str) {
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

pub fn half_made() -> String {
    format!(
        r#"{{"version": 1, "identity": "{IDENTITY:016x}", "members": [1, 2, 3], "complete": false}}"#
    )
}

pub async fn record(cluster: &str) -> ClusterRecord {
    let found = registry::find(cluster).await.expect("it is readable");
    found.expect("there is a record")
}

/// Writes to a replica's disk as a host does.
pub async fn write(cluster: &str, node: u64, batch: &WriteBatch) {
    let opened = disk::open(cluster, node, Durability::Strict).await;
    let disk = opened.expect("the disk opens").disk;
    disk.write(batch).await.expect("a batch");
}

pub fn tables_of(batch: &WriteBatch) -> Tables {
    let mut tables = Tables::default();
    tables.write(batch);
    tables
}

pub async fn exists(cluster: &str, node: u64) -> bool {
    let name = disk::database_name(cluster, node);
    idb::exists(&name).await.expect("the databases are listed")
}
