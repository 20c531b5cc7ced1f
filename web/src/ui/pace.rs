//! How fast this tab's calls are answered: a window over the last few seconds.

use std::collections::VecDeque;

/// The window that both figures look at.
const WINDOW_MS: f64 = 3_000.0;
/// Writes are counted in slices of this length, so that the count does not grow with the rate.
const SLICE_MS: f64 = 100.0;
/// Latencies kept for the median. Under load these are the latest of the window.
const LATENCIES_MAX: usize = 1_024;

/// What the bar shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    pub writes_per_s: f64,
    /// Of writes; `None` while there was none in the window.
    pub median_ms: Option<f64>,
}

/// The writes that were acknowledged between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub writes: u64,
    /// How long the middle one and the slowest took, in milliseconds; 0 without any.
    pub median_ms: f64,
    pub slowest_ms: f64,
}

#[derive(Debug, Default)]
pub struct Meter {
    /// (start of the slice, writes acknowledged in it)
    slices: VecDeque<(f64, u32)>,
    /// (when, how long)
    latencies: VecDeque<(f64, f64)>,
    /// Since the last tally; the middle one is kept later.
    tally: Tally,
    /// How long each of them took. Under load these are the latest.
    taken_ms: Vec<f64>,
}

impl Meter {
    /// Takes one acknowledged call into account.
    pub fn done(&mut self, now_ms: f64, write: bool, latency_ms: f64) {
        if write {
            match self.slices.back_mut() {
                Some((start, count)) if now_ms - *start < SLICE_MS => *count += 1,
                _ => self.slices.push_back((now_ms, 1)),
            }
            let place = self.tally.writes as usize % LATENCIES_MAX;
            match self.taken_ms.get_mut(place) {
                Some(oldest) => *oldest = latency_ms,
                None => self.taken_ms.push(latency_ms),
            }
            self.tally.writes += 1;
            self.tally.slowest_ms = self.tally.slowest_ms.max(latency_ms);
            if self.latencies.len() == LATENCIES_MAX {
                self.latencies.pop_front();
            }
            self.latencies.push_back((now_ms, latency_ms));
        }
        // Keeps the slices bounded while nobody looks.
        self.forget(now_ms);
    }

    pub fn pace(&mut self, now_ms: f64) -> Pace {
        self.forget(now_ms);
        let writes: u32 = self.slices.iter().map(|(_, count)| count).sum();
        let mut sorted: Vec<f64> = self.latencies.iter().map(|(_, ms)| *ms).collect();
        sorted.sort_by(f64::total_cmp);
        Pace {
            writes_per_s: f64::from(writes) * 1_000.0 / WINDOW_MS,
            median_ms: sorted.get(sorted.len() / 2).copied(),
        }
    }

    /// What was acknowledged since the last call of this.
    pub fn tally(&mut self) -> Tally {
        self.taken_ms.sort_by(f64::total_cmp);
        let median_ms = self.taken_ms.get(self.taken_ms.len() / 2).copied();
        self.taken_ms.clear();
        Tally {
            median_ms: median_ms.unwrap_or(0.0),
            ..std::mem::take(&mut self.tally)
        }
    }

    fn forget(&mut self, now_ms: f64) {
        let since = now_ms - WINDOW_MS;
        while self.slices.front().is_some_and(|(at, _)| *at < since) {
            self.slices.pop_front();
        }
        while self.latencies.front().is_some_and(|(at, _)| *at < since) {
            self.latencies.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn rate_and_median_follow_the_window() {
        let mut meter = Meter::default();
        assert_eq!(meter.pace(0.0), Pace::default());
        for i in 0..300 {
            meter.done(f64::from(i) * 10.0, true, f64::from(i % 3));
        }
        let pace = meter.pace(2_990.0);
        assert_eq!((pace.writes_per_s, pace.median_ms), (100.0, Some(1.0)));
        meter.done(3_000.0, false, 1.0);
        assert!(meter.pace(3_000.0).writes_per_s <= 100.0);
        assert_eq!(meter.pace(10_000.0), Pace::default());
    }

    #[test]
    fn memory_is_bounded() {
        let mut meter = Meter::default();
        for i in 0..100_000 {
            meter.done(f64::from(i) * 0.1, true, 1.0);
        }
        assert!(meter.slices.len() <= 32 && meter.latencies.len() <= LATENCIES_MAX);
        assert_eq!(meter.taken_ms.len(), LATENCIES_MAX);
        assert_eq!(meter.tally().writes, 100_000);
    }

    #[test]
    fn a_tally_has_the_writes_since_the_one_before() {
        let mut meter = Meter::default();
        assert_eq!(meter.tally(), Tally::default());
        for (write, ms) in [(true, 5.0), (false, 900.0), (true, 1.0), (true, 80.0)] {
            meter.done(0.0, write, ms);
        }
        let told = Tally {
            writes: 3,
            median_ms: 5.0,
            slowest_ms: 80.0,
        };
        assert_eq!((meter.tally(), meter.tally()), (told, Tally::default()));
    }
}
