//! The campaign: whole clusters under faults, one a seed. `cargo test` runs 10,000 of them.
//!
//! - `SEEDS=100000`: so many; with the argument `--on` and without a number, until Enter is pressed
//! - `SEED=17`: that one, twice, to the same byte, with a trace in `target/sim/17.txt`
//!
//! A campaign fails on the first promise that is broken, and if any kind of fault never happened.
//! The scenario that failed is made smaller while it still fails, and traced.

#[path = "sim/failure.rs"]
mod failure;
#[path = "sim/tally.rs"]
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tabraft::sim::campaign::{Outcome, Scenario, run};

use tally::Tally;

const SEEDS: u64 = 10_000;
/// Fewer seeds may well miss a kind of fault.
const COVERING_SEEDS: u64 = 1_000;
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_meant = filter.is_none_or(|filter| "sim".contains(filter.as_str()));
    if !is_meant || arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    failure::note_panics();
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let goes_on = arguments.iter().any(|argument| argument == "--on");
    let seeds = number("SEEDS").or((!goes_on).then_some(SEEDS));
    campaign(seeds, goes_on)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs so many seeds, or all there are, on all cores.
fn campaign(seeds: Option<u64>, tells: bool) -> ExitCode {
    let next = AtomicU64::new(0);
    let stop = Arc::new(AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    let failed: Mutex<Option<(u64, Outcome)>> = Mutex::new(None);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seeds.is_some_and(|seeds| seed >= seeds) {
                break;
            }
            let outcome = run(seed);
            lock(&tally).add(&outcome);
            if outcome.violation.is_some() {
                stop.store(true, Ordering::Relaxed);
                let mut failed = lock(&failed);
                // The smallest seed, whichever thread came first.
                if failed.as_ref().is_none_or(|(known, _)| seed < *known) {
                    *failed = Some((seed, outcome));
                }
            }
        }
    };
    if seeds.is_none() {
        println!("until Enter is pressed, or for SEEDS=...");
        let stop = Arc::clone(&stop);
        // Ends with the program: nobody may ever press anything.
        std::thread::spawn(move || tally::wait_for_enter(&stop));
    }
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut waited = Duration::ZERO;
        let pause = Duration::from_millis(100);
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::sleep(pause);
            waited += pause;
            if tells && waited >= PROGRESS_EVERY {
                waited = Duration::ZERO;
                println!("{}", lock(&tally));
            }
        }
    });
    let tally = lock(&tally);
    println!("{}\n{tally}", tally.faults);
    if let Some((seed, outcome)) = lock(&failed).take() {
        failure::explain(seed, &outcome);
        return ExitCode::FAILURE;
    }
    let missing = tally.faults.missing();
    if tally.seeds >= COVERING_SEEDS && !missing.is_empty() {
        println!("never happened: {missing:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs one seed twice and writes its trace.
fn replay(seed: u64) -> ExitCode {
    let (outcome, lines) = Scenario::of(seed).trace();
    let again = run(seed);
    println!("{}\nseed {seed}: {outcome:?}", outcome.faults);
    println!("every byte hashes to {:016x}", outcome.hash);
    if outcome != again {
        println!("and the second time to {:016x}: {again:?}", again.hash);
        return ExitCode::FAILURE;
    }
    if outcome.violation.is_some() {
        failure::explain(seed, &outcome);
        return ExitCode::FAILURE;
    }
    failure::write(seed, &lines);
    ExitCode::SUCCESS
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
