//! The judge of linearizability: histories that are known to be good or bad, made-up ones against
//! a judge that tries every order, and the simulator's.

#[path = "linear/every_order.rs"]
mod every_order;
#[path = "linear/made_up.rs"]
mod made_up;
#[path = "linear/simulated.rs"]
mod simulated;

use std::time::{Duration, Instant};

use bytes::Bytes;
use tabraft::check::linear::{
    Call, Initial, Operation, Position, Return, Returned, Verdict, check, check_positions,
};

pub const WORK_MAX: u64 = 2_000_000;

pub fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn asked(key: &str, call: Call, invoked: u64) -> Operation {
    Operation {
        client: 1,
        key: key.to_owned(),
        call,
        invoked,
        returned: None,
    }
}

fn answered(call: Call, times: (u64, u64), answer: Return) -> Operation {
    Operation {
        returned: Some(Returned {
            at: times.1,
            answer,
            position: None,
        }),
        ..asked("k", call, times.0)
    }
}

pub fn put(text: &str, invoked: u64, returned: u64) -> Operation {
    let call = Call::Put { value: value(text) };
    answered(call, (invoked, returned), Return::Put)
}

fn put_at(text: &str, times: (u64, u64), index: u64, term: u64) -> Operation {
    let mut operation = put(text, times.0, times.1);
    if let Some(returned) = &mut operation.returned {
        returned.position = Some(Position { index, term });
    }
    operation
}

fn lost_put(text: &str, invoked: u64) -> Operation {
    asked("k", Call::Put { value: value(text) }, invoked)
}

fn get(text: &str, invoked: u64, returned: u64) -> Operation {
    let found = (!text.is_empty()).then(|| value(text));
    answered(Call::Get, (invoked, returned), Return::Value(found))
}

fn delete(existed: bool, invoked: u64, returned: u64) -> Operation {
    answered(
        Call::Delete,
        (invoked, returned),
        Return::Deleted { existed },
    )
}

fn swap_call(from: &str, to: &str) -> Call {
    Call::Cas {
        expected: (!from.is_empty()).then(|| value(from)),
        value: value(to),
    }
}

fn cas(from: &str, to: &str, swapped: bool, invoked: u64, returned: u64) -> Operation {
    let answer = Return::Swapped(swapped);
    answered(swap_call(from, to), (invoked, returned), answer)
}

fn lost_cas(from: &str, to: &str, invoked: u64) -> Operation {
    asked("k", swap_call(from, to), invoked)
}

fn is_good(history: &[Operation]) -> bool {
    match check(history, Initial::Absent, WORK_MAX) {
        Verdict::Linearizable { operations } => {
            assert_eq!(operations, history.len());
            true
        }
        Verdict::NotLinearizable { .. } => false,
        Verdict::TooHard { .. } => panic!("too hard: {history:?}"),
    }
}

#[test]
fn known_histories() {
    let cases: &[(&str, bool, &[Operation])] = &[
        ("nothing", true, &[]),
        (
            "a write, then it is read",
            true,
            &[put("a", 0, 1), get("a", 2, 3)],
        ),
        (
            "a stale read",
            false,
            &[put("a", 0, 1), put("b", 2, 3), get("a", 4, 5)],
        ),
        (
            "a read during a write sees it or not",
            true,
            &[put("a", 0, 9), get("", 1, 2), get("a", 3, 4)],
        ),
        (
            "seen, then not",
            false,
            &[put("a", 0, 9), get("a", 1, 2), get("", 3, 4)],
        ),
        (
            "of two writes at once either may be last",
            true,
            &[put("a", 0, 9), put("b", 0, 9), get("a", 10, 11)],
        ),
        (
            "but not both",
            false,
            &[
                put("a", 0, 9),
                put("b", 0, 9),
                get("a", 10, 11),
                get("b", 12, 13),
            ],
        ),
        (
            "a value that nobody wrote",
            false,
            &[put("a", 0, 1), get("c", 2, 3)],
        ),
        (
            "a lost update",
            false,
            &[
                put("a", 0, 1),
                cas("a", "b", true, 2, 5),
                cas("a", "c", true, 2, 5),
            ],
        ),
        (
            "one of two wins",
            true,
            &[
                put("a", 0, 1),
                cas("a", "b", true, 2, 5),
                cas("a", "c", false, 2, 5),
            ],
        ),
        (
            "both lose",
            false,
            &[
                put("a", 0, 1),
                cas("a", "b", false, 2, 5),
                cas("a", "c", false, 2, 5),
            ],
        ),
        (
            "a lost write is seen later",
            true,
            &[lost_put("a", 0), get("", 1, 2), get("a", 50, 51)],
        ),
        (
            "a lost write is never seen",
            true,
            &[lost_put("a", 0), get("", 1, 2), get("", 50, 51)],
        ),
        (
            "a lost write is seen before it was asked",
            false,
            &[get("a", 0, 1), lost_put("a", 2)],
        ),
        (
            "a lost write takes effect once",
            false,
            &[
                put("b", 0, 1),
                lost_put("a", 0),
                get("a", 2, 3),
                put("c", 4, 5),
                get("a", 6, 7),
            ],
        ),
        (
            "two lost writes of one value take effect twice",
            true,
            &[
                lost_put("a", 0),
                lost_put("a", 0),
                get("a", 2, 3),
                put("c", 4, 5),
                get("a", 6, 7),
            ],
        ),
        (
            "a lost swap that a lost write made way for",
            true,
            &[lost_cas("a", "b", 0), lost_put("a", 1), get("b", 5, 6)],
        ),
        (
            "a lost swap without that",
            false,
            &[lost_cas("a", "b", 0), get("b", 5, 6)],
        ),
        (
            "deletes tell the truth",
            true,
            &[
                delete(false, 0, 1),
                put("a", 2, 3),
                delete(true, 4, 5),
                get("", 6, 7),
            ],
        ),
        (
            "a delete finds what was deleted",
            false,
            &[put("a", 0, 1), delete(true, 2, 3), delete(true, 4, 5)],
        ),
        (
            "a delete that a lost write explains",
            true,
            &[delete(true, 2, 3), lost_put("a", 1)],
        ),
        // Each side of a split brain goes on with what it has.
        (
            "split brain",
            false,
            &[
                put("a", 0, 1),
                put("b", 2, 3),
                get("b", 4, 5),
                cas("a", "c", true, 6, 7),
                get("c", 8, 9),
            ],
        ),
        (
            "the write that is again what was there",
            true,
            &[
                put("a", 0, 1),
                put("b", 2, 9),
                put("a", 2, 9),
                get("a", 10, 11),
            ],
        ),
        // Herlihy and Wing's register of section 2, its third history.
        (
            "read back and forth",
            false,
            &[
                put("0", 0, 1),
                put("1", 2, 9),
                get("1", 3, 4),
                get("0", 5, 6),
            ],
        ),
        (
            "an answer of another kind",
            false,
            &[answered(Call::Get, (0, 1), Return::Put)],
        ),
        (
            "at one moment is concurrent",
            true,
            &[put("a", 0, 5), get("", 5, 6)],
        ),
    ];
    for (name, good, history) in cases {
        assert_eq!(is_good(history), *good, "{name}");
    }
}

