//! What the page has seen, moment by moment, in bounded memory.
//!
//! A sample holds from when it was taken until the next one. Nodes that did not change share
//! their status with the sample before, and nothing is added while nothing changes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::marks::Marks;
use super::rates::Rates;
use super::readings::Readings;
use crate::model::{FaultyLink, NodeStatus, Status};

/// Samples kept. Beyond that the older ones are thinned out: those that only count further go
/// first, changes of who leads and who runs go last.
pub const SAMPLES_MAX: usize = 1_200;
/// Between two samples, in milliseconds, at the least.
pub const EVERY_MS: f64 = 250.0;
/// The newest share of the samples, which is never thinned.
const WHOLE: usize = SAMPLES_MAX / 4;
/// After so many milliseconds without a look nobody knows what was. A hidden tab looks once a
/// minute.
pub const GAP_MS: f64 = 90_000.0;

/// How the cluster was, as far as this page knew.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds of the Unix epoch.
    pub at_ms: f64,
    /// Until when it was seen to be so, in milliseconds of the Unix epoch.
    pub until_ms: f64,
    pub(super) quorum: u64,
    pub(super) leader: u64,
    pub(super) term: u64,
    pub nodes: Vec<Arc<NodeStatus>>,
    pub faults: Arc<[FaultyLink]>,
}

impl Sample {
    pub fn node(&self, id: u64) -> Option<&NodeStatus> {
        self.nodes.iter().find(|n| n.id == id).map(Arc::as_ref)
    }

    /// The status as it was; `cluster` is the cluster's name.
    pub fn status(&self, cluster: &str) -> Status {
        Status {
            cluster: cluster.to_owned(),
            quorum: self.quorum,
            leader: self.leader,
            term: self.term,
            nodes: self.nodes.iter().map(|n| n.as_ref().clone()).collect(),
        }
    }

    fn is(&self, status: &Status, faults: &[FaultyLink]) -> bool {
        (self.quorum, self.leader, self.term) == (status.quorum, status.leader, status.term)
            && self.nodes.len() == status.nodes.len()
            && self
                .nodes
                .iter()
                .zip(&status.nodes)
                .all(|(a, b)| a.as_ref() == b)
            && *self.faults == *faults
    }

    /// Whether the timeline draws both alike.
    fn looks_like(&self, other: &Self) -> bool {
        let look = |n: &NodeStatus| (n.id, n.state, n.role, n.term, n.member);
        self.leader == other.leader
            && self.faults == other.faults
            && self.nodes.len() == other.nodes.len()
            && self
                .nodes
                .iter()
                .zip(&other.nodes)
                .all(|(a, b)| look(a) == look(b))
    }
}

/// All that the timeline draws from.
#[derive(Debug, Default)]
pub struct History {
    pub(super) samples: VecDeque<Sample>,
    pub rates: Rates,
    pub marks: Marks,
    /// What the keys were.
    pub readings: Readings,
}

impl History {
    /// Takes a look: `now_ms` is in milliseconds of the Unix epoch. A look that comes too early
    /// is left out, the next one has what it had.
    pub fn record(&mut self, now_ms: f64, status: &Status, faults: &[FaultyLink]) {
        let mut now_ms = now_ms;
        let mut nodes = None;
        let mut links = None;
        if let Some(last) = self.samples.back_mut() {
            // The wall clock may be set back.
            now_ms = now_ms.max(last.until_ms);
            if last.is(status, faults) && now_ms - last.until_ms < GAP_MS {
                last.until_ms = now_ms;
                return;
            }
            if now_ms - last.at_ms < EVERY_MS {
                return;
            }
            self.marks.compare(now_ms, &last.nodes, &status.nodes);
            let share = |node: &NodeStatus| {
                let known = last.nodes.iter().find(|n| n.id == node.id);
                let same = known.filter(|n| n.as_ref() == node);
                same.map_or_else(|| Arc::new(node.clone()), Arc::clone)
            };
            nodes = Some(status.nodes.iter().map(share).collect());
            links = (*last.faults == *faults).then(|| last.faults.clone());
        }
        if self.samples.len() >= SAMPLES_MAX {
            self.thin();
        }
        self.samples.push_back(Sample {
            at_ms: now_ms,
            until_ms: now_ms,
            quorum: status.quorum,
            leader: status.leader,
            term: status.term,
            nodes: nodes
                .unwrap_or_else(|| status.nodes.iter().map(|n| Arc::new(n.clone())).collect()),
            faults: links.unwrap_or_else(|| faults.into()),
        });
    }

    /// Of the older samples, drops every other one that looks like the one before it; where that
    /// is not enough, the oldest.
    fn thin(&mut self) {
        let old = self.samples.len().saturating_sub(WHOLE);
        let mut kept = VecDeque::<Sample>::with_capacity(SAMPLES_MAX);
        let mut dropped = false;
        for (i, sample) in std::mem::take(&mut self.samples).into_iter().enumerate() {
            match kept.back_mut() {
                Some(before)
                    if i < old
                        && !dropped
                        && before.looks_like(&sample)
                        && sample.at_ms - before.until_ms < GAP_MS =>
                {
                    before.until_ms = sample.until_ms;
                    dropped = true;
                }
                _ => {
                    kept.push_back(sample);
                    dropped = false;
                }
            }
        }
        if kept.len() > SAMPLES_MAX - WHOLE / 2 {
            kept.drain(..WHOLE);
        }
        self.samples = kept;
    }

    /// When the first sample was taken, in milliseconds of the Unix epoch.
    pub fn first_ms(&self) -> Option<f64> {
        self.samples.front().map(|s| s.at_ms)
    }

    /// The sample that holds at a moment; before the first one, the first.
    pub fn at(&self, at_ms: f64) -> Option<&Sample> {
        let after = self.samples.partition_point(|s| s.at_ms <= at_ms);
        self.samples.get(after.saturating_sub(1))
    }

    /// The samples that hold between two moments, each with when it begins and ends, in
    /// milliseconds of the Unix epoch; the newest lasts until `to_ms`.
    pub fn between(&self, from_ms: f64, to_ms: f64) -> impl Iterator<Item = (&Sample, f64, f64)> {
        let after = self.samples.partition_point(|s| s.at_ms <= from_ms);
        let first = after.saturating_sub(1);
        let here = self.samples.range(first..).enumerate();
        here.take_while(move |(_, s)| s.at_ms < to_ms)
            .map(move |(i, sample)| {
                let next = self.samples.get(first + i + 1).map_or(to_ms, |n| n.at_ms);
                let end = match next - sample.until_ms < GAP_MS {
                    true => next,
                    false => sample.until_ms,
                };
                (sample, sample.at_ms.max(from_ms), end.min(to_ms))
            })
            .filter(|(_, from, to)| from < to)
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
pub mod tests;
