//! What a thread of the browser did, task by task: Chromium's own trace, through its driver's log.
//! Only of a browser that was started to be traced.

use anyhow::{Context, Result, bail};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{RequestData, SessionId};

use crate::browser::Browser;

/// Those of a thread's tasks, and of a script's marks.
const CATEGORIES: &str = "disabled-by-default-devtools.timeline,blink.user_timing";
const TASK: &str = "RunTask";

/// One turn of a thread.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// By the clock: what other threads took from it is in it.
    pub clock_ms: f64,
    /// Of the processor, for it alone.
    pub processor_ms: f64,
}

/// What a browser that is to be traced is told more.
pub(crate) fn add_to(capabilities: &mut Value) {
    capabilities["goog:loggingPrefs"]["performance"] = json!("ALL");
    capabilities["goog:chromeOptions"]["perfLoggingPrefs"] =
        json!({ "enableNetwork": false, "enablePage": false, "traceCategories": CATEGORIES });
}

#[derive(Deserialize)]
struct Line {
    message: String,
}

#[derive(Deserialize)]
struct Outer {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    method: String,
    params: Value,
}

/// Its name, process, thread, and times in microseconds.
#[derive(Deserialize)]
struct Event {
    name: String,
    pid: u32,
    tid: u32,
    ts: f64,
    /// A mark has none, nor a task that is not at its end.
    dur: Option<f64>,
    tdur: Option<f64>,
}

/// What was traced until now is not told any more. The browser's memory for it is small: a busy cluster
/// fills it within seconds, and what comes then is not in it.
pub async fn forget(browser: &Browser) -> Result<()> {
    lines(browser).await.map(|_| ())
}

/// The tasks of the thread that set two marks (`performance.mark`), between them. What was traced until
/// now is not told again.
pub async fn tasks_between(browser: &Browser, from: &str, until: &str) -> Result<Vec<Task>> {
    let mut events = vec![];
    for line in lines(browser).await? {
        let Outer { message } = serde_json::from_str(&line.message)?;
        let name = message.params["name"].as_str();
        let wanted = name.is_some_and(|it| [TASK, from, until].contains(&it));
        if wanted && message.method == "Tracing.dataCollected" {
            events.push(serde_json::from_value::<Event>(message.params)?);
        }
    }
    let mark = |name: &str| events.iter().find(|it| it.name == name);
    let from = mark(from).with_context(|| format!("{from} is not in the trace"))?;
    let until = mark(until).with_context(|| format!("the trace is full before {until}"))?;
    let tasks = events.iter().filter_map(|it| {
        let (clock, processor) = (it.dur?, it.tdur?);
        let here = it.name == TASK && (it.pid, it.tid) == (from.pid, from.tid);
        let within = it.ts >= from.ts && it.ts + clock <= until.ts;
        (here && within).then_some(Task {
            clock_ms: clock / 1e3,
            processor_ms: processor / 1e3,
        })
    });
    Ok(tasks.collect())
}

/// chromedriver answers every second time that there is nothing, and tells it at the next.
async fn lines(browser: &Browser) -> Result<Vec<Line>> {
    let driver = browser.driver().await?;
    for _ in 0..2 {
        let told = driver.cmd(TakeLog).await?;
        let lines: Vec<Line> = told.value().context("the browser's trace")?;
        if !lines.is_empty() {
            return Ok(lines);
        }
    }
    bail!("the browser's trace is empty");
}

/// chromedriver's own command.
#[derive(Debug)]
struct TakeLog;

impl FormatRequestData for TakeLog {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(Method::POST, format!("/session/{session}/se/log"))
            .add_body(json!({ "type": "performance" }))
    }
}
