//! Writes for as long as one likes: `SUSTAIN_SECONDS=60`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tabraft_browser_tests::browser::Kind;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{Load, Shape, Tally, heap_bytes};
use tabraft_browser_tests::processes;
use tabraft_browser_tests::runner::number_from;
use tabraft_browser_tests::tab::Tab;

const MIB: u64 = 1 << 20;
/// What a tab may grow by between the first third and the end. A leak of what 64 writers send
/// would be more within a minute.
const GROWTH_MIB_MAX: u64 = 100;
const HEAP_GROWTH_MIB_MAX: u64 = 40;

/// 64 puts in flight over three tabs, one replica each: no error, memory that stops growing, equal
/// replicas at the end.
pub async fn sustained(case: &Case) -> Result<()> {
    let period = Duration::from_secs(number_from("SUSTAIN_SECONDS", 10)?);
    let tabs = case.open_three("main", "").await?;
    let mut loads = vec![];
    for (n, tab) in tabs.iter().enumerate() {
        let in_flight = if n == 0 { 22 } else { 21 };
        let shape = Shape {
            in_flight,
            ring: 2_000,
            value_bytes: 256,
            ..Shape::default()
        };
        loads.push(Load::start(tab, &format!("load-{n}"), shape).await?);
    }
    let started = Instant::now();
    let from = tallies(&loads).await?;
    let mut early = None;
    while started.elapsed() < period {
        tabs[0].status().await?.ensure_no_divergence()?;
        for (load, tally) in loads.iter().zip(tallies(&loads).await?) {
            ensure!(
                tally.failed.is_empty(),
                "{}: {:?}",
                load.name(),
                tally.failed
            );
        }
        if early.is_none() && started.elapsed() >= period / 3 {
            early = Some(memory(case, &tabs).await?);
        }
        // Looking is work, too: the processors belong to the writers.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let took = started.elapsed().as_secs_f64();
    let to = tallies(&loads).await?;
    let late = memory(case, &tabs).await?;
    for load in &loads {
        load.stop_without_failures().await?;
    }

    let done: u64 = from
        .iter()
        .zip(&to)
        .map(|(from, to)| to.acked - from.acked)
        .sum();
    ensure!(
        to.iter().all(|it| it.acked > 0),
        "a tab wrote nothing: {to:?}"
    );
    let longest = to.iter().map(|it| it.longest_ms).fold(0.0, f64::max);
    println!(
        "  {}: {:.0} writes a second for {took:.0} s, the slowest took {longest:.0} ms",
        case.name,
        done as f64 / took
    );
    let early = early.context("too short to compare memory")?;
    for (n, (before, after)) in early.iter().zip(&late).enumerate() {
        println!(
            "  tab {}: process {} -> {} MiB, JavaScript {} -> {} MiB",
            n + 1,
            before.process / MIB,
            after.process / MIB,
            before.heap / MIB,
            after.heap / MIB
        );
        let grown = after.process.saturating_sub(before.process) / MIB;
        ensure!(grown <= GROWTH_MIB_MAX, "tab {} grew by {grown} MiB", n + 1);
        let grown = after.heap.saturating_sub(before.heap) / MIB;
        ensure!(
            grown <= HEAP_GROWTH_MIB_MAX,
            "tab {}: JavaScript grew by {grown} MiB",
            n + 1
        );
    }
    tabs[0].agreement(3).await?;
    let status = tabs[0].status().await?;
    let keys: BTreeMap<u64, u64> = status.nodes.iter().map(|it| (it.id, it.keys)).collect();
    ensure!(
        keys.values().all(|it| *it <= 6_000),
        "more keys than were written: {keys:?}"
    );
    Ok(())
}

async fn tallies(loads: &[Load]) -> Result<Vec<Tally>> {
    let mut tallies = vec![];
    for load in loads {
        tallies.push(load.tally().await?);
    }
    Ok(tallies)
}

struct Memory {
    /// Resident bytes of the process that renders the tab, workers and WebAssembly included.
    process: u64,
    heap: u64,
}

async fn memory(case: &Case, tabs: &[Tab]) -> Result<Vec<Memory>> {
    ensure!(
        case.kind() == Kind::Chromium,
        "only Chromium tells a tab's memory"
    );
    let mut all = vec![];
    for tab in tabs {
        let pid = case.browser.renderer_of(&tab.window).await?;
        all.push(Memory {
            process: processes::memory_bytes(pid),
            heap: heap_bytes(tab).await?,
        });
    }
    Ok(all)
}
