//! All that can be done to the cluster as such, by a person who has a mouse and reads.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// Snapshot, learner, promotion, transfer, removal, wiping, saving, restoring, replacing: each by
/// the page's buttons, each with its result in words.
pub async fn from_the_page(case: &Case) -> Result<()> {
    let query = "&nodes=3&host=auto&revive=manual";
    let tab = case.open("main", query).await?;
    let leader = tab.healthy(3).await?;
    for key in ["apple", "banana", "cherry"] {
        tab.fill("key", key).await?;
        tab.fill("value", "ripe").await?;
        tab.press("put").await?;
        tab.shows("result", "a write", |it| it.contains("Written at index"))
            .await?;
    }
    for id in 1..=3 {
        tab.press(&format!("more-{id}")).await?;
    }

    tab.press(&format!("snapshot-{leader}")).await?;
    card_says(&tab, leader, "Snapshot taken at index").await?;

    tab.press("add-learner").await?;
    says(&tab, "cluster-told", "Node 4 has joined").await?;
    tab.shows("node-4/role", "a learner", |it| {
        let role = it.to_lowercase();
        role.contains("learner") || role.contains("listener")
    })
    .await?;
    tab.press("more-4").await?;
    tab.press("promote-4").await?;
    card_says(&tab, 4, "It is a voter.").await?;
    tab.press("transfer-4").await?;
    card_says(&tab, 4, "It leads.").await?;
    tab.shows("sentence", "who leads", |it| it.contains("Node 4 leads"))
        .await?;

    // A question first, and an answer that changes nothing.
    tab.press("remove-1").await?;
    tab.press("keep-remove-1").await?;
    ensure!(tab.status().await?.node(1)?.member, "removed all the same");
    tab.press("remove-1").await?;
    tab.press("confirm-remove-1").await?;
    says(&tab, "node-1/problem", "was removed from the cluster").await?;
    tab.press("wipe-1").await?;
    tab.press("confirm-wipe-1").await?;
    eventually("its card to be gone", SOON, async || {
        ensure!(!tab.has("node-1").await?, "{}", tab.text("node-1").await?);
        Ok(())
    })
    .await?;

    // Damage, and a new node in its place.
    tab.press("stop-2").await?;
    card_says(&tab, 2, "Stopped.").await?;
    tab.press("damage-wal-2").await?;
    tab.press("confirm-damage-wal-2").await?;
    card_says(&tab, 2, "One bit of the last record is flipped.").await?;
    tab.press("start-2").await?;
    says(&tab, "node-2/problem", "damaged").await?;
    tab.press("replace-2").await?;
    tab.press("confirm-replace-2").await?;
    tab.sees("its successor", |it| Ok(it.voters()? == [3, 4, 5]))
        .await?;
    tab.shows("node-5/role", "a follower", |it| {
        it.to_lowercase().contains("follower")
    })
    .await?;

    let file = save(case, &tab).await?;
    tab.press("restore").await?;
    tab.choose_file("restore-file", &file).await?;
    let cluster = format!("{}-again", tab.status().await?.cluster);
    tab.fill("restore-name", &cluster).await?;
    tab.press("restore-go").await?;
    says(&tab, "restore-told", "Restored: 3 keys").await?;
    let databases = storage::databases(&tab).await?;
    ensure!(databases.contains(&format!("tabraft:{cluster}")));
    let restored = case.open("main-again", query).await?;
    restored.healthy(3).await?;
    ensure!(restored.get("cherry").await?.as_deref() == Some("ripe"));
    // Once more under that name: refused, in words.
    tab.press("restore-go").await?;
    says(&tab, "restore-told", "CLUSTER_EXISTS").await?;

    tab.put("after all", "1").await?;
    tab.agreement(3).await?;
    for key in ["apple", "banana", "cherry"] {
        ensure!(tab.get_stale(key, 5).await?.as_deref() == Some("ripe"));
    }
    Ok(())
}

async fn says(tab: &Tab, name: &str, words: &str) -> Result<()> {
    tab.shows(name, words, |it| it.contains(words)).await?;
    Ok(())
}

async fn card_says(tab: &Tab, id: u64, words: &str) -> Result<()> {
    says(tab, &format!("node-{id}"), words).await
}

/// Presses the button that saves, and returns the file.
async fn save(case: &Case, tab: &Tab) -> Result<PathBuf> {
    let folder = case.folder().join("downloads");
    std::fs::create_dir_all(&folder)?;
    {
        let driver = tab.browser.driver_at(&tab.window).await?;
        let allow = json!({ "behavior": "allow", "downloadPath": folder });
        let _: Value = driver
            .cdp()
            .send_raw("Browser.setDownloadBehavior", allow)
            .await?;
    }
    tab.press("export").await?;
    let text = tab
        .shows("cluster-told", "the file's name", |it| {
            it.contains("Saved as")
        })
        .await?;
    eventually("the file", SOON, async || {
        let entry = std::fs::read_dir(&folder)?.next().context("no file")??;
        let name = entry.file_name().to_string_lossy().into_owned();
        ensure!(text.contains(&name), "{name:?}, but the page says {text:?}");
        ensure!(entry.metadata()?.len() > 0, "an empty file");
        Ok(entry.path())
    })
    .await
}
