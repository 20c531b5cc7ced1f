//! The console API's errors: a code and a sentence.

use tabraft::kv::Refusal;
use wasm_bindgen::JsValue;

use crate::host::disk::DiskError;
use crate::host::registry::RegistryError;
use crate::model::ApiError;
use crate::protocol::Told;

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

    pub fn not_member(id: u64) -> Self {
        Self::new(
            "NOT_MEMBER",
            format!("Node {id} is not a member of the cluster."),
        )
    }

    pub fn removed(id: u64) -> Self {
        Self::new("REMOVED", removed_sentence(id))
    }

    pub fn paused(id: u64) -> Self {
        Self::new(
            "PAUSED",
            format!("Node {id} is paused and does not react. Resume it first."),
        )
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
        const CODES: &[&str] = &[
            "ALREADY_MEMBER",
            "ALREADY_RUNNING",
            "BAD_ARGUMENT",
            "BAD_FILE",
            "BROWSER",
            "BUSY",
            "CLOSED",
            "CLUSTER_EXISTS",
            "CONF_CHANGE",
            "DAMAGED",
            "FOREIGN_DATA",
            "FORGOTTEN",
            "HOSTED_ELSEWHERE",
            "ID_USED",
            "INCOMPLETE_RESTORE",
            "LAST_VOTER",
            "LEARNER_BEHIND",
            "LOCK_ERROR",
            "LOCK_LOST",
            "LOST_EPOCH",
            "NO_CHANNELS",
            "NO_LEADER",
            "NO_LOCKS",
            "NO_QUORUM",
            "NO_STORAGE",
            "NO_SUCH_CLUSTER",
            "NO_SUCH_NODE",
            "NOT_MEMBER",
            "NOT_RUNNING",
            "NOTHING_STORED",
            "PANIC",
            "PAUSED",
            "PROTOCOL",
            "REMOVED",
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

    pub fn of_told((code, message): Told) -> Self {
        Self::told(&code, message)
    }
}

pub fn removed_sentence(id: u64) -> String {
    format!("Node {id} was removed from the cluster. It can be wiped.")
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        Self::told(error.code(), error.to_string())
    }
}

impl From<DiskError> for ApiError {
    fn from(error: DiskError) -> Self {
        Self::told(error.code(), error.to_string())
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
            Refusal::ConfChange | Refusal::ConfChangePending => "CONF_CHANGE",
            Refusal::LastVoter => "LAST_VOTER",
            Refusal::NotMember(_) => "NOT_MEMBER",
            Refusal::AlreadyMember(_) => "ALREADY_MEMBER",
            Refusal::LearnerBehind => "LEARNER_BEHIND",
        };
        let mut message = refusal.to_string();
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self::new(code, message + ".")
    }
}
