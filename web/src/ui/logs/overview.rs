//! The whole of the logs as a slim track, with the place of what is in sight: it is moved by a click
//! or by dragging. The cursor's keys do the same without a pointer.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::PointerEvent;

use super::scroll::Scroll;
use super::window::{IN_SIGHT, View};
use crate::ui::figures::grouped;

#[component]
pub fn Overview(scroll: Scroll) -> impl IntoView {
    let track = NodeRef::<html::Div>::new();
    // While it is dragged: how many entries after the window's first the pointer holds it.
    let held = StoredValue::new(None::<u64>);
    let whole = Memo::new(move |_| scroll.kept.get().with(scroll.window.get()));
    let under = move |event: &PointerEvent| {
        let width = track.get_untracked().map_or(0, |t| t.client_width());
        let part = f64::from(event.offset_x()) / f64::from(width.max(1));
        whole.get_untracked().index_at(part)
    };
    let press = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        if let Some(track) = track.get_untracked()
            && let Err(error) = track.set_pointer_capture(event.pointer_id())
        {
            leptos::logging::warn!("the pointer was not captured: {error:?}");
        }
        let index = under(&event);
        let window = scroll.window.get_untracked();
        let is_thumb = window.has(index) && scroll.view.get_untracked() != View::All;
        let after = match is_thumb {
            true => index - window.from,
            false => IN_SIGHT / 2,
        };
        held.set_value(Some(after));
        scroll.begin_at(index.saturating_sub(after));
    };
    let drag = move |event: PointerEvent| {
        if let Some(after) = held.get_value() {
            scroll.begin_at(under(&event).saturating_sub(after));
        }
    };
    let release = move |_: PointerEvent| held.set_value(None);
    let thumb = Memo::new(move |_| scroll.window.get().thumb(whole.get()));
    let gone = move || format!("{:.4}", thumb.get().0);
    let part = move || format!("{:.4}", thumb.get().1);
    let title = move || {
        let all = scroll.kept.get();
        let (first, last) = (grouped(all.first), grouped(all.last));
        format!("The logs have {first} to {last}: click or drag to scroll")
    };
    view! {
        <div class="overview" aria-hidden="true" data-testid="logs-overview" node_ref=track
            title=title on:pointerdown=press on:pointermove=drag on:pointerup=release
            on:pointercancel=release>
            <i class="thumb" style=("--gone", gone) style=("--part", part)></i>
        </div>
    }
}
