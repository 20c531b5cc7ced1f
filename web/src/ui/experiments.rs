//! Guided experiments: a text beside the cluster that is really there, taken step by step by the
//! page or by a person, and at the end what was seen against what theory says.

use leptos::prelude::*;

use super::command::{Place, Told};
use super::feed::Feed;
use super::focus::focus_first;
use super::guide_bar::{GUIDE, GuideBar};
use super::share::CopyLink;
use super::trial::Trial;
use crate::client::experiments::{self, CHANGED, Experiment, Finding, Step, Taker};

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
            <CutShort />
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

/// What a reload of this tab left as an experiment had made it, and the button that puts it back.
#[component]
fn CutShort() -> impl IntoView {
    let place = Place::keeping();
    let title = RwSignal::new(experiments::cut_short());
    let mend = move |_| {
        place.take(async move {
            experiments::mend().await?;
            title.set(None);
            Ok("Links work, all nodes run, and settings are as they were.".to_owned())
        });
    };
    view! {
        <div class="cut-short" data-testid="cut-short">
            {move || title.get().map(|title| view! {
                <p>
                    {format!("The page was loaded anew in the middle of “{title}”. What that had changed is as it left it. ")}
                    <button type="button" data-testid="mend" on:click=mend>"Put it back"</button>
                </p>
            })}
            <Told place hook="mended" />
        </div>
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
    let trial = Trial::new(it.clone());
    let (is_busy, by_hand, place) = (trial.is_busy, trial.by_hand, trial.place);
    let may_not_begin = move || is_busy.get().then_some("true").or_else(|| feed.fixed());
    let findings = move || trial.progress.with(|p| p.findings.clone());
    let steps = it.steps.into_iter().enumerate();
    view! {
        <article class="guide" id=GUIDE aria-labelledby="guide-title">
            <h3 id="guide-title">{it.title}</h3>
            <p>{it.about}</p>
            <ol class="taken">
                {steps.map(|(n, step)| view! { <StepLine n step trial /> }).collect_view()}
            </ol>
            <div class="acts">
                <button type="button" class="primary" data-testid="do-it" aria-disabled=may_not_begin
                    hidden=it.elsewhere
                    on:click=move |_| trial.begin(false)>
                    "Do it for me"
                </button>
                <button type="button" data-testid="let-me" aria-disabled=may_not_begin
                    hidden=it.elsewhere
                    on:click=move |_| trial.begin(true)>
                    "Let me do it"
                </button>
                <button type="button" data-testid="help-it"
                    hidden=move || !(is_busy.get() && by_hand.get())
                    aria-disabled=move || (!trial.waits.get()).then_some("true")
                    on:click=move |_| trial.help()>
                    "Do this step for me"
                </button>
                <button type="button" data-testid="stop-it" hidden=move || !is_busy.get()
                    on:click=move |_| trial.stop()>
                    "End experiment"
                </button>
                // A tab of its own: leaving this one would end what it hosts.
                <a href=it.link target="_blank" rel="noopener">"In a cluster of its own"</a>
                <CopyLink feed place />
            </div>
            <Told place hook="experiment-told" />
            {move || findings().map(|found| view! { <Findings found /> })}
            <GuideBar trial />
        </article>
    }
}

/// What is asked for or done in a step, how far it is, and what was seen.
#[component]
fn StepLine(n: usize, step: Step, trial: Trial) -> impl IntoView {
    let progress = trial.progress;
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

/// What is to be done, or what the page does.
pub fn words(step: Step) -> String {
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
