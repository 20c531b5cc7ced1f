//! Who hosts what: reloads, two tabs that want the same replica, handing one over.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, all_along, eventually};

/// A reload keeps the data, and writes go on.
pub async fn reload(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("before", "1").await?;
    for n in 0..3 {
        tab.reload().await?;
        tab.healthy(3).await?;
        ensure!(
            tab.get("before").await?.as_deref() == Some("1"),
            "lost by reload {n}"
        );
        tab.put(&format!("after {n}"), "1").await?;
        eventually("the old key in the page's table", SOON, async || {
            ensure!(tab.row("before").await?.is_some(), "not after reload {n}");
            Ok(())
        })
        .await?;
    }
    for n in 0..3 {
        ensure!(
            tab.get(&format!("after {n}")).await?.as_deref() == Some("1"),
            "lost {n}"
        );
    }
    tab.agreement(3).await?;
    // Still the replicas of before, not new ones.
    let status = tab.status().await?;
    let epochs: Vec<u64> = status.nodes.iter().map(|it| it.epoch).collect();
    ensure!(
        epochs.iter().all(|it| *it >= 4),
        "opened {epochs:?} times, not 4"
    );
    Ok(())
}

/// Two tabs want the same replica at once: one runs it, the other says what it waits for and
/// takes it when the first closes. Never do both run it.
pub async fn two_hosts(case: &Case) -> Result<()> {
    let base = case.open("main", "&nodes=3&host=1,3").await?;
    let before: HashSet<_> = case.browser.windows().await?.into_iter().collect();
    // In the same turn of the event loop, so that neither is first by much.
    let url = case.url("main", "&nodes=3&host=2");
    let twice = "for (let n = 0; n < 2; n++) window.open(args, '_blank', 'noopener')";
    base.run(twice, json!(url)).await?;
    let mut tabs = vec![];
    eventually("two more tabs", SOON, async || {
        let windows = case.browser.windows().await?;
        let new: Vec<_> = windows
            .into_iter()
            .filter(|it| !before.contains(it))
            .collect();
        ensure!(new.len() == 2, "{} more", new.len());
        tabs = new
            .into_iter()
            .map(|window| Tab {
                browser: case.browser.clone(),
                window,
            })
            .collect::<Vec<_>>();
        Ok(())
    })
    .await?;
    for tab in &tabs {
        case.keep(tab);
        tab.ready().await?;
    }
    base.healthy(3).await?;

    // Which of the two runs it; and from then on it alone does.
    let (holder, waiter) = eventually("one of them to run it", SOON, async || {
        let here = [tabs[0].hosts(2).await?, tabs[1].hosts(2).await?];
        ensure!(
            here[0] != here[1],
            "run by the first: {}, by the second: {}",
            here[0],
            here[1]
        );
        Ok(if here[0] {
            (&tabs[0], &tabs[1])
        } else {
            (&tabs[1], &tabs[0])
        })
    })
    .await?;
    let status = base.status().await?;
    let epoch = status.node(2)?.epoch;
    let lock = format!("tabraft:{}:node:2", status.cluster);
    all_along("one host", Duration::from_secs(3), async || {
        ensure!(holder.hosts(2).await?, "the first lost it");
        ensure!(!waiter.hosts(2).await?, "both run it");
        let locks = locks(waiter, &lock).await?;
        ensure!(
            locks.held == 1 && locks.pending > 0,
            "not one holder and one that waits: {locks:?}"
        );
        ensure!(
            base.status().await?.node(2)?.epoch == epoch,
            "it was opened again"
        );
        Ok(())
    })
    .await?;

    let status = waiter.status().await?;
    let problem = status.node(2)?.problem.clone();
    ensure!(
        !problem.is_empty(),
        "it does not say what it waits for: {}",
        status.in_short()
    );
    waiter
        .shows("node-2/problem", "what it waits for", |it| {
            it.contains(&problem)
        })
        .await?;
    ensure!(
        holder.status().await?.node(2)?.problem.is_empty(),
        "the one that runs it waits"
    );

    // Both can write meanwhile; then the first closes.
    waiter.put("from the waiter", "1").await?;
    holder.put("from the holder", "1").await?;
    holder.close().await?;
    eventually("the second to run it", SOON, async || {
        let status = waiter.status().await?;
        let node = status.node(2)?;
        ensure!(
            node.here && node.state == "running",
            "{}",
            status.in_short()
        );
        ensure!(node.epoch > epoch, "epoch {} after {epoch}", node.epoch);
        ensure!(node.problem.is_empty(), "it still says {:?}", node.problem);
        Ok(())
    })
    .await?;
    waiter.healthy(3).await?;
    waiter.agreement(3).await?;
    for key in ["from the waiter", "from the holder"] {
        ensure!(
            waiter.get(key).await?.as_deref() == Some("1"),
            "{key} is lost"
        );
    }
    Ok(())
}

