//! The replicas that this tab hosts, each in a worker of its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use super::hosted::{Answer, Done, Expected, Hosted};
use super::spare::Spare;
use super::workers::{post, spawn};
use crate::model::ApiError;
use crate::protocol::{Assignment, BUILD, Deed, FromWorker, Live, ToWorker};

/// What the cluster's handle hears of its workers.
#[derive(Clone, Debug)]
pub enum Heard {
    Started(u64),
    Waiting(u64),
    /// Stopped in good order, or never started because somebody else hosts it.
    Ended(u64),
    Failed(u64, ApiError),
    /// It slept for so many milliseconds that it is to begin anew.
    Overslept(u64, f64),
    /// The spare worker has taken its place: [`Hosting::adopt`] it or dismiss it.
    Took(u64),
}

type Listener = Rc<dyn Fn(Heard)>;

#[derive(Clone)]
pub struct Hosting {
    pub(super) spare: Rc<RefCell<Option<Spare>>>,
    pub(super) hosted: Rc<RefCell<BTreeMap<u64, Hosted>>>,
    /// No worker is started any more.
    pub(super) ended: Rc<Cell<bool>>,
    pub(super) listener: Listener,
}

impl Hosting {
    pub fn new(listener: Listener) -> Self {
        Self {
            spare: Rc::default(),
            hosted: Rc::default(),
            ended: Rc::default(),
            listener,
        }
    }

    /// Whether this tab has a worker for a replica, running or not yet.
    pub fn has(&self, id: u64) -> bool {
        self.hosted.borrow().contains_key(&id)
    }

    pub fn runs(&self, id: u64) -> bool {
        self.hosted.borrow().get(&id).is_some_and(|h| h.runs)
    }

    pub fn waits(&self, id: u64) -> bool {
        self.hosted.borrow().get(&id).is_some_and(|h| h.waits)
    }

    pub fn is_explicit(&self, id: u64) -> bool {
        self.hosted.borrow().get(&id).is_some_and(|h| h.explicit)
    }

