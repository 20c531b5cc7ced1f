//! One replica: what it knows, where it runs, and what can be done to it.

use leptos::html;
use leptos::prelude::*;

use super::command::{Place, Told};
use super::facts::Facts;
use super::feed::Feed;
use super::followers::Followers;
use super::look::{Look, RoleMark};
use super::machine::{self, Machine};
use super::more::More;
use super::question::{Asked, Question};
use super::sight::in_sight;
use super::standing::Standing;
use super::verb::Verb;
use super::verb_button::VerbButton;
use super::whereabouts;
use crate::model::{NodeStatus, State};

#[component]
pub fn Card(feed: Feed, id: u64, table: Memo<u64>) -> impl IntoView {
    let card = NodeRef::<html::Article>::new();
    let node = feed.node(id, feed.follows(in_sight(card)));
    let whereabouts = move || node.with(|n| whereabouts::words(n, feed.viewing.get()));
    let look = Memo::new(move |_| node.with(Look::of));
    let standing = Memo::new(move |_| feed.status.with(|s| Standing::of(s, id)));
    view! {
        <article class=move || format!("card {}", look.get().class()) node_ref=card
            id=format!("card-{id}") tabindex="-1"
            aria-label=move || format!("Node {id}, {}", look.get().word()) data-testid=format!("node-{id}")>
            <div class="who">
                <h3>"Node " {id}</h3>
                <RoleMark look />
                <span class="where" data-testid="where">{move || match feed.of_tabs {
                    true => whereabouts(),
                    false => machine::name(feed, id),
                }}</span>
            </div>
            {match feed.of_tabs {
                true => view! {
                    <Facts node />
                    <Followers feed node table />
                    <Problem feed node standing />
                    <Buttons feed standing />
                }.into_any(),
                false => view! { <Machine feed node /> }.into_any(),
            }}
        </article>
    }
}

/// What is wrong with it, with the button that leads on beside it.
#[component]
fn Problem(feed: Feed, node: Memo<NodeStatus>, standing: Memo<Standing>) -> impl IntoView {
    let place = Place::keeping();
    let asked = Asked::new(None);
    let text = Memo::new(move |_| {
        node.with(|n| match (n.member, n.problem.as_str()) {
            (false, "") => format!(
                "Node {} was removed from the cluster. It can be wiped.",
                n.id
            ),
            (_, problem) => problem.to_owned(),
        })
    });
    let remedy = Memo::new(move |_| {
        let remedy = standing.with(Standing::remedy);
        remedy.filter(|_| !feed.viewing.get())
    });
    view! {
        <div class="trouble" hidden=move || text.with(String::is_empty)>
            <p class="problem" data-testid="problem">{text}</p>
            {move || remedy.get().map(|verb| view! {
                <VerbButton feed standing place asked verb primary=true />
                <Told place />
            })}
            <Question feed standing asked place />
        </div>
    }
}

#[component]
fn Buttons(feed: Feed, standing: Memo<Standing>) -> impl IntoView {
    let id = standing.with_untracked(|s| s.id);
    let place = Place::passing();
    let asked = Asked::new(None);
    let open = RwSignal::new(false);
    // One element for both, so that the focus stays where it is.
    let hold = Signal::derive(move || match standing.with(|s| s.state) {
        State::Paused => Verb::Resume,
        _ => Verb::Pause,
    });
    let panel = format!("more-panel-{id}");
    view! {
        <div class="acts" role="group" aria-label=format!("Actions on node {id}")>
            <VerbButton feed standing place asked verb=Verb::Crash />
            <VerbButton feed standing place asked verb=Verb::Stop />
            <VerbButton feed standing place asked verb=Verb::Start />
            <VerbButton feed standing place asked verb=hold />
            <VerbButton feed standing place asked verb=Verb::OpenTab />
            <button class="disclose" type="button" data-testid=format!("more-{id}")
                aria-expanded=move || open.get().to_string() aria-controls=panel.clone()
                on:click=move |_| open.update(|open| *open = !*open)>
                "More"
            </button>
            <Told place />
        </div>
        <div id=panel hidden=move || !open.get()>
            <Show when=move || open.get()>
                <More feed standing />
            </Show>
        </div>
    }
}
