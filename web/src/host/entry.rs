//! One entry of a replica's log in words, for the page that asks.

use tabraft::kv::Op;
use tabraft::node::Node;
use tabraft::node::entry::{Content, Slot};
use tabraft::wire::MemberChange;

use super::steps::Steps;
use crate::model::EntryAt;

/// Characters of a key or a value that are told: a value may have a million.
const TOLD_MAX: usize = 120;

pub fn told(node: &Node, steps: &Steps, index: u64) -> EntryAt {
    let (kind, term, bytes, text) = words(node.slot(index));
    EntryAt {
        node: node.id(),
        kind: kind.to_owned(),
        term,
        bytes,
        text,
        steps: steps.of(node.id(), index),
        earlier: steps.earlier(index),
    }
}

/// Kind, term, bytes and text.
fn words(slot: Slot) -> (&'static str, u64, u64, String) {
    match slot {
        Slot::Compacted { snapshot } => {
            let text = format!("compacted: the snapshot at {snapshot} has its effect");
            ("compacted", 0, 0, text)
        }
        Slot::Beyond { last: 0 } => ("none", 0, 0, "an empty log".to_owned()),
        Slot::Beyond { last } => ("none", 0, 0, format!("the log ends at {last}")),
        Slot::Entry {
            term,
            bytes,
            content,
        } => {
            let (kind, text) = asks(&content);
            (kind, term, bytes, text)
        }
    }
}

fn asks(content: &Content) -> (&'static str, String) {
    match content {
        Content::Empty => (
            "empty",
            "the empty entry that a new leader begins its term with".to_owned(),
        ),
        Content::Open => (
            "session",
            "opens a client's session, whose number is this index".to_owned(),
        ),
        Content::Write { session, seq, op } => {
            let (kind, text) = op_words(op);
            (kind, format!("{text}, write {seq} of session {session}"))
        }
        Content::Membership(changes) => {
            let text = match changes.as_slice() {
                [] => "leaves the joint membership".to_owned(),
                some => some.iter().map(change).collect::<Vec<_>>().join(", "),
            };
            ("membership", text)
        }
        Content::Unknown => ("unknown", "bytes that this version cannot read".to_owned()),
    }
}

fn op_words(op: &Op) -> (&'static str, String) {
    let key = quoted(op.key().as_bytes());
    match op {
        Op::Put { value, .. } => ("put", format!("put {key} = {}", quoted(value))),
        Op::Delete { .. } => ("delete", format!("delete {key}")),
        Op::Cas {
            expected, value, ..
        } => {
            let expected = expected.as_ref().map(|it| quoted(it));
            let expected = expected.unwrap_or_else(|| "nothing".to_owned());
            let value = quoted(value);
            ("cas", format!("put {key} = {value} if it is {expected}"))
        }
    }
}

fn change(change: &MemberChange) -> String {
    match change {
        MemberChange::AddVoter(id) => format!("node {id} becomes a voter"),
        MemberChange::AddLearner(id) => format!("node {id} becomes a learner"),
        MemberChange::Remove(id) => format!("node {id} leaves"),
    }
}

/// A text in quotation marks; its beginning where it is long.
fn quoted(bytes: &[u8]) -> String {
    // No character has more than four bytes.
    let head = &bytes[..bytes.len().min(4 * TOLD_MAX + 4)];
    let text = String::from_utf8_lossy(head);
    let told: String = text.chars().take(TOLD_MAX).collect();
    match told.len() < bytes.len() && text.chars().nth(TOLD_MAX).is_some() {
        true => format!("“{told}…” ({} bytes)", bytes.len()),
        false => format!("“{told}”"),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_kind_of_entry_has_words() {
        let write = |op| Content::Write {
            session: 5,
            seq: 3,
            op,
        };
        let key = || "a".to_owned();
        let put = Op::Put {
            key: key(),
            value: "1".into(),
        };
        let cas = |expected: Option<&'static str>| Op::Cas {
            key: key(),
            expected: expected.map(Into::into),
            value: "2".into(),
        };
        let changes = vec![MemberChange::AddVoter(4), MemberChange::Remove(1)];
        for (content, kind, text) in [
            (write(put), "put", "put “a” = “1”, write 3 of session 5"),
            (
                write(Op::Delete { key: key() }),
                "delete",
                "delete “a”, write 3 of session 5",
            ),
            (
                write(cas(None)),
                "cas",
                "put “a” = “2” if it is nothing, write 3 of session 5",
            ),
            (
                write(cas(Some("1"))),
                "cas",
                "put “a” = “2” if it is “1”, write 3 of session 5",
            ),
            (
                Content::Membership(changes),
                "membership",
                "node 4 becomes a voter, node 1 leaves",
            ),
        ] {
            assert_eq!(asks(&content), (kind, text.to_owned()));
        }
        let (kind, term, _, text) = words(Slot::Compacted { snapshot: 9 });
        assert_eq!((kind, term), ("compacted", 0));
        assert_eq!(text, "compacted: the snapshot at 9 has its effect");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "ü".repeat(1_000);
        let wanted = format!("“{}…” (2000 bytes)", "ü".repeat(TOLD_MAX));
        assert_eq!(quoted(long.as_bytes()), wanted);
        let just = "ü".repeat(TOLD_MAX);
        assert_eq!(quoted(just.as_bytes()), format!("“{just}”"));
        assert_eq!(quoted(&[0xff]), "“\u{fffd}”");
    }
}
