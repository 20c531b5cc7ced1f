//! What has been run so far.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tabraft::sim::campaign::Outcome;
use tabraft::sim::fault::Faults;

pub struct Tally {
    begun: Instant,
    pub seeds: u64,
    pub faults: Faults,
    ops: u64,
    virtual_ms: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            seeds: 0,
            faults: Faults::default(),
            ops: 0,
            virtual_ms: 0,
        }
    }
}

impl Tally {
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.faults.add(&outcome.faults);
        self.ops += outcome.ops;
        self.virtual_ms += outcome.virtual_ms;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.virtual_ms as f64 / 3_600_000.0;
        let per_second = self.seeds as f64 / self.begun.elapsed().as_secs_f64();
        write!(
            f,
            "{} seeds, {hours:.1} virtual hours, {} faults, {} requests, {per_second:.0} seeds/s",
            self.seeds,
            self.faults.total(),
            self.ops,
        )
    }
}

/// Stops it all when somebody presses Enter. The end of the input is nobody's word.
pub fn wait_for_enter(stop: &AtomicBool) {
    let mut line = String::new();
    if std::io::stdin()
        .read_line(&mut line)
        .is_ok_and(|bytes| bytes > 0)
    {
        stop.store(true, Ordering::Relaxed);
    }
}
