//! Sentences about what replicas send and write, for transcripts.

use crate::kv::{Command, Op, Outcome};
use crate::node::Event;
use crate::node::admit::decode_changes;
use crate::wal::{Record, WriteBatch};
use crate::wire::{
    Address, Answer, Ask, Body, EntryKind, Envelope, LogEntry, Membership, NodeId, Part, RaftKind,
    RaftMessage, Reply, Request,
};

/// One line for each message of an envelope.
pub fn sent(envelope: &Envelope, to: Address, lines: &mut Vec<String>) {
    let way = format!("{} > {}", address(envelope.from), address(to));
    match &envelope.body {
        Body::Raft(messages) => lines.extend(
            messages
                .iter()
                .map(|message| format!("{way}  {}", raft_message(message))),
        ),
        Body::Requests(requests) => {
            lines.extend(requests.iter().map(|r| format!("{way}  {}", request(r))));
        }
        Body::Forwarded { requests, .. } => {
            let forwarded = |r| format!("{way}  forwarded: {}", request(r));
            lines.extend(requests.iter().map(forwarded));
        }
        Body::Replies { replies, .. } => {
            lines.extend(replies.iter().map(|r| format!("{way}  {}", reply(r))));
        }
        Body::Hello => lines.push(format!("{way}  Hello")),
        Body::Snapshot { message, part } => {
            let part = match part {
                Part::Stored => "in the store".to_owned(),
                Part::Chunk {
                    total,
                    offset,
                    bytes,
                } => format!("bytes {offset}..{} of {total}", offset + bytes.len() as u64),
            };
            lines.push(format!("{way}  {}, {part}", raft_message(message)));
        }
        Body::SnapshotAnswer { index, answer } => {
            lines.push(format!("{way}  of the snapshot at {index}: {answer:?}"));
        }
        Body::NotMember { applied } => {
            lines.push(format!("{way}  not a member as of {applied}"));
        }
    }
}

fn address(address: Address) -> String {
    match address {
        Address::Node(id) => id.to_string(),
        Address::Client(_) => "client".to_owned(),
    }
}

fn raft_message(message: &RaftMessage) -> String {
    let RaftMessage {
        term,
        index,
        commit,
        ..
    } = message;
    let answer = if message.reject { "no" } else { "yes" };
    match message.kind {
        RaftKind::Append => {
            let after = format!("after {index}@{}", message.log_term);
            let entries = entries(&message.entries);
            format!("Append term {term}, {after}: {entries}, commit {commit}")
        }
        RaftKind::AppendResponse if message.reject => {
            let hint = format!("{}@{}", message.reject_hint, message.log_term);
            format!("AppendResponse term {term}: no to {index}, has {hint}")
        }
        RaftKind::AppendResponse => format!("AppendResponse term {term}: has {index}"),
        RaftKind::RequestVote | RaftKind::RequestPreVote => {
            let last = format!("{index}@{}", message.log_term);
            format!("{:?} term {term}, last {last}", message.kind)
        }
        RaftKind::RequestVoteResponse | RaftKind::RequestPreVoteResponse => {
            format!("{:?} term {term}: {answer}", message.kind)
        }
        RaftKind::Heartbeat => {
            let read = if message.context.is_empty() {
                ""
            } else {
                ", confirm a read"
            };
            format!("Heartbeat term {term}, commit {commit}{read}")
        }
        RaftKind::HeartbeatResponse => {
            let read = if message.context.is_empty() {
                ""
            } else {
                ", read confirmed"
            };
            format!("HeartbeatResponse term {term}{read}")
        }
        RaftKind::Snapshot => match &message.snapshot {
            Some(s) => format!("Snapshot term {term}: state at {}@{}", s.index, s.term),
            None => format!("Snapshot term {term}: empty"),
        },
        RaftKind::ReadIndex => "ReadIndex".to_owned(),
        RaftKind::ReadIndexResp => format!("ReadIndexResp term {term}: {index}"),
        RaftKind::TransferLeader | RaftKind::TimeoutNow => {
            format!("{:?} term {term}", message.kind)
        }
    }
}

fn entries(entries: &[LogEntry]) -> String {
    if entries.is_empty() {
        return "nothing".to_owned();
    }
    let entries: Vec<_> = entries.iter().map(entry).collect();
    entries.join(" ")
}

/// An entry as `index@term contents`.
pub fn entry(entry: &LogEntry) -> String {
    let contents = match entry.kind {
        EntryKind::Normal if entry.data.is_empty() => "(empty)".to_owned(),
        EntryKind::Normal => match Command::decode(&entry.data) {
            Some(Command::Open) => "(open session)".to_owned(),
            Some(Command::Write { op, .. }) => format!("({})", operation(&op)),
            None => "(malformed)".to_owned(),
        },
        _ if entry.context.is_empty() => "(leave joint membership)".to_owned(),
        _ => format!("({:?})", decode_changes(&entry.context).unwrap_or_default()),
    };
    format!("{}@{}{contents}", entry.index, entry.term)
}

