//! One entry of the log: what it is on each node, and when it went through each step.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::{Tab, code_of};
use tabraft_browser_tests::wait::{SOON, eventually};
use thirtyfour::Key;

/// Entries in sight of a log that is shorter.
const IN_SIGHT: f64 = 48.0;
/// The rows of the table of steps.
const STEPS: usize = 6;

#[derive(Debug, Deserialize)]
struct EntryAt {
    node: u64,
    kind: String,
    term: u64,
    bytes: u64,
    text: String,
}

/// A click on an entry, or Enter, shows what it is and its steps on each node: of every kind of
/// entry, of one that nodes disagree about, and of one that is older than what a node remembers.
/// Nobody is asked before that, nor while the past is shown.
pub async fn entry_of_the_log(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let leader = tab.healthy(3).await?;
    let written = tab.put("greeting", "hello").await?;
    let index = written["index"].as_u64().context("no index")?;
    tab.agreement(3).await?;

    click(&tab, index).await?;
    let told = is(&tab, index, "put “greeting” = “hello”").await?;
    ensure!(told.starts_with("Nodes 1, 2 and 3: "), "{told}");
    ensure!(
        told.contains(&format!("Term {}", written["term"])),
        "{told}"
    );
    // Every step of the leader, in their order but for the disk; the followers answer nobody.
    let table = steps(&tab).await?;
    ensure!(table.len() == STEPS, "{table:?}");
    for (n, row) in table.iter().enumerate() {
        for (id, cell) in (1..).zip(&row[1..]) {
            let known = cell.parse::<f64>().is_ok();
            let due = id == leader || !matches!(n, 2 | 5);
            ensure!(known == due, "step {n} of node {id}: {table:?}");
        }
    }
    tab.press("entry-close").await?;
    ensure!(!open(&tab).await?, "it does not close");

    by_keys(&tab).await?;
    every_kind(&tab).await?;
    disagreed(&tab).await?;
    forgotten(&tab, index).await?;
    of_the_past(&tab).await?;
    ensure!(code_of(tab.call("entry", json!([0])).await)? == "BAD_ARGUMENT");
    Ok(())
}

/// The first entries of any log; the cursor alone asks for nothing.
async fn by_keys(tab: &Tab) -> Result<()> {
    let focus = "document.querySelector('[data-testid=log-cursor]').focus()";
    tab.run(focus, Value::Null).await?;
    for key in [Key::Home, Key::Right, Key::Left] {
        tab.type_keys(&key.value().to_string()).await?;
    }
    let look = "return document.querySelector('[data-testid=log-cursor]').ariaValueText";
    eventually("the cursor to move", SOON, async || {
        let at: String = tab.eval(look, Value::Null).await?;
        ensure!(at.starts_with("Entry 2: term "), "{at}");
        Ok(())
    })
    .await?;
    ensure!(!open(tab).await?, "it asks before anybody chose");
    tab.type_keys(&Key::Enter.value().to_string()).await?;
    is(tab, 2, "the empty entry that a new leader").await?;
    tab.press("entry-before").await?;
    is(tab, 1, "compacted: the snapshot at 1").await?;
    tab.press("entry-after").await?;
    tab.press("entry-after").await?;
    is(tab, 3, "opens a client's session").await?;
    tab.run(focus, Value::Null).await?;
    tab.type_keys(&Key::Escape.value().to_string()).await?;
    eventually("it to close", SOON, async || {
        ensure!(!open(tab).await?, "it is open");
        Ok(())
    })
    .await
}

async fn every_kind(tab: &Tab) -> Result<()> {
    let long = "ü".repeat(3_000);
    for (call, args, text) in [
        ("put", json!(["long", long]), "…” (6000 bytes)"),
        (
            "cas",
            json!(["n", null, "1"]),
            "put “n” = “1” if it is nothing",
        ),
        ("delete", json!(["<b>bold</b>"]), "delete “<b>bold</b>”"),
    ] {
        let index = tab.call(call, args).await?["index"].as_u64();
        let index = index.context("no index")?;
        let found = entry(tab, index).await?;
        ensure!(found.len() == 3, "{found:?}");
        ensure!(
            found
                .iter()
                .any(|it| it.kind == call && it.text.contains(text) && it.bytes > 64),
            "{found:?}"
        );
        click(tab, index).await?;
        is(tab, index, text).await?;
    }
    let before = last(tab).await?;
    tab.call("addNode", json!([])).await?;
    let joined = tab.agreement(4).await?.applied;
    let mut changes = vec![];
    for index in before + 1..=joined {
        let found = entry(tab, index).await?;
        changes.extend(
            found
                .into_iter()
                .filter(|it| it.kind == "membership" && it.node == 1),
        );
    }
    let texts: Vec<_> = changes.iter().map(|it| it.text.as_str()).collect();
    ensure!(
        texts.contains(&"node 4 becomes a learner") && texts.contains(&"node 4 becomes a voter"),
        "{texts:?}"
    );
    let beyond = entry(tab, joined + 1_000).await?;
    ensure!(
        beyond
            .iter()
            .all(|it| it.kind == "none" && it.term == 0 && it.text.contains("ends at")),
        "{beyond:?}"
    );
    Ok(())
}

