//! The library of experiments, which is JavaScript of the page (`www/experiments`): scripts for
//! `window.tabraft` that a person could have written.

use js_sys::Promise;
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::model::ApiError;

/// The event by which the library says that it has changed.
pub const CHANGED: &str = "tabraftexperiments";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = tabraftExperiments, js_name = list, catch)]
    fn library() -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = tabraftExperiments, js_name = run, catch)]
    fn run_it(
        id: &str,
        by_itself: bool,
        tell: &Closure<dyn FnMut(usize, String, String)>,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = tabraftExperiments, js_name = help, catch)]
    fn help_it() -> Result<(), JsValue>;

    #[wasm_bindgen(js_namespace = tabraftExperiments, js_name = stop, catch)]
    fn stop_it() -> Result<(), JsValue>;

    #[wasm_bindgen(js_namespace = tabraftExperiments, js_name = cutShort, catch)]
    fn cut_short_it() -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(js_namespace = tabraftExperiments, js_name = mend, catch)]
    fn mend_it() -> Result<Promise, JsValue>;
}

/// An experiment, before it is run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Experiment {
    pub id: String,
    pub title: String,
    pub about: String,
    /// The page's address with a cluster of its own.
    pub link: String,
    /// Whether it runs in a cluster of its own only, which this is not.
    pub elsewhere: bool,
    pub steps: Vec<Step>,
}

/// One step of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Step {
    pub taker: Taker,
    /// What is to be done and where, or what the page does; empty where nobody does anything.
    pub words: String,
}

/// Who takes a step when a person goes through an experiment by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Taker {
    Person,
    /// No control of the page does it, or no hand is quick enough.
    Page,
    /// There is only something to see.
    Nobody,
}

/// What should be so, what was, and whether that is the same.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    pub theory: String,
    pub seen: String,
    pub holds: bool,
}

/// What there is; nothing as long as the library is not loaded.
pub fn list() -> Vec<Experiment> {
    let Ok(found) = library() else {
        return Vec::new();
    };
    serde_wasm_bindgen::from_value(found).unwrap_or_else(|error| {
        let what = "tabraft: the experiments cannot be read:";
        web_sys::console::error_2(&what.into(), &error.to_string().into());
        Vec::new()
    })
}

/// Runs one. `tell` hears of each step: its number, whether it is done, and what was seen, or what is
/// missing for it to be done.
///
/// # Errors
/// `EXPERIMENT`: why it did not come to its end.
pub async fn run(
    id: &str,
    by_itself: bool,
    mut tell: impl FnMut(usize, bool, String) + 'static,
) -> Result<Vec<Finding>, ApiError> {
    let tell = Closure::new(move |step, state: String, seen| tell(step, state == "done", seen));
    let running = run_it(id, by_itself, &tell).map_err(|error| failed(&error))?;
    let found = JsFuture::from(running).await;
    let found = found.map_err(|error| failed(&error))?;
    serde_wasm_bindgen::from_value(found).map_err(|error| {
        ApiError::new(
            "EXPERIMENT",
            format!("Its outcome cannot be read: {error}."),
        )
    })
}

/// Has the page take the step that waits for a person.
///
/// # Errors
/// `EXPERIMENT`: the library is not there.
pub fn help() -> Result<(), ApiError> {
    help_it().map_err(|error| failed(&error))
}

/// Ends the one that runs; what it changed is put back.
///
/// # Errors
/// `EXPERIMENT`: the library is not there.
pub fn stop() -> Result<(), ApiError> {
    stop_it().map_err(|error| failed(&error))
}

/// The title of the experiment that a reload of this tab cut short, unless it was put back since.
pub fn cut_short() -> Option<String> {
    // Without a library there is none.
    cut_short_it().ok().flatten()
}

/// Puts back what that one had changed.
///
/// # Errors
/// `EXPERIMENT`: the library is not there, or a node does not start; the code of a call that failed.
pub async fn mend() -> Result<(), ApiError> {
    let mended = mend_it().map_err(|error| failed(&error))?;
    let mended = JsFuture::from(mended).await;
    mended.map(drop).map_err(|error| failed(&error))
}

/// The code of what a person ended.
pub const STOPPED: &str = "STOPPED";

fn failed(error: &JsValue) -> ApiError {
    // A person's script may throw anything.
    let message = match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => error.as_string().unwrap_or_else(|| format!("{error:?}")),
    };
    let name = error.dyn_ref::<js_sys::Error>().map(js_sys::Error::name);
    let code = match name.is_some_and(|name| name == "Stopped") {
        true => STOPPED,
        false => "EXPERIMENT",
    };
    ApiError::new(code, message)
}
