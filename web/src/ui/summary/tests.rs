//! The sentences, word for word.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::model::{LinkFault, NodeStatus, Progress, Role};

/// `count` voters that run, node 2 (or 1 of 1) leading in term 5.
fn cluster(count: u64) -> Status {
    let leader = count.min(2);
    let mut status = Status {
        cluster: "demo".into(),
        quorum: count / 2 + 1,
        leader,
        term: 5,
        nodes: (1..=count).map(NodeStatus::unknown).collect(),
    };
    for node in &mut status.nodes {
        node.state = State::Running;
        node.term = 5;
        node.epoch = 1;
        node.leader = leader;
        node.voters = (1..=count).collect();
    }
    status.nodes[leader as usize - 1].role = Role::Leader;
    status
}

fn with(mut status: Status, changes: &[(u64, State)]) -> Status {
    for &(id, state) in changes {
        status.nodes[id as usize - 1].state = state;
        if status.leader == id {
            status.leader = 0;
        }
    }
    status
}

fn cut(pairs: &[(u64, u64)]) -> Vec<FaultyLink> {
    let both = pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
    both.map(|(from, to)| FaultyLink {
        from,
        to,
        fault: LinkFault::CUT,
    })
    .collect()
}

fn check(status: &Status, faults: &[FaultyLink], badge: Badge, text: &str, help: Option<Help>) {
    let said = sentence(status, faults);
    assert_eq!(
        (said.badge, said.text.as_str(), said.help),
        (badge, text, help)
    );
}

#[test]
fn nothing_known() {
    let text = "No node has reported yet.";
    check(&Status::default(), &[], Badge::Starting, text, None);
    let mut status = Status {
        quorum: 2,
        ..Status::default()
    };
    status.nodes = (1..=3).map(NodeStatus::unknown).collect();
    check(&status, &[], Badge::Starting, text, None);
}

#[test]
fn healthy() {
    check(
        &cluster(3),
        &[],
        Badge::Healthy,
        "Node 2 leads in term 5.",
        None,
    );
    check(
        &cluster(1),
        &[],
        Badge::Healthy,
        "Node 1 leads in term 5.",
        None,
    );
}

#[test]
fn no_quorum() {
    let status = with(cluster(3), &[(1, State::Stopped), (2, State::Stopped)]);
    let text = "1 of 3 nodes is running. Writes wait until one more starts.";
    check(&status, &[], Badge::NoQuorum, text, Some(Help::Start(1)));

    let status = with(cluster(3), &[(1, State::Stopped), (2, State::Paused)]);
    let text = "1 of 3 nodes is running. Node 2 is paused. Writes wait until node 2 resumes.";
    check(&status, &[], Badge::NoQuorum, text, Some(Help::Resume(2)));

    let down = [1, 2, 3, 4].map(|id| (id, State::Stopped));
    let text = "1 of 5 nodes is running. Writes wait until 2 more start.";
    check(
        &with(cluster(5), &down),
        &[],
        Badge::NoQuorum,
        text,
        Some(Help::Start(1)),
    );

    let down = [1, 2, 3].map(|id| (id, State::Failed));
    let text = "0 of 3 nodes are running. Nodes 1, 2 and 3 failed, their cards say why. \
                Writes wait until 2 more start.";
    check(&with(cluster(3), &down), &[], Badge::NoQuorum, text, None);
}

#[test]
fn no_quorum_by_cut_links() {
    let text = "Cut links leave no group of 2 nodes. Writes wait until links are restored.";
    let faults = cut(&[(1, 2), (1, 3), (2, 3)]);
    check(
        &cluster(3),
        &faults,
        Badge::NoQuorum,
        text,
        Some(Help::Heal),
    );
}

#[test]
fn electing() {
    let mut status = with(cluster(3), &[(2, State::Stopped)]);
    let text = "Node 2's host died. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);

    status.nodes[0].role = Role::Candidate;
    (status.nodes[0].term, status.term) = (6, 6);
    let text = "Node 2's host died; node 1 takes over. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);

    // Its death is long past: another has led since.
    (status.nodes[0].term, status.term) = (8, 8);
    let text = "Node 1 asks for votes in term 8. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);

    status.nodes[1].role = Role::Follower;
    status.nodes[0].role = Role::Precandidate;
    let text = "Node 1 asks whether it could win an election. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);

    status.nodes[2].role = Role::Precandidate;
    status.nodes[2].term = status.nodes[0].term;
    let text =
        "Nodes 1 and 3 ask whether they could win an election. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);
    for node in [0, 2] {
        status.nodes[node].role = Role::Candidate;
    }
    let text = "Nodes 1 and 3 ask for votes in term 8. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);
    status.nodes[2].role = Role::Follower;

    status.nodes[0].role = Role::Follower;
    let text = "No leader in term 8. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, None);

    let status = with(cluster(3), &[(2, State::Paused)]);
    let text = "Node 2, the leader of term 5, is paused. Writes wait for the new leader.";
    check(&status, &[], Badge::Electing, text, Some(Help::Resume(2)));

    let faults = cut(&[(1, 2), (2, 3)]);
    let text = "Node 2, the leader of term 5, is cut off. Writes wait for the new leader.";
    check(
        &cluster(3),
        &faults,
        Badge::Electing,
        text,
        Some(Help::Heal),
    );
}

