//! The browser's clocks.

use js_sys::Date;
use leptos::prelude::window;
use wasm_bindgen::JsValue;
use web_sys::Performance;

thread_local! {
    /// Every browser that runs this has one.
    static TICKING: Option<Performance> = window().performance();
}

/// Milliseconds since the page was opened, with fractions and never backwards: for durations.
pub fn ticking_ms() -> f64 {
    TICKING.with(|clock| clock.as_ref().map_or_else(wall_ms, Performance::now))
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
