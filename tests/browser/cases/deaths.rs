//! Deaths of every size: a worker, the process behind a tab, the whole browser.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::tab::{Tab, code_of};
use tabraft_browser_tests::wait::{SOON, eventually};

/// Nothing but Raft itself helps after a death.
const PLAIN: &str = "&succession=off&salvage=off";

/// The leader's worker is terminated: writes go on from the same tab, and the replica comes back
/// to what the others have.
pub async fn crash_leader_worker(case: &Case) -> Result<()> {
    crash_leader_worker_with(case, "").await
}

/// The same with ordinary election timeouts alone.
pub async fn crash_leader_worker_plain(case: &Case) -> Result<()> {
    crash_leader_worker_with(case, PLAIN).await
}

async fn crash_leader_worker_with(case: &Case, query: &str) -> Result<()> {
    let tab = case
        .open("main", &format!("&nodes=3&host=auto{query}"))
        .await?;
    let old = tab.healthy(3).await?;
    let old_term = tab.status().await?.node(old)?.term;
    let load = Load::start(&tab, "load", Shape::default()).await?;
    load.goes_on(&case.server, 50).await?;

    tab.call("crash", json!([old])).await?;
    let (new, new_term) = tab.leader_other_than(&[old]).await?;
    ensure!(
        new_term > old_term,
        "node {new} leads term {new_term} after {old_term}"
    );
    ensure!(
        tab.status().await?.node(old)?.state == "stopped",
        "it is still there"
    );
    let words = format!("Node {new} leads");
    tab.shows("sentence", &words, |it| it.contains(&words))
        .await?;
    load.goes_on(&case.server, 100).await?;

    tab.call("start", json!([old])).await?;
    tab.healthy(3).await?;
    load.goes_on(&case.server, 50).await?;
    let tally = load.stop_without_failures().await?;
    let agreement = tab.agreement(3).await?;
    ensure!(
        agreement.applied >= tally.acked,
        "{agreement:?} after {} writes",
        tally.acked
    );
    load::verify(&case.server, &tab, "load").await?;
    Ok(())
}

/// `kill -9` of the process behind the tab that hosts the leader: writes go on from another tab,
/// and when the tab is opened again its replica catches up.
pub async fn kill_leader_renderer(case: &Case) -> Result<()> {
    kill_leader_renderer_with(case, "").await
}

/// The same with ordinary election timeouts alone.
pub async fn kill_leader_renderer_plain(case: &Case) -> Result<()> {
    kill_leader_renderer_with(case, PLAIN).await
}

async fn kill_leader_renderer_with(case: &Case, query: &str) -> Result<()> {
    let mut tabs = Vec::from(case.open_three("main", query).await?);
    let mut client = case
        .open("main", &format!("&nodes=3&host=none{query}"))
        .await?;
    let leader = client.healthy(3).await?;
    let load = Load::start(&client, "load", Shape::default()).await?;
    load.goes_on(&case.server, 50).await?;

    let victim = tabs[leader as usize - 1].clone();
    let epoch = client.status().await?.node(leader)?.epoch;
    victim.kill_renderer().await?;

    // Firefox has fewer processes than tabs, so others may have died with it. What is left of the
    // cluster decides whether it can go on before they are opened again.
    let mut died = vec![];
    for (n, tab) in tabs.iter().enumerate() {
        if !tab.answers().await {
            died.push(n);
        }
    }
    ensure!(
        died.contains(&(leader as usize - 1)),
        "the leader's tab lives"
    );
    let client_lives = client.answers().await;
    if client_lives && died.len() == 1 {
        client.leader_other_than(&[leader]).await?;
        load.goes_on(&case.server, 100).await?;
        ensure!(
            client.status().await?.node(leader)?.state != "running",
            "a dead replica runs"
        );
        let survivor = tabs.iter().enumerate().find(|(n, _)| !died.contains(n));
        let (_, survivor) = survivor.context("no survivor")?;
        survivor.put("from a survivor", "1").await?;
    } else {
        println!(
            "  {}: tabs {died:?} died together, client lives: {client_lives}",
            case.name
        );
    }

    for n in died {
        tabs[n].close().await?;
        tabs[n] = case
            .open("main", &format!("&nodes=3&host={}{query}", n + 1))
            .await?;
    }
    if client_lives {
        load.goes_on(&case.server, 20).await?;
        load.stop_without_failures().await?;
    } else {
        client.close().await?;
        client = case
            .open("main", &format!("&nodes=3&host=none{query}"))
            .await?;
    }
    client.healthy(3).await?;
    client.agreement(3).await?;
    let reopened = &tabs[leader as usize - 1];
    let status = reopened.status().await?;
    let node = status.node(leader)?;
    ensure!(
        node.here && node.epoch > epoch,
        "not opened anew: {}",
        status.in_short()
    );
    load::verify(&case.server, reopened, "load").await?;
    reopened.put("after all", "1").await?;
    ensure!(client.get("after all").await?.as_deref() == Some("1"));
    Ok(())
}

/// Two of three replicas die at once, because their tabs share a process, as tabs do which know
/// their opener: the one that is left acknowledges nothing, says why, and when the tabs are opened
/// again all goes on. No write is lost or refused in between.
pub async fn kill_two_at_once(case: &Case) -> Result<()> {
    kill_two_at_once_with(case, "").await
}

/// The same with ordinary election timeouts alone.
pub async fn kill_two_at_once_plain(case: &Case) -> Result<()> {
    kill_two_at_once_with(case, PLAIN).await
}

