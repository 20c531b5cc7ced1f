//! Picks cases, runs them, prints the name, the outcome and the time of each.
//!
//! ```text
//! cargo test -p tabraft-browser-tests                          all, two at a time
//! cargo test -p tabraft-browser-tests -- kill_leader           those whose name contains it
//! cargo test -p tabraft-browser-tests -- firefox/ --jobs 1     one browser, one at a time
//! cargo test -p tabraft-browser-tests -- crash --repeat 10     the same again and again
//! cargo test -p tabraft-browser-tests -- --list
//! CASE_SECONDS=3600 KILLS=200 cargo test -p tabraft-browser-tests -- two_long_run
//! ```

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::browser::Kind;
use crate::case::Case;
use crate::processes;

/// A case that takes longer hangs, unless `CASE_SECONDS` says otherwise.
const CASE_DEADLINE_S: u64 = 240;

type Body = for<'a> fn(&'a Case) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

pub struct Entry {
    pub name: &'static str,
    pub kinds: &'static [Kind],
    /// Runs with nothing beside it: it measures.
    pub alone: bool,
    pub body: Body,
}

pub const CHROMIUM: &[Kind] = &[Kind::Chromium];
pub const BOTH: &[Kind] = &[Kind::Chromium, Kind::Firefox];

/// `entry!(BOTH, module::case)`: an [`Entry`] named after its function.
#[macro_export]
macro_rules! entry {
    ($kinds:expr, $module:ident :: $case:ident) => {
        $crate::runner::Entry {
            name: stringify!($case),
            kinds: $kinds,
            alone: false,
            body: |case| Box::pin($module::$case(case)),
        }
    };
}

struct Options {
    filters: Vec<String>,
    jobs: usize,
    repeat: usize,
    list: bool,
}

fn options() -> Result<Options> {
    let mut options = Options {
        filters: vec![],
        jobs: 2,
        repeat: 1,
        list: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> Result<usize> {
            let value = arguments
                .next()
                .with_context(|| format!("{argument} takes a number"))?;
            let number = value.parse()?;
            if number == 0 {
                bail!("{argument} takes a number from 1");
            }
            Ok(number)
        };
        match argument.as_str() {
            "--jobs" | "--test-threads" => options.jobs = number()?,
            "--repeat" => options.repeat = number()?,
            "--list" => options.list = true,
            // What `cargo test` passes on for libtest.
            "--nocapture" | "--quiet" | "-q" => {}
            other if other.starts_with('-') => bail!("unknown option {other}"),
            filter => options.filters.push(filter.to_owned()),
        }
    }
    Ok(options)
}

/// The whole of a test binary's `main`.
pub fn run(entries: &'static [Entry]) -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(2);
        }
    };
    let mut chosen = vec![];
    for entry in entries {
        for &kind in entry.kinds {
            let full = format!("{}/{}", kind.name(), entry.name);
            let wanted = options.filters.is_empty()
                || options
                    .filters
                    .iter()
                    .any(|filter| full.contains(filter.as_str()));
            if wanted {
                let one = Chosen { full, kind, entry };
                chosen.extend((0..options.repeat).map(|_| one.clone()));
            }
        }
    }
    if options.list {
        chosen.iter().for_each(|it| println!("{}: test", it.full));
        return ExitCode::SUCCESS;
    }
    if chosen.is_empty() {
        eprintln!("no case is named so");
        return ExitCode::from(2);
    }
    run_all(chosen, options.jobs)
}

#[derive(Clone)]
struct Chosen {
    full: String,
    kind: Kind,
    entry: &'static Entry,
}

fn run_all(chosen: Vec<Chosen>, jobs: usize) -> ExitCode {
    std::thread::spawn(end_browsers_when_interrupted);
    let started = Instant::now();
    let total = chosen.len();
    println!("\nrunning {total} browser cases, {jobs} at a time");
    let done = Mutex::new(0);
    let failed = Mutex::new(vec![]);
    let run = |one: &Chosen| {
        let started = Instant::now();
        let result = run_one(one);
        let seconds = started.elapsed().as_secs_f64();
        let outcome = if result.is_ok() { "ok" } else { "FAILED" };
        let n = {
            let mut done = locked(&done);
            *done += 1;
            *done
        };
        println!(
            "[{n:>2}/{total}] {:<42} {outcome:<6} {seconds:>6.1} s",
            one.full
        );
        if let Err(error) = result {
            for cause in error.chain() {
                // A driver's own stack trace says nothing about the page.
                let cause = cause.to_string();
                let cause = cause.split("Stacktrace:").next().unwrap_or_default();
                println!("       {}", cause.trim_end());
            }
            locked(&failed).push(one.full.clone());
        }
    };
    let (alone, beside): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|it| it.entry.alone);
    let queue = Mutex::new(VecDeque::from(beside));
    std::thread::scope(|threads| {
        for _ in 0..jobs {
            threads.spawn(|| {
                loop {
                    let next = locked(&queue).pop_front();
                    let Some(one) = next else { break };
                    run(&one);
                }
            });
        }
    });
    alone.iter().for_each(run);

    let failed = locked(&failed);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} passed, {} failed, {seconds:.0} s",
        total - failed.len(),
        failed.len()
    );
    for full in failed.iter() {
        println!("  failed: {full}");
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// An interrupted test must not leave browsers behind, which run on by themselves.
fn end_browsers_when_interrupted() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        processes::kill(&processes::descendants(std::process::id())).await?;
        std::process::exit(130)
    })
}

/// The number in the environment variable, or another.
pub fn number_from(variable: &str, otherwise: u64) -> Result<u64> {
    match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| variable.to_owned()),
        Err(_) => Ok(otherwise),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|it| it.into_inner())
}

fn run_one(one: &Chosen) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let deadline = Duration::from_secs(number_from("CASE_SECONDS", CASE_DEADLINE_S)?);
    let case = runtime.block_on(Case::start(one.entry.name, one.kind))?;
    // A panic is a failure like another: its evidence is kept, and the other cases go on.
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let body = (one.entry.body)(&case);
            let ended = tokio::time::timeout(deadline, body).await;
            ended.unwrap_or_else(|_| Err(anyhow!("not done after {deadline:?}")))?;
            case.ensure_clean().await
        })
    }));
    let mut result = ended.unwrap_or_else(|_| Err(anyhow!("it panicked, see above")));
    if let Err(error) = result {
        let folder = runtime.block_on(case.keep_evidence())?;
        result = Err(error.context(format!("see {}", folder.display())));
    }
    runtime.block_on(case.end())?;
    result
}
