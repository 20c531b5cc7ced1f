//! The logs scroll: to any index, by all that moves them; and they follow the newest, or stay.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{Load, Shape};
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};
use thirtyfour::Key;

/// Entries in sight, unless all are.
const IN_SIGHT: u64 = 48;
/// Entries between one that keys lead to and the edge.
const AROUND: u64 = 2;
const WRITES: u64 = 3_000;

/// What the logs show.
#[derive(Debug, Deserialize)]
struct Seen {
    from: u64,
    to: u64,
    follows: bool,
    /// What the cursor tells of its entry.
    cursor: String,
    /// Of each row: its stretches, and those of them that are folded.
    rows: Vec<[usize; 2]>,
}

/// A log of some thousands of entries is scrolled by keys, wheel and overview, and an index is gone to,
/// or it is said which there are. A place that is compacted meanwhile is shown as folded, and stays;
/// so it does in the past. The button follows the newest again. What the leader knows of its followers
/// is marked in their rows.
pub async fn logs_scroll(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    write(&tab, "before", WRITES).await?;
    let last = newest(&tab).await?;
    ensure!(last > WRITES, "{last}");
    follows(&tab, last).await?;
    marks(&tab).await?;

    by_keys(&tab, last).await?;
    by_index(&tab, last).await?;
    by_wheel(&tab).await?;
    by_overview(&tab, last).await?;

    // All, and from there to an index.
    tab.choose("logs-window", "all").await?;
    until(&tab, "all", |it| it.from == 1 && it.to == last).await?;
    go_to(&tab, "100").await?;
    let look = "return document.querySelector('[data-testid=logs-window]').value";
    let chosen: String = tab.eval(look, Value::Null).await?;
    ensure!(chosen == "tail", "{chosen}");
    stays_at(&tab, 76).await?;

    // It is compacted meanwhile.
    let few = json!([{ "snapshotEntries": 200, "catchupEntries": 50 }]);
    tab.call("configure", few).await?;
    write(&tab, "after", 600).await?;
    let folded = |it: &Seen| it.rows.len() == 3 && it.rows.iter().all(|row| *row == [1, 1]);
    until(&tab, "the place to be folded", folded).await?;
    stays_at(&tab, 76).await?;
    go_to(&tab, "100").await?;
    tab.shows("logs-told", "that it is compacted", |it| {
        it.contains("Entry 100 is compacted") && it.contains("the logs have ")
    })
    .await?;
    stays_at(&tab, 76).await?;

    // So it stays in the past, when nothing was folded there.
    let slider = "document.querySelector('[data-testid=timeline-slider]').focus()";
    tab.run(slider, Value::Null).await?;
    press(&tab, Key::Home).await?;
    until(&tab, "the first moment", |it| {
        it.rows.iter().all(|row| row[1] == 0)
    })
    .await?;
    stays_at(&tab, 76).await?;
    tab.press("live").await?;
    until(&tab, "the present", folded).await?;

    tab.press("logs-follow").await?;
    follows(&tab, newest(&tab).await?).await?;
    // Pressed again it stays.
    tab.press("logs-follow").await?;
    until(&tab, "it to stay", |it| !it.follows).await?;
    tab.press("logs-follow").await?;
    tab.put("one", "more").await?;
    follows(&tab, newest(&tab).await?).await
}

async fn by_keys(tab: &Tab, last: u64) -> Result<()> {
    let focus = "document.querySelector('[data-testid=log-cursor]').focus()";
    tab.run(focus, Value::Null).await?;
    press(tab, Key::Home).await?;
    until(tab, "the first, after what is folded", |it| {
        it.from == 1 && !it.follows && it.cursor.starts_with("Entry 2: ")
    })
    .await?;
    let seen = seen(tab).await?;
    ensure!(seen.rows.iter().all(|row| row[1] == 1), "{seen:?}");
    press(tab, Key::PageUp).await?;
    let next = 2 + IN_SIGHT;
    let from = next + AROUND - (IN_SIGHT - 1);
    until(tab, "a page further on", |it| {
        it.from == from && it.cursor.starts_with(&format!("Entry {next}: "))
    })
    .await?;
    press(tab, Key::End).await?;
    follows(tab, last).await
}

async fn by_index(tab: &Tab, last: u64) -> Result<()> {
    go_to(tab, "1500").await?;
    tab.shows("logs-told", "what it is", |it| {
        it.starts_with("Entry 1,500: term ") && it.ends_with("committed")
    })
    .await?;
    stays_at(tab, 1_500 - IN_SIGHT / 2).await?;
    for (typed, words) in [
        ("999999", "No log has entry 999,999 yet"),
        ("somewhere", "Type the index of an entry"),
        ("0", "Type the index of an entry"),
    ] {
        go_to(tab, typed).await?;
        let there = format!("have 2 to {}", grouped(last));
        tab.shows("logs-told", words, |it| {
            it.contains(words) && it.contains(&there)
        })
        .await?;
    }
    stays_at(tab, 1_500 - IN_SIGHT / 2).await
}

