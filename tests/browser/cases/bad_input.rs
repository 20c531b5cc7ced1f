//! What people get wrong: arguments and URL parameters.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::{Tab, code_of};

/// Every wrong call is answered with its code, every one just inside the limits is served, and
/// the cluster does not mind.
pub async fn bad_calls(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("k", "v").await?;

    let wrong = [
        // Keys are 1 to 1,024 bytes of UTF-8, not characters.
        ("tabraft.put('', 'v')", "BAD_ARGUMENT"),
        ("tabraft.get('')", "BAD_ARGUMENT"),
        ("tabraft.delete('')", "BAD_ARGUMENT"),
        ("tabraft.put('x'.repeat(1025), 'v')", "KEY_TOO_LARGE"),
        (
            "tabraft.put('\u{e9}'.repeat(512) + 'x', 'v')",
            "KEY_TOO_LARGE",
        ),
        ("tabraft.put('\u{1F980}'.repeat(257), 'v')", "KEY_TOO_LARGE"),
        ("tabraft.get('x'.repeat(1025))", "KEY_TOO_LARGE"),
        ("tabraft.delete('x'.repeat(1025))", "KEY_TOO_LARGE"),
        ("tabraft.cas('x'.repeat(1025), null, 'v')", "KEY_TOO_LARGE"),
        (
            "tabraft.put('big', 'x'.repeat(2 ** 20 + 1))",
            "VALUE_TOO_LARGE",
        ),
        (
            "tabraft.put('big', '\u{e9}'.repeat(2 ** 19) + 'x')",
            "VALUE_TOO_LARGE",
        ),
        (
            "tabraft.cas('big', null, 'x'.repeat(2 ** 20 + 1))",
            "VALUE_TOO_LARGE",
        ),
        // Not strings.
        ("tabraft.put()", "BAD_ARGUMENT"),
        ("tabraft.put('k')", "BAD_ARGUMENT"),
        ("tabraft.put('k', 1)", "BAD_ARGUMENT"),
        ("tabraft.put('k', null)", "BAD_ARGUMENT"),
        ("tabraft.put('k', { toString: () => 'v' })", "BAD_ARGUMENT"),
        ("tabraft.put(7, 'v')", "BAD_ARGUMENT"),
        ("tabraft.put(['k'], 'v')", "BAD_ARGUMENT"),
        ("tabraft.get(undefined)", "BAD_ARGUMENT"),
        ("tabraft.get(Symbol('k'))", "BAD_ARGUMENT"),
        ("tabraft.delete({})", "BAD_ARGUMENT"),
        ("tabraft.cas('k', 1, 'v')", "BAD_ARGUMENT"),
        ("tabraft.scan(0)", "BAD_ARGUMENT"),
        // A lone surrogate has no UTF-8.
        ("tabraft.put('\\ud800', 'v')", "BAD_ARGUMENT"),
        // Options.
        ("tabraft.get('k', { consistency: 'maybe' })", "BAD_ARGUMENT"),
        ("tabraft.get('k', { timeoutMs: 'soon' })", "BAD_ARGUMENT"),
        ("tabraft.get('k', { timeoutMs: -1 })", "BAD_ARGUMENT"),
        ("tabraft.get('k', { timeoutMs: NaN })", "BAD_ARGUMENT"),
        ("tabraft.scan('', { limit: -1 })", "BAD_ARGUMENT"),
        ("tabraft.get('k', { node: 'two' })", "BAD_ARGUMENT"),
        ("tabraft.get('k', { node: 9 })", "NO_SUCH_NODE"),
        ("tabraft.put('k', 'wrong', { node: 9 })", "NO_SUCH_NODE"),
        // Nodes.
        ("tabraft.crash(9)", "NO_SUCH_NODE"),
        ("tabraft.start(9)", "NO_SUCH_NODE"),
        ("tabraft.stop(0)", "BAD_ARGUMENT"),
        ("tabraft.pause(9)", "NO_SUCH_NODE"),
        ("tabraft.resume(9)", "NO_SUCH_NODE"),
        ("tabraft.openTab(9)", "NO_SUCH_NODE"),
        ("tabraft.link(1, 9, { lossPct: 1 })", "NO_SUCH_NODE"),
        ("tabraft.partition([[1], [2, 9]])", "NO_SUCH_NODE"),
        ("tabraft.crash('one')", "BAD_ARGUMENT"),
        ("tabraft.crash(1.5)", "BAD_ARGUMENT"),
        ("tabraft.crash()", "BAD_ARGUMENT"),
        ("tabraft.crash(-1)", "BAD_ARGUMENT"),
        ("tabraft.crash(2 ** 60)", "BAD_ARGUMENT"),
        ("tabraft.pause(1, 'long')", "BAD_ARGUMENT"),
        ("tabraft.partition('1|23')", "BAD_ARGUMENT"),
        ("tabraft.partition([[1], [1, 2, 3]])", "BAD_ARGUMENT"),
        ("tabraft.link(1, 2, { lossPct: 'some' })", "BAD_ARGUMENT"),
        ("tabraft.link(1, 2, { lossPct: 101 })", "BAD_ARGUMENT"),
        ("tabraft.link(1, 2, { delayMs: -5 })", "BAD_ARGUMENT"),
        ("tabraft.start(1)", "ALREADY_RUNNING"),
    ];
    let mut different = vec![];
    for (call, expected) in wrong {
        match code_of(tab.run(&format!("return {call}"), Value::Null).await) {
            Ok(code) if code == expected => {}
            Ok(code) => different.push(format!("{call}: {code}, not {expected}")),
            Err(error) => different.push(format!("{call}: {error:#}, not {expected}")),
        }
    }
    ensure!(different.is_empty(), "{different:#?}");

    inside_the_limits(&tab).await?;

    // A crashed node cannot crash, a running one cannot start.
    tab.call("crash", serde_json::json!([3])).await?;
    for call in ["tabraft.crash(3)", "tabraft.pause(3)", "tabraft.stop(3)"] {
        let code = code_of(tab.run(&format!("return {call}"), Value::Null).await).context(call)?;
        ensure!(code == "NOT_RUNNING", "{call}: {code}");
    }
    tab.call("start", serde_json::json!([3])).await?;
    tab.healthy(3).await?;
    let code = code_of(tab.run("return tabraft.start(3)", Value::Null).await)?;
    ensure!(code == "ALREADY_RUNNING", "start of a running one: {code}");
    ensure!(
        tab.get("k").await?.as_deref() == Some("v"),
        "a refused call wrote something"
    );
    tab.agreement(3).await?;
    Ok(())
}

