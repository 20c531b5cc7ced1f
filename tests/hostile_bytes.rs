//! Whatever arrives, a replica neither panics (in wasm that would end it) nor writes what it could
//! not come back from.

#[path = "hostile/messages.rs"]
mod messages;
#[path = "hostile/single.rs"]
mod single;

use messages::Happening;
use proptest::prelude::*;
use single::{asks, first_append, from_two, in_part, plain, snapshot_at};
use tabraft::frame::{self, FrameError, Kind};
use tabraft::kv::Command;
use tabraft::node::{Config, Input, Limits, Node, Output, Role};
use tabraft::wal::{self, Record, Snapshot, Tables, WriteBatch};
use tabraft::wire::{
    Address, Ask, Envelope, LogEntry, MemberChange, Membership, RaftKind, RaftMessage,
};

/// Runs of each property.
const CASES: u32 = 300;
const CLUSTER: u64 = messages::CLUSTER;

/// A payload in a whole frame: past the checksum, where the decoders are on their own.
fn sealed(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let sealed = frame::seal(kind, |mut buffer| {
        buffer.extend_from_slice(payload);
        Ok::<_, std::convert::Infallible>(buffer)
    });
    match sealed {
        Ok(bytes) => bytes,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn arbitrary_bytes_decode_to_an_error_or_a_value(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(Envelope::decode(&bytes).is_err());
        prop_assert!(Record::decode(&bytes).is_err());
        prop_assert!(Snapshot::decode(&bytes).is_err());
        let _ = Command::decode(&bytes);
        let _ = Envelope::decode(&sealed(Kind::Envelope, &bytes));
        let _ = Record::decode(&sealed(Kind::Record, &bytes));
        let _ = Snapshot::decode(&sealed(Kind::Snapshot, &bytes));
    }

    /// Lists that claim to be as long as a number can say end with the bytes there are.
    #[test]
    fn claimed_lengths_allocate_nothing(
        before in proptest::collection::vec(0u8..8, 0..40),
        after in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let payload = [before.as_slice(), &huge, &after].concat();
        let _ = Envelope::decode(&sealed(Kind::Envelope, &payload));
        let _ = Record::decode(&sealed(Kind::Record, &payload));
        let _ = Snapshot::decode(&sealed(Kind::Snapshot, &payload));
        let _ = Command::decode(&payload);
    }

    #[test]
    fn a_replica_survives_whatever_is_well_formed(
        founders in 1u64..=3,
        happenings in proptest::collection::vec(messages::happening(), 1..120),
    ) {
        let mut replica = Replica::new(founders);
        for happening in happenings {
            replica.take(happening);
        }
        replica.restart();
    }
}

#[test]
fn a_frame_says_how_long_it_is_before_it_is_read() {
    let mut bytes = sealed(Kind::Envelope, b"payload");
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = Envelope::decode(&bytes);
    assert!(
        matches!(error, Err(FrameError::TooLarge { .. })),
        "{error:?}"
    );
}

/// raft-rs would lead over entries that are not durable, and panics instead.
#[test]
fn a_vote_before_it_can_have_been_asked_for_is_dropped() {
    let mut replica = Replica::new(2);
    replica.take(from_two(first_append(2)));
    replica.take(from_two(plain(RaftKind::TimeoutNow, 2)));
    assert_eq!(replica.node.report().role, Role::Candidate);
    replica.take(from_two(plain(RaftKind::RequestVoteResponse, 3)));
    assert_eq!(replica.node.report().dropped.unsound, 1);
    assert_eq!(replica.node.report().role, Role::Candidate);
}

/// It would be sent nothing any more, and counted for what is not even in the leader's log.
#[test]
fn a_follower_has_no_more_than_its_leader() {
    let mut replica = Replica::new(2);
    replica.take(from_two(plain(RaftKind::TimeoutNow, 2)));
    replica.written();
    replica.take(from_two(plain(RaftKind::RequestVoteResponse, 3)));
    replica.written();
    assert!(replica.node.is_leader());
    let forged = RaftMessage {
        index: 77,
        ..plain(RaftKind::AppendResponse, 3)
    };
    replica.take(from_two(forged));
    let report = replica.node.report();
    assert_eq!(report.dropped.unsound, 1);
    assert_eq!(report.progress[1].matched, 0);
}

/// What a read carries is in no log, and cannot be taken for an entry of one.
#[test]
fn a_read_carries_no_entry_of_a_log() {
    for (index, term, is_sound) in [(0, 0, true), (2, 0, false), (0, 2, false)] {
        let mut replica = Replica::new(2);
        let mut entries = first_append(2).entries.to_vec();
        (entries[0].index, entries[0].term) = (index, term);
        let read = RaftMessage {
            entries: entries.into(),
            ..plain(RaftKind::ReadIndexResp, 2)
        };
        replica.take(from_two(read));
        let unsound = replica.node.report().dropped.unsound;
        assert_eq!(unsound, u64::from(!is_sound), "{index}@{term}");
    }
}

/// Twice the same learner is a joint membership, of which the only voter is no singleton to raft-rs.
#[test]
fn a_sole_voter_does_not_lead_over_entries_that_are_not_durable() {
    let mut replica = Replica::new(1);
    replica.take(Happening::Ticks(20));
    replica.written();
    assert!(replica.node.is_leader());
    let learner = MemberChange::AddLearner(2);
    replica.take(asks(Ask::ChangeMembership(vec![learner, learner])));
    replica.written();
    replica.written();
    assert!(!replica.node.report().membership.voters_outgoing.is_empty());
    replica.take(from_two(plain(RaftKind::TimeoutNow, 3)));
    replica.written();
    replica.take(Happening::Ticks(20));
    assert!(replica.node.is_leader());
}

/// The snapshot's bytes are on their way to the disk, and what was before it is forgotten: raft-rs
/// would look there for conf changes.
#[test]
fn nobody_campaigns_while_a_snapshot_is_on_its_way_to_the_disk() {
    let mut replica = Replica::new(3);
    replica.take(Happening::Arrives(Envelope {
        cluster: CLUSTER,
        from: Address::Node(2),
        body: in_part(snapshot_at(9, 2), 0),
    }));
    replica.take(from_two(plain(RaftKind::TimeoutNow, 2)));
    replica.take(Happening::Ticks(50));
    assert_eq!(replica.node.report().role, Role::Follower);
    replica.written();
    replica.take(Happening::Ticks(20));
    assert_eq!(replica.node.report().role, Role::PreCandidate);
    assert_eq!(replica.node.applied(), 9);
}

/// A replica and its disk.
struct Replica {
    node: Node,
    tables: Tables,
    writing: Option<WriteBatch>,
    fetching: Option<(u64, u64)>,
    lives: u64,
}

impl Replica {
    fn new(founders: u64) -> Self {
        let mut tables = Tables::default();
        let founders: Vec<u64> = (1..=founders).collect();
        tables.write(&wal::bootstrap(CLUSTER, 1, Membership::of_voters(founders)));
        Self {
            node: start(&tables, 1),
            tables,
            writing: None,
            fetching: None,
            lives: 1,
        }
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Ticks(count) => (0..count).for_each(|_| self.input(Input::Tick)),
            Happening::Written => self.written(),
            Happening::Campaign => self.input(Input::Campaign),
            Happening::Restart => self.restart(),
            Happening::Transfer(to) => self.input(Input::TransferLeader(to)),
            Happening::TakeSnapshot => self.input(Input::Snapshot),
            Happening::Death {
                leader,
                led,
                entries,
            } => {
                let records = self.tail(leader, led, entries);
                self.input(Input::Salvage { leader, records });
                self.input(Input::Succeed(leader));
            }
            Happening::Woke(ticks) => self.input(Input::Woke { ticks }),
            Happening::Fetched(body) => {
                if let Some((from, index)) = self.fetching.take() {
                    self.input(Input::Fetched { from, index, body });
                }
            }
            // As a client of its own or a peer would send it, over the wire.
            Happening::Arrives(envelope) => {
                let decoded = Envelope::decode(&envelope.encode());
                self.input(Input::Receive(decoded.expect("it was just encoded")));
            }
        }
    }

    /// A log in a dead leader's name: this replica's own records, then one with these entries.
    fn tail(&self, leader: u64, led: bool, entries: Vec<LogEntry>) -> Vec<(u64, Vec<u8>)> {
        let own = self.tables.records.iter();
        let mut records: Vec<Record> = own
            .map(|(_, bytes)| Record::decode(bytes).expect("a replica's own record"))
            .collect();
        let last = records.last().expect("a disk is never empty").clone();
        let term = entries.last().map_or(0, |entry| entry.term);
        let mut hard_state = last.hard_state;
        hard_state.term = hard_state.term.max(term);
        records.push(Record {
            seq: last.seq + 1,
            from_seq: last.seq + 1,
            oldest_seq: last.oldest_seq,
            hard_state,
            entries,
            membership: None,
            snapshot: None,
            ..last
        });
        let forge = |mut record: Record| {
            record.node = leader;
            record.led_term = if led { record.hard_state.term } else { 0 };
            (record.seq, record.encode())
        };
        records.into_iter().map(forge).collect()
    }

    fn written(&mut self) {
        if let Some(batch) = self.writing.take() {
            self.tables.write(&batch);
            self.input(Input::Persisted(batch.seq));
        }
    }

    /// What was written can be come back from.
    fn restart(&mut self) {
        self.lives += 1;
        self.writing = None;
        self.node = start(&self.tables, self.lives);
        self.outputs();
    }

    fn input(&mut self, input: Input) {
        self.node.handle(input);
        self.outputs();
    }

    fn outputs(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Persist(batch) => {
                    assert!(self.writing.is_none(), "one batch at a time");
                    self.writing = Some(batch);
                }
                Output::Send { to: _, body } => {
                    let bytes = self.node.envelope(body).encode();
                    assert!(Envelope::decode(&bytes).is_ok());
                }
                Output::Fetch { from, index } => self.fetching = Some((from, index)),
                Output::Again => self.node.handle(Input::Again),
                Output::Event(_) => {}
            }
        }
    }
}

fn start(tables: &Tables, epoch: u64) -> Node {
    let recovered = wal::replay(CLUSTER, 1, tables).expect("a replica's own disk");
    let config = Config {
        cluster: CLUSTER,
        id: 1,
        epoch,
        seed: 1,
        shared_store: true,
        limits: Limits {
            snapshot_entries: 4,
            snapshot_bytes: 1 << 20,
            catchup_entries: 2,
            ..Limits::default()
        },
    };
    Node::new(config, recovered).expect("a sound disk")
}
