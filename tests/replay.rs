//! The same seed is the same run, to the byte. The same hashes are asserted in a browser, in
//! `web/tests/replay.rs`.

use tabraft::sim::campaign::run;
use tabraft::sim::golden::differing;

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
