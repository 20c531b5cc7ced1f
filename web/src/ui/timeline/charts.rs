//! Writes a second and how long they took, as paths of an SVG that is stretched to its place.

use super::axis::Span;
use super::rates::Rate;

/// Columns that the width is divided into.
const COLUMNS: usize = 240;
/// Height of the SVG's box; its width is [`COLUMNS`].
const HEIGHT: f64 = 100.0;
/// What the least latency that is told apart takes, in milliseconds.
const LEAST_MS: f64 = 0.1;

/// What lies in one column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Column {
    per_second: f64,
    median_ms: f64,
    slowest_ms: f64,
}

/// Both charts, drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Charts {
    /// Writes a second, filled; empty without any in sight.
    pub writes: String,
    /// The top of that scale, in writes a second.
    pub most: f64,
    /// The slowest write, filled, and the middle one, as a line; on a logarithmic scale.
    pub slowest: String,
    pub median: String,
    /// The top of that scale, in milliseconds.
    pub longest_ms: f64,
}

/// As the SVG attribute.
pub fn view_box() -> String {
    format!("0 0 {COLUMNS} {HEIGHT}")
}

impl Charts {
    pub fn of<'a>(rates: impl Iterator<Item = &'a Rate>, span: Span) -> Self {
        let columns = columns(rates, span);
        let most = columns.iter().map(|c| c.per_second).fold(0.0, f64::max);
        let longest = columns.iter().map(|c| c.slowest_ms).fold(0.0, f64::max);
        if most <= 0.0 {
            return Self::default();
        }
        let (most, longest_ms) = (round_up(most.max(1.0)), round_up(longest.max(1.0)));
        let log = |ms: f64| {
            let part = (ms.max(LEAST_MS) / LEAST_MS).ln() / (longest_ms / LEAST_MS).ln();
            (ms > 0.0).then_some(part)
        };
        let rate = |c: &Column| (c.per_second > 0.0).then_some(c.per_second / most);
        Self {
            writes: steps(columns.iter().map(rate), true),
            most,
            slowest: steps(columns.iter().map(|c| log(c.slowest_ms)), true),
            median: steps(columns.iter().map(|c| log(c.median_ms)), false),
            longest_ms,
        }
    }
}

fn columns<'a>(rates: impl Iterator<Item = &'a Rate>, span: Span) -> [Column; COLUMNS] {
    let mut columns = [Column::default(); COLUMNS];
    let width_ms = span.length_ms() / COLUMNS as f64;
    for rate in rates.filter(|r| r.writes > 0) {
        let place = |at_ms: f64| (at_ms - span.from_ms) / width_ms;
        let (from, to) = (place(rate.from_ms), place(rate.to_ms));
        let first = from.max(0.0) as usize;
        let last = (to.ceil().max(0.0) as usize).min(COLUMNS);
        for (i, column) in columns.iter_mut().enumerate().take(last).skip(first) {
            let (left, right) = (i as f64, i as f64 + 1.0);
            let share = to.min(right) - from.max(left);
            column.per_second += rate.per_second() * share.max(0.0);
            // Of several in one column the slowest says most.
            column.median_ms = column.median_ms.max(rate.median_ms);
            column.slowest_ms = column.slowest_ms.max(rate.slowest_ms);
        }
    }
    columns
}

/// A path of steps, a column each: `parts` of the height, from 0 to 1. Filled down to the ground,
/// or a line with gaps.
fn steps(parts: impl Iterator<Item = Option<f64>>, filled: bool) -> String {
    let mut path = String::new();
    // The height the pen is at, while it is down.
    let mut pen = None;
    for (x, part) in parts.chain([None]).enumerate() {
        let y = part.map(|part| format!("{:.1}", HEIGHT * (1.0 - part.clamp(0.0, 1.0))));
        if y == pen {
            continue;
        }
        match (&pen, &y) {
            (None, Some(y)) if filled => path += &format!("M{x} {HEIGHT}V{y}"),
            (None, Some(y)) => path += &format!("M{x} {y}"),
            (Some(_), Some(y)) => path += &format!("H{x}V{y}"),
            (Some(_), None) if filled => path += &format!("H{x}V{HEIGHT}Z"),
            (Some(_), None) => path += &format!("H{x}"),
            (None, None) => {}
        }
        pen = y;
    }
    path
}

/// The next of 1, 2, 5, 10, 20, 50, ... that is not less.
fn round_up(value: f64) -> f64 {
    let tens = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * tens);
    let enough = steps.into_iter().find(|step| value <= step * 1.000_001);
    enough.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const SPAN: Span = Span {
        from_ms: 0.0,
        to_ms: 240_000.0,
    };

    fn rate(from_ms: f64, to_ms: f64, writes: u64) -> Rate {
        Rate {
            from_ms,
            to_ms,
            writes,
            median_ms: 1.0,
            slowest_ms: 10.0,
        }
    }

    #[test]
    fn a_chart_goes_up_and_down_in_steps() {
        let rates = [
            rate(10e3, 12e3, 200),
            rate(12e3, 13e3, 50),
            rate(20e3, 20.5e3, 100),
        ];
        let charts = Charts::of(rates.iter(), SPAN);
        assert_eq!((charts.most, charts.longest_ms), (100.0, 10.0));
        assert_eq!(
            charts.writes,
            "M10 100V0.0H12V50.0H13V100ZM20 100V0.0H21V100Z"
        );
        assert_eq!(charts.median, "M10 50.0H13M20 50.0H21");
        assert_eq!(charts.slowest, "M10 100V0.0H13V100ZM20 100V0.0H21V100Z");
    }

    #[test]
    fn what_lies_partly_in_sight_counts_partly() {
        let charts = Charts::of([rate(-10e3, 500.0, 1_050)].iter(), SPAN);
        assert_eq!(charts.writes, "M0 100V0.0H1V100Z");
        assert_eq!(charts.most, 50.0);
        assert_eq!(Charts::of([].iter(), SPAN), Charts::default());
        assert_eq!(
            Charts::of([rate(0.0, 1e3, 0)].iter(), SPAN),
            Charts::default()
        );
        let odd = [rate(f64::MIN, f64::MAX, u64::MAX)];
        assert!(Charts::of(odd.iter(), SPAN).writes.len() < 100);
    }

    #[test]
    fn scales_end_in_round_figures() {
        let tops = [0.3, 1.0, 1.1, 4.0, 70.0, 100.0, 1_234.0].map(round_up);
        assert_eq!(
            tops.map(|t| (t * 10.0).round() / 10.0),
            [0.5, 1.0, 2.0, 5.0, 100.0, 100.0, 2_000.0]
        );
    }
}
