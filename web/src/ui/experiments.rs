//! Guided experiments: a text beside the cluster that is really there, taken step by step by the
//! page or by a person, and at the end what was seen against what theory says.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::command::{Place, Told};
use super::feed::Feed;
use super::focus::focus_first;
use super::share::CopyLink;
use crate::client::experiments::{self, CHANGED, Experiment, Finding, Step, Taker};

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq)]
struct Progress {
    /// What was seen in the steps that are done, in order.
    done: Vec<String>,
    /// The step under way, and what is missing for it to be done.
    now: Option<(usize, String)>,
    findings: Option<Vec<Finding>>,
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
    fn missing(&self, step: usize) -> Option<&str> {
        let now = self.now.as_ref().filter(|(now, _)| *now == step);
        now.map(|(_, missing)| missing.as_str())
    }
}

/// Shows an experiment, and leads to its first button.
pub fn begin(feed: Feed, id: &str) {
    feed.experiment.set(Some(id.to_owned()));
    // Once it is drawn.
    request_animation_frame(|| {
        focus_first(".guide .acts button:not([hidden])");
    });
}

#[component]
pub fn Experiments(feed: Feed) -> impl IntoView {
    let library = RwSignal::new(experiments::list());
    let changed = window_event_listener_untyped(CHANGED, move |_| library.set(experiments::list()));
    on_cleanup(move || changed.remove());
    let wanted = feed.cluster().settings().experiment;
    let chosen = feed.experiment;
    let open = Memo::new(move |_| {
        let id = chosen.get()?;
        library.with(|all| all.iter().find(|it| it.id == id).cloned())
    });
    view! {
        <section class="experiments" id="experiments" aria-labelledby="experiments-title">
            <div class="head">
                <h2 id="experiments-title">"Experiments"</h2>
                <p class="hint">"With this cluster, as it is. In the end links are healed and nodes started again."</p>
            </div>
            <ul class="library">
                <For each=move || library.get() key=|it| it.id.clone() let:it>
                    <Choice it chosen />
                </For>
            </ul>
            {move || open.get().map(|it| view! { <Guide feed it /> })}
            {move || {
                let unknown = wanted.clone().filter(|id| {
                    library.with(|all| !all.is_empty() && all.iter().all(|it| it.id != *id))
                });
                unknown.map(|id| view! {
                    <p class="told bad">{format!("There is no experiment “{id}”.")}</p>
                })
            }}
        </section>
    }
}

#[component]
fn Choice(it: Experiment, chosen: RwSignal<Option<String>>) -> impl IntoView {
    let id = StoredValue::new(it.id.clone());
    let is_chosen = move || chosen.with(|chosen| id.with_value(|id| chosen.as_ref() == Some(id)));
    view! {
        <li>
            <button type="button" data-testid=format!("experiment-{}", it.id)
                aria-pressed=move || is_chosen().to_string()
                on:click=move |_| chosen.set(Some(id.get_value()))>
                {it.title}
            </button>
        </li>
    }
}

