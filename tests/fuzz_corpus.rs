//! The fuzzers' corpus, replayed: `tests/fuzz/corpus/<target>/`. Files there are either made from real
//! values, by [`seeds`], or what a fuzzer found once. `TABRAFT_WRITE_CORPUS=1 cargo test --test
//! fuzz_corpus` writes the made ones anew, after a change of a format.

#[path = "fuzz/src/lib.rs"]
mod fuzz;
#[path = "fuzz_corpus/seeds.rs"]
mod seeds;

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target)
}

fn files(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(corpus(target))
        .expect("a corpus")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a file");
            (path, bytes)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn all_of_it_is_survived() {
    for (target, run) in fuzz::TARGETS {
        let files = files(target);
        assert!(files.len() >= 3, "{target} has {} files", files.len());
        for (path, bytes) in files {
            println!("{}", path.display());
            run(&bytes);
        }
    }
}

/// Else a change of a format would leave fuzzers with nothing that decodes.
#[test]
fn the_seeds_are_of_todays_formats() {
    let write = std::env::var_os("TABRAFT_WRITE_CORPUS").is_some();
    for (target, name, bytes) in seeds::all() {
        let path = corpus(target).join(name);
        if write {
            std::fs::create_dir_all(corpus(target)).expect("a folder");
            std::fs::write(&path, &bytes).expect("written");
        }
        let stored = std::fs::read(&path).unwrap_or_default();
        assert!(stored == bytes, "{} is out of date", path.display());
    }
}

/// The seeds come past every check, so that what is changed in them is read.
#[test]
fn the_seeds_decode() {
    for (target, name, bytes) in seeds::all() {
        assert!(seeds::is_read(target, &bytes), "{target}/{name}");
    }
}
