//! What is printed: the progress, and the tables in Markdown.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cell::{Cell, Durability, IN_FLIGHT, Op, SIZES, Shape, Who};
use crate::goals::figure;
use crate::results::Results;

/// Tells what is under way.
pub struct Progress {
    began: Instant,
    parts: usize,
    part: std::cell::Cell<usize>,
}

impl Progress {
    pub fn new(parts: usize) -> Self {
        Self {
            began: Instant::now(),
            parts,
            part: 0.into(),
        }
    }

    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub fn part(&self, name: &str) {
        self.part.set(self.part.get() + 1);
        let (seconds, part) = (self.seconds() as u64, self.part.get());
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        println!(
            "[{part}/{}] {name}  [{minutes} min {seconds} s]",
            self.parts
        );
    }

    pub fn contender(&self, who: Who, durability: Durability) {
        println!("    {}, {}", who.name(), durability.name());
    }

    pub fn cell(&self, cell: &Cell) {
        let failures = match cell.failures() {
            0 => String::new(),
            failures => {
                let first = cell.runs.iter().find_map(|it| it.failed.first());
                format!(", {failures} FAILED, first: {}", first.map_or("", |it| it))
            }
        };
        self.say(&format!(
            "{}: {}/s ±{:.0} %, p50 {} ms, p99 {} ms{failures}",
            name_of(cell.shape),
            figure(cell.per_second()),
            cell.spread() * 50.0,
            cell.p50_ms().map_or_else(|| "-".into(), figure),
            cell.p99_ms().map_or_else(|| "-".into(), figure),
        ));
    }

    pub fn say(&self, words: &str) {
        println!("      {words}");
    }

    /// How far a long part is, where somebody looks on.
    pub fn step(&self, done: u64, of: u64) {
        let mut out = std::io::stdout();
        if out.is_terminal() {
            let end = if done == of { "\n" } else { "" };
            print!("\r      {done} of {of}{end}");
            // A progress that is not shown is no failure.
            let _shown = out.flush();
        }
    }
}

fn name_of(shape: Shape) -> String {
    let op = match shape.op {
        Op::Put => "put",
        Op::Get => "get",
        Op::Mix => "mix",
    };
    format!("{op} {} x {}", size(shape.value_bytes), shape.in_flight)
}

fn size(bytes: u64) -> String {
    match bytes {
        it if it >= 1 << 10 => format!("{} KiB", it >> 10),
        it => format!("{it} B"),
    }
}

/// Puts a run between the marks of the documents: all its tables in `docs/speed.md`, and how it
/// stands by the goals in the project's `README.md`.
pub fn publish(path: &Path) -> Result<()> {
    let all: Results = serde_json::from_slice(&std::fs::read(path)?)
        .with_context(|| format!("{} is not a run of this bench", path.display()))?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    put(&project.join("docs/speed.md"), &markdown(&all))?;
    put(&project.join("README.md"), &summary(&all))?;
    println!(
        "README.md and docs/speed.md have the figures of {}.",
        all.machine.date
    );
    Ok(())
}

fn put(page: &Path, figures: &str) -> Result<()> {
    const BEGIN: &str = "<!-- figures: begin -->\n";
    const END: &str = "<!-- figures: end -->";
    let text = std::fs::read_to_string(page)?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{} has no marks", page.display()))?;
    std::fs::write(page, format!("{before}{BEGIN}\n{figures}\n{END}{after}"))?;
    Ok(())
}

/// When and where, and how it stands by the goals.
fn summary(all: &Results) -> String {
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let machine = &all.machine;
    let etcd = machine
        .etcd
        .as_deref()
        .map_or_else(|| "no etcd".into(), |it| format!("etcd {it}"));
    let dexie = machine
        .dexie
        .as_deref()
        .map_or_else(|| "no Dexie".into(), |it| format!("Dexie {it}"));
    say(&format!(
        "{}, {} x {}, {:.0} GiB, {}; {}, {etcd}, {dexie}; commit {}; load {:.1} before, {:.1} after. \
         {} runs of {} s each, medians.",
        machine.date,
        machine.processors,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.browser,
        machine.commit,
        machine.load_before,
        machine.load_after,
        all.options.runs,
        all.options.run_ms as f64 / 1e3,
    ));
    say("");
    say("| what | goal | got | |");
    say("|---|---|---|---|");
    for goal in &all.goals {
        let met = goal
            .met
            .map_or("not measured", |met| if met { "met" } else { "missed" });
        say(&format!(
            "| {} | {} | {} | {met} |",
            goal.what, goal.goal, goal.got
        ));
    }
    text
}

