//! Which envelopes arrive, when, how often, and in what state. A channel may lose, repeat and
//! reorder; and whoever else writes to it may write anything.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use fastrand::Rng;

use super::fault::{Fault, Faults};
use crate::frame::VERSION_OFFSET;
use crate::wire::{Address, Envelope, NodeId};

/// How bad things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Of a hundred envelopes, so many are lost.
    pub loss_pct: u32,
    /// And so many arrive twice.
    pub duplicate_pct: u32,
    /// And so many arrive spoiled: with a bit flipped, of another version, of another cluster.
    pub spoil_pct: u32,
    pub delay_ms: RangeInclusive<u64>,
    pub disk_ms: RangeInclusive<u64>,
}

impl Weather {
    /// Everything arrives, in order and at once.
    pub const CALM: Weather = Weather {
        loss_pct: 0,
        duplicate_pct: 0,
        spoil_pct: 0,
        delay_ms: 0..=0,
        disk_ms: 0..=0,
    };
    /// A tab's day.
    pub const FAIR: Weather = Weather {
        delay_ms: 0..=2,
        disk_ms: 1..=4,
        ..Weather::CALM
    };
    pub const STORM: Weather = Weather {
        loss_pct: 10,
        duplicate_pct: 10,
        spoil_pct: 0,
        delay_ms: 0..=60,
        disk_ms: 1..=40,
    };
    /// Much of what arrives is not what was sent.
    pub const NOISE: Weather = Weather {
        spoil_pct: 10,
        ..Weather::FAIR
    };
    /// Everything takes long.
    pub const FOG: Weather = Weather {
        delay_ms: 30..=200,
        disk_ms: 5..=80,
        ..Weather::CALM
    };
}

/// What an envelope's bytes are when they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Whole,
    /// One bit is another, chosen by this number.
    Flipped(u64),
    OtherVersion,
    OtherCluster,
}

impl State {
    /// The bytes as they arrive.
    pub fn of(self, bytes: &[u8], envelope: &Envelope) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            State::Whole => {}
            State::Flipped(which) => {
                let bit = which % (8 * bytes.len() as u64);
                bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
            }
            State::OtherVersion => bytes[VERSION_OFFSET] += 1,
            State::OtherCluster => {
                bytes = Envelope {
                    cluster: envelope.cluster ^ 1,
                    ..envelope.clone()
                }
                .encode();
            }
        }
        bytes
    }
}

pub struct Network {
    rng: Rng,
    pub weather: Weather,
    /// From, to.
    cuts: BTreeSet<(NodeId, NodeId)>,
    /// Replicas whose disks take very long.
    pub slow_disks: BTreeSet<NodeId>,
    /// When the last envelope of each way arrives.
    last: BTreeMap<(Address, Address), u64>,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed ^ 0x6e65_7477),
            weather: Weather::CALM,
            cuts: BTreeSet::new(),
            slow_disks: BTreeSet::new(),
            last: BTreeMap::new(),
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

    /// The arrivals of an envelope that is sent now: after how long, and in what state. None if it
    /// is lost. Clients reach every replica.
    pub fn deliveries(
        &mut self,
        now: u64,
        (from, to): (Address, Address),
        faults: &mut Faults,
    ) -> Vec<(u64, State)> {
        if let (Address::Node(a), Address::Node(b)) = (from, to)
            && self.cuts.contains(&(a, b))
        {
            faults.count(match self.cuts.contains(&(b, a)) {
                true => Fault::SymmetricPartition,
                false => Fault::AsymmetricPartition,
            });
            return Vec::new();
        }
        let is_lost = self.rng.u32(0..100) < self.weather.loss_pct;
        if is_lost {
            faults.count(Fault::Loss);
            return Vec::new();
        }
        let mut copies = 1;
        let is_repeated = self.rng.u32(0..100) < self.weather.duplicate_pct;
        if is_repeated {
            faults.count(Fault::Duplication);
            copies = 2;
        }
        let mut deliveries = Vec::with_capacity(copies);
        for _ in 0..copies {
            let delay = self.rng.u64(self.weather.delay_ms.clone());
            if delay > *Weather::FAIR.delay_ms.end() {
                faults.count(Fault::Delay);
            }
            let last = self.last.entry((from, to)).or_default();
            if now + delay < *last {
                faults.count(Fault::Reordering);
            }
            *last = (now + delay).max(*last);
            deliveries.push((delay, self.spoil()));
        }
        deliveries
    }

    fn spoil(&mut self) -> State {
        let spoil_pct = self.weather.spoil_pct;
        if spoil_pct == 0 || self.rng.u32(0..100) >= spoil_pct {
            return State::Whole;
        }
        match self.rng.u32(0..4) {
            0 => State::OtherVersion,
            1 => State::OtherCluster,
            _ => State::Flipped(self.rng.u64(..)),
        }
    }

    /// How long the next write of a replica takes.
    pub fn disk_delay(&mut self, id: NodeId, faults: &mut Faults) -> u64 {
        if self.slow_disks.contains(&id) {
            faults.count(Fault::SlowDisk);
            return self.rng.u64(200..=1_500);
        }
        self.rng.u64(self.weather.disk_ms.clone())
    }
}
