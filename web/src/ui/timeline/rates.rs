//! How fast this tab's writes were acknowledged, over time, in bounded memory.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::ui::pace::Tally;

/// Stretches kept. Beyond that older neighbours are joined in pairs.
pub const RATES_MAX: usize = 1_200;
/// The newest share, which is never joined.
const WHOLE: usize = RATES_MAX / 4;
/// How long a stretch is at the most when it is taken, in milliseconds: timers of hidden tabs fire
/// late, but after that the machine slept.
const LONGEST_MS: f64 = 90_000.0;

/// A stretch of time, in milliseconds of the Unix epoch, and what was acknowledged in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    pub from_ms: f64,
    pub to_ms: f64,
    pub writes: u64,
    /// How long the middle one and the slowest took, in milliseconds; of joined stretches the
    /// middle is a mean, weighted by their writes.
    pub median_ms: f64,
    pub slowest_ms: f64,
}

impl Rate {
    pub fn per_second(&self) -> f64 {
        self.writes as f64 * 1_000.0 / (self.to_ms - self.from_ms).max(1.0)
    }

    fn join(self, later: Self) -> Self {
        let writes = self.writes + later.writes;
        let sum = self.median_ms * self.writes as f64 + later.median_ms * later.writes as f64;
        Self {
            from_ms: self.from_ms,
            to_ms: later.to_ms,
            writes,
            median_ms: sum / writes.max(1) as f64,
            slowest_ms: self.slowest_ms.max(later.slowest_ms),
        }
    }
}

/// By time.
#[derive(Debug, Default)]
pub struct Rates(VecDeque<Rate>);

impl FromIterator<Rate> for Rates {
    fn from_iter<I: IntoIterator<Item = Rate>>(rates: I) -> Self {
        Self(rates.into_iter().collect())
    }
}

impl Rates {
    pub fn iter(&self) -> impl Iterator<Item = &Rate> {
        self.0.iter()
    }

    /// Takes what was acknowledged since the last call; `now_ms` is in milliseconds of the Unix
    /// epoch, `every_ms` how long after each other the calls are meant to come.
    pub fn add(&mut self, now_ms: f64, every_ms: f64, tally: Tally) {
        let last = self.0.back().map(|r| r.to_ms);
        let begun = last.filter(|to| now_ms - to < LONGEST_MS);
        // The wall clock may be set back.
        let from_ms = begun.unwrap_or(now_ms - every_ms).min(now_ms - 1.0);
        let from_ms = last.map_or(from_ms, |to| from_ms.max(to));
        if from_ms >= now_ms {
            return;
        }
        if tally.writes == 0
            && let Some(last) = self.0.back_mut()
            && last.writes == 0
            && last.to_ms == from_ms
        {
            last.to_ms = now_ms;
            return;
        }
        if self.0.len() >= RATES_MAX {
            self.join_older();
        }
        self.0.push_back(Rate {
            from_ms,
            to_ms: now_ms,
            writes: tally.writes,
            median_ms: tally.median_ms,
            slowest_ms: tally.slowest_ms,
        });
    }

    fn join_older(&mut self) {
        let newer = self.0.split_off(self.0.len().saturating_sub(WHOLE));
        let mut joined = false;
        for rate in std::mem::take(&mut self.0) {
            match self.0.back_mut() {
                Some(last) if !joined && last.to_ms == rate.from_ms => {
                    *last = last.join(rate);
                    joined = true;
                }
                _ => {
                    self.0.push_back(rate);
                    joined = false;
                }
            }
        }
        self.0.extend(newer);
        // Nothing to join, with gaps everywhere: the oldest go.
        if self.0.len() > RATES_MAX - WHOLE / 2 {
            self.0.drain(..WHOLE);
        }
    }

    /// The stretch that a moment lies in.
    pub fn at(&self, at_ms: f64) -> Option<&Rate> {
        let after = self.0.partition_point(|r| r.from_ms <= at_ms);
        let rate = self.0.get(after.checked_sub(1)?)?;
        (at_ms <= rate.to_ms).then_some(rate)
    }

    /// The stretches that lie between two moments, or partly.
    pub fn between(&self, from_ms: f64, to_ms: f64) -> impl Iterator<Item = &Rate> {
        let first = self.0.partition_point(|r| r.to_ms <= from_ms);
        self.0.range(first..).take_while(move |r| r.from_ms < to_ms)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn tally(writes: u64, median_ms: f64) -> Tally {
        Tally {
            writes,
            median_ms,
            slowest_ms: 2.0 * median_ms,
        }
    }

    #[test]
    fn stretches_follow_each_other_and_rest_is_one() {
        let mut rates = Rates::default();
        for (now, writes) in [(1_000.0, 0), (1_500.0, 0), (2_000.0, 10), (2_500.0, 0)] {
            rates.add(now, 500.0, tally(writes, 3.0));
        }
        // A clock that was set back, and a machine that slept.
        rates.add(2_400.0, 500.0, tally(5, 3.0));
        rates.add(500_000.0, 500.0, tally(5, 3.0));
        let all: Vec<_> = rates
            .between(0.0, 1e9)
            .map(|r| (r.from_ms, r.to_ms, r.writes))
            .collect();
        assert_eq!(
            all,
            [
                (500.0, 1_500.0, 0),
                (1_500.0, 2_000.0, 10),
                (2_000.0, 2_500.0, 0),
                (499_500.0, 500_000.0, 5)
            ]
        );
        assert_eq!(rates.at(1_700.0).map(Rate::per_second), Some(20.0));
        assert_eq!(rates.at(100.0), None);
        assert_eq!(rates.at(3_000.0), None);
        assert_eq!(rates.between(1_500.0, 2_000.0).count(), 1);
    }

    #[test]
    fn memory_is_bounded_and_no_write_is_forgotten() {
        let mut rates = Rates::default();
        for i in 1..=10_000_u64 {
            rates.add(i as f64 * 500.0, 500.0, tally(2, 4.0));
            assert!(rates.0.len() <= RATES_MAX);
        }
        assert_eq!(rates.0.iter().map(|r| r.writes).sum::<u64>(), 20_000);
        let oldest = rates.0[0];
        assert_eq!((oldest.per_second(), oldest.median_ms), (4.0, 4.0));
        // With gaps everywhere there is nothing to join.
        let mut rates = Rates::default();
        for i in 1..=5_000_u64 {
            rates.add(i as f64 * 2.0 * LONGEST_MS, 500.0, tally(1, 1.0));
            assert!(rates.0.len() <= RATES_MAX);
        }
    }
}
