use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

pub fn rows(pairs: &[(&str, &str)]) -> Vec<Arc<Pair>> {
    let pair = |(key, value): &(&str, &str)| {
        Arc::new(Pair {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        })
    };
    pairs.iter().map(pair).collect()
}

fn values(then: Then<'_>) -> Vec<&str> {
    match then {
        Then::Was(it) | Then::HadBeen(it, _) => it.rows.iter().map(|r| r.value.as_str()).collect(),
        Then::Unread | Then::Forgotten => vec![],
    }
}

/// `a` is 1 at 10 s, 2 at 20 s; there was news at 15 s and at 30 s.
pub fn two() -> Readings {
    let mut all = Readings::default();
    all.add(
        10_000.0,
        Source::default(),
        rows(&[("a", "1"), ("b", "1")]),
        false,
    );
    all.outdate(15_000.0);
    all.add(
        20_000.0,
        Source::default(),
        rows(&[("a", "2"), ("b", "1")]),
        false,
    );
    all.outdate(30_000.0);
    all
}

#[test]
fn a_moment_shows_what_was_read_before_it() {
    let all = two();
    assert_eq!(all.at(9_999.0), Then::Unread);
    for (at, value, holds) in [
        (10_000.0, "1", true),
        (15_000.0, "1", true),
        (15_001.0, "1", false),
        (19_999.0, "1", false),
        (20_000.0, "2", true),
        (30_001.0, "2", false),
    ] {
        let then = all.at(at);
        assert_eq!(values(then), [value, "1"], "at {at}");
        assert_eq!(matches!(then, Then::Was(_)), holds, "at {at}");
    }
    let Then::HadBeen(_, Some(next)) = all.at(16_000.0) else {
        panic!("{:?}", all.at(16_000.0));
    };
    assert_eq!(next.from_ms, 20_000.0);
    assert_eq!(all.readings.len(), 2);
}

#[test]
fn the_newest_holds_until_there_is_news() {
    let mut all = two();
    all.add(31_000.0, Source::default(), rows(&[]), false);
    assert!(matches!(all.at(1e9), Then::Was(it) if it.from_ms == 31_000.0));
    all.outdate(40_000.0);
    assert!(matches!(all.at(40_001.0), Then::HadBeen(_, None)));
    // It was as before: what was in between is known, too.
    all.add(50_000.0, Source::default(), rows(&[]), false);
    assert!(matches!(all.at(45_000.0), Then::Was(it) if it.from_ms == 31_000.0));
    // Of something else, so it says nothing of the one before.
    let stale = Source {
        stale: true,
        ..Source::default()
    };
    all.add(60_000.0, stale, rows(&[]), false);
    assert_eq!(all.readings.len(), 4);
    // A clock that was set back does not put them out of order.
    all.add(1.0, Source::default(), rows(&[("a", "9")]), false);
    assert_eq!(values(all.at(60_000.0)), ["9"]);
    assert!(all.readings.iter().is_sorted_by_key(|it| it.from_ms));
}

#[test]
fn rows_that_did_not_change_are_shared() {
    let all = two();
    let [first, second] = [0, 1].map(|i| &all.readings[i].rows);
    assert!(Arc::ptr_eq(&first[1], &second[1]));
    assert!(!Arc::ptr_eq(&first[0], &second[0]));
    assert_eq!(all.bytes, all.taken());
}

#[test]
fn memory_is_bounded_by_number_and_by_size() {
    let mut all = Readings::default();
    for i in 0..5 * READINGS_MAX {
        let value = i.to_string();
        all.add(i as f64, Source::default(), rows(&[("a", &value)]), false);
        assert!(all.readings.len() <= READINGS_MAX, "{i}");
    }
    // Thinned, not cut off: the first is still there.
    assert_eq!(values(all.at(0.5)), ["0"]);
    let newest: Vec<f64> = all.readings.iter().rev().map(|it| it.from_ms).collect();
    assert!(newest.windows(2).take(50).all(|it| it[0] - it[1] == 1.0));

    let long = "x".repeat(100_000);
    for i in 0..200 {
        let value = format!("{i}{long}");
        all.add(
            1e6 + f64::from(i),
            Source::default(),
            rows(&[("a", &value)]),
            false,
        );
        assert!(all.taken() <= BYTES_MAX, "{i}: {}", all.taken());
        assert!(all.bytes >= all.taken(), "{i}");
    }
    assert_eq!(all.at(0.5), Then::Forgotten);
    assert!(matches!(all.at(1e6 + 199.0), Then::Was(_)));
}

#[test]
fn no_more_rows_are_kept_than_are_shown() {
    let many: Vec<_> = (0..2 * ROWS_MAX).map(|i| i.to_string()).collect();
    let pairs: Vec<_> = many.iter().map(|it| (it.as_str(), "1")).collect();
    let mut all = Readings::default();
    all.add(1.0, Source::default(), rows(&pairs), true);
    assert_eq!(values(all.at(1.0)).len(), ROWS_MAX);
}
