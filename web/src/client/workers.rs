//! Workers: started, told, and one kept ready.

use std::cell::Cell;
use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::model::ApiError;
use crate::protocol::{BUILD, FromWorker, ToWorker};

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
    pub fn keep(worker: Worker, cluster: &str, nodes: Vec<u64>) -> Self {
        let ready = Rc::new(Cell::new(None));
        let prepare = ToWorker::Prepare {
            cluster: cluster.into(),
            nodes,
        };
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

/// # Errors
/// The browser's.
pub fn spawn() -> Result<Worker, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    Worker::new_with_options(&format!("./worker_loader.js?build={BUILD}"), &options)
}

/// # Errors
/// `BROWSER`: the worker could not be told.
pub fn post(worker: &Worker, word: &ToWorker) -> Result<(), ApiError> {
    word.serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(JsValue::from)
        .and_then(|message| worker.post_message(&message))
        .map_err(|error| ApiError::browser("A worker could not be told", &error))
}
