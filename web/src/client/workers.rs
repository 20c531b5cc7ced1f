//! Workers: started, told, and one kept ready.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Object, Promise, Reflect, WebAssembly};
use serde::Serialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::files;
use crate::model::ApiError;
use crate::protocol::{BUILD, FromWorker, Prospect, ToWorker};

/// A worker for a replica that is to be brought back. Its program is loaded and compiled and the
/// database open, so that a revival takes no longer than to read it.
pub struct Spare {
    worker: Worker,
    /// Whether it can be used; nothing as long as it has said nothing.
    ready: Rc<Cell<Option<bool>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Spare {
    /// Keeps a worker that has not been told anything yet, and has it prepare for some replicas.
    pub fn keep(worker: Worker, prospect: Prospect) -> Self {
        let ready = Rc::new(Cell::new(None));
        let prepare = ToWorker::Prepare(prospect);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let (ready, worker) = (ready.clone(), worker.clone());
            move |event: MessageEvent| {
                // One of another build is not ready for this page, and is never used.
                let word = serde_wasm_bindgen::from_value(event.data());
                let listens = matches!(word, Ok(FromWorker::Ready { build }) if build == BUILD);
                ready.set(Some(listens && post(&worker, &prepare).is_ok()));
            }
        });
        // Its program could not be loaded: it will never say anything.
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new({
            let ready = ready.clone();
            move |_: ErrorEvent| ready.set(Some(false))
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Self {
            worker,
            ready,
            _on_message: on_message,
            _on_error: on_error,
        }
    }

    /// The worker, and whether it has said that it listens. If not, that is still to come.
    pub fn take(self) -> Option<(Worker, bool)> {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        if self.ready.get() == Some(false) {
            self.worker.terminate();
            return None;
        }
        Some((self.worker, self.ready.get().is_some()))
    }

    pub fn dismiss(self) {
        self.worker.terminate();
    }
}

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
