//! All tabs hidden, throttled as a user's browser throttles them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;

use crate::cell::Durability;
use crate::options::Options;
use crate::stage::{Check, Stage, blank};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hidden {
    pub seconds: u64,
    /// Terms that began while all were hidden.
    pub elections: u64,
    pub foreground_p99_ms: f64,
    pub hidden_p99_ms: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    p99_ms: Option<f64>,
    answered: u64,
    failed: Vec<String>,
    visible: bool,
}

/// A lone client's puts, first with its tab in front, then with an empty tab in front of all.
pub async fn measure(case: &Case, options: &Options) -> Result<(Hidden, Check)> {
    let stage = Stage::tabs(case, 3, Durability::Strict, "").await?;
    let seconds = options.hidden_seconds;
    let foreground = stage.client.eval(&body(), task(seconds.min(30))).await;
    let foreground: Told = foreground?;
    ensure!(foreground.visible, "the client's tab was not in front");
    let before = stage.client.status().await?.term;

    let hiding = "harness.hidden = { over: false };
        (async () => { const args = harness.args; SOURCE })().then(
          (told) => { harness.hidden = { over: true, told }; },
          (error) => { harness.hidden = { over: true, error: String(error) }; })"
        .replace("SOURCE", &body());
    let start = format!("harness.args = args; {hiding}");
    stage.client.run(&start, task(seconds)).await?;
    let front = blank(case).await?;
    // Nobody looks meanwhile: looking would bring a tab to the front.
    tokio::time::sleep(Duration::from_millis(WARM_MS) + Duration::from_secs(seconds + 1)).await;
    let hidden = told_by(&stage.client).await?;
    front.close().await?;
    let elections = stage.client.status().await?.term - before;
    for told in [&foreground, &hidden] {
        ensure!(told.failed.is_empty(), "writes failed: {:?}", told.failed);
    }
    let acked = foreground.answered + hidden.answered;
    let keys = foreground.answered.max(hidden.answered).min(RING);
    let check = stage.check("hidden tabs", acked, keys).await?;
    Ok((
        Hidden {
            seconds,
            elections,
            foreground_p99_ms: foreground.p99_ms.context("no write in front")?,
            hidden_p99_ms: hidden.p99_ms.context("no write while hidden")?,
        },
        check,
    ))
}

const RING: u64 = 1_000;
/// Enough to open the tab that hides the others.
const WARM_MS: u64 = 2_000;

fn body() -> String {
    let mut body = include_str!("loop.js").to_owned();
    body += "const wasVisible = document.visibilityState === 'visible';\
             const figures = await measure(args, (n) => \
               tabraft.put(`hidden/${n % args.ring}`, 'x'.repeat(256), { timeoutMs: 30_000 }));\
             return { ...figures, visible: wasVisible && document.visibilityState === 'visible' }";
    body
}

fn task(seconds: u64) -> serde_json::Value {
    json!({ "inFlight": 1, "warmMs": WARM_MS, "ms": seconds * 1_000, "ring": RING })
}

async fn told_by(client: &Tab) -> Result<Told> {
    let look = "while (!harness.hidden.over) await new Promise((done) => setTimeout(done, 50));\
                if (harness.hidden.error) throw new Error(harness.hidden.error);\
                return harness.hidden.told";
    client.eval(look, serde_json::Value::Null).await
}
