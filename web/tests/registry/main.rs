//! The record of a cluster, and Web Locks, in a real browser, in a page as in the product.
//!
//! - [`hand`]: records as another tab or another build left them, and what is on the disks
//! - [`creating`]: a new cluster
//! - [`locks`]: Web Locks

use wasm_bindgen_test::wasm_bindgen_test_configure;

mod creating;
mod hand;
mod locks;

wasm_bindgen_test_configure!(run_in_browser);
