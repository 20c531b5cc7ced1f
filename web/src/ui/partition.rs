//! A partition that a person chooses: the side of each node, by a form or on the map, then the cut.

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;

use super::command::Place;
use super::feed::Feed;
use super::look::Look;
use super::sides::{self, Side, Sides};

/// Fewer nodes have no third side.
const THREE: usize = 3;

/// What is being chosen. The form and the map show and change the same.
#[derive(Clone, Copy)]
pub struct Choice {
    feed: Feed,
    open: RwSignal<bool>,
    sides: RwSignal<Sides>,
    /// Where a drag over the map began: nodes that it comes to go to that side.
    dragged: StoredValue<Option<Side>>,
}

impl Choice {
    pub fn new(feed: Feed) -> Self {
        Self {
            feed,
            open: RwSignal::new(false),
            sides: RwSignal::new(Sides::new()),
            dragged: StoredValue::new(None),
        }
    }

    pub fn is_open(self) -> bool {
        self.open.get() && !self.feed.viewing.get()
    }

    /// The side of a node; who joined after the choice began is on the second.
    pub fn side(self, id: u64) -> Side {
        self.sides
            .with(|it| it.get(&id).copied().unwrap_or(Side::Second))
    }

    fn put(self, id: u64, side: Side) {
        self.sides.update(|it| {
            it.insert(id, side);
        });
    }

    /// A press on a node of the map.
    pub fn turn(self, id: u64) {
        let other = match untrack(|| self.side(id)) {
            Side::First => Side::Second,
            Side::Second | Side::Third => Side::First,
        };
        self.put(id, other);
    }

    pub fn begin_drag(self, id: u64) {
        self.dragged.set_value(Some(untrack(|| self.side(id))));
    }

    /// The pointer comes to a node; `pressed` says whether its button is down.
    pub fn drag_to(self, id: u64, pressed: bool) {
        match self.dragged.get_value() {
            Some(side) if pressed => self.put(id, side),
            _ => self.dragged.set_value(None),
        }
    }

    /// Opens the form with the sides in force or, if there are none, the leader in a minority.
    fn toggle(self) {
        if self.open.get_untracked() {
            return self.open.set(false);
        }
        let members = self.feed.members.get_untracked();
        let in_force = self
            .feed
            .faults
            .with_untracked(|faults| sides::in_force(&members, faults));
        let chosen = in_force.unwrap_or_else(|| {
            self.feed.status.with_untracked(|status| {
                sides::around(status.leader, &members, &sides::voters(&status.nodes))
            })
        });
        self.sides.set(chosen);
        self.open.set(true);
    }

    /// The sides of those that are members.
    fn of_members(self) -> Sides {
        let members = self.feed.members.get();
        members.into_iter().map(|id| (id, self.side(id))).collect()
    }
}

#[component]
pub fn PartitionButton(choice: Choice) -> impl IntoView {
    view! {
        <button class="disclose" type="button" data-testid="partition"
            aria-expanded=move || choice.open.get().to_string() aria-controls="partition"
            on:click=move |_| choice.toggle()>
            "Partition"
        </button>
    }
}

/// The form. What came of it is told at `place`.
#[component]
pub fn PartitionForm(feed: Feed, choice: Choice, place: Place) -> impl IntoView {
    let outlook = Memo::new(move |_| {
        let sides = choice.of_members();
        feed.status
            .with(|status| sides::outlook(&sides, &sides::voters(&status.nodes)))
    });
    let cut = move |event: SubmitEvent| {
        event.prevent_default();
        let groups = sides::groups(&untrack(|| choice.of_members()));
        if groups.len() < 2 {
            return place.refuse("All nodes are on one side. Put at least one on another.");
        }
        let cluster = feed.cluster();
        place.take(async move {
            let groups: Vec<Vec<u64>> = groups.into_iter().map(|(_, ids)| ids).collect();
            let said = format!("Cut apart: {}.", in_words(&groups));
            cluster.partition(groups).await?;
            Ok(said)
        });
    };
    view! {
        <div id="partition" hidden=move || !choice.is_open()>
            <Show when=move || choice.is_open()>
                <form class="sides" aria-label="Partition" on:submit=cut>
                    <For each=move || feed.members.get() key=|id| *id let:id>
                        <SideOf feed id choice />
                    </For>
                    <p class="hint">
                        "On the map, press a node to have it change sides, or drag from one to others."
                    </p>
                    <p data-testid="partition-outlook" aria-live="polite">{outlook}</p>
                    <button class="primary" type="submit" data-testid="partition-cut">
                        "Cut between the sides"
                    </button>
                </form>
            </Show>
        </div>
    }
}

/// "node 1 | nodes 2, 3".
fn in_words(groups: &[Vec<u64>]) -> String {
    let words = groups.iter().map(|ids| match ids.as_slice() {
        [id] => format!("node {id}"),
        ids => {
            let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
            format!("nodes {}", ids.join(", "))
        }
    });
    words.collect::<Vec<_>>().join(" | ")
}

#[component]
fn SideOf(feed: Feed, id: u64, choice: Choice) -> impl IntoView {
    let role = Memo::new(move |_| {
        feed.status.with(|status| {
            let node = status.nodes.iter().find(|it| it.id == id);
            node.map_or("", |it| Look::of(it).class())
        })
    });
    let radios = Side::ALL.map(|side| {
        let too_few = move || side == Side::Third && feed.members.with(|ids| ids.len() < THREE);
        view! {
            <label class="check" hidden=too_few>
                <input type="radio" name=format!("side-of-{id}") value=side.number().to_string()
                    data-testid=format!("side-{id}-{}", side.number())
                    prop:checked=move || choice.side(id) == side
                    on:change=move |_| choice.put(id, side) />
                <span>{side.words()} <span aria-hidden="true">" "{side.glyph()}</span></span>
            </label>
        }
    });
    view! {
        <div class="side-of" role="radiogroup" aria-label=move || format!("Node {id}, {}", role.get())>
            <span class="which" aria-hidden="true">
                "Node "{id}" " <span class="label">{role}</span>
            </span>
            {radios.into_iter().collect_view()}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_was_cut_apart_in_words() {
        assert_eq!(in_words(&[vec![1], vec![2, 3]]), "node 1 | nodes 2, 3");
    }
}
