//! One replica, sans I/O: inputs in, outputs out, and nothing else. It has no clock, no chance, no
//! disk and no channel; its host has them.
//!
//! ```text
//!              Input                             Output
//!   Tick ───────────────┐              ┌──▶ Persist(WriteBatch)   one at a time
//!   Receive(Envelope) ──┤   ┌──────┐   ├──▶ Send { to, body }
//!   Persisted(seq) ─────┼──▶│ Node │──▶├──▶ Fetch               a snapshot, from a peer's disk
//!   Salvage, Succeed ───┤   └──────┘   ├──▶ Again               there is more to do
//!   Configure, ... ─────┘              └──▶ Event
//! ```
//!
//! The duties of its host, as raft-rs has them for its users:
//!
//! 1. After every [`Node::handle`], call [`Node::poll`] until it returns `None`.
//! 2. Carry out a [`WriteBatch`] as one durable transaction, and say [`Input::Persisted`] only when
//!    it is complete. No further batch comes before that: what arrives meanwhile is gathered, and
//!    one transaction serves many writes (group commit).
//! 3. Send what is to be sent, in order, or lose it: a channel may lose, repeat and reorder.
//! 4. Never run two nodes of one id; never go on from a disk without [`wal::replay`].
//! 5. Give every life of a replica another `epoch`: it tells the reads of one life from the next's.
//! 6. Where `shared_store` is set, read what [`Output::Fetch`] asks for, and say [`Input::Fetched`]
//!    whether it was there or not.
//! 7. Say [`Input::Again`] a turn after [`Output::Again`].
//! 8. Say [`Input::Woke`] before anything else when it finds that it slept.
//!
//! The same configuration, the same disk and the same inputs give the same outputs, natively and
//! in wasm.
//!
//! Inside, a write goes through these files:
//! [`requests`] proposes it, [`ready`] sends and persists it, [`apply`] applies it and answers.
//! [`reads`] has the linearizable reads, [`admit`] guards raft-rs, [`log`] is the log in memory,
//! [`transfer`] brings snapshots to followers, [`succession`] is what follows a death, [`entry`]
//! says what an entry is.
//!
//! [`wal::replay`]: crate::wal::replay()

pub mod admit;
pub mod apply;
mod config;
mod disk;
pub mod entry;
mod fold;
pub mod log;
pub mod reads;
pub mod ready;
mod receive;
mod report;
pub mod requests;
pub mod succession;
pub mod transfer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft::eraftpb::Entry;
use raft::{Config as RaftConfig, RaftState, RawNode, StateRole};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

pub use config::{
    Config, ELECTION_TICKS, HEARTBEAT_TICKS, INFLIGHT_MAX, Limits, MESSAGE_BYTES_MAX, StartError,
    UNCOMMITTED_BYTES_MAX,
};
use disk::Disk;
pub use report::{Event, Marks, Report, Role};

use crate::frame::FrameError;
use crate::kv::Store;
use crate::planted::{self, Bug};
use crate::wal::{Recovered, Snapshot, WriteBatch};
use crate::wire::{Address, Body, ClientId, EntryKind, Envelope, NodeId, RaftMessage, Reply};
use log::Log;
use reads::Reads;
use ready::{Held, Said};
use requests::{Early, Waiters};
use succession::Succession;
use transfer::{Incoming, Outgoing};

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The tick interval passed.
    Tick,
    /// An envelope arrived.
    Receive(Envelope),
    /// Bytes arrived that were no envelope.
    Garbage(FrameError),
    /// The batch of this sequence number is durable.
    Persisted(u64),
    /// New limits.
    Configure(Limits),
    /// Ask for votes now rather than after the election timeout: the host knows that nobody leads.
    /// The pre-vote still rules (Raft thesis, section 9.6).
    Campaign,
    /// Give up leadership, to this replica or to the one that has most of the log.
    TransferLeader(Option<NodeId>),
    /// Take a snapshot now.
    Snapshot,
    /// The newest records of a dead leader's log, under their sequence numbers.
    Salvage {
        leader: NodeId,
        records: Vec<(u64, Vec<u8>)>,
    },
    /// This leader is dead, and this replica is the one to campaign in its place.
    Succeed(NodeId),
    /// The host reacted so many ticks late.
    Woke { ticks: u64 },
    /// What [`Output::Again`] asked for.
    Again,
    /// What [`Output::Fetch`] asked for; `None` if it is not there.
    Fetched {
        from: NodeId,
        index: u64,
        body: Option<Vec<u8>>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Persist(WriteBatch),
    Send {
        to: Address,
        body: Body,
    },
    /// Read another replica's snapshot at an index from its disk, and say [`Input::Fetched`].
    Fetch {
        from: NodeId,
        index: u64,
    },
    /// There is more to apply or to answer: say [`Input::Again`] when the inputs that wait by now have had their
    /// turn.
    Again,
    Event(Event),
}

