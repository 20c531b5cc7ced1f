//! Keys: single ones that move the focus to the parts of the page, and the dialogue that lists all
//! there are. Who does not want single keys switches them off there (WCAG 2.1.4).

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlDialogElement, KeyboardEvent, Storage};
use wasm_bindgen::JsCast;

use super::command::{Place, Told};
use super::feed::Feed;
use super::focus::{focus_first, focus_still, is_lost};

/// In the browser's storage it says "off" when single keys are switched off.
const STORED: &str = "tabraft.single-keys";
/// Where a key is text, or chooses.
const TYPING: &str = "input:not([type=checkbox], [type=file]), select, textarea, [contenteditable]";

/// A part of the page that a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Write,
    Map,
    Nodes,
    Keys,
    Logs,
    Timeline,
    Experiments,
    Load,
    Events,
    Machines,
    Settings,
    Away,
}

const PARTS: [Part; 12] = [
    Part::Write,
    Part::Map,
    Part::Nodes,
    Part::Keys,
    Part::Logs,
    Part::Timeline,
    Part::Experiments,
    Part::Load,
    Part::Events,
    Part::Machines,
    Part::Settings,
    Part::Away,
];

impl Part {
    fn key(self) -> &'static str {
        match self {
            Self::Write => "W",
            Self::Map => "M",
            Self::Nodes => "N",
            Self::Keys => "K",
            Self::Logs => "L",
            Self::Timeline => "T",
            Self::Experiments => "X",
            Self::Load => "G",
            Self::Events => "E",
            Self::Machines => "O",
            Self::Settings => "S",
            Self::Away => "A",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Write => "to the form that writes and reads",
            Self::Map => "to the map, at one of its links",
            Self::Nodes => "to the leader's card, then to the next node's",
            Self::Keys => "to the keys and values that are stored",
            Self::Logs => "to the logs, at an entry",
            Self::Timeline => "to the timeline",
            Self::Experiments => "to the experiments",
            Self::Load => "to the load generator",
            Self::Events => "to the events",
            Self::Machines => "to an etcd on other machines",
            Self::Settings => "to the settings",
            Self::Away => "to what can be taken away: this run, a link; and to the reset",
        }
    }

    /// Moves the focus there.
    fn go(self, feed: Feed) {
        let there = match self {
            Self::Write => focus_first(".write form input"),
            Self::Map => focus_first(".link-buttons [tabindex='0']"),
            Self::Nodes => focus_still(next_card(feed)),
            Self::Keys => focus_first(".keys input"),
            Self::Logs => focus_first("#log-cursor"),
            Self::Timeline => focus_first("#timeline-slider"),
            Self::Experiments => focus_first(".experiments .library button"),
            Self::Load => focus_first(".generator select"),
            Self::Events => focus_first(".events .scroll"),
            Self::Machines => focus_first(".moving input"),
            Self::Settings => focus_first(".settings summary"),
            Self::Away => focus_first(".away button"),
        };
        if !there {
            // A single node has no links.
            let title = format!("{}-title", self.title());
            focus_still(document().get_element_by_id(&title));
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Map => "map",
            Self::Nodes => "nodes",
            Self::Keys => "keys",
            Self::Logs => "logs",
            Self::Timeline => "timeline",
            Self::Experiments => "experiments",
            Self::Load => "load",
            Self::Events => "events",
            Self::Machines => "moving",
            Self::Settings => "settings",
            Self::Away => "away",
        }
    }
}

/// The leader's card, or the one after the card that has the focus.
fn next_card(feed: Feed) -> Option<Element> {
    let ids = feed.ids.get_untracked();
    let card = |id: u64| document().get_element_by_id(&format!("card-{id}"));
    let active = document().active_element();
    let has_focus = |id: &u64| {
        let card = card(*id);
        card.is_some_and(|card| card.contains(active.as_deref()))
    };
    let next = match ids.iter().position(has_focus) {
        Some(at) => ids.get((at + 1) % ids.len()).copied(),
        None => {
            let leader = feed.status.with_untracked(|s| s.leader);
            let leads = ids.iter().find(|id| **id == leader);
            leads.or(ids.first()).copied()
        }
    };
    next.and_then(card)
}

/// Keys, and what they do.
type Row = (&'static [&'static str], &'static str);

/// All other keys the page has, by where they work.
const OTHERS: [(&str, &[Row]); 4] = [
    (
        "Everywhere",
        &[
            (
                &["Tab"],
                "to the next control; with Shift to the one before",
            ),
            (
                &["Enter", "Space"],
                "presses a button, opens what is folded",
            ),
            (&["Enter"], "in a form: its filled button, as Put"),
            (
                &["Esc"],
                "in a question: Keep; closes a link's form and this list",
            ),
            (
                &["↑", "↓"],
                "scroll the table of keys or the events, from within",
            ),
        ],
    ),
    (
        "On a link of the map",
        &[
            (&["←", "→", "↑", "↓"], "to the link before, to the next"),
            (&["Home", "End"], "to the first link, to the last"),
            (&["Enter", "Space"], "cuts the link, or restores it"),
            (&["C"], "changes it: slow, lossy, one way only"),
        ],
    ),
    (
        "On the logs",
        &[
            (&["←", "→"], "to the entry before, to the next"),
            (&["Page Up", "Page Down"], "a page of entries on, or back"),
            (
                &["Home", "End"],
                "to the first that is kept; to the newest, to follow it",
            ),
            (&["Enter"], "shows what the entry is, and its steps"),
            (&["Esc"], "closes that"),
        ],
    ),
    (
        "On the timeline",
        &[
            (&["←", "→"], "look back, and on"),
            (
                &["Page Up", "Page Down"],
                "to the next mark, to the one before",
            ),
            (&["Home"], "to the first moment there is"),
            (&["End", "Esc"], "back to now"),
        ],
    ),
];

