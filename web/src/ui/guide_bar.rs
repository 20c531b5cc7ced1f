//! The step that waits for a person, at the foot of the window: where it is to be taken is seldom where
//! the guide stands.

use leptos::prelude::*;

use super::experiments::words;
use super::trial::Trial;

/// The id of the guide, to scroll to.
pub const GUIDE: &str = "guide";

/// There from the first step on that a person is to take, until it is closed.
#[component]
pub fn GuideBar(trial: Trial) -> impl IntoView {
    let is_closed = RwSignal::new(false);
    Effect::new(move |_| {
        if trial.is_busy.get() {
            is_closed.set(false);
        }
    });
    let is_over = Memo::new(move |_| trial.progress.with(|p| p.ended.is_some()));
    let is_shown = Memo::new(move |_| {
        trial.by_hand.get() && (trial.is_busy.get() || is_over.get()) && !is_closed.get()
    });
    let title = trial.experiment.with_value(|it| it.title.clone());
    // The last one stays in sight until the next has begun.
    let at = Memo::new(move |last: Option<&usize>| {
        let now = trial.progress.with(|p| p.now.as_ref().map(|(n, _)| *n));
        now.or(last.copied()).unwrap_or(0)
    });
    let count = trial.experiment.with_value(|it| it.steps.len());
    let place = move || match is_over.get() {
        true => String::new(),
        false => format!("step {} of {count}", at.get() + 1),
    };
    let ask = move || match is_over.get() {
        true => trial.progress.with(|p| p.ended.clone().unwrap_or_default()),
        false => trial.experiment.with_value(|it| {
            let step = it.steps.get(at.get()).cloned();
            step.map(words).unwrap_or_default()
        }),
    };
    let missing = move || {
        let missing = trial
            .progress
            .with(|p| p.now.as_ref().map(|(_, it)| it.clone()));
        missing.unwrap_or_default()
    };
    view! {
        <Show when=move || is_shown.get()>
            <div class="guide-bar" role="group" aria-label="The experiment that runs" data-testid="guide-bar">
                <p class="which"><strong>{title.clone()}</strong> " " <span class="label">{place}</span></p>
                <p class="ask">{ask}</p>
                <p class="missing">{missing}</p>
                <div class="acts">
                    <button type="button" data-testid="bar-help" hidden=move || is_over.get()
                        aria-disabled=move || (!trial.waits.get()).then_some("true")
                        on:click=move |_| trial.help()>
                        "Do this step for me"
                    </button>
                    <button type="button" data-testid="bar-end" hidden=move || is_over.get()
                        on:click=move |_| trial.stop()>
                        "End experiment"
                    </button>
                    <a href=format!("#{GUIDE}")>"To the guide"</a>
                    <button type="button" data-testid="bar-close" hidden=move || !is_over.get()
                        on:click=move |_| is_closed.set(true)>
                        "Close"
                    </button>
                </div>
            </div>
        </Show>
    }
}
