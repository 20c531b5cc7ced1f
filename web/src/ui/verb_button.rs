//! A button for a verb. One that does not apply stays in reach of the keyboard and says why when
//! it is pressed; one that destroys asks first.

use leptos::html;
use leptos::prelude::*;

use super::command::Place;
use super::feed::Feed;
use super::focus::focus;
use super::question::{Asked, warning};
use super::standing::Standing;
use super::verb::Verb;

#[component]
pub fn VerbButton(
    feed: Feed,
    standing: Memo<Standing>,
    place: Place,
    asked: Asked,
    #[prop(into)] verb: Signal<Verb>,
    #[prop(optional)] primary: bool,
) -> impl IntoView {
    let id = standing.with_untracked(|s| s.id);
    let obstacle = Memo::new(move |_| standing.with(|s| s.obstacle(verb.get())));
    let asks = Memo::new(move |_| asked.get() == Some(verb.get()));
    let button = NodeRef::<html::Button>::new();
    // Answered: the focus comes back to where the question came from.
    Effect::new(move |asked_before: Option<bool>| {
        let answered = asked_before == Some(true) && asked.get().is_none();
        if answered {
            focus(button.get_untracked().as_ref());
        }
        asks.get()
    });
    let act = move |_| {
        let verb = verb.get_untracked();
        if !place.may_act() {
            asked.set(None);
        } else if let Some(why) = obstacle.get_untracked() {
            asked.set(None);
            place.say(format!("Node {id} {why}."));
        } else if asks.get_untracked() {
            asked.set(None);
        } else if standing.with_untracked(|s| warning(verb, s).is_some()) {
            asked.set(Some(verb));
        } else {
            asked.set(None);
            place.order(feed.cluster(), verb, id);
        }
    };
    let expanded = move || {
        let destroys = standing.with(|s| warning(verb.get(), s).is_some());
        destroys.then(|| asks.get().to_string())
    };
    view! {
        <button type="button" class:primary=primary node_ref=button on:click=act
            data-testid=move || format!("{}-{id}", verb.get().hook())
            title=move || verb.get().meaning()
            aria-expanded=expanded
            aria-disabled=move || obstacle.get().map(|_| "true").or_else(|| feed.fixed())>
            {move || verb.get().label()}
        </button>
    }
}
