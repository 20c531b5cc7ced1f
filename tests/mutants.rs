//! Do the checks catch what they are for? Every bug of [`tabraft::planted`] is planted in turn, and
//! the campaign's seeds are run until one of them fails: `make sim-mutants`. A bug that none of
//! them finds fails this, and so does a seed that fails without any.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tabraft::planted::{Bug, plant};
use tabraft::sim::campaign::run;

/// Seeds within which every bug must be found.
const SEEDS: u64 = 300;
/// Of what was broken, so much is shown.
const WORDS_MAX: usize = 110;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    // A run that panics is a run that failed; its words are in the outcome.
    std::panic::set_hook(Box::new(|_| {}));
    // The first has no bug at all.
    let plants: Vec<Option<Bug>> = [None]
        .into_iter()
        .chain(Bug::ALL.iter().map(|it| Some(*it)))
        .collect();
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(0);
    println!("{:<28} {:>6}  what was broken", "bug", "seeds");
    let work = || {
        while let Some(bug) = plants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = seek(*bug);
            let as_wanted = found.is_some() == bug.is_some();
            println!("{}", row(*bug, found, as_wanted));
            *missed.lock().unwrap_or_else(|it| it.into_inner()) += u32::from(!as_wanted);
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (0..cores).for_each(|_| {
            scope.spawn(work);
        });
    });
    match missed.into_inner().unwrap_or_else(|it| it.into_inner()) {
        0 => ExitCode::SUCCESS,
        missed => {
            println!("{missed} not as it should be");
            ExitCode::FAILURE
        }
    }
}

/// The seeds it took, and what was broken.
fn seek(bug: Option<Bug>) -> Option<(u64, String)> {
    plant(bug);
    let found = (0..SEEDS).find_map(|seed| Some((seed + 1, run(seed).violation?)));
    plant(None);
    found
}

fn row(bug: Option<Bug>, found: Option<(u64, String)>, as_wanted: bool) -> String {
    let name = bug.map_or("none".to_owned(), |bug| format!("{bug:?}"));
    let (seeds, mut words) = match found {
        Some((seeds, words)) => (seeds.to_string(), words.replace('\n', " ")),
        None => (SEEDS.to_string(), "nothing".to_owned()),
    };
    if let Some((at, _)) = words.char_indices().nth(WORDS_MAX) {
        words.truncate(at);
        words += "...";
    }
    let verdict = if as_wanted {
        ""
    } else {
        "  <- NOT AS IT SHOULD BE"
    };
    format!("{name:<28} {seeds:>6}  {words}{verdict}")
}
