//! A cluster of two: one survivor is no majority, so it brings the dead back from the disk that
//! both share.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, all_along, eventually};

/// Two tabs with a replica each, and one without.
struct Pair {
    tabs: [Tab; 2],
    client: Tab,
}

impl Pair {
    async fn open(case: &Case) -> Result<Self> {
        let one = case.open_host("main", "&nodes=2", 1).await?;
        let two = case.open_host("main", "&nodes=2", 2).await?;
        let client = case.open("main", "&nodes=2&host=none").await?;
        client.healthy(2).await?;
        Ok(Self {
            tabs: [one, two],
            client,
        })
    }

    /// The tab that was opened for a replica.
    fn of(&self, id: u64) -> &Tab {
        &self.tabs[id as usize - 1]
    }
}

/// For writes that wait while nobody can answer them.
const PATIENT: Shape = Shape {
    in_flight: 8,
    ring: 0,
    writes: 0,
    value_bytes: 64,
    pause_ms: 0,
    timeout_ms: 60_000,
};

/// `kill -9` of the process behind one of two: the survivor's tab revives its replica, writes go
/// on, and when its own tab is opened again that takes it over. Leader and follower in turn.
pub async fn two_one_dies(case: &Case) -> Result<()> {
    let mut pair = Pair::open(case).await?;
    let load = Load::start(&pair.client, "load", PATIENT).await?;
    for leads in [true, false] {
        load.goes_on(&case.server, 50).await?;
        let status = pair.client.status().await?;
        let dies = match leads {
            true => status.leader,
            false => status.followers()[0],
        };
        let (survivor, epoch) = (3 - dies, status.node(dies)?.epoch);
        let victim = pair.of(dies).clone();
        let own = case.browser.renderer_of(&victim.window).await?;
        for other in [pair.of(survivor), &pair.client] {
            let other = case.browser.renderer_of(&other.window).await?;
            ensure!(own != other, "its process has another tab, too");
        }
        victim.kill_renderer().await?;

        let revived = eventually("it to run in the survivor's tab", SOON, async || {
            let status = pair.of(survivor).status().await?;
            let node = status.node(dies)?.clone();
            ensure!(
                node.here && node.state == "running",
                "{}",
                status.in_short()
            );
            Ok(node)
        })
        .await?;
        ensure!(revived.epoch > epoch, "not opened anew");
        load.goes_on(&case.server, 100).await?;

        victim.close().await?;
        let again = case.open_host("main", "&nodes=2", dies).await?;
        eventually("its own tab to have it", SOON, async || {
            ensure!(again.hosts(dies).await?, "not here yet");
            ensure!(!pair.of(survivor).hosts(dies).await?, "still there");
            Ok(())
        })
        .await?;
        pair.tabs[dies as usize - 1] = again;
        pair.client.healthy(2).await?;
    }
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    pair.client.agreement(2).await?;
    load::verify(&case.server, &pair.client, "load").await?;
    Ok(())
}

/// Both die. A new tab brings both back from what they left, and nothing acknowledged is missing.
pub async fn two_both_die(case: &Case) -> Result<()> {
    let pair = Pair::open(case).await?;
    let load = Load::start(&pair.client, "load", PATIENT).await?;
    load.goes_on(&case.server, 200).await?;
    let before = pair.client.status().await?;
    let mut pids = vec![];
    for tab in &pair.tabs {
        pids.push(case.browser.renderer_of(&tab.window).await?);
    }
    tabraft_browser_tests::processes::kill(&pids).await?;
    pair.client
        .sees("nobody to run", |it| Ok(it.running().count() == 0))
        .await?;
    for tab in &pair.tabs {
        tab.close().await?;
    }

    let tab = case.open("main", "&nodes=2&host=auto").await?;
    tab.healthy(2).await?;
    let status = tab.status().await?;
    for node in &status.nodes {
        let epoch = before.node(node.id)?.epoch;
        ensure!(node.here && node.epoch > epoch, "{}", status.in_short());
    }
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    tab.agreement(2).await?;
    load::verify(&case.server, &tab, "load").await?;
    Ok(())
}

