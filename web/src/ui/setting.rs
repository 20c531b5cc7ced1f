//! The settings that can be changed while the cluster runs: their words, and their values as text.

use crate::model::Change;
use crate::settings::{Revive, Settings};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    SnapshotEntries,
    SnapshotBytes,
    CatchupEntries,
    Salvage,
    Succession,
    Revive,
}

pub const ALL: [Setting; 6] = [
    Setting::SnapshotEntries,
    Setting::SnapshotBytes,
    Setting::CatchupEntries,
    Setting::Salvage,
    Setting::Succession,
    Setting::Revive,
];

/// Those that the page's address alone sets, by their names there, and what they do.
pub const BY_ADDRESS: [(&str, &str); 6] = [
    (
        "nodes",
        "Nodes that a new cluster begins with. Later its members are added and removed by buttons.",
    ),
    (
        "durability",
        "strict: a write counts when the disk has it. relaxed: when the operating system has it, which a \
         power cut may undo.",
    ),
    (
        "tick_ms",
        "Milliseconds. Heartbeats go out every tick; after 10 to 20 ticks without a leader a node campaigns.",
    ),
    (
        "sit_out_ticks",
        "A follower that slept for so many ticks does not campaign in that round.",
    ),
    (
        "step_down_ticks",
        "A leader that slept for so many ticks steps down before it does anything else.",
    ),
    (
        "reopen_ticks",
        "A node that slept for so many ticks is opened anew, from its disk.",
    ),
];

const MOST: u64 = 100_000_000;
const LEAST_BYTES: u64 = 1 << 10;
const MOST_BYTES: u64 = 1 << 30;

impl Setting {
    pub fn label(self) -> &'static str {
        match self {
            Self::SnapshotEntries => "Snapshot entries",
            Self::SnapshotBytes => "Snapshot bytes",
            Self::CatchupEntries => "Catch-up entries",
            Self::Salvage => "Salvage",
            Self::Succession => "Succession",
            Self::Revive => "Revive",
        }
    }

    /// Its `data-testid`.
    pub fn hook(self) -> &'static str {
        match self {
            Self::SnapshotEntries => "settings-snapshot-entries",
            Self::SnapshotBytes => "settings-snapshot-bytes",
            Self::CatchupEntries => "settings-catchup-entries",
            Self::Salvage => "settings-salvage",
            Self::Succession => "settings-succession",
            Self::Revive => "settings-revive",
        }
    }

    /// What it does.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SnapshotEntries => {
                "A node takes a snapshot once it has applied more entries than this since its last."
            }
            Self::SnapshotBytes => {
                "Or once those entries take more bytes of memory than this. 67108864 are 64 MiB."
            }
            Self::CatchupEntries => {
                "So many entries before a snapshot stay in the log, so that a slow follower can \
                 catch up without the snapshot."
            }
            Self::Salvage => {
                "When a leader's host dies, its successor reads from the shared disk what the \
                 leader had logged, so that nothing it stored is lost."
            }
            Self::Succession => {
                "When a leader's host dies, the first in the queue for its lock campaigns at \
                 once, without waiting for the election timeout."
            }
            Self::Revive => {
                "Who starts a crashed node again. auto: the other tab, in a cluster of two. all: \
                 another tab, in any cluster. manual: only a person. A stopped node stays stopped."
            }
        }
    }

    /// The values to choose from; empty for a number.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::SnapshotEntries | Self::SnapshotBytes | Self::CatchupEntries => &[],
            Self::Salvage | Self::Succession => &["on", "off"],
            Self::Revive => &["auto", "all", "manual"],
        }
    }

    /// Its value, as one would type it.
    pub fn of(self, settings: &Settings) -> String {
        let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
        match self {
            Self::SnapshotEntries => settings.limits.snapshot_entries.to_string(),
            Self::SnapshotBytes => settings.limits.snapshot_bytes.to_string(),
            Self::CatchupEntries => settings.limits.catchup_entries.to_string(),
            Self::Salvage => switch(settings.salvage),
            Self::Succession => switch(settings.succession),
            Self::Revive => match settings.revive {
                Revive::Auto => "auto",
                Revive::All => "all",
                Revive::Manual => "manual",
            }
            .to_owned(),
        }
    }

    /// Puts a typed value into a change.
    ///
    /// # Errors
    /// A sentence that says what it must be.
    pub fn put(self, typed: &str, change: &mut Change) -> Result<(), String> {
        match self {
            Self::SnapshotEntries => change.snapshot_entries = Some(self.number(typed, 1, MOST)?),
            Self::SnapshotBytes => {
                change.snapshot_bytes = Some(self.number(typed, LEAST_BYTES, MOST_BYTES)?);
            }
            Self::CatchupEntries => change.catchup_entries = Some(self.number(typed, 0, MOST)?),
            Self::Salvage => change.salvage = Some(typed == "on"),
            Self::Succession => change.succession = Some(typed == "on"),
            Self::Revive => {
                change.revive = Some(match typed {
                    "all" => Revive::All,
                    "manual" => Revive::Manual,
                    _ => Revive::Auto,
                });
            }
        }
        Ok(())
    }

    fn number(self, typed: &str, least: u64, most: u64) -> Result<u64, String> {
        // As people write large numbers.
        let digits: String = typed.trim().replace([',', ' ', '_'], "");
        let number = digits.parse().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| {
            format!(
                "{} must be a whole number from {least} to {most}.",
                self.label()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_is_in_force_can_be_typed() {
        let settings = Settings::default();
        let mut change = Change::default();
        for setting in ALL {
            let value = setting.of(&settings);
            let choices = setting.choices();
            assert!(choices.is_empty() || choices.contains(&value.as_str()));
            assert_eq!(setting.put(&value, &mut change), Ok(()));
        }
        let limits = settings.limits;
        assert_eq!(change.snapshot_entries, Some(limits.snapshot_entries));
        assert_eq!(change.snapshot_bytes, Some(limits.snapshot_bytes));
        assert_eq!(change.catchup_entries, Some(limits.catchup_entries));
        assert_eq!(
            (change.salvage, change.succession),
            (Some(true), Some(true))
        );
        assert_eq!(change.revive, Some(Revive::Auto));
    }

    #[test]
    fn a_bad_number_is_told() {
        let mut change = Change::default();
        let said = Setting::SnapshotEntries.put("0", &mut change);
        let wanted = "Snapshot entries must be a whole number from 1 to 100000000.";
        assert_eq!(said, Err(wanted.to_owned()));
        assert!(Setting::CatchupEntries.put("ten", &mut change).is_err());
        assert_eq!(Setting::CatchupEntries.put("1,000", &mut change), Ok(()));
        assert_eq!(change.catchup_entries, Some(1_000));
    }
}
