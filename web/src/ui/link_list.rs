//! The list of links: how each direction of each is, in words, and a form that changes it.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{KeyboardEvent, SubmitEvent};

use super::command::{Place, Told};
use super::feed::Feed;
use super::focus::focus;
use super::impairment::{KINDS, Kind, MEASURES, Measure, deed, words};
use super::links::Ways;
use super::listed::{LISTED_MAX, Listed};
use super::ring::{self, Link};
use crate::client::Cluster;
use crate::model::{ApiError, LinkFault};

/// Which link's form is open, if any. The map opens one, too.
#[derive(Clone, Copy)]
pub struct Edited {
    list: RwSignal<bool>,
    link: RwSignal<Option<(u64, u64)>>,
    /// Whether the form is to take the focus: it was opened from elsewhere.
    calls: StoredValue<bool>,
    /// Where the map tells of its own actions.
    map: Place,
}

impl Edited {
    pub fn new(map: Place) -> Self {
        Self {
            map,
            list: RwSignal::new(false),
            link: RwSignal::new(None),
            calls: StoredValue::new(false),
        }
    }

    /// Opens the form of a link and gives it the focus.
    pub fn begin(self, pair: (u64, u64)) {
        // Once more, if it is open already.
        self.link.set(None);
        self.calls.set_value(true);
        self.list.set(true);
        self.link.set(Some(pair));
    }

    fn is(self, pair: (u64, u64)) -> bool {
        self.link.get() == Some(pair)
    }
}

#[component]
pub fn LinkList(feed: Feed, edited: Edited) -> impl IntoView {
    let pairs = Memo::new(move |_| {
        let links = feed.members.with(|ids| ring::links(ids));
        links.iter().map(Link::pair).collect::<Vec<_>>()
    });
    let count = move || {
        let faulty = feed.faults.with(Vec::len);
        match faulty {
            0 => "all work".to_owned(),
            n => format!("{n} of {} directions impaired", 2 * pairs.with(Vec::len)),
        }
    };
    let listed = RwSignal::new(Listed::Impaired);
    let many = Memo::new(move |_| pairs.with(Vec::len) > LISTED_MAX);
    let shown = Memo::new(move |_| {
        let mut pairs = pairs.get();
        if many.get() {
            let which = listed.get();
            // What is being changed stays.
            feed.faults
                .with(|faults| pairs.retain(|pair| which.has(*pair, faults) || edited.is(*pair)));
        }
        pairs
    });
    let choose = move |ev| listed.set(Listed::named(&event_target_value(&ev)));
    let choices = move || {
        let of = feed.members.get().into_iter().map(Listed::Of);
        let all = [Listed::Impaired]
            .into_iter()
            .chain(of)
            .chain([Listed::All]);
        let option = |which: Listed| {
            let words = match which {
                Listed::Impaired => "impaired".to_owned(),
                Listed::Of(id) => format!("of node {id}"),
                Listed::All => "all".to_owned(),
            };
            view! {
                <option value=which.value() prop:selected=move || listed.get() == which>{words}</option>
            }
        };
        all.map(option).collect_view()
    };
    view! {
        <div class="link-list" hidden=move || feed.viewing.get() || pairs.with(Vec::is_empty)>
            <button class="disclose" type="button" data-testid="links-open"
                aria-expanded=move || edited.list.get().to_string() aria-controls="links"
                on:click=move |_| edited.list.update(|open| *open = !*open)>
                "Links"
            </button>
            <span class="count" data-testid="links-count">{count}</span>
            <label class="which" hidden=move || !(many.get() && edited.list.get())>
                <span>"List"</span>
                <select data-testid="links-listed" on:change=choose>{choices}</select>
            </label>
        </div>
        <div id="links" hidden=move || feed.viewing.get() || !edited.list.get()>
            <Show when=move || edited.list.get()>
                <ul class="links" data-testid="links" aria-label="Links, each direction by itself">
                    <For each=move || shown.get() key=|pair| *pair let:pair>
                        <Item feed pair edited />
                    </For>
                </ul>
                <p class="hint" hidden=move || shown.with(|s| !s.is_empty())>
                    "No link is impaired. Choose a node to list its links, or a link on the map."
                </p>
            </Show>
        </div>
    }
}

