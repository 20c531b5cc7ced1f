//! The browser around the core.
//!
//! - [`host`]: a replica in its worker
//! - [`client`]: the cluster as a page uses it, and `window.tabraft`
//! - [`ui`]: the page
//! - [`model`]: what pages know and show; [`protocol`]: what pages and workers say
//! - [`settings`]: URL parameters, and what of them may change; [`names`], [`channel`]: how tabs find and hear each other
//! - [`clock`]: what time it is

mod change;
pub mod channel;
pub mod client;
pub mod clock;
pub mod host;
pub mod model;
pub mod names;
pub mod protocol;
pub mod settings;
#[cfg(test)]
mod settings_tests;
pub mod ui;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
