//! Which envelopes arrive, when, and how often. A channel may lose, repeat and reorder.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use fastrand::Rng;

use crate::wire::{Address, NodeId};

/// How bad things are.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Of a hundred envelopes, so many are lost.
    pub loss_pct: u32,
    /// And so many arrive twice.
    pub duplicate_pct: u32,
    pub delay_ms: RangeInclusive<u64>,
    pub disk_ms: RangeInclusive<u64>,
}

impl Weather {
    /// Everything arrives, in order and at once.
    pub const CALM: Weather = Weather {
        loss_pct: 0,
        duplicate_pct: 0,
        delay_ms: 0..=0,
        disk_ms: 0..=0,
    };
    /// A tab's day.
    pub const FAIR: Weather = Weather {
        loss_pct: 0,
        duplicate_pct: 0,
        delay_ms: 0..=2,
        disk_ms: 1..=4,
    };
    pub const STORM: Weather = Weather {
        loss_pct: 10,
        duplicate_pct: 10,
        delay_ms: 0..=60,
        disk_ms: 1..=40,
    };
}

pub struct Network {
    rng: Rng,
    pub weather: Weather,
    /// From, to.
    cuts: BTreeSet<(NodeId, NodeId)>,
    /// Replicas whose disks take very long.
    pub slow_disks: BTreeSet<NodeId>,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed ^ 0x6e65_7477),
            weather: Weather::CALM,
            cuts: BTreeSet::new(),
            slow_disks: BTreeSet::new(),
        }
    }

    /// Cuts the way from one replica to another; the way back stays.
    pub fn cut(&mut self, from: NodeId, to: NodeId) {
        self.cuts.insert((from, to));
    }

    /// Cuts every way between two groups.
    pub fn partition(&mut self, one: &[NodeId], other: &[NodeId]) {
        for &a in one {
            for &b in other {
                self.cut(a, b);
                self.cut(b, a);
            }
        }
    }

    pub fn heal(&mut self) {
        self.cuts.clear();
        self.slow_disks.clear();
    }

    /// The delays of an envelope's arrivals: none if it is lost. Clients reach every replica.
    pub fn deliveries(&mut self, from: Address, to: Address) -> Vec<u64> {
        if let (Address::Node(from), Address::Node(to)) = (from, to)
            && self.cuts.contains(&(from, to))
        {
            return Vec::new();
        }
        if self.rng.u32(0..100) < self.weather.loss_pct {
            return Vec::new();
        }
        let copies = 1 + usize::from(self.rng.u32(0..100) < self.weather.duplicate_pct);
        (0..copies)
            .map(|_| self.rng.u64(self.weather.delay_ms.clone()))
            .collect()
    }

    /// How long the next write of a replica takes.
    pub fn disk_delay(&mut self, id: NodeId) -> u64 {
        if self.slow_disks.contains(&id) {
            return self.rng.u64(200..=1_500);
        }
        self.rng.u64(self.weather.disk_ms.clone())
    }
}
