//! How fast the cluster is here, measured when asked, beside what this browser charges by itself.

use leptos::prelude::*;

use super::chooser::{chooser, numbers, sizes};
use super::command::{Place, Told};
use super::feed::Feed;
use super::figures::{duration, grouped};
use crate::client::bench::{Figures, Kind, Load};

/// Operations of a measurement: some seconds on most machines.
const OPS: [(u64, u64); 4] = [(1, 300), (16, 3_000), (64, 10_000), (256, 20_000)];
const SIZES: [(u64, &str); 3] = [(16, "16 B"), (256, "256 B"), (4_096, "4 KiB")];

#[component]
pub fn Speed(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let kind = RwSignal::new(Kind::Put);
    let in_flight = RwSignal::new(64_u64);
    let size = RwSignal::new(256_u64);
    let busy = RwSignal::new(false);
    let measure = move |_| {
        if busy.get_untracked() || !place.may_act() {
            return;
        }
        let ops = OPS
            .iter()
            .find(|(many, _)| *many == in_flight.get_untracked());
        let load = Load {
            ops: ops.map_or(1_000, |(_, ops)| *ops),
            in_flight: in_flight.get_untracked(),
            value_bytes: size.get_untracked() as usize,
            kind: kind.get_untracked(),
        };
        let cluster = feed.cluster();
        busy.set(true);
        place.take(async move {
            let figures = cluster.bench(load, true).await;
            // The panel may be gone.
            busy.try_set(false);
            Ok(sentence(load, &figures?))
        });
    };
    let kinds = [
        (Kind::Put, "put", "writes"),
        (Kind::Get, "get", "linearizable reads"),
    ];
    let kinds = kinds.map(|(kind, value, name)| (kind, value.to_owned(), name.to_owned()));
    view! {
        <div class="speed" role="group" aria-labelledby="speed-title">
            <div class="head">
                <h3 id="speed-title">"Speed"</h3>
                <div class="choosers">
                    {chooser("What", "speed-kind", kinds, kind)}
                    {chooser("At once", "speed-in-flight", numbers(&OPS.map(|(many, _)| many)), in_flight)}
                    {chooser("Values", "speed-size", sizes(&SIZES), size)}
                    <button type="button" data-testid="measure"
                        aria-disabled=move || busy.get().then_some("true").or_else(|| feed.fixed()) on:click=measure>
                        "Measure"
                    </button>
                </div>
            </div>
            <p class="hint">
                "Runs some seconds against this cluster, from this tab, with keys "<code>"bench/…"</code>
                ", and beside it what this browser does without a cluster."
            </p>
            {move || feed.measured.get().map(|(load, figures)| view! { <Bars load figures of_tabs=feed.of_tabs /> })}
            <Told place hook="speed-told" />
        </div>
    }
}

/// Operations a second, one under the other; the longest fills the width.
#[component]
fn Bars(load: Load, figures: Figures, of_tabs: bool) -> impl IntoView {
    let rows = rows(load, &figures, of_tabs);
    let most = rows.iter().map(|row| row.per_second).fold(1.0, f64::max);
    view! {
        <table class="bars" data-testid="speed-bars">
            <thead>
                <tr>
                    <th scope="col">"What"</th>
                    <th scope="col" class="figure">"A second"</th>
                    <th scope="col" class="figure">"Median"</th>
                    <th scope="col" class="figure">"p99"</th>
                    <td></td>
                </tr>
            </thead>
            <tbody>
                {rows.into_iter().map(|row| view! {
                    <tr>
                        <th scope="row">{row.what}</th>
                        <td class="figure">{grouped(row.per_second as u64)}</td>
                        <td class="figure">{duration(row.p50_ms)}</td>
                        <td class="figure">{row.p99_ms.map(duration)}</td>
                        <td class="length">
                            <span class="bar-of" style:width=format!("{:.1}%", 100.0 * row.per_second / most)></span>
                        </td>
                    </tr>
                }).collect_view()}
            </tbody>
        </table>
    }
}

