//! The replicated state machine: string keys, byte values, and the client sessions that make
//! every write take effect once.
//!
//! - [`command`]: what the log's entries say, and what came of them
//! - [`store`]: the pairs, the digest, apply
//! - [`session`]: the table behind exactly-once (Raft thesis, section 6.3)
//!
//! Everything here is a function of the log: no clock, no chance, no map with a random order.

pub mod command;
pub mod session;
pub mod store;
pub mod tally;

pub use command::{Command, Op, Outcome, Refusal};
pub use store::{Applied, Store};

/// The longest key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 1_024;
/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Sessions kept; the one idle for the most log entries goes first.
pub const SESSIONS_MAX: usize = 1_024;
/// Answers kept for one session: the most writes a client may have in flight.
pub const SESSION_WINDOW_MAX: usize = 4_096;
