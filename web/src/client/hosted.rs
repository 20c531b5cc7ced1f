//! A worker of this tab, and who waits for its word.

use std::collections::BTreeMap;

use futures_channel::oneshot;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use crate::model::ApiError;
use crate::protocol::{Assignment, Yield};

pub type Answer = Result<(), ApiError>;
pub type Done = Result<Yield, ApiError>;

/// What a caller waits for a worker to say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Started,
    Stopped,
    Paused,
    Resumed,
    FaultsSet,
}

pub struct Hosted {
    pub worker: Worker,
    pub assignment: Assignment,
    /// Whether it runs, rather than starts or waits.
    pub runs: bool,
    /// Whether it is in the queue for the replica's lock.
    pub waits: bool,
    /// Hosted because this tab was opened for it: not to be handed over.
    pub explicit: bool,
    /// What it was told to begin with has changed since.
    pub outdated: bool,
    pub expected: Vec<(Expected, oneshot::Sender<Answer>)>,
    pub deeds: BTreeMap<u64, oneshot::Sender<Done>>,
    pub next_deed: u64,
    pub _on_message: Closure<dyn FnMut(MessageEvent)>,
    pub _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Hosted {
    /// Ends the worker, and tells who waits for it why.
    pub fn end(&mut self, answer: &Answer) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
        // Callers that are gone do not mind.
        for (_, waiting) in self.expected.drain(..) {
            drop(waiting.send(answer.clone()));
        }
        for waiting in std::mem::take(&mut self.deeds).into_values() {
            drop(waiting.send(answer.clone().map(|()| Yield::Nothing)));
        }
    }
}
