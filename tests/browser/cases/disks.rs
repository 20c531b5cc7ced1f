//! Disks that are full, slow or fail now and then; and the steps of a write.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// A replica tries aborted writes again; one with a slow disk does not slow the others; one with a
/// full disk says so and ends, follower or leader, and can be started when there is room again.
pub async fn disk_faults(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    client.healthy(3).await?;
    let load = Load::start(&client, "load", Shape::default()).await?;
    load.goes_on(&case.server, 50).await?;
    let follower = client.status().await?.followers()[0];
    let epoch = client.status().await?.node(follower)?.epoch;

    client
        .call("disk", json!([follower, { "failNext": 2 }]))
        .await?;
    let applied = client.status().await?.node(follower)?.applied;
    client
        .sees("it to go on", |status| {
            let node = status.node(follower)?;
            ensure!(node.state == "running" && node.epoch == epoch);
            Ok(node.applied > applied + 20)
        })
        .await?;

    client
        .call("disk", json!([follower, { "delayMs": 400 }]))
        .await?;
    load.goes_on(&case.server, 10).await?;
    load.forget_gap().await?;
    load.goes_on(&case.server, 100).await?;
    let gap = load.tally().await?.gap_ms;
    ensure!(gap < 400.0, "writes waited {gap} ms for the slow disk");
    client.call("disk", json!([follower, {}])).await?;

    full(&tab, &client, follower).await?;
    load.goes_on(&case.server, 50).await?;
    client.call("start", json!([follower])).await?;
    let leader = client.healthy(3).await?;
    full(&tab, &client, leader).await?;
    client.leader_other_than(&[leader]).await?;
    load.goes_on(&case.server, 50).await?;
    client.call("start", json!([leader])).await?;
    client.healthy(3).await?;
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    client.agreement(3).await?;
    load::verify(&case.server, &client, "load").await?;
    Ok(())
}

/// Fills a replica's disk and waits until it has failed and the page says why.
async fn full(tab: &Tab, client: &Tab, id: u64) -> Result<()> {
    client.call("disk", json!([id, { "full": true }])).await?;
    let status = client
        .sees(
            "it to fail",
            |status| Ok(status.node(id)?.state == "failed"),
        )
        .await?;
    let problem = status.node(id)?.problem.clone();
    ensure!(problem.contains("no room left"), "it says {problem:?}");
    tab.shows(&format!("node-{id}/problem"), &problem, |it| {
        it.contains(&problem)
    })
    .await?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    node: u64,
    step: String,
    at_ms: f64,
}

/// The steps of a chosen write are known on each replica, in their order.
pub async fn steps_of_a_write(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=1,2").await?;
    case.open("main", "&nodes=3&host=3").await?;
    let leader = tab.healthy(3).await?;
    tab.put("before", "1").await?;
    let written = tab.put("chosen", "1").await?;
    let index = written["index"].as_u64().context("no index")?;
    tab.put("after", "1").await?;
    tab.agreement(3).await?;

    let of_leader = [
        ("proposed", "sent"),
        ("proposed", "persisted"),
        ("sent", "committed"),
        ("committed", "applied"),
        ("applied", "replied"),
    ];
    let of_follower = [("received", "persisted"), ("received", "applied")];
    let steps = eventually("all steps", SOON, async || {
        let look = "return tabraft.events({ index: args })";
        let steps: Vec<Step> = tab.eval(look, json!(index)).await?;
        let mut by_node = BTreeMap::<u64, BTreeMap<String, f64>>::new();
        for it in steps {
            let known = by_node.entry(it.node).or_default();
            ensure!(known.insert(it.step.clone(), it.at_ms).is_none(), "twice");
        }
        ensure!(by_node.len() == 3, "{by_node:?}");
        for (id, at) in &by_node {
            let due: &[(&str, &str)] = match *id == leader {
                true => &of_leader,
                false => &of_follower,
            };
            for (before, after) in due {
                let (Some(one), Some(other)) = (at.get(*before), at.get(*after)) else {
                    anyhow::bail!("node {id} lacks {before} or {after}: {at:?}");
                };
                ensure!(one <= other, "node {id}: {before} after {after}: {at:?}");
            }
        }
        Ok(by_node)
    })
    .await?;
    // Clocks of one machine: no follower has it before it was sent, and a majority kept it first.
    let sent = steps[&leader]["proposed"];
    let committed = steps[&leader]["committed"];
    let kept = |at: &BTreeMap<String, f64>| at["persisted"] <= committed + 1.0;
    let majority = steps.values().filter(|at| kept(at)).count();
    ensure!(majority >= 2, "committed before it was kept: {steps:?}");
    for (id, at) in &steps {
        let first = at.values().copied().fold(f64::INFINITY, f64::min);
        ensure!(first >= sent - 1.0, "node {id} had it before: {steps:?}");
    }
    Ok(())
}
