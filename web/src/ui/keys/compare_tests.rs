//! Pairs by node, to marks and a sentence.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::ui::keys::tell::{past, row, title};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A replica that runs: its id, how far it has applied, and the pairs it has then.
type Node<'a> = (u64, u64, Pairs<'a>);

fn digest(pairs: Pairs<'_>) -> String {
    format!("{pairs:?}")
}

fn nodes(of: &[Node<'_>]) -> Vec<NodeStatus> {
    let node = |&(id, applied, pairs): &Node<'_>| NodeStatus {
        state: State::Running,
        applied,
        digest: digest(pairs),
        keys: pairs.len() as u64,
        ..NodeStatus::unknown(id)
    };
    of.iter().map(node).collect()
}

fn held(pairs: Pairs<'_>) -> Held {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let found: Vec<_> = pairs.iter().map(|(k, v)| (bytes(k), bytes(v))).collect();
    Held::of(&found)
}

/// The first of `of` is shown, all rows are known, and all stand where they stood before.
fn compared(of: &[Node<'_>]) -> Compared {
    let stands = Stands::of(&nodes(of), of[0].0, None).unwrap();
    let known = of.iter().map(|it| (digest(it.2), Arc::new(held(it.2))));
    compare(&stands, Some(&held(of[0].2)), &known.collect(), true)
}

fn marks(compared: &Compared) -> Vec<(&str, String)> {
    let rows = compared.rows.iter().flatten();
    rows.map(|it| (it.pair.key.as_str(), row(it))).collect()
}

fn are(compared: &Compared, wanted: &[(&str, &str)]) {
    let wanted: Vec<_> = wanted.iter().map(|it| (it.0, it.1.to_owned())).collect();
    assert_eq!(marks(compared), wanted);
}

const TWO: Pairs<'_> = &[("a", "1"), ("b", "1")];

#[test]
fn equal_digests_say_that_all_is_equal() {
    let all = compared(&[(2, 9, TWO), (1, 9, TWO), (3, 9, TWO)]);
    assert_eq!(
        all.sentence,
        "All 3 replicas hold the same 2 keys, by their digests."
    );
    are(&all, &[("a", "same"), ("b", "same")]);
    assert!(!all.alarm);
    let one = compared(&[(2, 9, &[("a", "1")]), (1, 9, &[("a", "1")])]);
    assert_eq!(
        one.sentence,
        "Both replicas hold the same key, by their digests."
    );
    assert_eq!(
        compared(&[(1, 9, TWO)]).sentence,
        "There is no other replica to compare with."
    );
}

#[test]
fn who_is_behind_has_older_values_or_none_or_still_some() {
    let shown: Pairs<'_> = &[("a", "2"), ("b", "1"), ("c", "3")];
    let behind: Pairs<'_> = &[("a", "1"), ("b", "1"), ("bb", "x")];
    let all = compared(&[(2, 9, shown), (1, 9, shown), (3, 6, behind)]);
    assert_eq!(
        all.sentence,
        "Node 3 is 3 entries behind: 3 of 4 keys differ."
    );
    are(
        &all,
        &[
            ("a", "node 3: older"),
            ("b", "same"),
            ("bb", "node 3: still there"),
            ("c", "node 3: not there"),
        ],
    );
    let rows = all.rows.unwrap();
    assert_eq!(title(&rows[0]), "Node 3 has “1”.");
    assert_eq!(title(&rows[3]), "Node 3 does not have this key.");
    assert!(rows[0].there && !rows[2].there);
    assert!(!all.alarm);
}

#[test]
fn nodes_that_differ_alike_share_a_mark() {
    let shown: Pairs<'_> = &[("a", "2"), ("b", "2")];
    let third: Pairs<'_> = &[("a", "1")];
    let all = compared(&[(2, 9, shown), (1, 7, TWO), (3, 8, third)]);
    are(
        &all,
        &[
            ("a", "nodes 1 and 3: older"),
            ("b", "node 1: older; node 3: not there"),
        ],
    );
    assert_eq!(
        all.sentence,
        "Node 1 is 2 entries behind: 2 of 2 keys differ. \
         Node 3 is 1 entry behind: 2 of 2 keys differ."
    );
    // Seen from the one that is behind, the others are ahead.
    let all = compared(&[(1, 7, TWO), (2, 9, shown)]);
    are(&all, &[("a", "node 2: newer"), ("b", "node 2: newer")]);
    assert_eq!(
        all.sentence,
        "Node 2 is 2 entries ahead: 2 of 2 keys differ."
    );
}

#[test]
fn another_digest_at_the_same_index_is_an_alarm() {
    let other: Pairs<'_> = &[("a", "1"), ("b", "x")];
    let all = compared(&[(2, 9, TWO), (1, 9, TWO), (3, 9, other)]);
    assert!(all.alarm);
    assert!(
        all.sentence.starts_with("Node 3 has diverged: "),
        "{}",
        all.sentence
    );
    assert!(
        all.sentence.ends_with("Node 3: 1 of 2 keys differs."),
        "{}",
        all.sentence
    );
    are(&all, &[("a", "same"), ("b", "node 3: another value")]);
    // Of two that are behind, one at least has gone wrong.
    let newer: Pairs<'_> = &[("a", "2")];
    let all = compared(&[(2, 10, newer), (1, 9, TWO), (3, 9, other)]);
    assert!(
        all.sentence.starts_with("Nodes 1 and 3 have diverged: "),
        "{}",
        all.sentence
    );
}

#[test]
fn who_is_on_its_way_is_not_said_to_be_behind() {
    let newer: Pairs<'_> = &[("a", "2")];
    let now = nodes(&[(2, 10, newer), (1, 9, TWO), (3, 9, TWO)]);
    let first = Stands::of(&now, 2, Some(&Versions::new())).unwrap();
    assert!(first.others.iter().all(|it| it.stand == Stand::Moving));
    let said = compare(&first, Some(&held(newer)), &BTreeMap::new(), true);
    assert_eq!(
        said.sentence,
        "Nodes 1 and 3 apply entries: they are compared when they rest."
    );
    are(&said, &[("a", "")]);
    // Node 1 has caught up, node 3 is where it was.
    let before = first.versions(&now);
    let now = nodes(&[(2, 10, newer), (1, 10, newer), (3, 9, TWO)]);
    let then = Stands::of(&now, 2, Some(&before)).unwrap();
    let stands: Vec<_> = then.others.iter().map(|it| it.stand).collect();
    assert_eq!(stands, [Stand::Same, Stand::Behind(1)]);
    // A place at which it was the same as others is none at which it stayed behind.
    let before = then.versions(&now);
    assert_eq!(before.keys().copied().collect::<Vec<_>>(), [3]);
}

#[test]
fn it_says_what_is_not_known() {
    let newer: Pairs<'_> = &[("a", "2")];
    let mut now = nodes(&[(2, 10, newer), (1, 10, newer), (3, 9, TWO), (4, 8, TWO)]);
    now[2].state = State::Paused;
    now[3].state = State::Stopped;
    let stands = Stands::of(&now, 2, Some(&Versions::new())).unwrap();
    let said = compare(&stands, Some(&held(newer)), &BTreeMap::new(), true);
    assert_eq!(
        said.sentence,
        "Node 3 is paused, 1 entry behind: which keys differ is not known. Node 4 does not run."
    );
    are(&said, &[("a", "")]);
    assert_eq!(
        past(&stands),
        "Node 3 is paused, 1 entry behind. Node 4 does not run. \
         Which keys differed then is not recorded."
    );
    assert_eq!(Stands::of(&[NodeStatus::unknown(1)], 1, None), None);
}

#[test]
fn what_is_beyond_the_rows_that_were_read_is_not_missing() {
    let many: Vec<String> = (0..=ROWS_MAX).map(|n| format!("k{n:04}")).collect();
    let pairs: Vec<_> = many.iter().map(|key| (key.as_str(), "1")).collect();
    let all = compared(&[(2, 9, &pairs), (3, 8, &pairs[1..])]);
    let found = marks(&all);
    assert_eq!(found.len(), ROWS_MAX);
    assert_eq!(found[0].1, "node 3: not there");
    assert!(found[1..].iter().all(|it| it.1 == "same"), "{found:?}");
    assert!(
        all.sentence
            .ends_with(&format!("1 of the first {ROWS_MAX} keys differs."))
    );
}
