//! The map: the nodes on a ring, the links between them, and the faults one can make there.

use leptos::html;
use leptos::prelude::*;

use super::command::{Place, Told};
use super::dots::{Dots, DotsLegend};
use super::feed::Feed;
use super::link_list::{Edited, LinkList};
use super::links::{LinkButtons, LinkLine};
use super::look::{Look, shape};
use super::partition::{Choice, PartitionButton, PartitionForm};
use super::ring::{self, Frame};
use super::sight::in_sight;
use super::summary::words::nodes;
use super::timeline::past::AsOf;
use super::whereabouts;
use crate::client::Cluster;
use crate::model::{ApiError, FaultyLink, LinkFault, NodeStatus, State};

#[component]
pub fn Map(feed: Feed) -> impl IntoView {
    let place = Place::passing();
    let edited = Edited::new(place);
    let choice = Choice::new(feed);
    let panel = NodeRef::<html::Section>::new();
    let follows = feed.follows(in_sight(panel));
    view! {
        <section class="map" aria-labelledby="map-title" node_ref=panel>
            <div class="head">
                <h2 id="map-title">"Map"</h2>
                <AsOf feed />
                // The second is shown while a link has the focus.
                {feed.of_tabs.then(|| view! {
                    <p class="hint">"Each node is a worker in a browser tab."</p>
                    <span class="keys-hint" aria-hidden="true">"← → next link, Enter cuts or restores, C changes"</span>
                })}
            </div>
            // The geometry depends on the membership alone; everything else moves by itself.
            {move || {
                let ids = feed.shown_members.get();
                let links = ring::links(&ids);
                let frame = Frame::around(ids.len());
                let lines = links.iter().map(|&link| view! { <LinkLine feed link /> });
                let ring = if ids.len() > 5 { "ring many" } else { "ring" };
                let nodes = ids.iter().enumerate().map(|(i, &id)| {
                    let at = ring::place(i, ids.len());
                    view! { <MapNode feed id at count=ids.len() follows choice /> }
                });
                view! {
                    <div class=ring class:choosing=move || choice.is_open()>
                        <svg viewBox=frame.view_box() aria-hidden="true">
                            {lines.collect_view()}
                            {nodes.collect_view()}
                        </svg>
                        {feed.of_tabs.then(|| view! {
                            <Dots feed links=links.clone() frame follows />
                            <div hidden=move || feed.viewing.get()>
                                <LinkButtons feed links=links.clone() frame place edited />
                            </div>
                        })}
                    </div>
                }
            }}
            {feed.of_tabs.then(|| view! {
                <DotsLegend />
                <CutOff feed place choice />
                <PartitionForm feed choice place />
                <Told place hook="map-told" />
                <LinkList feed edited />
            })}
        </section>
    }
}

#[component]
fn MapNode(
    feed: Feed,
    id: u64,
    at: ring::Point,
    count: usize,
    follows: Memo<bool>,
    choice: Choice,
) -> impl IntoView {
    let node = feed.node(id, follows);
    let look = Memo::new(move |_| node.with(Look::of));
    let term = Memo::new(move |_| node.with(|n| term_and_vote(n, feed.of_tabs)));
    let tab = Memo::new(move |_| node.with(|n| tab(n, feed)));
    let here = Memo::new(move |_| node.with(|n| n.here) && !feed.viewing.get());
    let side = Memo::new(move |_| choice.is_open().then(|| choice.side(id)));
    let chosen = Memo::new(move |_| side.get().is_some());
    let word = move || match side.get() {
        Some(side) => format!("{}, {}", look.get().class(), side.words()),
        None => look.get().class().to_owned(),
    };
    let outline = move || side.get().map(|it| it.outline(ring::node_radius(count)));
    let [first, second, third] = ring::label(at, count);
    // Without a mark of its own the shape leaves the middle to the number.
    let plain = move || {
        matches!(
            look.get(),
            Look::Follower | Look::Candidate | Look::Precandidate | Look::Learner
        )
    };
    view! {
        <g class=move || format!("node {}", look.get().class())
            transform=format!("translate({:.2} {:.2})", at.x, at.y)>
            <g transform=format!("scale({})", ring::scale(count))>
                <g class="shape" transform="scale(2.3)">{move || shape(look.get(), "translate(0 -4.5) scale(.5)")}</g>
                <text class="id" y=move || if plain() { 7 } else { 15 }>{id}</text>
            </g>
            <text class="word" y=first data-testid=format!("map-role-{id}")>{word}</text>
            <text class="term" y=second data-testid=format!("map-term-{id}")>{term}</text>
            <text class="tab" class:here=move || here.get() y=third data-testid=format!("map-tab-{id}")>{tab}</text>
            // On top of all else of the node: it takes the presses.
            {move || chosen.get().then(|| view! {
                <path class=move || side.get().map_or_else(String::new, |it| format!("side side-{}", it.number()))
                    d=outline data-testid=format!("map-side-{id}")
                    on:click=move |_| choice.turn(id)
                    on:pointerdown=move |_| choice.begin_drag(id)
                    on:pointerenter=move |event| choice.drag_to(id, event.buttons() & 1 == 1)></path>
            })}
        </g>
    }
}

