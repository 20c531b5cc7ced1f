//! The page as a client of etcd: three real processes, the same calls, and what `etcdctl` says of
//! it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft::check::linear::{Initial, Return, Verdict, check, check_positions};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::etcd::Trio;
use tabraft_browser_tests::operations::{Operations, history};
use tabraft_browser_tests::tab::{Tab, code_of, error_of};
use tabraft_browser_tests::wait::{SOON, eventually};

/// Steps of the search for an order.
const WORK_MAX: u64 = 20_000_000;

/// Opens the page of an etcd.
pub async fn open(case: &Case, endpoints: &str) -> Result<Tab> {
    let query = format!("?engine=etcd&endpoints={endpoints}");
    case.open_at(&case.server.page(&query)).await
}

/// Leaves pages of an etcd, which go on asking how it is, before it ends; and forgets what the
/// browser's log has of answers that say no, and of members that were killed.
pub async fn leave(case: &Case, tabs: &[&Tab]) -> Result<()> {
    for tab in tabs {
        let driver = tab.browser.driver_at(&tab.window).await?;
        driver.goto(case.server.blank()).await?;
    }
    case.forget_errors().await
}

/// Reads, writes, and what is known, as of tabs; `etcdctl` reads what the page wrote and the other
/// way round; what only tabs can do says so.
pub async fn etcd_client(case: &Case) -> Result<()> {
    let trio = Trio::start(&["--cors=*"]).await?;
    trio.healthy().await?;
    let tab = open(case, &trio.urls()).await?;

    let work = r#"
        const seen = [];
        const first = await tabraft.put("a", "1");
        const second = await tabraft.put("a", "2");
        seen.push(second.index > first.index && second.term > 0);
        seen.push(await tabraft.get("a"), await tabraft.get("none"));
        seen.push((await tabraft.cas("a", "1", "3")).swapped, (await tabraft.cas("a", "2", "3")).swapped);
        seen.push((await tabraft.cas("b", null, "new")).swapped, (await tabraft.cas("b", null, "x")).swapped);
        // An empty value is a value.
        await tabraft.put("empty", "");
        seen.push((await tabraft.cas("empty", null, "x")).swapped, (await tabraft.cas("none", "", "x")).swapped);
        seen.push((await tabraft.delete("b")).existed, (await tabraft.delete("b")).existed);
        seen.push(await tabraft.get("a", { consistency: "stale", node: 3 }).then((it) => it === "3" || it === "2"));
        seen.push(await tabraft.get("a", { node: 2 }));
        for (const key of ["p/2", "p/1", "p0", "p/3"]) await tabraft.put(key, key);
        seen.push(await tabraft.scan("p/"), (await tabraft.scan("p/", { limit: 2 })).length);
        return seen;
    "#;
    let seen = tab.run(work, Value::Null).await?;
    let pairs = json!([["p/1", "p/1"], ["p/2", "p/2"], ["p/3", "p/3"]]);
    let wanted = json!([
        true, "2", null, false, true, true, false, false, false, true, false, true, "3", pairs, 2
    ]);
    ensure!(seen == wanted, "{seen}");

    // Bytes that are no text come and go as they are.
    trio.ctl(&["put", "theirs", "grüße"]).await?;
    ensure!(tab.get("theirs").await?.as_deref() == Some("grüße"));
    let bytes = "await tabraft.put('bytes', new window.Uint8Array([0, 255, 10, 128]));\
                 const got = await tabraft.get('bytes');\
                 return got?.constructor?.name === 'Uint8Array' ? [...got] : got";
    let got = tab.run(bytes, Value::Null).await?;
    ensure!(got == json!([0, 255, 10, 128]), "{got}");
    let told = trio.ctl(&["get", "bytes", "-w", "json"]).await?;
    ensure!(told.contains("\"value\":\"AP8KgA==\""), "{told}");
    let told = trio.ctl(&["get", "a", "--print-value-only"]).await?;
    ensure!(told.trim() == "3", "{told}");

    let status = tab.call("status", json!([])).await?;
    let told = trio.ctl(&["endpoint", "status", "-w", "json"]).await?;
    let told: Value = serde_json::from_str(&told)?;
    ensure!(
        status["nodes"].as_array().map(Vec::len) == Some(3),
        "{status}"
    );
    ensure!(status["term"] == told[0]["Status"]["raftTerm"], "{status}");
    for (n, node) in status["nodes"].as_array().into_iter().flatten().enumerate() {
        let running = node["state"] == "running" && node["version"] == told[n]["Status"]["version"];
        let named = node["name"] == format!("n{n}") && node["endpoint"] == trio.url(n);
        ensure!(
            running && named && node["revision"].as_u64() > Some(1),
            "{node}"
        );
    }

    let long = json!(["k".repeat(1_025), "x"]);
    ensure!(code_of(tab.call("put", long).await)? == "KEY_TOO_LARGE");
    let large = "return tabraft.put('large', 'x'.repeat(2 ** 20 + 1))";
    ensure!(code_of(tab.run(large, Value::Null).await)? == "VALUE_TOO_LARGE");
    for call in [
        "crash(1)",
        "partition([[1], [2, 3]])",
        "wipe(1)",
        "corrupt(1)",
        "addNode()",
        "configure({})",
        "exportTo({ endpoints: 'http://127.0.0.1:1' })",
    ] {
        let result = tab
            .run(&format!("return tabraft.{call}"), Value::Null)
            .await;
        ensure!(code_of(result)? == "UNSUPPORTED", "{call}");
    }
    let none = tab.call("get", json!(["a", { "node": 9 }])).await;
    ensure!(code_of(none)? == "NO_SUCH_NODE");

    let verdict = tab.call("check", json!([])).await?;
    ensure!(verdict["linearizable"] == true, "{verdict}");
    // What others wrote is not judged.
    ensure!(verdict["leftOut"].as_u64() >= Some(1), "{verdict}");

    on_the_page(&tab, &trio).await?;
    // One endpoint is enough to know of all members.
    let one = open(case, &trio.url(1)).await?;
    one.shows("sentence", "the others, too", |it| {
        it.ends_with("All 3 members answer.")
    })
    .await?;
    let elsewhere = one
        .call("get", json!(["a", { "node": 1, "timeoutMs": 300 }]))
        .await;
    ensure!(
        code_of(elsewhere)? == "UNREACHABLE",
        "a member that was not named was asked for data"
    );
    leave(case, &[&tab, &one]).await?;
    trio.end().await
}

