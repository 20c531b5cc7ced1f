//! The load generator's form and figures, beside the measurement of speed.

use std::time::Duration;

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;

use super::chooser::{chooser, numbers, sizes};
use super::command::{Place, Told};
use super::feed::Feed;
use super::figures::{duration, grouped};
use super::speed;
use crate::client::load::figures::{Figures, Speed};
use crate::client::load::mix::{Kind, Mix};
use crate::client::load::plan::Plan;
use crate::model::ApiError;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A cluster that does less than this share of what is wanted does not keep up.
const KEPT_UP: f64 = 0.95;

/// Operations a second to choose from; as fast as it goes is one more.
const RATES: [u32; 6] = [10, 50, 200, 1_000, 2_000, 5_000];
const IN_FLIGHT: [u64; 5] = [1, 16, 64, 256, 1_024];
const KEYS: [u64; 4] = [1, 10, 100, 10_000];
const SIZES: [(u64, &str); 4] = [
    (16, "16 B"),
    (256, "256 B"),
    (4_096, "4 KiB"),
    (65_536, "64 KiB"),
];
/// Of each kind, in percent, at first.
const MIX: [u64; Kind::ALL.len()] = [50, 30, 10, 5, 5];

/// What is chosen and typed.
#[derive(Clone, Copy)]
struct Draft {
    rate: RwSignal<Option<f64>>,
    in_flight: RwSignal<u64>,
    keys: RwSignal<u64>,
    value_bytes: RwSignal<u64>,
    mix: [RwSignal<String>; Kind::ALL.len()],
}

impl Draft {
    fn new() -> Self {
        Self {
            rate: RwSignal::new(Some(200.0)),
            in_flight: RwSignal::new(64),
            keys: RwSignal::new(100),
            value_bytes: RwSignal::new(256),
            mix: MIX.map(|percent| RwSignal::new(percent.to_string())),
        }
    }

    fn plan(self) -> Result<Plan, ApiError> {
        let mut percent = [0; Kind::ALL.len()];
        for ((kind, typed), percent) in Kind::ALL.iter().zip(self.mix).zip(&mut percent) {
            let typed = typed.get_untracked();
            let number = typed.trim().parse().ok().filter(|n| *n <= 100);
            *percent = number.ok_or_else(|| {
                let what = label(*kind);
                ApiError::bad_argument(format!("{what} must be a whole number from 0 to 100."))
            })?;
        }
        Ok(Plan {
            rate: self.rate.get_untracked(),
            in_flight: self.in_flight.get_untracked(),
            mix: Mix::new(percent)?,
            keys: self.keys.get_untracked(),
            value_bytes: self.value_bytes.get_untracked(),
            seconds: None,
        })
    }
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Put => "Put",
        Kind::Get => "Get, linearizable",
        Kind::StaleGet => "Get, stale",
        Kind::Cas => "Compare and swap",
        Kind::Delete => "Delete",
    }
}

#[component]
pub fn Load(feed: Feed) -> impl IntoView {
    view! {
        <section class="load" aria-labelledby="load-title">
            <h2 id="load-title">"Load and speed"</h2>
            <Generator feed />
            <speed::Speed feed />
        </section>
    }
}

#[component]
fn Generator(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let draft = Draft::new();
    // A script may start one, too.
    let figures = RwSignal::new(feed.cluster().load_figures());
    let look = move || {
        let next = feed.cluster().load_figures();
        let ended = |it: &Option<Figures>| it.as_ref().is_none_or(|it| !it.running);
        if let Some(last) = &next
            && ended(&next)
            && !figures.with_untracked(ended)
        {
            place.say(sentence(last));
        }
        if figures.with_untracked(|shown| *shown != next) {
            figures.set(next);
        }
    };
    set_interval(look, LOOK_EVERY);
    let runs = Memo::new(move |_| figures.with(|it| it.as_ref().is_some_and(|it| it.running)));
    let start = move |event: SubmitEvent| {
        event.prevent_default();
        if runs.get_untracked() {
            return place.refuse("A load runs. Stop it first.");
        }
        let plan = match draft.plan() {
            Ok(plan) => plan,
            Err(error) => return place.refuse(error.message),
        };
        let cluster = feed.cluster();
        place.take(async move {
            cluster.start_load(plan).await?;
            figures.try_set(cluster.load_figures());
            Ok("It runs until you stop it.".to_owned())
        });
    };
    let stop = move |_| {
        match runs.get_untracked() {
            true => feed.cluster().stop_load(),
            false => place.say("No load runs.".to_owned()),
        };
    };
    view! {
        <form class="generator" on:submit=start autocomplete="off" aria-labelledby="generator-title">
            <h3 id="generator-title">"Load"</h3>
            <Fields draft />
            <div class="acts">
                <button class="primary" type="submit" data-testid="load-start"
                    aria-disabled=move || runs.get().then_some("true").or_else(|| feed.fixed())>"Start"</button>
                <button type="button" data-testid="load-stop" on:click=stop
                    aria-disabled=move || (!runs.get()).then_some("true")>"Stop"</button>
                <p class="hint">
                    "From this tab, with keys "<code>"load/…"</code>", which stay. The judge checks them."
                </p>
            </div>
            <Live figures />
            <Told place hook="load-told" />
        </form>
    }
}

