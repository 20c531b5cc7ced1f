//! What the page knows of its cluster: the shapes that `window.tabraft.status()` and `events()`
//! return and that every view draws from. Field names are those of the console API (camelCase in
//! JavaScript); indices and terms are Raft's, times are milliseconds of the Unix epoch.

use serde::{Deserialize, Serialize};

pub use crate::change::Change;
use crate::client::bench::{Figures, Load};

/// How a replica's host is, whatever Raft says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A worker hosts it and reacts.
    Running,
    /// A worker hosts it and has been told not to react, as a frozen tab would not.
    Paused,
    /// Nobody hosts it: crashed, stopped, or not started yet.
    Stopped,
    /// Its host gave up: damaged disk, lost epoch, full storage. `NodeStatus::problem` says why.
    Failed,
}

/// Raft's roles, with the learner as one of its own (raft-rs has it as a follower without vote).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Leader,
    Follower,
    Candidate,
    Precandidate,
    Learner,
}

/// One replica, as it last told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    pub id: u64,
    pub state: State,
    /// Meaningful while `state` is `running` or `paused`.
    pub role: Role,
    /// Whether this tab hosts it.
    pub here: bool,
    pub term: u64,
    /// Whom it voted for in `term`; 0 for nobody.
    pub vote: u64,
    /// Whom it takes for the leader; 0 for nobody.
    pub leader: u64,
    pub first_index: u64,
    pub last_index: u64,
    pub commit: u64,
    pub applied: u64,
    pub snapshot_index: u64,
    pub snapshot_term: u64,
    pub wal_records: u64,
    pub wal_bytes: u64,
    pub keys: u64,
    /// Hash of the state machine at `applied`, 16 hex digits.
    pub digest: String,
    /// Owner epoch: how often the replica's database was opened by a host.
    pub epoch: u64,
    pub voters: Vec<u64>,
    pub learners: Vec<u64>,
    /// Whether the cluster has it as a voter or learner. One that was removed is listed until it
    /// is wiped.
    pub member: bool,
    /// Where the entries of each term begin in its log, and the term: the newest 32.
    pub terms: Vec<(u64, u64)>,
    /// On a leader: how far each member is. Empty elsewhere.
    pub progress: Vec<Progress>,
    /// A replica that waits or failed says what for, or why; empty otherwise.
    pub problem: String,
    /// Name of the tab that hosts it; empty if nobody does, or that is not known. A replica leaves it
    /// to those who hear it.
    #[serde(default)]
    pub tab: String,
}

/// What a leader knows of a member's log (raft-rs's `Progress`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub id: u64,
    /// The newest entry known to be on its disk.
    #[serde(rename = "match")]
    pub matched: u64,
    /// The entry it is sent next.
    pub next: u64,
}

impl NodeStatus {
    /// A replica nobody has heard of yet.
    pub fn unknown(id: u64) -> Self {
        Self {
            id,
            state: State::Stopped,
            role: Role::Follower,
            here: false,
            term: 0,
            vote: 0,
            leader: 0,
            first_index: 0,
            last_index: 0,
            commit: 0,
            applied: 0,
            snapshot_index: 0,
            snapshot_term: 0,
            wal_records: 0,
            wal_bytes: 0,
            keys: 0,
            digest: String::new(),
            epoch: 0,
            voters: Vec::new(),
            learners: Vec::new(),
            member: true,
            terms: Vec::new(),
            progress: Vec::new(),
            problem: String::new(),
            tab: String::new(),
        }
    }
}

/// The cluster, as this tab sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub cluster: String,
    /// Votes a decision takes.
    pub quorum: u64,
    /// Id of the leader of the highest term seen; 0 while there is none.
    pub leader: u64,
    pub term: u64,
    pub nodes: Vec<NodeStatus>,
}

/// What this tab asks its replicas for, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Sent, and not answered yet.
    pub under_way: u64,
    /// Not sent yet: there is nobody to ask, or as much under way as may be.
    pub waiting: u64,
    /// How often something was sent again since the page was opened.
    pub repeated: u64,
    /// Sessions that were opened for its writes.
    pub sessions: u64,
}

/// Something that happened, in the order this tab heard of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Position in this tab's list; `events({since})` returns those after it.
    pub seq: u64,
    pub at_ms: f64,
    /// The replica it happened to; 0 for the page itself.
    pub node: u64,
    /// A word for filters: `role`, `term`, `host`, `link`, `snapshot`, `conf`, `problem`, `page`.
    pub kind: String,
    /// One sentence for people.
    pub text: String,
    pub term: u64,
}

/// A one-way link between two replicas that does not work as it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LinkFault {
    pub loss_pct: f64,
    pub duplicate_pct: f64,
    pub delay_ms: f64,
    pub jitter_ms: f64,
}

impl LinkFault {
    /// A cut link.
    pub const CUT: Self = Self {
        loss_pct: 100.0,
        duplicate_pct: 0.0,
        delay_ms: 0.0,
        jitter_ms: 0.0,
    };

    pub fn is_cut(&self) -> bool {
        self.loss_pct >= 100.0
    }
}

