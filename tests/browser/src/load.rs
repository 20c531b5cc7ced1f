//! Writes that go on in a tab while things are being killed, and the proof that none that was
//! acknowledged is lost. See `load.js` for the writing side.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ensure_kept;
use crate::server::Server;
use crate::tab::Tab;
use crate::wait::{SOON, eventually};

/// Keys of one folder, as `load.js` lays them out: what one scan has to bring.
const FOLDER_KEYS: usize = 250;

#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Puts under way at any time.
    pub in_flight: u64,
    /// Writes over that many keys again and again; 0 for a new key each time.
    pub ring: u64,
    /// After how many writes it ends by itself; 0 for never.
    pub writes: u64,
    pub value_bytes: u64,
    /// How long each writer rests after a put.
    pub pause_ms: u64,
    /// After which a put's outcome is unknown.
    pub timeout_ms: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            in_flight: 8,
            ring: 0,
            writes: 0,
            value_bytes: 64,
            pause_ms: 0,
            timeout_ms: 15_000,
        }
    }
}

/// What a load has done, as its tab tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    pub sent: u64,
    pub acked: u64,
    pub failed: Vec<String>,
    pub longest_ms: f64,
    /// The longest time without an acknowledged put, since [`Load::forget_gap`].
    pub gap_ms: f64,
}

pub struct Load {
    tab: Tab,
    name: String,
}