#[component]
fn Guide(feed: Feed, it: Experiment) -> impl IntoView {
    let place = Place::keeping();
    let progress = RwSignal::new(Progress::default());
    let busy = RwSignal::new(false);
    let by_hand = RwSignal::new(false);
    let id = StoredValue::new(it.id.clone());
    let begin = move |by_itself: bool| {
        if busy.get_untracked() || !place.may_act() {
            return;
        }
        progress.set(Progress::default());
        busy.set(true);
        by_hand.set(!by_itself);
        place.say(String::new());
        spawn_local(async move {
            let tell = move |step, is_done, words| {
                // The guide may be closed by now.
                progress.try_update(|p| p.tell(step, is_done, words));
            };
            let outcome = experiments::run(&id.get_value(), by_itself, tell).await;
            busy.try_set(false);
            match outcome {
                Ok(findings) => {
                    place.say(verdict(&findings).to_owned());
                    progress.try_update(|p| p.findings = Some(findings));
                }
                Err(error) => {
                    place.refuse(error.message);
                    progress.try_update(|p| p.now = None);
                }
            }
        });
    };
    // Another experiment is looked at: this one ends.
    on_cleanup(move || {
        if busy.try_get_untracked() == Some(true)
            && let Err(error) = experiments::stop()
        {
            web_sys::console::warn_1(&error.message.into());
        }
    });
    let stop = move |_| {
        if let Err(error) = experiments::stop() {
            place.refuse(error.message);
        }
    };
    let help = move |_| {
        if let Err(error) = experiments::help() {
            place.refuse(error.message);
        }
    };
    // Steps that are for a person, and which of them is waited for.
    let for_person: Vec<bool> = it.steps.iter().map(|s| s.taker == Taker::Person).collect();
    let waits = Memo::new(move |_| {
        let now = progress.with(|p| p.now.as_ref().map(|(n, _)| *n));
        now.is_some_and(|n| for_person.get(n) == Some(&true)) && by_hand.get()
    });
    let steps = it.steps.clone().into_iter().enumerate();
    view! {
        <article class="guide" aria-labelledby="guide-title">
            <h3 id="guide-title">{it.title}</h3>
            <p>{it.about}</p>
            <ol class="taken">
                {steps.map(|(n, step)| view! { <StepLine n step progress /> }).collect_view()}
            </ol>
            <div class="acts">
                <button type="button" class="primary" data-testid="do-it"
                    aria-disabled=move || busy.get().then_some("true").or_else(|| feed.fixed())
                    hidden=it.elsewhere
                    on:click=move |_| begin(true)>
                    "Do it for me"
                </button>
                <button type="button" data-testid="let-me"
                    aria-disabled=move || busy.get().then_some("true").or_else(|| feed.fixed())
                    hidden=it.elsewhere
                    on:click=move |_| begin(false)>
                    "Let me do it"
                </button>
                <button type="button" data-testid="help-it" hidden=move || !(busy.get() && by_hand.get())
                    aria-disabled=move || (!waits.get()).then_some("true")
                    on:click=move |ev| if waits.get_untracked() { help(ev) }>
                    "Do this step for me"
                </button>
                <button type="button" data-testid="stop-it" hidden=move || !busy.get() on:click=stop>
                    "Stop"
                </button>
                // A tab of its own: leaving this one would end what it hosts.
                <a href=it.link target="_blank" rel="noopener">"In a cluster of its own"</a>
                <CopyLink feed place />
            </div>
            <Told place hook="experiment-told" />
            {move || progress.with(|p| p.findings.clone()).map(|found| view! { <Findings found /> })}
        </article>
    }
}

fn verdict(findings: &[Finding]) -> &'static str {
    match findings {
        [] => "It came to its end, and says nothing of what it found.",
        found if found.iter().all(|it| it.holds) => "What was seen is what theory says.",
        _ => "Something was seen that theory does not say.",
    }
}

/// What is asked for or done in a step, how far it is, and what was seen.
#[component]
fn StepLine(n: usize, step: Step, progress: RwSignal<Progress>) -> impl IntoView {
    let seen = Memo::new(move |_| progress.with(|p| p.done.get(n).cloned()));
    let missing = Memo::new(move |_| progress.with(|p| p.missing(n).map(str::to_owned)));
    let is_now = move || missing.with(Option::is_some);
    let (class, word) = (
        move || match (seen.with(Option::is_some), is_now()) {
            (true, _) => "step done",
            (false, true) => "step now",
            (false, false) => "step",
        },
        move || match (seen.with(Option::is_some), is_now()) {
            (true, _) => "Done",
            (false, true) => "Now",
            (false, false) => "To do",
        },
    );
    view! {
        <li class=class data-testid=format!("step-{n}")>
            <span class="state">{word}</span>
            <div>
                <p class="ask">{words(step)}</p>
                // Both in one place, so that nothing moves; only what was seen is read out.
                <div class="came">
                    <p class="missing" data-testid="missing">{missing}</p>
                    <p class="seen" role="status">{seen}</p>
                </div>
            </div>
        </li>
    }
}

fn words(step: Step) -> String {
    match step.taker {
        Taker::Nobody => "The page looks, and tells what it sees.".to_owned(),
        Taker::Person | Taker::Page => step.words,
    }
}

#[component]
fn Findings(found: Vec<Finding>) -> impl IntoView {
    let rows = found.into_iter().map(|it| {
        let (class, word) = match it.holds {
            true => ("holds", "✓ so it is"),
            false => ("fails", "✗ it is not"),
        };
        view! {
            <tr class=class>
                <td>{it.theory}</td>
                <td>{it.seen}</td>
                <td class="verdict">{word}</td>
            </tr>
        }
    });
    view! {
        <table class="findings" data-testid="findings">
            <thead>
                <tr>
                    <th scope="col">"Theory"</th>
                    <th scope="col">"Seen"</th>
                    <th scope="col"><span class="unseen">"Whether it holds"</span></th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
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
