//! A worker kept ready, to bring back whichever replica dies first. Its program is loaded and compiled, the
//! databases are open and read, and it hears of a death without this page: a revival takes no longer
//! than to read what was written last.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use super::hosting::{Heard, Hosting};
use super::workers::{post, spawn};
use crate::protocol::{Assignment, BUILD, FromWorker, Order, ToWorker};

pub struct Spare {
    worker: Worker,
    orders: Rc<Orders>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

/// What it is to bring back.
struct Orders {
    all: RefCell<Vec<Order>>,
    /// Whether it knows; nothing as long as it has said nothing.
    told: Cell<Option<bool>>,
}

impl Orders {
    fn tell(&self, worker: &Worker) {
        let orders = ToWorker::Stand(self.all.borrow().clone());
        self.told.set(Some(post(worker, &orders).is_ok()));
    }
}

impl Spare {
    /// Keeps a worker that has not been told anything yet. `on_took` is called with the replica that it
    /// has taken; then the worker is [released](Spare::release) or dismissed.
    pub fn keep(worker: Worker, orders: Vec<Order>, on_took: impl Fn(u64) + 'static) -> Self {
        let orders = Rc::new(Orders {
            all: RefCell::new(orders),
            told: Cell::new(None),
        });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let (orders, worker) = (orders.clone(), worker.clone());
            move |event: MessageEvent| match serde_wasm_bindgen::from_value(event.data()) {
                Ok(FromWorker::Ready { build }) if build == BUILD => orders.tell(&worker),
                Ok(FromWorker::Took { node }) => on_took(node),
                // One of another build is not ready for this page, and is never used.
                _ => orders.told.set(Some(false)),
            }
        });
        // Its program could not be loaded: it will never say anything.
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new({
            let orders = orders.clone();
            move |_: ErrorEvent| orders.told.set(Some(false))
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Self {
            worker,
            orders,
            _on_message: on_message,
            _on_error: on_error,
        }
    }

    /// From now on it is for these replicas, and no others.
    pub fn stand(&self, orders: Vec<Order>) {
        if *self.orders.all.borrow() != orders {
            self.orders.all.replace(orders);
            if self.orders.told.get() == Some(true) {
                self.orders.tell(&self.worker);
            }
        }
    }

    /// Whether it brings this replica back, should its host die.
    pub fn stands_for(&self, id: u64) -> bool {
        let orders = self.orders.all.borrow();
        self.orders.told.get() == Some(true) && orders.iter().any(|it| it.assignment.node == id)
    }

    /// The worker, for who goes on with it.
    pub fn release(self) -> Worker {
        let worker = self.worker.clone();
        self.let_go();
        worker
    }

    pub fn dismiss(self) {
        self.worker.terminate();
        self.let_go();
    }

    /// Dropped a turn later: one of its own callbacks may be running.
    fn let_go(self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        spawn_local(async move { drop(self) });
    }
}

impl Hosting {
    pub fn has_spare(&self) -> bool {
        self.spare.borrow().is_some()
    }

    /// Keeps a worker ready to bring these replicas back.
    pub fn keep_spare(&self, orders: Vec<Order>) {
        if self.ended.get() {
            return;
        }
        let me = self.clone();
        match spawn() {
            Ok(worker) => {
                let on_took = move |id| (me.listener)(Heard::Took(id));
                *self.spare.borrow_mut() = Some(Spare::keep(worker, orders, on_took));
            }
            // A revival then starts one of its own.
            Err(error) => web_sys::console::warn_2(&"tabraft: no spare worker:".into(), &error),
        }
    }

    /// What the spare worker is to bring back from now on, if there is one.
    pub fn stand(&self, orders: Vec<Order>) {
        if let Some(spare) = &*self.spare.borrow() {
            spare.stand(orders);
        }
    }

    /// Whether the spare worker brings this replica back, should its host die.
    pub fn stands_for(&self, id: u64) -> bool {
        let spare = self.spare.borrow();
        spare.as_ref().is_some_and(|spare| spare.stands_for(id))
    }

    pub fn dismiss_spare(&self) {
        self.spare.take().into_iter().for_each(Spare::dismiss);
    }

    /// Goes on with the spare worker, which has taken this replica and starts it.
    pub fn adopt(&self, assignment: Assignment) {
        let id = assignment.node;
        let Some(spare) = self.spare.take() else {
            return;
        };
        self.install(spare.release(), assignment, false);
        if let Some(hosted) = self.hosted.borrow_mut().get_mut(&id) {
            // It began with what it had been told before.
            hosted.outdated = true;
        }
    }
}
