//! Which tab hosts a replica, in words.

use crate::model::{NodeStatus, State};

/// `viewing` says whether it is one of a saved run: no tab of that is this one.
pub fn words(node: &NodeStatus, viewing: bool) -> String {
    match (node.state, node.here && !viewing, node.tab.as_str()) {
        (State::Stopped | State::Failed, ..) => "nowhere".to_owned(),
        (_, true, "") => "this tab".to_owned(),
        (_, true, name) => format!("this tab ({name})"),
        // Saved before tabs had names, or told by a tab without one.
        (_, false, "") if viewing => "then".to_owned(),
        (_, false, "") => "another tab".to_owned(),
        (_, false, name) => format!("tab {name}"),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn node(state: State, here: bool, tab: &str) -> NodeStatus {
        NodeStatus {
            state,
            here,
            tab: tab.to_owned(),
            ..NodeStatus::unknown(1)
        }
    }

    #[test]
    fn tabs_are_named_where_names_are_known() {
        let live = |here, tab| words(&node(State::Running, here, tab), false);
        assert_eq!(live(true, "A"), "this tab (A)");
        assert_eq!(live(false, "B"), "tab B");
        assert_eq!(live(true, ""), "this tab");
        assert_eq!(live(false, ""), "another tab");
        assert_eq!(words(&node(State::Paused, false, "B"), false), "tab B");
        assert_eq!(words(&node(State::Stopped, false, ""), false), "nowhere");
    }

    #[test]
    fn no_tab_of_a_saved_run_is_this_one() {
        let saved = |tab| words(&node(State::Running, true, tab), true);
        assert_eq!(saved("A"), "tab A");
        assert_eq!(saved(""), "then");
    }
}
