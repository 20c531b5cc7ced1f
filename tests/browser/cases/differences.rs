//! Where replicas differ, in the table of keys.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// A follower that is paused or cut off has older values, lacks keys, and has some still: each row
/// says so, and the sentence counts them. When it has caught up nothing is marked any more.
pub async fn replicas_differ(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("a", "1").await?;
    tab.put("b", "1").await?;
    tab.agreement(3).await?;
    row(&tab, "b", "1").await?;
    ensure!(!says(&tab, "b").await?.contains("same"), "nobody asked");
    tab.press("keys-compare").await?;
    all_hold(&tab, "2 keys").await?;
    for key in ["a", "b"] {
        row(&tab, key, "= same").await?;
    }

    // It answers nobody, and what it had is known.
    let follower = tab.status().await?.followers()[0];
    tab.call("pause", json!([follower])).await?;
    tab.sees("the pause", |it| Ok(it.node(follower)?.state == "paused"))
        .await?;
    tab.put("a", "2").await?;
    tab.put("c", "3").await?;
    tab.call("delete", json!(["b"])).await?;
    let node = format!("node {follower}");
    row(&tab, "a", &format!("≠ {node}: older")).await?;
    row(&tab, "b", &format!("≠ {node}: still there")).await?;
    row(&tab, "c", &format!("≠ {node}: not there")).await?;
    let begin = format!("Node {follower} is paused, ");
    let end = " behind: 3 of 3 keys differ.";
    tab.shows("keys-compared", end, |it| {
        it.starts_with(&begin) && it.ends_with(end)
    })
    .await?;
    ensure!(value(&tab, "a").await? == format!("Node {follower} has “1”."));

    tab.call("resume", json!([follower])).await?;
    all_hold(&tab, "2 keys").await?;
    row(&tab, "a", "= same").await?;
    row(&tab, "c", "= same").await?;
    ensure!(tab.row("b").await?.is_none(), "it is still marked");

    // One that runs is asked: of another prefix nothing is known yet.
    let others: Vec<u64> = (1..=3).filter(|id| *id != follower).collect();
    tab.call("partition", json!([[[follower], others]])).await?;
    tab.put("a", "4").await?;
    tab.fill("prefix", "a").await?;
    row(&tab, "a", &format!("≠ {node}: older")).await?;
    ensure!(value(&tab, "a").await? == format!("Node {follower} has “2”."));
    let words = "behind: 1 of 1 key differs.";
    tab.shows("keys-compared", words, |it| it.contains(words))
        .await?;
    tab.call("heal", json!([])).await?;
    all_hold(&tab, "2 keys").await?;
    row(&tab, "a", "= same").await
}

async fn all_hold(tab: &Tab, keys: &str) -> Result<()> {
    let words = format!("All 3 replicas hold the same {keys}, by their digests.");
    tab.shows("keys-compared", &words, |it| it == words).await?;
    Ok(())
}

/// Waits until the row of a key says so.
async fn row(tab: &Tab, key: &str, words: &str) -> Result<()> {
    eventually(words, SOON, async || {
        let text = says(tab, key).await?;
        ensure!(text.contains(words), "the row of {key} is {text:?}");
        Ok(())
    })
    .await
}

async fn says(tab: &Tab, key: &str) -> Result<String> {
    tab.row(key)
        .await?
        .with_context(|| format!("no row of {key}"))
}

/// What the title of the marks of a key says.
async fn value(tab: &Tab, key: &str) -> Result<String> {
    let look = "const rows = [...document.querySelectorAll('[data-testid=keys] [data-key]')];\
                return rows.find((it) => it.dataset.key === args).querySelector('.marks').title";
    tab.eval(look, json!(key)).await
}
