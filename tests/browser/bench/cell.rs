//! One cell of the table: who, doing what, and the figures of its runs.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Put,
    Get,
    /// Both by turns.
    Mix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    Strict,
    Relaxed,
}

impl Durability {
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Relaxed => "relaxed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Three replicas in three tabs, the client in a fourth.
    ThreeTabs,
    /// Three replicas and the client in one tab.
    OneTab,
    FiveTabs,
    NineTabs,
    /// IndexedDB, a transaction for each put.
    Plain,
    Dexie,
    /// Three processes, the client connected to the leader.
    Etcd,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Self::ThreeTabs => "tabraft, three tabs",
            Self::OneTab => "tabraft, one tab",
            Self::FiveTabs => "tabraft, five tabs",
            Self::NineTabs => "tabraft, nine tabs",
            Self::Plain => "plain IndexedDB",
            Self::Dexie => "Dexie",
            Self::Etcd => "etcd",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    pub op: Op,
    pub value_bytes: u64,
    pub in_flight: u64,
}

pub const SIZES: [u64; 4] = [16, 256, 4 << 10, 64 << 10];
pub const IN_FLIGHT: [u64; 5] = [1, 16, 64, 256, 1024];

/// What most goals are about.
pub const BUSY: Shape = Shape {
    op: Op::Put,
    value_bytes: 256,
    in_flight: 256,
};
pub const BUSY_READS: Shape = Shape {
    op: Op::Get,
    ..BUSY
};
pub const LONE: Shape = Shape {
    in_flight: 1,
    ..BUSY
};

impl Shape {
    /// Over how many keys it goes: as many as are in flight at least, and not more than 64 MiB.
    pub fn ring(self) -> u64 {
        ((64 << 20) / self.value_bytes).clamp(1_024, 10_000)
    }
}

/// All shapes, or with `quick` those that the goals need; without reads if there are none to do.
pub fn shapes(quick: bool, reads: bool) -> Vec<Shape> {
    let ops: &[Op] = if reads {
        &[Op::Put, Op::Get, Op::Mix]
    } else {
        &[Op::Put]
    };
    let mut shapes = vec![];
    for value_bytes in SIZES {
        for &op in ops {
            for in_flight in IN_FLIGHT {
                let shape = Shape {
                    op,
                    value_bytes,
                    in_flight,
                };
                if !quick || [BUSY, BUSY_READS, LONE].contains(&shape) {
                    shapes.push(shape);
                }
            }
        }
    }
    shapes
}

/// The figures of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub per_second: f64,
    /// None if nothing was answered within the time.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// All that were answered, measured or not.
    pub answered: u64,
    pub failed: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    pub who: Who,
    pub durability: Durability,
    pub shape: Shape,
    pub runs: Vec<Figures>,
}

impl Cell {
    pub fn per_second(&self) -> f64 {
        median(self.runs.iter().map(|it| it.per_second)).unwrap_or(0.0)
    }

    pub fn p50_ms(&self) -> Option<f64> {
        median(self.runs.iter().filter_map(|it| it.p50_ms))
    }

    pub fn p99_ms(&self) -> Option<f64> {
        median(self.runs.iter().filter_map(|it| it.p99_ms))
    }

    /// How far the slowest and the fastest run are from each other, as a share of the median.
    pub fn spread(&self) -> f64 {
        let all = || self.runs.iter().map(|it| it.per_second);
        let (least, most) = (
            all().fold(f64::INFINITY, f64::min),
            all().fold(0.0, f64::max),
        );
        (most - least) / self.per_second().max(f64::MIN_POSITIVE)
    }

    pub fn failures(&self) -> usize {
        self.runs.iter().map(|it| it.failed.len()).sum()
    }
}

pub fn sorted(all: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = all.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value below which `share` of `sorted` lie.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get(((sorted.len() as f64 * share) as usize).min(last))
        .copied()
}

pub fn median(all: impl IntoIterator<Item = f64>) -> Option<f64> {
    let sorted = sorted(all);
    let (low, high) = (
        sorted.get(sorted.len().saturating_sub(1) / 2)?,
        sorted.get(sorted.len() / 2)?,
    );
    Some((low + high) / 2.0)
}
