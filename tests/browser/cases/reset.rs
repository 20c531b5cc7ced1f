//! Everything is reset: named first, deleted for all tabs at once, and never half of it called done.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::{Tab, code_of, error_of};
use tabraft_browser_tests::wait::{SOON, all_along, eventually};

/// Longer than a deletion waits for a database that is held open.
const BLOCKED: Duration = Duration::from_secs(40);

/// What others on this site keep stays as it is.
const FOREIGN: &str = r#"
    localStorage.setItem("other", "1");
    await new Promise((ok, fail) => {
        const opening = indexedDB.open("other");
        opening.onsuccess = () => { opening.result.close(); ok(); };
        opening.onerror = () => fail(opening.error);
    });
    await (await caches.open("other")).put("/x", new Response("x"));
"#;

/// Keys of the site's storage and names of its caches.
async fn kept(tab: &Tab) -> Result<(Vec<String>, Vec<String>)> {
    let look = "return [Object.keys(localStorage).sort(), await caches.keys()]";
    tab.eval(look, Value::Null).await
}

async fn said(tab: &Tab, words: &str) -> Result<String> {
    tab.shows("reset-said", words, |it| it.contains(words))
        .await
}

/// Two clusters, four tabs with hosts and a client. The page names all there is and asks; then
/// nothing of it is left, no tab goes on or makes anything anew, and each says so. What is not
/// tabraft's stays. A tab that starts anew has an empty cluster.
pub async fn reset_everything(case: &Case) -> Result<()> {
    let [one, two, three] = case.open_three("main", "").await?;
    let other = case.open("more", "&nodes=1&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    other.healthy(1).await?;
    client.healthy(3).await?;
    client.put("k", "v").await?;
    client.run(FOREIGN, Value::Null).await?;
    let cluster = client.status().await?.cluster;
    let more = other.status().await?.cluster;

    let listed = client.call("reset", json!([])).await?;
    let names = |what: &str| listed[what].to_string();
    for name in [&cluster, &more] {
        ensure!(
            names("databases").contains(&format!("\"tabraft:{name}\"")),
            "{listed}"
        );
        ensure!(
            names("databases").contains(&format!("\"tabraft:{name}:1\"")),
            "{listed}"
        );
        ensure!(
            names("stored").contains(&format!("tabraft:{name}:identity")),
            "{listed}"
        );
    }
    ensure!(!names("databases").contains("other") && !names("stored").contains("other"));
    ensure!(listed["otherTabs"] == json!(4), "{listed}");
    ensure!(
        client.get("k").await?.as_deref() == Some("v"),
        "it was deleted unasked"
    );

    client.press("reset").await?;
    let asked = client
        .shows("reset-list", "what will be lost", |it| {
            it.contains("all that nodes 1, 2, 3 stored")
        })
        .await?;
    ensure!(
        asked.contains(&format!(
            "Cluster {more}: its record, and all that node 1 stored."
        )) && asked.contains("4 other tabs of this site will be ended"),
        "{asked}"
    );
    client.press("reset-keep").await?;
    ensure!(!client.has("reset-list").await?);
    client.press("reset").await?;
    client.press("reset-confirm").await?;
    for tab in [&client, &one, &two, &three, &other] {
        said(tab, "Everything was reset.").await?;
        let code = code_of(tab.put("k", "again").await)?;
        ensure!(code == "RESET", "{code}");
    }
    all_along("nothing comes back", Duration::from_secs(3), async || {
        let left = storage::databases(&client).await?;
        ensure!(left == ["other"], "{left:?}");
        let (stored, caches) = kept(&client).await?;
        ensure!(
            stored == ["other"] && caches == ["other"],
            "{stored:?} {caches:?}"
        );
        Ok(())
    })
    .await?;

    other.press("start-anew").await?;
    other.ready().await?;
    other.healthy(1).await?;
    ensure!(!other.has("reset-said").await? || other.text("reset-said").await?.is_empty());
    ensure!(other.get("k").await?.is_none(), "something is left");
    client.press("start-anew").await?;
    client.ready().await?;
    let notices: Vec<String> = client
        .eval(
            "return [...document.querySelectorAll('.notice')].map((it) => it.innerText)",
            Value::Null,
        )
        .await?;
    ensure!(notices.is_empty(), "{notices:?}");
    Ok(())
}

/// A database that somebody holds open is named, and the rest is deleted. A tab that does not
/// answer keeps everything from being deleted. A page that is opened meanwhile waits.
pub async fn reset_half_done(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("k", "v").await?;
    let before = storage::databases(&tab).await?;
    ensure!(before.len() == 4, "{before:?}");

    let frozen = case.open("main", "&nodes=3&host=none").await?;
    let hold = "navigator.locks.request('tabraft:reset', { mode: 'shared' },\
                    () => new Promise((done) => { window.letGo = done; }))";
    frozen.run(&format!("{{ {hold} }}"), Value::Null).await?;
    let error = error_of(tab.call("reset", json!([{ "confirm": true }])).await)?;
    ensure!(error.code == "TABS_SILENT", "{error}");
    ensure!(
        storage::databases(&tab).await? == before,
        "something was deleted"
    );
    for it in [&tab, &frozen] {
        said(it, "Nothing was deleted.").await?;
    }
    tab.press("start-anew").await?;
    tab.ready().await?;
    tab.healthy(3).await?;
    ensure!(
        tab.get("k").await?.as_deref() == Some("v"),
        "the write is gone"
    );

    // The frozen tab is gone, and somebody else holds a database.
    frozen.close().await?;
    let cluster = tab.status().await?.cluster;
    let name = format!("tabraft:{cluster}:2");
    let keep = "await new Promise((ok, fail) => {\
                    const opening = indexedDB.open(args);\
                    opening.onsuccess = () => { window.kept = opening.result; ok(); };\
                    opening.onerror = () => fail(opening.error);\
                })";
    tab.run(keep, json!(name)).await?;
    let reset = tab
        .begin("return tabraft.reset({ confirm: true })", Value::Null)
        .await?;
    eventually("the reset to begin", SOON, async || {
        ensure!(tab.text("reset-said").await? == "Everything is being deleted.");
        Ok(())
    })
    .await?;
    let error = error_of(reset.outcome(BLOCKED).await)?;
    ensure!(
        error.code == "RESET_INCOMPLETE" && error.message.contains(&format!("{name}: Another tab")),
        "{error}"
    );
    said(&tab, "Not everything was deleted.").await?;
    let more = tab.text("reset-more").await?;
    ensure!(
        more.contains("Deleted: 3 databases,") && more.contains(&name),
        "{more}"
    );
    tab.run("window.kept.close()", Value::Null).await?;
    Ok(())
}
