//! How the pages of an etcd look, and whether they keep anybody from using them. The pictures are kept
//! in `target/screenshots/`.

use anyhow::Result;
use serde_json::Value;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::etcd::Trio;

use super::accessible::look;
use super::etcd::{leave, open};
use super::page_states::whole;

/// The page of an etcd under load, with a member missing, and of one that cannot be reached; a page of
/// tabs while pairs are moved, and afterwards.
pub async fn etcd_pages(case: &Case) -> Result<()> {
    let mut trio = Trio::start(&["--cors=*"]).await?;
    let leader = trio.healthy().await?;
    let tab = open(case, &trio.urls()).await?;
    let fill = "for (let n = 0; n < 40; n++) await tabraft.put(`fruit/${n}`, `a value ${n}`);\
                await tabraft.put('bytes', new window.Uint8Array([0, 255, 10, 128]))";
    tab.run(fill, Value::Null).await?;
    tab.bring_axe().await?;
    tab.press("put").await?;
    tab.press("load-start").await?;
    tab.shows("load-done", "some operations", |it| {
        it.parse().is_ok_and(|done: u64| done > 100)
    })
    .await?;
    look(&tab, "etcd").await?;
    whole(&tab, "etcd").await?;
    trio.kill(leader).await?;
    tab.shows("badge", "a member is missed", |it| it == "DEGRADED")
        .await?;
    look(&tab, "etcd without a member").await?;
    whole(&tab, "etcd-degraded").await?;
    tab.press("load-stop").await?;
    tab.shows("load-told", "what it came to", |it| {
        it.contains("operations acknowledged in")
    })
    .await?;
    trio.run(leader)?;
    trio.healthy().await?;
    leave(case, &[&tab]).await?;

    let tabs = case.open("main", "&nodes=3&host=auto").await?;
    tabs.healthy(3).await?;
    tabs.fill("endpoints", &trio.urls()).await?;
    tabs.fill("moving-prefix", "house/").await?;
    whole(&tabs, "etcd-moving-idle").await?;
    let fill = "const lane = async (from) => {\
                    for (let n = from; n < 3000; n += 100) await tabraft.put(`house/${n}`, 'x'.repeat(100));\
                };\
                await Promise.all(Array.from({ length: 100 }, (_, n) => lane(n)))";
    tabs.run(fill, Value::Null).await?;
    tabs.press("export-to").await?;
    tabs.shows("moving-told", "what was copied", |it| {
        it.contains("3,000 pairs")
    })
    .await?;
    tabs.press("beside").await?;
    tabs.shows("sides", "both measured", |it| {
        it.matches("Linearizable").count() == 2
    })
    .await?;
    tabs.bring_axe().await?;
    look(&tabs, "etcd moving").await?;
    whole(&tabs, "etcd-moving-done").await?;
    // What went wrong stays where it was begun.
    tabs.fill("endpoints", "http://127.0.0.1:1").await?;
    tabs.press("import-from").await?;
    tabs.shows("moving-told", "why it is not done", |it| {
        it.contains("does not answer")
    })
    .await?;
    whole(&tabs, "etcd-moving-refused").await?;
    case.forget_errors().await?;
    trio.end().await
}
