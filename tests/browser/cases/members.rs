//! Members come and go, and who forgot its vote stays out.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::{Tab, code_of, error_of};

/// Under load: a learner joins, is promoted, a follower is removed and wiped, the leader is
/// removed, leadership is transferred. No write fails or is lost.
pub async fn members_change(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    client.healthy(3).await?;
    let load = Load::start(&client, "load", Shape::default()).await?;
    load.goes_on(&case.server, 50).await?;

    let new = client.add_node(None, true).await?;
    ensure!(new == 4, "the first new id is {new}");
    client
        .sees("a learner that keeps up", |status| {
            let node = status.node(new)?;
            let close = status.progress_of(new)?.matched + 100 >= status.progress_of(1)?.matched;
            let knows = status.node(status.leader)?.learners == [new];
            Ok(node.role == "learner" && node.here && node.member && close && knows)
        })
        .await?;
    load.goes_on(&case.server, 50).await?;
    client.call("promote", json!([new])).await?;
    has_voters(&client, &[1, 2, 3, 4]).await?;
    client.healthy(4).await?;

    let status = client.status().await?;
    let leaving = status.followers().into_iter().find(|id| *id != new);
    let leaving = leaving.context("no follower")?;
    remove(&client, leaving).await?;
    let words = "was removed from the cluster";
    tab.shows(&format!("node-{leaving}/problem"), words, |it| {
        it.contains(words)
    })
    .await?;
    let code = code_of(client.call("start", json!([leaving])).await)?;
    ensure!(code == "REMOVED", "starting a removed node: {code}");
    client.call("wipe", json!([leaving])).await?;
    for one in [&tab, &client] {
        one.sees("no trace of it", |it| Ok(it.node(leaving).is_err()))
            .await?;
    }
    load.goes_on(&case.server, 50).await?;

    let old = client.healthy(3).await?;
    remove(&client, old).await?;
    let (next, _) = client.leader_other_than(&[old]).await?;
    load.goes_on(&case.server, 50).await?;
    client.call("wipe", json!([old])).await?;

    let status = client
        .sees("two voters", |it| Ok(it.voters()?.len() == 2))
        .await?;
    let heir = status.followers().first().copied();
    let heir = heir.context("no follower")?;
    client.call("transferLeader", json!([heir])).await?;
    let leads = client.status().await?.leader;
    ensure!(leads == heir, "{leads} leads after {next}, not {heir}");
    load.goes_on(&case.server, 50).await?;

    load.stop_without_failures().await?;
    client.agreement(2).await?;
    load::verify(&case.server, &tab, "load").await?;
    Ok(())
}

/// Waits until the leader's voters are these.
async fn has_voters(tab: &Tab, wanted: &[u64]) -> Result<()> {
    let what = format!("the voters {wanted:?}");
    tab.sees(&what, |status| Ok(status.voters()? == wanted))
        .await?;
    Ok(())
}

/// Removes a node and waits until it says so.
async fn remove(tab: &Tab, id: u64) -> Result<()> {
    tab.call("removeNode", json!([id])).await?;
    tab.sees("a removed node", |status| {
        let node = status.node(id)?;
        let says = node.problem.contains("was removed from the cluster");
        let out = !status.voters()?.contains(&id);
        Ok(!node.member && says && out && node.state != "running")
    })
    .await?;
    Ok(())
}

/// Without a quorum no member can be added or removed, which is said at once and starts nothing.
pub async fn members_without_quorum(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let leader = tab.healthy(3).await?;
    tab.put("k", "v").await?;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for id in &others {
        tab.call("crash", json!([id])).await?;
    }
    let before = storage::databases(&tab).await?;
    let asked = Instant::now();
    for (call, args) in [("addNode", json!([])), ("removeNode", json!([others[0]]))] {
        let error = error_of(tab.call(call, args).await).context(call)?;
        ensure!(error.code == "NO_QUORUM", "{call}: {error}");
        let counts = error.message.contains('1') && error.message.contains('2');
        ensure!(counts, "it does not say how many of how many: {error}");
    }
    let took = asked.elapsed();
    ensure!(took < Duration::from_secs(2), "said after {took:?}");
    ensure!(storage::databases(&tab).await? == before, "it left a disk");
    ensure!(tab.status().await?.nodes.len() == 3, "it left a node");

    for id in others {
        tab.call("start", json!([id])).await?;
    }
    tab.healthy(3).await?;
    tab.add_node(None, false).await?;
    tab.healthy(4).await?;
    ensure!(tab.get("k").await?.as_deref() == Some("v"));
    tab.agreement(4).await?;
    Ok(())
}

/// The smallest and the largest cluster open healthy.
pub async fn sizes(case: &Case) -> Result<()> {
    for size in [1, 9] {
        let query = format!("&nodes={size}&host=auto");
        let tab = case.open(&format!("of-{size}"), &query).await?;
        tab.healthy(size).await?;
        tab.put("k", "v").await?;
        ensure!(tab.get("k").await?.as_deref() == Some("v"));
        let status = tab.status().await?;
        ensure!(status.quorum == size as u64 / 2 + 1, "{}", status.quorum);
        tab.agreement(size).await?;
    }
    Ok(())
}

