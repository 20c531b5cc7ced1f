//! Moving house: pairs from tabs to etcd and back, whatever interrupts it.
//!
//! `MOVED=100000` moves that many in place of what fits into a suite's time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::etcd::Trio;
use tabraft_browser_tests::runner::number_from;
use tabraft_browser_tests::tab::{Tab, error_of};
use tabraft_browser_tests::wait::{SOON, eventually};

const PAIRS: u64 = 20_000;
const LONG: Duration = Duration::from_secs(600);

/// Puts so many pairs under `house/`, some of them bytes that are no text.
async fn furnish(tab: &Tab, pairs: u64) -> Result<()> {
    let work = r#"
        let n = 0;
        const lane = async () => {
            while (n < args) {
                const mine = n++;
                const value = mine % 100 ? `${mine}:`.padEnd(100, "x") : new window.Uint8Array([255, mine % 256, 0]);
                await tabraft.put(`house/${mine}`, value, { timeoutMs: 60000 });
            }
        };
        await Promise.all(Array.from({ length: 256 }, lane));
    "#;
    tab.begin(work, json!(pairs)).await?.outcome(LONG).await?;
    Ok(())
}

async fn moved(tab: &Tab, call: &str, options: Value) -> Result<Value> {
    let body = format!("return tabraft.{call}(args)");
    tab.begin(&body, options).await?.outcome(LONG).await
}

