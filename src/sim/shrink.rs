//! Making a scenario that fails small: strikes and clients' requests are left out while it still
//! fails, by delta debugging (Zeller and Hildebrandt 2002).

use super::campaign::{Outcome, Scenario};

/// A scenario of which the same is true still, with as few strikes and requests as were found in so
/// many runs.
pub fn shrink(scenario: &Scenario, runs: usize, is_so: impl Fn(&Outcome) -> bool) -> Scenario {
    let mut small = scenario.clone();
    let mut left = runs;
    let mut fails = |candidate: &Scenario| {
        left = left.saturating_sub(1);
        left > 0 && is_so(&candidate.play())
    };
    fewer_strikes(&mut small, &mut fails);
    fewer_requests(&mut small, &mut fails);
    fewer_strikes(&mut small, &mut fails);
    small
}

/// Leaves out runs of strikes, long ones first.
fn fewer_strikes(small: &mut Scenario, fails: &mut impl FnMut(&Scenario) -> bool) {
    let mut length = small.strikes.len().div_ceil(2);
    while length > 0 {
        let mut from = 0;
        while from < small.strikes.len() {
            let mut candidate = small.clone();
            let until = (from + length).min(candidate.strikes.len());
            candidate.strikes.drain(from..until);
            if fails(&candidate) {
                *small = candidate;
            } else {
                from = until;
            }
        }
        length /= 2;
    }
}

/// Half of the requests, and half of that again; then fewer clients, fewer at a time.
fn fewer_requests(small: &mut Scenario, fails: &mut impl FnMut(&Scenario) -> bool) {
    let steps: [fn(&mut Scenario) -> bool; 3] = [
        |scenario| halve(&mut scenario.plan.operations, 0),
        |scenario| halve(&mut scenario.clients, 1),
        |scenario| {
            let fewer = scenario.plan.in_flight > 1;
            scenario.plan.in_flight = 1;
            fewer
        },
    ];
    for step in steps {
        loop {
            let mut candidate = small.clone();
            if !step(&mut candidate) || !fails(&candidate) {
                break;
            }
            *small = candidate;
        }
    }
}

fn halve(number: &mut u64, least: u64) -> bool {
    let before = *number;
    *number = (before / 2).max(least);
    *number != before
}
