//! The cards of all nodes, and what can be done to the cluster they are.

use leptos::prelude::*;

use super::card::Card;
use super::cluster_acts::ClusterActs;
use super::experiments;
use super::feed::Feed;
use super::followers;
use super::glossary::Glossary;
use super::summary::Summary;
use super::timeline::past::AsOf;

#[component]
pub fn Nodes(feed: Feed, summary: Memo<Summary>) -> impl IntoView {
    // What was worth trying then may not be now.
    let hint = Memo::new(move |_| match feed.past.with(Option::is_some) {
        true => String::new(),
        false => summary.with(|s| s.hint.clone()),
    });
    let guide = Memo::new(move |_| match feed.past.with(Option::is_some) {
        true => None,
        false => summary.with(|s| s.guide),
    });
    // The card with the leader's table of followers; without a leader the last one's keeps the room for
    // it, so that what is below stays where it is.
    let table = Memo::new(move |last: Option<&u64>| {
        let leads = feed.shown(|status| {
            let mut nodes = status.nodes.iter();
            nodes.find(|it| followers::leads(it)).map(|it| it.id)
        });
        let first = || feed.shown_ids.with(|ids| ids.first().copied());
        let last = || last.copied().filter(|id| *id != 0);
        leads.or_else(last).or_else(first).unwrap_or(0)
    });
    let many = move |than: usize| feed.shown_ids.with(|ids| ids.len() > than);
    view! {
        <section class="nodes" aria-labelledby="nodes-title">
            <div class="head">
                <h2 id="nodes-title">"Nodes"</h2>
                <AsOf feed />
                <p class="hint">
                    {move || (!hint.with(String::is_empty)).then_some("Try: ")} {hint}
                </p>
                // Stays the same element, so that the focus stays.
                <button class="guide-me" type="button" data-testid="guide-me"
                    hidden=move || guide.get().is_none()
                    on:click=move |_| {
                        if let Some(id) = guide.get_untracked() {
                            experiments::begin(feed, id);
                        }
                    }>
                    "Guide me"
                </button>
            </div>
            {match feed.of_tabs {
                true => view! { <ClusterActs feed /> }.into_any(),
                false => view! {
                    <p class="hint">
                        "Processes of etcd. A page is their client: it cannot crash, pause, cut off, \
                         wipe or damage them, and the experiments, which do that, need tabs."
                    </p>
                }.into_any(),
            }}
            <div class="cards" class:high=move || many(4) class:many=move || many(5)>
                <For each=move || feed.shown_ids.get() key=|id| *id let:id>
                    <Card feed id table />
                </For>
            </div>
            <Glossary />
        </section>
    }
}
