//! Settings that change while the cluster runs.

use crate::model::Change;
use crate::protocol::Live;
use crate::settings::{
    CATCHUP_ENTRIES, PAUSE_TICKS, SNAPSHOT_BYTES, SNAPSHOT_ENTRIES, Settings, whole_number,
};

impl Settings {
    /// What a running replica goes by.
    pub fn live(&self) -> Live {
        Live {
            limits: self.limits,
            salvage: self.salvage,
            succession: self.succession,
            reopen_ticks: self.reopen_ticks,
        }
    }

    /// What of a change differs from these settings.
    pub fn less(&self, change: &Change) -> Change {
        fn other<T: PartialEq>(asked: Option<T>, here: T) -> Option<T> {
            asked.filter(|asked| *asked != here)
        }
        let limits = self.limits;
        Change {
            snapshot_entries: other(change.snapshot_entries, limits.snapshot_entries),
            snapshot_bytes: other(change.snapshot_bytes, limits.snapshot_bytes),
            catchup_entries: other(change.catchup_entries, limits.catchup_entries),
            salvage: other(change.salvage, self.salvage),
            succession: other(change.succession, self.succession),
            revive: other(change.revive, self.revive),
            sit_out_ticks: other(change.sit_out_ticks, limits.sit_out_ticks),
            step_down_ticks: other(change.step_down_ticks, limits.step_down_ticks),
            reopen_ticks: other(change.reopen_ticks, self.reopen_ticks),
        }
    }

    /// These settings, with some of them changed.
    ///
    /// # Errors
    /// Which of them would be out of bounds, and what it must be.
    pub fn changed(&self, change: &Change) -> Result<Self, String> {
        let mut next = self.clone();
        let limits = &mut next.limits;
        let numbers = [
            (
                "snapshotEntries",
                change.snapshot_entries,
                SNAPSHOT_ENTRIES,
                &mut limits.snapshot_entries,
            ),
            (
                "snapshotBytes",
                change.snapshot_bytes,
                SNAPSHOT_BYTES,
                &mut limits.snapshot_bytes,
            ),
            (
                "catchupEntries",
                change.catchup_entries,
                CATCHUP_ENTRIES,
                &mut limits.catchup_entries,
            ),
            (
                "sitOutTicks",
                change.sit_out_ticks,
                PAUSE_TICKS,
                &mut limits.sit_out_ticks,
            ),
            (
                "stepDownTicks",
                change.step_down_ticks,
                PAUSE_TICKS,
                &mut limits.step_down_ticks,
            ),
            (
                "reopenTicks",
                change.reopen_ticks,
                PAUSE_TICKS,
                &mut next.reopen_ticks,
            ),
        ];
        for (name, asked, bounds, setting) in numbers {
            let Some(number) = asked else {
                continue;
            };
            if !bounds.contains(&number) {
                return Err(format!("{name} must be {}", whole_number(&bounds)));
            }
            *setting = number;
        }
        next.salvage = change.salvage.unwrap_or(next.salvage);
        next.succession = change.succession.unwrap_or(next.succession);
        next.revive = change.revive.unwrap_or(next.revive);
        Ok(next)
    }
}
