//! Two of one id: whoever opens the disk last owns it, and the other cannot write a byte.

use tabraft::node::Input;
use tabraft::wal::{Record, replay};

use crate::of;
use crate::steer::{CLUSTER, COMBOS, Steered, leads, put};

#[test]
fn two_of_one_id_start_at_once_and_one_of_them_runs() {
    let mut cluster = Steered::led(of(COMBOS[3], true), 2);
    let life = cluster.world.hosts[&2].life();
    cluster.world.story.listen();
    cluster.world.start(2);
    let lines = cluster.world.story.take_lines();
    assert_eq!(lines, ["2 runs already"]);
    assert_eq!(cluster.world.hosts[&2].life(), life);
    cluster.put("still", "one");
}

/// What it had written before it lost the disk is there; of what it wrote after that, nothing.
#[test]
fn a_zombie_leader_writes_nothing() {
    for combo in COMBOS {
        for replicas in [2, 3] {
            let mut cluster = Steered::led(of(combo, true), replicas);
            cluster.puts("before", 5);
            cluster.run(100);
            let epoch = cluster.world.hosts[&1].life();
            cluster.world.take_over(1, true);
            assert!(cluster.world.is_haunted(1));
            assert_eq!(cluster.world.hosts[&1].life(), epoch + 1);
            let before = cluster.world.hosts[&1].disk.tables.clone();
            // It still leads, as far as it and its followers know, and is asked to write.
            let write = cluster.next_write(Some(put("by whom", "?")));
            let asked = cluster.ask(1, write.clone());
            cluster.until("it tries to write", |world| !world.is_haunted(1));
            assert!(
                cluster
                    .answer(asked)
                    .is_none_or(|a| a == tabraft::wire::Answer::Retry)
            );
            let after = &cluster.world.hosts[&1].disk.tables;
            assert_eq!(after.records[..before.records.len()], before.records[..]);
            for (seq, bytes) in &after.records[before.records.len()..] {
                let record = Record::decode(bytes).expect("a record");
                assert_eq!(record.seq, *seq);
            }
            replay(CLUSTER, 1, after).expect("one log, without gaps");
            let answer = cluster.done(write);
            assert!(matches!(answer, tabraft::wire::Answer::Applied(_)));
            cluster.put("and", "on");
            cluster.all_is_there();
        }
    }
}

/// A frozen tab that comes back, after another one took its replica over and the others went on.
#[test]
fn a_zombie_that_slept_comes_back_to_nothing() {
    for combo in COMBOS {
        let mut cluster = Steered::led(of(combo, true), 3);
        cluster.puts("before", 5);
        cluster.world.pause(1);
        cluster.until("another leads", |world| leads(world, 2) || leads(world, 3));
        cluster.puts("meanwhile", 5);
        // Its place is taken while it sleeps; when it wakes it still thinks that it leads.
        cluster.world.take_over(1, true);
        assert!(cluster.world.is_haunted(1));
        cluster.world.input(1, Input::Tick);
        let stale = crate::steer::leader(&cluster.world).expect("one leads");
        assert_ne!(stale, 1);
        cluster.puts("after", 5);
        cluster.world.thaw(1);
        cluster.until("it has heard of the new term", |world| !world.is_haunted(1));
        cluster.all_is_there();
    }
}
