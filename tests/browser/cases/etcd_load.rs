//! The load generator on an etcd, by the page and by the console, and what the judge says of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::etcd::Trio;
use tabraft_browser_tests::tab::{Tab, code_of};
use tabraft_browser_tests::wait::{SOON, eventually};

use super::etcd::{leave, open};

/// What the load has had acknowledged.
async fn acknowledged(tab: &Tab) -> Result<u64> {
    let look = "return (await tabraft.loadFigures())?.acknowledged ?? 0";
    tab.eval(look, Value::Null).await
}

/// Started with the page's form, it goes on while a member is dead, and ends when it is stopped; by
/// the console it has the kinds that were asked for. The page measures etcd, too.
pub async fn etcd_load(case: &Case) -> Result<()> {
    let mut trio = Trio::start(&["--cors=*"]).await?;
    let leader = trio.healthy().await?;
    let tab = open(case, &trio.urls()).await?;
    tab.choose("load-rate", "50").await?;
    tab.press("load-start").await?;
    let reaches = async |least: u64| {
        eventually("the load to go on", SOON, async || {
            let done = acknowledged(&tab).await?;
            ensure!(done >= least, "{done} of {least}");
            Ok(done)
        })
        .await
    };
    reaches(100).await?;
    tab.shows("load-reached", "the rate", |it| {
        it.parse().is_ok_and(|rate: u64| (20..=60).contains(&rate))
    })
    .await?;
    ensure!(code_of(tab.call("load", json!([{}])).await)? == "BUSY");
    trio.kill(leader).await?;
    let before = acknowledged(&tab).await?;
    reaches(before + 100).await?;
    trio.run(leader)?;
    trio.healthy().await?;
    tab.press("load-stop").await?;
    tab.shows("load-told", "what it came to", |it| {
        it.contains("operations acknowledged in") && it.contains("of 50 wanted, median")
    })
    .await?;

    let mix = json!({ "put": 40, "get": 30, "stale": 10, "cas": 15, "delete": 5 });
    let wish = json!([{ "inFlight": 32, "mix": mix, "keys": 20, "valueBytes": 100, "seconds": 2 }]);
    let load = tab.begin("return tabraft.load(...args)", wish).await?;
    let told = load.outcome(Duration::from_secs(20)).await?;
    let sound = told["acknowledged"].as_u64() > Some(50)
        && told["errors"] == json!({})
        && told["inFlight"] == 0;
    ensure!(sound, "{told}");
    let kinds = "const kinds = {};\
                 for (const { op, key } of (await tabraft.history()).operations)\
                     if (key.startsWith('load/')) kinds[op] = (kinds[op] ?? 0) + 1;\
                 return kinds";
    let kinds: Value = tab.eval(kinds, Value::Null).await?;
    for kind in ["put", "get", "cas", "delete"] {
        ensure!(kinds[kind].as_u64() > Some(0), "{kind}: {kinds}");
    }
    // etcd has them, and no others.
    let keys = trio.ctl(&["get", "", "--prefix", "--keys-only"]).await?;
    let mut keys = keys.split_whitespace().peekable();
    keys.peek().context("nothing was written")?;
    ensure!(keys.all(|key| key.starts_with("load/")), "keys of others");

    let verdict = tab
        .begin("return tabraft.check()", Value::Null)
        .await?
        .outcome(Duration::from_secs(20))
        .await?;
    ensure!(
        verdict["linearizable"] == true && verdict["leftOut"] == 0,
        "{verdict}"
    );
    ensure!(verdict["ops"].as_u64() > Some(200), "{verdict}");

    tab.choose("speed-in-flight", "1").await?;
    tab.press("measure").await?;
    let said = tab.shows("speed-told", "the figures", |it| {
        it.contains("writes a second, 1 at once.")
    });
    said.await?;
    let rows = tab.text("speed-bars").await?;
    ensure!(rows.contains("etcd from this page, writes"), "{rows}");
    ensure!(trio.ctl(&["get", "bench/0"]).await?.contains("bench/0"));
    leave(case, &[&tab]).await?;
    trio.end().await
}
