//! The leader knows more to be committed than its followers do: each of them learns it with the next
//! entries, or the next heartbeat. It dies in between.

use tabraft::wire::Answer;

use crate::of;
use crate::steer::{COMBOS, SOON, Steered, put};

/// What a replica's log has, knows to be committed, and has applied.
type Line = (u64, u64, u64);

fn line(cluster: &Steered, id: u64) -> Line {
    let node = cluster.node(id);
    (node.log().last(), node.commit(), node.applied())
}

#[test]
fn commit_lag_a_leader_far_ahead_of_its_followers_commit_index_dies() {
    const MANY: u64 = 40;
    for combo in COMBOS {
        for replicas in [2, 3, 5] {
            let mut cluster = Steered::led(of(combo, replicas == 2), replicas);
            cluster.put("before", "0");
            cluster.run(200);
            let old = cluster.node(1).commit();
            let asked: Vec<u64> = (0..MANY)
                .map(|number| {
                    let write = cluster.next_write(Some(put(&format!("k{number}"), "v")));
                    cluster.ask(1, write)
                })
                .collect();
            // Everybody has the entries, the leader alone knows that everybody has.
            let new = old + MANY;
            while cluster.node(1).log().last() < new {
                assert!(cluster.world.step());
            }
            while cluster.node(1).applied() < new {
                for follower in 2..=replicas {
                    // It hears entries, and of no commit index beyond the old one.
                    if cluster.node(follower).log().last() == new {
                        cluster.world.network.cut(1, follower);
                    }
                }
                assert!(cluster.world.step());
            }
            assert_eq!(line(&cluster, 1), (new, new, new));
            cluster.world.crash(1, true);
            cluster.world.network.heal();
            // All of it was acknowledged, or is about to be: the answers are on their way.
            for request in asked {
                while cluster.answer(request).is_none() {
                    assert!(cluster.world.step());
                }
                let answer = cluster.answer(request);
                assert!(matches!(answer, Some(Answer::Applied(_))), "{answer:?}");
            }
            // What the dead one had sent arrives.
            cluster.run(4);
            let followers: Vec<Line> = (2..=replicas).map(|id| line(&cluster, id)).collect();
            let behind = followers.iter().filter(|(_, commit, _)| *commit < new);
            let all = followers.len();
            if cluster.leader().is_none() {
                assert_eq!(behind.count(), all, "{combo:?} {followers:?}");
            }
            // The timeline of each: it learns no more than any of them knew, until a leader has
            // committed an entry of its own term; that covers everything before it at once.
            let most = followers.iter().map(|(_, commit, _)| *commit).max();
            let mut jumped = vec![false; all];
            let end = cluster.world.agenda.now() + SOON;
            while jumped.iter().any(|jumped| !jumped) {
                assert!(cluster.world.step() && cluster.world.agenda.now() < end);
                cluster.sound();
                for (place, id) in (2..=replicas).enumerate() {
                    let (_, commit, applied) = line(&cluster, id);
                    assert!(applied <= commit);
                    assert!(
                        Some(commit) <= most || commit > new || jumped[place],
                        "{combo:?}: {id} is at {commit}; {most:?} was known of {new}"
                    );
                    jumped[place] |= commit > new;
                }
            }
            for number in 0..MANY {
                cluster
                    .acknowledged
                    .insert(format!("k{number}"), "v".to_owned());
            }
            cluster.world.start(1);
            cluster.all_is_there();
        }
    }
}
