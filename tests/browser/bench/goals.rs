//! What tabraft is to reach, and what it reached: ratios within one run.

use serde::{Deserialize, Serialize};

use crate::cell::Who;
use crate::frames;
use crate::front::Front;
use crate::results::Results;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    pub what: String,
    pub goal: String,
    /// In words and figures; empty if it was not measured.
    pub got: String,
    pub met: Option<bool>,
}

enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}
use Wanted::{AtLeast, AtMost};

fn ratio(over: Option<f64>, under: Option<f64>) -> Option<f64> {
    Some(over? / under.filter(|it| *it > 0.0)?)
}

fn goal(what: &str, unit: &str, wanted: &Wanted, got: Option<f64>, from: &str) -> Goal {
    let (goal, met) = match *wanted {
        AtLeast(least) => (format!("at least {least}{unit}"), got.map(|it| it >= least)),
        AtMost(most) => (format!("at most {most}{unit}"), got.map(|it| it <= most)),
    };
    let from = match from {
        "" => String::new(),
        from => format!(" ({from})"),
    };
    let got = got.map_or_else(String::new, |it| format!("{}{unit}{from}", figure(it)));
    Goal {
        what: what.to_owned(),
        goal,
        got,
        met,
    }
}

/// Three digits that mean something.
pub fn figure(value: f64) -> String {
    match value.abs() {
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// `a over b`, with what each is.
fn over(a: Option<f64>, b: Option<f64>, unit: &str) -> String {
    match (a, b) {
        (Some(a), Some(b)) => format!("{}{unit} over {}{unit}", figure(a), figure(b)),
        _ => String::new(),
    }
}

pub fn goals(all: &Results) -> Vec<Goal> {
    let ours = all.busy(Who::ThreeTabs);
    let times = |what: &str, wanted: Wanted, a: Option<f64>, b: Option<f64>, unit: &str| {
        goal(what, "", &wanted, ratio(a, b), &over(a, b, unit))
    };
    let ms = |what: &str, most: f64, got: Option<f64>, from: &str| {
        goal(what, " ms", &AtMost(most), got, from)
    };
    let worker = all.failover_worker.as_ref();
    let etcd = all.failover_etcd.as_ref();
    let deaths = worker.map_or_else(String::new, |it| format!("{} deaths", it.all_ms.len()));
    let lone = all.lone_ms(Who::ThreeTabs);
    let restart = all.restart.as_ref();
    let entries = restart.map_or_else(String::new, |it| {
        format!(
            "{} entries: read {:.0} ms, replay {:.0} ms, start {:.0} ms",
            it.entries, it.read_ms, it.replay_ms, it.start_ms
        )
    });
    let long = all.long.as_ref();
    let writes = long.map_or_else(String::new, |it| format!("{} writes", it.writes));
    let hidden = all.hidden.as_ref();
    let minutes = hidden.map_or_else(String::new, |it| format!("{} s", it.seconds));
    let download = all.download.as_ref();
    let frames = all.frames.as_ref();
    let pace = frames.map_or_else(String::new, |it| {
        format!(
            "{:.0}/s; between two frames p99 {:.1} ms",
            it.writes_per_second, it.p99_ms
        )
    });
    let tasks = frames.map_or_else(String::new, |it| {
        format!(
            "of {} tasks; by the clock {:.1} ms, and {} over {} ms",
            it.tasks,
            it.longest_clock_ms,
            it.over_by_clock,
            frames::FRAME_MS
        )
    });
    vec![
        times(
            "puts/s, 256 B, strict, 256 in flight, three tabs, over etcd's",
            AtLeast(3.0),
            ours,
            all.busy(Who::Etcd),
            "/s",
        ),
        times(
            "the same over plain IndexedDB, a strict transaction each",
            AtLeast(30.0),
            ours,
            all.busy(Who::Plain),
            "/s",
        ),
        times(
            "p50 of a lone client's put over the floor",
            AtMost(1.3),
            lone,
            all.floor.as_ref().map(|it| it.sum_ms),
            " ms",
        ),
        times(
            "p50 of a lone client's put over etcd's",
            AtMost(3.0),
            lone,
            all.lone_ms(Who::Etcd),
            " ms",
        ),
        times(
            "linearizable gets/s at 256 in flight over our puts/s",
            AtLeast(3.0),
            all.busy_reads(Who::ThreeTabs),
            ours,
            "/s",
        ),
        ms(
            "failover, worker terminated: p50",
            15.0,
            worker.map(|it| it.p50_ms),
            &deaths,
        ),
        ms(
            "failover, worker terminated: p99",
            60.0,
            worker.map(|it| it.p99_ms),
            &deaths,
        ),
        times(
            "etcd's failover, its leader killed, over it: p50",
            AtLeast(50.0),
            etcd.map(|it| it.p50_ms),
            worker.map(|it| it.p50_ms),
            " ms",
        ),
        ms(
            "failover, renderer killed: p50",
            80.0,
            all.failover_renderer.as_ref().map(|it| it.p50_ms),
            "",
        ),
        ms(
            "restart with a long log: answers linearizable reads itself",
            400.0,
            restart.map(|it| it.ready_ms),
            &entries,
        ),
        goal(
            "cost per write, last tenth over first tenth of a long run",
            "",
            &AtMost(1.1),
            long.map(|it| it.last_over_first),
            &writes,
        ),
        times(
            "five nodes over three, puts/s",
            AtLeast(0.7),
            all.busy(Who::FiveTabs),
            ours,
            "/s",
        ),
        times(
            "nine nodes over three, puts/s",
            AtLeast(0.45),
            all.busy(Who::NineTabs),
            ours,
            "/s",
        ),
        goal(
            "download, all files compressed with brotli",
            " KB",
            &AtMost(350.0),
            download.map(|it| it.brotli_bytes as f64 / 1e3),
            "",
        ),
        ms(
            "cold load to the first acknowledged write",
            1_000.0,
            download.map(|it| it.first_write_ms),
            "",
        ),
        goal(
            "hidden tabs: elections",
            "",
            &AtMost(0.0),
            hidden.map(|it| it.elections as f64),
            &minutes,
        ),
        times(
            "hidden tabs: p99 of a lone put over the foreground's",
            AtMost(2.0),
            hidden.map(|it| it.hidden_p99_ms),
            hidden.map(|it| it.foreground_p99_ms),
            " ms",
        ),
        times(
            "puts/s with the page in front over those of a client without views",
            AtLeast(0.9),
            all.front.as_ref().and_then(Front::page),
            all.front.as_ref().and_then(Front::plain),
            "/s",
        ),
        goal(
            "the page in front while it writes 5,000 a second: frames a second",
            "",
            &AtLeast(50.0),
            frames.map(|it| it.frames_per_second),
            &pace,
        ),
        ms(
            "the same: processor time of the longest task of its main thread",
            frames::FRAME_MS,
            frames.map(|it| it.longest_processor_ms),
            &tasks,
        ),
    ]
}
