//! What must hold in every run, checked while it happens.
//!
//! - [`replicas`]: Raft's promises, between replicas
//! - [`history`]: the store's promises, to its clients
//! - [`model`]: the store anew, without bounds or cleverness, to compare with
//! - [`linear`]: whether any history is linearizable, by what clients saw alone
//! - [`journal`]: what a client did lately, judged bit by bit; [`edn`]: as a file for others

pub mod edn;
pub mod history;
pub mod journal;
pub mod linear;
pub mod model;
pub mod replicas;
mod shared_keys;

pub use history::History;
pub use model::Model;
pub use replicas::Replicas;
