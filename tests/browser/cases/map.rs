//! What the map shows: messages on their way, votes, and which tab hosts which node.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::status::NodeStatus;
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

/// Each node says in which term it is and whom it voted for there. Every tab has a name of its own, and
/// all tabs call it so: on the map, on the cards, in the status and in the tab's title. A node that
/// changes tabs is named after the new one, and a tab that is reloaded keeps its name.
pub async fn votes_and_tabs_on_the_map(case: &Case) -> Result<()> {
    let tabs = case.open_three("main", "&revive=manual").await?;
    let mut names = vec![];
    for tab in &tabs {
        tab.healthy(3).await?;
        names.push(name(tab).await?);
    }
    let once: BTreeSet<&String> = names.iter().collect();
    ensure!(once.len() == 3, "tabs of one name: {names:?}");
    for (tab, own) in tabs.iter().zip(&names) {
        votes(tab).await?;
        for (id, host) in (1..).zip(&names) {
            is_hosted(tab, id, host, own).await?;
        }
        let look = "return document.title";
        let title: String = tab.eval(look, Value::Null).await?;
        ensure!(title.starts_with(&format!("{own} · ")), "{title}");
    }

    // Another vote: whoever leads next got most of them.
    let [one, two, three] = &tabs;
    let leader = three.healthy(3).await?;
    let next = if leader == 3 { 2 } else { 3 };
    one.call("transferLeader", json!([next])).await?;
    for tab in &tabs {
        tab.sees("the next leader", |it| Ok(it.leader == next))
            .await?;
        votes(tab).await?;
    }

    // Stopped it is nowhere; then two are in one tab.
    one.call("stop", json!([2])).await?;
    for tab in [one, three] {
        shows(tab, "map-role-2", "stopped").await?;
        shows(tab, "map-tab-2", "").await?;
        shows(tab, "node-2/where", "nowhere").await?;
    }
    one.call("start", json!([2])).await?;
    one.healthy(3).await?;
    for (tab, own) in [(one, &names[0]), (two, &names[1]), (three, &names[2])] {
        is_hosted(tab, 1, &names[0], own).await?;
        is_hosted(tab, 2, &names[0], own).await?;
    }

    three.reload().await?;
    three.healthy(3).await?;
    let again = name(three).await?;
    ensure!(again == names[2], "{} is {again} now", names[2]);
    Ok(())
}

/// What the page says the tab is called.
async fn name(tab: &Tab) -> Result<String> {
    let said = tab
        .shows("tab-name", "its name", |it| it.contains("tab "))
        .await?;
    let name = said.rsplit(' ').next().context("no name")?;
    Ok(name.to_owned())
}

/// A node is shown in the tab called `host`, by the one called `own`.
async fn is_hosted(tab: &Tab, id: u64, host: &str, own: &str) -> Result<()> {
    let words = if host == own {
        format!("this tab ({own})")
    } else {
        format!("tab {host}")
    };
    shows(tab, &format!("map-tab-{id}"), &words).await?;
    shows(tab, &format!("node-{id}/where"), &words).await?;
    let told = tab.status().await?.node(id)?.tab.clone();
    ensure!(told == host, "node {id} is told to be in {told:?}");
    Ok(())
}

/// The map shows the terms and votes of the status, which a leader can have come from.
async fn votes(tab: &Tab) -> Result<()> {
    eventually("the votes on the map", SOON, async || {
        let status = tab.status().await?;
        let leader = status.node(status.leader)?;
        let voted = |it: &&NodeStatus| (it.vote, it.term) == (leader.id, leader.term);
        let count = status.nodes.iter().filter(voted).count();
        ensure!(count >= 2, "{count} votes: {}", status.in_short());
        for node in &status.nodes {
            let vote = match node.vote {
                0 => "no vote".to_owned(),
                vote => format!("voted {vote}"),
            };
            let wanted = format!("term {}, {vote}", node.term);
            let shown = content(tab, &format!("map-term-{}", node.id)).await?;
            ensure!(shown == wanted, "{shown:?} where {wanted:?} belongs");
        }
        Ok(())
    })
    .await
}

/// Waits until an element has exactly that text, be it on the screen or not.
async fn shows(tab: &Tab, name: &str, wanted: &str) -> Result<()> {
    eventually(&format!("{wanted:?} in `{name}`"), SOON, async || {
        let shown = content(tab, name).await?;
        ensure!(shown == wanted, "it has {shown:?}");
        Ok(())
    })
    .await
}

/// Of text in a picture, too.
async fn content(tab: &Tab, name: &str) -> Result<String> {
    let look = "const path = args.split('/').map((it) => `[data-testid=${it}]`).join(' ');\
                return document.querySelector(path)?.textContent ?? null";
    let found: Option<String> = tab.eval(look, json!(name)).await?;
    found.with_context(|| format!("`{name}` on the page"))
}
