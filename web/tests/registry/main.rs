//! The record of a cluster, and Web Locks, in a real browser, in a page as in the product.
//!
//! - [`hand`]: records as another tab or another build left them, and what is on the disks
//! - [`creating`]: a new cluster
//! - [`restoring`]: a new cluster from a backup
//! - [`members`]: ids given to new replicas and taken from removed ones
//! - [`locks`]: Web Locks

use wasm_bindgen_test::wasm_bindgen_test_configure;

mod creating;
mod hand;
mod locks;
mod members;
mod restoring;

wasm_bindgen_test_configure!(run_in_browser);