/// What a person sees and presses.
async fn on_the_page(tab: &Tab, trio: &Trio) -> Result<()> {
    tab.shows("badge", "a healthy etcd", |it| it == "HEALTHY")
        .await?;
    tab.shows("sentence", "its members", |it| {
        it.ends_with("All 3 members answer.")
    })
    .await?;
    for absent in [
        "crash-1",
        "heal",
        "experiment-leader-crash",
        "add-node",
        "steps",
    ] {
        ensure!(!tab.has(absent).await?, "{absent} is there");
    }
    tab.shows("node-1/endpoint", "where a member is", |it| {
        it == trio.url(0)
    })
    .await?;
    tab.fill("key", "typed").await?;
    tab.fill("value", "by hand").await?;
    tab.press("put").await?;
    tab.shows("result", "the revision", |it| {
        it.starts_with("Written at revision ")
    })
    .await?;
    let told = trio.ctl(&["get", "typed", "--print-value-only"]).await?;
    ensure!(told.trim() == "by hand", "{told}");
    tab.fill("key", "bytes").await?;
    tab.press("get").await?;
    tab.shows("result", "bytes as they are", |it| {
        it.starts_with("bytes is 0x00ff0a80 (4 B, no text), linearizable")
    })
    .await?;
    // The table follows what others write.
    trio.ctl(&["put", "later", "seen"]).await?;
    eventually("a row that another client wrote", SOON, async || {
        let row = tab.row("later").await?.context("no row")?;
        ensure!(row.contains("seen"), "{row}");
        Ok(())
    })
    .await?;
    let watch = "window.changes = 0; window.unwatch = await tabraft.watch(() => window.changes++)";
    tab.run(watch, Value::Null).await?;
    eventually("a change that is told of", SOON, async || {
        trio.ctl(&["put", "watched", "1"]).await?;
        let changes: u64 = tab.eval("return window.changes", Value::Null).await?;
        ensure!(changes > 0, "none");
        Ok(())
    })
    .await?;
    tab.run("window.unwatch()", Value::Null).await?;
    Ok(())
}

