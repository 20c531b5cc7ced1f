//! What is told of a seed that failed.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tabraft::sim::campaign::{Outcome, Scenario};
use tabraft::sim::shrink::shrink;

/// Runs that may be spent on making a scenario smaller.
const SHRINKING_RUNS: usize = 1_500;

/// Where and why a thread panicked last.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A panic in a run is a verdict, and not for the screen.
pub fn note_panics() {
    std::panic::set_hook(Box::new(|panic| {
        *super::lock(&PANIC) = Some(panic.to_string());
    }));
}

/// Tells which seed failed and why; makes it smaller, and writes what then happens.
pub fn explain(seed: u64, outcome: &Outcome) {
    let broken = |outcome: &Outcome| outcome.violation.clone().unwrap_or_default();
    println!("SEED={seed} fails: {}", broken(outcome));
    let small = shrink(&Scenario::of(seed), SHRINKING_RUNS, |outcome| {
        outcome.violation.is_some()
    });
    let (outcome, mut lines) = small.trace();
    lines.push(broken(&outcome));
    lines.extend(super::lock(&PANIC).take());
    println!(
        "with {} strikes and {} requests it still fails: {}",
        small.strikes.len(),
        outcome.ops,
        broken(&outcome)
    );
    let mut all = vec![
        format!("{:#?}", small.settings),
        format!("{:?}", small.plan),
    ];
    all.extend(small.strikes.iter().map(|timed| format!("{timed:?}")));
    all.extend(lines);
    write(seed, &all);
    println!("make sim SEED={seed} runs all of it again");
}

/// Writes the trace of a seed.
pub fn write(seed: u64, lines: &[String]) {
    let beside: &Path = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder: PathBuf = beside.parent().unwrap_or(beside).join("sim");
    let file = folder.join(format!("{seed}.txt"));
    let mut text = lines.join("\n");
    text.push('\n');
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, text));
    match written {
        Ok(()) => println!("what happens is in {}", file.display()),
        Err(error) => println!("the trace could not be written: {error}"),
    }
}
