//! A long run: does a write cost more the longer it goes on?

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::processes;

use crate::cell::Durability;
use crate::options::Options;
use crate::report::Progress;
use crate::stage::{Check, Stage, now_and_then};

const RING: u64 = 10_000;
/// Before it begins to count: code that has just been compiled is slow, and would make the first
/// tenth look dear.
const WARM: u64 = 20_000;
const DEADLINE: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenth {
    /// When it was done, since the start.
    pub ms: f64,
    /// JavaScript objects of the client's page.
    pub heap_bytes: u64,
    /// Resident memory of the leader's process, WebAssembly included; 0 if nobody looked in time.
    #[serde(default)]
    pub leader_bytes: u64,
    /// What the origin's databases take on disk.
    #[serde(default)]
    pub storage_bytes: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Long {
    pub writes: u64,
    pub per_second: f64,
    /// What a write of the last tenth costs over one of the first.
    pub last_over_first: f64,
    pub tenths: Vec<Tenth>,
}

#[derive(Deserialize)]
struct Told {
    acked: u64,
    failed: Vec<String>,
    tenths: Vec<Tenth>,
    over: bool,
    storage: u64,
}

pub async fn measure(case: &Case, options: &Options, progress: &Progress) -> Result<(Long, Check)> {
    let stage = Stage::tabs(case, 3, Durability::Strict, "").await?;
    let leader = stage.client.healthy(3).await?;
    let host = &stage.hosts[leader as usize - 1];
    let pid = stage.case.browser.renderer_of(&host.window).await?;
    let writes = options.writes;
    stage
        .client
        .run(
            include_str!("long.js"),
            json!({ "warm": WARM, "writes": writes }),
        )
        .await?;
    // What was seen at the first look after each tenth.
    let mut seen: Vec<(u64, u64)> = vec![];
    let told = now_and_then(
        "the long run",
        Duration::from_secs(1),
        DEADLINE,
        async || {
            let look = "const { acked, failed, tenths, over } = harness.long;\
                    const { usage } = await navigator.storage.estimate();\
                    return { acked, failed, tenths, over, storage: usage }";
            let told: Told = stage.client.eval(look, Value::Null).await?;
            ensure!(told.failed.is_empty(), "writes failed: {:?}", told.failed);
            seen.resize(
                told.tenths.len().max(seen.len()),
                (processes::memory_bytes(pid), told.storage),
            );
            progress.step(told.acked, WARM + writes);
            Ok(told.over.then_some(told))
        },
    )
    .await?;
    let mut tenths = told.tenths;
    for (tenth, (leader_bytes, storage_bytes)) in tenths.iter_mut().zip(seen) {
        (tenth.leader_bytes, tenth.storage_bytes) = (leader_bytes, storage_bytes);
    }
    let check = stage.check("the long run", told.acked, RING).await?;
    let [first, .., before_last, last] = &tenths[..] else {
        bail!("{} tenths", tenths.len());
    };
    let long = Long {
        writes,
        per_second: writes as f64 * 1e3 / last.ms,
        last_over_first: (last.ms - before_last.ms) / first.ms,
        tenths: tenths.clone(),
    };
    ensure!(long.last_over_first.is_finite(), "no time passed");
    Ok((long, check))
}
