//! The leader dies while a client in another tab writes: how long until one of its writes is
//! acknowledged by the next leader, in the next term.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::processes;
use tabraft_browser_tests::tab::Tab;

use crate::cell::{Durability, quantile, sorted};
use crate::options::Options;
use crate::report::Progress;
use crate::stage::{Check, Stage, now_and_then};

/// Puts under way in the client.
const IN_FLIGHT: u64 = 8;
const DEADLINE: Duration = Duration::from_secs(30);

/// Milliseconds from each death to the first acknowledged write.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Downtimes {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub longest_ms: f64,
    pub all_ms: Vec<f64>,
}

impl Downtimes {
    pub fn of(all: Vec<f64>) -> Result<Self> {
        let before = all.iter().find(|it| **it <= 0.0);
        ensure!(before.is_none(), "a term began before the death: {all:?}");
        let sorted = sorted(all.iter().copied());
        let at = |share| quantile(&sorted, share).context("no deaths");
        Ok(Self {
            p50_ms: at(0.5)?,
            p99_ms: at(0.99)?,
            longest_ms: at(1.0)?,
            all_ms: all,
        })
    }

    pub fn in_short(&self) -> String {
        format!(
            "{} deaths, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            self.all_ms.len(),
            self.p50_ms,
            self.p99_ms,
            self.longest_ms
        )
    }
}

/// The leader's worker is terminated, `options.kills` times.
pub async fn of_workers(
    case: &Case,
    options: &Options,
    progress: &Progress,
) -> Result<(Downtimes, Check)> {
    let stage = Stage::tabs(case, 3, Durability::Strict, "").await?;
    for (n, host) in stage.hosts.iter().enumerate() {
        listen(host, n as u64 + 1).await?;
    }
    begin(&stage.client).await?;
    let mut all = vec![];
    for _ in 0..options.kills {
        let leader = stage.client.healthy(3).await?;
        let kill = "return new Promise((done, fail) => {
            const { failover } = harness;
            const before = failover.term;
            const look = setInterval(() => {
              if (failover.term > before && failover.killedAt) {
                clearInterval(look);
                done(failover.firsts[failover.term] - failover.killedAt);
              }
            }, 20);
            failover.killedAt = 0;
            failover.host.onmessage = ({ data }) => {
              if (data.error) fail(new Error(data.error));
              if (data.done === 'crash') failover.killedAt = data.at;
            };
            failover.host.postMessage({ id: args, act: 'crash' });
          })";
        all.push(stage.client.eval(kill, json!(leader)).await?);
        let start = "return new Promise((done, fail) => {
            const { host } = harness.failover;
            host.onmessage = ({ data }) => (data.error ? fail(new Error(data.error)) : done());
            host.postMessage({ id: args, act: 'start' });
          })";
        stage.client.run(start, json!(leader)).await?;
        progress.step(all.len() as u64, options.kills);
    }
    let (acked, keys) = end(&stage.client).await?;
    let check = stage.check("failover, worker", acked, keys).await?;
    Ok((Downtimes::of(all)?, check))
}

/// The process behind the leader's tab is killed with -9.
pub async fn of_renderers(
    case: &Case,
    options: &Options,
    progress: &Progress,
) -> Result<(Downtimes, Check)> {
    let mut stage = Stage::tabs(case, 3, Durability::Strict, "").await?;
    // Opening a tab again takes seconds, so fewer will do.
    let kills = options.kills.min(50);
    begin(&stage.client).await?;
    let mut others = vec![renderer(&stage, &stage.client).await?];
    let mut pids = vec![];
    for host in &stage.hosts {
        let pid = renderer(&stage, host).await?;
        ensure!(!others.contains(&pid), "tabs share the process {pid}");
        others.push(pid);
        pids.push(pid);
    }
    let mut all = vec![];
    for _ in 0..kills {
        let leader = stage.client.healthy(3).await?;
        let pid = pids[leader as usize - 1];
        let term: u64 = stage
            .client
            .eval("return harness.failover.term", Value::Null)
            .await?;
        let killed_at = processes::kill_now(pid)?;
        let first: f64 = now_and_then(
            "a write after the death",
            Duration::from_millis(50),
            DEADLINE,
            async || {
                let look = "const { term, firsts } = harness.failover;\
                            return term > args ? firsts[term] : null";
                stage.client.eval(look, json!(term)).await
            },
        )
        .await?;
        all.push(first - killed_at.duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e3);
        others.retain(|it| *it != pid);
        let pid = reopen(&mut stage, leader, &others).await?;
        others.push(pid);
        pids[leader as usize - 1] = pid;
        progress.step(all.len() as u64, kills);
    }
    let (acked, keys) = end(&stage.client).await?;
    let check = stage.check("failover, renderer", acked, keys).await?;
    Ok((Downtimes::of(all)?, check))
}

async fn renderer(stage: &Stage<'_>, tab: &Tab) -> Result<u32> {
    stage.case.browser.renderer_of(&tab.window).await
}

/// Opens the tab of a replica again, in a process of which no other tab dies.
async fn reopen(stage: &mut Stage<'_>, id: u64, others: &[u32]) -> Result<u32> {
    for _ in 0..4 {
        stage.reopen(id).await?;
        let pid = renderer(stage, &stage.hosts[id as usize - 1]).await?;
        if !others.contains(&pid) {
            return Ok(pid);
        }
    }
    bail!("the tab of node {id} always shares a process with another")
}

async fn listen(host: &Tab, id: u64) -> Result<()> {
    let body = concat!(include_str!("wall.js"), include_str!("host.js"));
    host.run(body, json!(id)).await?;
    Ok(())
}

async fn begin(client: &Tab) -> Result<()> {
    let body = concat!(include_str!("wall.js"), include_str!("failover.js"));
    client.run(body, json!(IN_FLIGHT)).await?;
    Ok(())
}

/// Stops the client. How many writes were acknowledged, over how many keys.
async fn end(client: &Tab) -> Result<(u64, u64)> {
    #[derive(Deserialize)]
    struct Told {
        acked: u64,
        keys: u64,
        failed: Vec<String>,
    }
    let stop = "const { failover } = harness; failover.running = false; await failover.over;\
                return { acked: failover.acked, keys: failover.keys.size, failed: failover.failed }";
    let told: Told = client.eval(stop, Value::Null).await?;
    ensure!(told.failed.is_empty(), "writes failed: {:?}", told.failed);
    Ok((told.acked, told.keys))
}
