//! What everybody does first.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::{Case, dist};
use tabraft_browser_tests::server::Server;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// Open, write, read: through the API and with the page's form, in one tab that hosts all, and
/// from each of three tabs with one replica each.
pub async fn open_write_read(case: &Case) -> Result<()> {
    let tab = case.open("one", "&nodes=3&host=auto").await?;
    let leader = tab.healthy(3).await?;
    data_calls(&tab).await?;
    form(&tab, "by hand", "typed in").await?;

    let status = tab.status().await?;
    ensure!(status.quorum == 2, "quorum {} of 3", status.quorum);
    for node in &status.nodes {
        ensure!(node.here, "node {} is not here", node.id);
        ensure!(
            node.voters == [1, 2, 3],
            "node {} knows {:?}",
            node.id,
            node.voters
        );
        let expected = if node.id == leader {
            "leader"
        } else {
            "follower"
        };
        let role = format!("node-{}/role", node.id);
        tab.shows(&role, "its role", |it| it.to_lowercase().contains(expected))
            .await?;
    }
    tab.agreement(3).await?;

    let tabs = case.open_three("three", "").await?;
    for (n, tab) in tabs.iter().enumerate() {
        let status = tab.status().await?;
        let here: Vec<u64> = status
            .nodes
            .iter()
            .filter(|it| it.here)
            .map(|it| it.id)
            .collect();
        ensure!(here == [n as u64 + 1], "tab {} hosts {here:?}", n + 1);
        tab.put(&format!("from {n}"), "value").await?;
        form(tab, &format!("typed in {n}"), "by hand").await?;
    }
    for tab in &tabs {
        for n in 0..tabs.len() {
            let value = tab.get(&format!("from {n}")).await?;
            ensure!(value.as_deref() == Some("value"), "{value:?} of tab {n}");
            let value = tab.get(&format!("typed in {n}")).await?;
            ensure!(value.as_deref() == Some("by hand"), "{value:?} of tab {n}");
        }
    }
    tabs[0].agreement(3).await?;
    Ok(())
}

/// Every data call, on keys of its own.
async fn data_calls(tab: &Tab) -> Result<()> {
    let written = tab.put("k", "v1").await?;
    let first = written["index"].as_u64().context("no index")?;
    ensure!(
        first > 0 && written["term"].as_u64() > Some(0),
        "put answered {written}"
    );
    let written = tab.put("k", "v2 \u{1F980} \"quoted\" \u{0}").await?;
    ensure!(
        written["index"].as_u64() > Some(first),
        "put answered {written} after {first}"
    );
    ensure!(tab.get("k").await?.as_deref() == Some("v2 \u{1F980} \"quoted\" \u{0}"));
    ensure!(tab.get("nobody wrote this").await?.is_none());
    tab.put("empty", "").await?;
    ensure!(tab.get("empty").await?.as_deref() == Some(""));

    let gone = tab.call("delete", json!(["empty"])).await?;
    ensure!(gone["existed"] == json!(true), "delete answered {gone}");
    let gone = tab.call("delete", json!(["empty"])).await?;
    ensure!(gone["existed"] == json!(false), "delete answered {gone}");
    ensure!(tab.get("empty").await?.is_none());

    for (expected, swapped, value) in [
        (Value::Null, true, "1"),
        (Value::Null, false, "1"),
        (json!("0"), false, "1"),
        (json!("1"), true, "2"),
    ] {
        let new = if swapped { value } else { "wrong" };
        let answer = tab.call("cas", json!(["n", expected, new])).await?;
        ensure!(
            answer["swapped"] == json!(swapped),
            "cas({expected}, {new}) answered {answer}"
        );
        ensure!(tab.get("n").await?.as_deref() == Some(value));
    }

    // In the order of bytes, and nothing outside the prefix.
    for key in ["s/b", "s/a", "s/é", "s/", "t", "s", "s0", "s/c"] {
        tab.put(key, key).await?;
    }
    let rows = tab.call("scan", json!(["s/", {}])).await?;
    let expected = json!([
        ["s/", "s/"],
        ["s/a", "s/a"],
        ["s/b", "s/b"],
        ["s/c", "s/c"],
        ["s/é", "s/é"]
    ]);
    ensure!(rows == expected, "scan answered {rows}");
    let rows = tab.call("scan", json!(["s/", { "limit": 2 }])).await?;
    ensure!(
        rows == json!([["s/", "s/"], ["s/a", "s/a"]]),
        "scan to 2 answered {rows}"
    );
    for node in 1..=3 {
        let options = json!({ "node": node });
        let value = tab.call("get", json!(["s/a", options])).await?;
        ensure!(value == json!("s/a"), "node {node} answered {value}");
    }
    Ok(())
}