/// A tab hosts all; another is opened for the leader. The leader moves there, under load, and
/// nothing is lost or refused.
pub async fn hand_over(case: &Case) -> Result<()> {
    let first = case.open("main", "&nodes=3&host=auto").await?;
    let leader = first.healthy(3).await?;
    first.put("before", "1").await?;
    let epoch = first.status().await?.node(leader)?.epoch;
    let load = Load::start(&first, "load", Shape::default()).await?;
    load.goes_on(&case.server, 50).await?;

    let second = case
        .open("main", &format!("&nodes=3&host={leader}"))
        .await?;
    eventually("the second to run it", SOON, async || {
        ensure!(
            second.hosts(leader).await?,
            "{}",
            second.status().await?.in_short()
        );
        ensure!(
            !first.hosts(leader).await?,
            "{}",
            first.status().await?.in_short()
        );
        let status = first.status().await?;
        ensure!(
            status.is_running(leader),
            "the first thinks it is down: {}",
            status.in_short()
        );
        Ok(())
    })
    .await?;
    first.healthy(3).await?;
    load.goes_on(&case.server, 50).await?;
    let tally = load.stop_without_failures().await?;
    second.agreement(3).await?;

    let status = second.status().await?;
    ensure!(
        status.node(leader)?.epoch > epoch,
        "not opened anew: {}",
        status.in_short()
    );
    let others: Vec<bool> = (1..=3)
        .filter(|id| *id != leader)
        .map(|id| status.node(id).map(|it| it.here))
        .collect::<Result<_>>()?;
    ensure!(
        others == [false, false],
        "it took more than it was opened for"
    );
    ensure!(second.get("before").await?.as_deref() == Some("1"), "lost");
    let count = load::verify(&case.server, &second, "load").await?;
    println!(
        "  {}: {count} writes, the longest took {:.0} ms",
        case.name, tally.longest_ms
    );

    // `openTab` does the same from the page's side.
    let other = (1..=3).find(|id| *id != leader).context("no other")?;
    let before: HashSet<_> = case.browser.windows().await?.into_iter().collect();
    // Browsers let a page open a tab only for a person's press.
    first.press(&format!("open-tab-{other}")).await?;
    let third = eventually("the tab to open", SOON, async || {
        let windows = case.browser.windows().await?;
        let new = windows
            .into_iter()
            .find(|it| !before.contains(it))
            .context("no new tab")?;
        Ok(Tab {
            browser: case.browser.clone(),
            window: new,
        })
    })
    .await?;
    case.keep(&third);
    third.ready().await?;
    eventually("the third to run its own", SOON, async || {
        ensure!(
            third.hosts(other).await?,
            "{}",
            third.status().await?.in_short()
        );
        ensure!(
            !first.hosts(other).await?,
            "{}",
            first.status().await?.in_short()
        );
        Ok(())
    })
    .await?;
    let opener = third
        .run("return window.opener === null", Value::Null)
        .await?;
    ensure!(
        opener == json!(true),
        "the tabs know each other and share a process"
    );
    third.healthy(3).await?;
    third.agreement(3).await?;
    ensure!(third.get("before").await?.as_deref() == Some("1"), "lost");
    Ok(())
}

/// How many hold a Web Lock of this origin, and how many wait for it.
#[derive(Debug, serde::Deserialize)]
struct Locks {
    held: u64,
    pending: u64,
}

async fn locks(tab: &Tab, name: &str) -> Result<Locks> {
    let look = "const { held, pending } = await navigator.locks.query();\
                const count = (locks) => locks.filter((it) => it.name === args).length;\
                return { held: count(held), pending: count(pending) }";
    tab.eval(look, json!(name)).await
}