/// The dialogue, and whether single keys are on.
#[derive(Clone, Copy)]
pub struct Shortcuts {
    dialog: NodeRef<html::Dialog>,
    on: RwSignal<bool>,
}

impl Shortcuts {
    /// Listens for keys as long as the page is there.
    pub fn new(feed: Feed) -> Self {
        let shortcuts = Self {
            dialog: NodeRef::new(),
            on: RwSignal::new(true),
        };
        window_event_listener(ev::keydown, move |event| shortcuts.hear(feed, &event));
        shortcuts
    }

    /// Opens the dialogue.
    pub fn show(self) {
        self.look();
        let dialog = self.dialog.get_untracked().filter(|dialog| !dialog.open());
        if let Some(Err(error)) = dialog.map(|dialog| dialog.show_modal()) {
            leptos::logging::warn!("the list of keys does not open: {error:?}");
        }
    }

    fn hear(self, feed: Feed, event: &KeyboardEvent) {
        let held = event.ctrl_key() || event.alt_key() || event.meta_key();
        let taken = event.default_prevented() || event.is_composing() || event.repeat();
        if held || taken || is_typing(event) || self.is_open() {
            return;
        }
        let key = event.key();
        let part = PARTS
            .into_iter()
            .find(|p| p.key().eq_ignore_ascii_case(&key));
        let part = part.filter(|_| !event.shift_key());
        if key != "?" && part.is_none() {
            return;
        }
        // Another tab may have switched them off.
        self.look();
        if !self.on.get_untracked() {
            return;
        }
        event.prevent_default();
        match part {
            Some(part) => part.go(feed),
            None => self.show(),
        }
    }

    fn is_open(self) -> bool {
        let dialog = self.dialog.get_untracked();
        dialog.is_some_and(|dialog| dialog.open())
    }

    /// Takes what the browser's storage says, if it has one.
    fn look(self) {
        if let Some(Ok(stored)) = storage().map(|s| s.get_item(STORED)) {
            self.on.set(stored.as_deref() != Some("off"));
        }
    }

    /// Switches single keys on or off, in this browser.
    fn switch(self, on: bool, place: Place) {
        self.on.set(on);
        let word = if on { "on" } else { "off" };
        let kept = storage().map(|s| s.set_item(STORED, word));
        place.say(match kept {
            Some(Ok(())) => format!("Single keys are {word}."),
            _ => format!(
                "Single keys are {word} until this page closes: the browser stores nothing."
            ),
        });
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn is_typing(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|t| t.dyn_into::<Element>().ok());
    target.is_some_and(|t| !matches!(t.closest(TYPING), Ok(None)))
}

/// The button in the bar.
#[component]
pub fn ShortcutsButton(shortcuts: Shortcuts) -> impl IntoView {
    view! {
        <button class="list-keys" type="button" id="list-keys" data-testid="list-keys"
            title="Lists the keyboard commands" aria-haspopup="dialog"
            on:click=move |_| shortcuts.show()>
            "Keyboard"
        </button>
    }
}

#[component]
pub fn ShortcutsDialog(shortcuts: Shortcuts) -> impl IntoView {
    let place = Place::keeping();
    let close = move |_| {
        if let Some(dialog) = shortcuts.dialog.get_untracked() {
            let dialog: &HtmlDialogElement = &dialog;
            dialog.close();
        }
    };
    // The browser gives the focus back to what had it; nothing may have had it.
    let closed = move |_| {
        if is_lost() {
            focus_first("#list-keys");
        }
    };
    let switch = move |ev| shortcuts.switch(event_target_checked(&ev), place);
    let parts = PARTS.map(|part| view! { <Line keys=vec![part.key()] words=part.words() /> });
    let others = OTHERS.into_iter().map(|(place, lines)| {
        let lines = lines.iter().map(|(keys, words)| {
            view! { <Line keys=keys.to_vec() words=*words /> }
        });
        view! {
            <h3>{place}</h3>
            <dl>{lines.collect_view()}</dl>
        }
    });
    view! {
        <dialog class="shortcuts" aria-labelledby="shortcuts-title" data-testid="keys-dialog"
            node_ref=shortcuts.dialog on:close=closed>
            <div class="head">
                <h2 id="shortcuts-title">"Keyboard"</h2>
                <button type="button" data-testid="keys-close" on:click=close>"Close"</button>
            </div>
            <h3>"Outside of fields"</h3>
            <dl class:off=move || !shortcuts.on.get()>
                {parts.collect_view()}
                <Line keys=vec!["?"] words="this list; the button Keyboard in the bar opens it, too" />
            </dl>
            <label class="check">
                <input type="checkbox" data-testid="single-keys" prop:checked=shortcuts.on
                    on:change=switch />
                <span>"These single keys are on"</span>
            </label>
            <Told place hook="single-keys-told" />
            {others.collect_view()}
        </dialog>
    }
}

#[component]
fn Line(keys: Vec<&'static str>, words: &'static str) -> impl IntoView {
    let keys = keys.into_iter().map(|key| view! { <kbd>{key}</kbd> " " });
    view! {
        <div>
            <dt>{keys.collect_view()}</dt>
            <dd>{words}</dd>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_part_has_a_key_of_its_own() {
        for (n, part) in PARTS.iter().enumerate() {
            assert_eq!(part.key().len(), 1);
            assert!(PARTS[..n].iter().all(|other| other.key() != part.key()));
        }
    }
}
