//! Inputs made from real values: a cluster runs, and what its replicas write and say is taken.

use std::collections::BTreeSet;

use bytes::Bytes;
use tabraft::frame::{self, Kind};
use tabraft::kv::Op;
use tabraft::node::{Config, Input, Limits, Node, Output};
use tabraft::wal::{self, Record, Snapshot, Tables};
use tabraft::wire::{
    Address, Ask, Body, Envelope, Membership, Part, RaftKind, RaftMessage, Read, Request,
    SnapshotMessage,
};

use super::fuzz::{self, CLUSTER, SNAPSHOT, sealed};

/// All seeds: target, file name, bytes.
pub fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let alone = Alone::run();
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes: Vec<u8>| {
        seeds.push((target, format!("seed-{name}"), bytes));
    };

    let disk = |tables: &Tables| {
        let snapshots = tables.snapshots.iter().map(|(_, bytes)| (SNAPSHOT, bytes));
        let records = tables.records.iter().map(|(_, bytes)| (0, bytes));
        let kinds = snapshots.chain(records).map(|(flags, bytes)| {
            let kind = if flags == 0 {
                Kind::Record
            } else {
                Kind::Snapshot
            };
            (flags, payload(kind, bytes))
        });
        joined(kinds)
    };
    for (n, tables) in alone.disks.iter().enumerate() {
        add("wal", &format!("disk-{n}"), disk(tables));
    }
    let mut joiner = Tables::default();
    joiner.write(&wal::join(CLUSTER, 1));
    add("wal", "joiner", disk(&joiner));

    let snapshots = alone.disks.iter().flat_map(|tables| &tables.snapshots);
    let mut states: Vec<Snapshot> = snapshots
        .filter_map(|(_, bytes)| Snapshot::decode(bytes).ok())
        .collect();
    states.sort_by_key(|state| state.index);
    states.dedup_by_key(|state| state.index);
    for state in &states {
        let name = state.index.to_string();
        add("snapshot", &name, payload(Kind::Snapshot, &state.encode()));
        add(
            "backup",
            &name,
            payload(Kind::Backup, &state.encode_backup()),
        );
    }
    let nothing = Snapshot::nothing(CLUSTER).encode();
    add("snapshot", "nothing", payload(Kind::Snapshot, &nothing));

    for (name, flags, bodies) in talks(&states) {
        let envelopes = bodies.into_iter().map(|(from, body)| {
            let envelope = Envelope {
                cluster: CLUSTER,
                from,
                body,
            };
            (flags, payload(Kind::Envelope, &envelope.encode()))
        });
        add("envelope", name, joined(envelopes));
    }

    let urls = [
        (
            "all",
            "cluster=a-b.c_9\nnodes=5\nhost=3,1\ndurability=relaxed\ntick_ms=20\nsnapshot_entries=100\nsnapshot_bytes=1024\ncatchup_entries=0\nsit_out_ticks=2\nstep_down_ticks=3\nreopen_ticks=43200\nsalvage=off\nsuccession=on\nrevive=all",
        ),
        (
            "hosts",
            "host=auto\nhost=none\nhost=1,2,3\nrevive=manual\nrevive=auto",
        ),
        (
            "wrong",
            "cluster=a/b\nnodes=10\nhost=2,\ntick_ms=9\nsalvage=yes\ncolour=blue\n=\nnodes",
        ),
        (
            "large",
            "nodes=18446744073709551616\nhost=9007199254740993\ntick_ms=-1\nsnapshot_bytes=1e9",
        ),
        (
            "etcd",
            "engine=etcd\nendpoints=http://127.0.0.1:2379,https://b.example/,http://[::1]:1\nengine=zookeeper\nendpoints=http://root:secret@e:2379\nendpoints=,\nendpoints=http:///",
        ),
        (
            "letters",
            "cluster=\u{fc}\u{1f980}\ndurability=STRICT\nhost=\u{664}",
        ),
    ];
    for (name, text) in urls {
        add("parameters", name, text.as_bytes().to_vec());
    }
    seeds
}

/// Whether a seed's parts all come past the frames and decoders.
pub fn is_read(target: &str, bytes: &[u8]) -> bool {
    let parts = fuzz::parts(bytes);
    let decodes = |flags: u8, part: &[u8]| match target {
        "wal" if flags & SNAPSHOT == 0 => Record::decode(&sealed(Kind::Record, part)).is_ok(),
        "wal" => Snapshot::decode(&sealed(Kind::Snapshot, part)).is_ok(),
        _ => Envelope::decode(&sealed(Kind::Envelope, part)).is_ok(),
    };
    match target {
        "snapshot" => Snapshot::decode(&sealed(Kind::Snapshot, bytes)).is_ok(),
        "backup" => Snapshot::decode_backup(&sealed(Kind::Backup, bytes)).is_ok(),
        "parameters" => true,
        _ => !parts.is_empty() && parts.iter().all(|(flags, part)| decodes(*flags, part)),
    }
}

fn payload(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    frame::open(kind, bytes).expect("a frame").to_vec()
}

/// Parts with their flags, as one input.
fn joined(parts: impl Iterator<Item = (u8, Vec<u8>)>) -> Vec<u8> {
    let mut input = Vec::new();
    for (flags, part) in parts {
        let length = u16::try_from(part.len()).expect("a small part");
        input.push(flags);
        input.extend(length.to_le_bytes());
        input.extend(part);
    }
    input
}

