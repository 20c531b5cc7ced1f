//! A turn of the event loop for what takes several: it comes when what waits by now has had its
//! own. A message to oneself, since timers come 4 ms late once they are nested.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort};

pub struct Turn {
    port: MessagePort,
    heard: MessagePort,
    _on_message: Closure<dyn FnMut()>,
}

impl Turn {
    /// Calls `take` once for every [`Turn::ask`], until dropped.
    ///
    /// # Errors
    /// The browser's, where it has no such channels.
    pub fn new(take: impl FnMut() + 'static) -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let (port, heard) = (channel.port1(), channel.port2());
        let on_message = Closure::<dyn FnMut()>::new(take);
        heard.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self {
            port,
            heard,
            _on_message: on_message,
        })
    }

    /// # Errors
    /// The browser's.
    pub fn ask(&self) -> Result<(), JsValue> {
        self.port.post_message(&JsValue::NULL)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.heard.set_onmessage(None);
        self.heard.close();
    }
}