#[test]
fn degraded_by_a_node() {
    let status = with(cluster(3), &[(1, State::Stopped)]);
    let text = "Node 2 leads in term 5. Node 1 is stopped. One more loss stops writes.";
    check(&status, &[], Badge::Degraded, text, Some(Help::Start(1)));

    let status = with(cluster(5), &[(4, State::Paused)]);
    let text = "Node 2 leads in term 5. Node 4 is paused. One more may fail.";
    check(&status, &[], Badge::Degraded, text, Some(Help::Resume(4)));
}

#[test]
fn degraded_by_links() {
    let text = "A minority is cut off: node 3 does not reach the leader. \
                Node 2 leads in term 5 and writes go on.";
    check(
        &cluster(3),
        &cut(&[(1, 3), (2, 3)]),
        Badge::Degraded,
        text,
        Some(Help::Heal),
    );

    let text = "Node 2 leads in term 5. The link 1–3 is cut; writes do not need it.";
    check(
        &cluster(3),
        &cut(&[(1, 3)]),
        Badge::Degraded,
        text,
        Some(Help::Heal),
    );

    let late = LinkFault {
        delay_ms: 50.0,
        ..LinkFault::default()
    };
    let one = |from, to, fault| FaultyLink { from, to, fault };
    let both = [one(1, 2, late), one(2, 1, late)];
    for (faults, said) in [
        (&both[..1], "The link from 1 to 2 delays messages by 50 ms."),
        (
            &both[..],
            "Messages on the link 1–2 are lost, doubled or late.",
        ),
        (
            &[one(3, 1, LinkFault::CUT)],
            "The link is cut from 3 to 1; writes do not need it.",
        ),
    ] {
        let text = format!("Node 2 leads in term 5. {said}");
        check(
            &cluster(3),
            faults,
            Badge::Degraded,
            &text,
            Some(Help::Heal),
        );
    }
}

#[test]
fn of_two_that_claim_to_lead_the_newer_counts() {
    let mut status = cluster(5);
    status.nodes[3].role = Role::Leader;
    status.nodes[3].term = 6;
    let faults = cut(&[(2, 3), (2, 4), (2, 5), (1, 3), (1, 4), (1, 5)]);
    let text = "A minority is cut off: nodes 1 and 2 do not reach the leader. \
                Node 4 leads in term 6 and writes go on.";
    check(&status, &faults, Badge::Degraded, text, Some(Help::Heal));
}

#[test]
fn a_stopped_node_outside_the_cluster_does_not_count() {
    let mut status = cluster(3);
    let mut removed = NodeStatus::unknown(4);
    removed.epoch = 2;
    status.nodes.push(removed);
    check(
        &status,
        &[],
        Badge::Healthy,
        "Node 2 leads in term 5.",
        None,
    );
}

#[test]
fn a_removed_node_is_named_until_it_is_wiped() {
    let mut status = cluster(3);
    let mut removed = NodeStatus::unknown(4);
    (removed.epoch, removed.member) = (2, false);
    status.nodes.push(removed);
    let text = "Node 2 leads in term 5. Node 4 was removed.";
    check(&status, &[], Badge::Healthy, text, None);
    assert!(sentence(&status, &[]).hint.starts_with("wipe node 4"));
}

#[test]
fn a_learner_catches_up_then_can_be_promoted() {
    let mut status = cluster(3);
    let mut learner = NodeStatus::unknown(4);
    (learner.state, learner.role) = (State::Running, Role::Learner);
    status.nodes.push(learner);
    let leader = &mut status.nodes[1];
    (leader.last_index, leader.learners) = (900, vec![4]);
    leader.progress = vec![Progress {
        id: 4,
        matched: 100,
        next: 101,
    }];
    let text = "Node 2 leads in term 5. Node 4, a learner, catches up.";
    check(&status, &[], Badge::Healthy, text, None);

    status.nodes[1].progress[0].matched = 900;
    check(
        &status,
        &[],
        Badge::Healthy,
        "Node 2 leads in term 5.",
        None,
    );
    assert!(sentence(&status, &[]).hint.starts_with("promote node 4"));
}

#[test]
fn what_failed_for_good_leaves_a_new_cluster() {
    let hint = |changes: &[(u64, State)]| sentence(&with(cluster(3), changes), &[]).hint;
    let failed = [(2, State::Failed), (3, State::Failed)];
    assert!(hint(&failed).starts_with("save a snapshot of node 1"));
    let failed = [1, 2, 3].map(|id| (id, State::Failed));
    assert!(hint(&failed).starts_with("restore a saved snapshot"));
    assert_eq!(hint(&[(2, State::Stopped), (3, State::Failed)]), "");
}
