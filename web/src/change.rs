//! Settings that change while the cluster runs.

use serde::{Deserialize, Serialize};

use crate::protocol::Live;
use crate::settings::{
    CATCHUP_ENTRIES, PAUSE_TICKS, Revive, SNAPSHOT_BYTES, SNAPSHOT_ENTRIES, Settings, whole_number,
};

/// What `configure` can change while the cluster runs; `None` leaves a setting as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Change {
    pub snapshot_entries: Option<u64>,
    pub snapshot_bytes: Option<u64>,
    pub catchup_entries: Option<u64>,
    pub salvage: Option<bool>,
    pub succession: Option<bool>,
    pub revive: Option<Revive>,
    pub sit_out_ticks: Option<u64>,
    pub step_down_ticks: Option<u64>,
    pub reopen_ticks: Option<u64>,
}

impl Change {
    /// This change, then another one.
    pub fn then(self, next: Self) -> Self {
        Self {
            snapshot_entries: next.snapshot_entries.or(self.snapshot_entries),
            snapshot_bytes: next.snapshot_bytes.or(self.snapshot_bytes),
            catchup_entries: next.catchup_entries.or(self.catchup_entries),
            salvage: next.salvage.or(self.salvage),
            succession: next.succession.or(self.succession),
            revive: next.revive.or(self.revive),
            sit_out_ticks: next.sit_out_ticks.or(self.sit_out_ticks),
            step_down_ticks: next.step_down_ticks.or(self.step_down_ticks),
            reopen_ticks: next.reopen_ticks.or(self.reopen_ticks),
        }
    }

    /// What of it differs from another change.
    pub fn unlike(self, other: &Self) -> Self {
        fn part<T: PartialEq>(value: Option<T>, other: &Option<T>) -> Option<T> {
            if value == *other { None } else { value }
        }
        Self {
            snapshot_entries: part(self.snapshot_entries, &other.snapshot_entries),
            snapshot_bytes: part(self.snapshot_bytes, &other.snapshot_bytes),
            catchup_entries: part(self.catchup_entries, &other.catchup_entries),
            salvage: part(self.salvage, &other.salvage),
            succession: part(self.succession, &other.succession),
            revive: part(self.revive, &other.revive),
            sit_out_ticks: part(self.sit_out_ticks, &other.sit_out_ticks),
            step_down_ticks: part(self.step_down_ticks, &other.step_down_ticks),
            reopen_ticks: part(self.reopen_ticks, &other.reopen_ticks),
        }
    }

    /// What of it is about settings that `wanted` picks by their names in an address.
    pub fn only(self, wanted: impl Fn(&str) -> bool) -> Self {
        fn part<T>(value: Option<T>, wanted: bool) -> Option<T> {
            value.filter(|_| wanted)
        }
        Self {
            snapshot_entries: part(self.snapshot_entries, wanted("snapshot_entries")),
            snapshot_bytes: part(self.snapshot_bytes, wanted("snapshot_bytes")),
            catchup_entries: part(self.catchup_entries, wanted("catchup_entries")),
            salvage: part(self.salvage, wanted("salvage")),
            succession: part(self.succession, wanted("succession")),
            revive: part(self.revive, wanted("revive")),
            sit_out_ticks: part(self.sit_out_ticks, wanted("sit_out_ticks")),
            step_down_ticks: part(self.step_down_ticks, wanted("step_down_ticks")),
            reopen_ticks: part(self.reopen_ticks, wanted("reopen_ticks")),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn change(text: &str) -> Change {
        let value = js_sys::JSON::parse(text).expect("JSON");
        serde_wasm_bindgen::from_value(value).expect("a change")
    }

    /// All nine, so that none is forgotten.
    const ALL: &str = r#"{ "snapshotEntries": 20, "snapshotBytes": 4096, "catchupEntries": 7, "salvage": false,
        "succession": false, "revive": "all", "sitOutTicks": 11, "stepDownTicks": 12, "reopenTicks": 13 }"#;

    #[test]
    fn a_change_is_parted_by_the_names_of_addresses() {
        let all = change(ALL);
        assert_eq!(all.only(|_| true), all);
        assert_eq!(all.only(|_| false), Change::default());
        let names = Settings::default().values().map(|(name, _)| name);
        let mut whole = Change::default();
        let mut found = 0;
        for name in names {
            let part = all.only(|it| it == name);
            found += usize::from(part != Change::default());
            whole = whole.then(part);
        }
        assert_eq!((whole, found), (all, 9));
    }

    #[test]
    fn what_another_change_has_is_left_out() {
        let all = change(ALL);
        assert_eq!(all.unlike(&all), Change::default());
        assert_eq!(all.unlike(&Change::default()), all);
        let other = change(r#"{ "snapshotEntries": 21, "salvage": false, "reopenTicks": 13 }"#);
        let left = change(
            r#"{ "snapshotEntries": 20, "snapshotBytes": 4096, "catchupEntries": 7, "succession": false,
                "revive": "all", "sitOutTicks": 11, "stepDownTicks": 12 }"#,
        );
        assert_eq!(all.unlike(&other), left);
    }
}
