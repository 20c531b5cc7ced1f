//! The core of tabraft, a Raft cluster of browser tabs: one replica and what it keeps, says and
//! checks. No browser, no clock, no I/O, no async and no chance are in here; whoever hosts a
//! replica brings them, and may be a browser's worker or a test.
//!
//! # The map
//!
//! - [`node`]: one replica around raft-rs, inputs in, outputs out. Its module page has the duties
//!   of a host.
//! - [`kv`]: the replicated key-value store, and the sessions that make each write take effect
//!   once
//! - [`wal`]: what is on a replica's disk, and the way back from it
//! - [`wire`]: what travels between replicas and clients
//! - [`frame`]: length, version and checksum around every run of bytes
//! - [`sim`]: a whole cluster in one thread, with faults, from a seed
//! - [`check`]: what must be true of every run
//! - [`planted`]: bugs on purpose, for the checks to catch
//!
//! # The life of a write
//!
//! 1. A client names its session and gives the write the next number: [`wire::Ask::Write`]. It
//!    keeps both for every retry.
//! 2. The envelope's bytes are checked before anything is read from them ([`frame::open`]), then
//!    given to the replica as an [`node::Input::Receive`].
//! 3. A replica that does not lead sends the write on to the one that does
//!    ([`wire::Body::Forwarded`]). The leader proposes it: raft-rs appends a [`kv::Command`] to its
//!    log ([`node::requests`]).
//! 4. raft-rs hands out what is to be done as a Ready ([`node::ready`]). The leader's appends go
//!    out at once. The entry joins the batch that is gathered for the disk and goes there as one
//!    [`wal::WriteBatch`] when the one before is complete: [`node::Output::Persist`].
//! 5. A follower checks the append ([`node::admit::admit`]), writes it to its own disk, and answers
//!    only after [`node::Input::Persisted`].
//! 6. When a majority of disks has it, the leader's own among them or not, it is committed; once it
//!    is on the leader's own disk too, it is applied ([`kv::Store::apply`]): by the session
//!    ([`kv::session::Sessions::admit`]) the first time, and by its kept answer every other time.
//! 7. The client gets [`wire::Answer::Applied`], with the index and term that the write will have
//!    for ever.
//! 8. After enough entries the state machine is written as a [`wal::Snapshot`], in one batch with
//!    the record that says so; what it stands for is deleted with the snapshot after it, so that
//!    from the second on there are two ([`node::apply`]).
//! 9. Whatever ends the replica, [`wal::replay()`] brings it back: the newest whole snapshot, the
//!    log after it, its term and its vote.
//!
//! `tests/transcripts` tells the same by the messages themselves.

pub mod check;
pub mod frame;
pub mod kv;
pub mod node;
pub mod planted;
pub mod sim;
pub mod wal;
pub mod wire;
