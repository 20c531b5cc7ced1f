//! Time in a worker.

use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;

/// Milliseconds since the worker began, on a clock that never goes back.
pub fn ticking_ms() -> f64 {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    scope
        .performance()
        .map_or_else(js_sys::Date::now, |clock| clock.now())
}

/// Milliseconds of the Unix epoch, with fractions, comparable between workers.
pub fn unix_ms() -> f64 {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    scope
        .performance()
        .map_or_else(js_sys::Date::now, |clock| clock.time_origin() + clock.now())
}