/// What messages between replicas are about, as the map tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    Heartbeat,
    Append,
    Vote,
    Snapshot,
}

impl MessageKind {
    pub const ALL: [Self; 4] = [Self::Heartbeat, Self::Append, Self::Vote, Self::Snapshot];

    pub fn name(self) -> &'static str {
        match self {
            MessageKind::Heartbeat => "heartbeat",
            MessageKind::Append => "append",
            MessageKind::Vote => "vote",
            MessageKind::Snapshot => "snapshot",
        }
    }
}

/// One message or more of a kind, or answers to such, went from one replica to another; or were
/// lost on a link that was told to lose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flight {
    pub from: u64,
    pub to: u64,
    pub kind: MessageKind,
    pub lost: bool,
}

/// `LinkFault` of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultyLink {
    pub from: u64,
    pub to: u64,
    pub fault: LinkFault,
}

/// An error of the console API: a `code` for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// `TIMEOUT`, `NO_LEADER`, `KEY_TOO_LARGE`, `VALUE_TOO_LARGE`, `BAD_ARGUMENT`, `NO_SUCH_NODE`,
    /// `ALREADY_RUNNING`, `NOT_RUNNING`, `DAMAGED`, `NO_QUORUM`, `ID_USED`, `BAD_FILE`, ...
    pub code: &'static str,
    pub message: String,
}

/// Where a committed write stands in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written {
    pub index: u64,
    pub term: u64,
    /// For delete: whether the key existed. For cas: whether it was swapped. For put: true.
    pub effect: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    #[default]
    Linearizable,
    Stale,
}

/// Options of a data call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub timeout_ms: f64,
    /// The replica to ask in place of the leader.
    pub node: Option<u64>,
    pub consistency: Consistency,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            timeout_ms: 5000.0,
            node: None,
            consistency: Consistency::Linearizable,
        }
    }
}

/// What a view is told when something changed.
#[derive(Clone, Debug)]
pub enum Update {
    /// Anything in `Cluster::status()` may have changed.
    Status,
    /// A host has died: what takes its place needs the machine more than a view does, for a moment.
    Died,
    Event(Event),
    /// Messages between replicas, since the replica that sent them told of some before.
    Flights(Vec<Flight>),
    /// `Cluster::faults()` changed.
    Faults,
    /// One acknowledged call of this tab's clients: for the rates in the bar.
    Done {
        write: bool,
        latency_ms: f64,
    },
    /// `Cluster::notices()` changed.
    Notices,
    /// `Cluster::progress()` changed.
    Progress,
    /// `Cluster::standing()` changed.
    Judged,
    /// `Cluster::reset_stage()` changed.
    Reset,
    /// `Cluster::bench()` has figures.
    Measured(Load, Figures),
}

/// Long work under way, for showing.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// A sentence without its end: "Reading the file".
    pub what: String,
    /// From 0 to 1; `None` where the end is not in sight.
    pub done: Option<f64>,
}

/// How a replica's disk misbehaves on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DiskFault {
    /// Every write begins so many milliseconds late.
    pub delay_ms: f64,
    /// So many of the next transactions are aborted.
    pub fail_next: u32,
    /// Every write finds the disk full.
    pub full: bool,
}

/// Which stored value `corrupt` damages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Wal,
    Snapshot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Last,
    Middle,
}

/// A snapshot as a file.
#[derive(Clone, Debug)]
pub struct Exported {
    pub blob: web_sys::Blob,
    pub file_name: String,
    pub index: u64,
    pub keys: u64,
    pub bytes: u64,
}

/// What this tab's clients did, as a file.
#[derive(Clone, Debug)]
pub struct HistoryFile {
    pub blob: web_sys::Blob,
    pub file_name: String,
    pub operations: u64,
}

/// What a page has seen, as a file.
#[derive(Clone, Debug)]
pub struct RunFile {
    pub blob: web_sys::Blob,
    pub file_name: String,
    pub bytes: u64,
}

/// The new cluster that a file was restored to.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    pub cluster: String,
    /// Where it opens.
    pub url: String,
    pub index: u64,
    pub keys: u64,
}

/// What one replica has at an index of its log, and when the entry there came how far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryAt {
    pub node: u64,
    /// `put`, `delete`, `cas`, `session`, `empty`, `membership`, `unknown`; or `compacted`,
    /// `none` where the log has no entry there.
    pub kind: String,
    /// 0 where there is no entry.
    pub term: u64,
    /// What it takes in memory.
    pub bytes: u64,
    /// For people, without an end: "put “a” = “1”". Long values are cut.
    pub text: String,
    pub steps: Vec<Step>,
    /// Steps that it had gone through before the first that the replica remembers.
    pub earlier: Vec<String>,
}

/// One step of a write at one replica: its way from the client and back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub node: u64,
    /// `proposed`, `sent`, `received`, `persisted`, `committed`, `applied`, `replied`.
    pub step: String,
    /// Milliseconds of the Unix epoch, with fractions.
    pub at_ms: f64,
}
