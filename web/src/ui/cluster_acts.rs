//! What can be done to the cluster as a whole: it grows, is saved, and is restored elsewhere.

use leptos::prelude::*;

use super::command::{Place, Told};
use super::feed::Feed;
use super::restore::Restore;
use super::save;
use super::working::Working;

#[component]
pub fn ClusterActs(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let restoring = RwSignal::new(false);
    let add = move |learner: bool| {
        let cluster = feed.cluster();
        place.take(async move {
            let id = cluster.add_node(None, learner).await?;
            let what = if learner {
                "listens as a learner"
            } else {
                "is a voter"
            };
            Ok(format!("Node {id} has joined and {what}."))
        });
    };
    view! {
        <div class="acts" role="group" aria-label="Actions on the cluster">
            <button type="button" data-testid="add-node" aria-disabled=move || feed.fixed()
                on:click=move |_| add(false)
                title="Starts a new node in this tab. It copies the log as a learner, then votes">
                "Add node"
            </button>
            <button type="button" data-testid="add-learner" aria-disabled=move || feed.fixed()
                on:click=move |_| add(true)
                title="Starts a node that gets the log and has no vote: a listener">
                "Add learner"
            </button>
            <button type="button" data-testid="export" aria-disabled=move || feed.fixed()
                title="Saves the state as a file, confirmed by a quorum"
                on:click=move |_| place.take(save::save(feed.cluster(), None))>
                "Save snapshot"
            </button>
            <button class="disclose" type="button" data-testid="restore"
                title="Makes a new cluster from a saved snapshot"
                aria-expanded=move || restoring.get().to_string() aria-controls="restore-form"
                on:click=move |_| restoring.update(|r| *r = !*r)>
                "Restore from file"
            </button>
            <Told place hook="cluster-told" />
        </div>
        <Working feed />
        <div id="restore-form" hidden=move || !restoring.get()>
            <Restore feed />
        </div>
    }
}
