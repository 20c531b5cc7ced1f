//! The same seed is the same run, to the byte. The same hashes are asserted in a browser, in
//! `web/tests/replay.rs`.

use tabraft::sim::campaign::{Scenario, run};
use tabraft::sim::fault::Fault;
use tabraft::sim::golden::differing;
use tabraft::sim::shrink::shrink;

#[test]
fn every_byte_is_as_it_is_known() {
    let differing = differing();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    for seed in 100..110 {
        assert_eq!(run(seed), run(seed));
        assert_ne!(run(seed).hash, run(seed + 1).hash);
    }
}

/// What is looked for here is no failure, but a crash of the whole browser: one strike suffices.
#[test]
fn a_scenario_is_made_as_small_as_what_is_looked_for() {
    let has_it = |scenario: &Scenario| scenario.play().faults.of(Fault::BrowserCrash) > 0;
    let scenario = (0..100)
        .map(Scenario::of)
        .find(|s| s.strikes.len() > 20 && has_it(s));
    let scenario = scenario.expect("one of a hundred");
    let small = shrink(&scenario, 1_000, |outcome| {
        outcome.faults.of(Fault::BrowserCrash) > 0
    });
    assert_eq!(small.strikes.len(), 1, "{:?}", small.strikes);
    assert_eq!(small.plan.operations, 0);
    assert!(has_it(&small));
}
