//! Who led when, and what befell whom, in percent of the width.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::history::tests::{cut, led};
use super::*;

const SPAN: Span = Span {
    from_ms: 0.0,
    to_ms: 100_000.0,
};

fn bands<T: Copy>(bands: &[Band<T>]) -> Vec<(T, f64, f64)> {
    let rounded = |x: f64| (x * 100.0).round() / 100.0;
    bands
        .iter()
        .map(|b| (b.what, rounded(b.left), rounded(b.width)))
        .collect()
}

fn crashed() -> History {
    let mut history = History::default();
    history.record(10_000.0, &led(1, 1), &[]);
    history.record(20_000.0, &led(1, 1), &[]);
    let mut dead = led(0, 1);
    dead.nodes[0].state = State::Stopped;
    history.record(40_000.0, &dead, &[]);
    let mut next = led(2, 2);
    next.nodes[0].state = State::Stopped;
    history.record(41_000.0, &next, &[]);
    history.record(60_000.0, &next, &[cut(2, 3)]);
    history
}

#[test]
fn a_band_for_each_leader_and_a_mark_for_the_end() {
    let rows = rows(&crashed(), SPAN);
    let ids: Vec<u64> = rows.iter().map(|r| r.id).collect();
    assert_eq!(ids, [0, 1, 2, 3]);
    assert_eq!(
        bands(&rows[1].bands),
        [
            (Phase::Leads { term: 1 }, 10.0, 30.0),
            (Phase::Stopped, 40.0, 60.0)
        ]
    );
    assert_eq!(
        bands(&rows[2].bands),
        [
            (Phase::Runs, 10.0, 31.0),
            (Phase::Leads { term: 2 }, 41.0, 59.0)
        ]
    );
    assert_eq!(bands(&rows[3].bands), [(Phase::Runs, 10.0, 90.0)]);
    assert_eq!(bands(&rows[2].links), [(Links::Cut, 60.0, 40.0)]);
    assert_eq!(bands(&rows[1].links), []);
    assert_eq!(
        (rows[1].marks[0].kind, rows[1].marks[0].left),
        (Kind::Stopped, 40.0)
    );
    let time = clock::time_of_day;
    assert_eq!(
        rows[1].words,
        format!(
            "leader of term 1 from {} to {}; stopped since {}. {}: Node 1 stopped.",
            time(10_000.0),
            time(40_000.0),
            time(40_000.0),
            time(40_000.0)
        )
    );
    assert_eq!(
        rows[3].words,
        format!("links cut since {}.", time(60_000.0))
    );
    assert_eq!(rows[0].words, "Nothing to tell.");
}

#[test]
fn what_is_out_of_sight_is_not_drawn() {
    let history = crashed();
    let late = Span {
        from_ms: 50_000.0,
        to_ms: 60_000.0,
    };
    let rows = rows(&history, late);
    assert_eq!(
        bands(&rows[2].bands),
        [(Phase::Leads { term: 2 }, 0.0, 100.0)]
    );
    assert!(rows[1].marks.is_empty() && rows[2].links.is_empty());
    let mut unheard_of = History::default();
    let mut status = led(0, 0);
    status.nodes[1].state = State::Stopped;
    unheard_of.record(50_000.0, &status, &[]);
    let drawn = super::rows(&unheard_of, late);
    assert_eq!((drawn[1].bands.len(), drawn[2].bands.len()), (1, 0));
    let nothing = super::rows(&History::default(), SPAN);
    assert_eq!((nothing.len(), nothing[0].bands.len()), (1, 0));
}

#[test]
fn what_is_too_narrow_counts_to_its_neighbour() {
    let parts = [
        (Some(1), 0.0, 50_000.0),
        (Some(2), 50_000.0, 50_100.0),
        (Some(1), 50_100.0, 60_000.0),
        (None, 60_000.0, 70_000.0),
        (Some(1), 70_000.0, 70_010.0),
    ];
    let drawn = joined(parts.into_iter(), SPAN);
    assert_eq!(bands(&drawn), [(1, 0.0, 60.0), (1, 70.0, 0.01)]);
    // Many narrow ones that are the same are no narrow band.
    let samples = (0..1_000).map(|i| {
        let at = f64::from(i) * 100.0;
        (Some(i / 500), at, at + 100.0)
    });
    assert_eq!(
        bands(&joined(samples, SPAN)),
        [(0, 0.0, 50.0), (1, 50.0, 50.0)]
    );
}

#[test]
fn marks_that_lie_together_are_one_and_the_gravest_is_seen() {
    let mark = |at_ms, kind| Mark {
        at_ms,
        node: 1,
        kind,
        text: "So.".to_owned(),
    };
    let marks = [
        mark(10_000.0, Kind::Snapshot),
        mark(10_500.0, Kind::Crashed),
        mark(11_100.0, Kind::Started),
        mark(20_000.0, Kind::Conf),
    ];
    let places: Vec<_> = placed(marks.iter(), SPAN)
        .into_iter()
        .map(|p| (p.left, p.kind, p.at_ms, p.words.matches("So.").count()))
        .collect();
    assert_eq!(
        places,
        [
            (10.5, Kind::Crashed, 10_500.0, 3),
            (20.0, Kind::Conf, 20_000.0, 1)
        ]
    );
}