/// Envelopes and messages dropped since the start, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub garbage: u64,
    pub foreign: u64,
    pub misaddressed: u64,
    pub unsound: u64,
}

/// A replica.
pub struct Node {
    config: Config,
    raw: RawNode<Log>,
    store: Store,
    applied: u64,
    /// Bytes of the entries applied since the last snapshot was taken.
    bytes_since_snapshot: u64,
    /// Committed, not yet applied.
    committed: VecDeque<Entry>,
    disk: Disk,
    held: VecDeque<Held>,
    /// Raft messages of this turn.
    unsent: Vec<RaftMessage>,
    /// What each follower was last told.
    said: BTreeMap<NodeId, Said>,
    /// A snapshot that raft-rs is about to be given, decoded.
    admitted_snapshot: Option<Snapshot>,
    /// A snapshot under way to this replica.
    incoming: Option<Incoming>,
    /// Who sent the snapshot that is on its way to the disk, and its index.
    installing: Option<(NodeId, u64)>,
    /// Snapshots under way from this leader.
    outgoing: BTreeMap<NodeId, Outgoing>,
    /// Followers that could not read this leader's store.
    unreadable: BTreeSet<NodeId>,
    succession: Option<Succession>,
    reads: Reads,
    waiters: Waiters,
    early: Early,
    /// Replies of this settling, by client.
    replies: BTreeMap<ClientId, Vec<Reply>>,
    tick: u64,
    campaigns: u64,
    seen: Seen,
    dropped: Dropped,
    outputs: VecDeque<Output>,
    /// [`Output::Again`] was said, and not answered yet.
    again: bool,
}

/// What was last told in events.
#[derive(Default, PartialEq)]
struct Seen {
    role: Option<Role>,
    term: u64,
    leader: NodeId,
}

impl Node {
    /// A replica that goes on from what its disk held.
    ///
    /// # Errors
    /// [`StartError::Raft`] if raft-rs finds configuration and log at odds.
    pub fn new(config: Config, recovered: Recovered) -> Result<Self, StartError> {
        let disk = Disk::new(&recovered);
        // The first life has missed nothing.
        let lived_before = recovered.last_seq > 1;
        let Recovered {
            snapshot: (snapshot, _),
            membership,
            mut store,
            applied,
            hard_state,
            base,
            entries,
            ..
        } = recovered;
        let mut state = RaftState {
            conf_state: membership.into(),
            ..RaftState::default()
        };
        state.hard_state.term = hard_state.term;
        state.hard_state.vote = hard_state.vote;
        state.hard_state.commit = hard_state.commit;
        if planted::is(Bug::AppliesTwice) {
            let known = entries.iter().filter(|entry| entry.index <= snapshot);
            for entry in known.filter(|entry| entry.kind == EntryKind::Normal) {
                store.apply(entry.index, entry.term, &entry.data);
            }
        }
        let entries: Vec<Entry> = entries.into_iter().map(Into::into).collect();
        let since = entries
            .iter()
            .filter(|it| (snapshot + 1..=applied).contains(&it.index));
        let bytes_since_snapshot = since.map(log::cost).sum();
        let log = Log::new(base, entries, state);
        let raft_config = RaftConfig {
            id: config.id,
            election_tick: ELECTION_TICKS,
            heartbeat_tick: HEARTBEAT_TICKS,
            applied,
            max_size_per_msg: MESSAGE_BYTES_MAX,
            max_inflight_msgs: INFLIGHT_MAX,
            max_uncommitted_size: UNCOMMITTED_BYTES_MAX,
            check_quorum: true,
            pre_vote: true,
            // Followers learn what is committed with the next entries, or the next heartbeat: a
            // message for that alone, and its answer, would double what a lone write takes.
            skip_bcast_commit: true,
            ..RaftConfig::default()
        };
        raft_config.validate()?;
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let mut node = Self {
            config,
            raw: RawNode::new(&raft_config, log, &logger)?,
            store,
            applied,
            bytes_since_snapshot,
            committed: VecDeque::new(),
            disk,
            held: VecDeque::new(),
            unsent: Vec::new(),
            said: BTreeMap::new(),
            admitted_snapshot: None,
            incoming: None,
            installing: None,
            outgoing: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            succession: None,
            reads: Reads::default(),
            waiters: Waiters::default(),
            early: Early::default(),
            replies: BTreeMap::new(),
            tick: 0,
            campaigns: 0,
            seen: Seen::default(),
            dropped: Dropped::default(),
            outputs: VecDeque::new(),
            again: false,
        };
        node.settle();
        if lived_before {
            node.say_hello();
        }
        Ok(node)
    }

