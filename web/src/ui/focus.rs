//! Moving the keyboard focus.

use leptos::web_sys::HtmlElement;

/// Focuses an element if it is there; that this fails is worth a word in the console, no more.
pub fn focus(element: Option<&impl AsRef<HtmlElement>>) {
    if let Some(Err(error)) = element.map(|e| e.as_ref().focus()) {
        leptos::logging::warn!("the focus could not move: {error:?}");
    }
}
