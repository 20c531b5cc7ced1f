//! A worker that stands by: it reads ahead what other hosts write, and when one of them dies it is the
//! replica's next host without waiting for a word of its page, which may be busy. A page that does not
//! want that ends the worker, and that is a crash like any other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::disk::Peek;
use super::hosting;
use super::lock::{self, Held, Mode};
use crate::names;
use crate::protocol::{Assignment, Order};

/// How often it reads what hosts have written since, in milliseconds: that much is left to read when
/// one of them dies.
const READ_AHEAD_MS: u32 = 250;
/// How often it asks for the lock of a replica whose host has died. The browser lets go of a dead
/// worker's locks one after the other.
const LOCK_TRIES: usize = 3;
const LOCK_TRY_MS: u32 = 2;

/// What the next host of a replica goes on from.
pub struct Took {
    pub assignment: Assignment,
    pub lock: Held,
    /// Its database, if it is open.
    pub peek: Option<Rc<Peek>>,
}

/// Stands by until it has taken a replica, or is told to host one.
#[derive(Clone)]
pub struct Spare {
    standby: Rc<RefCell<Option<Standby>>>,
    take: Rc<dyn Fn(Took)>,
}

#[derive(Default)]
struct Standby {
    orders: BTreeMap<u64, Order>,
    /// Whose hosts' deaths it waits for.
    awaited: BTreeSet<u64>,
    peeks: BTreeMap<u64, Rc<Peek>>,
    reads_ahead: bool,
}

impl Spare {
    /// One that calls `take` once, with what it has taken.
    pub fn new(take: impl Fn(Took) + 'static) -> Self {
        Self {
            standby: Rc::new(RefCell::new(Some(Standby::default()))),
            take: Rc::new(take),
        }
    }

    /// From now on it is for these replicas, and no others.
    pub fn stand(&self, orders: Vec<Order>) {
        let mut standby = self.standby.borrow_mut();
        // The page did not know yet that it has taken one.
        let Some(standby) = &mut *standby else { return };
        standby.orders = orders
            .into_iter()
            .map(|it| (it.assignment.node, it))
            .collect();
        let orders = &standby.orders;
        let is_read = |node: &u64| orders.get(node).is_some_and(|it| it.read_ahead);
        standby.peeks.retain(|node, _| is_read(node));
        self.watch(standby);
        if !std::mem::replace(&mut standby.reads_ahead, true) {
            let me = self.clone();
            spawn_local(async move { me.read_ahead().await });
        }
    }

    /// It stands by no longer.
    pub fn leave(&self) {
        drop(self.standby.take());
    }

    /// Waits for the deaths of all hosts that it is to follow.
    fn watch(&self, standby: &mut Standby) {
        for (node, order) in &standby.orders {
            if standby.awaited.insert(*node) {
                let (me, node) = (self.clone(), *node);
                let name = names::watch_lock(&order.assignment.cluster, node);
                spawn_local(async move { me.await_death(node, &name).await });
            }
        }
    }

    async fn await_death(&self, node: u64, lock: &str) {
        match lock::acquire(lock, Mode::Shared).await {
            Ok(shared) => drop(shared),
            Err(error) => warn(&error),
        }
        self.succeed(node).await;
        if let Some(standby) = &mut *self.standby.borrow_mut() {
            standby.awaited.remove(&node);
        }
    }

    async fn succeed(&self, node: u64) {
        let mut tries = LOCK_TRIES;
        while let Some(assignment) = self.order(node) {
            match hosting::lock_if_free(&assignment).await {
                Ok(Some(lock)) => return self.take(node, lock),
                Ok(None) => {}
                Err(error) => return warn(&error),
            }
            tries -= 1;
            // Somebody else is its host by now; that one's death is waited for a little later.
            if tries == 0 {
                return;
            }
            TimeoutFuture::new(LOCK_TRY_MS).await;
        }
    }

    fn order(&self, node: u64) -> Option<Assignment> {
        let standby = self.standby.borrow();
        let order = standby.as_ref()?.orders.get(&node)?;
        Some(order.assignment.clone())
    }

    /// Hosts a replica, unless it hosts another by now or is not to host it any more. Then the lock
    /// is free again.
    fn take(&self, node: u64, lock: Held) {
        let ordered = self.order(node).is_some();
        let Some(mut standby) = self.standby.borrow_mut().take_if(|_| ordered) else {
            return;
        };
        if let Some(order) = standby.orders.remove(&node) {
            (self.take)(Took {
                assignment: order.assignment,
                lock,
                peek: standby.peeks.remove(&node),
            });
        }
    }

    /// Keeps up with what the hosts write, for as long as it stands by.
    async fn read_ahead(&self) {
        loop {
            let orders: Vec<Assignment> = match &mut *self.standby.borrow_mut() {
                Some(standby) => {
                    self.watch(standby);
                    let read = standby.orders.values().filter(|it| it.read_ahead);
                    read.map(|it| it.assignment.clone()).collect()
                }
                None => return,
            };
            for order in orders {
                // An identity that is none has nothing read ahead; who hosts it says so.
                if let Ok(identity) = u64::from_str_radix(&order.identity, 16)
                    && let Some(peek) = self.peek(&order).await
                    // It is read when it is needed, and the same error told then.
                    && let Err(error) = peek.read_ahead(identity).await
                {
                    warn(&error);
                }
            }
            TimeoutFuture::new(READ_AHEAD_MS).await;
        }
    }

    /// A replica's database, opened if it was not.
    async fn peek(&self, order: &Assignment) -> Option<Rc<Peek>> {
        if let Some(peek) = self.standby.borrow().as_ref()?.peeks.get(&order.node) {
            return Some(peek.clone());
        }
        match Peek::open(&order.cluster, order.node).await {
            Ok(opened) => {
                let peek = Rc::new(opened?);
                let mut standby = self.standby.borrow_mut();
                let standby = standby.as_mut()?;
                standby.orders.get(&order.node)?;
                standby.peeks.insert(order.node, peek.clone());
                Some(peek)
            }
            // It is opened when it is needed, and the same error told then.
            Err(error) => {
                warn(&error);
                None
            }
        }
    }
}

fn warn(error: &impl ToString) {
    web_sys::console::warn_1(&format!("tabraft: {}", error.to_string()).into());
}