    /// Takes one input; what follows from it is to be polled.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Tick => self.on_tick(),
            Input::Receive(envelope) => self.on_envelope(envelope),
            Input::Garbage(FrameError::Version { .. }) => self.dropped.foreign += 1,
            Input::Garbage(_) => self.dropped.garbage += 1,
            Input::Persisted(seq) => self.on_persisted(seq),
            Input::Configure(limits) => {
                self.config.limits = limits;
                self.take_snapshot_if_due();
            }
            Input::Campaign => self.on_campaign(),
            Input::TransferLeader(to) => self.on_transfer(to),
            Input::Snapshot => self.take_snapshot(),
            Input::Salvage { leader, records } => self.on_salvage(leader, &records),
            Input::Succeed(leader) => self.on_succeed(leader),
            Input::Again => self.again = false,
            Input::Woke { ticks } => self.on_woke(ticks),
            Input::Fetched { from, index, body } => self.on_fetched(from, index, body),
        }
        self.settle();
    }

    /// The next thing to be done by the host.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The envelope around a body that this replica sends.
    pub fn envelope(&self, body: Body) -> Envelope {
        Envelope {
            cluster: self.config.cluster,
            from: Address::Node(self.config.id),
            body,
        }
    }

    /// The log in memory.
    pub fn log(&self) -> &Log {
        self.raw.store()
    }

    /// The state machine as applied.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn is_leader(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    pub fn id(&self) -> NodeId {
        self.config.id
    }

    /// Whom it takes for the leader; 0 for nobody.
    pub fn leader(&self) -> NodeId {
        self.raw.raft.leader_id
    }

    /// Index and term of the newest durable snapshot.
    pub fn snapshot(&self) -> (u64, u64) {
        self.disk.snapshot
    }

    pub fn term(&self) -> u64 {
        self.raw.raft.term
    }

    /// The newest entry known to be committed.
    pub fn commit(&self) -> u64 {
        self.raw.raft.raft_log.committed
    }

    /// The newest entry applied.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    fn on_tick(&mut self) {
        self.tick += 1;
        let raft = &self.raw.raft;
        let would_campaign =
            !self.is_leader() && raft.election_elapsed + 1 >= raft.randomized_election_timeout();
        if !would_campaign || admit::may_campaign(raft) {
            self.raw.tick();
            self.campaigns += u64::from(would_campaign);
        }
        self.expire_requests();
        self.watch_transfers();
        self.age_succession();
        self.look_for_leader();
        self.disk.flush_lazily();
    }

    /// raft-rs declines where a conf change is not applied yet, but would have a learner elected.
    fn on_campaign(&mut self) {
        let raft = &self.raw.raft;
        let may = raft.promotable() && raft.leader_id == 0 && admit::may_campaign(raft);
        if may && self.raw.campaign().is_ok() {
            self.campaigns += 1;
        }
    }

    fn on_transfer(&mut self, to: Option<NodeId>) {
        if !self.is_leader() {
            return;
        }
        let me = self.config.id;
        let conf = self.raw.raft.prs().conf().to_conf_state();
        let most_of_log = || {
            let voters = conf.voters.iter().filter(|id| **id != me);
            let matched = |id: &u64| self.raw.raft.prs().get(*id).map_or(0, |pr| pr.matched);
            voters
                .copied()
                .max_by_key(|id| (matched(id), u64::MAX - id))
        };
        if let Some(to) = to.or_else(most_of_log) {
            self.raw.transfer_leader(to);
        }
    }

    /// raft-rs draws election timeouts from the thread's random numbers. They are set anew after
    /// every step from the seed and from what the replica is, so that a run can be repeated.
    fn set_election_timeout(&mut self) {
        let mut bytes = [0; 40];
        let state = [
            self.config.seed,
            self.config.id,
            self.raw.raft.term,
            self.raw.raft.state as u64,
            self.campaigns,
        ];
        for (chunk, number) in bytes.chunks_exact_mut(8).zip(state) {
            chunk.copy_from_slice(&number.to_le_bytes());
        }
        let spread = (xxh3_64(&bytes) % ELECTION_TICKS as u64) as usize;
        self.raw
            .raft
            .set_randomized_election_timeout(ELECTION_TICKS + spread);
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn send(&mut self, to: Address, body: Body) {
        self.outputs.push_back(Output::Send { to, body });
    }
}