/// A name, the flags of each part, and who says what.
type Talk = (&'static str, u8, Vec<(Address, Body)>);

/// What is said to replica 1 of three.
fn talks(states: &[Snapshot]) -> Vec<Talk> {
    let two = Address::Node(2);
    let client = Address::Client(9);
    let raft = |message: RaftMessage| (two, Body::Raft(vec![message]));
    let of = |kind, term| RaftMessage {
        kind,
        to: 1,
        from: 2,
        term,
        ..RaftMessage::empty()
    };
    let append = RaftMessage {
        log_term: 1,
        index: 1,
        entries: vec![tabraft::wire::LogEntry {
            index: 2,
            term: 2,
            kind: tabraft::wire::EntryKind::Normal,
            data: Bytes::from(tabraft::kv::Command::Open.encode()),
            context: Bytes::new(),
        }]
        .into(),
        commit: 1,
        ..of(RaftKind::Append, 2)
    };
    let requests = |asks: Vec<Ask>| {
        let numbered = asks.into_iter().zip(1..);
        let requests = numbered.map(|(ask, id)| Request { id, ask }).collect();
        (client, Body::Requests(requests))
    };
    let ask = requests(vec![
        Ask::OpenSession,
        Ask::Write {
            session: 3,
            seq: 1,
            answered_below: 1,
            op: put("k", "v"),
        },
        Ask::Get {
            key: "k".to_owned(),
            read: Read::Linearizable,
        },
        Ask::Scan {
            prefix: "k".to_owned(),
            limit: 9,
            read: Read::Stale,
        },
        Ask::Status,
        Ask::ChangeMembership(vec![tabraft::wire::MemberChange::AddLearner(4)]),
    ]);
    let state = states.last().expect("a snapshot");
    let part = |part: Part| {
        let message = RaftMessage {
            snapshot: Some(SnapshotMessage {
                index: state.index,
                term: state.term,
                membership: state.membership.clone(),
                body: Bytes::new(),
            }),
            ..of(RaftKind::Snapshot, state.term)
        };
        let message = Box::new(message);
        (two, Body::Snapshot { message, part })
    };
    let whole = Bytes::from(state.encode());
    let chunk = Part::Chunk {
        total: whole.len() as u64,
        offset: 0,
        bytes: whole,
    };
    vec![
        (
            "follows",
            0x10,
            vec![
                raft(append.clone()),
                raft(of(RaftKind::Heartbeat, 2)),
                ask.clone(),
            ],
        ),
        (
            "votes",
            0x10,
            vec![
                raft(of(RaftKind::RequestPreVote, 2)),
                raft(of(RaftKind::RequestVote, 2)),
                raft(append),
            ],
        ),
        // It campaigns, is voted for, and leads.
        (
            "leads",
            0x04,
            vec![
                raft(of(RaftKind::RequestPreVoteResponse, 2)),
                raft(of(RaftKind::RequestVoteResponse, 2)),
                ask,
                raft(of(RaftKind::HeartbeatResponse, 2)),
            ],
        ),
        (
            "installs",
            0x10,
            vec![part(chunk), part(Part::Stored), (two, Body::Hello)],
        ),
        (
            "removed",
            0xf0,
            vec![(two, Body::NotMember { applied: 9 }), (two, Body::Hello)],
        ),
        (
            "answered",
            0x10,
            vec![(
                two,
                Body::SnapshotAnswer {
                    index: 4,
                    answer: tabraft::wire::SnapshotAnswer::Have(3),
                },
            )],
        ),
    ]
}

fn put(key: &str, value: &str) -> Op {
    Op::Put {
        key: key.to_owned(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

/// A cluster of one: it leads at once, and its disk has everything.
struct Alone {
    /// As it was now and then.
    disks: Vec<Tables>,
}

impl Alone {
    fn run() -> Self {
        let mut tables = Tables::default();
        tables.write(&wal::bootstrap(CLUSTER, 1, Membership::of_voters([1])));
        let recovered = wal::replay(CLUSTER, 1, &tables).expect("a disk");
        let config = Config {
            cluster: CLUSTER,
            id: 1,
            epoch: 1,
            seed: 1,
            shared_store: true,
            limits: Limits {
                snapshot_entries: 3,
                catchup_entries: 1,
                ..Limits::default()
            },
        };
        let mut node = Node::new(config, recovered).expect("a replica");
        let mut disks = vec![tables.clone()];
        settle(&mut node, &mut tables, Input::Campaign);
        let mut ask = |id: u64, ask: Ask, disks: &mut Vec<Tables>| {
            let envelope = Envelope {
                cluster: CLUSTER,
                from: Address::Client(9),
                body: Body::Requests(vec![Request { id, ask }]),
            };
            settle(&mut node, &mut tables, Input::Receive(envelope));
            disks.push(tables.clone());
        };
        ask(1, Ask::OpenSession, &mut disks);
        for seq in 1..10 {
            let op = match seq % 4 {
                0 => Op::Delete {
                    key: "k1".to_owned(),
                },
                3 => Op::Cas {
                    key: "k".to_owned(),
                    expected: None,
                    value: Bytes::from_static(b"swapped"),
                },
                _ => put(&format!("k{}", seq % 3), &format!("v{seq}")),
            };
            let write = Ask::Write {
                session: 3,
                seq,
                answered_below: seq,
                op,
            };
            ask(seq + 1, write, &mut disks);
        }
        let sizes: BTreeSet<usize> = [0, 1, 4, 7, disks.len() - 1].into();
        let disks = sizes.into_iter().map(|n| disks[n].clone()).collect();
        Self { disks }
    }
}

/// Gives it an input, and lets it write until it has nothing more to.
fn settle(node: &mut Node, tables: &mut Tables, input: Input) {
    node.handle(input);
    while let Some(output) = node.poll() {
        if let Output::Persist(batch) = output {
            tables.write(&batch);
            node.handle(Input::Persisted(batch.seq));
        }
    }
}
