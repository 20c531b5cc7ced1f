//! Envelopes with any contents, some of them almost right.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tabraft::kv::{Command, Op, Store};
use tabraft::wal::Snapshot;
use tabraft::wire::{
    Address, Ask, Body, EntryKind, Envelope, LogEntry, MemberChange, Membership, RaftKind,
    RaftMessage, Read, Request, SnapshotAnswer, SnapshotMessage,
};

use super::single::in_part;

pub const CLUSTER: u64 = 0xc1;

#[derive(Clone, Debug)]
pub enum Happening {
    Ticks(usize),
    Written,
    Campaign,
    Restart,
    Transfer(Option<u64>),
    TakeSnapshot,
    /// A leader's death, with what is read of its log: records of the terms and indices given, or
    /// of this replica's own log in its name.
    Death {
        leader: u64,
        led: bool,
        entries: Vec<LogEntry>,
    },
    Woke(u64),
    /// The host finds the snapshot it was to fetch: this one, or nothing.
    Fetched(Option<Vec<u8>>),
    Arrives(Envelope),
}

pub fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (1usize..25).prop_map(Happening::Ticks),
        4 => Just(Happening::Written),
        1 => Just(Happening::Campaign),
        1 => Just(Happening::Restart),
        1 => option::of(id()).prop_map(Happening::Transfer),
        1 => Just(Happening::TakeSnapshot),
        2 => (id(), any::<bool>(), entries()).prop_map(|(leader, led, entries)| {
            Happening::Death { leader, led, entries }
        }),
        1 => (0u64..300).prop_map(Happening::Woke),
        1 => option::of(snapshot().prop_map(|s| s.body.to_vec())).prop_map(Happening::Fetched),
        20 => envelope().prop_map(Happening::Arrives),
    ]
}

fn envelope() -> BoxedStrategy<Envelope> {
    let cluster = prop_oneof![30 => Just(CLUSTER), 1 => any::<u64>()];
    let raft = vec(raft_message(), 1..4).prop_map(|messages| {
        let from = messages[0].from;
        (Address::Node(from), Body::Raft(messages))
    });
    let asks = (vec(ask(), 1..4), id(), any::<bool>()).prop_map(|(asks, id, forwarded)| {
        let requests = asks.into_iter().zip(1..);
        let requests = requests.map(|(ask, id)| Request { id, ask }).collect();
        if forwarded {
            let client = 9;
            return (Address::Node(id), Body::Forwarded { client, requests });
        }
        (Address::Client(id), Body::Requests(requests))
    });
    let others = (id(), other_body()).prop_map(|(id, body)| (Address::Node(id), body));
    (cluster, prop_oneof![6 => raft, 1 => asks, 2 => others])
        .prop_map(|(cluster, (from, body))| Envelope {
            cluster,
            from,
            body,
        })
        .boxed()
}

fn other_body() -> BoxedStrategy<Body> {
    let answer = prop_oneof![
        number().prop_map(SnapshotAnswer::Have),
        Just(SnapshotAnswer::NotFound),
        Just(SnapshotAnswer::Damaged),
        Just(SnapshotAnswer::Installed),
    ];
    prop_oneof![
        1 => Just(Body::Hello),
        1 => number().prop_map(|applied| Body::NotMember { applied }),
        2 => (number(), answer).prop_map(|(index, answer)| Body::SnapshotAnswer { index, answer }),
        6 => (raft_message(), snapshot(), 0u32..6).prop_map(|(message, snapshot, twist)| {
            let message = RaftMessage {
                kind: if twist == 5 { message.kind } else { RaftKind::Snapshot },
                snapshot: Some(snapshot),
                ..message
            };
            in_part(message, twist)
        }),
    ]
    .boxed()
}

/// Small ids for the most part: those of members, of nobody, and of strangers.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0u64..6, 1 => any::<u64>()]
}

/// Indices and terms: near those of a young log for the most part, and at the edges.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        40 => 0u64..12,
        1 => Just(u64::MAX),
        1 => Just((1 << 60) - 1),
        1 => Just(1 << 60),
        1 => any::<u64>(),
    ]
}

/// Boxed: nested, the strategies would not fit a thread's stack.
fn raft_message() -> BoxedStrategy<RaftMessage> {
    let who = (
        kind(),
        prop_oneof![20 => Just(1), 1 => id()],
        prop_oneof![20 => 2u64..4, 1 => id()],
    );
    let numbers = [(); 6].map(|()| number());
    let rest = (
        any::<bool>(),
        option::weighted(0.05, number()),
        any::<bool>(),
        prop_oneof![
            Just(Bytes::new()),
            Just(Bytes::from_static(b"CampaignTransfer"))
        ],
    );
    (who, numbers, entries(), option::of(snapshot()), rest)
        .prop_map(
            |(
                (kind, to, from),
                numbers,
                mut entries,
                snapshot,
                (follow, request_snapshot, reject, context),
            )| {
                let [term, log_term, index, commit, commit_term, reject_hint] = numbers;
                // Most terms near those that a young replica is in.
                let term = if term < 12 { 1 + term % 4 } else { term };
                if follow {
                    line_up(&mut entries, (index, log_term));
                }
                RaftMessage {
                    kind,
                    to,
                    from,
                    term: if kind == RaftKind::ReadIndex {
                        term / 4
                    } else {
                        term
                    },
                    log_term,
                    index,
                    entries: entries.into(),
                    commit,
                    commit_term,
                    snapshot,
                    request_snapshot: request_snapshot.unwrap_or(0),
                    reject,
                    reject_hint,
                    context,
                    priority: 0,
                }
            },
        )
        .boxed()
}

