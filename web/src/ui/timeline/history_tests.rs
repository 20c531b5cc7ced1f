//! What is kept of what was seen, and what is thinned out.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::model::{LinkFault, Role, State};

/// Three nodes that run, one of which leads; nobody, if it is 0.
pub fn led(leader: u64, term: u64) -> Status {
    let node = |id| NodeStatus {
        state: State::Running,
        role: match id == leader {
            true => Role::Leader,
            false => Role::Follower,
        },
        term,
        ..NodeStatus::unknown(id)
    };
    Status {
        cluster: "demo".to_owned(),
        quorum: 2,
        leader,
        term,
        nodes: (1..=3).map(node).collect(),
    }
}

pub fn cut(from: u64, to: u64) -> FaultyLink {
    FaultyLink {
        from,
        to,
        fault: LinkFault::CUT,
    }
}

#[test]
fn a_sample_holds_until_the_next() {
    let mut history = History::default();
    assert!(history.at(0.0).is_none() && history.first_ms().is_none());
    history.record(1_000.0, &led(1, 1), &[]);
    // Too early, unchanged, changed, and a clock that was set back.
    history.record(1_100.0, &led(2, 2), &[]);
    history.record(2_000.0, &led(1, 1), &[]);
    history.record(2_000.0, &led(2, 2), &[]);
    history.record(1_000.0, &led(2, 2), &[cut(1, 2)]);
    history.record(2_500.0, &led(2, 2), &[cut(1, 2)]);
    let times: Vec<_> = history
        .samples
        .iter()
        .map(|s| (s.at_ms, s.until_ms))
        .collect();
    assert_eq!(
        times,
        [(1_000.0, 2_000.0), (2_000.0, 2_000.0), (2_500.0, 2_500.0)]
    );
    let leader = |at| history.at(at).map(|s| s.status("demo"));
    assert_eq!(leader(0.0), Some(led(1, 1)));
    assert_eq!(leader(1_999.0), Some(led(1, 1)));
    assert_eq!(leader(2_000.0), Some(led(2, 2)));
    assert_eq!(leader(9_999.0), Some(led(2, 2)));
    let held: Vec<_> = history
        .between(1_500.0, 3_000.0)
        .map(|(s, from, to)| (s.leader, from, to))
        .collect();
    assert_eq!(
        held,
        [
            (1, 1_500.0, 2_000.0),
            (2, 2_000.0, 2_500.0),
            (2, 2_500.0, 3_000.0)
        ]
    );
}

#[test]
fn nobody_knows_what_was_while_nobody_looked() {
    let mut history = History::default();
    history.record(0.0, &led(1, 1), &[]);
    history.record(1_000.0, &led(1, 1), &[]);
    history.record(1_000.0 + GAP_MS, &led(1, 1), &[]);
    let ends: Vec<f64> = history
        .between(0.0, 100_000.0)
        .map(|(_, _, to)| to)
        .collect();
    assert_eq!(ends, [1_000.0, 100_000.0]);
    assert_eq!(history.between(5_000.0, 6_000.0).count(), 0);
}

#[test]
fn what_did_not_change_is_shared() {
    let mut history = History::default();
    let mut status = led(1, 1);
    history.record(0.0, &status, &[cut(1, 2)]);
    status.nodes[0].commit = 7;
    history.record(300.0, &status, &[cut(1, 2)]);
    let (a, b) = (&history.samples[0], &history.samples[1]);
    assert!(!Arc::ptr_eq(&a.nodes[0], &b.nodes[0]));
    assert!(Arc::ptr_eq(&a.nodes[1], &b.nodes[1]));
    assert!(Arc::ptr_eq(&a.faults, &b.faults));
}

#[test]
fn memory_is_bounded_and_changes_stay_longest() {
    let mut history = History::default();
    let mut status = led(1, 1);
    // An hour under load, with another leader every five minutes.
    for i in 0..14_400_u64 {
        let term = 1 + i / 1_200;
        if status.term != term {
            status = led(1 + term % 3, term);
        }
        status.nodes[1].commit = i;
        history.record(i as f64 * EVERY_MS, &status, &[]);
        assert!(history.samples.len() <= SAMPLES_MAX);
    }
    let mut terms: Vec<u64> = history.samples.iter().map(|s| s.term).collect();
    terms.dedup();
    assert_eq!(terms, (1..=12).collect::<Vec<u64>>());
    assert_eq!(history.first_ms(), Some(0.0));
    // Nothing but changes: the oldest go.
    for i in 0..5_000_u64 {
        let now = 4e6 + i as f64 * EVERY_MS;
        history.record(now, &led(1 + i % 3, 100 + i), &[]);
        assert!(history.samples.len() <= SAMPLES_MAX);
    }
    assert!(history.first_ms() > Some(4e6));
}
