//! The same seed is the same run in wasm as natively, to the byte: `usize` has 32 bits here, and
//! hashed collections have another order.

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn every_byte_is_the_one_it_is_natively() {
    let differing = tabraft::sim::golden::differing();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