#[component]
fn Item(feed: Feed, pair: (u64, u64), edited: Edited) -> impl IntoView {
    let (a, b) = pair;
    let ways = Ways::memo(feed, pair);
    let there = Memo::new(move |_| ways.get().there);
    let back = Memo::new(move |_| ways.get().back);
    let open = Memo::new(move |_| edited.is(pair));
    let button = NodeRef::<html::Button>::new();
    let change = move |_| {
        let next = (!open.get_untracked()).then_some(pair);
        edited.link.set(next);
    };
    let escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.prevent_default();
            edited.link.set(None);
            focus(button.get_untracked().as_ref());
        }
    };
    let form = format!("link-form-{a}-{b}");
    view! {
        <li on:keydown=escape>
            <div class="ways">
                <Way from=a to=b fault=there />
                <Way from=b to=a fault=back />
                <button class="disclose" type="button" data-testid=format!("edit-link-{a}-{b}")
                    aria-label=format!("Change the link {a}–{b}")
                    aria-expanded=move || open.get().to_string() aria-controls=form.clone()
                    node_ref=button on:click=change>
                    "Change"
                </button>
            </div>
            <div id=form.clone() hidden=move || !open.get()>
                <Show when=move || open.get()>
                    <Editor feed pair ways edited />
                </Show>
            </div>
        </li>
    }
}

/// One direction in words.
#[component]
fn Way(from: u64, to: u64, fault: Memo<LinkFault>) -> impl IntoView {
    view! {
        <p class=move || format!("way {}", Kind::of(&fault.get()).word())
            data-testid=format!("way-{from}-{to}")>
            <span class="label" aria-hidden="true">{from}"→"{to}" "</span>
            <span class="unseen">{format!("from {from} to {to}: ")}</span>
            {move || words(&fault.get())}
        </p>
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Both,
    There,
    Back,
}

const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::There, Direction::Back];

impl Direction {
    fn value(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::There => "there",
            Self::Back => "back",
        }
    }

    fn words(self, (a, b): (u64, u64)) -> String {
        match self {
            Self::Both => "both ways".to_owned(),
            Self::There => format!("from {a} to {b}"),
            Self::Back => format!("from {b} to {a}"),
        }
    }

    /// Whether a fault is in force there.
    fn has(self, ways: Ways, fault: LinkFault) -> bool {
        let (there, back) = (ways.there == fault, ways.back == fault);
        match self {
            Self::Both => there && back,
            Self::There => there,
            Self::Back => back,
        }
    }

    /// What the form shows first: how that direction is; of both, the one that is faulty.
    fn fault(self, ways: Ways) -> LinkFault {
        match self {
            Self::There => ways.there,
            Self::Back => ways.back,
            Self::Both if ways.there == LinkFault::default() => ways.back,
            Self::Both => ways.there,
        }
    }
}

/// What is chosen and typed.
#[derive(Clone, Copy)]
struct Draft {
    direction: RwSignal<Direction>,
    kind: RwSignal<Kind>,
    typed: [RwSignal<String>; MEASURES.len()],
}

impl Draft {
    fn new() -> Self {
        Self {
            direction: RwSignal::new(Direction::Both),
            kind: RwSignal::new(Kind::Works),
            typed: MEASURES.map(|_| RwSignal::new(String::new())),
        }
    }

    fn load(self, ways: Ways) {
        let fault = self.direction.get_untracked().fault(ways);
        self.kind.set(Kind::of(&fault));
        for (measure, typed) in MEASURES.iter().zip(self.typed) {
            typed.set(measure.of(&fault));
        }
    }

    fn typed(self, of: Measure) -> String {
        let found = MEASURES.iter().zip(self.typed).find(|(m, _)| **m == of);
        found
            .map(|(_, typed)| typed.get_untracked())
            .unwrap_or_default()
    }
}