/// Puts, gets and deletes a key with the page's form.
async fn form(tab: &Tab, key: &str, value: &str) -> Result<()> {
    tab.fill("key", key).await?;
    tab.fill("value", value).await?;
    tab.press("put").await?;
    tab.shows("result", "the write's result", |it| !it.is_empty())
        .await?;
    eventually("the row", SOON, async || {
        let row = tab.row(key).await?.context("no row")?;
        ensure!(row.contains(value), "the row shows {row:?}");
        Ok(())
    })
    .await?;
    ensure!(
        tab.get(key).await?.as_deref() == Some(value),
        "the form wrote something else"
    );

    tab.fill("key", key).await?;
    tab.press("get").await?;
    tab.shows("result", "the read's result", |it| it.contains(value))
        .await?;

    tab.fill("key", key).await?;
    tab.press("delete").await?;
    eventually("the row to go", SOON, async || {
        ensure!(tab.row(key).await?.is_none(), "it is still there");
        Ok(())
    })
    .await?;
    ensure!(tab.get(key).await?.is_none());
    // Left behind for whoever reads it from another tab.
    tab.put(key, value).await?;
    Ok(())
}

/// A tab that hosts nothing is a client like any, and its hand reaches the replicas of others.
pub async fn client_only_tab(case: &Case) -> Result<()> {
    let tabs = case.open_three("main", "").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    client.healthy(3).await?;
    let here = client.status().await?.nodes.iter().any(|it| it.here);
    ensure!(!here, "a client hosts something");
    data_calls(&client).await?;
    form(&client, "by hand", "typed in").await?;

    // Crash and start the leader, which another tab hosts.
    let leader = client.healthy(3).await?;
    client.call("crash", json!([leader])).await?;
    reaches(&client, leader, "stopped").await?;
    client.leader_other_than(&[leader]).await?;
    client.put("after the crash", "1").await?;
    client.call("start", json!([leader])).await?;
    client.healthy(3).await?;

    let leader = client.healthy(3).await?;
    client.call("pause", json!([leader])).await?;
    reaches(&client, leader, "paused").await?;
    client.leader_other_than(&[leader]).await?;
    client.put("during the pause", "1").await?;
    client.call("resume", json!([leader])).await?;
    client.healthy(3).await?;

    let leader = client.healthy(3).await?;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    client
        .call("partition", json!([[[leader], others]]))
        .await?;
    client.leader_other_than(&[leader]).await?;
    client.put("during the partition", "1").await?;
    client.call("heal", json!([])).await?;
    client.healthy(3).await?;

    let follower = others[0];
    client.call("stop", json!([follower])).await?;
    reaches(&client, follower, "stopped").await?;
    client.call("start", json!([follower])).await?;
    client.healthy(3).await?;

    for key in [
        "after the crash",
        "during the pause",
        "during the partition",
    ] {
        ensure!(
            tabs[0].get(key).await?.as_deref() == Some("1"),
            "{key} is not there"
        );
    }
    client.agreement(3).await?;
    Ok(())
}

async fn reaches(tab: &Tab, node: u64, state: &str) -> Result<()> {
    eventually(state, SOON, async || {
        let status = tab.status().await?;
        ensure!(
            status.node(node)?.state == state,
            "node {node}: {}",
            status.in_short()
        );
        Ok(())
    })
    .await
}

/// The build works wherever it is copied to, under whatever name.
pub async fn relocatable(case: &Case) -> Result<()> {
    for (mount, file) in [("/", ""), ("/a b/c%/d.e/", ""), ("/x/", "index.html")] {
        let mount = mount.replace('%', "%25").replace(' ', "%20");
        let server = Server::start(&dist(), &mount).await?;
        let url = server.page(&format!("{file}?cluster=moved&nodes=3&host=auto"));
        let tab = Tab::open(&case.browser, &url)
            .await
            .with_context(|| mount.clone())?;
        case.keep(&tab);
        tab.healthy(3).await?;
        tab.put("k", "v").await?;
        ensure!(tab.get("k").await?.as_deref() == Some("v"));
        ensure!(
            server.missing().is_empty(),
            "404 under {mount}: {:?}",
            server.missing()
        );
        ensure!(server.errors().is_empty(), "{:?}", server.errors());
        let wasm = server
            .served()
            .iter()
            .filter(|it| it.ends_with(".wasm"))
            .count();
        ensure!(
            wasm > 0,
            "no WebAssembly came from under {mount}: {:?}",
            server.served()
        );
        // Its server ends here, and a page without one has reason to print errors.
        tab.browser
            .driver_at(&tab.window)
            .await?
            .goto("about:blank")
            .await?;
    }
    Ok(())
}
