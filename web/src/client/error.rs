//! The console API's errors: a code and a sentence.

use tabraft::kv::Refusal;
use wasm_bindgen::JsValue;

use crate::model::ApiError;

impl ApiError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub fn bad_argument(message: impl Into<String>) -> Self {
        Self::new("BAD_ARGUMENT", message)
    }

    pub fn no_such_node(id: u64) -> Self {
        Self::new("NO_SUCH_NODE", format!("The cluster has no node {id}."))
    }

    pub fn not_running(id: u64) -> Self {
        Self::new("NOT_RUNNING", format!("Node {id} is not running."))
    }

    pub fn already_running(id: u64) -> Self {
        Self::new("ALREADY_RUNNING", format!("Node {id} is running already."))
    }

    pub fn browser(what: &str, error: &JsValue) -> Self {
        let said = js_sys::Reflect::get(error, &"message".into())
            .ok()
            .and_then(|message| message.as_string())
            .unwrap_or_else(|| format!("{error:?}"));
        Self::new("BROWSER", format!("{what}: {said}"))
    }

    /// An error that a worker or another tab told of. Codes are this API's own; a code of another
    /// build is `FAILED`.
    pub fn told(code: &str, message: String) -> Self {
        const CODES: [&str; 25] = [
            "ALREADY_RUNNING",
            "BAD_ARGUMENT",
            "BROWSER",
            "BUSY",
            "CLOSED",
            "DAMAGED",
            "FOREIGN_DATA",
            "FORGOTTEN",
            "HOSTED_ELSEWHERE",
            "LOCK_ERROR",
            "LOCK_LOST",
            "LOST_EPOCH",
            "NO_CHANNELS",
            "NO_LOCKS",
            "NO_STORAGE",
            "NO_SUCH_NODE",
            "NOT_RUNNING",
            "PANIC",
            "PROTOCOL",
            "STORAGE_BLOCKED",
            "STORAGE_CLOSED",
            "STORAGE_ERROR",
            "STORAGE_FULL",
            "TIMEOUT",
            "UNREADABLE_CLUSTER",
        ];
        let known = CODES.iter().find(|known| **known == code);
        Self::new(known.copied().unwrap_or("FAILED"), message)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::KeyEmpty | Refusal::Malformed => "BAD_ARGUMENT",
            Refusal::KeyTooLarge { .. } => "KEY_TOO_LARGE",
            Refusal::ValueTooLarge { .. } => "VALUE_TOO_LARGE",
            Refusal::SessionExpired | Refusal::Answered => "SESSION_EXPIRED",
            Refusal::WindowFull | Refusal::Busy => "BUSY",
            Refusal::ConfChange => "CONF_CHANGE",
        };
        let mut message = refusal.to_string();
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self::new(code, message + ".")
    }
}
