//! tabraft in real browsers. `src/runner.rs` says how to pick cases; each case says what it proves.
//!
//! The release build is tested, as users get it: `make build` first.

mod accessible;
mod app;
mod astray;
mod away;
mod backups;
mod bad_input;
mod basics;
mod by_hand;
mod deaths;
mod differences;
mod disks;
mod entry;
mod etcd;
mod etcd_load;
mod etcd_moving;
mod etcd_pages;
mod etcd_silence;
mod etcd_wrong;
mod experiments;
mod fencing;
mod first_visit;
mod foreign_messages;
mod guided;
mod harness;
mod judge;
mod jumps;
mod keyboard;
mod links;
mod load;
mod logs;
mod long_run;
mod losses;
mod map;
mod members;
mod nemesis;
mod page_states;
mod partitions;
mod pressure;
mod reset;
mod salvage;
mod sides;
mod snapshots;
mod speed;
mod sustained;
mod tabs;
mod timeline;
mod two_nodes;

use tabraft_browser_tests::entry;
use tabraft_browser_tests::runner::{ALL, BOTH, CHROMIUM, Entry, run};

/// The long ones first: two run at a time.
const CASES: &[Entry] = &[
    entry!(BOTH, harness::harness_notices),
    entry!(BOTH, experiments::experiments_run),
    entry!(BOTH, experiments::experiments_run_on),
    entry!(BOTH, deaths::kill_whole_browser),
    entry!(BOTH, deaths::kill_leader_renderer),
    entry!(BOTH, deaths::kill_two_at_once),
    entry!(ALL, deaths::crash_leader_worker),
    entry!(BOTH, two_nodes::two_one_dies),
    entry!(ALL, members::members_change),
    entry!(ALL, salvage::e4_e5_salvaged),
    entry!(CHROMIUM, deaths::kill_whole_browser_plain),
    entry!(CHROMIUM, deaths::kill_leader_renderer_plain),
    entry!(CHROMIUM, deaths::kill_two_at_once_plain),
    entry!(CHROMIUM, deaths::crash_leader_worker_plain),
    entry!(BOTH, tabs::two_hosts),
    entry!(ALL, tabs::hand_over),
    entry!(ALL, tabs::reload),
    entry!(ALL, basics::open_write_read),
    entry!(BOTH, pressure::many_at_once),
    entry!(CHROMIUM, pressure::no_room_in_time),
    entry!(CHROMIUM, pressure::large_values_and_heartbeats),
    entry!(CHROMIUM, two_nodes::two_both_die),
    entry!(CHROMIUM, two_nodes::newcomer_without_storage),
    entry!(CHROMIUM, two_nodes::two_of_three_die),
    entry!(CHROMIUM, two_nodes::stopped_is_not_revived),
    entry!(CHROMIUM, salvage::e4_e5_lost),
    entry!(CHROMIUM, salvage::commit_lag),
    entry!(CHROMIUM, fencing::same_id_twice),
    entry!(CHROMIUM, members::members_without_quorum),
    entry!(CHROMIUM, members::sizes),
    entry!(CHROMIUM, members::forgotten_never_votes),
    entry!(CHROMIUM, members::removed_id_again),
    entry!(CHROMIUM, members::damaged_replaced),
    entry!(CHROMIUM, snapshots::wal_bounded),
    entry!(CHROMIUM, snapshots::far_behind),
    entry!(CHROMIUM, snapshots::configure_live),
    entry!(CHROMIUM, backups::export_restore),
    entry!(ALL, guided::experiment_by_hand),
    entry!(CHROMIUM, guided::experiments_by_hand),
    entry!(CHROMIUM, guided::every_step_has_words),
    entry!(CHROMIUM, astray::experiments_gone_astray),
    entry!(CHROMIUM, astray::another_experiment),
    entry!(BOTH, astray::experiment_cut_short),
    entry!(CHROMIUM, experiments::experiments_of_ones_own),
    entry!(CHROMIUM, losses::torn_browser_log),
    entry!(BOTH, losses::lost_databases),
    entry!(CHROMIUM, disks::disk_faults),
    entry!(CHROMIUM, disks::steps_of_a_write),
    entry!(ALL, entry::entry_of_the_log),
    entry!(ALL, differences::replicas_differ),
    entry!(BOTH, logs::logs_scroll),
    entry!(CHROMIUM, by_hand::from_the_page),
    entry!(CHROMIUM, map::messages_on_the_map),
    entry!(BOTH, map::votes_and_tabs_on_the_map),
    entry!(CHROMIUM, links::link_faults_by_hand),
    entry!(CHROMIUM, links::many_links),
    entry!(CHROMIUM, first_visit::first_visit),
    entry!(BOTH, first_visit::settings_kept),
    entry!(CHROMIUM, keyboard::keys_alone),
    entry!(CHROMIUM, jumps::nothing_jumps),
    entry!(CHROMIUM, accessible::axe_finds_nothing_elsewhere),
    entry!(CHROMIUM, accessible::axe_finds_nothing),
    entry!(CHROMIUM, partitions::leader_cut_off),
    entry!(CHROMIUM, sides::sides_by_choosing),
    entry!(CHROMIUM, partitions::applied_once),
    entry!(CHROMIUM, partitions::paused_leader),
    entry!(ALL, timeline::look_back),
    entry!(BOTH, timeline::look_back_at_keys),
    entry!(CHROMIUM, basics::client_only_tab),
    entry!(CHROMIUM, basics::relocatable),
    entry!(ALL, app::nothing_inline),
    entry!(BOTH, app::without_server),
    entry!(BOTH, app::new_version),
    entry!(BOTH, app::development_is_fresh),
    entry!(BOTH, app::worker_missing),
    entry!(CHROMIUM, app::installable),
    entry!(CHROMIUM, bad_input::bad_calls),
    entry!(CHROMIUM, bad_input::bad_url),
    entry!(CHROMIUM, foreign_messages::foreign_messages),
    entry!(ALL, judge::verdict_of_a_tab),
    entry!(CHROMIUM, judge::keys_of_others),
    entry!(BOTH, etcd::etcd_client),
    entry!(BOTH, etcd::etcd_member_killed),
    entry!(CHROMIUM, etcd::etcd_sign_in),
    entry!(BOTH, etcd_moving::etcd_there_and_back),
    entry!(CHROMIUM, etcd_moving::etcd_beside_tabs),
    entry!(CHROMIUM, etcd_moving::etcd_export_killed),
    entry!(CHROMIUM, etcd_moving::etcd_nothing_half_done),
    entry!(CHROMIUM, etcd_moving::etcd_large_values),
    entry!(BOTH, etcd_load::etcd_load),
    entry!(BOTH, etcd_silence::etcd_answers_lost),
    entry!(BOTH, etcd_wrong::etcd_wrong_endpoints),
    entry!(ALL, speed::bench),
    entry!(BOTH, load::load_of_a_mix),
    entry!(CHROMIUM, load::load_piles_nothing_up),
    entry!(CHROMIUM, load::load_from_the_page),
    entry!(BOTH, away::saved_run),
    entry!(CHROMIUM, away::link_for_others),
    entry!(BOTH, reset::reset_everything),
    entry!(CHROMIUM, reset::reset_half_done),
    entry!(CHROMIUM, speed::measured_from_the_page),
    Entry {
        alone: true,
        ..entry!(CHROMIUM, etcd_pages::etcd_pages)
    },
    Entry {
        alone: true,
        ..entry!(CHROMIUM, page_states::page_states)
    },
    Entry {
        alone: true,
        ..entry!(CHROMIUM, page_states::every_view)
    },
    Entry {
        alone: true,
        ..entry!(BOTH, long_run::two_long_run)
    },
    Entry {
        alone: true,
        ..entry!(CHROMIUM, nemesis::nemesis)
    },
    Entry {
        alone: true,
        ..entry!(CHROMIUM, sustained::sustained)
    },
];

fn main() -> std::process::ExitCode {
    run(CASES)
}
