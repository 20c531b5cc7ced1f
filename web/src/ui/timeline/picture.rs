//! All that the timeline shows of a stretch of time, computed in one go.

use super::axis::{Span, Zoom};
use super::bands::{self, Row};
use super::charts::Charts;
use super::history::History;
use crate::model::{Role, State};
use crate::ui::figures;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    pub span: Span,
    /// When recording began, in milliseconds of the Unix epoch; `None` before that.
    pub first_ms: Option<f64>,
    /// Moments whose time stands on the axis, in milliseconds of the Unix epoch.
    pub ticks: Vec<f64>,
    pub rows: Vec<Row>,
    pub charts: Charts,
}

impl Picture {
    /// What is seen at `now_ms`, or while `moment_ms` is shown; `before` is what was seen before.
    pub fn of(
        history: &History,
        zoom: Zoom,
        now_ms: f64,
        moment_ms: Option<f64>,
        before: Span,
    ) -> Self {
        let first_ms = history.first_ms();
        let span = Span::in_sight(zoom, first_ms.unwrap_or(now_ms), now_ms, moment_ms, before);
        Self {
            span,
            first_ms,
            ticks: span.ticks(),
            rows: bands::rows(history, span),
            charts: Charts::of(history.rates.between(span.from_ms, span.to_ms), span),
        }
    }

    pub fn row(&self, id: u64) -> Row {
        let found = self.rows.iter().find(|row| row.id == id);
        found.cloned().unwrap_or_default()
    }
}

/// The moment of the mark before or after another moment, in milliseconds of the Unix epoch.
pub fn neighbour(history: &History, at_ms: f64, later: bool) -> Option<f64> {
    // A step beside it, so that one does not stay on the same mark.
    const BESIDE_MS: f64 = 1.0;
    let mut times = history.marks.iter().map(|m| m.at_ms);
    match later {
        true => times.find(|t| *t > at_ms + BESIDE_MS),
        false => times.rfind(|t| *t < at_ms - BESIDE_MS),
    }
}

/// A moment in words: who led, how fast it was.
pub fn words(history: &History, at_ms: f64) -> String {
    let Some(sample) = history.at(at_ms).filter(|s| s.at_ms <= at_ms) else {
        return "before this page was opened".to_owned();
    };
    let leads = |n: &&crate::model::NodeStatus| n.state == State::Running && n.role == Role::Leader;
    let leaders: Vec<String> = sample
        .nodes
        .iter()
        .map(AsRef::as_ref)
        .filter(leads)
        .map(|n| format!("node {} leads in term {}", n.id, n.term))
        .collect();
    let mut words = match leaders.is_empty() {
        true => "no leader".to_owned(),
        false => leaders.join(", "),
    };
    if let Some(rate) = history.rates.at(at_ms).filter(|r| r.writes > 0) {
        let per_second = figures::grouped(rate.per_second().round() as u64);
        let (median, slowest) = (
            figures::duration(rate.median_ms),
            figures::duration(rate.slowest_ms),
        );
        words += &format!("; {per_second} writes/s, median {median}, slowest {slowest}");
    }
    words
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::history::tests::led;
    use super::*;
    use crate::ui::pace::Tally;

    #[test]
    fn a_moment_has_words() {
        let mut history = History::default();
        assert_eq!(words(&history, 5.0), "before this page was opened");
        history.record(1_000.0, &led(2, 7), &[]);
        history.record(3_000.0, &led(0, 7), &[]);
        let tally = Tally {
            writes: 1_000,
            median_ms: 2.0,
            slowest_ms: 40.0,
        };
        history.rates.add(2_000.0, 1_000.0, tally);
        assert_eq!(words(&history, 5.0), "before this page was opened");
        assert_eq!(
            words(&history, 1_500.0),
            "node 2 leads in term 7; 1,000 writes/s, median 2.00 ms, slowest 40.0 ms"
        );
        assert_eq!(words(&history, 3_000.0), "no leader");
    }

    #[test]
    fn one_goes_from_mark_to_mark() {
        let mut history = History::default();
        for at in [10.0, 20.0, 30.0] {
            history.marks.contradict(at, "so");
        }
        assert_eq!(neighbour(&history, 20.0, true), Some(30.0));
        assert_eq!(neighbour(&history, 20.0, false), Some(10.0));
        assert_eq!(neighbour(&history, 10.0, false), None);
        assert_eq!(neighbour(&history, 30.0, true), None);
    }

    #[test]
    fn a_picture_of_nothing_is_empty() {
        let now = 1e6;
        let empty = Picture::of(&History::default(), Zoom::All, now, None, Span::default());
        assert_eq!((empty.first_ms, empty.rows.len()), (None, 1));
        assert_eq!(empty.row(3), Row::default());
        assert_eq!(empty.charts, Charts::default());
    }
}