fn kind() -> impl Strategy<Value = RaftKind> {
    prop_oneof![
        5 => Just(RaftKind::Append),
        3 => Just(RaftKind::AppendResponse),
        2 => Just(RaftKind::RequestVote),
        4 => Just(RaftKind::RequestVoteResponse),
        2 => Just(RaftKind::Snapshot),
        2 => Just(RaftKind::Heartbeat),
        2 => Just(RaftKind::HeartbeatResponse),
        1 => Just(RaftKind::TransferLeader),
        2 => Just(RaftKind::TimeoutNow),
        1 => Just(RaftKind::ReadIndex),
        1 => Just(RaftKind::ReadIndexResp),
        1 => Just(RaftKind::RequestPreVote),
        4 => Just(RaftKind::RequestPreVoteResponse),
    ]
}

fn entries() -> impl Strategy<Value = Vec<LogEntry>> {
    let entry = (number(), number(), entry_kind(), data(), context());
    let entry = entry.prop_map(|(index, term, kind, data, context)| LogEntry {
        index,
        term,
        kind,
        data,
        context,
    });
    vec(entry, 0..5)
}

/// Makes entries follow what their message says they follow.
fn line_up(entries: &mut [LogEntry], mut before: (u64, u64)) {
    for entry in entries {
        let term = before.1.max(entry.term % 6);
        before = (before.0.wrapping_add(1), term);
        (entry.index, entry.term) = before;
    }
}

fn entry_kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        3 => Just(EntryKind::Normal),
        1 => Just(EntryKind::ConfChange),
        2 => Just(EntryKind::ConfChangeV2),
    ]
}

fn data() -> impl Strategy<Value = Bytes> {
    let command = op().prop_map(|op| {
        let (session, seq, answered_below) = (2, 1, 1);
        Command::Write {
            session,
            seq,
            answered_below,
            op,
        }
        .encode()
    });
    prop_oneof![
        vec(any::<u8>(), 0..12),
        Just(Command::Open.encode()),
        command
    ]
    .prop_map(Bytes::from)
}

fn context() -> impl Strategy<Value = Bytes> {
    let changes = changes().prop_map(|changes| postcard::to_stdvec(&changes).expect("plain data"));
    prop_oneof![
        4 => Just(Vec::new()),
        4 => changes,
        1 => vec(any::<u8>(), 0..6),
    ]
    .prop_map(Bytes::from)
}

fn changes() -> impl Strategy<Value = Vec<MemberChange>> {
    let change = (0..3, id()).prop_map(|(kind, id)| match kind {
        0 => MemberChange::AddVoter(id),
        1 => MemberChange::AddLearner(id),
        _ => MemberChange::Remove(id),
    });
    vec(change, 0..4)
}

fn membership() -> impl Strategy<Value = Membership> {
    let ids = || vec(id(), 0..4);
    (ids(), ids(), ids(), ids(), any::<bool>()).prop_map(
        |(voters, learners, voters_outgoing, learners_next, auto_leave)| Membership {
            voters,
            learners,
            voters_outgoing,
            learners_next,
            auto_leave,
        },
    )
}

/// With the body that belongs to it, or with another.
fn snapshot() -> BoxedStrategy<SnapshotMessage> {
    let membership = prop_oneof![Just(Membership::of_voters([1, 2, 3])), membership()];
    (number(), number(), membership, 0..8)
        .prop_map(|(index, term, membership, twist)| {
            let body = Snapshot {
                cluster: CLUSTER,
                index,
                term: if twist == 0 { term ^ 1 } else { term },
                membership: membership.clone(),
                store: Store::default(),
            };
            let mut body = body.encode();
            if twist == 1 {
                body.truncate(body.len() / 2);
            }
            SnapshotMessage {
                index,
                term,
                membership,
                body: Bytes::from(body),
            }
        })
        .boxed()
}

fn ask() -> impl Strategy<Value = Ask> {
    let write =
        (number(), number(), number(), op()).prop_map(|(session, seq, answered_below, op)| {
            Ask::Write {
                session,
                seq,
                answered_below,
                op,
            }
        });
    let read = prop_oneof![Just(Read::Linearizable), Just(Read::Stale)];
    prop_oneof![
        Just(Ask::OpenSession),
        Just(Ask::Status),
        write,
        changes().prop_map(Ask::ChangeMembership),
        (key(), read.clone()).prop_map(|(key, read)| Ask::Get { key, read }),
        (key(), any::<u32>(), read).prop_map(|(prefix, limit, read)| Ask::Scan {
            prefix,
            limit,
            read
        }),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c]{0,2}", 1 => Just("k".repeat(1_025))]
}

fn op() -> impl Strategy<Value = Op> {
    let value = || vec(any::<u8>(), 0..8).prop_map(Bytes::from);
    prop_oneof![
        (key(), value()).prop_map(|(key, value)| Op::Put { key, value }),
        key().prop_map(|key| Op::Delete { key }),
        (key(), option::of(value()), value()).prop_map(|(key, expected, value)| Op::Cas {
            key,
            expected,
            value
        }),
    ]
}
