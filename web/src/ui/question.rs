//! What is asked before something is destroyed: exactly what will be lost, beside the button.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::KeyboardEvent;

use super::command::Place;
use super::feed::Feed;
use super::focus::focus;
use super::standing::Standing;
use super::verb::Verb;

/// The verb that waits for an answer, in one group of buttons.
pub type Asked = RwSignal<Option<Verb>>;

/// What a verb will destroy; `None` for one that can be taken back.
pub fn warning(verb: Verb, of: &Standing) -> Option<String> {
    let id = of.id;
    let text = match verb {
        Verb::Remove => format!("Remove node {id}? {}", losing(of)),
        Verb::Replace => format!(
            "Replace node {id}? It is removed for good, and a new node under a new id starts in \
             this tab and copies the log from its peers. What node {id} stored stays until it is \
             wiped."
        ),
        Verb::Wipe if of.member => format!(
            "Wipe node {id}? Its log, its snapshots and its vote are deleted. It cannot come back \
             under this id unless it was removed first."
        ),
        Verb::Wipe => format!(
            "Wipe node {id}? Its log and its snapshots are deleted. It was removed, so the \
             cluster loses nothing by it."
        ),
        Verb::DamageWalLast | Verb::DamageWalMiddle => {
            let which = if verb == Verb::DamageWalLast {
                "the last record"
            } else {
                "a record in the middle"
            };
            format!(
                "Damage {which} of node {id}'s write-ahead log? One bit of it is flipped and \
                 stays so. The node finds out at its next start and does not run; then it can \
                 only be replaced."
            )
        }
        Verb::DamageSnapshot => format!(
            "Damage node {id}'s newest snapshot? One bit of it is flipped and stays so. At its \
             next start an older snapshot and the log stand in for it, if there are any; else \
             the node can only be replaced."
        ),
        _ => return None,
    };
    Some(text)
}

/// What a removal leaves.
fn losing(of: &Standing) -> String {
    let stays = "What it stored stays until it is wiped.";
    if of.learner {
        return format!("It is a learner and no longer gets the log then. {stays}");
    }
    let left = of.voters.saturating_sub(1);
    let need = left / 2 + 1;
    let votes = match left {
        0 | 1 => "One voter is left and decides alone.".to_owned(),
        2 => "Two voters are left and writes need both.".to_owned(),
        _ => format!("{left} voters are left and writes need {need} of them."),
    };
    let leads = if of.leader == of.id {
        " It leads and hands over first."
    } else {
        ""
    };
    format!("It is no longer a member then.{leads} {votes} {stays}")
}

/// Asks, and gives the focus to the answer that changes nothing.
#[component]
pub fn Question(feed: Feed, standing: Memo<Standing>, asked: Asked, place: Place) -> impl IntoView {
    move || {
        asked.get().map(|verb| {
            view! { <Answers feed standing asked place verb /> }
        })
    }
}

#[component]
fn Answers(
    feed: Feed,
    standing: Memo<Standing>,
    asked: Asked,
    place: Place,
    verb: Verb,
) -> impl IntoView {
    let id = standing.with_untracked(|s| s.id);
    let hook = verb.hook();
    let text = Memo::new(move |_| standing.with(|s| warning(verb, s)));
    let keep = NodeRef::<html::Button>::new();
    Effect::new(move |_| focus(keep.get().as_ref()));
    let close = move || asked.set(None);
    let confirm = move |_| {
        close();
        place.order(feed.cluster(), verb, id);
    };
    let escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            close();
        }
    };
    // "Damage WAL, middle" was said above; here the verb alone answers.
    let label = verb.label().split(' ').next().unwrap_or_default();
    let words = format!("ask-{hook}-{id}");
    view! {
        <div class="question" role="group" aria-labelledby=words.clone() on:keydown=escape>
            <p id=words.clone()>{text}</p>
            <div class="acts">
                <button class="danger" type="button" data-testid=format!("confirm-{hook}-{id}")
                    on:click=confirm>{label}</button>
                <button type="button" data-testid=format!("keep-{hook}-{id}")
                    aria-describedby=words.clone() node_ref=keep on:click=move |_| close()>"Keep"</button>
            </div>
        </div>
    }
}