#[test]
fn keys_are_judged_each_by_itself() {
    let mut history = vec![put("a", 0, 1), get("a", 2, 3)];
    history.extend([put("a", 0, 1), get("b", 2, 3)].map(|operation| Operation {
        key: "other".to_owned(),
        ..operation
    }));
    let Verdict::NotLinearizable {
        key,
        window,
        reason,
    } = check(&history, Initial::Absent, WORK_MAX)
    else {
        panic!("taken for linearizable");
    };
    assert_eq!(key, "other");
    assert_eq!(window, history[2..]);
    assert_eq!(
        reason,
        r#"no order explains get("other"), which got "b"; the one that goes furthest leaves "a" before it"#
    );
}

#[test]
fn what_was_before_may_be_anything_but_one_thing() {
    let fine = [get("x", 0, 1), cas("x", "y", true, 2, 3), get("y", 4, 5)];
    let unknown = |history: &[Operation]| check(history, Initial::Unknown, WORK_MAX);
    assert_eq!(unknown(&fine), Verdict::Linearizable { operations: 3 });
    let two = [get("x", 0, 1), get("y", 2, 3)];
    assert!(matches!(unknown(&two), Verdict::NotLinearizable { .. }));
}

#[test]
fn the_log_has_one_order() {
    let fine = [
        put_at("a", (0, 9), 2, 1),
        put_at("b", (0, 9), 3, 1),
        get("b", 10, 11),
    ];
    assert!(is_good(&fine) && check_positions(&fine).is_ok());
    // Linearizable, but not as the answers say.
    let otherwise = [
        put_at("a", (0, 9), 3, 1),
        put_at("b", (0, 9), 2, 1),
        get("b", 10, 11),
    ];
    let Verdict::NotLinearizable { reason, .. } = check(&otherwise, Initial::Absent, WORK_MAX)
    else {
        panic!("taken for linearizable");
    };
    assert!(
        reason.starts_with("in the order of their indices"),
        "{reason}"
    );

    let bad = [
        [put_at("a", (0, 1), 3, 1), put_at("b", (2, 3), 2, 1)],
        [put_at("a", (0, 1), 2, 1), put_at("b", (0, 1), 2, 1)],
        [put_at("a", (0, 1), 2, 3), put_at("b", (2, 3), 3, 2)],
    ];
    for history in bad {
        assert!(check_positions(&history).is_err(), "{history:?}");
    }
}

/// Where every order must be tried, the judge gives up rather than hang; with positions it has no
/// need to.
#[test]
fn hard_histories_end() {
    let puts = (0..40).map(|n| put(&n.to_string(), 0, 100));
    let mut history: Vec<Operation> = puts.collect();
    history.extend([get("3", 101, 102), get("4", 103, 104)]);
    let verdict = check(&history, Initial::Absent, 100_000);
    assert!(matches!(verdict, Verdict::TooHard { .. }), "{verdict:?}");
    for (n, operation) in history.iter_mut().take(40).enumerate() {
        if let Some(returned) = &mut operation.returned {
            let index = 2 + n as u64;
            returned.position = Some(Position { index, term: 1 });
        }
    }
    let verdict = check(&history, Initial::Absent, 100_000);
    assert!(
        matches!(verdict, Verdict::NotLinearizable { .. }),
        "{verdict:?}"
    );
}

#[test]
fn ten_thousand_operations_take_no_time() {
    let history = made_up::long(10_000, 4, 16);
    let began = Instant::now();
    assert!(is_good(&history));
    check_positions(&history).expect("one order");
    let took = began.elapsed();
    println!("{} operations judged in {took:?}", history.len());
    assert!(took < Duration::from_secs(5), "{took:?}");
}
