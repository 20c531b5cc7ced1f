//! Members come and go: how the one that goes learns of it, and who may not vote.

use tabraft::kv::Refusal;
use tabraft::node::{Event, Input, Role};
use tabraft::wire::{
    Address, Answer, Ask, Body, Envelope, MemberChange, NodeId, RaftKind, RaftMessage,
};

use crate::often;
use crate::steer::{CLUSTER, COMBOS, SOON, Steered, leads, origin, removed, settings};

fn refused(refusal: Refusal) -> Answer {
    Answer::Refused(refusal)
}

#[test]
fn a_removed_follower_learns_it_and_the_others_go_on() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.changed(&[MemberChange::Remove(3)]);
    cluster.until("3 knows", |world| removed(world, 3));
    cluster.world.crash(3, false);
    cluster.puts("after", 5);
    cluster.all_is_there();
    assert_eq!(cluster.node(1).membership().voters, [1, 2]);
}

#[test]
fn a_removed_leader_learns_it_and_another_leads() {
    for combo in COMBOS {
        let mut settings = settings(1);
        settings.origin = origin(combo);
        let mut cluster = Steered::led(settings, 3);
        cluster.puts("before", 5);
        cluster.changed(&[MemberChange::Remove(1)]);
        cluster.until("1 knows", |world| removed(world, 1));
        assert!(!cluster.node(1).is_leader());
        cluster.world.crash(1, false);
        cluster.puts("after", 5);
        cluster.all_is_there();
        assert_eq!(cluster.node(2).membership().voters, [2, 3]);
    }
}

/// Nobody sends to it any more. It is told when it asks for votes, or says that it is up.
#[test]
fn one_that_was_away_when_it_was_removed_is_told() {
    for (was_leader, restarted, learner) in [
        (false, false, false),
        (false, true, false),
        (true, false, false),
        (true, true, false),
        (false, false, true),
        (false, true, true),
    ] {
        let mut cluster = Steered::led(often(1, 5), 4);
        if learner {
            cluster.changed(&[MemberChange::AddLearner(4)]);
            cluster.all_is_there();
        }
        let gone: NodeId = if was_leader { 1 } else { 4 };
        cluster.isolate(gone);
        if was_leader {
            let other = |world: &_| [2, 3, 4].iter().any(|id| leads(world, *id));
            cluster.until("another leads", other);
        }
        cluster.changed(&[MemberChange::Remove(gone)]);
        cluster.puts("after", 20);
        assert!(!removed(&cluster.world, gone));
        if restarted {
            cluster.world.crash(gone, false);
            cluster.world.start(gone);
        }
        cluster.world.network.heal();
        cluster.until("it knows", |world| removed(world, gone));
        cluster.all_is_there();
    }
}

/// Word from one that has applied less is old: it may be from before the replica was added.
#[test]
fn it_does_not_believe_who_knows_less() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.isolate(3);
    cluster.world.add_joiner(4);
    cluster.isolate(3);
    cluster.add(4);
    cluster.puts("more", 3);
    let (theirs, mine) = (cluster.node(3).applied(), cluster.node(4).applied());
    assert!(theirs < mine);
    for (applied, believed) in [(theirs, false), (mine, false), (mine + 1, true)] {
        let not_member = Envelope {
            cluster: CLUSTER,
            from: Address::Node(3),
            body: Body::NotMember { applied },
        };
        if !believed {
            cluster.world.input(4, Input::Receive(not_member));
            cluster.sound();
        }
        assert!(!removed(&cluster.world, 4), "told by one at {applied}");
    }
    // The same by itself: 3 comes back, 4 asks it for its vote.
    cluster.world.crash(1, false);
    cluster.world.network.heal();
    cluster.world.network.partition(&[2], &[3, 4]);
    cluster.world.input(4, Input::Campaign);
    cluster.run(2_000);
    assert!(!removed(&cluster.world, 4));
    cluster.world.network.heal();
    cluster.world.start(1);
    cluster.all_is_there();
}

fn ask_for_vote(kind: RaftKind, to: NodeId, from: NodeId, term: u64, last: (u64, u64)) -> Input {
    Input::Receive(Envelope {
        cluster: CLUSTER,
        from: Address::Node(from),
        body: Body::Raft(vec![RaftMessage {
            kind,
            to,
            from,
            term,
            index: last.0,
            log_term: last.1,
            ..RaftMessage::empty()
        }]),
    })
}

/// A member that lost its disk and begins as a joiner may have voted in this very term: it grants
/// nothing until a leader's snapshot has brought it past what it forgot.
#[test]
fn who_has_nothing_does_not_vote() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.puts("k", 5);
    cluster.run(200);
    cluster.world.crash(3, true);
    cluster.world.wipe(3);
    cluster.world.network.partition(&[1], &[2, 3]);
    cluster.world.start(3);
    let report = cluster.node(2).report();
    let last = (report.last_index, report.term);
    for kind in [RaftKind::RequestPreVote, RaftKind::RequestVote] {
        for term in report.term..report.term + 3 {
            cluster.world.input(3, ask_for_vote(kind, 3, 2, term, last));
            cluster.run(50);
            assert_eq!(cluster.node(3).report().vote, 0, "{kind:?} in term {term}");
            assert_eq!(cluster.world.hosts[&3].disk.durable.vote, 0);
        }
    }
    // So 2, which has everything, is not elected however long it tries: 1 and the vote that 3 may
    // have given are not to be had.
    cluster.run(SOON / 3);
    assert!(!cluster.node(2).is_leader());
    cluster.world.network.heal();
    cluster.until("3 has a leader's snapshot", |world| {
        crate::catch_up::installed(world, 3)
    });
    cluster.all_is_there();
    // Now it votes like any other.
    cluster.world.crash(1, false);
    cluster.until("one leads with 3's vote", |world| {
        leads(world, 2) || leads(world, 3)
    });
}

