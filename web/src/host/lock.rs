//! Web Locks: who may, among all tabs and workers of an origin.
//!
//! A lock is free the moment its holder's tab or worker ends, however it ended. It is no fence: it
//! can be stolen, and the old holder may run on for a while before it hears of that.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{FutureExt, Shared, pending};
use js_sys::{Function, Object, Promise, Reflect};
use serde::Deserialize;
use thiserror::Error;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal};

// web-sys has these only behind an unstable flag of the compiler.
#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &LockOptions,
        callback: &Function,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<Promise, JsValue>;

    #[wasm_bindgen(extends = Object)]
    type LockOptions;

    #[wasm_bindgen(method, setter, js_name = "ifAvailable")]
    fn set_if_available(this: &LockOptions, value: bool);

    #[wasm_bindgen(method, setter)]
    fn set_steal(this: &LockOptions, value: bool);

    #[wasm_bindgen(method, setter)]
    fn set_mode(this: &LockOptions, value: &str);

    #[wasm_bindgen(method, setter)]
    fn set_signal(this: &LockOptions, value: &AbortSignal);
}

/// Why there is no lock.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LockError {
    #[error(
        "This browser gives the page no Web Locks. Open it over HTTPS or from localhost, in a browser that has them."
    )]
    Unavailable,
    #[error("The browser refused the lock ({0}). Reload the page.")]
    Refused(String),
}

impl LockError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            LockError::Unavailable => "NO_LOCKS",
            LockError::Refused(_) => "LOCK_ERROR",
        }
    }
}

/// How to ask for a lock that somebody else may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Queue, first come, first served.
    Wait,
    /// Queue, and hold it together with others that share it.
    Shared,
    /// Give up at once.
    IfAvailable,
    /// Take it, ahead of the queue; the holder hears [`Held::lost`].
    Steal,
}

/// A lock in hand, until it is dropped.
pub struct Held {
    release: Function,
    lost: Shared<oneshot::Receiver<()>>,
}

impl Held {
    /// Ready when somebody has stolen the lock; never otherwise. May be awaited anywhere, any
    /// number of times.
    pub fn lost(&self) -> impl Future<Output = ()> + 'static {
        let lost = self.lost.clone();
        async move {
            // Without a word from the sender the lock was released, not lost.
            if lost.await.is_err() {
                pending::<()>().await;
            }
        }
    }

    /// Lets go of the lock; whoever is first in the queue gets it.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The function that settles a promise does not throw.
        if let Err(error) = self.release.call0(&JsValue::UNDEFINED) {
            web_sys::console::error_1(&error);
        }
    }
}

/// Takes a request out of the queue when its future is dropped.
struct Withdraw(Option<AbortController>);

impl Drop for Withdraw {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

type Answer = Result<Option<Held>, LockError>;
type Answering = Rc<RefCell<Option<oneshot::Sender<Answer>>>>;

/// Asks for a lock, an exclusive one but in mode `Shared`. `None` only in mode `IfAvailable`, if somebody else holds it.
/// Dropping the future withdraws the request.
///
/// # Errors
/// The browser has no Web Locks, or refused for a reason that has nothing to do with others.
pub async fn acquire(name: &str, mode: Mode) -> Result<Option<Held>, LockError> {
    let manager = manager()?;
    let options: LockOptions = Object::new().unchecked_into();
    let mut withdraw = Withdraw(None);
    match mode {
        Mode::Wait | Mode::Shared => {
            if mode == Mode::Shared {
                options.set_mode("shared");
            }
            let controller = AbortController::new().map_err(|error| refused(&error))?;
            options.set_signal(&controller.signal());
            withdraw.0 = Some(controller);
        }
        Mode::IfAvailable => options.set_if_available(true),
        Mode::Steal => options.set_steal(true),
    }

    let (answer, answered) = oneshot::channel();
    let answer: Answering = Rc::new(RefCell::new(Some(answer)));
    let (say_lost, lost) = oneshot::channel();
    let lost = lost.shared();
    let granted = Closure::<dyn FnMut(JsValue) -> Promise>::new({
        let answer = answer.clone();
        move |lock: JsValue| {
            if lock.is_null() {
                tell(&answer, Ok(None));
                return Promise::resolve(&JsValue::UNDEFINED);
            }
            // The browser keeps the lock until this promise is settled.
            let mut release = None;
            let held = Promise::new(&mut |resolve, _| release = Some(resolve));
            if let Some(release) = release {
                let lost = lost.clone();
                tell(&answer, Ok(Some(Held { release, lost })));
            }
            held
        }
    });
    let settled = manager
        .request(name, &options, granted.as_ref().unchecked_ref())
        .map_err(|error| refused(&error))?;
    spawn_local(async move {
        let outcome = JsFuture::from(settled).await;
        drop(granted);
        if let Err(error) = outcome {
            if answer.borrow().is_some() {
                tell(&answer, Err(refused(&error)));
            } else {
                // It fails if nobody holds the lock any more: then there is nobody to tell.
                say_lost.send(()).ok();
            }
        }
    });
    let answer = answered.await;
    // The request is answered and can no longer be withdrawn.
    withdraw.0 = None;
    answer.unwrap_or_else(|_| Err(LockError::Refused("it did not answer".into())))
}

/// Answers once. A lock granted to a future that was dropped meanwhile is released by its own drop.
fn tell(answering: &Answering, answer: Answer) {
    if let Some(sender) = answering.take() {
        drop(sender.send(answer));
    }
}

/// How a lock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    Held,
    /// Somebody waits for it.
    Pending,
}

#[derive(Deserialize)]
struct Snapshot {
    held: Vec<Entry>,
    pending: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
}

/// All locks of the origin, those held first, those waited for in the order of their queues.
///
/// # Errors
/// As [`acquire`].
pub async fn query() -> Result<Vec<(String, LockState)>, LockError> {
    let asked = manager()?.query().map_err(|error| refused(&error))?;
    let snapshot = JsFuture::from(asked)
        .await
        .map_err(|error| refused(&error))?;
    let snapshot: Snapshot = serde_wasm_bindgen::from_value(snapshot)
        .map_err(|error| LockError::Refused(error.to_string()))?;
    let held = snapshot.held.into_iter().map(|e| (e.name, LockState::Held));
    let pending = snapshot.pending.into_iter();
    Ok(held
        .chain(pending.map(|e| (e.name, LockState::Pending)))
        .collect())
}

/// Pages and workers have it under the same name.
fn manager() -> Result<LockManager, LockError> {
    let locks = Reflect::get(&js_sys::global(), &"navigator".into())
        .and_then(|navigator| Reflect::get(&navigator, &"locks".into()))
        .map_err(|_| LockError::Unavailable)?;
    if locks.is_object() {
        Ok(locks.unchecked_into())
    } else {
        Err(LockError::Unavailable)
    }
}

fn refused(error: &JsValue) -> LockError {
    let error: &js_sys::Error = error.unchecked_ref();
    LockError::Refused(String::from(error.to_string()))
}
