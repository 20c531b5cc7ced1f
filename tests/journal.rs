//! A client's journal: it judges what it can, leaves out what it cannot, and forgets soundly.

use bytes::Bytes;
use fastrand::Rng;
use tabraft::check::edn;
use tabraft::check::journal::{Journal, SETTLED_US, hash};
use tabraft::check::linear::{Call, Position, Return};

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(journal: &mut Journal, key: &str, text: &str, at: u64) {
    let call = Call::Put { value: value(text) };
    let number = journal.invoked(at, key, call).expect("room");
    journal.returned(number, at + 1, Return::Put, None);
}

fn get(journal: &mut Journal, key: &str, text: &str, at: u64) {
    let number = journal.invoked(at, key, Call::Get).expect("room");
    let found = Return::Value(Some(value(text)));
    journal.returned(number, at + 1, found, None);
}

/// Judges all there is; its counts, and the sentence if it is broken.
fn judged(journal: &mut Journal, now: u64) -> (u64, u64, Option<String>) {
    while journal.judge(now, 100) {}
    let standing = journal.standing().clone();
    let broken = standing.broken.map(|broken| broken.to_string());
    (standing.operations, standing.left_out, broken)
}

#[test]
fn a_contradiction_is_told_when_it_has_settled() {
    let mut journal = Journal::new(1, 100);
    put(&mut journal, "k", "a", 10);
    put(&mut journal, "k", "b", 20);
    assert_eq!(judged(&mut journal, 25), (2, 0, None));
    get(&mut journal, "k", "a", 30);
    assert_eq!(judged(&mut journal, 40), (2, 0, None));
    assert!(journal.has_news());
    let (operations, _, broken) = judged(&mut journal, 40 + SETTLED_US);
    assert_eq!(operations, 2);
    let broken = broken.expect("a stale read");
    assert!(
        broken.contains(r#"key "k": no order explains get("k"), which got "a""#),
        "{broken}"
    );
}

#[test]
fn keys_that_others_write_are_left_out() {
    let mut journal = Journal::new(1, 100);
    put(&mut journal, "k", "a", 10);
    put(&mut journal, "k", "b", 20);
    get(&mut journal, "k", "a", 30);
    put(&mut journal, "mine", "a", 40);
    assert_eq!(judged(&mut journal, 50), (1, 0, None));
    // That another tab wrote it is heard late, but in time.
    journal.others_write([hash("k")]);
    assert_eq!(judged(&mut journal, 50 + SETTLED_US), (1, 3, None));
    assert!(!journal.has_news());
}

#[test]
fn a_value_of_nobodys_is_anothers() {
    let mut journal = Journal::new(1, 100);
    put(&mut journal, "k", "a", 10);
    get(&mut journal, "k", "theirs", 20);
    assert_eq!(judged(&mut journal, 30 + SETTLED_US), (0, 2, None));

    // What was there at the beginning is not, and does not come back.
    let mut journal = Journal::new(1, 100);
    get(&mut journal, "k", "before", 0);
    put(&mut journal, "k", "a", 10);
    assert_eq!(judged(&mut journal, 15), (2, 0, None));
}

#[test]
fn writes_must_come_in_the_order_of_the_log() {
    let mut journal = Journal::new(1, 100);
    for (key, at, index) in [("a", 10, 7), ("b", 20, 6)] {
        let call = Call::Put { value: value("x") };
        let number = journal.invoked(at, key, call).expect("room");
        let position = Some(Position { index, term: 2 });
        journal.returned(number, at + 1, Return::Put, position);
    }
    let (_, _, broken) = judged(&mut journal, 30);
    assert!(broken.is_some_and(|it| it.starts_with("the log: put(\"b\"")));
}

/// A client that goes on for ever, with many under way and some lost, over a copy that is right: it
/// is never accused, whatever is forgotten when; and it does not grow.
#[test]
fn forgetting_accuses_nobody() {
    for seed in 0..30 {
        let mut rng = Rng::with_seed(seed);
        let room = rng.usize(20..200);
        let mut journal = Journal::new(1, room);
        let mut copy = std::collections::HashMap::<String, Bytes>::new();
        // Those that took effect, by the time of their return.
        let mut under_way: Vec<(u64, u64, Return)> = Vec::new();
        let mut late: Vec<(u64, String, Bytes)> = Vec::new();
        for now in (0..60_000).step_by(10) {
            under_way.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
            while under_way.last().is_some_and(|(at, ..)| *at <= now) {
                if let Some((at, number, answer)) = under_way.pop() {
                    journal.returned(number, at, answer, None);
                }
            }
            late.retain(|(at, key, value)| {
                if *at <= now {
                    copy.insert(key.clone(), value.clone());
                }
                *at > now
            });
            let key = format!("k{}", rng.u32(0..3));
            let written = value(&now.to_string());
            let (call, answer) = if rng.bool() {
                (Call::Get, Return::Value(copy.get(&key).cloned()))
            } else {
                let call = Call::Put {
                    value: written.clone(),
                };
                (call, Return::Put)
            };
            let is_put = call != Call::Get;
            let Some(number) = journal.invoked(now - rng.u64(0..5).min(now), &key, call) else {
                // Its key is left out from here on.
                if is_put {
                    copy.insert(key, written);
                }
                continue;
            };
            if is_put && rng.u32(0..20) == 0 {
                late.push((now + rng.u64(0..20_000), key, written));
                continue;
            }
            if is_put {
                copy.insert(key, written);
            }
            under_way.push((now + rng.u64(1..100), number, answer));
            if rng.u32(0..10) == 0 {
                while journal.judge(now, 100) {}
            }
            assert!(journal.operations().count() <= room);
        }
        let (judged, left_out, broken) = judged(&mut journal, u64::MAX / 2);
        assert_eq!(broken, None, "seed {seed}");
        assert!(
            judged + left_out > 4_000,
            "seed {seed}: {judged} and {left_out}"
        );
    }
}

#[test]
fn a_history_is_written_as_jepsen_reads_it() {
    let mut journal = Journal::new(0x1c4, 100);
    let call = Call::Put {
        value: value("a\"\n"),
    };
    let written = journal.invoked(1, "k", call).expect("room");
    let read = journal.invoked(2, "k", Call::Get).expect("room");
    let position = Some(Position { index: 7, term: 2 });
    journal.returned(written, 4, Return::Put, position);
    journal.returned(read, 5, Return::Value(None), None);
    let deleted = journal.invoked(6, "k", Call::Delete).expect("room");
    journal.returned(deleted, 7, Return::Deleted { existed: true }, None);
    let swap = Call::Cas {
        expected: None,
        value: value("ü"),
    };
    let swapped = journal.invoked(8, "k", swap.clone()).expect("room");
    journal.returned(swapped, 9, Return::Swapped(false), None);
    journal.invoked(9, "k", swap).expect("room");
    let operations: Vec<_> = journal.operations().cloned().collect();
    let expected = r#"{:process 29622272, :type :invoke, :f :write, :value ["k" "a\"\n"], :time 1000, :client "1c4"}
{:process 29622273, :type :invoke, :f :read, :value ["k" nil], :time 2000, :client "1c4"}
{:process 29622272, :type :ok, :f :write, :value ["k" "a\"\n"], :time 4000, :client "1c4", :log-index 7, :log-term 2}
{:process 29622273, :type :ok, :f :read, :value ["k" nil], :time 5000, :client "1c4"}
{:process 29622272, :type :invoke, :f :write, :value ["k" nil], :time 6000, :client "1c4"}
{:process 29622272, :type :ok, :f :write, :value ["k" nil], :time 7000, :client "1c4", :existed true}
{:process 29622272, :type :invoke, :f :cas, :value ["k" [nil "ü"]], :time 8000, :client "1c4"}
{:process 29622273, :type :invoke, :f :cas, :value ["k" [nil "ü"]], :time 9000, :client "1c4"}
{:process 29622272, :type :fail, :f :cas, :value ["k" [nil "ü"]], :time 9000, :client "1c4"}
{:process 29622273, :type :info, :f :cas, :value ["k" [nil "ü"]], :time 9000, :client "1c4"}
"#;
    assert_eq!(edn::write(&operations, 1_000), expected);
}
