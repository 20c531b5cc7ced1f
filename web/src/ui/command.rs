//! Actions: what a button asks of the cluster, and telling what came of it at that place.

use std::future::Future;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::client::Cluster;
use crate::model::ApiError;

/// What one replica can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Crash,
    Start,
    Stop,
    Pause,
    Resume,
    OpenTab,
}

impl Verb {
    pub fn label(self) -> &'static str {
        match self {
            Self::Crash => "Crash",
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::OpenTab => "Open tab",
        }
    }

    /// The button's `data-testid`, less the node's id.
    pub fn hook(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::OpenTab => "open-tab",
        }
    }

    /// What the button will do, for its title.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Crash => "Ends the worker at once, nothing is flushed",
            Self::Start => "Opens the node's log and lets it join",
            Self::Stop => "Lets the node finish its writes, then ends it",
            Self::Pause => "The node stops reacting, as a frozen tab does",
            Self::Resume => "The node reacts again",
            Self::OpenTab => "Hands the node over to a new tab",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Crash => "Crashed.",
            Self::Start => "Started.",
            Self::Stop => "Stopped.",
            Self::Pause => "Paused.",
            Self::Resume => "Resumed.",
            Self::OpenTab => "Handed over to a new tab.",
        }
    }

    pub async fn run(self, cluster: Cluster, id: u64) -> Result<String, ApiError> {
        match self {
            Self::Crash => cluster.crash(id).await?,
            Self::Start => cluster.start(id).await?,
            Self::Stop => cluster.stop(id).await?,
            Self::Pause => cluster.pause(id, None).await?,
            Self::Resume => cluster.resume(id).await?,
            Self::OpenTab => cluster.open_tab(id).await?,
        }
        Ok(self.done().to_owned())
    }
}

/// How long a passing place tells that an action was done.
const TOLD_FOR: Duration = Duration::from_secs(8);

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Nothing,
    Waiting,
    Done(String),
    Failed(ApiError),
}

/// A place where actions are taken: it shows the outcome of the latest one.
#[derive(Clone, Copy)]
pub struct Place {
    outcome: RwSignal<Outcome>,
    /// How many actions were taken here: an older one's outcome no longer matters.
    taken: StoredValue<u64>,
    /// Whether a good outcome is old news after a while, because it shows elsewhere too.
    passing: bool,
}

impl Place {
    /// Keeps an outcome until the next action.
    pub fn keeping() -> Self {
        Self {
            outcome: RwSignal::new(Outcome::Nothing),
            taken: StoredValue::new(0),
            passing: false,
        }
    }

    /// Keeps failures until the next action, and what was done for some seconds.
    pub fn passing() -> Self {
        Self {
            passing: true,
            ..Self::keeping()
        }
    }

    /// Takes an action; `action` resolves to the sentence that says what it did.
    pub fn take(self, action: impl Future<Output = Result<String, ApiError>> + 'static) {
        let mine = self.next();
        self.outcome.set(Outcome::Waiting);
        spawn_local(async move {
            let outcome = match action.await {
                Ok(sentence) => Outcome::Done(sentence),
                Err(error) => Outcome::Failed(error),
            };
            self.tell(mine, outcome);
        });
    }

    /// Says something without asking the cluster.
    pub fn say(self, sentence: String) {
        self.tell(self.next(), Outcome::Done(sentence));
    }

    fn next(self) -> u64 {
        self.taken.update_value(|n| *n += 1);
        self.taken.get_value()
    }

    fn tell(self, mine: u64, outcome: Outcome) {
        // The place itself may be gone: a removed node takes its card along.
        let latest = move || self.taken.try_get_value() == Some(mine);
        if !latest() {
            return;
        }
        if self.passing && matches!(outcome, Outcome::Done(_)) {
            let fade = move || {
                if latest() {
                    self.outcome.set(Outcome::Nothing);
                }
            };
            set_timeout(fade, TOLD_FOR);
        }
        self.outcome.set(outcome);
    }

    /// Runs a verb on a node.
    pub fn order(self, cluster: Cluster, verb: Verb, id: u64) {
        self.take(verb.run(cluster, id));
    }
}

/// Tells the outcome; a live region that is always there, so that it is announced.
#[component]
pub fn Told(place: Place, #[prop(optional)] hook: &'static str) -> impl IntoView {
    let outcome = place.outcome;
    let class = move || match outcome.get() {
        Outcome::Failed(_) => "told bad",
        _ => "told",
    };
    view! {
        <p class=class role="status" data-testid=(!hook.is_empty()).then_some(hook)>
            {move || match outcome.get() {
                Outcome::Nothing => ().into_any(),
                Outcome::Waiting => "Waiting…".into_any(),
                Outcome::Done(sentence) => sentence.into_any(),
                Outcome::Failed(error) => {
                    view! { {error.message} " " <code>{error.code}</code> }.into_any()
                }
            }}
        </p>
    }
}
