//! How long calls took, counted in bounded memory whatever their number.

/// The shortest time that is told apart, in milliseconds.
const LEAST_MS: f64 = 0.01;
/// Each place stands for times up to so much longer than the place before it.
const STEP: f64 = 1.02;
/// Up to some hours.
const PLACES: usize = 1_100;

/// A histogram of durations; what it tells is within a hundredth of the truth.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// How many took so long, as far as any did.
    counts: Vec<u32>,
    total: u64,
}

impl Latencies {
    pub fn add(&mut self, ms: f64) {
        let steps = (ms.max(LEAST_MS) / LEAST_MS).ln() / STEP.ln();
        let place = (steps as usize).min(PLACES - 1);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        self.total += 1;
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total += other.total;
    }

    /// How long the call took that a share of them, from 0 to 1, did not exceed, in milliseconds;
    /// 0 without any.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = ((self.total as f64 * share) as u64).min(self.total.saturating_sub(1));
        let mut before = 0;
        let place = self.counts.iter().position(|count| {
            before += u64::from(*count);
            before > wanted
        });
        place.map_or(0.0, |place| LEAST_MS * STEP.powf(place as f64 + 0.5))
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn near(found: f64, wanted: f64) -> bool {
        (found / wanted - 1.0).abs() < 0.011
    }

    #[test]
    fn quantiles_are_within_a_hundredth() {
        let mut all = Latencies::default();
        assert_eq!((all.quantile(0.5), all.total()), (0.0, 0));
        for ms in 1..=1_000 {
            all.add(f64::from(ms));
        }
        assert!(near(all.quantile(0.5), 501.0), "{}", all.quantile(0.5));
        assert!(near(all.quantile(0.99), 991.0), "{}", all.quantile(0.99));
        assert!(near(all.quantile(1.0), 1_000.0), "{}", all.quantile(1.0));
    }

    #[test]
    fn what_is_merged_is_as_if_it_had_been_added() {
        let (mut one, mut other, mut both) = (
            Latencies::default(),
            Latencies::default(),
            Latencies::default(),
        );
        for ms in [0.0, 0.3, 5.0] {
            one.add(ms);
            both.add(ms);
        }
        for ms in [700.0, 1e12, f64::NAN] {
            other.add(ms);
            both.add(ms);
        }
        one.merge(&other);
        assert_eq!(one.counts, both.counts);
        assert_eq!((one.total(), one.counts.len()), (6, PLACES));
    }
}
