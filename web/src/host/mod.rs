//! The worker's side: what hosts one replica.
//!
//! - [`worker`]: the talk with the page
//! - [`replica`]: the node, between its database, its inbox and its clock
//! - [`hosting`]: how a replica comes to be hosted here: its locks, its database, its recovery
//! - [`spare`]: standing by, to be the next host of one that died
//! - [`deeds`]: what a running replica does when it is asked to
//! - [`sleep`]: what follows when it was frozen
//! - [`succession`]: waiting for the leader's death, and taking its place
//! - [`steps`]: when each write went through which step; [`entry`]: what an entry says
//! - [`disk`], [`idb`]: the replica's database, one transaction a batch
//! - [`lock`]: Web Locks; at most one live host a replica
//! - [`turn`]: a turn of the event loop
//! - `budget`: how much may be kept for later, in number and in bytes
//! - `inbox`: incoming envelopes, also while the replica is being opened
//! - [`net`]: outgoing envelopes, with link faults
//! - [`board`]: statuses and events for all tabs
//! - [`registry`]: the origin's record of a cluster (used by pages)
//! - [`rotation`]: leaving a log file of the browser behind that a kill may have torn (used by pages)

pub mod board;
mod budget;
mod deeds;
pub mod disk;
mod entry;
mod hosting;
pub mod idb;
mod inbox;
pub mod lock;
pub mod net;
pub mod registry;
pub mod replica;
pub mod rotation;
mod sleep;
mod spare;
mod steps;
mod succession;
mod turn;
pub mod worker;