    pub fn running(&self) -> Vec<u64> {
        let hosted = self.hosted.borrow();
        hosted
            .iter()
            .filter(|(_, h)| h.runs)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Starts a worker for a replica and waits until it runs.
    ///
    /// # Errors
    /// `ALREADY_RUNNING` here or elsewhere; why it cannot run.
    pub async fn start(&self, assignment: Assignment, explicit: bool) -> Answer {
        let id = assignment.node;
        if self.ended.get() {
            return Err(ApiError::new("RESET", "Everything is being deleted."));
        }
        if self.has(id) {
            return Err(ApiError::already_running(id));
        }
        let worker =
            spawn().map_err(|error| ApiError::browser("No worker could be started", &error))?;
        self.install(worker, assignment, explicit);
        self.started(id).await
    }

    /// Waits until a replica whose worker was started here runs.
    ///
    /// # Errors
    /// As [`Hosting::start`].
    pub async fn started(&self, id: u64) -> Answer {
        let (sender, receiver) = oneshot::channel();
        if let Some(hosted) = self.hosted.borrow_mut().get_mut(&id) {
            hosted.expected.push((Expected::Started, sender));
        }
        settle(receiver, id).await
    }

    pub(super) fn install(&self, worker: Worker, assignment: Assignment, explicit: bool) {
        let id = assignment.node;
        let me = self.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            match serde_wasm_bindgen::from_value(event.data()) {
                Ok(word) => me.hear(id, word),
                Err(error) => me.fail(id, ApiError::new("PROTOCOL", error.to_string())),
            }
        });
        let me = self.clone();
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // What could not be loaded is told by an event that has no message, not even an empty one.
            let message = Reflect::get(&event, &"message".into());
            let message = message.ok().and_then(|it| it.as_string());
            let message = message.unwrap_or_default();
            let sentence = if message.is_empty() {
                "The worker's program could not be loaded.".to_owned()
            } else {
                format!("The worker failed: {message}")
            };
            me.fail(id, ApiError::new("PANIC", sentence));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.hosted.borrow_mut().insert(
            id,
            Hosted {
                worker,
                assignment,
                runs: false,
                waits: false,
                explicit,
                outdated: false,
                expected: Vec::new(),
                deeds: BTreeMap::new(),
                next_deed: 1,
                _on_message: on_message,
                _on_error: on_error,
            },
        );
    }

    /// # Errors
    /// `NOT_RUNNING`, or why it failed on the way.
    pub async fn stop(&self, id: u64) -> Answer {
        self.tell(id, &ToWorker::Stop, Expected::Stopped).await
    }

    /// # Errors
    /// As [`Hosting::stop`].
    pub async fn pause(&self, id: u64) -> Answer {
        self.tell(id, &ToWorker::Pause, Expected::Paused).await
    }

    /// # Errors
    /// As [`Hosting::stop`].
    pub async fn resume(&self, id: u64) -> Answer {
        self.tell(id, &ToWorker::Resume, Expected::Resumed).await
    }

    /// Lets a replica ask for votes without waiting for its election timeout.
    ///
    /// # Errors
    /// The browser's.
    pub fn campaign(&self, id: u64) -> Answer {
        match self.hosted.borrow().get(&id) {
            Some(hosted) => post(&hosted.worker, &ToWorker::Campaign),
            None => Err(ApiError::not_running(id)),
        }
    }

    /// Tells all workers which links are faulty, and waits until they know.
    ///
    /// # Errors
    /// As [`Hosting::stop`].
    pub async fn set_faults(&self, faults: &[crate::model::FaultyLink]) -> Answer {
        for hosted in self.hosted.borrow_mut().values_mut() {
            hosted.assignment.faults = faults.to_vec();
            hosted.outdated = !hosted.runs;
        }
        for id in self.running() {
            self.tell(id, &ToWorker::Faults(faults.to_vec()), Expected::FaultsSet)
                .await?;
        }
        Ok(())
    }

    /// Tells all workers the settings in force, and waits until they know.
    ///
    /// # Errors
    /// As [`Hosting::stop`].
    pub async fn configure(&self, live: Live) -> Answer {
        for hosted in self.hosted.borrow_mut().values_mut() {
            hosted.assignment.live = live;
            hosted.outdated = !hosted.runs;
        }
        for id in self.running() {
            self.perform(id, Deed::Configure(live)).await?;
        }
        Ok(())
    }

    /// Has a replica do something.
    ///
    /// # Errors
    /// `NOT_RUNNING`, also if it ends meanwhile; what it says of the deed.
    pub async fn perform(&self, id: u64, deed: Deed) -> Done {
        let (sender, receiver) = oneshot::channel();
        {
            let mut hosted = self.hosted.borrow_mut();
            let hosted = hosted.get_mut(&id).filter(|h| h.runs);
            let hosted = hosted.ok_or_else(|| ApiError::not_running(id))?;
            let call = hosted.next_deed;
            hosted.next_deed += 1;
            post(&hosted.worker, &ToWorker::Do { call, deed })?;
            // Callers that gave up are not kept for an answer that may never come.
            hosted.deeds.retain(|_, waiting| !waiting.is_canceled());
            hosted.deeds.insert(call, sender);
        }
        settle(receiver, id).await
    }

    /// Ends a worker as if it had crashed: nothing is flushed, nothing handed over.
    pub fn terminate(&self, id: u64) -> bool {
        let hosted = self.hosted.borrow_mut().remove(&id);
        let Some(mut hosted) = hosted else {
            return false;
        };
        hosted.end(&Err(ApiError::not_running(id)));
        // Dropped a turn later: one of its own callbacks may be running.
        wasm_bindgen_futures::spawn_local(async move { drop(hosted) });
        true
    }

    /// Ends all workers as if they had crashed, and starts none any more.
    pub fn end(&self) {
        self.ended.set(true);
        self.dismiss_spare();
        let ids: Vec<u64> = self.hosted.borrow().keys().copied().collect();
        for id in ids {
            self.terminate(id);
        }
    }

    async fn tell(&self, id: u64, word: &ToWorker, expected: Expected) -> Answer {
        let (sender, receiver) = oneshot::channel();
        {
            let mut hosted = self.hosted.borrow_mut();
            let hosted = hosted.get_mut(&id).filter(|h| h.runs);
            let hosted = hosted.ok_or_else(|| ApiError::not_running(id))?;
            post(&hosted.worker, word)?;
            hosted.expected.push((expected, sender));
        }
        settle(receiver, id).await
    }

    fn hear(&self, id: u64, word: FromWorker) {
        match word {
            FromWorker::Ready { build } if build != BUILD => self.fail(
                id,
                ApiError::new(
                    "PROTOCOL",
                    format!("The worker is from another build ({build}) than the page ({BUILD}). Reload the page."),
                ),
            ),
            FromWorker::Ready { .. } => self.begin(id),
            FromWorker::Waiting => {
                if let Some(hosted) = self.hosted.borrow_mut().get_mut(&id) {
                    hosted.waits = true;
                }
                (self.listener)(Heard::Waiting(id));
            }
            // Only a spare one says so.
            FromWorker::Took { .. } => {}
            FromWorker::Taken => self.close(id, &Err(ApiError::already_running(id)), Heard::Ended(id)),
            FromWorker::Started => self.on_started(id),
            FromWorker::Did { call, result } => {
                let waiting = self.hosted.borrow_mut().get_mut(&id).and_then(|h| h.deeds.remove(&call));
                if let Some(waiting) = waiting {
                    // A caller that is gone does not mind.
                    drop(waiting.send(result.map_err(ApiError::of_told)));
                }
            }
            FromWorker::Overslept { ms } => (self.listener)(Heard::Overslept(id, ms)),
            FromWorker::FaultsSet => self.resolve(id, Expected::FaultsSet),
            FromWorker::Paused => self.resolve(id, Expected::Paused),
            FromWorker::Resumed => self.resolve(id, Expected::Resumed),
            FromWorker::Stopped => {
                self.resolve(id, Expected::Stopped);
                self.close(id, &Err(ApiError::not_running(id)), Heard::Ended(id));
            }
            FromWorker::Failed { code, message } => {
                self.fail(id, ApiError::told(&code, message));
            }
        }
    }

    /// Tells a worker that listens what it is to host.
    fn begin(&self, id: u64) {
        let mut hosted = self.hosted.borrow_mut();
        let posted = hosted.get_mut(&id).map_or(Ok(()), |hosted| {
            hosted.outdated = false;
            let assignment = Box::new(hosted.assignment.clone());
            post(&hosted.worker, &ToWorker::Host(assignment))
        });
        drop(hosted);
        if let Err(error) = posted {
            self.fail(id, error);
        }
    }

    fn on_started(&self, id: u64) {
        let mut outdated = None;
        if let Some(hosted) = self.hosted.borrow_mut().get_mut(&id) {
            hosted.runs = true;
            hosted.waits = false;
            if std::mem::take(&mut hosted.outdated) {
                outdated = Some(hosted.assignment.clone());
            }
        }
        if let Some(assignment) = outdated {
            let me = self.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let faults = ToWorker::Faults(assignment.faults);
                // If it has ended, it need not know.
                drop(me.tell(id, &faults, Expected::FaultsSet).await);
                drop(me.perform(id, Deed::Configure(assignment.live)).await);
            });
        }
        (self.listener)(Heard::Started(id));
        self.resolve(id, Expected::Started);
    }

    fn resolve(&self, id: u64, what: Expected) {
        let mut hosted = self.hosted.borrow_mut();
        let Some(hosted) = hosted.get_mut(&id) else {
            return;
        };
        // The oldest of a kind: a worker answers in order.
        if let Some(at) = hosted.expected.iter().position(|(e, _)| *e == what) {
            let (_, waiting) = hosted.expected.remove(at);
            drop(waiting.send(Ok(())));
        }
    }

    fn fail(&self, id: u64, error: ApiError) {
        self.close(id, &Err(error.clone()), Heard::Failed(id, error));
    }

    fn close(&self, id: u64, answer: &Answer, heard: Heard) {
        let Some(mut hosted) = self.hosted.borrow_mut().remove(&id) else {
            return;
        };
        hosted.end(answer);
        wasm_bindgen_futures::spawn_local(async move { drop(hosted) });
        (self.listener)(heard);
    }
}

async fn settle<T>(
    receiver: oneshot::Receiver<Result<T, ApiError>>,
    id: u64,
) -> Result<T, ApiError> {
    receiver
        .await
        .unwrap_or_else(|_| Err(ApiError::not_running(id)))
}
