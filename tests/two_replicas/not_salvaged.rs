//! What is not to be taken from a disk: the log of one that did not lead when it last wrote.

use tabraft::node::{Event, Input};
use tabraft::wire::{Address, Body, Envelope, RaftKind, RaftMessage};

use crate::of;
use crate::steer::{CLUSTER, COMBOS, Steered, leads, put};

/// 1 has two entries of its own term that nobody else has; it was deposed, and knows it. Its
/// followers have others in their place, which they may have answered for already.
#[test]
fn nothing_is_salvaged_from_a_deposed_leader_or_a_follower() {
    let mut cluster = Steered::led(of(COMBOS[0], false), 3);
    cluster.put("before", "1");
    cluster.run(100);
    cluster.isolate(1);
    for key in ["e4", "e5"] {
        let write = cluster.next_write(Some(put(key, "old")));
        cluster.ask(1, write);
        cluster.run(20);
    }
    cluster.until("another leads", |world| leads(world, 2) || leads(world, 3));
    let leader = if leads(&cluster.world, 2) { 2 } else { 3 };
    let follower = 5 - leader;
    let term = cluster.node(leader).term();
    let heartbeat = Envelope {
        cluster: CLUSTER,
        from: Address::Node(leader),
        body: Body::Raft(vec![RaftMessage {
            kind: RaftKind::Heartbeat,
            to: 1,
            from: leader,
            term,
            ..RaftMessage::empty()
        }]),
    };
    cluster.world.input(1, Input::Receive(heartbeat));
    cluster.run(20);
    assert_eq!(cluster.world.hosts[&1].disk.durable.term, term);
    cluster.world.crash(1, true);
    // Entries that the follower has on its disk and does not know to be committed.
    let write = cluster.next_write(Some(put("new", "1")));
    cluster.ask(leader, write);
    let many = |cluster: &Steered| {
        let node = cluster.node(follower);
        node.log().last() - node.commit()
    };
    while many(&cluster) == 0 {
        assert!(cluster.world.step());
    }
    let log = |cluster: &Steered| -> Vec<(u64, u64)> {
        let entries = cluster.node(follower).log().iter();
        entries.map(|entry| (entry.index, entry.term)).collect()
    };
    let before = log(&cluster);
    cluster.world.salvage(follower, 1);
    cluster.world.salvage(leader, follower);
    assert_eq!(log(&cluster), before);
    for id in [leader, follower] {
        let nothing = |event: &Event| matches!(event, Event::NotSalvaged { .. });
        assert!(cluster.told(id, nothing), "{id}");
    }
    cluster.world.network.heal();
    cluster.world.start(1);
    cluster.put("after", "1");
    cluster.all_is_there();
    assert_eq!(cluster.get(1, "e4"), None);
}

/// A leader that slept for longer than anybody waits believes nothing of what it believed.
#[test]
fn a_leader_that_slept_steps_down_before_it_does_anything_else() {
    for replicas in [1, 2, 3] {
        let mut cluster = Steered::led(of(COMBOS[0], false), replicas);
        cluster.put("before", "1");
        cluster.world.pause(1);
        cluster.run(11_000);
        cluster.world.events.clear();
        cluster.world.resume(1);
        let stepped_down = |event: &Event| matches!(event, Event::SteppedDown { .. });
        let first = cluster.world.events.iter().find(|(of, _)| *of == 1);
        assert!(
            first.is_some_and(|(_, event)| stepped_down(event)),
            "{first:?}"
        );
        assert!(!cluster.node(1).is_leader());
        cluster.put("after", "1");
        cluster.all_is_there();
    }
}
