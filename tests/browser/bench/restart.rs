//! A replica with a long log is started again.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tabraft_browser_tests::case::Case;

use crate::cell::{Durability, median};
use crate::options::Options;
use crate::report::Progress;
use crate::stage::{Check, Stage};

/// Medians, in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    pub entries: u64,
    pub wal_bytes: u64,
    /// Reading the database, as the replica tells.
    pub read_ms: f64,
    /// Replaying what was read, as the replica tells.
    pub replay_ms: f64,
    /// Until `tabraft.start` has done its work.
    pub start_ms: f64,
    /// From the start to the first linearizable read that this replica answers itself: it has
    /// applied all that the cluster has committed.
    pub ready_ms: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    start_ms: f64,
    ready_ms: f64,
    read_ms: f64,
    replay_ms: f64,
}

pub async fn measure(
    case: &Case,
    options: &Options,
    progress: &Progress,
) -> Result<(Restart, Check)> {
    // Nothing is compacted: all of it is in the log.
    let whole = "&snapshot_entries=100000000&snapshot_bytes=1073741824&catchup_entries=100000000";
    let stage = Stage::tabs(case, 3, Durability::Strict, whole).await?;
    fill(&stage, options.entries, progress).await?;
    let status = stage.settled().await?;
    let id = *status.followers().first().context("no follower")?;
    let wal_bytes = status.node(id)?.wal_bytes;
    let host = &stage.hosts[id as usize - 1];
    let mut all: Vec<Told> = vec![];
    for _ in 0..options.runs.max(3) {
        all.push(host.eval(include_str!("restart.js"), json!(id)).await?);
        stage.settled().await?;
    }
    let check = stage.check("restart", options.entries, options.entries);
    let check = check.await?;
    let of = |field: fn(&Told) -> f64| median(all.iter().map(field)).context("no restart");
    let restart = Restart {
        entries: options.entries,
        wal_bytes,
        read_ms: of(|it| it.read_ms)?,
        replay_ms: of(|it| it.replay_ms)?,
        start_ms: of(|it| it.start_ms)?,
        ready_ms: of(|it| it.ready_ms)?,
    };
    Ok((restart, check))
}

/// So many puts, each with a key of its own.
async fn fill(stage: &Stage<'_>, entries: u64, progress: &Progress) -> Result<()> {
    const AT_ONCE: u64 = 10_000;
    let mut from = 0;
    while from < entries {
        let to = entries.min(from + AT_ONCE);
        let put = "let n = args.from;
            const lane = async () => {
              for (let me = n++; me < args.to; me = n++) {
                await tabraft.put(`entry/${me}`, `${me}:`.padEnd(256, 'x'), { timeoutMs: 30_000 });
              }
            };
            await Promise.all(Array.from({ length: 256 }, lane))";
        stage
            .client
            .run(put, json!({ "from": from, "to": to }))
            .await?;
        progress.step(to, entries);
        from = to;
    }
    Ok(())
}
