//! Actions: what a button asks of the cluster, and telling what came of it at that place.

use std::future::Future;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::timeline::viewing::Viewing;
use super::verb::Verb;
use crate::client::Cluster;
use crate::model::ApiError;

/// What came of an action, in a sentence, and where it leads on to.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub sentence: String,
    /// The words and the address of a link.
    pub link: Option<(String, String)>,
}

impl From<String> for Said {
    fn from(sentence: String) -> Self {
        Self {
            sentence,
            link: None,
        }
    }
}

/// How long a passing place tells that an action was done.
const TOLD_FOR: Duration = Duration::from_secs(8);

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Nothing,
    Waiting,
    Done(Said),
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
    /// Acts are refused while a saved run is shown.
    viewing: Option<Viewing>,
}

impl Place {
    /// Keeps an outcome until the next action.
    pub fn keeping() -> Self {
        Self {
            outcome: RwSignal::new(Outcome::Nothing),
            taken: StoredValue::new(0),
            passing: false,
            viewing: Viewing::here(),
        }
    }

    /// Keeps failures until the next action, and what was done for some seconds.
    pub fn passing() -> Self {
        Self {
            passing: true,
            ..Self::keeping()
        }
    }

    /// Takes an action, unless a saved run is shown; `action` resolves to the sentence that says
    /// what it did.
    pub fn take<S: Into<Said>>(self, action: impl Future<Output = Result<S, ApiError>> + 'static) {
        if self.may_act() {
            self.take_anyway(action);
        }
    }

    /// Whether there is something to act on; if not, it says why.
    pub fn may_act(self) -> bool {
        let refusal = self.viewing.and_then(Viewing::refusal);
        let may_act = refusal.is_none();
        if let Some(error) = refusal {
            self.fail(error);
        }
        may_act
    }

    /// Takes an action that is none on the cluster.
    pub fn take_anyway<S: Into<Said>>(
        self,
        action: impl Future<Output = Result<S, ApiError>> + 'static,
    ) {
        let mine = self.next();
        self.tell(mine, Outcome::Waiting);
        spawn_local(async move {
            let outcome = match action.await {
                Ok(said) => Outcome::Done(said.into()),
                Err(error) => Outcome::Failed(error),
            };
            self.tell(mine, outcome);
        });
    }

    /// Says something without asking the cluster.
    pub fn say(self, sentence: String) {
        self.tell(self.next(), Outcome::Done(sentence.into()));
    }

    /// Refuses an action for what was typed.
    pub fn refuse(self, sentence: impl Into<String>) {
        self.fail(ApiError::bad_argument(sentence));
    }

    /// Tells why something was not done.
    pub fn fail(self, error: ApiError) {
        self.tell(self.next(), Outcome::Failed(error));
    }

    /// Forgets what was told: something else was done about the same thing.
    pub fn clear(self) {
        self.tell(self.next(), Outcome::Nothing);
    }

    /// The number of another action; `None` if the place itself is gone: a removed node takes its
    /// card along, another experiment the guide of the one before.
    fn next(self) -> Option<u64> {
        self.taken.try_update_value(|n| {
            *n += 1;
            *n
        })
    }

    fn tell(self, mine: Option<u64>, outcome: Outcome) {
        let latest = move || mine.is_some() && self.taken.try_get_value() == mine;
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
                Outcome::Done(Said { sentence, link }) => {
                    // A tab of its own: leaving this one would end what it hosts.
                    let link = link.map(|(words, to)| {
                        view! { " " <a href=to target="_blank" rel="noopener">{words}</a> }
                    });
                    view! { {sentence} {link} }.into_any()
                }
                Outcome::Failed(error) => {
                    view! { {error.message} " " <code>{error.code}</code> }.into_any()
                }
            }}
        </p>
    }
}
