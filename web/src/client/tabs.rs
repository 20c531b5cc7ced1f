//! The talk between tabs: statuses and events heard, faults agreed on, calls about replicas that
//! another tab hosts.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::channel::Channel;
use crate::model::ApiError;
use crate::names;
use crate::protocol::{Action, TAB_PROTOCOL, TabId, TabMessage, Told, Word, Yield};

/// How long another tab may take over a call, in milliseconds.
const CALL_TIMEOUT_MS: u32 = 5_000;

type Answer = Result<Yield, ApiError>;
type Calls = RefCell<HashMap<u64, oneshot::Sender<Answer>>>;

pub struct Tabs {
    pub tab: TabId,
    identity: String,
    channel: Channel,
    calls: Calls,
    next_call: Cell<u64>,
}

impl Tabs {
    /// Joins the tabs' channel; `hear` gets every word that is of this cluster.
    ///
    /// # Errors
    /// The browser's, where it has no channels.
    pub fn join(
        cluster: &str,
        identity: u64,
        tab: TabId,
        hear: impl Fn(TabId, Word) + 'static,
    ) -> Result<Self, JsValue> {
        let identity = format!("{identity:016x}");
        let ours = identity.clone();
        let name = names::tabs_channel(cluster);
        let channel = Channel::receiver(&name, move |message| {
            // Anything can be said on a channel; what is no word of ours is not for us.
            if let Ok(message) = serde_wasm_bindgen::from_value::<TabMessage>(message)
                && message.protocol == TAB_PROTOCOL
                && message.identity == ours
            {
                hear(message.from, message.word);
            }
        })?;
        Ok(Self {
            tab,
            identity,
            channel,
            calls: Calls::default(),
            next_call: Cell::new(1),
        })
    }

    pub fn say(&self, word: Word) {
        let message = TabMessage {
            protocol: TAB_PROTOCOL,
            identity: self.identity.clone(),
            from: self.tab.clone(),
            word,
        };
        let sent = message
            .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
            .map_err(JsValue::from)
            .and_then(|message| self.channel.send(&message));
        if let Err(error) = sent {
            web_sys::console::warn_2(&"tabraft: other tabs were not told:".into(), &error);
        }
    }

    /// Asks the tab that hosts `node` for something.
    ///
    /// # Errors
    /// What that tab answers; `TIMEOUT` if it does not.
    pub async fn call(&self, node: u64, action: Action) -> Answer {
        self.call_within(node, action, CALL_TIMEOUT_MS).await
    }

    /// As [`Tabs::call`], with another time limit.
    ///
    /// # Errors
    /// As [`Tabs::call`].
    pub async fn call_within(&self, node: u64, action: Action, timeout_ms: u32) -> Answer {
        let id = self.next_call.get();
        self.next_call.set(id + 1);
        let (sender, receiver) = oneshot::channel();
        self.calls.borrow_mut().insert(id, sender);
        self.say(Word::Call { id, node, action });
        let answered = select(receiver, TimeoutFuture::new(timeout_ms)).await;
        self.calls.borrow_mut().remove(&id);
        match answered {
            Either::Left((Ok(result), _)) => result,
            _ => Err(ApiError::new(
                "TIMEOUT",
                format!("The tab that hosts node {node} does not answer."),
            )),
        }
    }

    pub fn on_result(&self, to: &TabId, id: u64, result: Result<Yield, Told>) {
        if *to != self.tab {
            return;
        }
        if let Some(waiting) = self.calls.borrow_mut().remove(&id) {
            // A caller that is gone does not mind.
            drop(waiting.send(result.map_err(ApiError::of_told)));
        }
    }
}
