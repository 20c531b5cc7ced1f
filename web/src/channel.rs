//! A `BroadcastChannel`: sent to by name, heard by a callback until dropped. It promises neither
//! order across contexts nor delivery.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

/// One end of a channel. Its owner does not hear what he says himself.
pub struct Channel {
    channel: BroadcastChannel,
    _on_message: Option<Closure<dyn FnMut(MessageEvent)>>,
}

impl Channel {
    /// An end that only sends.
    ///
    /// # Errors
    /// The browser's, where it has no such channels.
    pub fn sender(name: &str) -> Result<Self, JsValue> {
        Ok(Self {
            channel: BroadcastChannel::new(name)?,
            _on_message: None,
        })
    }

    /// An end that calls `hear` with every message.
    ///
    /// # Errors
    /// The browser's, where it has no such channels.
    pub fn receiver(name: &str, mut hear: impl FnMut(JsValue) + 'static) -> Result<Self, JsValue> {
        let channel = BroadcastChannel::new(name)?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            hear(event.data());
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self {
            channel,
            _on_message: Some(on_message),
        })
    }

    /// # Errors
    /// The browser's: the channel is closed, or the message too large to be copied.
    pub fn send(&self, message: &JsValue) -> Result<(), JsValue> {
        self.channel.post_message(message)
    }

    /// # Errors
    /// As [`Channel::send`].
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), JsValue> {
        self.send(&Uint8Array::from(bytes))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

/// The bytes of a message, if it is an array of them.
pub fn bytes_of(message: &JsValue) -> Option<Vec<u8>> {
    message.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

/// How many bytes a message has; 0 if it is no array of them.
pub fn length_of(message: &JsValue) -> usize {
    let bytes = message.dyn_ref::<Uint8Array>();
    bytes.map_or(0, |bytes| bytes.length() as usize)
}
