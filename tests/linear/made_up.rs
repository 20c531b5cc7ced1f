//! Histories made up from a single copy: each operation takes effect at one moment between its
//! invocation and its return, so they are linearizable; then some are spoilt.

use std::collections::HashMap;

use bytes::Bytes;
use fastrand::Rng;
use proptest::prelude::*;
use tabraft::check::linear::{
    Call, Initial, Operation, Position, Return, Returned, Verdict, check, check_positions,
};

use super::every_order::{apply, explains};
use super::{WORK_MAX, value};

struct Plan {
    operations: usize,
    keys: u64,
    /// How many may be under way at once, more or less.
    in_flight: u64,
    /// Values are drawn from so many.
    values: u64,
    lost_pct: u32,
}

fn invent(rng: &mut Rng, values: u64) -> Call {
    let mut any = || value(&rng.u64(0..values).to_string());
    let (a, b) = (any(), any());
    match rng.u32(0..10) {
        0..4 => Call::Get,
        4..7 => Call::Put { value: a },
        7 => Call::Delete,
        8 => Call::Cas {
            expected: None,
            value: a,
        },
        _ => Call::Cas {
            expected: Some(b),
            value: a,
        },
    }
}

/// A history as a single copy would have it.
fn history(seed: u64, plan: &Plan) -> Vec<Operation> {
    let mut rng = Rng::with_seed(seed);
    let mut operations = Vec::new();
    let mut effects = Vec::new();
    for n in 0..plan.operations {
        let effect = 100 * (n as u64 + plan.in_flight);
        let reach = 50 * plan.in_flight;
        let lost = rng.u32(0..100) < plan.lost_pct;
        operations.push(Operation {
            client: rng.u64(0..9),
            key: format!("k{}", rng.u64(0..plan.keys)),
            call: invent(&mut rng, plan.values),
            invoked: effect - rng.u64(0..reach),
            returned: None,
        });
        // Of the lost ones some take effect much later, some never.
        let at = match lost {
            true if rng.bool() => None,
            true => Some(effect + rng.u64(0..5_000)),
            false => Some(effect),
        };
        let returns = (!lost).then(|| effect + rng.u64(0..reach));
        effects.extend(at.map(|at| (at, n, returns)));
    }
    effects.sort_unstable();
    let mut copy: HashMap<String, Option<Bytes>> = HashMap::new();
    for (index, (_, n, returns)) in effects.into_iter().enumerate() {
        let operation = &mut operations[n];
        let state = copy.entry(operation.key.clone()).or_default();
        let (answer, next) = apply(&operation.call, state);
        *state = next;
        let position = (operation.call != Call::Get).then_some(Position {
            index: index as u64 + 2,
            term: 1 + index as u64 / 100,
        });
        operation.returned = returns.map(|at| Returned {
            at,
            answer,
            position,
        });
    }
    operations
}

/// A long one without lost operations, in which no value is written twice.
pub fn long(operations: usize, keys: u64, in_flight: u64) -> Vec<Operation> {
    let plan = Plan {
        operations,
        keys,
        in_flight,
        values: u64::MAX,
        lost_pct: 1,
    };
    history(1, &plan)
}

fn forget_positions(operations: &mut [Operation]) {
    for operation in operations {
        if let Some(returned) = &mut operation.returned {
            returned.position = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_single_copys_history_is_linearizable(
        seed: u64,
        operations in 1..300usize,
        keys in 1..4u64,
        in_flight in 1..8u64,
        values in 1..30u64,
        lost_pct in 0..15u32,
    ) {
        let plan = Plan { operations, keys, in_flight, values, lost_pct };
        let mut history = history(seed, &plan);
        let good = Verdict::Linearizable { operations };
        prop_assert_eq!(check(&history, Initial::Absent, WORK_MAX), good.clone());
        prop_assert_eq!(check(&history, Initial::Unknown, WORK_MAX), good.clone());
        prop_assert_eq!(check_positions(&history), Ok(()));
        forget_positions(&mut history);
        prop_assert_eq!(check(&history, Initial::Absent, WORK_MAX), good);
    }

    #[test]
    fn a_value_that_nobody_wrote_is_noticed(seed: u64, operations in 1..100usize, which: prop::sample::Index) {
        let plan = Plan { operations, keys: 2, in_flight: 4, values: 9, lost_pct: 5 };
        let mut history = history(seed, &plan);
        let read = |operation: &&mut Operation| {
            operation.call == Call::Get && operation.returned.is_some()
        };
        let mut reads: Vec<&mut Operation> = history.iter_mut().filter(read).collect();
        prop_assume!(!reads.is_empty());
        let spoilt = which.index(reads.len());
        if let Some(returned) = &mut reads[spoilt].returned {
            returned.answer = Return::Value(Some(value("never written")));
        }
        let verdict = check(&history, Initial::Absent, WORK_MAX);
        let noticed = matches!(verdict, Verdict::NotLinearizable { .. });
        prop_assert!(noticed, "{:?}", verdict);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    /// Answers are changed at random, so that a good part of the histories is bad.
    #[test]
    fn the_judge_agrees_with_one_that_tries_every_order(
        seed: u64,
        operations in 1..9usize,
        in_flight in 1..6u64,
        values in 1..4u64,
        lost_pct in 0..60u32,
        spoilt in 0..6usize,
    ) {
        let plan = Plan { operations, keys: 1, in_flight, values, lost_pct };
        let mut history = history(seed, &plan);
        forget_positions(&mut history);
        let mut rng = Rng::with_seed(seed);
        for _ in 0..spoilt {
            let operation = &mut history[rng.usize(0..operations)];
            let state = rng.bool().then(|| value(&rng.u64(0..values).to_string()));
            let (answer, _) = apply(&operation.call, &state);
            if let Some(returned) = &mut operation.returned {
                returned.answer = answer;
            }
        }
        let verdict = check(&history, Initial::Absent, WORK_MAX);
        let good = matches!(verdict, Verdict::Linearizable { .. });
        prop_assert_eq!(good, explains(&history), "{:?}: {:?}", verdict, history);
    }
}