async fn inside_the_limits(tab: &Tab) -> Result<()> {
    let keys = [
        "'x'",
        "'x'.repeat(1024)",
        "'\u{e9}'.repeat(512)",
        "'\u{1F980}'.repeat(256)",
    ];
    for key in keys {
        let there =
            format!("await tabraft.put({key}, 'v'); return await tabraft.get({key}) === 'v'");
        ensure!(
            tab.run(&there, Value::Null).await? == Value::Bool(true),
            "{key}"
        );
    }
    for value in ["'x'.repeat(2 ** 20)", "'\u{e9}'.repeat(2 ** 19)"] {
        let there = format!(
            "const value = {value}; await tabraft.put('big', value);\
             return await tabraft.get('big') === value"
        );
        ensure!(
            tab.run(&there, Value::Null).await? == Value::Bool(true),
            "{value}"
        );
    }
    tab.agreement(3).await?;
    Ok(())
}

/// A bad URL parameter is named on the page, and the cluster runs with the default.
pub async fn bad_url(case: &Case) -> Result<()> {
    let bad = [
        ("nodes", "0"),
        ("nodes", "-3"),
        ("nodes", "many"),
        ("nodes", "1000000"),
        ("host", "banana"),
        ("host", "1,two"),
        ("durability", "maybe"),
        ("tick_ms", "0"),
        ("tick_ms", "fast"),
        ("snapshot_entries", "-1"),
        ("catchup_entries", "1e99"),
        ("salvage", "perhaps"),
        ("succession", "2"),
        ("revive", "sometimes"),
        ("colour", "red"),
    ];
    for (n, (name, value)) in bad.iter().enumerate() {
        let tab = case
            .open(&format!("{name}-{n}"), &format!("&{name}={value}"))
            .await?;
        tab.shows("notices", name, |it| it.contains(name)).await?;
        tab.healthy(3)
            .await
            .with_context(|| format!("{name}={value}"))?;
        tab.put("k", "v").await?;
        tab.close_unless_last().await?;
    }
    // All at once: each is named.
    let all: String = bad
        .iter()
        .map(|(name, value)| format!("&{name}={value}"))
        .collect();
    let tab = case.open("all", &all).await?;
    for (name, _) in bad {
        tab.shows("notices", name, |it| it.contains(name)).await?;
    }
    tab.healthy(3).await?;
    // And none without a reason.
    let fine = "&nodes=3&host=auto&durability=strict&tick_ms=50&snapshot_entries=10000\
                &catchup_entries=5000&salvage=on&succession=on&revive=auto";
    let tab = case.open("fine", fine).await?;
    tab.healthy(3).await?;
    let look = "return document.querySelector('[data-testid=notices]')?.innerText.trim() ?? ''";
    let notices = tab.run(look, Value::Null).await?;
    ensure!(
        notices == Value::String(String::new()),
        "it complains: {notices}"
    );
    Ok(())
}
