//! A person who has never seen the page; and what the page remembers at the next visit.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// Until the first write is acknowledged.
const FIRST_WRITE: Duration = Duration::from_secs(10);
/// For a crash of the leader and all running again.
const CRASH: Duration = Duration::from_secs(60);

/// With no text but the page's: the first write is one press away, the page offers to guide through a
/// crash, and the experiment that it offers comes to its end.
pub async fn first_visit(case: &Case) -> Result<()> {
    let began = Instant::now();
    let tab = case.open("main", "").await?;
    tab.press("put").await?;
    tab.shows("result", "a write", |it| it.contains("Written at index"))
        .await?;
    let first = began.elapsed();
    ensure!(first < FIRST_WRITE, "the first write took {first:?}");

    let began = Instant::now();
    let leader = tab.healthy(3).await?;
    tab.press(&format!("crash-{leader}")).await?;
    let (next, _) = tab.leader_other_than(&[leader]).await?;
    let offer = format!("Start node {leader}");
    tab.shows("help", &offer, |it| it == offer).await?;
    tab.press("put").await?;
    tab.press("help").await?;
    tab.healthy(3).await?;
    tab.agreement(3).await?;
    let crash = began.elapsed();
    ensure!(
        crash < CRASH,
        "a crash and what followed took {crash:?}, node {next} led"
    );

    // The button leads to the experiment, wherever that stands on the page.
    for screen in [Screen::new(1280, 800, false), Screen::new(390, 800, false)] {
        tab.on_screen(screen).await?;
        tab.press("guide-me").await?;
        eventually(
            "the experiment's first button to have the focus",
            SOON,
            async || {
                let look = "const it = document.activeElement.getBoundingClientRect();
                return [document.activeElement.dataset.testid,
                        it.top >= 0 && it.bottom <= innerHeight]";
                let seen: Value = tab.eval(look, Value::Null).await?;
                ensure!(seen == json!(["do-it", true]), "{seen}");
                Ok(())
            },
        )
        .await?;
    }
    tab.on_own_screen().await?;
    tab.press("do-it").await?;
    eventually("the outcome", Duration::from_secs(40), async || {
        let said = tab.text("experiment-told").await?;
        ensure!(said == "What was seen is what theory says.", "{said:?}");
        Ok(())
    })
    .await?;
    println!("  {}: first write {first:?}, crash {crash:?}", case.name);
    Ok(())
}

/// Settings that were changed are there at the next visit of the cluster, before a node is started;
/// those that are as the address says are not kept, and another cluster of the name has none.
pub async fn settings_kept(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&catchup_entries=77")
        .await?;
    tab.healthy(3).await?;
    tab.press("settings-open").await?;
    tab.fill("settings-snapshot-entries", "20").await?;
    tab.choose("settings-salvage", "off").await?;
    tab.press("settings-apply").await?;
    tab.shows("settings-told", "that it was done", |it| {
        it.contains("kept for this cluster")
    })
    .await?;
    ensure!(
        kept(&tab).await?.contains("\"snapshotEntries\":20"),
        "{}",
        kept(&tab).await?
    );
    tab.reload().await?;
    tab.healthy(3).await?;
    ensure!(
        in_force(&tab).await? == json!([20, 77, false]),
        "{}",
        in_force(&tab).await?
    );
    // The nodes go by them.
    for n in 0..60 {
        tab.put(&format!("k{n}"), "1").await?;
    }
    tab.sees("snapshots", |it| {
        Ok(it.nodes.iter().all(|it| it.snapshot_index > 20))
    })
    .await?;
    // A tab whose address says otherwise goes by that, in this alone; what is kept stays.
    let other = case.open("main", "&host=none&snapshot_entries=500").await?;
    ensure!(
        in_force(&other).await? == json!([500, 5_000, false]),
        "{}",
        in_force(&other).await?
    );
    let step_down = json!([{ "stepDownTicks": 321 }]);
    other.call("configure", step_down).await?;
    let both = ["\"snapshotEntries\":20", "\"stepDownTicks\":321"];
    let after = kept(&other).await?;
    ensure!(both.iter().all(|it| after.contains(it)), "{after}");
    // The others take what it changed, and nothing of its address.
    ensure!(
        in_force(&tab).await? == json!([20, 77, false]),
        "{}",
        in_force(&tab).await?
    );
    other.close().await?;

    // As the address says: nothing is left to keep.
    let back = json!([{ "snapshotEntries": 10_000, "salvage": true, "stepDownTicks": 200 }]);
    tab.call("configure", back).await?;
    ensure!(kept(&tab).await?.is_empty(), "{}", kept(&tab).await?);
    tab.call("configure", json!([{ "snapshotEntries": 30 }]))
        .await?;
    // Of another cluster of this name, or of no cluster: not taken, the latter said.
    let wrong = "const key = `tabraft:${args}:settings`;
        localStorage.setItem(key, localStorage.getItem(key).replace(/^[0-9a-f]{16}/, '0123456789abcdef'))";
    let name = tab.status().await?.cluster;
    tab.run(wrong, json!(name)).await?;
    tab.reload().await?;
    tab.healthy(3).await?;
    ensure!(
        in_force(&tab).await?[0] == json!(10_000),
        "{}",
        in_force(&tab).await?
    );
    tab.call("configure", json!([{ "snapshotEntries": 30 }]))
        .await?;
    let spoil = "const key = `tabraft:${args}:settings`;
        localStorage.setItem(key, localStorage.getItem(key).replace(':30', ':\"x'))";
    tab.run(spoil, json!(name)).await?;
    ensure!(kept(&tab).await?.contains(":\"x"), "{}", kept(&tab).await?);
    tab.reload().await?;
    eventually("the page to say so", SOON, async || {
        let look = "return document.body.innerText";
        let said: String = tab.eval(look, Value::Null).await?;
        ensure!(said.contains("Settings kept for this cluster cannot be read."));
        Ok(())
    })
    .await
}

async fn kept(tab: &Tab) -> Result<String> {
    let name = tab.status().await?.cluster;
    let look = "return localStorage.getItem(`tabraft:${args}:settings`) ?? ''";
    tab.eval(look, json!(name)).await.context("what is kept")
}

async fn in_force(tab: &Tab) -> Result<Value> {
    let look = "const it = await tabraft.settings();
        return [it.snapshotEntries, it.catchupEntries, it.salvage]";
    tab.run(look, Value::Null).await
}
