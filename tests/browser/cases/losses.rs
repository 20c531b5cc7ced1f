//! What a browser loses of what it had stored.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tabraft_browser_tests::browser::Browser;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::storage;
use tabraft_browser_tests::wait::{SOON, eventually};

/// The header of a LevelDB record of 112 bytes, which do not follow.
const TORN: [u8; 7] = [0x11, 0x22, 0x33, 0x44, 0x70, 0x00, 0x01];

/// Chromium is killed after it wrote a record's header to its log and before the contents. It
/// appends to that log when it runs again, and by itself would delete all that the origin has at
/// the start after that. The page has it begin another log.
pub async fn torn_browser_log(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let load = Load::start(&tab, "first", Shape::default()).await?;
    load.goes_on(&case.server, 100).await?;
    case.browser.kill().await?;
    let torn = log_of(&case.browser)?;
    let mut bytes = fs::read(&torn)?;
    bytes.extend(TORN);
    fs::write(&torn, bytes)?;

    case.browser.restart().await?;
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    load::verify(&case.server, &tab, "first").await?;
    // Enough writes would leave it behind, too: here nobody writes.
    eventually("the torn log to be left behind", SOON, async || {
        ensure!(!torn.exists(), "it is there");
        Ok(())
    })
    .await?;
    let load = Load::start(&tab, "second", Shape::default()).await?;
    load.goes_on(&case.server, 100).await?;
    case.browser.kill().await?;

    case.browser.restart().await?;
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    for load in ["first", "second"] {
        load::verify(&case.server, &tab, load).await?;
    }
    Ok(())
}

/// The log that Chromium's IndexedDB writes to.
fn log_of(browser: &Browser) -> Result<PathBuf> {
    let logs = browser.storage_logs();
    let folder = logs.first().and_then(|it| it.parent());
    let folder = folder.context("this browser has no LevelDB")?;
    let files = fs::read_dir(folder)?.flatten().map(|it| it.path());
    let log = files.filter(|it| it.extension().is_some_and(|it| it == "log"));
    log.max()
        .with_context(|| format!("no log in {}", folder.display()))
}

/// All databases of a cluster are gone at once. It begins anew, and the page says what happened.
pub async fn lost_databases(case: &Case) -> Result<()> {
    let other = case.open("other", "&nodes=1&host=auto").await?;
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("a", "1").await?;
    let before = storage::registry(&other, &tab.status().await?.cluster).await?;
    let name = tab.status().await?.cluster;
    tab.close().await?;
    let delete = "for (const { name } of await indexedDB.databases()) {
          if (name !== `tabraft:${args}` && !name.startsWith(`tabraft:${args}:`)) continue;
          await new Promise((ok, fail) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = ok;
            request.onerror = () => fail(request.error);
          });
        }";
    other.run(delete, json!(name)).await?;

    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.shows("notices", "that it was lost", |it| {
        it.contains(&name) && it.contains("is gone")
    })
    .await?;
    tab.healthy(3).await?;
    ensure!(storage::registry(&other, &name).await? != before);
    ensure!(tab.get("a").await?.is_none(), "the old cluster's value");
    tab.put("a", "2").await?;
    // It is said once.
    tab.reload().await?;
    tab.healthy(3).await?;
    ensure!(tab.get("a").await?.as_deref() == Some("2"));
    let look = "return document.querySelector('[data-testid=notices]')?.innerText ?? ''";
    let notices: String = tab.eval(look, json!(null)).await?;
    ensure!(!notices.contains("is gone"), "{notices}");
    Ok(())
}
