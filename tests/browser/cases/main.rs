//! tabraft in real browsers. `src/runner.rs` says how to pick cases; each case says what it proves.
//!
//! The release build is tested, as users get it: `make build` first.

mod bad_input;
mod basics;
mod deaths;
mod foreign_messages;
mod harness;
mod page_states;
mod partitions;
mod sustained;
mod tabs;

use tabraft_browser_tests::entry;
use tabraft_browser_tests::runner::{BOTH, CHROMIUM, Entry, run};

/// The long ones first: two run at a time.
const CASES: &[Entry] = &[
    entry!(BOTH, harness::harness_notices),
    entry!(BOTH, deaths::kill_whole_browser),
    entry!(BOTH, deaths::kill_leader_renderer),
    entry!(BOTH, deaths::kill_two_at_once),
    entry!(BOTH, deaths::crash_leader_worker),
    entry!(BOTH, tabs::two_hosts),
    entry!(BOTH, tabs::hand_over),
    entry!(BOTH, tabs::reload),
    entry!(BOTH, basics::open_write_read),
    entry!(CHROMIUM, partitions::leader_cut_off),
    entry!(CHROMIUM, partitions::applied_once),
    entry!(CHROMIUM, partitions::paused_leader),
    entry!(CHROMIUM, basics::client_only_tab),
    entry!(CHROMIUM, basics::relocatable),
    entry!(CHROMIUM, bad_input::bad_calls),
    entry!(CHROMIUM, bad_input::bad_url),
    entry!(CHROMIUM, foreign_messages::foreign_messages),
    Entry {
        alone: true,
        ..entry!(CHROMIUM, page_states::page_states)
    },
    Entry {
        alone: true,
        ..entry!(CHROMIUM, sustained::sustained)
    },
];

fn main() -> std::process::ExitCode {
    run(CASES)
}
