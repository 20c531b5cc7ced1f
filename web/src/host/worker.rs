//! The worker's side of the talk with its page: it hosts one replica, once, and ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use serde::Serialize;
use tabraft::wire::ClusterId;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::disk::Peek;
use super::hosting;
use super::lock;
use super::replica::Replica;
use crate::protocol::{Assignment, BUILD, FromWorker, Prospect, ToWorker};

/// Databases of replicas, open for whichever is to be hosted here; nothing when that is known.
type Ahead = Rc<RefCell<Option<BTreeMap<u64, Rc<Peek>>>>>;

/// How often a spare reads what hosts have written since, in milliseconds: that much is left to read
/// when one of them dies.
const READ_AHEAD_MS: u32 = 250;

/// Listens to the page and says so. Messages sent before were lost.
pub fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    report_panics();
    let replica: Rc<RefCell<Option<Replica>>> = Rc::default();
    let ahead: Ahead = Rc::new(RefCell::new(Some(BTreeMap::new())));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match serde_wasm_bindgen::from_value(event.data()) {
            Ok(ToWorker::Prepare(prospect)) => prepare(prospect, &ahead),
            Ok(ToWorker::Host(assignment)) => {
                let peeks = ahead.borrow_mut().take();
                let peek = peeks.and_then(|mut peeks| peeks.remove(&assignment.node));
                begin(*assignment, peek, replica.clone());
            }
            Ok(word) => {
                if let Some(replica) = &*replica.borrow() {
                    replica.obey(word);
                }
            }
            Err(error) => say(&FromWorker::Failed {
                code: "PROTOCOL".into(),
                message: format!("The page said something this worker does not know: {error}"),
            }),
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // It listens for as long as the worker lives.
    on_message.forget();
    say(&FromWorker::Ready {
        build: BUILD.into(),
    });
}

/// Opens databases ahead of time, and has the browser look once whether this worker may have locks.
fn prepare(prospect: Prospect, ahead: &Ahead) {
    let ahead = ahead.clone();
    spawn_local(async move {
        if let Err(error) = lock::query().await {
            web_sys::console::warn_1(&format!("tabraft: {error}").into());
        }
        for node in prospect.nodes {
            match Peek::open(&prospect.cluster, node).await {
                Ok(Some(peek)) => match &mut *ahead.borrow_mut() {
                    Some(peeks) => drop(peeks.insert(node, Rc::new(peek))),
                    None => return,
                },
                Ok(None) => {}
                // It is opened when it is needed, and the same error told then.
                Err(error) => web_sys::console::warn_1(&format!("tabraft: {error}").into()),
            }
        }
        // An identity that is none has nothing read ahead; whoever hosts says so.
        if let Ok(identity) = u64::from_str_radix(&prospect.identity, 16) {
            read_ahead(identity, &ahead).await;
        }
    });
}

/// Keeps up with what the hosts write, for as long as nothing is hosted here.
async fn read_ahead(cluster: ClusterId, ahead: &Ahead) {
    loop {
        let peeks = match &*ahead.borrow() {
            Some(peeks) => peeks.values().cloned().collect::<Vec<_>>(),
            None => return,
        };
        for peek in peeks {
            // It is read when it is needed, and the same error told then.
            if let Err(error) = peek.read_ahead(cluster).await {
                web_sys::console::warn_1(&format!("tabraft: {error}").into());
            }
        }
        TimeoutFuture::new(READ_AHEAD_MS).await;
    }
}

fn begin(assignment: Assignment, peek: Option<Rc<Peek>>, slot: Rc<RefCell<Option<Replica>>>) {
    spawn_local(async move {
        match hosting::host(assignment, peek).await {
            Ok(Some(replica)) => {
                *slot.borrow_mut() = Some(replica);
                say(&FromWorker::Started);
            }
            Ok(None) => say(&FromWorker::Taken),
            Err(failure) => say(&FromWorker::Failed {
                code: failure.code,
                message: failure.message,
            }),
        }
    });
}

/// Tells the page.
pub fn say(word: &FromWorker) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let sent = word
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(JsValue::from)
        .and_then(|message| scope.post_message(&message));
    if let Err(error) = sent {
        web_sys::console::error_2(
            &"tabraft: the worker cannot speak to its page:".into(),
            &error,
        );
    }
}

/// A panic ends the replica as a crash would; the page is told what it was.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        say(&FromWorker::Failed {
            code: "PANIC".into(),
            message: format!("The replica's code failed: {panic}"),
        });
    }));
}