/// The leader killed with -9 under load, and started again: operations go on, and the answers have
/// an order, as the page's judge finds and one that knows all of the history.
pub async fn etcd_member_killed(case: &Case) -> Result<()> {
    let mut trio = Trio::start(&["--cors=*"]).await?;
    let first = trio.healthy().await?;
    let tab = open(case, &trio.urls()).await?;
    let operations = Operations::start(&tab, "load", 3).await?;
    goes_on(&operations, 100).await?;
    trio.kill(first).await?;
    tab.shows("badge", "that a member is missed", |it| it == "DEGRADED")
        .await?;
    let node = format!("node-{}/problem", first + 1);
    tab.shows(&node, "which", |it| it.contains("does not answer"))
        .await?;
    goes_on(&operations, 100).await?;
    trio.run(first)?;
    let second = trio.healthy().await?;
    tab.shows("badge", "that it is back", |it| it == "HEALTHY")
        .await?;
    trio.kill(second).await?;
    goes_on(&operations, 100).await?;
    trio.run(second)?;
    trio.healthy().await?;
    goes_on(&operations, 50).await?;
    let done = operations.stop().await?;
    ensure!(done.wrong.is_empty(), "{:?}", done.wrong);

    let verdict = tab.begin("return tabraft.check()", Value::Null).await?;
    let verdict = verdict.outcome(Duration::from_secs(20)).await?;
    ensure!(verdict["linearizable"] == true, "{verdict}");
    // Nearly all of them: whose outcome is unknown is judged, too, where it shows.
    ensure!(verdict["ops"].as_u64() > Some(300), "{verdict}");
    ensure!(verdict["leftOut"] == 0, "{verdict}");

    let mut history = history(&case.server)?;
    for operation in &mut history {
        let Some(returned) = &mut operation.returned else {
            continue;
        };
        // What changes nothing gets no revision of its own, and the term is the answering member's.
        let nothing = [Return::Swapped(false), Return::Deleted { existed: false }];
        match nothing.contains(&returned.answer) {
            true => returned.position = None,
            false => returned.position.iter_mut().for_each(|it| it.term = 0),
        }
    }
    let found = check(&history, Initial::Absent, WORK_MAX);
    ensure!(matches!(found, Verdict::Linearizable { .. }), "{found:?}");
    check_positions(&history).map_err(anyhow::Error::msg)?;
    println!(
        "  {} operations, {} of unknown outcome",
        history.len(),
        done.unknown
    );
    left_alone(&tab, &mut trio).await?;
    leave(case, &[&tab]).await?;
    trio.end().await
}

/// A member without the others tells what it has to who asks for that, and nothing to who wants to be
/// sure.
async fn left_alone(tab: &Tab, trio: &mut Trio) -> Result<()> {
    tab.put("alone", "known").await?;
    trio.kill(1).await?;
    trio.kill(2).await?;
    eventually("what the first has", SOON, async || {
        let stale = json!(["alone", { "consistency": "stale", "node": 1, "timeoutMs": 1_000 }]);
        ensure!(tab.call("get", stale).await? == "known");
        Ok(())
    })
    .await?;
    for node in [json!(1), Value::Null] {
        let mut options = json!({ "timeoutMs": 1_000 });
        if node.is_u64() {
            options["node"] = node;
        }
        let sure = error_of(tab.call("get", json!(["alone", options])).await)?;
        let put = error_of(tab.call("put", json!(["alone", "new", options])).await)?;
        for error in [sure, put] {
            let unsure = ["TIMEOUT", "NO_LEADER"].contains(&error.code.as_str());
            ensure!(unsure, "without a quorum: {error}");
        }
    }
    Ok(())
}

async fn goes_on(operations: &Operations, more: u64) -> Result<()> {
    let from = operations.done().await?.done;
    eventually("operations to go on", SOON, async || {
        let now = operations.done().await?.done;
        ensure!(now >= from + more, "{} more, not {more}", now - from);
        Ok(())
    })
    .await
}

