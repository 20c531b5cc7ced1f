//! What the feed keeps for the timeline, and the moment of the past that the views show.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use tabraft::check::journal::Standing;

use super::history::{EVERY_MS, History};
use super::rates::Rate;
use super::readings::{Pair, Source};
use crate::clock;
use crate::model::{Event, FaultyLink, Status};
use crate::ui::feed::Feed;
use crate::ui::pace::{Pace, Tally};

/// A moment that is nearer to now than this, in milliseconds, is now.
const NOW_MS: f64 = 300.0;

/// A moment of the past, as the views show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Milliseconds of the Unix epoch.
    pub at_ms: f64,
    /// When the cluster was first seen so, in milliseconds of the Unix epoch.
    since_ms: f64,
    pub status: Arc<Status>,
    pub faults: Arc<[FaultyLink]>,
    pub pace: Pace,
}

impl Feed {
    /// Keeps the history up while nothing is drawn: what came too early, and in hidden tabs.
    pub fn keep_recording(self) {
        self.record();
        set_interval(
            move || self.record(),
            Duration::from_millis(EVERY_MS as u64),
        );
    }

    /// Notes what the views show of the present.
    pub fn record(self) {
        self.status.with_untracked(|status| {
            self.faults.with_untracked(|faults| {
                self.history
                    .update_value(|h| h.record(clock::wall_ms(), status, faults));
            });
        });
    }

    pub fn record_rate(self, every: Duration, tally: Tally) {
        let every_ms = every.as_secs_f64() * 1_000.0;
        self.history
            .update_value(|h| h.rates.add(clock::wall_ms(), every_ms, tally));
    }

    pub fn record_events(self, events: &[Event]) {
        self.history
            .update_value(|h| events.iter().for_each(|event| h.marks.hear(event)));
    }

    /// Notes a contradiction where the judge has found one that it had not found before.
    pub fn record_standing(self, before: &Standing, now: &Standing) {
        if let (None, Some(broken)) = (&before.broken, &now.broken) {
            let what = broken.to_string();
            self.history
                .update_value(|h| h.marks.contradict(clock::wall_ms(), &what));
        }
    }

    /// Notes what the table of keys has read.
    pub fn record_keys(self, source: Source, rows: &[Arc<Pair>], more: bool) {
        self.history.update_value(|h| {
            h.readings
                .add(clock::wall_ms(), source, rows.to_vec(), more);
        });
    }

    /// Notes that they may be others now.
    pub fn outdate_keys(self) {
        self.history
            .update_value(|h| h.readings.outdate(clock::wall_ms()));
    }

    /// Looks at the status that is shown: of now, or of a moment of the past.
    pub fn shown<T>(self, look: impl FnOnce(&Status) -> T) -> T {
        self.past.with(|past| match past {
            Some(moment) => look(&moment.status),
            None => self.status.with(look),
        })
    }

    /// Looks at the faulty links that are shown, likewise.
    pub fn shown_faults<T>(self, look: impl FnOnce(&[FaultyLink]) -> T) -> T {
        self.past.with(|past| match past {
            Some(moment) => look(&moment.faults),
            None => self.faults.with(|faults| look(faults)),
        })
    }

    /// How fast calls were answered at the moment that is shown.
    pub fn shown_pace(self) -> Pace {
        let past = self.past.with(|past| past.as_ref().map(|p| p.pace));
        past.unwrap_or_else(|| self.pace.get())
    }

    /// The moment that is shown, in milliseconds of the Unix epoch; `None` for now.
    pub fn past_ms(self) -> Option<f64> {
        self.past.with(|past| past.as_ref().map(|p| p.at_ms))
    }

    /// Has the views show a moment, in milliseconds of the Unix epoch: the first one that is known
    /// if it is before that, the present if it is now.
    pub fn look_back(self, at_ms: f64) {
        let is_now = at_ms > self.latest_ms() - NOW_MS;
        // A saved run has no present: its end is a moment like others.
        if is_now && !self.viewing.get_untracked() {
            return self.past.set(None);
        }
        let at_ms = at_ms.min(self.latest_ms());
        let found = self.shown_history(|h| self.moment(h, at_ms));
        if self.past.with_untracked(|shown| *shown != found) {
            self.past.set(found);
        }
    }

    fn moment(self, history: &History, at_ms: f64) -> Option<Moment> {
        let sample = history.at(at_ms)?;
        // Those that look at the same sample share its status.
        let shown = self.past.with_untracked(|past| {
            let same = past.as_ref().filter(|p| p.since_ms == sample.at_ms);
            same.map(|p| p.status.clone())
        });
        let status = shown.unwrap_or_else(|| {
            let saved = self
                .run
                .with_untracked(|run| run.as_ref().map(|it| it.about.cluster.clone()));
            let cluster =
                saved.unwrap_or_else(|| self.status.with_untracked(|s| s.cluster.clone()));
            Arc::new(sample.status(&cluster))
        });
        Some(Moment {
            at_ms: at_ms.max(sample.at_ms),
            since_ms: sample.at_ms,
            status,
            faults: sample.faults.clone(),
            pace: history.rates.at(at_ms).map(pace).unwrap_or_default(),
        })
    }

    /// Has the views show the present again, or the end of a saved run.
    pub fn back_to_now(self) {
        if self.viewing.get_untracked() {
            return self.look_back(self.latest_ms());
        }
        if self.past.with_untracked(Option::is_some) {
            self.past.set(None);
        }
    }
}

fn pace(rate: &Rate) -> Pace {
    Pace {
        writes_per_s: rate.per_second(),
        median_ms: (rate.writes > 0).then_some(rate.median_ms),
    }
}
