//! What a dead leader had persisted and told nobody.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// Slow enough that no election timeout passes while a leader is cut off.
const TICK_MS: u64 = 200;
/// The least election timeout: 10 ticks.
const TIMEOUT_MS: f64 = 10.0 * TICK_MS as f64;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cut {
    codes: Vec<String>,
    /// Entries that the leader had in its log and that were not committed.
    ahead: u64,
    next: Option<u64>,
    took_ms: f64,
}

/// The leader has persisted e4 and e5, which no follower has, and dies: its successor salvages
/// them, at once, and they are committed.
pub async fn e4_e5_salvaged(case: &Case) -> Result<()> {
    let tab = cut_off_and_crash(case, "salvage=on").await?;
    tab.hears_of("salvaged 2 entries").await?;
    for key in ["e4", "e5"] {
        let value = tab.get(key).await?;
        ensure!(value.as_deref() == Some("1"), "{key} is {value:?}");
    }
    all_started(&tab, Some("1")).await
}

/// The same without salvage: they are lost, which is no broken promise, and the election is none
/// the slower.
pub async fn e4_e5_lost(case: &Case) -> Result<()> {
    let tab = cut_off_and_crash(case, "salvage=off").await?;
    for key in ["e4", "e5"] {
        let value = tab.get(key).await?;
        ensure!(value.is_none(), "{key} is {value:?}");
    }
    all_started(&tab, None).await
}

/// Leaves a cluster whose leader died with two entries that it alone had. They were not
/// acknowledged, and there is a new leader before an election timeout could have passed.
async fn cut_off_and_crash(case: &Case, query: &str) -> Result<Tab> {
    let query = format!("&nodes=3&host=auto&tick_ms={TICK_MS}&{query}");
    let tab = case.open("main", &query).await?;
    let leader = tab.healthy(3).await?;
    for key in ["e1", "e2", "e3"] {
        tab.put(key, "1").await?;
    }
    tab.agreement(3).await?;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    let body = r#"
        const { leader, others } = args;
        await tabraft.partition([[leader], others]);
        const write = (key) => tabraft.put(key, "1", { node: leader, timeoutMs: 300 })
            .then(() => "acknowledged", (error) => error.code);
        const codes = await Promise.all([write("e4"), write("e5")]);
        const find = async (wanted) => (await tabraft.status()).nodes.find(wanted);
        const node = await find((it) => it.id === leader);
        const began = performance.now();
        const took = () => performance.now() - began;
        await tabraft.crash(leader);
        const leads = (it) => it.id !== leader && it.state === "running" && it.role === "leader";
        let next;
        while (!next && took() < 20000) next = await find(leads);
        return { codes, ahead: node.lastIndex - node.commit, next: next?.id, tookMs: took() };
    "#;
    let args = json!({ "leader": leader, "others": others });
    let cut: Cut = tab.eval(body, args).await?;
    ensure!(cut.codes == ["TIMEOUT", "TIMEOUT"], "answered {cut:?}");
    ensure!(cut.ahead == 2, "it had not taken them: {cut:?}");
    ensure!(cut.next.is_some_and(|it| others.contains(&it)), "{cut:?}");
    ensure!(cut.took_ms < TIMEOUT_MS, "as slow as a timeout: {cut:?}");
    println!("  {}: a new leader after {:.0} ms", case.name, cut.took_ms);
    tab.call("heal", json!([])).await?;
    Ok(tab)
}

/// Starts who is down; then all three have the same under e4 and e5.
async fn all_started(tab: &Tab, expected: Option<&str>) -> Result<()> {
    tab.put("after", "1").await?;
    let status = tab.status().await?;
    for node in &status.nodes {
        if node.state == "stopped" {
            tab.call("start", json!([node.id])).await?;
        }
    }
    tab.healthy(3).await?;
    tab.agreement(3).await?;
    for id in 1..=3 {
        for key in ["e4", "e5"] {
            let value = tab.get_stale(key, id).await?;
            ensure!(
                value.as_deref() == expected,
                "node {id}: {key} is {value:?}"
            );
        }
        for key in ["e1", "e2", "e3", "after"] {
            let value = tab.get_stale(key, id).await?;
            ensure!(
                value.as_deref() == Some("1"),
                "node {id}: {key} is {value:?}"
            );
        }
    }
    Ok(())
}

/// The leader is far ahead of its followers' commit index and dies: nothing acknowledged is lost,
/// and what a follower has applied never goes back.
pub async fn commit_lag(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    let leader = client.healthy(3).await?;
    let followers: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for to in &followers {
        let slow = json!([leader, to, { "delayMs": 200 }]);
        client.call("link", slow).await?;
    }
    let shape = Shape {
        in_flight: 64,
        timeout_ms: 60_000,
        ..Shape::default()
    };
    let load = Load::start(&client, "load", shape).await?;
    load.goes_on(&case.server, 200).await?;
    let watch = r#"
        const watch = { looks: 0, lag: 0, back: [], running: true, applied: {} };
        harness.watch = watch;
        const look = async () => {
            const { nodes } = await tabraft.status();
            const of = (id) => nodes.find((it) => it.id === id);
            const commits = args.followers.map((id) => of(id).commit);
            if (watch.running) watch.lag = of(args.leader).commit - Math.max(...commits);
            for (const id of args.followers) {
                const { applied } = of(id);
                if (applied < watch.applied[id]) watch.back.push([id, watch.applied[id], applied]);
                watch.applied[id] = applied;
            }
            watch.looks++;
        };
        watch.over = (async () => { while (watch.running) await look(); })();
    "#;
    let args = json!({ "leader": leader, "followers": followers });
    client.run(watch, args).await?;
    let crash = r#"
        while (harness.watch.lag < 30) await new Promise((done) => setTimeout(done, 5));
        const { lag } = harness.watch;
        await tabraft.crash(args);
        return lag;
    "#;
    let lag = client.begin(crash, json!(leader)).await?.outcome(SOON);
    let lag = lag.await?;
    client.leader_other_than(&[leader]).await?;
    load.goes_on(&case.server, 100).await?;
    client.call("heal", json!([])).await?;
    client.call("start", json!([leader])).await?;
    client.healthy(3).await?;
    load.goes_on(&case.server, 100).await?;
    load.stop_without_failures().await?;
    client.agreement(3).await?;

    let stop = "harness.watch.running = false; await harness.watch.over;\
                return [harness.watch.looks, harness.watch.back]";
    let (looks, back): (u64, Vec<Value>) = client.eval(stop, Value::Null).await?;
    ensure!(back.is_empty(), "applied went back: {back:?}");
    ensure!(looks > 20, "looked only {looks} times");
    println!("  {}: it died {lag} entries ahead", case.name);
    eventually("each to have as many keys", SOON, async || {
        let status = tab.status().await?;
        let keys: Vec<u64> = status.nodes.iter().map(|it| it.keys).collect();
        ensure!(keys.iter().all(|it| *it == keys[0]), "{keys:?}");
        Ok(())
    })
    .await?;
    load::verify(&case.server, &tab, "load").await?;
    Ok(())
}
