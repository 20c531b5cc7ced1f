//! What is asked for: flags, and numbers from the environment.

use std::time::Duration;

use anyhow::{Result, bail};
use tabraft_browser_tests::runner::number_from;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    /// Only the cells that the goals need.
    pub quick: bool,
    /// Only these parts; all if there is none.
    pub only: Vec<String>,
    /// `BENCH_SECONDS`: how long a run of a cell is measured.
    pub run_ms: u64,
    /// `BENCH_RUNS`: how many runs a cell has.
    pub runs: u64,
    /// `BENCH_KILLS`: how many deaths of each kind.
    pub kills: u64,
    /// `BENCH_WRITES`: how long the long run is.
    pub writes: u64,
    /// `BENCH_ENTRIES`: in the log of the replica that is started again, each with a key of its own.
    pub entries: u64,
    /// `BENCH_HIDDEN_SECONDS`: how long all tabs are hidden.
    pub hidden_seconds: u64,
}

/// Each by its name, and what it is.
pub const PARTS: [(&str, &str); 14] = [
    ("floor", "the floor of this browser"),
    ("etcd", "etcd, three processes"),
    (
        "tabs",
        "tabraft, three nodes in three tabs, the client in a fourth",
    ),
    ("one-tab", "tabraft, three nodes and the client in one tab"),
    ("plain", "plain IndexedDB, a transaction for each put"),
    ("dexie", "Dexie, a put at a time"),
    ("nodes", "tabraft, five nodes and nine, a tab each"),
    (
        "failover",
        "failover: the leader's worker, its renderer, etcd's leader killed",
    ),
    ("restart", "a replica with a long log started again"),
    ("load", "download and cold load"),
    ("long", "a long run"),
    ("hidden", "all tabs hidden"),
    ("front", "the page in front, and a client without views"),
    ("frames", "the frames of the page in front"),
];

impl Options {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (mut quick, mut only) = (false, vec![]);
        for argument in arguments {
            match argument.as_str() {
                "--quick" => quick = true,
                part if PARTS.iter().any(|it| it.0 == part) => only.push(argument),
                other => bail!(
                    "no such part: {other}; there are --quick, --publish FILE, {}",
                    PARTS.map(|it| it.0).join(", ")
                ),
            }
        }
        let usual = |full, short| if quick { short } else { full };
        let seconds = std::env::var("BENCH_SECONDS").map_or(Ok(2.0), |it| it.parse::<f64>())?;
        if !(0.1..=60.0).contains(&seconds) {
            bail!("BENCH_SECONDS must be from 0.1 to 60");
        }
        Ok(Self {
            quick,
            only,
            run_ms: (seconds * 1_000.0) as u64,
            runs: number_from("BENCH_RUNS", 3)?.max(1),
            kills: number_from("BENCH_KILLS", usual(200, 20))?,
            writes: number_from("BENCH_WRITES", usual(1_000_000, 100_000))?.max(1_000),
            entries: number_from("BENCH_ENTRIES", 100_000)?.max(1),
            hidden_seconds: number_from("BENCH_HIDDEN_SECONDS", usual(300, 30))?.max(1),
        })
    }

    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it == part)
    }

    /// Before a run is measured.
    pub fn warm_ms(&self) -> u64 {
        self.run_ms / 5
    }

    pub fn run(&self) -> Duration {
        Duration::from_millis(self.run_ms)
    }
}