/// A member that lost its disk is refused under its id, and does not come back as a new one.
pub async fn forgotten_never_votes(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("before", "1").await?;
    tab.agreement(3).await?;
    let lost = tab.status().await?.followers()[0];

    tab.call("crash", json!([lost])).await?;
    tab.call("wipe", json!([lost])).await?;
    for _ in 0..2 {
        let code = code_of(tab.call("start", json!([lost])).await)?;
        ensure!(code == "FORGOTTEN", "starting it: {code}");
    }
    let node = format!("node-{lost}/problem");
    tab.shows(&node, "what it forgot", |it| it.contains("forgotten"))
        .await?;
    tab.put("without it", "1").await?;
    let code = code_of(tab.add_node(Some(lost), false).await)?;
    // It is both: a member still, and an id that was used.
    ensure!(
        ["ID_USED", "ALREADY_MEMBER"].contains(&code.as_str()),
        "adding it: {code}"
    );
    let disk = storage::replica(&tab, lost).await?;
    ensure!(storage::count(&disk, "wal") == 0, "it wrote something");

    tab.call("removeNode", json!([lost])).await?;
    let left: Vec<u64> = (1..=3).filter(|id| *id != lost).collect();
    has_voters(&tab, &left).await?;
    let code = code_of(tab.call("start", json!([lost])).await)?;
    ensure!(code == "REMOVED", "starting it, removed: {code}");
    tab.agreement(2).await?;
    ensure!(tab.get("before").await?.as_deref() == Some("1"));
    Ok(())
}

/// The id of a removed member begins another life: with an empty disk, caught up, and as a voter.
/// That the log tells of its removal does not remove it again.
pub async fn removed_id_again(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("before", "1").await?;
    let status = tab.status().await?;
    let id = status.followers()[0];
    let epoch = status.node(id)?.epoch;
    remove(&tab, id).await?;
    tab.put("without it", "1").await?;
    let again = tab.add_node(Some(id), false).await?;
    ensure!(again == id, "asked for {id}, got {again}");
    has_voters(&tab, &[1, 2, 3]).await?;
    tab.healthy(3).await?;
    tab.put("after", "1").await?;
    tab.agreement(3).await?;
    let now = tab.status().await?.node(id)?.epoch;
    ensure!(now > epoch, "epoch {now} after {epoch}");
    for key in ["before", "without it", "after"] {
        let value = tab.get_stale(key, id).await?;
        ensure!(value.as_deref() == Some("1"), "{key} is {value:?} there");
    }
    // It votes like any other.
    tab.call("transferLeader", json!([id])).await?;
    tab.put("led by it", "1").await?;
    tab.agreement(3).await?;
    Ok(())
}

/// A record with a flipped bit stops a replica for good: it is named, the bytes are kept, and
/// another takes its place. A flipped bit in the newest snapshot does not: the older one and the
/// log stand in for it.
pub async fn damaged_replaced(case: &Case) -> Result<()> {
    let query = "&nodes=3&host=auto&snapshot_entries=50&catchup_entries=20";
    let tab = case.open("main", query).await?;
    tab.healthy(3).await?;
    let shape = Shape {
        writes: 200,
        ..Shape::default()
    };
    let load = Load::start(&tab, "load", shape).await?;
    load.reaches(200).await?;
    load.stop_without_failures().await?;
    tab.agreement(3).await?;

    let victim = tab.status().await?.followers()[0];
    let stored = storage::replica(&tab, victim).await?;
    ensure!(storage::count(&stored, "snapshots") == 2, "{stored:?}");
    tab.call("stop", json!([victim])).await?;
    let newest = json!([victim, { "what": "snapshot", "where": "last" }]);
    tab.call("corrupt", newest).await?;
    tab.call("start", json!([victim])).await?;
    tab.hears_of("was damaged; an older one and the log stand in for it")
        .await?;
    tab.put("after the snapshot", "1").await?;
    tab.agreement(3).await?;

    tab.call("stop", json!([victim])).await?;
    let last = json!([victim, { "what": "wal", "where": "last" }]);
    tab.call("corrupt", last).await?;
    let damaged = storage::replica(&tab, victim).await?;
    let mut said = vec![];
    for _ in 0..2 {
        let error = error_of(tab.call("start", json!([victim])).await)?;
        ensure!(error.code == "DAMAGED", "starting it: {error}");
        ensure!(
            error.message.contains("record"),
            "it names nothing: {error}"
        );
        said.push(error.message);
    }
    ensure!(said[0] == said[1], "{said:?}");
    let kept = storage::replica(&tab, victim).await?;
    ensure!(kept["wal"] == damaged["wal"], "its log was changed");
    ensure!(kept["snapshots"] == damaged["snapshots"], "and snapshots");
    tab.shows(&format!("node-{victim}/problem"), &said[0], |it| {
        it.contains(&said[0])
    })
    .await?;

    let new: u64 = tab
        .eval("return tabraft.replace(args)", json!(victim))
        .await?;
    ensure!(new == 4, "its successor is {new}");
    tab.sees("another voter in its place", |status| {
        let voters = status.voters()?;
        Ok(voters.contains(&new) && !voters.contains(&victim) && !status.node(victim)?.member)
    })
    .await?;
    tab.put("after all", "1").await?;
    tab.agreement(3).await?;
    load::verify(&case.server, &tab, "load").await?;
    Ok(())
}