/// A replica without history joins in another tab: from the newest snapshot in the shared store,
/// which does not travel through its inbox, then the tail, then it votes.
pub async fn newcomer_without_storage(case: &Case) -> Result<()> {
    let query = "&nodes=2&snapshot_entries=100&catchup_entries=10";
    let tab = case.open("main", &format!("{query}&host=auto")).await?;
    let other = case.open("main", &format!("{query}&host=none")).await?;
    tab.healthy(2).await?;
    let shape = Shape {
        in_flight: 32,
        writes: 1_000,
        ..Shape::default()
    };
    let load = Load::start(&tab, "before", shape).await?;
    load.reaches(1_000).await?;
    load.stop_without_failures().await?;
    let first = tab.status().await?;
    let first = first.node(first.leader)?.first_index;
    ensure!(first > 500, "the log still begins at {first}");

    let load = Load::start(&tab, "during", Shape::default()).await?;
    load.goes_on(&case.server, 20).await?;
    // What its inbox will be called is known before it exists.
    let listen = r#"
        const { cluster } = await tabraft.status();
        harness.largest = 0;
        harness.inbox = new BroadcastChannel(`tabraft:${cluster}:node:3`);
        harness.inbox.onmessage = ({ data }) => {
            harness.largest = Math.max(harness.largest, data.byteLength ?? 0);
        };
    "#;
    other.run(listen, Value::Null).await?;
    let new = other.add_node(None, false).await?;
    other
        .hears_of(&format!("Node {new} installed the leader's snapshot"))
        .await?;
    let status = other
        .sees("a third voter", |it| Ok(it.voters()?.len() == 3))
        .await?;
    ensure!(status.node(new)?.here, "it is not where it was added");
    let heard = "harness.inbox.close(); return harness.largest";
    let largest: u64 = other.eval(heard, Value::Null).await?;
    // A thousand values of 64 bytes.
    ensure!(0 < largest && largest < 64_000, "{largest} bytes at once");
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    tab.agreement(3).await?;
    ensure!(other.get_stale("before/0/0", new).await?.is_some());
    load::verify(&case.server, &other, "before").await?;
    load::verify(&case.server, &other, "during").await?;
    Ok(())
}

/// A tab dies with two of three: the tab that is left brings both back, one by the worker that stands by
/// and the other by one that it starts. Nothing acknowledged is lost.
pub async fn two_of_three_die(case: &Case) -> Result<()> {
    const QUERY: &str = "&nodes=3&revive=all";
    let both = case.open("main", &format!("{QUERY}&host=1,2")).await?;
    let left = case.open("main", &format!("{QUERY}&host=3")).await?;
    let client = case.open("main", &format!("{QUERY}&host=none")).await?;
    client.healthy(3).await?;
    let load = Load::start(&client, "load", PATIENT).await?;
    load.goes_on(&case.server, 50).await?;
    let before = client.status().await?;
    both.kill_renderer().await?;
    for dead in [1, 2] {
        let epoch = before.node(dead)?.epoch;
        client
            .sees("it to be revived", |status| {
                let node = status.node(dead)?;
                Ok(node.state == "running" && node.epoch > epoch)
            })
            .await?;
        ensure!(
            left.hosts(dead).await?,
            "node {dead} is not where it is to be"
        );
    }
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    client.agreement(3).await?;
    load::verify(&case.server, &client, "load").await?;
    Ok(())
}

/// A replica that was stopped on purpose stays stopped; one that crashed is revived.
pub async fn stopped_is_not_revived(case: &Case) -> Result<()> {
    let pair = Pair::open(case).await?;
    let client = &pair.client;
    client.put("before", "1").await?;
    let follower = client.status().await?.followers()[0];
    client.call("stop", json!([follower])).await?;
    all_along("it stays stopped", Duration::from_secs(3), async || {
        let status = client.status().await?;
        let node = status.node(follower)?;
        ensure!(node.state == "stopped", "{}", status.in_short());
        Ok(())
    })
    .await?;
    // Nor does a tab revive it that was not there when it was stopped.
    let late = case.open("main", "&nodes=2&host=none").await?;
    all_along("it stays stopped", Duration::from_secs(2), async || {
        ensure!(late.status().await?.node(follower)?.state == "stopped");
        Ok(())
    })
    .await?;
    let starts = pair.of(follower);
    starts.call("start", json!([follower])).await?;
    client.healthy(2).await?;

    for crashes in [follower, client.status().await?.leader] {
        let epoch = client.status().await?.node(crashes)?.epoch;
        client.call("crash", json!([crashes])).await?;
        client
            .sees("it to be revived", |status| {
                let node = status.node(crashes)?;
                Ok(node.state == "running" && node.epoch > epoch)
            })
            .await?;
        client.healthy(2).await?;
    }
    client.put("after", "1").await?;
    client.agreement(2).await?;
    let value = client.get("before").await?.context("lost")?;
    ensure!(value == "1");
    Ok(())
}
