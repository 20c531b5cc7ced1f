//! A replica's inbox: open before the replica is, so that what its peers say while it reads its
//! disk, such as a candidate's question for its vote, is answered as soon as it can be.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::budget::Budget;
use crate::channel::{Channel, length_of};
use crate::names;

/// Messages kept for a replica that is being opened; those beyond are lost, as on any channel.
const KEPT_MAX: usize = 1_024;

type Hear = Rc<dyn Fn(&JsValue)>;

enum State {
    Keeps(VecDeque<JsValue>, Budget),
    Hears(Hear),
}

/// Heard until it is dropped.
pub struct Inbox {
    _channel: Channel,
    state: Rc<RefCell<State>>,
}

impl Inbox {
    /// # Errors
    /// The browser's, where it has no channels.
    pub fn open(cluster: &str, node: u64) -> Result<Self, JsValue> {
        let state = Rc::new(RefCell::new(State::Keeps(
            VecDeque::new(),
            Budget::new(KEPT_MAX),
        )));
        let arriving = state.clone();
        let channel = Channel::receiver(&names::node_channel(cluster, node), move |message| {
            let hear = match &mut *arriving.borrow_mut() {
                State::Keeps(kept, budget) => {
                    if budget.take(length_of(&message)) {
                        kept.push_back(message);
                    }
                    return;
                }
                State::Hears(hear) => hear.clone(),
            };
            hear(&message);
        })?;
        Ok(Self {
            _channel: channel,
            state,
        })
    }

    /// From now on `hear` has every message, and first those that were kept.
    pub fn hear(&self, hear: impl Fn(&JsValue) + 'static) {
        let hear: Hear = Rc::new(hear);
        let kept = self.state.replace(State::Hears(hear.clone()));
        if let State::Keeps(kept, _) = kept {
            for message in kept {
                hear(&message);
            }
        }
    }
}
