//! Picks cases, runs them, prints the name, the outcome and the time of each.
//!
//! ```text
//! cargo test -p tabraft-browser-tests                          all, two at a time
//! cargo test -p tabraft-browser-tests -- kill_leader           those whose name contains it
//! cargo test -p tabraft-browser-tests -- firefox/ --jobs 1     one browser, one at a time
//! cargo test -p tabraft-browser-tests -- crash --repeat 10     the same again and again
//! cargo test -p tabraft-browser-tests -- --list
//! cargo test -p tabraft-browser-tests -- firefox/ --everywhere    also cases meant for others only
//! CASE_SECONDS=3600 KILLS=200 cargo test -p tabraft-browser-tests -- two_long_run
//! ```
//!
//! A browser on a busy machine may fail to do something in time. A case that failed has a second
//! try, alone, at the end, and the report says so. What must never be ([`Broken`](crate::wait::Broken)) has none.

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
use crate::wait::is_broken;

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
/// WebKit too, where it is installed.
pub const ALL: &[Kind] = &[Kind::Chromium, Kind::Firefox, Kind::WebKit];

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
    everywhere: bool,
}

fn options() -> Result<Options> {
    let mut options = Options {
        filters: vec![],
        jobs: 2,
        repeat: 1,
        list: false,
        everywhere: false,
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
            "--everywhere" => options.everywhere = true,
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
        let kinds = if options.everywhere { ALL } else { entry.kinds };
        for &kind in kinds {
            let full = format!("{}/{}", kind.name(), entry.name);
            let wanted = options.filters.is_empty()
                || options
                    .filters
                    .iter()
                    .any(|filter| full.contains(filter.as_str()));
            if wanted {
                let one = Chosen {
                    full,
                    kind,
                    entry,
                    failed: None,
                };
                chosen.extend((0..options.repeat).map(|_| one.clone()));
            }
        }
    }
    if options.list {
        chosen.iter().for_each(|it| println!("{}: test", it.full));
        return ExitCode::SUCCESS;
    }
    let webkit = chosen.iter().filter(|it| it.kind == Kind::WebKit).count();
    if webkit > 0
        && let Some(why) = Kind::WebKit.left_out()
    {
        println!("{webkit} cases in WebKit are left out: {why}");
        chosen.retain(|it| it.kind != Kind::WebKit);
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
    /// Why it failed at the first try.
    failed: Option<String>,
}

fn run_all(chosen: Vec<Chosen>, jobs: usize) -> ExitCode {
    std::thread::spawn(end_browsers_when_interrupted);
    let started = Instant::now();
    let total = chosen.len();
    println!("\nrunning {total} browser cases, {jobs} at a time");
    let report = Report::of(total);
    let (alone, beside): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|it| it.entry.alone);
    let queue = Mutex::new(VecDeque::from(beside));
    std::thread::scope(|threads| {
        for _ in 0..jobs {
            threads.spawn(|| {
                loop {
                    let next = locked(&queue).pop_front();
                    let Some(one) = next else { break };
                    report.first_try(&one);
                }
            });
        }
    });
    alone.iter().for_each(|one| report.first_try(one));
    report.second_tries();
    report.end(started)
}

/// How the cases went.
struct Report {
    total: usize,
    tried: Mutex<usize>,
    again: Mutex<Vec<Chosen>>,
    /// Names and reasons of those that failed for good.
    failed: Mutex<Vec<(String, String)>>,
    /// The same of those that passed at the second try.
    late: Mutex<Vec<(String, String)>>,
}

impl Report {
    fn of(total: usize) -> Self {
        Self {
            total,
            tried: Mutex::new(0),
            again: Mutex::default(),
            failed: Mutex::default(),
            late: Mutex::default(),
        }
    }

    fn first_try(&self, one: &Chosen) {
        let (ended, seconds) = timed(one);
        let n = {
            let mut tried = locked(&self.tried);
            *tried += 1;
            *tried
        };
        let place = format!("{n:>2}/{}", self.total);
        let Err(error) = ended else {
            return tell(&place, one, "ok", seconds, "");
        };
        let reason = reason(&error);
        if is_broken(&error) {
            tell(&place, one, "FAILED", seconds, &reason);
            locked(&self.failed).push((one.full.clone(), reason));
        } else {
            tell(&place, one, "again", seconds, &reason);
            locked(&self.again).push(Chosen {
                failed: Some(reason),
                ..one.clone()
            });
        }
    }

    fn second_tries(&self) {
        for one in locked(&self.again).iter() {
            let (ended, seconds) = timed(one);
            match ended {
                Ok(()) => {
                    tell("2nd", one, "ok", seconds, "");
                    let first = one.failed.clone().unwrap_or_default();
                    locked(&self.late).push((one.full.clone(), first));
                }
                Err(error) => {
                    let reason = reason(&error);
                    tell("2nd", one, "FAILED", seconds, &reason);
                    locked(&self.failed).push((one.full.clone(), reason));
                }
            }
        }
    }

    fn end(&self, started: Instant) -> ExitCode {
        let (failed, late) = (locked(&self.failed), locked(&self.late));
        println!(
            "{} passed, {} of them at the second try, {} failed, {:.0} s",
            self.total - failed.len(),
            late.len(),
            failed.len(),
            started.elapsed().as_secs_f64()
        );
        for (name, reason) in late.iter() {
            println!("  passed at the second try: {name}\n{reason}");
        }
        for (name, reason) in failed.iter() {
            println!("  failed: {name}\n{reason}");
        }
        if failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn timed(one: &Chosen) -> (Result<()>, f64) {
    let started = Instant::now();
    let ended = run_one(one);
    (ended, started.elapsed().as_secs_f64())
}

fn tell(place: &str, one: &Chosen, outcome: &str, seconds: f64, reason: &str) {
    let name = &one.full;
    println!("[{place:>5}] {name:<42} {outcome:<6} {seconds:>6.1} s");
    if !reason.is_empty() {
        println!("{reason}");
    }
}

/// The causes, a line each.
fn reason(error: &anyhow::Error) -> String {
    let causes = error.chain().map(|cause| {
        // A driver's own stack trace says nothing about the page.
        let cause = cause.to_string();
        let cause = cause.split("Stacktrace:").next().unwrap_or_default();
        format!("       {}", cause.trim_end())
    });
    causes.collect::<Vec<_>>().join("\n")
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
        let mut context = format!("see {}", folder.display());
        for line in case.browser.storage_complaints().iter().take(10) {
            context += &format!("\nthe browser: {line}");
        }
        result = Err(error.context(context));
    }
    runtime.block_on(case.end())?;
    result
}
