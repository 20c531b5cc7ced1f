//! What can be taken away: this run as a file, a link to a cluster like this one, and everything
//! that tabraft keeps in this browser.

use leptos::html;
use leptos::prelude::*;

use super::command::{Place, Said, Told};
use super::feed::Feed;
use super::reset::Reset;
use super::restore::chosen;
use super::save;
use super::share::CopyLink;
use crate::clock;

#[component]
pub fn Away(feed: Feed) -> impl IntoView {
    view! {
        <section class="away" aria-labelledby="away-title">
            <h2 id="away-title">"Take it away"</h2>
            <div class="list">
                <Runs feed />
                <Link feed />
                <Reset feed />
            </div>
        </section>
    }
}

#[component]
fn Runs(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let file = NodeRef::<html::Input>::new();
    let save = move |_| {
        if place.may_act() {
            let cluster = feed.cluster();
            place.take(async move { save::save_run(&cluster) });
        }
    };
    let choose = move |_| {
        if let Some(input) = file.get_untracked() {
            // The same file can be chosen again.
            input.set_value("");
            input.click();
        }
    };
    let open = move |_| {
        let Some(chosen) = file.get_untracked().and_then(|input| chosen(&input)) else {
            return;
        };
        let cluster = feed.cluster();
        place.take_anyway(async move {
            cluster.open_run(&chosen).await?;
            Ok(Said::from("The saved run is shown.".to_owned()))
        });
    };
    // What was said of a run that is shown no more.
    Effect::new(move |before: Option<bool>| {
        let viewing = feed.viewing.get();
        if before == Some(true) && !viewing {
            place.clear();
        }
        viewing
    });
    let since = feed.history.with_value(|h| h.first_ms());
    let since = clock::time_of_day(since.unwrap_or_else(clock::wall_ms));
    view! {
        <div class="item" role="group" aria-labelledby="runs-title">
            <h3 id="runs-title">"This run"</h3>
            <p class="hint">
                {format!("What this page has seen since {since}: sentence, map, nodes, logs, timeline, \
                    events, and the keys and values that were in its table. A file of it can be \
                    opened in any browser, to be looked at.")}
            </p>
            <div class="acts">
                <button type="button" data-testid="save-run" on:click=save
                    aria-disabled=move || feed.fixed()>"Save this run"</button>
                <button type="button" data-testid="open-run" on:click=choose>"Open a run"</button>
                <input type="file" hidden data-testid="run-file" aria-label="A saved run"
                    node_ref=file on:change=open />
            </div>
            <Told place hook="run-told" />
        </div>
    }
}

#[component]
fn Link(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    view! {
        <div class="item" role="group" aria-labelledby="link-title">
            <h3 id="link-title">"A link"</h3>
            <p class="hint">
                {match feed.of_tabs {
                    true => "In another browser it opens a new cluster with as many nodes, these settings, \
                        and the experiment that is open. What this one holds stays here.",
                    false => "Opens the same etcd in any browser that reaches it. Nobody's name and \
                        password are in it.",
                }}
            </p>
            <div class="acts"><CopyLink feed place hook="share" /></div>
            <Told place hook="share-told" />
        </div>
    }
}
