//! The part of the logs that is in sight, for all that moves it: wheel, overview, cursor and form.

use leptos::prelude::*;
use leptos::web_sys::WheelEvent;

use super::window::{Kept, View, Window};
use crate::ui::feed::Feed;

/// A line of a wheel that counts in lines, in pixels.
const LINE: f64 = 16.0;

/// Cheap to copy into every component.
#[derive(Clone, Copy)]
pub struct Scroll {
    pub view: RwSignal<View>,
    pub kept: Memo<Kept>,
    pub window: Memo<Window>,
    /// By how much of an entry the wheel was turned beyond whole ones.
    rest: StoredValue<f64>,
}

impl Scroll {
    pub fn new(feed: Feed, follows: Memo<bool>) -> Self {
        let view = RwSignal::new(View::default());
        let kept = Memo::new(move |before: Option<&Kept>| match (follows.get(), before) {
            (false, Some(before)) => *before,
            _ => feed.shown(Kept::of),
        });
        Self {
            view,
            kept,
            window: Memo::new(move |_| view.get().window(kept.get())),
            rest: StoredValue::new(0.0),
        }
    }

    /// Has the window begin at an index, or as near to it as there is something.
    pub fn begin_at(self, from: u64) {
        self.turn(|_, kept, now| View::beginning(from, kept, now));
    }

    /// Has an index in the middle.
    pub fn centre(self, index: u64) {
        self.turn(|_, kept, now| View::around(index, kept, now));
    }

    /// Has an index in sight.
    pub fn reveal(self, index: u64) {
        self.turn(|view, kept, now| view.revealing(index, kept, now));
    }

    /// Follows the newest, if it did not show all entries.
    pub fn to_end(self) {
        self.turn(|view, _, _| match view {
            View::All => View::All,
            _ => View::Newest,
        });
    }

    fn turn(self, next: impl FnOnce(View, Kept, Window) -> View) {
        let view = self.view.get_untracked();
        let next = next(view, self.kept.get_untracked(), self.window.get_untracked());
        if next != view {
            self.view.set(next);
        }
    }

    /// The wheel was turned over rows that are so many pixels wide. Sideways it scrolls the logs;
    /// else it is left to the page.
    pub fn wheel(self, event: &WheelEvent, width: f64) {
        // With Control it zooms the page.
        let is_ours = !event.ctrl_key() && self.view.get_untracked() != View::All;
        let turned = sideways(event.delta_x(), event.delta_y(), event.shift_key());
        let (true, Some(turned)) = (is_ours, turned) else {
            return;
        };
        let unit = match event.delta_mode() {
            WheelEvent::DOM_DELTA_LINE => LINE,
            WheelEvent::DOM_DELTA_PAGE => width,
            _ => 1.0,
        };
        let entries = self.window.with_untracked(|w| w.len()) as f64;
        let turned = self.rest.get_value() + turned * unit * entries / width.max(1.0);
        self.rest.set_value(turned.fract());
        self.turn(|view, kept, now| view.scrolled(turned as i64, kept, now));
        // Else some browsers go back a page.
        event.prevent_default();
    }
}

/// By how much the wheel was turned to the right, if it was more than up or down. With Shift some
/// browsers turn the one into the other, and some leave that to the page.
fn sideways(x: f64, y: f64, shift: bool) -> Option<f64> {
    match shift {
        true if x == 0.0 => Some(y),
        true => Some(x),
        false => (x.abs() > y.abs()).then_some(x),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_wheel_scrolls_the_logs_sideways_only() {
        assert_eq!(sideways(0.0, 100.0, false), None);
        assert_eq!(sideways(3.0, -4.0, false), None);
        assert_eq!(sideways(-5.0, 4.0, false), Some(-5.0));
        assert_eq!(sideways(0.0, 100.0, true), Some(100.0));
        assert_eq!(sideways(100.0, 0.0, true), Some(100.0));
    }
}