fn operation(op: &Op) -> String {
    match op {
        Op::Put { key, value } => format!("{key}={}", text(value)),
        Op::Delete { key } => format!("delete {key}"),
        Op::Cas {
            key,
            expected,
            value,
        } => {
            let expected = expected.as_ref().map_or("nothing".to_owned(), |e| text(e));
            format!("{key}: {expected} to {}", text(value))
        }
    }
}

/// A value as text, or its size where it is long.
fn text(bytes: &[u8]) -> String {
    match bytes.len() {
        0..=40 => String::from_utf8_lossy(bytes).into_owned(),
        many => format!("({many} bytes)"),
    }
}

fn request(request: &Request) -> String {
    let ask = match &request.ask {
        Ask::OpenSession => "open session".to_owned(),
        Ask::Write { seq, op, .. } => format!("write {seq}: {}", operation(op)),
        Ask::Get { key, read } => format!("{read:?} read of {key}").to_lowercase(),
        Ask::Scan { prefix, .. } => format!("scan of {prefix}"),
        Ask::Status => "status".to_owned(),
        Ask::ChangeMembership(changes) => format!("{changes:?}"),
    };
    format!("#{} {ask}", request.id)
}

fn reply(reply: &Reply) -> String {
    let answer = match &reply.answer {
        Answer::Applied(applied) => {
            let outcome = match applied.outcome {
                Outcome::Opened => "session opened".to_owned(),
                other => format!("{other:?}"),
            };
            format!("{outcome} at {}@{}", applied.index, applied.term)
        }
        Answer::Value(Some(value)) => format!("value {}", text(value)),
        Answer::Value(None) => "no such key".to_owned(),
        Answer::Pairs(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| format!("{k}={}", text(v)))
                .collect();
            format!("pairs {}", pairs.join(" "))
        }
        Answer::Status(report) => format!("status of {}", report.id),
        Answer::Retry => "retry".to_owned(),
        Answer::Refused(refusal) => format!("refused: {refusal}"),
    };
    format!("#{} {answer}", reply.id)
}

/// What a batch writes.
pub fn wrote(id: NodeId, batch: &WriteBatch) -> String {
    let Ok(record) = Record::decode(&batch.record) else {
        return format!("{id} writes #{}, which does not decode", batch.seq);
    };
    let hard = record.hard_state;
    let mut line = format!(
        "{id} writes #{}: term {}, vote {}, commit {}",
        batch.seq, hard.term, hard.vote, hard.commit
    );
    if !record.entries.is_empty() {
        line += &format!(", entries {}", entries(&record.entries));
    }
    if let Some((index, of)) = &record.membership {
        line += &format!(", membership at {index}: {}", membership(of));
    }
    if let Some((index, term)) = record.snapshot {
        line += &format!(", snapshot {index}@{term}");
    }
    if let Some(below) = batch.drop_records_below {
        line += &format!(", drops records below #{below}");
    }
    if let Some(below) = batch.drop_snapshots_below {
        line += &format!(", snapshots below {below}");
    }
    line
}

pub fn event(id: NodeId, event: &Event) -> String {
    match event {
        Event::Changed { role, term, leader } => {
            let role = format!("{role:?}").to_lowercase();
            match leader {
                0 => format!("{id} is {role} in term {term}, no leader"),
                leader => format!("{id} is {role} in term {term}, leader {leader}"),
            }
        }
        Event::SnapshotTaken { index, first_index } => {
            format!("{id} took its snapshot at {index}, log from {first_index}")
        }
        Event::SnapshotInstalled { index } => format!("{id} installed the snapshot at {index}"),
        Event::MembershipChanged {
            index,
            membership: of,
        } => {
            format!("{id} has membership {} since {index}", membership(of))
        }
        Event::Removed { index } => format!("{id} is no member any more since {index}"),
        Event::Salvaged { leader, entries } => {
            format!("{id} salvaged {entries} entries of {leader}")
        }
        Event::NotSalvaged { leader, reason } => {
            format!("{id} salvaged nothing of {leader}: {reason}")
        }
        Event::SteppedDown { ticks } => format!("{id} slept for {ticks} ticks and steps down"),
    }
}

pub fn membership(membership: &Membership) -> String {
    let mut text = format!("voters {:?}", membership.voters);
    let more = [
        ("learners", &membership.learners),
        ("outgoing", &membership.voters_outgoing),
        ("learners next", &membership.learners_next),
    ];
    for (name, ids) in more {
        if !ids.is_empty() {
            text += &format!(" {name} {ids:?}");
        }
    }
    text
}
