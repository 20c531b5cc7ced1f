//! Commands: the data of a normal log entry, in postcard's encoding.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// What one log entry asks of the state machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Opens a session; its id is the index of the entry that opened it.
    Open,
    /// One write of a session.
    Write {
        session: u64,
        /// 1 for the session's first write, then one more for each.
        seq: u64,
        /// The client has the answers to all its writes below this one: they can be forgotten.
        answered_below: u64,
        op: Op,
    },
}

impl Command {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self)
            .unwrap_or_else(|error| unreachable!("plain data always encodes: {error}"))
    }

    /// `None` for bytes that are no command.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(bytes) {
            Ok((command, [])) => Some(command),
            _ => None,
        }
    }
}

/// A change of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    Put {
        key: String,
        value: Bytes,
    },
    Delete {
        key: String,
    },
    /// Compare-and-swap: puts `value` if the key now has `expected` (`None`: if it is absent).
    Cas {
        key: String,
        expected: Option<Bytes>,
        value: Bytes,
    },
}

impl Op {
    pub fn key(&self) -> &str {
        match self {
            Op::Put { key, .. } | Op::Delete { key } | Op::Cas { key, .. } => key,
        }
    }

    /// Whether key and values are within bounds.
    ///
    /// # Errors
    /// The first bound that is passed.
    pub fn check(&self) -> Result<(), Refusal> {
        check_key(self.key())?;
        match self {
            Op::Put { value, .. } => check_value(value),
            Op::Delete { .. } => Ok(()),
            Op::Cas {
                expected, value, ..
            } => {
                expected.as_ref().map_or(Ok(()), check_value)?;
                check_value(value)
            }
        }
    }
}

/// Whether a key has 1 to [`KEY_BYTES_MAX`] bytes.
///
/// # Errors
/// [`Refusal::KeyEmpty`], [`Refusal::KeyTooLarge`].
pub fn check_key(key: &str) -> Result<(), Refusal> {
    match key.len() {
        0 => Err(Refusal::KeyEmpty),
        bytes if bytes > KEY_BYTES_MAX => Err(Refusal::KeyTooLarge { bytes }),
        _ => Ok(()),
    }
}

fn check_value(value: &Bytes) -> Result<(), Refusal> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(Refusal::ValueTooLarge { bytes: value.len() });
    }
    Ok(())
}

/// What came of a command that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Opened,
    Put,
    Deleted {
        existed: bool,
    },
    Swapped(bool),
    /// Nothing was done.
    Refused(Refusal),
    /// The membership was changed.
    Changed,
}

/// Why a request was not done. Under this attempt it had no effect and never will; of a write that
/// was sent before, [`Refusal::SessionExpired`] leaves open what became of the earlier attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Refusal {
    #[error("the key is empty; a key has 1 to {KEY_BYTES_MAX} bytes")]
    KeyEmpty,
    #[error("the key has {bytes} bytes; {KEY_BYTES_MAX} is the most")]
    KeyTooLarge { bytes: usize },
    #[error("the value has {bytes} bytes; {VALUE_BYTES_MAX} is the most")]
    ValueTooLarge { bytes: usize },
    #[error("the session is not known: too many others were opened after its last write")]
    SessionExpired,
    #[error("the session has too many writes in flight")]
    WindowFull,
    #[error("the client said that it has this write's answer already")]
    Answered,
    #[error("the command does not decode")]
    Malformed,
    #[error("the replica has too many requests waiting")]
    Busy,
    #[error("the membership cannot be changed that way")]
    ConfChange,
    #[error("another change of the membership is under way")]
    ConfChangePending,
    #[error("the last voter cannot be removed")]
    LastVoter,
    #[error("node {0} is not a member")]
    NotMember(u64),
    #[error("node {0} is a member already")]
    AlreadyMember(u64),
    #[error("the learner has not caught up yet")]
    LearnerBehind,
}
