//! Two hosts for one replica: never do both write.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::Tab;

/// A host whose lock is stolen ends and says so, and another takes the replica. A zombie, which
/// does not hear of it, cannot persist a byte once its database was opened by another.
pub async fn same_id_twice(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let other = case.open("main", "&nodes=3&host=none").await?;
    other.healthy(3).await?;
    let load = Load::start(&other, "load", Shape::default()).await?;
    load.goes_on(&case.server, 50).await?;

    let status = other.status().await?;
    let id = status.followers()[0];
    let epoch = status.node(id)?.epoch;
    let lock = format!("tabraft:{}:node:{id}", status.cluster);
    let steal = "return new Promise((done) => navigator.locks.request(args, { steal: true }, () => {\
                     done(); return new Promise((release) => { harness.release = release; }); }))";
    other.run(steal, json!(lock)).await?;
    failed(&tab, id, "lock").await?;
    let left = storage::replica(&other, id).await?;
    load.goes_on(&case.server, 50).await?;
    let later = storage::replica(&other, id).await?;
    ensure!(left == later, "it wrote on without its lock");
    other.run("harness.release()", Value::Null).await?;
    other.call("start", json!([id])).await?;
    other.healthy(3).await?;
    let now = other.status().await?;
    let node = now.node(id)?;
    ensure!(node.here && node.epoch > epoch, "{}", now.in_short());
    ensure!(node.problem.is_empty(), "it still says {:?}", node.problem);

    // The lock is where it was, but another has opened the database.
    for id in [now.followers()[0], now.leader] {
        let before = storage::claim(&other, id).await?;
        failed(&tab, id, "epoch").await?;
        load.goes_on(&case.server, 50).await?;
        let after = storage::replica(&other, id).await?;
        ensure!(before["wal"] == after["wal"], "the zombie wrote to its log");
        ensure!(before["snapshots"] == after["snapshots"], "or a snapshot");
        let (one, two) = (storage::epoch(&before)?, storage::epoch(&after)?);
        ensure!(two == one + 1, "epoch {two} after {one}");
        other.call("start", json!([id])).await?;
        other.healthy(3).await?;
        let epoch = other.status().await?.node(id)?.epoch;
        ensure!(epoch == two + 1, "epoch {epoch} after {two}");
    }
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    other.agreement(3).await?;
    load::verify(&case.server, &other, "load").await?;
    Ok(())
}

/// Waits until a replica has failed with a problem that says `words`.
async fn failed(tab: &Tab, id: u64, words: &str) -> Result<()> {
    tab.sees(words, |status| {
        let node = status.node(id)?;
        Ok(node.state == "failed" && node.problem.contains(words))
    })
    .await?;
    Ok(())
}
