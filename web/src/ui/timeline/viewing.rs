//! A saved run in place of the live cluster: all views draw from it, and nothing can be changed.
//! What the live cluster does meanwhile is recorded as ever.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use tabraft::frame::FrameError;

use super::history::History;
use super::run::{self, About, Run};
use crate::client::runs::Recorder;
use crate::clock;
use crate::model::{ApiError, Event};
use crate::ui::feed::Feed;

/// Why an act is refused meanwhile.
const REASON: &str = "A saved run is shown, and nothing in it can be changed. Go back to the live \
                      cluster first.";

/// Whether a saved run is shown, for those who act.
#[derive(Clone, Copy)]
pub struct Viewing(Memo<bool>);

impl Viewing {
    /// Tells all components below.
    pub fn provide(feed: Feed) {
        provide_context(Self(feed.viewing));
    }

    /// For a component; without a page nothing is shown.
    pub fn here() -> Option<Self> {
        use_context()
    }

    pub fn refusal(self) -> Option<ApiError> {
        self.0
            .get_untracked()
            .then(|| ApiError::new("SAVED_RUN", REASON))
    }
}

impl Feed {
    /// Looks at what the timeline draws from: the saved run that is shown, or what was recorded.
    pub fn shown_history<T>(self, look: impl FnOnce(&History) -> T) -> T {
        self.run.with_untracked(|run| match run {
            Some(run) => look(&run.history),
            None => self.history.with_value(look),
        })
    }

    /// The latest moment there is, in milliseconds of the Unix epoch: now, or the end of the run.
    pub fn latest_ms(self) -> f64 {
        let end = self
            .run
            .with_untracked(|run| run.as_ref().map(|run| run.span_ms().1));
        end.unwrap_or_else(clock::wall_ms)
    }

    /// The events of the run that is shown, or of the live cluster, newest first.
    pub fn shown_events<T>(
        self,
        look: impl FnOnce(&mut dyn Iterator<Item = &Arc<Event>>) -> T,
    ) -> T {
        self.run.with(|run| match run {
            Some(run) => look(&mut run.events.iter().rev()),
            None => self.events.with(|list| look(&mut list.iter())),
        })
    }

    /// `aria-disabled` of what acts on the live cluster.
    pub fn fixed(self) -> Option<&'static str> {
        self.viewing.get().then_some("true")
    }

    /// Shows a saved run, from its end.
    fn open_run(self, run: Run) {
        let (_, end_ms) = run.span_ms();
        self.run.set(Some(Arc::new(run)));
        // Of the cluster that was shown before.
        self.past.set(None);
        self.look_back(end_ms);
    }

    pub fn close_run(self) {
        if self.viewing.get_untracked() {
            self.run.set(None);
            self.past.set(None);
        }
    }

    /// Keeps and shows runs for the console, too.
    pub fn serve_runs(self) {
        self.cluster().record_by(Rc::new(self));
    }
}

impl Recorder for Feed {
    fn export(&self, build: String) -> Vec<u8> {
        self.record();
        let settings = self.cluster().settings();
        let about = About {
            build,
            cluster: settings.cluster.clone(),
            saved_ms: clock::wall_ms(),
            settings: settings
                .unusual()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        };
        self.history.with_value(|history| {
            self.events.with_untracked(|events| {
                let events = events.iter().rev().map(Arc::as_ref);
                run::encode(about, history, events)
            })
        })
    }

    fn open(&self, bytes: &[u8]) -> Result<(), FrameError> {
        Run::decode(bytes).map(|run| self.open_run(run))
    }

    fn close(&self) {
        self.close_run();
    }
}
