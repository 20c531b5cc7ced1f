//! What chooses the part of the logs that is in sight: an index, the newest, or all.

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;

use super::cursor::told_of;
use super::entry::Looked;
use super::scroll::Scroll;
use super::window::{IN_SIGHT, Kept, View};
use crate::ui::command::Place;
use crate::ui::feed::Feed;
use crate::ui::figures::grouped;

/// `place` tells what came of it.
#[component]
pub fn Choosers(feed: Feed, scroll: Scroll, looked: Looked, place: Place) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let go = move |event: SubmitEvent| {
        event.prevent_default();
        match wanted(&typed.get_untracked(), scroll.kept.get_untracked()) {
            Ok(index) => {
                scroll.centre(index);
                looked.cursor.set(Some(index));
                place.say(untrack(|| told_of(feed, index)));
            }
            Err(why) => place.refuse(why),
        }
    };
    let follows = Memo::new(move |_| scroll.view.get() == View::Newest);
    // Pressed again it stays where it is.
    let follow = move |_| {
        let now = scroll.window.get_untracked();
        scroll.view.set(match follows.get_untracked() {
            true => View::From(now.from),
            false => View::Newest,
        });
        place.clear();
    };
    let all = Memo::new(move |_| scroll.view.get() == View::All);
    let choose = move |event| {
        scroll.view.set(match event_target_value(&event).as_str() {
            "all" => View::All,
            _ => View::Newest,
        });
    };
    view! {
        <div class="choosers">
            <form on:submit=go autocomplete="off">
                <label>
                    <span>"Go to index"</span>
                    <input class="data few" inputmode="numeric" data-testid="logs-index"
                        bind:value=typed />
                </label>
                <button type="submit" data-testid="logs-go">"Go"</button>
            </form>
            <button type="button" data-testid="logs-follow" on:click=follow
                aria-pressed=move || follows.get().to_string()
                title="Shows the newest entries as they come; pressed again, stays where it is">
                "Follow the newest"
            </button>
            <label>
                <span>"Show"</span>
                <select data-testid="logs-window" on:change=choose
                    prop:value=move || if all.get() { "all" } else { "tail" }>
                    <option value="tail">{IN_SIGHT} " entries"</option>
                    <option value="all">"all entries"</option>
                </select>
            </label>
        </div>
    }
}

/// The index that was typed, if the logs have it; else why not.
fn wanted(typed: &str, kept: Kept) -> Result<u64, String> {
    let (first, last) = (grouped(kept.first), grouped(kept.last));
    let index = typed.trim().replace(',', "").parse::<u64>();
    match index {
        Ok(index) if kept.has(index) => Ok(index),
        Ok(index) if index > kept.last => Err(format!(
            "No log has entry {} yet: they have {first} to {last}.",
            grouped(index)
        )),
        Ok(index) if index > 0 => Err(format!(
            "Entry {} is compacted, a snapshot has it: the logs have {first} to {last}.",
            grouped(index)
        )),
        _ => Err(format!(
            "Type the index of an entry: the logs have {first} to {last}."
        )),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn an_index_is_there_or_it_is_said_why_not() {
        let kept = Kept {
            first: 301,
            last: 1_000,
        };
        assert_eq!(wanted(" 301 ", kept), Ok(301));
        assert_eq!(wanted("1,000", kept), Ok(1_000));
        let told = |typed: &str| wanted(typed, kept).unwrap_err();
        let have = "have 301 to 1,000.";
        assert!(told("1001").starts_with("No log has entry 1,001 yet: "));
        assert!(told("300").starts_with("Entry 300 is compacted"));
        for typed in [
            "",
            "0",
            "-5",
            "1.5",
            "x",
            "1001",
            "300",
            "99999999999999999999",
        ] {
            assert!(told(typed).ends_with(have), "{typed}");
        }
    }
}
