//! The timeline: what was, and a moment of it shown again.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};
use thirtyfour::Key;

/// What the timeline has of a node: the terms it led in, and the kinds of its marks. It is drawn
/// while it is in sight.
async fn row(tab: &Tab, node: u64) -> Result<(Vec<u64>, Vec<String>)> {
    let look = "const row = document.querySelector(`[data-testid=timeline-${args}]`);\
                row?.scrollIntoView({ block: 'center' });\
                const of = (what, key) => [...(row?.querySelectorAll(what) ?? [])].map((it) => it.dataset[key]);\
                return [of('[data-phase=leads]', 'term').map(Number), of('[data-kind]', 'kind')]";
    tab.eval(look, json!(node)).await
}

/// What the slider tells of itself.
async fn value(tab: &Tab) -> Result<String> {
    let look = "return document.querySelector('[data-testid=timeline-slider]').ariaValueText";
    tab.eval(look, Value::Null).await
}

/// Presses a key on the slider.
async fn key(tab: &Tab, key: Key) -> Result<()> {
    let focus = "document.querySelector('[data-testid=timeline-slider]').focus()";
    tab.run(focus, Value::Null).await?;
    let driver = tab.browser.driver_at(&tab.window).await?;
    driver.active_element().await?.send_keys("" + key).await?;
    Ok(())
}

/// What map, log and card show of a node.
async fn views(tab: &Tab, node: u64) -> Result<[String; 3]> {
    let look = "const text = (what) => document.querySelector(what)?.textContent ?? 'nothing';\
                const map = [...document.querySelectorAll('.map g.node')].map((it) => it.textContent);\
                return [map.find((it) => it.startsWith(args)) ?? 'nothing',\
                        text(`[data-testid=log-${args}] .unseen`),\
                        text(`[data-testid=node-${args}] [data-testid=role]`)]";
    tab.eval(look, json!(node.to_string())).await
}