/// Removed, wiped and added again, under the id it had: as a learner first, from a snapshot.
#[test]
fn a_removed_id_comes_back() {
    for round in 0..3 {
        let mut cluster = Steered::led(often(round, 5), 3);
        for again in 0..3 {
            cluster.changed(&[MemberChange::Remove(3)]);
            cluster.until("3 knows", |world| removed(world, 3));
            cluster.world.events.clear();
            cluster.world.crash(3, again % 2 == 0);
            cluster.puts("without", 4 * round);
            cluster.world.wipe(3);
            cluster.world.start(3);
            assert_eq!(cluster.node(3).role(), Role::Learner);
            cluster.add(3);
            cluster.put("with", "3");
            cluster.all_is_there();
            assert_eq!(cluster.get(3, "with").as_deref(), Some("3"));
        }
        // All three are needed for two of them.
        cluster.world.crash(2, false);
        cluster.put("by", "1 and 3");
        cluster.world.start(2);
        cluster.all_is_there();
        let life = cluster.world.hosts[&3].life();
        assert!(life >= 4, "each life has a number of its own: {life}");
    }
}

/// The leader's snapshot is from the earlier life, and the log after it has the removal.
#[test]
fn a_new_life_does_not_begin_with_a_snapshot_of_the_one_before() {
    let mut settings = settings(1);
    settings.origin.shared_store = true;
    let mut cluster = Steered::led(settings, 3);
    cluster.world.add_joiner(4);
    cluster.changed(&[MemberChange::AddLearner(4)]);
    cluster.all_is_there();
    for _ in 0..2 {
        cluster.changed(&[MemberChange::Remove(4)]);
        cluster.until("4 knows", |world| removed(world, 4));
        cluster.world.crash(4, false);
        cluster.world.events.clear();
        cluster.world.wipe(4);
        cluster.world.start(4);
        cluster.changed(&[MemberChange::AddLearner(4)]);
        cluster.put("with", "4");
        cluster.all_is_there();
        assert!(!removed(&cluster.world, 4), "that was its life before");
    }
}

#[test]
fn a_learner_is_promoted_only_when_it_has_most_of_the_log() {
    let mut cluster = Steered::led(settings(1), 3);
    cluster.world.add_joiner(4);
    cluster.isolate(4);
    let promote = [MemberChange::AddVoter(4)];
    assert_eq!(cluster.change(&promote), refused(Refusal::NotMember(4)));
    cluster.changed(&[MemberChange::AddLearner(4)]);
    let again = cluster.change(&[MemberChange::AddLearner(4)]);
    assert_eq!(again, refused(Refusal::AlreadyMember(4)));
    // It has nothing.
    assert_eq!(cluster.change(&promote), refused(Refusal::LearnerBehind));
    cluster.world.network.heal();
    cluster.all_is_there();
    // It has a thousand too few.
    cluster.isolate(4);
    let writes: Vec<u64> = (0..1_005)
        .map(|_| {
            let write = cluster.next_write(Some(crate::put("k", "v")));
            cluster.ask(1, write)
        })
        .collect();
    cluster.run(500);
    assert!(cluster.answer(writes[1_000]).is_some());
    assert_eq!(cluster.change(&promote), refused(Refusal::LearnerBehind));
    cluster.world.network.heal();
    cluster.all_is_there();
    assert!(matches!(cluster.change(&promote), Answer::Applied(_)));
}

#[test]
fn the_last_voter_stays() {
    let mut cluster = Steered::led(settings(1), 2);
    for last in [
        vec![MemberChange::Remove(1), MemberChange::Remove(2)],
        vec![MemberChange::AddLearner(1), MemberChange::Remove(2)],
    ] {
        assert_eq!(cluster.change(&last), refused(Refusal::LastVoter));
    }
    cluster.changed(&[MemberChange::Remove(2)]);
    for last in [MemberChange::Remove(1), MemberChange::AddLearner(1)] {
        assert_eq!(cluster.change(&[last]), refused(Refusal::LastVoter));
    }
    cluster.put("still", "here");
}

#[test]
fn one_change_at_a_time() {
    let mut cluster = Steered::led(settings(1), 3);
    for joiner in [4, 5] {
        cluster.world.add_joiner(joiner);
    }
    // The first cannot be committed yet.
    cluster.isolate(1);
    let first = cluster.ask(1, Ask::ChangeMembership(vec![MemberChange::AddLearner(4)]));
    cluster.run(20);
    let second = cluster.ask(1, Ask::ChangeMembership(vec![MemberChange::AddLearner(5)]));
    cluster.run(20);
    assert_eq!(cluster.answer(first), None);
    let pending = refused(Refusal::ConfChangePending);
    assert_eq!(cluster.answer(second), Some(pending));
    cluster.world.network.heal();
    cluster.until("the first is made", |world| {
        world.hosts[&1]
            .node()
            .is_some_and(|node| node.membership().learners == [4])
    });
    cluster.run(20);
    assert!(matches!(cluster.answer(first), Some(Answer::Applied(_))));
    cluster.changed(&[MemberChange::AddLearner(5)]);
    cluster.all_is_there();
    let told = cluster.told(1, |event| matches!(event, Event::MembershipChanged { .. }));
    assert!(told);
}
