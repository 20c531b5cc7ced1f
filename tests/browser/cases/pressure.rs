//! More than a cluster can take at once: it waits, nothing is dropped, nothing grows, and heartbeats
//! go on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::ensure_kept;
use tabraft_browser_tests::load::{Load, Shape};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, all_along, eventually};

/// More calls than a page keeps requests.
const SMALL: u64 = 70_000;
/// More bytes than it keeps.
const LARGE: u64 = 80;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traffic {
    under_way: u64,
    waiting: u64,
    repeated: u64,
    sessions: u64,
}

async fn traffic(tab: &Tab) -> Result<Traffic> {
    tab.eval("return await tabraft.traffic()", Value::Null)
        .await
}

/// Calls without waiting for any: all are answered, each write is applied once, and no more is ever
/// under way than may be.
pub async fn many_at_once(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let before = tab.agreement(3).await?.applied;
    for (what, many, bytes) in [("small", SMALL, 16), ("large", LARGE, 1 << 20)] {
        let begin = "const value = 'x'.repeat(args.bytes);
            const options = { timeoutMs: 120_000 };
            const all = Array.from({ length: args.many }, (_, n) =>
              tabraft.put(`${args.what}/${n % 1000}`, value, options));
            harness.pressed = { over: false };
            Promise.allSettled(all).then((outcomes) => {
              const failed = outcomes.filter(({ status }) => status === 'rejected');
              harness.pressed = { over: true, failed: failed.map(({ reason }) => String(reason)) };
            });";
        let task = json!({ "what": what, "many": many, "bytes": bytes });
        tab.run(begin, task).await?;
        let mut waited = 0;
        eventually("all to be answered", SOON * 8, async || {
            let seen = traffic(&tab).await?;
            let most = [2_048, 8][usize::from(bytes > 16)];
            // What the page's own views ask for is no write.
            ensure_kept!(seen.under_way <= most + 4, "{what}: {seen:?}");
            waited = seen.waiting.max(waited);
            let look = "return harness.pressed";
            let pressed: Value = tab.eval(look, Value::Null).await?;
            ensure!(pressed["over"] == true, "{what}: not yet: {seen:?}");
            ensure!(pressed["failed"] == json!([]), "{what}: {pressed}");
            Ok(())
        })
        .await?;
        ensure!(waited > 0, "{what}: nothing ever waited");
    }
    let seen = eventually("nothing to be left", SOON, async || {
        // The page's own views ask for something now and then.
        let seen = traffic(&tab).await?;
        ensure!((seen.under_way, seen.waiting) == (0, 0), "{seen:?}");
        Ok(seen)
    })
    .await?;
    let status = tab.status().await?;
    let applied = tab.agreement(3).await?.applied - before;
    let entries = applied.checked_sub(SMALL + LARGE);
    let entries = entries.with_context(|| format!("{applied} entries are too few"))?;
    let beside = seen.repeated + seen.sessions + status.term;
    ensure!(entries <= beside, "{entries} entries more, {seen:?}");
    Ok(())
}

/// What waits for room when its time is up was not sent, and says so. It holds up nothing that need
/// not wait, and what was sent is answered when it can be.
pub async fn no_room_in_time(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let leader = tab.healthy(3).await?;
    tab.put("before", "1").await?;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for id in &others {
        tab.call("crash", json!([id])).await?;
    }
    // Seven of a mebibyte and a key fit into eight mebibytes.
    let begin = "harness.sent = []; harness.late = [];
        const value = 'x'.repeat(1 << 20);
        for (let n = 0; n < 9; n++) {
          const [of, timeoutMs] = n < 7 ? ['sent', 60_000] : ['late', 1_000];
          tabraft.put(`${of}/${n}`, value, { timeoutMs })
            .then(() => 'applied', ({ code }) => code).then((it) => harness[of].push(it));
        }
        return await tabraft.get('before', { consistency: 'stale', node: args });";
    let stale = tab.run(begin, json!(leader)).await?;
    ensure!(stale == "1", "a stale read: {stale}");
    settled(&tab, "late", &["BUSY"; 2]).await?;
    for id in &others {
        tab.call("start", json!([id])).await?;
    }
    tab.healthy(3).await?;
    settled(&tab, "sent", &["applied"; 7]).await?;
    for n in [7, 8] {
        let late = tab.get(&format!("late/{n}")).await?;
        ensure!(late.is_none(), "what was not sent took effect");
    }
    Ok(())
}

async fn settled(tab: &Tab, which: &str, wanted: &[&str]) -> Result<()> {
    eventually("answers", SOON, async || {
        let got: Value = tab.eval("return harness[args]", json!(which)).await?;
        ensure!(got == json!(wanted), "{which}: {got}");
        Ok(())
    })
    .await
}

/// Large values, and snapshots of them, leave room for heartbeats: nobody calls an election.
pub async fn large_values_and_heartbeats(case: &Case) -> Result<()> {
    let query = "&nodes=3&host=auto&snapshot_entries=1000&catchup_entries=100";
    let tab = case.open("main", query).await?;
    tab.healthy(3).await?;
    let follower = tab.status().await?.followers()[0];
    let shape = Shape {
        in_flight: 256,
        value_bytes: 64 << 10,
        ring: 256,
        ..Shape::default()
    };
    let load = Load::start(&tab, "large", shape).await?;
    load.reaches(200).await?;
    let term = tab.status().await?.term;
    tab.call("crash", json!([follower])).await?;
    load.reaches(3_000).await?;
    let installed = format!("Node {follower} installed the leader's snapshot");
    tab.call("start", json!([follower])).await?;
    tab.hears_of(&installed).await?;
    all_along(
        "nobody calls an election",
        Duration::from_secs(3),
        async || {
            let seen = tab.status().await?.term;
            ensure!(seen == term, "term {seen} after {term}");
            Ok(())
        },
    )
    .await?;
    load.stop_without_failures().await?;
    tab.agreement(3).await?;
    Ok(())
}