struct Row {
    what: &'static str,
    per_second: f64,
    p50_ms: f64,
    /// `None` of a sum of medians.
    p99_ms: Option<f64>,
}

fn rows(load: Load, figures: &Figures, of_tabs: bool) -> Vec<Row> {
    let mut rows = vec![Row {
        what: match (load.kind, of_tabs) {
            (Kind::Put, true) => "tabraft, writes",
            (Kind::Get, true) => "tabraft, linearizable reads",
            (Kind::Put, false) => "etcd from this page, writes",
            (Kind::Get, false) => "etcd from this page, linearizable reads",
        },
        per_second: figures.ops_per_second,
        p50_ms: figures.p50_ms,
        p99_ms: Some(figures.p99_ms),
    }];
    if let Some(beside) = figures.beside {
        rows.push(Row {
            what: "IndexedDB alone, writes",
            per_second: beside.plain.ops_per_second,
            p50_ms: beside.plain.p50_ms,
            p99_ms: Some(beside.plain.p99_ms),
        });
        let floor_ms = beside.floor.sum_ms();
        rows.push(Row {
            what: "The browser's floor of a lone write",
            per_second: 1e3 / floor_ms.max(f64::MIN_POSITIVE),
            p50_ms: floor_ms,
            p99_ms: None,
        });
    }
    rows
}

fn sentence(load: Load, figures: &Figures) -> String {
    let what = match load.kind {
        Kind::Put => "writes",
        Kind::Get => "linearizable reads",
    };
    let rate = grouped(figures.ops_per_second as u64);
    let ours = format!("{rate} {what} a second, {} at once.", load.in_flight);
    let Some(beside) = figures.beside else {
        return ours;
    };
    let times = match load.kind {
        Kind::Put if beside.plain.ops_per_second > 0.0 => {
            let ratio = figures.ops_per_second / beside.plain.ops_per_second;
            format!(" That is {ratio:.1} times IndexedDB alone, which keeps one copy.")
        }
        _ => String::new(),
    };
    format!(
        "{ours}{times} Here a channel's round trip takes {} from the page to a worker and {} between \
         workers, and a strict transaction {} while three workers write.",
        duration(beside.floor.round_trip_ms),
        duration(beside.floor.worker_round_trip_ms),
        duration(beside.floor.transaction_ms),
    )
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::client::bench::{Beside, Floor, Plain};

    #[test]
    fn what_was_measured_is_a_sentence() {
        let mut load = Load {
            ops: 10_000,
            in_flight: 64,
            value_bytes: 256,
            kind: Kind::Put,
        };
        let mut figures = Figures {
            ops: 10_000,
            seconds: 1.0,
            ops_per_second: 10_000.4,
            p50_ms: 6.0,
            p99_ms: 12.0,
            beside: None,
        };
        let ours = "10,000 writes a second, 64 at once.";
        assert_eq!(sentence(load, &figures), ours);
        assert_eq!(rows(load, &figures, true).len(), 1);
        figures.beside = Some(Beside {
            floor: Floor {
                round_trip_ms: 0.4,
                worker_round_trip_ms: 0.3,
                transaction_ms: 0.9,
            },
            plain: Plain {
                ops_per_second: 800.0,
                p50_ms: 80.0,
                p99_ms: 120.0,
            },
        });
        let floor = "Here a channel's round trip takes 0.40 ms from the page to a worker and 0.30 ms \
                     between workers, and a strict transaction 0.90 ms while three workers write.";
        let times = "That is 12.5 times IndexedDB alone, which keeps one copy.";
        assert_eq!(sentence(load, &figures), format!("{ours} {times} {floor}"));
        let drawn = rows(load, &figures, true);
        assert_eq!(drawn.len(), 3);
        assert!(
            (drawn[2].p50_ms - 1.6).abs() < 1e-9,
            "the floor is their sum"
        );
        load.kind = Kind::Get;
        let reads = "10,000 linearizable reads a second, 64 at once.";
        assert_eq!(sentence(load, &figures), format!("{reads} {floor}"));
    }
}