/// A leader crashes: the timeline has its band, the mark and the band of the next. A moment before
/// the crash is shown again by sentence, map, log and card, in words that say it is the past, while
/// actions act now; and *Live* shows the present.
pub async fn look_back(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let old = tab.healthy(3).await?;
    let term = tab.status().await?.term;
    for n in 0..20 {
        tab.put("k", &n.to_string()).await?;
    }
    tab.agreement(3).await?;
    tab.press("zoom-30s").await?;
    eventually("the band of the leader", SOON, async || {
        let (terms, _) = row(&tab, old).await?;
        ensure!(terms == [term], "{terms:?}, but term {term} was led");
        // For some seconds, so that there is a moment to go back to.
        let look = "const band = `[data-testid=timeline-${args}] [data-phase=leads]`;\
                    return parseFloat(document.querySelector(band).style.width)";
        let percent: f64 = tab.eval(look, json!(old)).await?;
        ensure!(percent > 10.0, "{percent} % of 30 s");
        Ok(())
    })
    .await?;
    ensure!(value(&tab).await? == "Live");
    tab.shows("sentence", "the leader", |it| {
        it.contains(&format!("Node {old} leads in term {term}"))
    })
    .await?;

    tab.press(&format!("crash-{old}")).await?;
    let (new, next) = tab.leader_other_than(&[old]).await?;
    tab.put("k", "after").await?;
    eventually("the crash and the next leader", SOON, async || {
        let (terms, marks) = row(&tab, old).await?;
        ensure!(
            terms == [term] && marks.contains(&"crashed".to_owned()),
            "{terms:?} {marks:?}"
        );
        let (terms, _) = row(&tab, new).await?;
        ensure!(terms == [next], "{terms:?}, but term {next} was led");
        let look =
            "return document.querySelector(`[data-testid=timeline-${args}] .unseen`).textContent";
        let words: String = tab.eval(look, json!(old)).await?;
        ensure!(
            words.contains(&format!("leader of term {term} from")),
            "{words}"
        );
        ensure!(
            words.contains(&format!("Node {old} was crashed.")),
            "{words}"
        );
        Ok(())
    })
    .await?;
    let drawn =
        "return document.querySelector('[data-testid=timeline-writes] path').getAttribute('d')";
    let chart: String = tab.eval(drawn, Value::Null).await?;
    ensure!(!chart.is_empty(), "no writes are drawn");
    ensure!(
        !tab.has("past").await?,
        "the past is shown without a reason"
    );

    // To the crash, and a step before it.
    key(&tab, Key::PageDown).await?;
    eventually("the last mark to be shown", SOON, async || {
        let value = value(&tab).await?;
        ensure!(value != "Live", "{value}");
        Ok(())
    })
    .await?;
    key(&tab, Key::Left).await?;
    key(&tab, Key::Left).await?;
    let then = format!("Node {old} leads in term {term}");
    let sentence = tab
        .shows("sentence", &then, |it| it.contains(&then))
        .await?;
    ensure!(sentence.contains("as of "), "{sentence}");
    let said = value(&tab).await?;
    ensure!(said.contains(" ago. ") && said.contains(&then), "{said}");
    let [map, log, role] = views(&tab, old).await?;
    ensure!(
        map.contains("leader") && map.contains(&format!("term {term}")),
        "{map}"
    );
    ensure!(log.contains(&format!("term {term} from")), "{log}");
    ensure!(role == "leader", "{role}");
    let [map, log, role] = views(&tab, new).await?;
    ensure!(
        map.contains("follower") && role == "follower",
        "{map}, {role}"
    );
    ensure!(!log.contains(&format!("term {next} ")), "{log}");
    tab.shows("past-moment", "which moment it is", |it| {
        it.starts_with("Showing ") && (it.ends_with(" ago") || it.ends_with("just now"))
    })
    .await?;

    // An action acts now, and what came of it is shown when one is back.
    tab.press(&format!("start-{old}")).await?;
    tab.healthy(3).await?;
    let sentence = tab.text("sentence").await?;
    ensure!(sentence.contains(&then), "the past went by: {sentence}");
    tab.press("live").await?;
    let now = tab.healthy(3).await?;
    let words = format!("Node {now} leads in term");
    let sentence = tab
        .shows("sentence", &words, |it| it.contains(&words))
        .await?;
    ensure!(
        !sentence.contains("as of ") && !sentence.contains(&then),
        "{sentence}"
    );
    let [map, log, _] = views(&tab, now).await?;
    ensure!(map.contains("leader"), "{map}");
    ensure!(log.contains(&format!("term {next} ")), "{log}");
    ensure!(value(&tab).await? == "Live" && !tab.has("past").await?);

    // By pointer, into the time when the first one led.
    let click = "const it = document.querySelector(`[data-testid=timeline-${args}] [data-phase=leads]`).getBoundingClientRect();\
                 const slider = document.querySelector('[data-testid=timeline-slider]');\
                 const at = { clientX: it.left + it.width / 2, clientY: it.top + 4, pointerId: 1, button: 0, bubbles: true };\
                 slider.dispatchEvent(new PointerEvent('pointerdown', at));\
                 slider.dispatchEvent(new PointerEvent('pointerup', at))";
    tab.run(
        "document.querySelector('[data-testid=timeline]').scrollIntoView({ block: 'center' })",
        Value::Null,
    )
    .await?;
    tab.press("zoom-2min").await?;
    eventually("the band to be in sight", SOON, async || {
        let (terms, _) = row(&tab, old).await?;
        ensure!(terms.first() == Some(&term), "{terms:?}");
        Ok(())
    })
    .await?;
    tab.run(click, json!(old)).await?;
    tab.shows("sentence", &then, |it| it.contains(&then))
        .await?;
    key(&tab, Key::Escape).await?;
    tab.shows("sentence", &words, |it| it.contains(&words))
        .await?;
    Ok(())
}
