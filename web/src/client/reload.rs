//! What a tab keeps for its own reload: which replicas it hosts. The browser copies it when a
//! person duplicates a tab, so the tab's number is kept as well: a copy finds its original alive.

use super::Cluster;
use crate::protocol::TabId;

/// What this tab hosted before it was reloaded, and its number then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    pub tab: TabId,
    pub hosted: Vec<u64>,
}

impl Cluster {
    /// Without the browser's session storage a reloaded tab hosts what nobody else does, as a new
    /// one.
    pub(super) fn remember_hosted(&self) {
        let (Some(storage), Some(joined)) = (storage(), self.0.joined.get()) else {
            return;
        };
        let ids = self.0.hosting.running();
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        let value = format!("{};{}", joined.tabs.tab, ids.join(","));
        if let Err(error) = storage.set_item(&key(self.cluster()), &value) {
            web_sys::console::warn_2(&"tabraft: a reload will not know its nodes:".into(), &error);
        }
    }
}

pub fn hosted_before(cluster: &str) -> Before {
    let stored = storage().and_then(|storage| storage.get_item(&key(cluster)).ok()?);
    parse(&stored.unwrap_or_default())
}

fn parse(stored: &str) -> Before {
    let (tab, ids) = stored.split_once(';').unwrap_or_default();
    Before {
        tab: tab.into(),
        hosted: ids.split(',').filter_map(|id| id.parse().ok()).collect(),
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

fn key(cluster: &str) -> String {
    format!("tabraft:{cluster}:hosted")
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_was_kept_is_read_and_anything_else_is_nothing() {
        let two = Before {
            tab: "ab".into(),
            hosted: vec![1, 3],
        };
        assert_eq!(parse("ab;1,3"), two);
        for nothing in ["", "1,2", ";", ";x"] {
            assert_eq!(parse(nothing), Before::default(), "{nothing}");
        }
    }
}
