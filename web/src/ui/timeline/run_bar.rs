//! Says that a saved run is shown, and leads back to the live cluster.

use leptos::html;
use leptos::prelude::*;

use super::run::Run;
use crate::clock;
use crate::ui::feed::Feed;
use crate::ui::focus::{focus, focus_first};

/// Stands at the foot of the window while a saved run is shown.
#[component]
pub fn RunBar(feed: Feed) -> impl IntoView {
    let about = move || feed.run.with(|run| run.as_deref().map(words));
    let settings = move || feed.run.with(|run| run.as_deref().map(settings));
    let moment = move || feed.past_ms().map(clock::time_of_day);
    let back = NodeRef::<html::Button>::new();
    // It has just been opened.
    Effect::new(move |_| focus(back.get().as_ref()));
    let close = move |_| {
        feed.close_run();
        focus_first("[data-testid=open-run]");
    };
    view! {
        <Show when=move || feed.viewing.get()>
            <div class="past run" role="group" aria-label="A saved run is shown" data-testid="run">
                <p>
                    <strong role="status" data-testid="run-about">{about}</strong>
                    <span class="hint" title=settings>
                        " Shown: "<span data-testid="run-moment">{moment}</span>
                        ". Nothing here can be changed."
                    </span>
                </p>
                <button class="primary" type="button" data-testid="close-run" node_ref=back
                    on:click=close>
                    "Back to the live cluster"
                </button>
            </div>
        </Show>
    }
}

fn words(run: &Run) -> String {
    let (from, to) = run.span_ms();
    format!(
        "You are looking at a saved run of cluster {}, from {} to {}.",
        run.about.cluster,
        clock::day_and_time(from),
        clock::time_of_day(to)
    )
}

/// What it was saved by, and the settings that were not the usual ones.
fn settings(run: &Run) -> String {
    let all = run.about.settings.iter();
    let pairs: Vec<_> = all.map(|(name, value)| format!("{name}={value}")).collect();
    let settings = match pairs.is_empty() {
        true => "the usual settings".to_owned(),
        false => pairs.join(", "),
    };
    format!("Saved by build {}, with {settings}", run.about.build)
}
