//! Whether a view is on the screen: what nobody sees need not be drawn.

use leptos::html::ElementType;
use leptos::prelude::*;
use leptos::web_sys::{Element, IntersectionObserver, IntersectionObserverEntry};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use super::feed::Feed;

/// Whether any of `view` is in the window. Until the browser has said so it is taken to be.
pub fn in_sight<E>(view: NodeRef<E>) -> RwSignal<bool>
where
    E: ElementType + 'static,
    E::Output: JsCast + Clone + 'static,
{
    let seen = RwSignal::new(true);
    Effect::new(move |_| {
        let Some(view) = view.get() else { return };
        let hear = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            // The last one is the newest.
            let entry: IntersectionObserverEntry =
                entries.get(entries.length() - 1).unchecked_into();
            if seen.try_get_untracked() == Some(!entry.is_intersecting()) {
                seen.set(entry.is_intersecting());
            }
        });
        // Views are there for as long as the page is.
        let hear = hear.into_js_value();
        match IntersectionObserver::new(hear.unchecked_ref()) {
            Ok(observer) => observer.observe(view.unchecked_ref::<Element>()),
            Err(error) => leptos::logging::warn!("views are always taken to be seen: {error:?}"),
        }
    });
    seen
}

impl Feed {
    /// Whether a view is to follow what is told: while the cluster works hard, only if it is seen.
    pub fn follows(self, seen: RwSignal<bool>) -> Memo<bool> {
        Memo::new(move |_| seen.get() || !self.busy.get())
    }
}
