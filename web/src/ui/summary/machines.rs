//! The same of a cluster of machines, of which less is known and to which nothing can be done.

use super::words::{nodes, subject};
use super::{Badge, Summary};
use crate::model::{NodeStatus, State, Status};

/// Says how an etcd is.
pub fn of_machines(status: &Status) -> Summary {
    let silent: Vec<u64> = {
        let silent = |n: &&NodeStatus| n.state != State::Running;
        status.nodes.iter().filter(silent).map(|n| n.id).collect()
    };
    let answering = status.nodes.len() - silent.len();
    let voters = status.nodes.first().map_or(0, |n| n.voters.len());
    let leader = status.leader;
    let silence = match silent.as_slice() {
        [] => format!("All {answering} members answer."),
        [_] => format!("{} does not answer this page.", subject(&silent)),
        _ => format!("{} do not answer this page.", subject(&silent)),
    };
    let (badge, text) = if status.nodes.is_empty() {
        (
            Badge::Starting,
            "No member of an etcd has answered yet.".to_owned(),
        )
    } else if answering == 0 {
        let text = format!("None of {voters} members answers this page.");
        (Badge::NoQuorum, text)
    } else if leader == 0 {
        let text = format!("{} answer, and know no leader.", subject(&answers(status)));
        (Badge::Electing, text)
    } else {
        let badge = match silent.is_empty() {
            true => Badge::Healthy,
            false => Badge::Degraded,
        };
        let unheard = match silent.contains(&leader) {
            true => format!(", as {} say", nodes(&answers(status))),
            false => String::new(),
        };
        let text = format!(
            "Node {leader} leads in term {}{unheard}. {silence}",
            status.term
        );
        (badge, text)
    };
    Summary {
        badge,
        text,
        help: None,
        hint: String::new(),
        guide: None,
    }
}

fn answers(status: &Status) -> Vec<u64> {
    let running = |n: &&NodeStatus| n.state == State::Running;
    status.nodes.iter().filter(running).map(|n| n.id).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn status(leader: u64, running: [bool; 3]) -> Status {
        let node = |(n, runs): (usize, bool)| NodeStatus {
            state: if runs { State::Running } else { State::Stopped },
            voters: vec![1, 2, 3],
            ..NodeStatus::unknown(n as u64 + 1)
        };
        Status {
            leader,
            term: 5,
            nodes: running.into_iter().enumerate().map(node).collect(),
            ..Status::default()
        }
    }

    #[test]
    fn what_is_known_is_said() {
        let said = |leader, running| {
            let summary = of_machines(&status(leader, running));
            (summary.badge, summary.text)
        };
        let (badge, text) = said(2, [true; 3]);
        assert_eq!(badge, Badge::Healthy);
        assert_eq!(text, "Node 2 leads in term 5. All 3 members answer.");
        let (badge, text) = said(2, [true, true, false]);
        assert_eq!(badge, Badge::Degraded);
        assert_eq!(
            text,
            "Node 2 leads in term 5. Node 3 does not answer this page."
        );
        let (_, text) = said(3, [true, true, false]);
        assert!(
            text.starts_with("Node 3 leads in term 5, as nodes 1 and 2 say."),
            "{text}"
        );
        assert_eq!(said(0, [true, true, false]).0, Badge::Electing);
        assert_eq!(said(2, [false; 3]).0, Badge::NoQuorum);
        assert_eq!(of_machines(&Status::default()).badge, Badge::Starting);
    }
}