/// "term 5, voted 2": whom it voted for in that term. Of an etcd's member nobody tells.
fn term_and_vote(node: &NodeStatus, of_tabs: bool) -> String {
    match (node.term, node.vote) {
        (0, _) => String::new(),
        (term, _) if !of_tabs => format!("term {term}"),
        (term, 0) => format!("term {term}, no vote"),
        (term, vote) => format!("term {term}, voted {vote}"),
    }
}

/// Which tab hosts it, where one does and that is known.
fn tab(node: &NodeStatus, feed: Feed) -> String {
    let viewing = feed.viewing.get();
    let is_hosted = matches!(node.state, State::Running | State::Paused);
    let is_known = !viewing || !node.tab.is_empty();
    if feed.of_tabs && is_hosted && is_known {
        whereabouts::words(node, viewing)
    } else {
        String::new()
    }
}

/// One button a node that cuts it off from all others, or reconnects it; and one that heals all.
#[component]
fn CutOff(feed: Feed, place: Place, choice: Choice) -> impl IntoView {
    let apart = Memo::new(move |_| {
        let ids = feed.members.get();
        feed.faults.with(|faults| {
            ids.into_iter()
                .filter(|id| alone(*id, feed, faults))
                .collect()
        })
    });
    let faulty = Memo::new(move |_| feed.faults.with(|f| !f.is_empty()));
    let heal = move |_| {
        if !faulty.get_untracked() {
            return place.say("All links work.".to_owned());
        }
        let cluster = feed.cluster();
        place.take(async move {
            cluster.heal().await?;
            Ok("All links work.".to_owned())
        });
    };
    view! {
        <div class="cut-off" role="group" aria-label="Cut off nodes"
            hidden=move || feed.viewing.get() || feed.members.with(|ids| ids.len() < 2)>
            <span class="label">"Cut off node"</span>
            <For each=move || feed.members.get() key=|id| *id let:id>
                <CutOffButton feed id place apart />
            </For>
            <PartitionButton choice />
            <button class="heal" type="button" data-testid="heal" on:click=heal
                aria-disabled=move || (!faulty.get()).then_some("true")>
                "Heal all"
            </button>
        </div>
    }
}

#[component]
fn CutOffButton(feed: Feed, id: u64, place: Place, apart: Memo<Vec<u64>>) -> impl IntoView {
    let cut = Memo::new(move |_| apart.with(|a| a.contains(&id)));
    let label = move || {
        if cut.get() {
            format!("Reconnect node {id}")
        } else {
            format!("Cut off node {id}")
        }
    };
    let act = move |_| {
        let cluster = feed.cluster();
        let ids = feed.members.get_untracked();
        let apart = apart.get_untracked();
        if cut.get_untracked() {
            place.take(reconnect(cluster, id, ids, apart));
        } else {
            place.take(cut_off(cluster, id, ids, apart));
        }
    };
    view! {
        <button class="toggle" type="button" data-testid=format!("cut-off-{id}") title=label
            aria-label=label on:click=act class:on=move || cut.get()>
            {id}
        </button>
    }
}

/// Whether every link of `id` is cut both ways.
fn alone(id: u64, feed: Feed, faults: &[FaultyLink]) -> bool {
    let is_cut = |from: u64, to: u64| {
        faults
            .iter()
            .any(|f| (f.from, f.to) == (from, to) && f.fault.is_cut())
    };
    feed.members.with(|ids| {
        ids.len() > 1
            && ids
                .iter()
                .all(|&o| o == id || (is_cut(id, o) && is_cut(o, id)))
    })
}

/// Who is cut off already stays so: each of them is a group of its own.
async fn cut_off(
    cluster: Cluster,
    id: u64,
    ids: Vec<u64>,
    apart: Vec<u64>,
) -> Result<String, ApiError> {
    let (out, rest): (Vec<u64>, Vec<u64>) =
        ids.into_iter().partition(|n| *n == id || apart.contains(n));
    let mut groups: Vec<Vec<u64>> = out.into_iter().map(|n| vec![n]).collect();
    if !rest.is_empty() {
        groups.push(rest);
    }
    cluster.partition(groups).await?;
    Ok(format!("Node {id} is cut off."))
}

async fn reconnect(
    cluster: Cluster,
    id: u64,
    ids: Vec<u64>,
    apart: Vec<u64>,
) -> Result<String, ApiError> {
    let others = to_reconnect(id, &ids, &apart);
    for &other in &others {
        cluster.link(id, other, LinkFault::default()).await?;
        cluster.link(other, id, LinkFault::default()).await?;
    }
    Ok(format!(
        "Node {id} is connected again, with {}.",
        nodes(&others)
    ))
}

/// To whom: those that are not cut off themselves or, if all are, everybody.
fn to_reconnect(id: u64, ids: &[u64], apart: &[u64]) -> Vec<u64> {
    let others = ids.iter().copied().filter(|other| *other != id);
    let (cut, reachable): (Vec<u64>, Vec<u64>) = others.partition(|other| apart.contains(other));
    match reachable.is_empty() {
        true => cut,
        false => reachable,
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn who_is_cut_off_stays_so_unless_all_are() {
        assert_eq!(to_reconnect(1, &[1, 2, 3], &[1]), [2, 3]);
        assert_eq!(to_reconnect(1, &[1, 2, 3, 4], &[1, 3]), [2, 4]);
        assert_eq!(to_reconnect(1, &[1, 2, 3], &[1, 2, 3]), [2, 3]);
        assert_eq!(to_reconnect(2, &[1, 2], &[1, 2]), [1]);
    }
}
