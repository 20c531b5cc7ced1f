//! Which verbs apply to whom.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Voters 1 and 2, which leads, and learner 3, all running.
fn cluster() -> Status {
    let mut status = Status {
        leader: 2,
        nodes: (1..=3).map(NodeStatus::unknown).collect(),
        ..Status::default()
    };
    for node in &mut status.nodes {
        (node.state, node.voters, node.learners) = (State::Running, vec![1, 2], vec![3]);
    }
    status
}

fn of(change: impl Fn(&mut NodeStatus), id: u64) -> Standing {
    let mut status = cluster();
    change(&mut status.nodes[id as usize - 1]);
    Standing::of(&status, id)
}

#[test]
fn membership_decides_who_leads_and_votes() {
    let [follower, leader, learner] = [1, 2, 3].map(|id| of(|_| (), id));
    let why = [&follower, &leader, &learner].map(|s| s.obstacle(Verb::TransferLeader));
    assert_eq!(
        why,
        [
            None,
            Some("leads already"),
            Some("is a learner: promote it first")
        ]
    );
    assert_eq!(follower.obstacle(Verb::Promote), Some("is a voter already"));
    assert_eq!(learner.obstacle(Verb::Promote), None);
    assert_eq!(follower.obstacle(Verb::Remove), None);
}

#[test]
fn a_running_disk_is_not_wiped() {
    let running = of(|_| (), 1);
    assert!(running.obstacle(Verb::Wipe).is_some());
    let stopped = of(|n| n.state = State::Stopped, 1);
    assert_eq!(stopped.obstacle(Verb::Wipe), None);
    assert!(stopped.obstacle(Verb::SlowDisk).is_some());
}

#[test]
fn a_problem_has_its_remedy() {
    let failed = |problem: &'static str| {
        let change = move |n: &mut NodeStatus| {
            (n.state, n.problem) = (State::Failed, problem.to_owned());
        };
        of(change, 1).remedy()
    };
    let damaged = "Node 1's disk is damaged: WAL record 7 is missing.";
    assert_eq!(failed(damaged), Some(Verb::Replace));
    assert_eq!(failed("It has forgotten its vote."), Some(Verb::Replace));
    assert_eq!(failed("The browser's storage is full."), None);
    let removed = of(|n| (n.state, n.member) = (State::Stopped, false), 1);
    assert_eq!(removed.remedy(), Some(Verb::Wipe));
    assert_eq!(removed.obstacle(Verb::Wipe), None);
    assert!(removed.obstacle(Verb::Start).is_some());
}
