//! The worker's side: what hosts one replica.
//!
//! - [`worker`]: the talk with the page
//! - [`replica`]: the node, between its database, its inbox and its clock
//! - [`disk`], [`idb`]: the replica's database, one transaction a batch
//! - [`lock`]: Web Locks; at most one live host a replica
//! - [`net`]: outgoing envelopes, with link faults
//! - [`board`]: statuses and events for all tabs
//! - [`registry`]: the origin's record of a cluster (used by pages)

pub mod board;
pub mod disk;
pub mod idb;
pub mod lock;
pub mod net;
pub mod registry;
pub mod replica;
pub mod worker;
