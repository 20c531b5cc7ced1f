//! What a page and its workers tell each other, and what tabs tell each other.
//!
//! Between page and worker: `postMessage`. Between tabs: the channel `tabraft:<cluster>:tabs`.
//! Both carry plain JavaScript objects; whatever does not have one of these shapes is dropped.
//! Data and Raft's messages do not travel here but as envelopes ([`tabraft::wire`]).

use serde::{Deserialize, Serialize};
use tabraft::node::Limits;

use crate::model::{Change, DiskFault, EntryAt, FaultyLink, Flight, NodeStatus};
use crate::settings::Durability;

/// Spoken by page and worker of one build; a cached worker can be older than its page.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+5");

/// A tab's number: its name, see `client::tab_name`, and what is drawn at random when it opens.
pub type TabId = String;

/// All that a worker needs to host a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub cluster: String,
    /// The cluster's identity, 16 hex digits.
    pub identity: String,
    pub node: u64,
    pub tab: TabId,
    pub durability: Durability,
    pub tick_ms: u32,
    pub live: Live,
    pub faults: Vec<FaultyLink>,
    /// Whether to wait for the replica's lock, or to give up if somebody else holds it.
    pub wait: bool,
}

/// To host a replica whenever nobody does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub assignment: Assignment,
    /// Whether to read ahead what its host writes.
    pub read_ahead: bool,
}

/// Settings that may change while a replica runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub limits: Limits,
    /// Whether the end of a dead leader's log is read from its disk.
    pub salvage: bool,
    /// Whether a follower that learns of its leader's death campaigns at once.
    pub succession: bool,
    /// A replica that slept for so many ticks is closed and opened again from its disk.
    pub reopen_ticks: u64,
}

/// What a running replica can be asked to do, by its page or by another tab.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    Configure(Live),
    /// Take a snapshot; yields its index once it is durable.
    Snapshot,
    /// Hand leadership over to this member.
    Transfer(u64),
    Disk(DiskFault),
    /// What is at an index of its log, and when it went through each step here.
    Entry(u64),
}

/// What came of a [`Deed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Yield {
    Nothing,
    Index(u64),
    Entry(Box<EntryAt>),
}

/// A code and a sentence.
pub type Told = (String, String);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// Host whichever of these replicas dies first. It takes the place of what was said so before.
    Stand(Vec<Order>),
    Host(Box<Assignment>),
    /// Hand leadership over, finish the write under way, let go of lock and database.
    Stop,
    Pause,
    Resume,
    /// Nobody leads: ask for votes at once.
    Campaign,
    /// The links that do not work as they should; answered with [`FromWorker::FaultsSet`].
    Faults(Vec<FaultyLink>),
    /// Answered with [`FromWorker::Did`] of the same number.
    Do {
        call: u64,
        deed: Deed,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// Its first word.
    Ready {
        build: String,
    },
    /// Another host has the replica's lock; this one is in the queue.
    Waiting,
    /// Another host has it, and this one was not to wait.
    Taken,
    /// It stood by, this replica's host has died, and it is the next one.
    Took {
        node: u64,
    },
    Started,
    FaultsSet,
    Paused,
    Resumed,
    Stopped,
    Did {
        call: u64,
        result: Result<Yield, Told>,
    },
    /// It slept for so long that it is to be ended and started again from its disk.
    Overslept {
        ms: f64,
    },
    Failed {
        code: String,
        message: String,
    },
}

/// On the tabs' channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TabMessage {
    pub protocol: u32,
    /// The cluster's identity.
    pub identity: String,
    pub from: TabId,
    pub word: Word,
}

/// The tabs' channel speaks this version.
pub const TAB_PROTOCOL: u32 = 6;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Word {
    /// A new tab: workers tell their status, tabs the faults they know.
    Hello,
    /// From a worker: how its replica is, and what it has sent since it last said so. `from` is the
    /// tab that hosts it.
    Status(Box<NodeStatus>, Vec<Flight>),
    /// From a worker: something happened.
    Event {
        node: u64,
        kind: String,
        text: String,
        term: u64,
        at_ms: f64,
    },
    /// From a page: its replica no longer runs, and why.
    Ended { node: u64, problem: Option<String> },
    /// Link faults; the highest stamp wins.
    Faults {
        stamp: (u64, TabId),
        links: Vec<FaultyLink>,
    },
    /// Settings that differ from those of the addresses; the highest stamp wins.
    Configure { stamp: (u64, TabId), change: Change },
    /// The origin's record of the cluster is not what it was.
    Record,
    /// It says of `node` from now on that it was stopped on purpose, or no longer. Who would revive it
    /// has no time to look.
    Purpose { node: u64, stopped: bool },
    /// All that this replica had stored is gone.
    Wiped { node: u64 },
    /// To the tab that hosts `node`.
    Call { id: u64, node: u64, action: Action },
    /// To tab `to`: what came of its call.
    Result {
        to: TabId,
        id: u64,
        result: Result<Yield, Told>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    Stop,
    Crash,
    Pause {
        ms: Option<f64>,
    },
    Resume,
    /// Stop, because another tab is to host the replica.
    HandOver,
    /// Answered when the worker knows the faults and settings told before.
    Sync,
    Do(Deed),
}
