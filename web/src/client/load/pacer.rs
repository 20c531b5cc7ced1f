//! When the next operation of a load is due.

/// So much of what was missed is made up for, in milliseconds: timers of a hidden tab fire once a
/// second. What a cluster that stood still for longer has missed is not piled up on it.
const MADE_UP_MS: f64 = 1_000.0;

/// Operations at a steady rate, or one as soon as it is asked for.
#[derive(Clone, Debug)]
pub struct Pacer {
    /// Milliseconds between two operations; 0 for none.
    every_ms: f64,
    due_ms: f64,
    /// From then on none is due.
    end_ms: f64,
}

impl Pacer {
    pub fn new(per_second: Option<f64>, now_ms: f64, seconds: Option<f64>) -> Self {
        Self {
            every_ms: per_second.map_or(0.0, |rate| 1_000.0 / rate),
            due_ms: now_ms,
            end_ms: seconds.map_or(f64::INFINITY, |s| now_ms + 1_000.0 * s),
        }
    }

    /// Whether the time is up; what was due before may still be taken.
    pub fn is_over(&self, now_ms: f64) -> bool {
        now_ms >= self.end_ms
    }

    /// Whether an operation is due; if so, it is taken.
    pub fn take(&mut self, now_ms: f64) -> bool {
        if self.every_ms == 0.0 {
            return !self.is_over(now_ms);
        }
        // A hair before the end, so that no rounding adds one.
        if now_ms < self.due_ms || self.due_ms >= self.end_ms - self.every_ms / 2.0 {
            return false;
        }
        self.due_ms = self.due_ms.max(now_ms - MADE_UP_MS) + self.every_ms;
        true
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn taken(pacer: &mut Pacer, now_ms: f64) -> usize {
        (0..100_000).take_while(|_| pacer.take(now_ms)).count()
    }

    #[test]
    fn the_rate_is_kept_however_late_the_timer() {
        let mut pacer = Pacer::new(Some(500.0), 0.0, None);
        let mut sum = taken(&mut pacer, 0.0);
        assert_eq!(sum, 1);
        for now in [7.0, 10.0, 11.0, 400.0, 1_000.0, 2_000.0] {
            sum += taken(&mut pacer, now);
        }
        assert_eq!(sum, 1_001);
    }

    #[test]
    fn what_was_missed_is_not_piled_up() {
        let mut pacer = Pacer::new(Some(100.0), 0.0, None);
        assert_eq!(taken(&mut pacer, 60_000.0), 101);
        assert_eq!(taken(&mut pacer, 60_100.0), 10);
    }

    #[test]
    fn as_many_are_due_as_the_rate_and_the_time_make() {
        for (rate, seconds, wanted) in [(40.0, 3.0, 120), (3.0, 1.0, 3), (700.0, 0.5, 350)] {
            for step in [1.0, 7.0, 333.0, 900.0] {
                let mut pacer = Pacer::new(Some(rate), 50.0, Some(seconds));
                let (mut sum, mut now) = (0, 50.0);
                while !pacer.is_over(now) {
                    sum += taken(&mut pacer, now);
                    now += step;
                }
                // The last look is late.
                sum += taken(&mut pacer, now);
                assert_eq!(sum, wanted, "{rate} a second, looks every {step} ms");
                assert_eq!(taken(&mut pacer, now + 1e6), 0);
            }
        }
    }

    #[test]
    fn without_a_rate_one_is_always_due() {
        let mut pacer = Pacer::new(None, 0.0, Some(1.0));
        assert!((0..1_000).all(|_| pacer.take(999.0)));
        assert!(!pacer.take(1_000.0) && pacer.is_over(1_000.0));
    }
}
