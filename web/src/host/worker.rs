//! The worker's side of the talk with its page: it hosts one replica, once, and ends.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::hosting;
use super::replica::{Failure, Replica};
use super::spare::{Spare, Took};
use crate::protocol::{Assignment, BUILD, FromWorker, ToWorker};

/// The replica, once it runs.
type Slot = Rc<RefCell<Option<Replica>>>;

/// Listens to the page and says so. Messages sent before were lost.
pub fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    report_panics();
    let slot = Slot::default();
    let spare = Spare::new({
        let slot = slot.clone();
        move |took| {
            let node = took.assignment.node;
            say(&FromWorker::Took { node });
            let slot = slot.clone();
            spawn_local(async move { host(took, &slot).await });
        }
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match serde_wasm_bindgen::from_value(event.data()) {
            Ok(ToWorker::Stand(orders)) => spare.stand(orders),
            Ok(ToWorker::Host(assignment)) => {
                spare.leave();
                let slot = slot.clone();
                spawn_local(async move { begin(*assignment, &slot).await });
            }
            Ok(word) => {
                if let Some(replica) = &*slot.borrow() {
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

async fn begin(assignment: Assignment, slot: &Slot) {
    match hosting::take_lock(&assignment).await {
        Ok(Some(lock)) => {
            let took = Took {
                assignment,
                lock,
                peek: None,
            };
            host(took, slot).await;
        }
        Ok(None) => say(&FromWorker::Taken),
        Err(failure) => fail(failure),
    }
}

async fn host(took: Took, slot: &Slot) {
    match hosting::host(took).await {
        Ok(replica) => {
            *slot.borrow_mut() = Some(replica);
            say(&FromWorker::Started);
        }
        Err(failure) => fail(failure),
    }
}

fn fail(failure: Failure) {
    say(&FromWorker::Failed {
        code: failure.code,
        message: failure.message,
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
