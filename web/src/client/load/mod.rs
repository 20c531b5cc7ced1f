//! The load generator: operations of a chosen mix at a chosen rate, until it is stopped.
//!
//! Never more than a chosen number is under way. Where the cluster does not keep up the load waits
//! for it: nothing piles up, and the rate that was reached says so. An operation that failed keeps
//! its place for a moment, so that a cluster that refuses everything is not asked in a frenzy.
//!
//! - [`plan`]: what is asked for, and the operations that follow; [`mix`]: of which kinds they are
//! - [`pacer`]: when the next one is due
//! - [`operation`]: where they touch the cluster, for `bench` too
//! - [`figures`]: what has come of them

pub mod figures;
pub mod mix;
pub mod operation;
mod pacer;
pub mod plan;

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use self::figures::{Figures, Meter};
use self::mix::Kind;
use self::operation::{Operation, perform};
use self::pacer::Pacer;
use self::plan::{Operations, Place, Plan};
use super::Cluster;
use super::judged::Judged;
use crate::clock::ticking_ms;
use crate::model::ApiError;

/// Before the keys that it uses; they are left there.
const PREFIX: &str = "load/";
/// How often it is looked what is due, in milliseconds; whenever one is answered, too.
const LOOK_EVERY_MS: u32 = 8;
/// How long an operation that failed keeps its place, in milliseconds.
const REST_MS: u32 = 100;
/// How long an operation may take, in milliseconds.
const TIMEOUT_MS: f64 = 5_000.0;

/// The load of a page.
#[derive(Default)]
pub struct Loading {
    running: Option<Rc<Load>>,
    /// What the last one came to.
    last: Option<Figures>,
}

struct Load {
    cluster: Cluster,
    store: Judged,
    plan: Plan,
    state: RefCell<State>,
}

struct State {
    pacer: Pacer,
    operations: Operations,
    meter: Meter,
    in_flight: u64,
    stopped: bool,
    /// Who wants to know what it came to.
    waiting: Vec<oneshot::Sender<Figures>>,
}

impl Cluster {
    /// Starts a load and waits for its end.
    ///
    /// # Errors
    /// `BUSY` if one runs; `BAD_ARGUMENT`; those of [`Cluster::ready`].
    pub async fn load(&self, plan: Plan) -> Result<Figures, ApiError> {
        self.start_load(plan).await?;
        let (sender, receiver) = oneshot::channel();
        if let Some(load) = &self.0.load.borrow().running {
            load.state.borrow_mut().waiting.push(sender);
        }
        let closed = |_| ApiError::new("CLOSED", "The page is closing.");
        receiver.await.map_err(closed)
    }

    /// Starts a load.
    ///
    /// # Errors
    /// As [`Cluster::load`].
    pub async fn start_load(&self, plan: Plan) -> Result<(), ApiError> {
        plan.check()?;
        let store = self.store().await?.clone();
        self.check_no_load()?;
        let now = ticking_ms();
        let load = Rc::new(Load {
            cluster: self.clone(),
            store,
            plan,
            state: RefCell::new(State {
                pacer: Pacer::new(plan.rate, now, plan.seconds),
                operations: Operations::new(plan, PREFIX),
                meter: Meter::new(now),
                in_flight: 0,
                stopped: false,
                waiting: Vec::new(),
            }),
        });
        self.0.load.borrow_mut().running = Some(load.clone());
        spawn_local(async move {
            while !load.is_over() {
                load.go_on();
                TimeoutFuture::new(LOOK_EVERY_MS).await;
            }
            load.end();
        });
        Ok(())
    }

    /// # Errors
    /// `BUSY`: one runs.
    pub(super) fn check_no_load(&self) -> Result<(), ApiError> {
        match self.0.load.borrow().running {
            Some(_) => Err(ApiError::new("BUSY", "A load runs. Stop it first.")),
            None => Ok(()),
        }
    }

    /// Has the load start no more operations; it ends when those under way are answered.
    pub fn stop_load(&self) {
        if let Some(load) = &self.0.load.borrow().running {
            load.state.borrow_mut().stopped = true;
        }
    }

    /// How the load is, or what the last one came to.
    pub fn load_figures(&self) -> Option<Figures> {
        let loading = self.0.load.borrow();
        let running = loading.running.as_ref().map(|load| load.figures(true));
        running.or_else(|| loading.last.clone())
    }
}

impl Load {
    /// Starts what is due, as far as there is room.
    fn go_on(self: &Rc<Self>) {
        while let Some((place, operation)) = self.next() {
            let me = self.clone();
            spawn_local(async move {
                me.run(place, operation).await;
                me.state.borrow_mut().in_flight -= 1;
                me.go_on();
            });
        }
    }

    fn next(&self) -> Option<(Place, Operation)> {
        let now = ticking_ms();
        let mut state = self.state.borrow_mut();
        let room = !state.stopped && state.in_flight < self.plan.in_flight;
        if !room || !state.pacer.take(now) {
            state.stopped |= state.pacer.is_over(now);
            return None;
        }
        state.in_flight += 1;
        Some(state.operations.deal())
    }

    async fn run(&self, place: Place, operation: Operation) {
        let began = ticking_ms();
        let kind = operation.kind;
        let outcome = perform(&self.store, operation, TIMEOUT_MS).await;
        let now = ticking_ms();
        match outcome {
            Ok(took_effect) => {
                let mut state = self.state.borrow_mut();
                state.meter.acknowledged(now, now - began);
                state.operations.settled(place, kind, took_effect);
            }
            Err(error) => {
                let writes = !matches!(kind, Kind::Get | Kind::StaleGet);
                let unknown = writes && !error.says_nothing_happened();
                self.state.borrow_mut().meter.failed(error.code, unknown);
                TimeoutFuture::new(REST_MS).await;
            }
        }
    }

    fn is_over(&self) -> bool {
        let state = self.state.borrow();
        state.stopped && state.in_flight == 0
    }

    fn figures(&self, running: bool) -> Figures {
        let state = self.state.borrow();
        Figures {
            running,
            wanted: self.plan.rate,
            in_flight: state.in_flight,
            ..state.meter.figures(ticking_ms())
        }
    }

    fn end(&self) {
        let figures = self.figures(false);
        *self.cluster.0.load.borrow_mut() = Loading {
            running: None,
            last: Some(figures.clone()),
        };
        for waiting in std::mem::take(&mut self.state.borrow_mut().waiting) {
            // A caller that is gone does not mind.
            drop(waiting.send(figures.clone()));
        }
    }
}
