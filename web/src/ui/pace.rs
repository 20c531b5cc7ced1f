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
    /// `None` while there was no call in the window.
    pub median_ms: Option<f64>,
}

#[derive(Debug, Default)]
pub struct Meter {
    /// (start of the slice, writes acknowledged in it)
    slices: VecDeque<(f64, u32)>,
    /// (when, how long)
    latencies: VecDeque<(f64, f64)>,
}

impl Meter {
    /// Takes one acknowledged call into account.
    pub fn done(&mut self, now_ms: f64, write: bool, latency_ms: f64) {
        if write {
            match self.slices.back_mut() {
                Some((start, count)) if now_ms - *start < SLICE_MS => *count += 1,
                _ => self.slices.push_back((now_ms, 1)),
            }
        }
        if self.latencies.len() == LATENCIES_MAX {
            self.latencies.pop_front();
        }
        self.latencies.push_back((now_ms, latency_ms));
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
    }
}