/// Upright the wheel is the page's.
async fn by_wheel(tab: &Tab) -> Result<()> {
    let before = seen(tab).await?.from;
    for (turn, is_ours, by) in [
        ("{ deltaY: by }", false, 0),
        ("{ deltaY: by, shiftKey: true }", true, 10),
        ("{ deltaX: by, deltaY: 1 }", true, 20),
        ("{ deltaX: by, ctrlKey: true }", false, 20),
        // What was beyond whole entries before is taken back.
        ("{ deltaX: -1.04 * by }", true, 10),
    ] {
        // A little more than ten entries.
        let wheel = format!(
            "const by = 10.2 / {IN_SIGHT} * document.querySelector('.logs .rows').clientWidth;\
             const turn = {turn};\
             const event = new WheelEvent('wheel', {{ ...turn, bubbles: true, cancelable: true }});\
             return !document.querySelector('[data-testid=log-cursor]').dispatchEvent(event)"
        );
        let taken: bool = tab.eval(&wheel, Value::Null).await?;
        ensure!(taken == is_ours, "{turn}: {taken}");
        stays_at(tab, before + by).await?;
    }
    Ok(())
}

async fn by_overview(tab: &Tab, last: u64) -> Result<()> {
    tab.press_at("logs-overview", 0.25).await?;
    let quarter = last / 4;
    until(tab, "a quarter of the way", |it| {
        !it.follows && (it.from..it.to).contains(&quarter)
    })
    .await?;
    tab.press_at("logs-overview", 0.999).await?;
    follows(tab, last).await?;
    // Dragged by its thumb, which is at the end.
    let drag = "const track = document.querySelector('[data-testid=logs-overview]');\
                const { left, right, top } = track.getBoundingClientRect();\
                const at = (x) => ({ clientX: x, clientY: top + 12, pointerId: 1, button: 0, bubbles: true });\
                track.dispatchEvent(new PointerEvent('pointerdown', at(right - 2)));\
                track.dispatchEvent(new PointerEvent('pointermove', at((left + right) / 2)));\
                track.dispatchEvent(new PointerEvent('pointermove', at(left)));\
                track.dispatchEvent(new PointerEvent('pointerup', at(left)));\
                track.dispatchEvent(new PointerEvent('pointermove', at(right)))";
    tab.run(drag, Value::Null).await?;
    until(tab, "the beginning", |it| it.from == 1 && !it.follows).await?;
    Ok(())
}

/// Each follower's row has a mark for each of what the leader knows; the leader's has none.
async fn marks(tab: &Tab) -> Result<()> {
    let leader = tab.status().await?.leader;
    let look = "const of = (id) => document.querySelector(`[data-testid=log-${id}]`);\
                return [1, 2, 3].map((id) => ['.match', '.next']\
                    .map((mark) => of(id).querySelectorAll(mark).length))";
    eventually("the marks", SOON, async || {
        let found: Vec<[usize; 2]> = tab.eval(look, Value::Null).await?;
        for (id, marks) in (1..).zip(&found) {
            let due = if id == leader { [0, 0] } else { [1, 1] };
            ensure!(*marks == due, "node {id} of leader {leader}: {found:?}");
        }
        let words =
            "return document.querySelector(`[data-testid=log-${args}] .unseen`).textContent";
        let words: String = tab.eval(words, json!(leader % 3 + 1)).await?;
        ensure!(
            words.contains("The leader knows it to match up to"),
            "{words}"
        );
        Ok(())
    })
    .await
}

async fn write(tab: &Tab, name: &str, writes: u64) -> Result<()> {
    let shape = Shape {
        in_flight: 64,
        ring: 100,
        writes,
        ..Shape::default()
    };
    let load = Load::start(tab, name, shape).await?;
    load.reaches(writes).await?;
    load.stop_without_failures().await?;
    tab.agreement(3).await?;
    Ok(())
}

/// Types an index and Enter.
async fn go_to(tab: &Tab, typed: &str) -> Result<()> {
    tab.fill("logs-index", typed).await?;
    press(tab, Key::Enter).await
}

async fn press(tab: &Tab, key: Key) -> Result<()> {
    tab.type_keys(&key.value().to_string()).await
}

async fn follows(tab: &Tab, last: u64) -> Result<()> {
    let from = last + 1 - IN_SIGHT;
    until(tab, "it to follow the newest", |it| {
        it.follows && (it.from, it.to) == (from, last)
    })
    .await
}

async fn stays_at(tab: &Tab, from: u64) -> Result<()> {
    until(tab, &format!("{from} on"), |it| {
        !it.follows && (it.from, it.to) == (from, from + IN_SIGHT - 1)
    })
    .await
}

async fn until(tab: &Tab, what: &str, required: impl Fn(&Seen) -> bool) -> Result<()> {
    eventually(what, SOON, async || {
        let seen = seen(tab).await?;
        ensure!(required(&seen), "{seen:?}");
        Ok(())
    })
    .await
}

async fn seen(tab: &Tab) -> Result<Seen> {
    let look = "const of = (name) => document.querySelector(`[data-testid=${name}]`);\
                const range = of('logs-range').textContent.replaceAll(',', '');\
                const [from, to] = range.split(' to ').map(Number);\
                const follows = of('logs-follow').ariaPressed === 'true';\
                const cursor = of('log-cursor').ariaValueText;\
                const rows = [...document.querySelectorAll('[data-testid=logs] .track')].map((row) =>\
                  [row.querySelectorAll('b').length, row.querySelectorAll('b.folded').length]);\
                return { from, to, follows, cursor, rows }";
    tab.eval(look, Value::Null).await
}

/// The newest entry of any node.
async fn newest(tab: &Tab) -> Result<u64> {
    let nodes = tab.status().await?.nodes;
    Ok(nodes.iter().map(|it| it.last_index).max().unwrap_or(0))
}

/// 3012 as "3,012".
fn grouped(index: u64) -> String {
    format!("{},{:03}", index / 1_000, index % 1_000)
}
