//! What is known of the keys at a moment, in words.

use super::{Reading, Then};
use crate::clock;
use crate::ui::figures;

/// What to say of the rows that are shown for a moment of the Unix epoch, in milliseconds, to who
/// looks for keys that begin with `prefix`.
pub fn words(then: Then<'_>, at_ms: f64, prefix: &str) -> String {
    let (reading, next) = match then {
        Then::Unread => return "No keys had been read by then.".to_owned(),
        Then::Forgotten => {
            return "What was read then is not kept any more: the page's memory is bounded."
                .to_owned();
        }
        Then::Was(reading) => (reading, None),
        Then::HadBeen(reading, next) => (reading, Some(next)),
    };
    let source = &reading.source;
    let mut words = format!("Read at {}", clock::time_of_day(reading.to_ms.min(at_ms)));
    if let Some(id) = source.node {
        words += &format!(" from node {id}");
    }
    if source.stale {
        words += ", stale";
    }
    words += &match next {
        None => "; nothing had changed since.".to_owned(),
        Some(next) => format!(
            ", {} before this moment. {}",
            figures::duration(at_ms - reading.to_ms),
            what_came(reading, next, at_ms)
        ),
    };
    if !prefix.starts_with(&source.prefix) {
        words += &format!(" Only keys that begin with “{}” were read.", source.prefix);
    }
    if reading.more {
        words += &format!(" Of these, the first {}.", reading.rows.len());
    }
    words
}

/// What the next reading showed of what had changed.
fn what_came(reading: &Reading, next: Option<&Reading>, at_ms: f64) -> String {
    let Some(next) = next.filter(|next| next.source == reading.source) else {
        return "What was written in between is not known.".to_owned();
    };
    let after = figures::duration(next.from_ms - at_ms);
    match differences(reading, next) {
        0 => format!("{after} after it these keys were the same."),
        1 => format!("{after} after it one of these keys was another."),
        many => format!("{after} after it {many} of these keys were others."),
    }
}

/// How many keys came, went, or had another value.
fn differences(before: &Reading, after: &Reading) -> usize {
    let missing = |from: &Reading, to: &Reading| {
        let is_there = |key: &str| to.rows.iter().any(|it| it.key == key);
        from.rows.iter().filter(|it| !is_there(&it.key)).count()
    };
    let changed = before.rows.iter().filter(|row| {
        let same_key = after.rows.iter().find(|it| it.key == row.key);
        same_key.is_some_and(|it| it.value != row.value)
    });
    changed.count() + missing(before, after) + missing(after, before)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::tests::{rows, two};
    use super::super::{Readings, Source};
    use super::*;

    fn said(all: &Readings, at_ms: f64, prefix: &str) -> String {
        words(all.at(at_ms), at_ms, prefix)
    }

    #[test]
    fn it_says_what_is_known_and_what_is_not() {
        let all = two();
        let time = clock::time_of_day;
        assert_eq!(said(&all, 1.0, ""), "No keys had been read by then.");
        assert_eq!(
            said(&all, 12_000.0, "a"),
            format!("Read at {}; nothing had changed since.", time(12_000.0))
        );
        assert_eq!(
            said(&all, 16_000.0, ""),
            format!(
                "Read at {}, 1.00 s before this moment. 4.00 s after it one of these keys was another.",
                time(15_000.0)
            )
        );
        assert!(said(&all, 31_000.0, "").ends_with("What was written in between is not known."));
    }

    #[test]
    fn it_names_what_was_asked_for() {
        let source = Source {
            prefix: "a/".to_owned(),
            node: Some(2),
            stale: true,
        };
        let mut all = Readings::default();
        all.add(5_000.0, source.clone(), rows(&[("a/1", "x")]), true);
        let time = clock::time_of_day(5_000.0);
        assert_eq!(
            said(&all, 5_000.0, ""),
            format!(
                "Read at {time} from node 2, stale; nothing had changed since. Only keys that begin \
                 with “a/” were read. Of these, the first 1."
            )
        );
        assert!(!said(&all, 5_000.0, "a/1").contains("Only"));
        // Of the next one all is different: gone, new, changed.
        all.outdate(6_000.0);
        all.add(9_000.0, source, rows(&[("a/2", "x"), ("a/3", "x")]), false);
        assert!(said(&all, 7_000.0, "").contains("2.00 s after it 3 of these keys were others."));
    }
}
