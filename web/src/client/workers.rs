//! Workers: started and told.

use js_sys::{Object, Promise, Reflect, WebAssembly};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Worker, WorkerOptions, WorkerType};

use super::files;
use crate::model::ApiError;
use crate::protocol::ToWorker;

thread_local! {
    /// The workers' program, compiled once for all of them.
    static PROGRAM: Promise = compile();
}

fn compile() -> Promise {
    let fetched = match web_sys::window() {
        Some(window) => window.fetch_with_str(&files::address("worker_bg.wasm")),
        None => Promise::reject(&"there is no window".into()),
    };
    WebAssembly::compile_streaming(&fetched)
}

/// Begins to load and compile the workers' program, if that was not begun before.
pub fn load_program() {
    let program = JsFuture::from(PROGRAM.with(Promise::clone));
    // A failure is told by the workers, which try for themselves then.
    spawn_local(async move { drop(program.await) });
}

/// A new worker. It says so when it listens.
///
/// # Errors
/// The browser's.
pub fn spawn() -> Result<Worker, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&files::address("worker_loader.js"), &options)?;
    let program = JsFuture::from(PROGRAM.with(Promise::clone));
    let told = worker.clone();
    spawn_local(async move {
        let message = Object::new();
        // A server may call the file something else than WebAssembly. Then the worker loads it in
        // its own way, and says what is wrong.
        let set = match program.await {
            Ok(program) => Reflect::set(&message, &"program".into(), &program),
            Err(_) => Ok(true),
        };
        if let Err(error) = set.and_then(|_| told.post_message(&message)) {
            web_sys::console::warn_2(&"tabraft: a worker got no program:".into(), &error);
        }
    });
    Ok(worker)
}

/// # Errors
/// `BROWSER`: the worker could not be told.
pub fn post(worker: &Worker, word: &ToWorker) -> Result<(), ApiError> {
    word.serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(JsValue::from)
        .and_then(|message| worker.post_message(&message))
        .map_err(|error| ApiError::browser("A worker could not be told", &error))
}
