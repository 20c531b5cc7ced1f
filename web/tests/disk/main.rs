//! A replica's disk in a real browser, in a worker as in the product.
//!
//! - [`hand`]: batches to write, and a hand that reads and changes rows behind the disk's back
//! - [`script`]: JavaScript in the way of what the disk asks the browser for
//! - [`writing`]: what was written is what is read
//! - [`fencing`]: a host that lost its epoch
//! - [`failing`]: aborts, no room, a database deleted under its owner
//! - [`faults`]: a disk that misbehaves on purpose, and writes that are tried again
//! - [`damage`]: rows that are broken or missing
//! - [`peek`]: reading past the host
//! - [`tools`]: wiping and damaging on purpose

use wasm_bindgen_test::wasm_bindgen_test_configure;

mod damage;
mod failing;
mod faults;
mod fencing;
mod hand;
mod peek;
mod script;
mod tools;
mod writing;

wasm_bindgen_test_configure!(run_in_dedicated_worker);
