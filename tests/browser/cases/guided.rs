//! Experiments whose steps a person takes, with the page's own controls, as each step says.

use anyhow::{Result, ensure};
use serde_json::Value;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::eventually;

use crate::experiments::{Row, WHOLE, outcome};

/// A person takes the steps of the first experiment; the page sees them, waits for each, and comes
/// to the same outcome.
pub async fn experiment_by_hand(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&experiment=leader-crash")
        .await?;
    tab.healthy(3).await?;
    tab.press("let-me").await?;
    waits(&tab, 0, "Nothing was put yet").await?;
    tab.press("put").await?;
    done(&tab, 0).await?;
    let old = tab.status().await?;
    waits(&tab, 1, &format!("Node {} leads, and runs", old.leader)).await?;
    tab.press(&format!("crash-{}", old.leader)).await?;
    done(&tab, 2).await?;
    waits(&tab, 3, "does not run").await?;
    tab.press(&format!("start-{}", old.leader)).await?;
    let rows = holds(&tab).await?;
    ensure!(rows.len() == 3, "{rows:?}");
    // What it told is what was.
    let now = tab.healthy(3).await?;
    let term = tab.status().await?.term;
    ensure!(
        rows[0].1.contains(&format!("term {}", old.term)),
        "{rows:?}"
    );
    ensure!(
        now != old.leader || term > old.term,
        "{now} leads in term {term}"
    );
    ensure!(tab.get("greeting").await?.as_deref() == Some("hello"));
    Ok(())
}

/// A full disk, a leader without a majority and compaction, by the buttons that the steps name; and
/// an election of which the page is asked to take each step.
pub async fn experiments_by_hand(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    full_disk(&tab).await?;
    stale_leader(&tab).await?;
    compaction(&tab).await?;

    begin(&tab, "first-election").await?;
    waits(&tab, 0, "3 of 3 nodes still run").await?;
    tab.press("help-it").await?;
    done(&tab, 0).await?;
    waits(&tab, 1, "nodes run").await?;
    tab.press("help-it").await?;
    holds(&tab).await?;
    tab.agreement(3).await?;
    Ok(())
}

async fn full_disk(tab: &Tab) -> Result<()> {
    begin(tab, "full-disk").await?;
    waits(tab, 0, "All disks have room").await?;
    let victim = tab.status().await?.followers()[0];
    tab.press(&format!("more-{victim}")).await?;
    tab.press(&format!("full-disk-{victim}")).await?;
    done(tab, 0).await?;
    tab.press("put").await?;
    done(tab, 1).await?;
    tab.press(&format!("start-{victim}")).await?;
    holds(tab).await?;
    Ok(())
}

async fn stale_leader(tab: &Tab) -> Result<()> {
    begin(tab, "stale-leader").await?;
    waits(tab, 0, "Nothing was put yet").await?;
    tab.press("put").await?;
    done(tab, 0).await?;
    waits(tab, 1, "and is not cut off").await?;
    let old = tab.status().await?.leader;
    tab.press(&format!("cut-off-{old}")).await?;
    done(tab, 1).await?;
    waits(tab, 2, "The key is greeting").await?;
    tab.fill("value", "from the majority").await?;
    tab.press("put").await?;
    done(tab, 3).await?;
    waits(tab, 4, "Nodes are still apart").await?;
    tab.press("heal").await?;
    let rows = holds(tab).await?;
    ensure!(rows[2].1.contains("from the majority"), "{rows:?}");
    Ok(())
}

async fn compaction(tab: &Tab) -> Result<()> {
    begin(tab, "compaction").await?;
    waits(tab, 0, "Snapshot entries is").await?;
    let before = settings(tab).await?;
    tab.press("settings-open").await?;
    tab.fill("settings-snapshot-entries", "200").await?;
    tab.fill("settings-catchup-entries", "50").await?;
    tab.press("settings-apply").await?;
    done(tab, 0).await?;
    tab.press("put").await?;
    done(tab, 1).await?;
    waits(tab, 2, "of 1,000 entries").await?;
    tab.press("load-start").await?;
    waits(tab, 2, "press Stop").await?;
    tab.press("load-stop").await?;
    done(tab, 2).await?;
    waits(tab, 3, "All nodes run").await?;
    let victim = tab.status().await?.followers()[0];
    tab.press(&format!("crash-{victim}")).await?;
    done(tab, 3).await?;
    tab.press(&format!("start-{victim}")).await?;
    let rows = holds(tab).await?;
    ensure!(rows[0].1.contains("from the majority"), "{rows:?}");
    let after = settings(tab).await?;
    ensure!(before == after, "{before} before, {after} after");
    Ok(())
}

async fn settings(tab: &Tab) -> Result<Value> {
    tab.run("return tabraft.settings()", Value::Null).await
}

pub async fn begin(tab: &Tab, id: &str) -> Result<()> {
    tab.press(&format!("experiment-{id}")).await?;
    tab.press("let-me").await
}

/// Waits until a step waits, and says what for.
async fn waits(tab: &Tab, n: usize, words: &str) -> Result<()> {
    reads(tab, n, "Now", words).await
}

pub async fn done(tab: &Tab, n: usize) -> Result<()> {
    reads(tab, n, "Done", "").await
}

async fn reads(tab: &Tab, n: usize, state: &str, words: &str) -> Result<()> {
    eventually(&format!("step {n}: {state} {words}"), WHOLE, async || {
        let text = tab.text(&format!("step-{n}")).await?;
        let told = tab.text("experiment-told").await.unwrap_or_default();
        ensure!(
            text.starts_with(state) && text.contains(words),
            "it reads {text:?}; {told:?}"
        );
        Ok(())
    })
    .await
}

/// The outcome, all of which must hold.
async fn holds(tab: &Tab) -> Result<Vec<Row>> {
    let rows = outcome(tab).await?;
    let so = |(_, _, word): &Row| word.contains("so it is");
    ensure!(rows.iter().all(so), "{rows:?}");
    Ok(rows)
}

/// A step that acts says what a person is to do, or that the page does it; one that has neither
/// words only looks. What an experiment calls is seen in its source.
pub async fn every_step_has_words(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=1&host=none").await?;
    let look = r#"
        const calls = "put|delete|cas|crash|start|stop|pause|resume|openTab|partition|link|heal|addNode|promote|" +
            "removeNode|replace|transferLeader|snapshot|exportSnapshot|restore|disk|corrupt|wipe|configure|load|stopLoad";
        const acting = new RegExp(`\\b(?:tabraft\\.(?:${calls})|lab\\.writes|restore|fill|goOn)\\(`);
        const acts = (of) => acting.test(String(of ?? ""));
        const wrong = [];
        for (const { id, steps } of tabraftExperiments.list()) {
            for (const [n, { taker, words }] of steps.entries()) {
                const { ask, act, seen, wait, look, page, before } = tabraftExperiments.of(id).steps[n];
                const complain = (what) => wrong.push(`${id}, step ${n}: ${what}`);
                if (!look && !(ask && act && seen && wait)) complain("lacks what a person needs");
                if (acts(look) && !page) complain("acts and does not say so");
                if (acts(before)) complain("acts before it asks");
                if (acts(seen) && !/the page/i.test(ask)) complain("acts afterwards and does not say so");
                if (taker !== "nobody" && !words.endsWith(".")) complain(`its words are “${words}”`);
                if (taker === "page" && !/the page/i.test(words)) complain("does not say who acts");
            }
        }
        return wrong"#;
    let wrong: Vec<String> = tab.eval(look, Value::Null).await?;
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}
