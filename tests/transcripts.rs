//! Transcripts, as etcd-io/raft has them: files of commands with the output under each. They are
//! there to be read; `REWRITE=1 cargo test --test transcripts` writes the outputs anew.
//!
//! ```text
//! command arguments
//! ----
//! output, until an empty line
//! ```
//!
//! Nothing happens unless told: time passes by `tick`, envelopes and disk writes wait for
//! `stabilize` (until nothing is left) or `deliver` (only what is under way now).

#[path = "transcripts/theater.rs"]
mod theater;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use theater::Theater;

#[test]
fn transcripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of transcripts")
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut differing = Vec::new();
    for file in files {
        let golden = std::fs::read_to_string(&file).expect("a transcript");
        let played = play(&golden);
        if played == golden {
            continue;
        }
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(&file, played).expect("a transcript");
            continue;
        }
        let lines = golden.lines().zip(played.lines()).enumerate();
        let first = lines.into_iter().find(|(_, (a, b))| a != b);
        differing.push(format!("{}: {first:?}", file.display()));
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

/// Plays the commands of a transcript: the transcript with the outputs that came.
fn play(golden: &str) -> String {
    let mut theater = Theater::default();
    let mut played = String::new();
    let mut lines = golden.lines().peekable();
    while let Some(line) = lines.next() {
        let _ = writeln!(played, "{line}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        lines.next_if_eq(&"----");
        while lines.next_if(|line| !line.is_empty()).is_some() {}
        let _ = writeln!(played, "----");
        for told in theater.command(line) {
            let _ = writeln!(played, "{told}");
        }
    }
    played
}