/// All tables, in Markdown.
pub fn markdown(all: &Results) -> String {
    let mut text = summary(all);
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    if let Some(floor) = &all.floor {
        say("");
        say("| the floor | p50 | p99 |");
        say("|---|---|---|");
        let mut row = |what: &str, p50: f64, p99: Option<f64>| {
            let p99 = p99.map_or_else(String::new, |it| format!("{} ms", figure(it)));
            say(&format!("| {what} | {} ms | {p99} |", figure(p50)));
        };
        row(
            "channel round trip, page and worker",
            floor.page_round_trip_ms,
            Some(floor.page_round_trip_p99_ms),
        );
        row(
            "channel round trip, two workers",
            floor.worker_round_trip_ms,
            Some(floor.worker_round_trip_p99_ms),
        );
        row(
            "a strict transaction, three workers writing",
            floor.transaction_ms,
            Some(floor.transaction_p99_ms),
        );
        row("their sum: the floor", floor.sum_ms, None);
        row(
            "the same way in one piece",
            floor.way_ms,
            Some(floor.way_p99_ms),
        );
    }
    for (name, downtimes) in [
        ("worker terminated", &all.failover_worker),
        ("renderer killed", &all.failover_renderer),
        ("etcd's leader killed", &all.failover_etcd),
    ] {
        if let Some(downtimes) = downtimes {
            say("");
            say(&format!("Failover, {name}: {}.", downtimes.in_short()));
        }
    }
    if let Some(long) = &all.long {
        say("");
        say(&format!(
            "{} writes of 256 B, {:.0}/s; by tenths:",
            long.writes, long.per_second
        ));
        say("");
        say("| done after | page's objects | leader's process | databases |");
        say("|---|---|---|---|");
        for tenth in &long.tenths {
            let mib = |bytes: u64| bytes >> 20;
            say(&format!(
                "| {:.1} s | {} MiB | {} MiB | {} MiB |",
                tenth.ms / 1e3,
                mib(tenth.heap_bytes),
                mib(tenth.leader_bytes),
                mib(tenth.storage_bytes)
            ));
        }
    }
    for op in [Op::Put, Op::Get, Op::Mix] {
        table(all, op, &mut say);
    }
    say("");
    say(
        "The bench checked against itself: acknowledged writes and entries applied, with the most that may be \
         beside them, and keys written and keys found.",
    );
    say("");
    say("| part | acknowledged | applied | beside, at most | keys written | found | |");
    say("|---|---|---|---|---|---|---|");
    for check in &all.checks {
        let holds = if check.holds() { "holds" } else { "BROKEN" };
        say(&format!(
            "| {} | {} | {} | {} | {} | {} | {holds} |",
            check.what,
            check.acknowledged,
            check.applied,
            check.beside_max,
            check.keys_written,
            check.keys_found
        ));
    }
    for why in &all.left_out {
        say("");
        say(&format!("Left out: {why}"));
    }
    text
}

const COLUMNS: [(&str, Who, Durability); 9] = [
    ("three tabs", Who::ThreeTabs, Durability::Strict),
    ("three tabs, relaxed", Who::ThreeTabs, Durability::Relaxed),
    ("one tab", Who::OneTab, Durability::Strict),
    ("one tab, relaxed", Who::OneTab, Durability::Relaxed),
    ("IndexedDB", Who::Plain, Durability::Strict),
    ("IndexedDB, relaxed", Who::Plain, Durability::Relaxed),
    ("Dexie", Who::Dexie, Durability::Strict),
    ("Dexie, relaxed", Who::Dexie, Durability::Relaxed),
    ("etcd", Who::Etcd, Durability::Strict),
];

/// One operation: a row for each size and number in flight, a column for each contender.
fn table(all: &Results, op: Op, say: &mut impl FnMut(&str)) {
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, who, durability)| {
            let mut cells = all.cells.iter();
            cells.any(|it| (it.who, it.durability, it.shape.op) == (*who, *durability, op))
        })
        .collect();
    if columns.is_empty() {
        return;
    }
    let title = match op {
        Op::Put => "Puts",
        Op::Get => "Linearizable gets",
        Op::Mix => "Puts and gets by turns",
    };
    say("");
    say(&format!(
        "{title}: answered a second, ± half of the spread of the runs, p50 / p99 in ms."
    ));
    say("");
    let names: Vec<&str> = columns.iter().map(|it| it.0).collect();
    say(&format!("| size x in flight | {} |", names.join(" | ")));
    say(&format!("|---|{}", "---|".repeat(columns.len())));
    for value_bytes in SIZES {
        for in_flight in IN_FLIGHT {
            let shape = Shape {
                op,
                value_bytes,
                in_flight,
            };
            let cells: Vec<String> = columns
                .iter()
                .map(|(_, who, durability)| {
                    all.cell(*who, *durability, shape)
                        .map_or_else(String::new, written)
                })
                .collect();
            if cells.iter().any(|it| !it.is_empty()) {
                say(&format!(
                    "| {} x {in_flight} | {} |",
                    size(value_bytes),
                    cells.join(" | ")
                ));
            }
        }
    }
}

fn written(cell: &Cell) -> String {
    let ms = |it: Option<f64>| it.map_or_else(|| "-".into(), figure);
    let failed = match cell.failures() {
        0 => String::new(),
        some => format!(", {some} failed"),
    };
    format!(
        "{}/s ±{:.0} %, {} / {}{failed}",
        figure(cell.per_second()),
        cell.spread() * 50.0,
        ms(cell.p50_ms()),
        ms(cell.p99_ms())
    )
}
