//! The browser's clocks, the same in pages and in workers, and moments in words.

use js_sys::{Date, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Performance;

/// The clock and the moment of the Unix epoch at which it began, in milliseconds.
struct Ticking {
    clock: Performance,
    origin_ms: f64,
}

thread_local! {
    /// Every browser that runs this has one. Looked up once: clocks are read several times a call.
    static TICKING: Option<Ticking> = ticking();
}

fn ticking() -> Option<Ticking> {
    let found = Reflect::get(&js_sys::global(), &"performance".into()).ok()?;
    let clock: Performance = found.dyn_into().ok()?;
    let origin_ms = clock.time_origin();
    Some(Ticking { clock, origin_ms })
}

/// Milliseconds since this page or worker began, with fractions and never backwards: for durations.
pub fn ticking_ms() -> f64 {
    TICKING.with(|it| it.as_ref().map_or_else(wall_ms, |it| it.clock.now()))
}

/// Milliseconds of the Unix epoch, as the wall clock has it now.
pub fn wall_ms() -> f64 {
    Date::now()
}

/// Milliseconds of the Unix epoch, with fractions and never backwards: comparable between pages and
/// workers as far as the wall clock was not set since they began.
pub fn unix_ms() -> f64 {
    let read = |it: &Ticking| it.origin_ms + it.clock.now();
    TICKING.with(|it| it.as_ref().map_or_else(wall_ms, read))
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