async fn kill_two_at_once_with(case: &Case, query: &str) -> Result<()> {
    let one = case
        .open("main", &format!("&nodes=3&host=1{query}"))
        .await?;
    let before = case.browser.windows().await?;
    let url = case.url("main", &format!("&nodes=3&host=2{query}"));
    one.run("window.open(args)", json!(url)).await?;
    let two = eventually("the opened tab", SOON, async || {
        let windows = case.browser.windows().await?;
        let window = windows
            .into_iter()
            .find(|it| !before.contains(it))
            .context("no new tab")?;
        Ok(Tab {
            browser: case.browser.clone(),
            window,
        })
    })
    .await?;
    case.keep(&two);
    two.ready().await?;
    let three = case
        .open("main", &format!("&nodes=3&host=3{query}"))
        .await?;
    let client = case
        .open("main", &format!("&nodes=3&host=none{query}"))
        .await?;
    client.healthy(3).await?;
    let mut pids = vec![];
    for tab in [&one, &two, &three, &client] {
        pids.push(case.browser.renderer_of(&tab.window).await?);
    }
    let [first, second, others @ ..] = &pids[..] else {
        unreachable!()
    };
    ensure!(
        first == second && !others.contains(first),
        "processes {pids:?}"
    );

    let shape = Shape {
        timeout_ms: 60_000,
        ..Shape::default()
    };
    let load = Load::start(&client, "load", shape).await?;
    load.goes_on(&case.server, 50).await?;
    one.kill_renderer().await?;
    ensure!(!two.answers().await, "the second tab lives");
    three
        .shows("badge", "no quorum", |it| {
            it.eq_ignore_ascii_case("no quorum")
        })
        .await?;
    let write = "return tabraft.put('alone', '1', { timeoutMs: 1500 })";
    let code = code_of(client.run(write, Value::Null).await).context("a write without quorum")?;
    ensure!(
        code == "TIMEOUT" || code == "NO_LEADER",
        "a write without quorum: {code}"
    );
    let acked = case.server.acked_count("load");
    let read = json!(["k", { "node": 3, "timeoutMs": 1000 }]);
    let code = code_of(three.call("get", read).await).context("a read without quorum")?;
    ensure!(
        code == "TIMEOUT" || code == "NO_LEADER",
        "a read without quorum: {code}"
    );
    let later = case.server.acked_count("load");
    ensure!(
        later == acked,
        "{} writes acknowledged by one of three",
        later - acked
    );

    for tab in [one, two] {
        tab.close().await?;
    }
    for id in [1, 2] {
        case.open("main", &format!("&nodes=3&host={id}{query}"))
            .await?;
    }
    client.healthy(3).await?;
    load.goes_on(&case.server, 50).await?;
    load.stop_without_failures().await?;
    three.agreement(3).await?;
    load::verify(&case.server, &three, "load").await?;
    Ok(())
}

/// `kill -9` of all of the browser during writes, twice: once with all replicas in one tab, once
/// with a tab for each. Every acknowledged write is there afterwards, and the replicas agree.
pub async fn kill_whole_browser(case: &Case) -> Result<()> {
    kill_whole_browser_with(case, "").await
}

/// The same with ordinary election timeouts alone.
pub async fn kill_whole_browser_plain(case: &Case) -> Result<()> {
    kill_whole_browser_with(case, PLAIN).await
}

async fn kill_whole_browser_with(case: &Case, query: &str) -> Result<()> {
    let tab = case
        .open("main", &format!("&nodes=3&host=auto{query}"))
        .await?;
    tab.healthy(3).await?;
    let load = Load::start(
        &tab,
        "first",
        Shape {
            in_flight: 16,
            ..Shape::default()
        },
    )
    .await?;
    load.goes_on(&case.server, 300).await?;
    case.browser.kill().await?;

    case.browser.restart().await?;
    let tabs = case.open_three("main", query).await?;
    let client = case
        .open("main", &format!("&nodes=3&host=none{query}"))
        .await?;
    let first = all_there(case, &client, "first").await?;
    let load = Load::start(
        &client,
        "second",
        Shape {
            in_flight: 16,
            ..Shape::default()
        },
    )
    .await?;
    load.goes_on(&case.server, 300).await?;
    case.browser.kill().await?;
    drop(tabs);

    case.browser.restart().await?;
    let tab = case
        .open("main", &format!("&nodes=3&host=auto{query}"))
        .await?;
    ensure!(
        all_there(case, &tab, "first").await? == first,
        "the first load's writes changed"
    );
    all_there(case, &tab, "second").await?;
    tab.put("after all", "1").await?;
    ensure!(tab.get("after all").await?.as_deref() == Some("1"));
    Ok(())
}

async fn all_there(case: &Case, tab: &Tab, load: &str) -> Result<usize> {
    tab.healthy(3).await?;
    tab.agreement(3).await?;
    let count = load::verify(&case.server, tab, load).await?;
    // And each replica by itself has as many keys as the leader.
    eventually("as many keys everywhere", SOON, async || {
        let status = tab.status().await?;
        let keys = status.node(status.leader)?.keys;
        let equal = status
            .nodes
            .iter()
            .all(|it| it.keys == keys && keys >= count as u64);
        ensure!(
            equal,
            "{:?}",
            status.nodes.iter().map(|it| it.keys).collect::<Vec<_>>()
        );
        Ok(())
    })
    .await?;
    Ok(count)
}