#[component]
fn Editor(feed: Feed, pair: (u64, u64), ways: Memo<Ways>, edited: Edited) -> impl IntoView {
    let (a, b) = pair;
    let place = Place::keeping();
    let draft = Draft::new();
    draft.load(ways.get_untracked());
    // What was set, until it no longer is so.
    let done = StoredValue::new(None::<(Direction, LinkFault)>);
    Effect::new(move |_| {
        let ways = ways.get();
        let outdated = |(direction, fault): (Direction, LinkFault)| !direction.has(ways, fault);
        if done.get_value().is_some_and(outdated) {
            done.set_value(None);
            place.clear();
        }
    });
    let first = NodeRef::<html::Select>::new();
    Effect::new(move |_| {
        if edited.calls.get_value() {
            edited.calls.set_value(false);
            focus(first.get().as_ref());
        }
    });
    let turn = move |ev| {
        let value = event_target_value(&ev);
        if let Some(direction) = DIRECTIONS.into_iter().find(|d| d.value() == value) {
            draft.direction.set(direction);
            draft.load(ways.get_untracked());
        }
    };
    let choose = move |ev| {
        if let Some(kind) = Kind::named(&event_target_value(&ev)) {
            draft.kind.set(kind);
        }
    };
    let set = move |event: SubmitEvent| {
        event.prevent_default();
        match draft.kind.get_untracked().fault(|of| draft.typed(of)) {
            Ok(fault) => {
                let direction = draft.direction.get_untracked();
                let cluster = feed.cluster();
                done.set_value(None);
                edited.map.clear();
                place.take(async move {
                    let said = apply(cluster, pair, direction, fault).await?;
                    // The form may be closed by now.
                    done.try_set_value(Some((direction, fault)));
                    Ok(said)
                });
            }
            Err(wanted) => place.refuse(wanted),
        }
    };
    let fields = MEASURES.iter().zip(draft.typed).map(|(&measure, typed)| {
        let wanted = move || draft.kind.get().measures().contains(&measure);
        let hook = format!("link-{}", measure.label().to_lowercase());
        view! {
            <label class="number" title=measure.meaning() hidden=move || !wanted()>
                <span>{measure.label()}", "{measure.unit()}</span>
                <input class="data few" inputmode="decimal" data-testid=hook bind:value=typed />
            </label>
        }
    });
    view! {
        <form class="choosers" on:submit=set autocomplete="off"
            aria-label=format!("Change the link {a}–{b}")>
            <label>
                <span>"Direction"</span>
                <select data-testid="link-direction" node_ref=first on:change=turn>
                    {DIRECTIONS.map(|d| view! {
                        <option value=d.value() prop:selected=move || draft.direction.get() == d>
                            {d.words(pair)}
                        </option>
                    }).collect_view()}
                </select>
            </label>
            <label>
                <span>"State"</span>
                <select data-testid="link-state" on:change=choose>
                    {KINDS.map(|kind| view! {
                        <option value=kind.word() prop:selected=move || draft.kind.get() == kind>
                            {kind.word()}
                        </option>
                    }).collect_view()}
                </select>
            </label>
            {fields.collect_view()}
            <button class="primary" type="submit" data-testid="link-set">"Set"</button>
            <Told place hook="link-told" />
        </form>
    }
}

/// Sets one direction or both; says what they do then.
async fn apply(
    cluster: Cluster,
    (a, b): (u64, u64),
    direction: Direction,
    fault: LinkFault,
) -> Result<String, ApiError> {
    if direction != Direction::Back {
        cluster.link(a, b, fault).await?;
    }
    if direction != Direction::There {
        cluster.link(b, a, fault).await?;
    }
    let does = deed(&fault);
    Ok(match direction {
        Direction::Both => format!("The link {a}–{b} {does}, both ways."),
        one => format!("The link {} {does}.", one.words((a, b))),
    })
}
