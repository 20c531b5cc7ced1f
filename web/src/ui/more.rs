//! The rarer actions on a replica, in groups: its place in the cluster, its disk, damage to it.

use leptos::prelude::*;

use super::command::{Place, Told};
use super::feed::Feed;
use super::question::{Asked, Question};
use super::standing::Standing;
use super::verb::Verb;
use super::verb_button::VerbButton;

const CLUSTER: [Verb; 4] = [
    Verb::TransferLeader,
    Verb::Promote,
    Verb::Remove,
    Verb::Replace,
];
const SNAPSHOT: [Verb; 2] = [Verb::Snapshot, Verb::Save];
const DISK: [Verb; 5] = [
    Verb::SlowDisk,
    Verb::FullDisk,
    Verb::FailNextWrite,
    Verb::MendDisk,
    Verb::Wipe,
];
const DAMAGE: [Verb; 3] = [
    Verb::DamageWalLast,
    Verb::DamageWalMiddle,
    Verb::DamageSnapshot,
];

#[component]
pub fn More(feed: Feed, standing: Memo<Standing>) -> impl IntoView {
    view! {
        <div class="groups">
            <Group feed standing name="Cluster" verbs=&CLUSTER />
            <Group feed standing name="Snapshot" verbs=&SNAPSHOT />
            <Group feed standing name="Disk" verbs=&DISK />
            <Group feed standing name="Damage" verbs=&DAMAGE />
        </div>
    }
}

#[component]
fn Group(
    feed: Feed,
    standing: Memo<Standing>,
    name: &'static str,
    verbs: &'static [Verb],
) -> impl IntoView {
    let id = standing.with_untracked(|s| s.id);
    let place = Place::keeping();
    let asked = Asked::new(None);
    // The remedy stands beside the problem; two buttons of one name would puzzle.
    let remedy = Memo::new(move |_| standing.with(Standing::remedy));
    let buttons = move |verb: Verb| {
        view! {
            <Show when=move || remedy.get() != Some(verb)>
                <VerbButton feed standing place asked verb />
            </Show>
        }
    };
    view! {
        <div class="group" role="group" aria-label=format!("{name} of node {id}")>
            <span class="label" aria-hidden="true">{name}</span>
            <div class="acts">
                {verbs.iter().map(|verb| buttons(*verb)).collect_view()}
                <Told place />
            </div>
            <Question feed standing asked place />
        </div>
    }
}
