//! Whether the page in front stays smooth while the cluster writes: its frames, and the tasks of its
//! main thread by the browser's own trace.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::trace;

use crate::cell::Durability;
use crate::options::Options;
use crate::stage::{Check, Stage};

/// Puts a second, and what one of them writes.
const RATE: u64 = 5_000;
const VALUE_BYTES: u64 = 256;
const ROOM: u64 = 256;
const RING: u64 = 10_000;
const WINDOWS: u64 = 6;
const WINDOW_MS: u64 = 1_000;
/// A frame at 60 a second.
pub const FRAME_MS: f64 = 16.0;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frames {
    pub writes_per_second: f64,
    pub frames_per_second: f64,
    /// Between two frames.
    pub p99_ms: f64,
    /// Of the page's main thread.
    pub tasks: u64,
    pub longest_processor_ms: f64,
    pub longest_clock_ms: f64,
    /// Those that took longer than a frame, by the clock.
    pub over_by_clock: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    acked: u64,
    failed: Vec<String>,
    frames: Vec<f64>,
    per_second: f64,
    frames_per_second: f64,
    keys: u64,
    visible: bool,
}

/// Three replicas in hidden tabs, a page in front that writes and draws all that a page draws. The
/// browser is traced, for a second at a time: more it does not keep.
pub async fn measure(case: &Case, options: &Options) -> Result<(Frames, Check)> {
    let stage = Stage::tabs(case, 3, Durability::Strict, "").await?;
    let page = &stage.client;
    let warm = write(page, "warm", options.warm_ms()).await?;
    trace::forget(&case.browser).await?;
    let (mut told, mut tasks) = (vec![], vec![]);
    for _ in 0..WINDOWS {
        told.push(write(page, "told", WINDOW_MS).await?);
        let new = trace::tasks_between(&case.browser, "frames-told-from", "frames-told-until");
        tasks.extend(new.await?);
    }
    ensure!(!tasks.is_empty(), "the trace has no tasks of the page");
    let least = 0.9 * RATE as f64;
    let rates: Vec<f64> = told.iter().map(|it| it.per_second).collect();
    let kept_up = rates.iter().all(|rate| *rate >= least);
    ensure!(kept_up, "it wrote less than it was to: {rates:.0?}");
    let mut between: Vec<f64> = told.iter().flat_map(|it| it.frames.clone()).collect();
    between.sort_by(f64::total_cmp);
    let p99 = between.get(between.len() * 99 / 100);
    let mean = |of: fn(&Told) -> f64| told.iter().map(of).sum::<f64>() / told.len() as f64;
    let longest = |of: fn(&trace::Task) -> f64| tasks.iter().map(of).fold(0.0, f64::max);
    let frames = Frames {
        writes_per_second: mean(|it| it.per_second),
        frames_per_second: mean(|it| it.frames_per_second),
        p99_ms: *p99.context("there was no frame")?,
        tasks: tasks.len() as u64,
        longest_processor_ms: longest(|it| it.processor_ms),
        longest_clock_ms: longest(|it| it.clock_ms),
        over_by_clock: tasks.iter().filter(|it| it.clock_ms > FRAME_MS).count() as u64,
    };
    let acked = warm.acked + told.iter().map(|it| it.acked).sum::<u64>();
    let keys = told.iter().map(|it| it.keys).max().unwrap_or(0);
    let check = stage.check("the page's frames", acked, keys).await?;
    Ok((frames, check))
}

async fn write(page: &Tab, mark: &str, ms: u64) -> Result<Told> {
    let args = json!({ "mark": mark, "rate": RATE, "room": ROOM, "ms": ms,
                       "valueBytes": VALUE_BYTES, "ring": RING });
    let told: Told = page.eval(include_str!("frames.js"), args).await?;
    ensure!(told.visible, "the page was not in front");
    ensure!(told.failed.is_empty(), "writes failed: {:?}", told.failed);
    Ok(told)
}
