//! Simulated clusters under faults, judged by what their clients saw alone.

use tabraft::check::linear::{Call, Initial, Operation, Return, Verdict, check, check_positions};
use tabraft::sim::campaign::Scenario;

use super::WORK_MAX;

const SEEDS: u64 = 60;

fn history(seed: u64) -> Vec<Operation> {
    let (outcome, history) = Scenario::of(seed).history();
    assert_eq!(outcome.violation, None, "seed {seed}");
    history
}

#[test]
fn what_clients_saw_is_linearizable() {
    let mut judged = 0;
    for seed in 0..SEEDS {
        let history = history(seed);
        match check(&history, Initial::Absent, WORK_MAX) {
            Verdict::Linearizable { operations } => judged += operations,
            verdict => panic!("seed {seed}: {verdict:?}"),
        }
        assert_eq!(check_positions(&history), Ok(()), "seed {seed}");
    }
    assert!(judged > 2_000, "only {judged} operations");
}

/// A replica that had answered one read from an older state would have been noticed.
#[test]
fn a_stale_read_in_it_is_noticed() {
    let mut noticed = 0;
    for seed in 0..SEEDS {
        let mut history = history(seed);
        // The first value of a key, in place of the last that was read of it.
        let of_key = |operation: &Operation| operation.key == "k0";
        let first = history
            .iter()
            .filter(|it| of_key(it))
            .find_map(|operation| match (&operation.call, &operation.returned) {
                (Call::Put { value }, Some(returned)) => Some((value.clone(), returned.at)),
                _ => None,
            });
        let Some((value, at)) = first else {
            continue;
        };
        // Overwritten for certain: by a put that came after it and was over before the read.
        let puts = history.iter().filter(|it| of_key(it) && it.invoked > at);
        let over = puts.filter(|it| matches!(it.call, Call::Put { .. }));
        let Some(over) = over.filter_map(|it| Some(it.returned.as_ref()?.at)).min() else {
            continue;
        };
        let read = history
            .iter_mut()
            .rev()
            .filter(|it| of_key(it) && it.invoked > over)
            .find(|operation| operation.call == Call::Get && operation.returned.is_some());
        let Some(returned) = read.and_then(|read| read.returned.as_mut()) else {
            continue;
        };
        let stale = Return::Value(Some(value));
        returned.answer = stale;
        let verdict = check(&history, Initial::Absent, WORK_MAX);
        assert!(
            matches!(verdict, Verdict::NotLinearizable { .. }),
            "seed {seed}: {verdict:?}"
        );
        noticed += 1;
    }
    assert!(noticed >= 10, "only {noticed}");
}
