//! What a load has come to, all in all and of late.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::client::latencies::Latencies;

/// The last seconds are counted by slices of so many milliseconds.
const SLICE_MS: f64 = 500.0;
/// And there are so many of them.
const SLICES: usize = 6;

/// How fast it was, over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Speed {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub running: bool,
    /// Operations a second that were asked for; `None` for as fast as it goes.
    pub wanted: Option<f64>,
    pub seconds: f64,
    /// Operations that were answered as asked.
    pub acknowledged: u64,
    #[serde(flatten)]
    pub overall: Speed,
    /// The last seconds.
    pub lately: Speed,
    /// By their codes.
    pub errors: BTreeMap<&'static str, u64>,
    /// Writes of which nobody knows whether they took effect.
    pub unknown: u64,
    pub in_flight: u64,
}

/// Counts, in bounded memory.
pub struct Meter {
    began_ms: f64,
    overall: Latencies,
    /// When each slice began, and what was acknowledged in it.
    slices: VecDeque<(f64, Latencies)>,
    errors: BTreeMap<&'static str, u64>,
    unknown: u64,
}

impl Meter {
    pub fn new(now_ms: f64) -> Self {
        Self {
            began_ms: now_ms,
            overall: Latencies::default(),
            slices: VecDeque::new(),
            errors: BTreeMap::new(),
            unknown: 0,
        }
    }

    pub fn acknowledged(&mut self, now_ms: f64, took_ms: f64) {
        self.overall.add(took_ms);
        match self.slices.back_mut() {
            Some((began, slice)) if now_ms - *began < SLICE_MS => slice.add(took_ms),
            _ => {
                let mut slice = Latencies::default();
                slice.add(took_ms);
                self.slices.push_back((now_ms, slice));
            }
        }
        if self.slices.len() > SLICES + 1 {
            self.slices.pop_front();
        }
    }

    pub fn failed(&mut self, code: &'static str, outcome_is_unknown: bool) {
        *self.errors.entry(code).or_default() += 1;
        self.unknown += u64::from(outcome_is_unknown);
    }

    pub fn figures(&self, now_ms: f64) -> Figures {
        let ms = (now_ms - self.began_ms).max(1.0);
        let mut late_ms = ms.min(SLICE_MS * SLICES as f64);
        let mut lately = Latencies::default();
        let newest = self.slices.iter().rev();
        let newest = newest.take_while(|(began, _)| *began > now_ms - SLICE_MS * SLICES as f64);
        let mut covered_ms = None;
        for (began, slice) in newest {
            lately.merge(slice);
            covered_ms = Some(now_ms - began);
        }
        // Not more than what these slices cover; nor next to nothing, when the first has just begun.
        if let Some(covered_ms) = covered_ms {
            late_ms = late_ms.min(covered_ms.max(SLICE_MS));
        }
        Figures {
            seconds: ms / 1_000.0,
            acknowledged: self.overall.total(),
            overall: speed(&self.overall, ms),
            lately: speed(&lately, late_ms),
            errors: self.errors.clone(),
            unknown: self.unknown,
            ..Figures::default()
        }
    }
}

fn speed(latencies: &Latencies, ms: f64) -> Speed {
    Speed {
        per_second: latencies.total() as f64 * 1_000.0 / ms,
        p50_ms: latencies.quantile(0.5),
        p99_ms: latencies.quantile(0.99),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_is_late_is_told_apart_from_all_of_it() {
        let mut meter = Meter::new(0.0);
        for n in 1..=1_000 {
            meter.acknowledged(f64::from(n) * 10.0, 2.0);
        }
        for n in 1..=100 {
            meter.acknowledged(10_000.0 + f64::from(n) * 100.0, 50.0);
        }
        let told = meter.figures(20_000.0);
        assert_eq!(told.acknowledged, 1_100);
        assert_eq!(told.overall.per_second, 55.0);
        assert!((9.0..=11.0).contains(&told.lately.per_second), "{told:?}");
        assert!(
            told.overall.p50_ms < 3.0 && told.lately.p50_ms > 45.0,
            "{told:?}"
        );
        // Wherever the slices begin, a steady rate is that rate.
        let mut steady = Meter::new(0.0);
        for n in 1..=1_000 {
            let now = f64::from(n) * 20.0;
            steady.acknowledged(now, 2.0);
            let told = steady.figures(now + 5.0).lately.per_second;
            assert!(
                now < 1_000.0 || (49.0..=51.0).contains(&told),
                "{told} at {now}"
            );
        }
        // It stands still.
        let told = meter.figures(60_000.0);
        assert_eq!((told.lately.per_second, told.lately.p99_ms), (0.0, 0.0));
        assert!(meter.slices.len() <= SLICES + 1);
    }

    #[test]
    fn errors_are_counted_by_their_codes() {
        let mut meter = Meter::new(0.0);
        meter.failed("TIMEOUT", true);
        meter.failed("TIMEOUT", false);
        meter.failed("NO_LEADER", false);
        let told = meter.figures(1.0);
        let errors: Vec<_> = told.errors.into_iter().collect();
        assert_eq!(errors, [("NO_LEADER", 1), ("TIMEOUT", 2)]);
        assert_eq!(told.unknown, 1);
    }
}