/// There and back into a new cluster: count and digest stay the same, and `etcdctl` counts as many.
pub async fn etcd_there_and_back(case: &Case) -> Result<()> {
    let pairs = number_from("MOVED", PAIRS)?;
    let trio = Trio::start(&["--cors=*"]).await?;
    trio.healthy().await?;
    let tab = case.open("here", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    furnish(&tab, pairs).await?;
    tab.put("elsewhere", "stays").await?;
    let options = json!({ "endpoints": trio.urls(), "prefix": "house/" });
    let began = Instant::now();
    let there = moved(&tab, "exportTo", options.clone()).await?;
    let there_s = began.elapsed();
    ensure!(
        there["pairs"] == pairs && there["written"] == pairs,
        "{there}"
    );
    ensure!(trio.count().await? == pairs, "etcdctl counts otherwise");
    let value = trio.ctl(&["get", "house/100", "-w", "json"]).await?;
    ensure!(value.contains("\"value\":\"/2QA\""), "{value}");
    // Again: there is nothing left to do.
    let again = moved(&tab, "exportTo", options.clone()).await?;
    ensure!(
        again["written"] == 0 && again["digest"] == there["digest"],
        "{again}"
    );

    let other = case.open("there", "&nodes=3&host=auto").await?;
    other.healthy(3).await?;
    let began = Instant::now();
    let back = moved(&other, "importFrom", options).await?;
    let back_s = began.elapsed();
    ensure!(
        back["digest"] == there["digest"] && back["written"] == pairs,
        "{back} {there}"
    );
    let look = "const got = await tabraft.get('house/100'); return [...got]";
    ensure!(other.run(look, Value::Null).await? == json!([255, 100, 0]));
    ensure!(other.get("elsewhere").await?.is_none());
    let verdict = other
        .begin("return tabraft.check({ timeoutMs: 60000 })", Value::Null)
        .await?;
    let verdict = verdict.outcome(LONG).await?;
    ensure!(verdict["linearizable"] == true, "{verdict}");
    println!(
        "  {pairs} pairs there in {there_s:.1?}, back in {back_s:.1?}; digests {} and {}",
        there["digest"], back["digest"]
    );
    trio.end().await
}

/// The panel for machines: both under one load with a verdict each, and copying, by hand.
pub async fn etcd_beside_tabs(case: &Case) -> Result<()> {
    let trio = Trio::start(&["--cors=*"]).await?;
    trio.healthy().await?;
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let options = json!({ "endpoints": trio.urls(), "ops": 400, "inFlight": 8 });
    let told = moved(&tab, "beside", options).await?;
    for side in ["tabs", "etcd"] {
        let it = &told[side];
        // The operations, and the deletion of each key.
        ensure!(
            it["linearizable"] == true && it["judged"] == 464,
            "{side}: {told}"
        );
        ensure!(
            it["ops"] == 400 && it["opsPerSecond"].as_f64() > Some(1.0),
            "{told}"
        );
    }
    ensure!(trio.count().await? == 0, "keys are left");

    tab.put("by/hand", "yes").await?;
    tab.fill("endpoints", &trio.urls()).await?;
    tab.fill("moving-prefix", "by/").await?;
    tab.press("export-to").await?;
    tab.shows("moving-told", "what was copied", |it| {
        it.starts_with("1 pair") && it.contains("written")
    })
    .await?;
    let value = trio.ctl(&["get", "by/hand", "--print-value-only"]).await?;
    ensure!(value.trim() == "yes", "{value}");
    tab.press("beside").await?;
    eventually("both measured", LONG, async || {
        let told = tab.text("moving-told").await?;
        ensure!(told.contains("operations on each"), "{told}");
        Ok(())
    })
    .await?;
    let sides = tab.text("sides").await?;
    let both = sides.contains("tabs") && sides.contains("etcd");
    ensure!(
        both && sides.matches("Linearizable").count() == 2,
        "{sides}"
    );
    let link = "return document.querySelector('[data-testid=open-etcd]').href";
    let link: String = tab.eval(link, Value::Null).await?;
    let page = case.open_at(&link).await?;
    ensure!(page.get("by/hand").await?.as_deref() == Some("yes"));
    super::etcd::leave(case, &[&page]).await?;
    trio.end().await
}

/// The tab that exports is closed half way; another goes on from there. A member that dies meanwhile
/// stops nothing.
pub async fn etcd_export_killed(case: &Case) -> Result<()> {
    const SOME: u64 = 10_000;
    let mut trio = Trio::start(&["--cors=*"]).await?;
    let leader = trio.healthy().await?;
    let host = case.open("main", "&nodes=3&host=auto").await?;
    host.healthy(3).await?;
    furnish(&host, SOME).await?;
    let options = json!({ "endpoints": trio.urls(), "prefix": "house/" });
    let mover = case.open("main", "&nodes=3&host=none").await?;
    let start = "window.told = 0;\
                 tabraft.exportTo({ ...args, onProgress: (done) => {\
                     window.told = done;\
                     if (done >= 3000) location.replace('about:blank');\
                 } }).catch(() => {})";
    mover.run(start, options.clone()).await?;
    eventually("the tab to be gone half way", SOON, async || {
        let gone: bool = mover.eval("return !window.tabraft", Value::Null).await?;
        ensure!(gone, "it still moves");
        Ok(())
    })
    .await?;
    let half = trio.count().await?;
    ensure!(half > 0 && half < SOME, "{half} pairs are there");

    let again =
        "return tabraft.exportTo({ ...args, onProgress: (done) => { window.told = done } })";
    let going = host.begin(again, options.clone()).await?;
    eventually("some more to be there", SOON, async || {
        let told: u64 = host.eval("return window.told ?? 0", Value::Null).await?;
        ensure!(told > half || going.is_over().await?, "{told}");
        Ok(())
    })
    .await?;
    trio.kill(leader).await?;
    let done = going.outcome(LONG).await?;
    let written = done["written"].as_u64().context("no count")?;
    ensure!(done["pairs"] == SOME, "{done}");
    // What was under way when the tab went may have been taken after it was counted.
    ensure!(
        written > 0 && written <= SOME - half,
        "{half} were there: {done}"
    );
    trio.run(leader)?;
    trio.healthy().await?;
    ensure!(trio.count().await? == SOME);
    let back = moved(&host, "importFrom", options).await?;
    ensure!(
        back["written"] == 0 && back["digest"] == done["digest"],
        "{back}"
    );
    case.forget_errors().await?;
    trio.end().await
}

/// What cannot be moved is named before anything is written, on either side.
pub async fn etcd_nothing_half_done(case: &Case) -> Result<()> {
    let trio = Trio::of(1, &["--cors=*"]).await?;
    trio.healthy().await?;
    let tab = case.open("main", "&nodes=1&host=auto").await?;
    for n in 0..300 {
        tab.put(&format!("p/{n:03}"), "ours").await?;
    }
    let options = json!({ "endpoints": trio.urls(), "prefix": "p/" });
    let refused = async |call: &str, options: &Value, code: &str, words: &str| -> Result<()> {
        let error = error_of(moved(&tab, call, options.clone()).await)?;
        ensure!(
            error.code == code && error.message.contains(words),
            "{error}"
        );
        Ok(())
    };
    // Another value, and a key that only the destination has.
    trio.ctl(&["put", "p/150", "theirs"]).await?;
    refused("exportTo", &options, "CONFLICT", "\"p/150\"").await?;
    ensure!(trio.count().await? == 1);
    trio.ctl(&["put", "p/150x", "theirs"]).await?;
    let mut over = options.clone();
    over["overwrite"] = json!(true);
    refused("exportTo", &over, "CONFLICT", "\"p/150x\"").await?;
    ensure!(trio.count().await? == 2);
    trio.ctl(&["del", "p/150x"]).await?;
    let done = moved(&tab, "exportTo", over).await?;
    ensure!(done["pairs"] == 300 && done["written"] == 300, "{done}");
    let told = trio.ctl(&["get", "p/150", "--print-value-only"]).await?;
    ensure!(told.trim() == "ours", "{told}");

    // Keys and values that tabs do not keep, behind some that they would.
    let long = format!("p/z{}", "k".repeat(1_100));
    trio.ctl(&["put", "p/new", "1"]).await?;
    trio.ctl(&["put", &long, "1"]).await?;
    refused(
        "importFrom",
        &options,
        "KEY_TOO_LARGE",
        "Nothing was written",
    )
    .await?;
    trio.ctl(&["del", &long]).await?;
    trio.put_bytes(b"p/z\xff", b"1").await?;
    refused(
        "importFrom",
        &options,
        "KEY_NOT_TEXT",
        "Nothing was written",
    )
    .await?;
    trio.ctl(&["del", "p/z", "--prefix"]).await?;
    trio.put_bytes(b"p/z", &vec![b'x'; (1 << 20) + 1]).await?;
    refused(
        "importFrom",
        &options,
        "VALUE_TOO_LARGE",
        "Nothing was written",
    )
    .await?;
    ensure!(tab.get("p/new").await?.is_none(), "it was half done");
    trio.ctl(&["del", "p/z"]).await?;
    let done = moved(&tab, "importFrom", options).await?;
    ensure!(done["pairs"] == 301 && done["written"] == 1, "{done}");
    let bad = json!({ "endpoints": "127.0.0.1:2379" });
    refused("exportTo", &bad, "BAD_ARGUMENT", "endpoints must be").await?;
    let misspelt = json!({ "endpoints": trio.urls(), "prefx": "p/" });
    refused("exportTo", &misspelt, "BAD_ARGUMENT", "prefx").await?;
    trio.end().await
}

/// Pairs that are more at once than an answer may have: they are read in smaller parts, and who asks
/// for too many of them is told so.
pub async fn etcd_large_values(case: &Case) -> Result<()> {
    const SMALL: u64 = 60;
    const LARGE: u64 = 28;
    let trio = Trio::of(1, &["--cors=*", "--max-request-bytes=2000000"]).await?;
    trio.healthy().await?;
    for n in 0..SMALL {
        trio.put_bytes(format!("p/a{n:02}").as_bytes(), b"small")
            .await?;
    }
    for n in 0..LARGE {
        let value = vec![b'a' + n as u8 % 26; 1 << 20];
        trio.put_bytes(format!("p/b{n:02}").as_bytes(), &value)
            .await?;
    }
    let page = super::etcd::open(case, &trio.urls()).await?;
    // Not the pairs themselves, should it be answered.
    let all = "return (await tabraft.scan('p/', { limit: 1000 })).length";
    let error = error_of(page.run(all, Value::Null).await)?;
    ensure!(error.code == "ANSWER_TOO_LARGE", "{error}");
    let some = "return (await tabraft.scan('p/b', { limit: 3 })).map(([, it]) => it.length)";
    let some = page.run(some, Value::Null).await?;
    ensure!(some == json!([1 << 20, 1 << 20, 1 << 20]), "{some}");
    super::etcd::leave(case, &[&page]).await?;
    let tab = case.open("main", "&nodes=1&host=auto").await?;
    let options = json!({ "endpoints": trio.urls(), "prefix": "p/" });
    let done = moved(&tab, "importFrom", options.clone()).await?;
    ensure!(done["written"] == SMALL + LARGE, "{done}");
    let again = moved(&tab, "exportTo", options).await?;
    ensure!(
        again["written"] == 0 && again["digest"] == done["digest"],
        "{again}"
    );
    trio.end().await
}
