//! The browser's clocks.

use js_sys::{Date, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};

/// Milliseconds since the page was opened, with fractions and never backwards: for durations.
pub fn ticking_ms() -> f64 {
    let performance = Reflect::get(&window(), &JsValue::from_str("performance"));
    let reading = performance.and_then(|p| {
        let now = Reflect::get(&p, &JsValue::from_str("now"))?;
        now.dyn_into::<js_sys::Function>()?.call0(&p)
    });
    // Every browser that runs this has `performance`; the wall clock is only coarser.
    reading
        .ok()
        .and_then(|v| v.as_f64())
        .unwrap_or_else(wall_ms)
}

/// Milliseconds of the Unix epoch.
pub fn wall_ms() -> f64 {
    Date::now()
}

/// The time of day in the person's time zone: "09:33:10".
pub fn time_of_day(at_ms: f64) -> String {
    let at = Date::new(&JsValue::from_f64(at_ms));
    format!(
        "{:02}:{:02}:{:02}",
        at.get_hours(),
        at.get_minutes(),
        at.get_seconds()
    )
}

/// The day and the time in the person's time zone: "2026-07-14 09:33:10".
pub fn day_and_time(at_ms: f64) -> String {
    let all = exact(at_ms);
    let whole = all.rsplit_once('.').map(|(whole, _)| whole.to_owned());
    whole.unwrap_or(all)
}

/// A moment in the person's time zone: "2026-07-14 09:33:10.123".
pub fn exact(at_ms: f64) -> String {
    let at = Date::new(&JsValue::from_f64(at_ms));
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}",
        at.get_full_year(),
        at.get_month() + 1,
        at.get_date(),
        at.get_hours(),
        at.get_minutes(),
        at.get_seconds(),
        at.get_milliseconds()
    )
}
