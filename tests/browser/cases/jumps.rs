//! Nothing jumps: what happens in the cluster changes the page in its place.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;

/// By Chromium's measure of layout shifts: the share of the screen that moved, times how far. Up to 0.1 it
/// calls a whole visit good. This is for each by itself: the leader's table of its followers goes where
/// leadership goes, and nothing else may move that much.
const SHIFT_MAX: f64 = 0.03;

/// Leaders die, links are cut, nodes sleep, keys are written: on a wide screen and on a phone.
pub async fn nothing_jumps(case: &Case) -> Result<()> {
    for (n, screen) in [Screen::new(1280, 900, false), Screen::new(390, 844, false)]
        .into_iter()
        .enumerate()
    {
        let tab = case
            .open(&format!("main-{n}"), "&nodes=3&host=auto")
            .await?;
        tab.on_screen(screen).await?;
        tab.healthy(3).await?;
        tab.put("first", "1").await?;
        tab.shows("keys", "the first key", |it| it.contains("first"))
            .await?;
        let watch = "harness.shifts = [];
            const name = ({ node }) => {
              const of = node?.nodeType === 1 ? node : node?.parentElement;
              return `${of?.closest('section')?.className}: ${of?.dataset?.testid ?? of?.className}`;
            };
            const place = ({ previousRect: from, currentRect: to }) => `${from.x},${from.y} to ${to.x},${to.y}`;
            new PerformanceObserver((list) => {
              for (const { value, sources } of list.getEntries()) {
                const of = sources.map((it) => `${name(it)} from ${place(it)}`);
                harness.shifts.push({ value, of });
              }
            }).observe({ type: 'layout-shift' })";
        tab.run(watch, Value::Null).await?;
        events(&tab).await?;
        // Each with what moved, and from where to where.
        let seen: Vec<Value> = tab.eval("return harness.shifts", Value::Null).await?;
        let most = seen.iter().filter_map(|it| it["value"].as_f64());
        let most = most.fold(0.0, f64::max);
        println!("  {}: {most:.4} at {screen}", case.name);
        ensure!(most <= SHIFT_MAX, "{most} at {screen}: {seen:#?}");
        // The measure sees a jump where there is one.
        let jump = "document.querySelector('main').style.paddingTop = '120px';
            await new Promise((done) => setTimeout(done, 500));
            return harness.shifts.length";
        let after: usize = tab.eval(jump, Value::Null).await?;
        ensure!(after > seen.len(), "a jump was not seen");
    }
    Ok(())
}

async fn events(tab: &Tab) -> Result<()> {
    let old = tab.healthy(3).await?;
    tab.call("crash", json!([old])).await?;
    shows(tab, "degraded").await?;
    tab.call("start", json!([old])).await?;
    tab.healthy(3).await?;
    shows(tab, "healthy").await?;

    let leader = tab.healthy(3).await?;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    tab.call("partition", json!([[[leader], others]])).await?;
    shows(tab, "degraded").await?;
    tab.leader_other_than(&[leader]).await?;
    tab.call("heal", json!([])).await?;
    tab.healthy(3).await?;
    shows(tab, "healthy").await?;

    let sleeper = *tab
        .status()
        .await?
        .followers()
        .first()
        .context("followers")?;
    tab.call("pause", json!([sleeper])).await?;
    shows(tab, "degraded").await?;
    tab.call("resume", json!([sleeper])).await?;
    shows(tab, "healthy").await?;
    tab.put("second", "2").await?;
    tab.shows("keys", "the second key", |it| it.contains("second"))
        .await?;
    Ok(())
}

async fn shows(tab: &Tab, word: &str) -> Result<()> {
    tab.shows("badge", word, |it| it.eq_ignore_ascii_case(word))
        .await?;
    Ok(())
}
