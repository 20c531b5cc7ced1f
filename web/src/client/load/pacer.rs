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
}

impl Pacer {
    pub fn new(per_second: Option<f64>, now_ms: f64) -> Self {
        Self {
            every_ms: per_second.map_or(0.0, |rate| 1_000.0 / rate),
            due_ms: now_ms,
        }
    }

    /// Whether an operation is due; if so, it is taken.
    pub fn take(&mut self, now_ms: f64) -> bool {
        if self.every_ms == 0.0 {
            return true;
        }
        if now_ms < self.due_ms {
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
        let mut pacer = Pacer::new(Some(500.0), 0.0);
        let mut sum = taken(&mut pacer, 0.0);
        assert_eq!(sum, 1);
        for now in [7.0, 10.0, 11.0, 400.0, 1_000.0, 2_000.0] {
            sum += taken(&mut pacer, now);
        }
        assert_eq!(sum, 1_001);
    }

    #[test]
    fn what_was_missed_is_not_piled_up() {
        let mut pacer = Pacer::new(Some(100.0), 0.0);
        assert_eq!(taken(&mut pacer, 60_000.0), 101);
        assert_eq!(taken(&mut pacer, 60_100.0), 10);
    }

    #[test]
    fn without_a_rate_one_is_always_due() {
        let mut pacer = Pacer::new(None, 0.0);
        assert!((0..1_000).all(|_| pacer.take(0.0)));
    }
}
