//! What moves on the map.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// Keeps the classes of all dots that come.
const WATCH: &str = "
    const sky = document.querySelector('.dots');
    harness.dots = [];
    new MutationObserver((changes) => {
        for (const { addedNodes } of changes)
            for (const { className } of addedNodes) harness.dots.push(className);
    }).observe(sky, { childList: true });";

/// Heartbeats move while nothing happens, entries with a write, votes in an election; on a link
/// that is cut they vanish half way, and each is gone after that.
pub async fn messages_on_the_map(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let leader = tab.healthy(3).await?;
    tab.run(WATCH, Value::Null).await?;
    // The votes of the first election may still be on their way to the map.
    for _ in 0..2 {
        comes(&tab, "heartbeat").await?;
        tab.run("harness.dots.length = 0", Value::Null).await?;
    }
    comes(&tab, "heartbeat").await?;
    eventually("dots of a write", SOON, async || {
        tab.put("a", "1").await?;
        ensure!(dots(&tab).await?.contains("append"), "none yet");
        Ok(())
    })
    .await?;
    ensure!(
        !dots(&tab).await?.contains("vote"),
        "votes without an election"
    );
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    tab.call("partition", json!([[[leader], others]])).await?;
    comes(&tab, "heartbeat lost").await?;
    comes(&tab, "vote").await?;
    tab.call("heal", json!([])).await?;
    tab.healthy(3).await?;
    // Each goes again.
    eventually("a dot", SOON, async || {
        let take =
            "harness.dot = document.querySelector('.dots').lastElementChild; return !!harness.dot";
        let taken: bool = tab.eval(take, Value::Null).await?;
        ensure!(taken, "none");
        Ok(())
    })
    .await?;
    eventually("a dot to be gone", SOON, async || {
        let gone: bool = tab
            .eval("return !harness.dot.isConnected", Value::Null)
            .await?;
        ensure!(gone, "it is there");
        Ok(())
    })
    .await?;
    Ok(())
}

async fn dots(tab: &Tab) -> Result<BTreeSet<String>> {
    tab.eval("return harness.dots", Value::Null).await
}

async fn comes(tab: &Tab, class: &str) -> Result<()> {
    eventually(&format!("a dot: {class}"), SOON, async || {
        let seen = dots(tab).await?;
        ensure!(seen.contains(class), "only {seen:?}");
        Ok(())
    })
    .await
}
