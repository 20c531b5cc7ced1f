//! The core of tabraft: everything but the browser. (To be the map.)

pub mod check;
pub mod frame;
pub mod kv;
pub mod node;
pub mod sim;
pub mod wal;
pub mod wire;