/// What only a leader that is cut off has, and the others' entry of the same index.
async fn disagreed(tab: &Tab) -> Result<()> {
    let leader = tab.healthy(4).await?;
    let others: Vec<u64> = (1..=4).filter(|id| *id != leader).collect();
    let index = last(tab).await? + 1;
    tab.call("partition", json!([[[leader], others]])).await?;
    let alone = json!(["who", "alone", { "node": leader, "timeoutMs": 300 }]);
    ensure!(code_of(tab.call("put", alone).await)? == "TIMEOUT");
    let (next, term) = tab.leader_other_than(&[leader]).await?;
    tab.call("put", json!(["who", "others", { "node": next }]))
        .await?;
    click(tab, index).await?;
    let told = is(tab, index, &format!("Node {leader}: put “who” = “alone”")).await?;
    ensure!(told.contains(&format!("Term {term}")), "{told}");
    ensure!(told.matches("Term ").count() >= 2, "{told}");
    tab.press("heal").await?;
    tab.healthy(4).await?;
    tab.agreement(4).await?;
    let found = entry(tab, index).await?;
    let same = |it: &EntryAt| it.term == term && !it.text.contains("alone");
    ensure!(found.iter().all(same), "{found:?}");
    Ok(())
}

/// A node that was started again has the entry, and does not know when it came.
async fn forgotten(tab: &Tab, index: u64) -> Result<()> {
    let victim = tab.status().await?.followers()[0];
    tab.press(&format!("crash-{victim}")).await?;
    tab.sees("its end", |status| {
        Ok(status.node(victim)?.state == "stopped")
    })
    .await?;
    click(tab, index).await?;
    let words = format!("Node {victim} was not asked");
    tab.shows("entry-told", &words, |it| it.contains(&words))
        .await?;
    tab.press(&format!("start-{victim}")).await?;
    tab.healthy(4).await?;
    click(tab, index).await?;
    eventually("what it forgot", SOON, async || {
        let table = steps(tab).await?;
        let cells: Vec<&String> = table.iter().map(|row| &row[victim as usize]).collect();
        ensure!(
            cells.iter().filter(|it| *it == &"earlier").count() >= 3,
            "{table:?}"
        );
        let known = table[3].iter().filter(|it| it.parse::<f64>().is_ok());
        ensure!(known.count() >= 2, "{table:?}");
        // Who leads now did not send it: that was the first leader, long ago.
        let sent = table[2].iter().filter(|it| it.parse::<f64>().is_ok());
        ensure!(sent.count() <= 1, "{table:?}");
        Ok(())
    })
    .await
}

/// While the past is shown nobody is asked: it says what is known, and asks when the present is back.
async fn of_the_past(tab: &Tab) -> Result<()> {
    let focus = "document.querySelector(`[data-testid=${args}]`).focus()";
    tab.run(focus, json!("timeline-slider")).await?;
    for key in [Key::PageDown, Key::PageDown] {
        tab.type_keys(&key.value().to_string()).await?;
    }
    eventually("the past", SOON, async || {
        ensure!(tab.has("past").await?, "the present is shown");
        Ok(())
    })
    .await?;
    tab.run(focus, json!("log-cursor")).await?;
    tab.type_keys(&Key::Enter.value().to_string()).await?;
    let words = "only of the live cluster";
    tab.shows("entry", words, |it| it.contains(words)).await?;
    ensure!(!tab.has("entry-steps").await?, "somebody was asked");
    tab.press("live").await?;
    eventually("its steps", SOON, async || {
        ensure!(tab.has("entry-steps").await?, "nobody is asked");
        Ok(())
    })
    .await?;
    ensure!(steps(tab).await?.len() == STEPS);
    Ok(())
}

/// Clicks an entry until it is the one that is shown: what is told above may move the logs.
async fn click(tab: &Tab, index: u64) -> Result<()> {
    let title = format!("Entry {index}");
    eventually(&title, SOON, async || {
        let look = "const range = document.querySelector('[data-testid=logs-range]').textContent;
            return parseInt(range.replaceAll(',', ''), 10)";
        let first: f64 = tab.eval(look, Value::Null).await?;
        let part = (index as f64 - first + 0.5) / IN_SIGHT;
        tab.press_at("log-cursor", part).await?;
        let look = "return document.querySelector('[data-testid=entry] h3').textContent";
        let shown: String = tab.eval(look, Value::Null).await?;
        ensure!(shown == title, "it shows {shown:?}");
        Ok(())
    })
    .await
}

/// Waits until an entry is shown, with these words. Returns all of what it is.
async fn is(tab: &Tab, index: u64, words: &str) -> Result<String> {
    let title = format!("Entry {index}");
    tab.shows("entry", &title, |it| it.starts_with(&title))
        .await?;
    tab.shows("entry-is", words, |it| it.contains(words)).await
}

async fn open(tab: &Tab) -> Result<bool> {
    let look = "return !document.querySelector('[data-testid=entry]').hidden";
    tab.eval(look, Value::Null).await
}

/// The cells of the table of steps.
async fn steps(tab: &Tab) -> Result<Vec<Vec<String>>> {
    let look = "const rows = document.querySelectorAll('[data-testid=entry-steps] tbody tr');
        return [...rows].map((row) => [...row.cells].map((it) => it.innerText))";
    tab.eval(look, Value::Null).await
}

async fn entry(tab: &Tab, index: u64) -> Result<Vec<EntryAt>> {
    tab.eval("return tabraft.entry(args)", json!(index)).await
}

/// The newest entry of any node.
async fn last(tab: &Tab) -> Result<u64> {
    let look = "return Math.max(...(await tabraft.status()).nodes.map((it) => it.lastIndex))";
    tab.eval(look, Value::Null).await
}
