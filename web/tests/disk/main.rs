//! A replica's disk in a real browser, in a worker as in the product.
//!
//! - [`hand`]: batches to write, and a hand that reads and changes rows behind the disk's back
//! - [`writing`]: what was written is what is read
//! - [`fencing`]: a host that lost its epoch
//! - [`failing`]: aborts, no room, a database deleted under its owner
//! - [`damage`]: rows that are broken or missing

use wasm_bindgen_test::wasm_bindgen_test_configure;

mod damage;
mod failing;
mod fencing;
mod hand;
mod writing;

wasm_bindgen_test_configure!(run_in_dedicated_worker);
