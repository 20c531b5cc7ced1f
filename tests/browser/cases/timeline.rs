//! The timeline: what was, and a moment of it shown again.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
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

/// What the table of keys shows, and what it says of that.
async fn keys(tab: &Tab) -> Result<(BTreeMap<String, String>, String)> {
    let look = "const rows = [...document.querySelectorAll('[data-testid=keys] tbody tr')];\
                const pair = (row) => [row.dataset.key, row.querySelector('td').textContent];\
                return [Object.fromEntries(rows.map(pair)),\
                        document.querySelector('[data-testid=keys-told]').textContent]";
    tab.eval(look, Value::Null).await
}

async fn keys_become(tab: &Tab, wanted: &[(&str, &str)]) -> Result<()> {
    eventually("the keys in the table", SOON, async || {
        let (rows, told) = keys(tab).await?;
        ensure!(rows == pairs(wanted), "{rows:?}, {told}");
        Ok(())
    })
    .await
}

fn pairs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    all.iter().map(owned).collect()
}

/// For so long that there is a moment to go back to.
async fn time_passes(tab: &Tab) -> Result<()> {
    let now = "return performance.now()";
    let began: f64 = tab.eval(now, Value::Null).await?;
    eventually("a second and a half to pass", SOON, async || {
        let passed: f64 = tab.eval::<f64>(now, Value::Null).await? - began;
        ensure!(passed > 1_500.0, "{passed} ms");
        Ok(())
    })
    .await
}

/// From the first moment to now, step by step, the table of keys shows what it showed then, and says
/// when that was read. What is written meanwhile is not shown before *Live*. A saved run has it, too.
pub async fn look_back_at_keys(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let stages = [
        vec![("a", "1"), ("b", "1")],
        vec![("a", "2"), ("b", "1"), ("c", "<i>3</i>")],
        vec![("b", "1"), ("c", "<i>3</i>")],
    ];
    tab.put("a", "1").await?;
    tab.put("b", "1").await?;
    keys_become(&tab, &stages[0]).await?;
    time_passes(&tab).await?;
    tab.put("a", "2").await?;
    tab.put("c", "<i>3</i>").await?;
    keys_become(&tab, &stages[1]).await?;
    time_passes(&tab).await?;
    tab.call("delete", json!(["a"])).await?;
    keys_become(&tab, &stages[2]).await?;
    time_passes(&tab).await?;

    tab.press("zoom-30s").await?;
    key(&tab, Key::Home).await?;
    tab.shows("keys-told", "that nothing was read", |it| {
        it == "No keys had been read by then."
    })
    .await?;
    let file = tab.eval::<String>(SAVE, Value::Null).await?;
    tab.put("d", "later").await?;
    let seen = scrub_through(&tab).await?;
    let wanted: Vec<_> = stages.iter().map(|it| pairs(it)).collect();
    let mut found = wanted.iter().peekable();
    for (rows, told) in &seen {
        // Two writes of a stage may be apart, so others can be between these.
        found.next_if(|it| *it == rows);
        ensure!(!rows.contains_key("d") || rows.len() == 3, "{seen:?}");
        let says = told.starts_with("Read at ") || told == "No keys had been read by then.";
        ensure!(says, "{told}");
    }
    ensure!(found.next().is_none(), "{seen:?}");
    let held = |(rows, told): &&(BTreeMap<String, String>, String)| {
        *rows == wanted[0] && told.ends_with("; nothing had changed since.")
    };
    ensure!(seen.iter().any(|it| held(&it)), "{seen:?}");
    let idle = "return document.querySelector('[data-testid=keys-from]').disabled";
    ensure!(
        !tab.eval::<bool>(idle, Value::Null).await?,
        "at the present"
    );

    // A prefix picks from what was read.
    key(&tab, Key::Home).await?;
    ensure!(tab.eval::<bool>(idle, Value::Null).await?, "in the past");
    tab.fill("prefix", "b").await?;
    let seen = scrub_through(&tab).await?;
    let only = |(rows, _): &(BTreeMap<String, String>, String)| *rows == pairs(&[("b", "1")]);
    ensure!(seen.iter().any(only), "{seen:?}");
    let other = |(rows, _): &(BTreeMap<String, String>, String)| rows.keys().any(|key| key != "b");
    ensure!(!seen.iter().any(other), "{seen:?}");
    let focus = "document.querySelector('[data-testid=prefix]').focus()";
    tab.run(focus, Value::Null).await?;
    tab.type_keys(&String::from(Key::Backspace.value())).await?;
    keys_become(&tab, &[("b", "1"), ("c", "<i>3</i>"), ("d", "later")]).await?;

    tab.run(OPEN, json!(file)).await?;
    keys_become(&tab, &stages[2]).await?;
    key(&tab, Key::Home).await?;
    keys_become(&tab, &[]).await?;
    tab.call("closeRun", json!([])).await?;
    keys_become(&tab, &[("b", "1"), ("c", "<i>3</i>"), ("d", "later")]).await
}

const SAVE: &str = "const bytes = new Uint8Array(await (await tabraft.exportRun()).arrayBuffer());\
                    return btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(''))";
const OPEN: &str =
    "await tabraft.openRun(new Blob([Uint8Array.from(atob(args), (it) => it.charCodeAt(0))]))";

/// Steps from the moment that is shown to the present; what the keys were at each, where that changed.
async fn scrub_through(tab: &Tab) -> Result<Vec<(BTreeMap<String, String>, String)>> {
    let mut seen = vec![keys(tab).await?];
    for _ in 0..400 {
        if !tab.has("past").await? {
            return Ok(seen);
        }
        key(tab, Key::Right).await?;
        let now = keys(tab).await?;
        if seen.last() != Some(&now) && tab.has("past").await? {
            seen.push(now);
        }
    }
    bail!("the present was not reached: {seen:?}")
}
