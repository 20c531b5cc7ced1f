//! The time axis: which stretch is in sight, and where on it a moment lies.

/// How much time is in sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zoom {
    Seconds30,
    Minutes2,
    Minutes10,
    /// Since the page was opened.
    All,
}

impl Zoom {
    pub const ALL: [Self; 4] = [Self::Seconds30, Self::Minutes2, Self::Minutes10, Self::All];

    pub fn label(self) -> &'static str {
        match self {
            Self::Seconds30 => "30 s",
            Self::Minutes2 => "2 min",
            Self::Minutes10 => "10 min",
            Self::All => "All",
        }
    }

    /// For `data-testid`.
    pub fn hook(self) -> &'static str {
        match self {
            Self::Seconds30 => "zoom-30s",
            Self::Minutes2 => "zoom-2min",
            Self::Minutes10 => "zoom-10min",
            Self::All => "zoom-all",
        }
    }

    /// Milliseconds in sight; `None` for all there are.
    fn length_ms(self) -> Option<f64> {
        match self {
            Self::Seconds30 => Some(30_000.0),
            Self::Minutes2 => Some(120_000.0),
            Self::Minutes10 => Some(600_000.0),
            Self::All => None,
        }
    }
}

/// The least that is in sight, in milliseconds.
const LEAST_MS: f64 = 30_000.0;
/// Steps between the times on the axis, in seconds.
const STEPS_S: [f64; 13] = [
    5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
];
/// So many times stand on the axis at the most.
const TICKS_MAX: f64 = 8.0;

/// A stretch of time, in milliseconds of the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    pub from_ms: f64,
    pub to_ms: f64,
}

impl Span {
    /// What is in sight now: up to `now_ms` or, while a moment of the past is shown, the stretch
    /// that was in sight before, moved only as far as that moment needs. As long as there is less
    /// than the zoom would show, what there is has the whole width.
    pub fn in_sight(
        zoom: Zoom,
        first_ms: f64,
        now_ms: f64,
        moment_ms: Option<f64>,
        before: Self,
    ) -> Self {
        let to_ms = match (moment_ms, zoom.length_ms()) {
            (None, _) | (_, None) => now_ms,
            (Some(moment), Some(length)) => before.to_ms.clamp(moment, moment + length).min(now_ms),
        };
        let all = first_ms.min(to_ms - LEAST_MS);
        Self {
            from_ms: zoom.length_ms().map_or(all, |ms| all.max(to_ms - ms)),
            to_ms,
        }
    }

    pub fn length_ms(self) -> f64 {
        (self.to_ms - self.from_ms).max(1.0)
    }

    /// Where a moment lies, in percent of the width, within 0 and 100.
    pub fn at(self, at_ms: f64) -> f64 {
        (100.0 * (at_ms - self.from_ms) / self.length_ms()).clamp(0.0, 100.0)
    }

    pub fn holds(self, at_ms: f64) -> bool {
        (self.from_ms..=self.to_ms).contains(&at_ms)
    }

    /// The moment at a part of the width, from 0 to 1.
    pub fn moment(self, part: f64) -> f64 {
        self.from_ms + self.length_ms() * part.clamp(0.0, 1.0)
    }

    /// How far an arrow key goes, in milliseconds.
    pub fn step_ms(self) -> f64 {
        (self.length_ms() / 60.0).max(250.0)
    }

    /// The moments whose time stands on the axis.
    pub fn ticks(self) -> Vec<f64> {
        let fits = |step: &&f64| self.length_ms() / (**step * 1_000.0) <= TICKS_MAX;
        let whole = self.length_ms() / TICKS_MAX;
        let step = STEPS_S.iter().find(fits).map_or(whole, |s| s * 1_000.0);
        let first = (self.from_ms / step).ceil() * step;
        let ticks = (0..=TICKS_MAX as u32).map(|i| first + f64::from(i) * step);
        ticks.filter(|at| *at <= self.to_ms).collect()
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const NOW: f64 = 1_000_000.0;

    fn seen(zoom: Zoom, moment: Option<f64>, before: Span) -> (f64, f64) {
        let span = Span::in_sight(zoom, 100_000.0, NOW, moment, before);
        (span.from_ms, span.to_ms)
    }

    #[test]
    fn live_it_ends_now_and_in_the_past_it_stands_still() {
        let before = Span::default();
        assert_eq!(seen(Zoom::Seconds30, None, before), (970_000.0, NOW));
        assert_eq!(seen(Zoom::All, None, before), (100_000.0, NOW));
        let young = Span::in_sight(Zoom::All, NOW, NOW, None, before);
        assert_eq!(young.length_ms(), LEAST_MS);
        let minute = Span::in_sight(Zoom::Minutes2, NOW - 60_000.0, NOW, None, before);
        assert_eq!(minute.length_ms(), 60_000.0);
        assert_eq!(seen(Zoom::Minutes2, None, before), (880_000.0, NOW));
        let before = Span {
            from_ms: 950_000.0,
            to_ms: 980_000.0,
        };
        let at = |moment| seen(Zoom::Seconds30, Some(moment), before);
        assert_eq!(at(960_000.0), (950_000.0, 980_000.0));
        assert_eq!(at(940_000.0), (940_000.0, 970_000.0));
        assert_eq!(at(990_000.0), (960_000.0, 990_000.0));
    }

    #[test]
    fn moments_have_places() {
        let span = Span {
            from_ms: 1_000.0,
            to_ms: 3_000.0,
        };
        assert_eq!(
            (span.at(1_500.0), span.at(0.0), span.at(9e9)),
            (25.0, 0.0, 100.0)
        );
        assert_eq!((span.moment(0.25), span.moment(7.0)), (1_500.0, 3_000.0));
        assert!(span.holds(1_000.0) && !span.holds(3_001.0));
    }

    #[test]
    fn the_axis_has_few_round_times() {
        for (length, step) in [
            (30e3, 5e3),
            (120e3, 15e3),
            (600e3, 120e3),
            (86_400e3, 14_400e3),
        ] {
            let span = Span {
                from_ms: 1_234_567.0,
                to_ms: 1_234_567.0 + length,
            };
            let ticks = span.ticks();
            assert!((4..=9).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks.iter().all(|t| t % step == 0.0 && span.holds(*t)));
        }
        let week = Span {
            from_ms: 0.0,
            to_ms: 7.0 * 86_400e3,
        };
        assert_eq!(week.ticks().len(), 9);
    }
}