impl Load {
    /// `name` is unique in the case; it is the prefix of the load's keys.
    pub async fn start(tab: &Tab, name: &str, shape: Shape) -> Result<Self> {
        let args = json!({
            "name": name,
            "inFlight": shape.in_flight,
            "ring": shape.ring,
            "writes": shape.writes,
            "valueBytes": shape.value_bytes,
            "pauseMs": shape.pause_ms,
            "timeoutMs": shape.timeout_ms,
        });
        tab.run(include_str!("load.js"), args)
            .await
            .context("starting a load")?;
        Ok(Self {
            tab: tab.clone(),
            name: name.to_owned(),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn tally(&self) -> Result<Tally> {
        let look = "const { sent, acked, failed, longestMs, gapMs } = harness.loads[args];\
                    return { sent, acked, failed, longestMs, gapMs }";
        self.tab.eval(look, json!(self.name)).await
    }

    /// From now on the longest gap is measured anew.
    pub async fn forget_gap(&self) -> Result<()> {
        let forget =
            "Object.assign(harness.loads[args], { gapMs: 0, gaps: [], forgotAt: Date.now() })";
        self.tab.run(forget, json!(self.name)).await?;
        Ok(())
    }

    /// How long nothing was acknowledged because `node` was dead, in milliseconds: the longest time that
    /// began before it was brought back, since [`Load::forget_gap`].
    pub async fn downtime_ms(&self, node: u64) -> Result<f64> {
        let look = "const { gaps, forgotAt } = harness.loads[args.name];
            const words = `brought node ${args.node} back`;
            const events = await tabraft.events();
            const back = events.find((it) => it.atMs >= forgotAt && it.text.includes(words));
            const until = back ? back.atMs - performance.timeOrigin : NaN;
            return Math.max(...gaps.filter((it) => it.at <= until).map((it) => it.ms))";
        let args = json!({ "name": self.name, "node": node });
        let found: Option<f64> = self.tab.eval(look, args).await?;
        found.with_context(|| format!("nothing tells that node {node} was brought back"))
    }

    /// Waits until so many writes have been acknowledged in all, as the tab tells.
    pub async fn reaches(&self, acked: u64) -> Result<()> {
        let mut before = 0;
        loop {
            // As long as it goes on, it may take its time.
            let now = eventually("writes to go on", SOON, async || {
                let tally = self.tally().await?;
                ensure!(tally.acked > before, "still {before} of {acked}");
                Ok(tally.acked)
            })
            .await?;
            if now >= acked {
                return Ok(());
            }
            before = now;
        }
    }

    /// Waits until `more` writes have been acknowledged from now on: it goes on.
    pub async fn goes_on(&self, server: &Server, more: usize) -> Result<()> {
        let from = server.acked_count(&self.name);
        eventually("writes to go on", SOON, async || {
            let now = server.acked_count(&self.name);
            ensure!(
                now >= from + more,
                "{} more writes acknowledged, not {more}",
                now - from
            );
            Ok(())
        })
        .await
    }

    /// Stops writing and waits for what is under way. None may have failed.
    pub async fn stop_without_failures(&self) -> Result<Tally> {
        let tally = self.stop().await?;
        ensure!(
            tally.failed.is_empty(),
            "of {} writes failed {:?}",
            tally.sent,
            tally.failed
        );
        Ok(tally)
    }

    pub async fn stop(&self) -> Result<Tally> {
        let stop = "harness.loads[args].running = false; await harness.loads[args].over";
        let stopping = self.tab.begin(stop, json!(self.name)).await?;
        stopping.outcome(Duration::from_secs(40)).await?;
        self.tally().await
    }
}

/// Reads, through `reader`, the ring of a load that has stopped: every key has the value that was
/// last acknowledged. Returns how many keys there are.
pub async fn verify_ring(reader: &Tab, load: &Load) -> Result<usize> {
    let look = "return harness.loads[args].last";
    let last: BTreeMap<String, String> = load.tab.eval(look, json!(load.name)).await?;
    ensure!(!last.is_empty(), "nothing was acknowledged");
    let args = json!([format!("{}/ring/", load.name), { "limit": 100_000 }]);
    let rows: Vec<(String, String)> = serde_json::from_value(reader.call("scan", args).await?)?;
    let found: BTreeMap<String, String> = rows.into_iter().collect();
    let different = last
        .iter()
        .find(|(key, value)| found.get(*key) != Some(value));
    ensure_kept!(
        different.is_none() && found.len() == last.len(),
        "{} keys, not {}; the first that is different: {different:?}",
        found.len(),
        last.len()
    );
    Ok(last.len())
}

/// Reads, through `reader`, everything that the load `name` can have written: every acknowledged
/// write is there as it was written, and nothing is there that was never written. Returns how
/// many were acknowledged.
pub async fn verify(server: &Server, reader: &Tab, name: &str) -> Result<usize> {
    let acked = server.acked(name);
    ensure!(
        !acked.is_empty(),
        "nothing was acknowledged, so nothing is proved"
    );
    let number = |key: &str| {
        key.rsplit('/')
            .next()
            .and_then(|it| it.parse::<usize>().ok())
    };
    let highest = acked
        .iter()
        .filter_map(|(key, _)| number(key))
        .max()
        .context("no number")?;
    let mut found = BTreeMap::new();
    // One folder past the last acknowledged: what was under way may have arrived there.
    for folder in 0..=highest / FOLDER_KEYS + 1 {
        let args = json!([format!("{name}/{folder}/"), { "limit": 10_000 }]);
        let rows: Vec<(String, String)> = serde_json::from_value(reader.call("scan", args).await?)?;
        found.extend(rows);
    }
    let missing: Vec<&str> = acked
        .iter()
        .filter(|(key, value)| found.get(key) != Some(value))
        .map(|(key, _)| key.as_str())
        .collect();
    ensure_kept!(
        missing.is_empty(),
        "of {} acknowledged writes {} are missing or wrong: {:?}; {} pairs were read; {}",
        acked.len(),
        missing.len(),
        &missing[..missing.len().min(10)],
        found.len(),
        reader.status().await?.in_short()
    );
    for (key, value) in &found {
        let n = number(key).with_context(|| format!("nobody wrote the key {key:?}"))?;
        let written = format!("{name}:{n}:");
        let as_written =
            value.starts_with(&written) && value[written.len()..].bytes().all(|it| it == b'x');
        ensure_kept!(as_written, "nobody wrote {value:?} to {key:?}");
    }
    Ok(acked.len())
}

/// Bytes of JavaScript objects in a tab, where the browser tells (Chromium).
pub async fn heap_bytes(tab: &Tab) -> Result<u64> {
    tab.eval(
        "return performance.memory?.usedJSHeapSize ?? 0",
        Value::Null,
    )
    .await
}