#[component]
fn Fields(draft: Draft) -> impl IntoView {
    let rates = RATES.map(|rate| {
        let name = grouped(u64::from(rate));
        (Some(f64::from(rate)), rate.to_string(), name)
    });
    let most = (None, "most".to_owned(), "as fast as it goes".to_owned());
    let rates = rates.into_iter().chain([most]);
    view! {
        <div class="choosers">
            {chooser("Operations a second", "load-rate", rates, draft.rate)}
            {chooser("At once, at most", "load-in-flight", numbers(&IN_FLIGHT), draft.in_flight)}
            {chooser("Keys", "load-keys", numbers(&KEYS), draft.keys)}
            {chooser("Values", "load-size", sizes(&SIZES), draft.value_bytes)}
        </div>
        <fieldset class="choosers mix">
            <legend>"Of a hundred operations"</legend>
            {Kind::ALL.into_iter().zip(draft.mix).map(|(kind, typed)| view! {
                <label>
                    <span>{label(kind)}</span>
                    <input class="data few" inputmode="numeric" bind:value=typed
                        data-testid=format!("load-{}", kind.name()) />
                </label>
            }).collect_view()}
        </fieldset>
    }
}

/// How it goes; the widths are there before there is anything to tell.
#[component]
fn Live(figures: RwSignal<Option<Figures>>) -> impl IntoView {
    let of = move |tell: fn(&Figures) -> String| {
        move || figures.with(|it| it.as_ref().map_or("–".to_owned(), tell))
    };
    let rate = of(|it| grouped(shown(it).per_second.round() as u64));
    let wanted = of(|it| match it.wanted {
        Some(rate) => format!("of {} wanted", grouped(rate as u64)),
        None => "as fast as it goes".to_owned(),
    });
    let behind = Memo::new(move |_| {
        figures.with(|it| it.as_ref().is_some_and(|it| it.running && is_behind(it)))
    });
    let fact = |name: &'static str, hook: &'static str, value: AnyView| {
        view! { <div><dt>{name}</dt><dd data-testid=hook>{value}</dd></div> }
    };
    view! {
        <dl class="live" class:behind=move || behind.get()>
            <div class="rate">
                <dt>"acknowledged a second "<span data-testid="load-wanted">{wanted}</span></dt>
                <dd data-testid="load-reached">{rate}</dd>
            </div>
            {fact("median", "load-p50", of(|it| duration(shown(it).p50_ms)).into_any())}
            {fact("p99", "load-p99", of(|it| duration(shown(it).p99_ms)).into_any())}
            {fact("under way", "load-under-way", of(|it| grouped(it.in_flight)).into_any())}
            {fact("acknowledged", "load-done", of(|it| grouped(it.acknowledged)).into_any())}
            {fact("errors", "load-errors", of(errors).into_any())}
            {fact("outcome unknown", "load-unknown", of(|it| grouped(it.unknown)).into_any())}
        </dl>
        <p class="hint behind" hidden=move || !behind.get()>
            "The cluster does not keep up. The load waits for it, and piles nothing up."
        </p>
    }
}

/// Of one that ended, all of it; of one that runs, the last seconds.
fn shown(figures: &Figures) -> Speed {
    match figures.running {
        true => figures.lately,
        false => figures.overall,
    }
}

fn is_behind(figures: &Figures) -> bool {
    let reached = figures.lately.per_second;
    figures.seconds > 2.0
        && figures
            .wanted
            .is_some_and(|wanted| reached < KEPT_UP * wanted)
}

fn errors(figures: &Figures) -> String {
    let all = figures.errors.iter();
    let words: Vec<_> = all
        .map(|(code, count)| format!("{} {code}", grouped(*count)))
        .collect();
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.join(", "),
    }
}

/// What it came to.
fn sentence(figures: &Figures) -> String {
    let wanted = figures.wanted.map_or(String::new(), |rate| {
        format!(" of {} wanted", grouped(rate as u64))
    });
    let unknown = match figures.unknown {
        0 => String::new(),
        1 => " The outcome of 1 write is unknown.".to_owned(),
        n => format!(" The outcome of {} writes is unknown.", grouped(n)),
    };
    format!(
        "{} operations acknowledged in {:.0} s: {} a second{wanted}, median {}, p99 {}. Errors: {}.{unknown}",
        grouped(figures.acknowledged),
        figures.seconds,
        grouped(figures.overall.per_second.round() as u64),
        duration(figures.overall.p50_ms),
        duration(figures.overall.p99_ms),
        errors(figures),
    )
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_a_load_came_to_is_a_sentence() {
        let speed = Speed {
            per_second: 1_199.6,
            p50_ms: 2.0,
            p99_ms: 40.0,
        };
        let mut figures = Figures {
            running: true,
            wanted: Some(2_000.0),
            seconds: 10.0,
            acknowledged: 12_000,
            overall: speed,
            lately: speed,
            ..Figures::default()
        };
        assert!(is_behind(&figures));
        assert_eq!(
            sentence(&figures),
            "12,000 operations acknowledged in 10 s: 1,200 a second of 2,000 wanted, median 2.00 ms, \
             p99 40.0 ms. Errors: none."
        );
        figures.wanted = None;
        figures.errors.extend([("TIMEOUT", 1_000), ("BUSY", 3)]);
        figures.unknown = 2;
        assert!(!is_behind(&figures));
        let said = sentence(&figures);
        assert!(
            said.ends_with("Errors: 3 BUSY, 1,000 TIMEOUT. The outcome of 2 writes is unknown.")
        );
    }

    #[test]
    fn what_is_chosen_is_a_plan() {
        let draft = Draft::new();
        assert_eq!(draft.plan().map(|plan| plan.mix), Mix::new(MIX));
        draft.mix[0].set("ten".to_owned());
        let said = draft.plan().map_err(|error| error.message);
        assert_eq!(
            said,
            Err("Put must be a whole number from 0 to 100.".to_owned())
        );
        draft.mix[0].set("60".to_owned());
        let said = draft.plan().map_err(|error| error.message);
        assert_eq!(
            said,
            Err("The mix must make 100 percent. It makes 110.".to_owned())
        );
    }
}
