//! The files of this page's build.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Document;

use crate::protocol::BUILD;

/// A file's address. It says which build is asked for, so that no cache answers with another's.
pub fn address(name: &str) -> String {
    format!("./{name}?build={}", build())
}

/// Which build this is.
pub fn build() -> String {
    number().unwrap_or_else(|| BUILD.to_owned())
}

/// The build's number, if it has one: those for development have none.
fn number() -> Option<String> {
    let found = document()?.query_selector("meta[name=build]");
    let number = found.ok()??.get_attribute("content");
    number.filter(|it| !it.is_empty())
}

/// Runs a script in the page.
///
/// # Errors
/// The browser's, also if the file could not be loaded.
pub async fn load_script(name: &str) -> Result<(), JsValue> {
    let document = document().ok_or("there is no document")?;
    let head = document.head().ok_or("the document has no head")?;
    let script = document.create_element("script")?;
    script.set_attribute("src", &address(name))?;
    let mut listening = Ok(());
    let loaded = Promise::new(&mut |done, fail| {
        listening = script
            .add_event_listener_with_callback("load", &done)
            .and_then(|()| script.add_event_listener_with_callback("error", &fail));
    });
    listening?;
    head.append_child(&script)?;
    let failed = |_| format!("{name} could not be loaded").into();
    JsFuture::from(loaded).await.map(drop).map_err(failed)
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}
