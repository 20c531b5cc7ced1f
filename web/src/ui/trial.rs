//! One run of an experiment: how far it has come, and what a person can tell it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::command::Place;
use crate::client::experiments::{self, Experiment, Finding, STOPPED, Taker};

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What was seen in the steps that are done, in order.
    pub done: Vec<String>,
    /// The step under way, and what is missing for it to be done.
    pub now: Option<(usize, String)>,
    pub findings: Option<Vec<Finding>>,
    /// How it ended, in a sentence.
    pub ended: Option<String>,
}

impl Progress {
    fn tell(&mut self, step: usize, is_done: bool, words: String) {
        if is_done {
            self.done.truncate(step);
            self.done.push(words);
            self.now = None;
        } else {
            self.now = Some((step, words));
        }
    }

    /// What is missing for a step that is under way.
    pub fn missing(&self, step: usize) -> Option<&str> {
        let now = self.now.as_ref().filter(|(now, _)| *now == step);
        now.map(|(_, missing)| missing.as_str())
    }
}

/// The guide and the bar at the foot of the window show and steer the same run.
#[derive(Clone, Copy)]
pub struct Trial {
    pub experiment: StoredValue<Experiment>,
    pub progress: RwSignal<Progress>,
    pub is_busy: RwSignal<bool>,
    /// Whether a person takes the steps.
    pub by_hand: RwSignal<bool>,
    /// Whether the step under way waits for a person.
    pub waits: Memo<bool>,
    pub place: Place,
}

impl Trial {
    /// Ends with the view that made it: another experiment is looked at.
    pub fn new(experiment: Experiment) -> Self {
        let experiment = StoredValue::new(experiment);
        let (progress, by_hand) = (RwSignal::new(Progress::default()), RwSignal::new(false));
        let is_busy = RwSignal::new(false);
        let waits = Memo::new(move |_| {
            let now = progress.with(|p| p.now.as_ref().map(|(n, _)| *n));
            let is_for_person = |n: usize| {
                experiment.with_value(|it| it.steps.get(n).map(|s| s.taker) == Some(Taker::Person))
            };
            by_hand.get() && is_busy.get() && now.is_some_and(is_for_person)
        });
        on_cleanup(move || {
            if is_busy.try_get_untracked() == Some(true)
                && let Err(error) = experiments::stop()
            {
                web_sys::console::warn_1(&error.message.into());
            }
        });
        Self {
            experiment,
            progress,
            is_busy,
            by_hand,
            waits,
            place: Place::keeping(),
        }
    }

    pub fn begin(self, by_hand: bool) {
        if self.is_busy.get_untracked() || !self.place.may_act() {
            return;
        }
        self.progress.set(Progress::default());
        self.is_busy.set(true);
        self.by_hand.set(by_hand);
        self.place.clear();
        let id = self.experiment.with_value(|it| it.id.clone());
        spawn_local(async move {
            let tell = move |step, is_done, words| {
                // The guide may be closed by now.
                self.progress.try_update(|p| p.tell(step, is_done, words));
            };
            let outcome = experiments::run(&id, !by_hand, tell).await;
            self.is_busy.try_set(false);
            self.end(outcome);
        });
    }

    fn end(self, outcome: Result<Vec<Finding>, crate::model::ApiError>) {
        let (said, findings) = match outcome {
            Ok(findings) => {
                let said = verdict(&findings).to_owned();
                self.place.say(said.clone());
                (said, Some(findings))
            }
            Err(error) if error.code == STOPPED => {
                let said = "Ended before its end. What it had changed is put back.";
                self.place.say(said.to_owned());
                (said.to_owned(), None)
            }
            Err(error) => {
                let said = error.message.clone();
                self.place.fail(error);
                (said, None)
            }
        };
        self.progress.try_update(|p| {
            p.now = None;
            p.findings = findings;
            p.ended = Some(said);
        });
    }

    /// Has the page take the step that waits.
    pub fn help(self) {
        if self.waits.get_untracked()
            && let Err(error) = experiments::help()
        {
            self.place.fail(error);
        }
    }

    pub fn stop(self) {
        if let Err(error) = experiments::stop() {
            self.place.fail(error);
        }
    }
}

fn verdict(findings: &[Finding]) -> &'static str {
    match findings {
        [] => "It came to its end, and says nothing of what it found.",
        found if found.iter().all(|it| it.holds) => "What was seen is what theory says.",
        _ => "Something was seen that theory does not say.",
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_step_that_is_told_again_takes_back_those_after_it() {
        let mut progress = Progress::default();
        progress.tell(0, false, "Nothing was put yet.".into());
        assert_eq!(progress.missing(0), Some("Nothing was put yet."));
        assert_eq!(progress.missing(1), None);
        progress.tell(0, true, "a".into());
        progress.tell(1, true, "b".into());
        assert_eq!((progress.done.len(), progress.now.is_none()), (2, true));
        progress.tell(0, true, "c".into());
        assert_eq!(progress.done, ["c"]);
    }

    #[test]
    fn one_finding_that_does_not_hold_is_the_verdict() {
        let finding = |holds| Finding {
            theory: "a".into(),
            seen: "b".into(),
            holds,
        };
        assert!(verdict(&[finding(true)]).contains("what theory says"));
        assert!(verdict(&[finding(true), finding(false)]).contains("does not say"));
        assert!(verdict(&[]).contains("says nothing"));
    }
}
