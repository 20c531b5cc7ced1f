//! What a replica keeps on disk, and how it comes back from it.
//!
//! # Assumptions about the medium (IndexedDB)
//!
//! 1. A transaction is whole or absent, so there are no torn writes.
//! 2. A transaction reported complete with strict durability survives the end of the browser; in
//!    the order they completed.
//! 3. Bytes may be damaged later, records may be missing, and everything may be gone at once.
//!
//! From 1 follows that a record which fails its check is damage, the last one too. Cutting it off
//! could take back a vote or an acknowledged entry, so [`replay()`] refuses and names it.
//!
//! # Format
//!
//! Two tables. `wal` holds records under their sequence number: 1, 2, 3, ... A record may stand for
//! some before it, which went when it came. It says from which number on, and which is the oldest
//! that is there, so that every missing record is noticed but the newest. `snapshots` holds
//! snapshots under their index. Each value is a [`frame`](crate::frame) around postcard's encoding
//! of a [`Record`] or a [`Snapshot`]; the structs are the format, field by field, in order. One
//! [`WriteBatch`] is one transaction: one record, and with it, where there is one, a snapshot.
//!
//! - [`record`]: the records and the batch
//! - [`mod@snapshot`]: the snapshots, and backups: the same as a file
//! - [`first`]: the first batch of every disk
//! - `log`: the log that records make up
//! - [`mod@replay`]: from tables to a replica's state
//! - [`salvage`]: what a dead leader's log still had to send

pub mod first;
mod log;
pub mod record;
pub mod replay;
pub mod salvage;
pub mod snapshot;

pub use first::{bootstrap, found, is_untouched, join};
pub use record::{HardState, Record, WriteBatch};
pub use replay::{Damage, Recovered, Replay, Tables, replay};
pub use snapshot::Snapshot;