/// An etcd with authentication on: nothing goes without a name and a password, which are nowhere
/// but in memory, and are used again when the token is no longer good.
pub async fn etcd_sign_in(case: &Case) -> Result<()> {
    const SECRET: &str = "correct horse";
    let mut trio = Trio::start(&["--cors=*"]).await?;
    trio.healthy().await?;
    trio.ctl(&["user", "add", &format!("root:{SECRET}")])
        .await?;
    trio.ctl(&["user", "grant-role", "root", "root"]).await?;
    trio.ctl(&["auth", "enable"]).await?;
    let tab = open(case, &trio.urls()).await?;
    ensure!(code_of(tab.put("k", "v").await)? == "SIGN_IN");
    ensure!(code_of(tab.get("k").await)? == "SIGN_IN");
    let wrong = tab.call("signIn", json!(["root", "wrong"])).await;
    ensure!(code_of(wrong)? == "DENIED");
    tab.fill("etcd-user", "root").await?;
    tab.fill("etcd-password", SECRET).await?;
    tab.press("sign-in").await?;
    tab.shows("sign-in-told", "that it worked", |it| {
        it.starts_with("Signed in as root")
    })
    .await?;
    tab.put("k", "v").await?;
    let look = "const kept = JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage },\
                    document.documentElement.outerHTML,\
                    [...document.querySelectorAll('input')].map((it) => it.value)]);\
                return kept";
    let kept: String = tab.eval(look, Value::Null).await?;
    ensure!(!kept.contains(SECRET), "the password is kept");

    // A link leads others to the same etcd, and not in.
    let link = "return [...new URL(await tabraft.shareLink()).searchParams]";
    let link = tab.run(link, Value::Null).await?;
    ensure!(
        link == json!([["engine", "etcd"], ["endpoints", trio.urls()]]),
        "{link}"
    );
    tab.press("share").await?;
    let told = tab.shows("share-told", "the link", |it| it.contains("engine=etcd"));
    let told = told.await?;
    ensure!(
        !told.contains("root") && !told.contains("correct"),
        "{told}"
    );

    // Members that start again know no token of before.
    for at in 0..3 {
        trio.kill(at).await?;
        trio.run(at)?;
    }
    eventually("a new token", SOON, async || {
        ensure!(tab.get("k").await?.as_deref() == Some("v"));
        Ok(())
    })
    .await?;
    let put = tab.put("k", "w").await;
    ensure!(put.is_ok(), "{put:?}");

    // A name without rights is refused by etcd itself, and changes nothing.
    let as_root = format!("--user=root:{SECRET}");
    trio.ctl(&[&as_root, "user", "add", "guest:guest"]).await?;
    tab.call("signIn", json!(["guest", "guest"])).await?;
    ensure!(code_of(tab.put("k", "x").await)? == "DENIED");
    ensure!(code_of(tab.get("k").await)? == "DENIED");
    let told = trio
        .ctl(&[&as_root, "get", "k", "--print-value-only"])
        .await?;
    ensure!(told.trim() == "w", "{told}");
    leave(case, &[&tab]).await?;

    // To move pairs takes a name, too.
    let tabs = case.open("main", "&nodes=1&host=auto").await?;
    tabs.put("moved", "in").await?;
    for (who, code) in [
        (json!({}), "SIGN_IN"),
        (json!({ "user": "root", "password": "wrong" }), "DENIED"),
        (json!({ "user": "guest", "password": "guest" }), "DENIED"),
    ] {
        let mut options = who;
        options["endpoints"] = json!(trio.urls());
        options["prefix"] = json!("moved");
        let error = error_of(tabs.call("exportTo", json!([options])).await)?;
        ensure!(error.code == code, "{error}");
    }
    let options = json!({
        "endpoints": trio.urls(), "prefix": "moved", "user": "root", "password": SECRET,
    });
    let done = tabs.call("exportTo", json!([options])).await?;
    ensure!(done["written"] == 1, "{done}");
    let told = ["get", "moved", "--print-value-only", &as_root];
    ensure!(trio.ctl(&told).await?.trim() == "in");
    case.forget_errors().await?;
    trio.end().await
}
