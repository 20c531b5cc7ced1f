//! The shapes in which raft-rs's messages travel and its entries are stored.

use bytes::Bytes;
use raft::eraftpb;
use serde::{Deserialize, Serialize};

use super::NodeId;
use super::entries::{Entries, Sharing};

/// raft-rs's `Entry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub index: u64,
    pub term: u64,
    pub kind: EntryKind,
    pub data: Bytes,
    pub context: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    Normal,
    ConfChange,
    ConfChangeV2,
}

impl From<eraftpb::Entry> for LogEntry {
    fn from(entry: eraftpb::Entry) -> Self {
        Self {
            index: entry.index,
            term: entry.term,
            kind: match entry.entry_type {
                eraftpb::EntryType::EntryNormal => EntryKind::Normal,
                eraftpb::EntryType::EntryConfChange => EntryKind::ConfChange,
                eraftpb::EntryType::EntryConfChangeV2 => EntryKind::ConfChangeV2,
            },
            data: entry.data,
            context: entry.context,
        }
    }
}

impl From<LogEntry> for eraftpb::Entry {
    fn from(entry: LogEntry) -> Self {
        Self {
            index: entry.index,
            term: entry.term,
            entry_type: match entry.kind {
                EntryKind::Normal => eraftpb::EntryType::EntryNormal,
                EntryKind::ConfChange => eraftpb::EntryType::EntryConfChange,
                EntryKind::ConfChangeV2 => eraftpb::EntryType::EntryConfChangeV2,
            },
            data: entry.data,
            context: entry.context,
            ..Self::default()
        }
    }
}

/// raft-rs's `ConfState`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub voters: Vec<NodeId>,
    pub learners: Vec<NodeId>,
    /// Not empty while a joint configuration is in force: the voters it replaces.
    pub voters_outgoing: Vec<NodeId>,
    pub learners_next: Vec<NodeId>,
    pub auto_leave: bool,
}

impl Membership {
    /// The configuration a new cluster begins with.
    pub fn of_voters(voters: impl Into<Vec<NodeId>>) -> Self {
        Self {
            voters: voters.into(),
            ..Self::default()
        }
    }

    /// All members, in order.
    pub fn members(&self) -> Vec<NodeId> {
        let lists = [
            self.voters.as_slice(),
            &self.learners,
            &self.voters_outgoing,
            &self.learners_next,
        ];
        let mut ids = lists.concat();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub fn has(&self, id: NodeId) -> bool {
        self.members().contains(&id)
    }

    /// Whether raft-rs can restore it: at least one voter; no id 0; nobody twice, but that one may
    /// be a voter both of the joint configurations; and only an outgoing voter can be a learner
    /// next.
    pub fn is_sound(&self) -> bool {
        let incoming = [self.voters.as_slice(), &self.learners, &self.learners_next].concat();
        let outgoing = [self.voters_outgoing.as_slice(), &self.learners].concat();
        !self.voters.is_empty()
            && are_distinct(incoming)
            && are_distinct(outgoing)
            && self
                .learners_next
                .iter()
                .all(|id| self.voters_outgoing.contains(id))
            && (!self.auto_leave || !self.voters_outgoing.is_empty())
    }
}

/// Whether no id is there twice, and none is 0.
fn are_distinct(mut ids: Vec<NodeId>) -> bool {
    ids.sort_unstable();
    ids.first() != Some(&0) && ids.windows(2).all(|pair| pair[0] != pair[1])
}

impl From<eraftpb::ConfState> for Membership {
    fn from(conf: eraftpb::ConfState) -> Self {
        let sorted = |mut ids: Vec<u64>| {
            ids.sort_unstable();
            ids
        };
        Self {
            voters: sorted(conf.voters),
            learners: sorted(conf.learners),
            voters_outgoing: sorted(conf.voters_outgoing),
            learners_next: sorted(conf.learners_next),
            auto_leave: conf.auto_leave,
        }
    }
}

impl From<Membership> for eraftpb::ConfState {
    fn from(conf: Membership) -> Self {
        Self {
            voters: conf.voters,
            learners: conf.learners,
            voters_outgoing: conf.voters_outgoing,
            learners_next: conf.learners_next,
            auto_leave: conf.auto_leave,
            ..Self::default()
        }
    }
}

/// raft-rs's `Snapshot`; `body` is a frame of kind snapshot. It is empty while it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotMessage {
    pub index: u64,
    pub term: u64,
    pub membership: Membership,
    pub body: Bytes,
}

/// raft-rs's `Message`. Messages that only concern one replica (`MsgHup`, `MsgBeat`, ...) and
/// `MsgPropose` do not travel and have no kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftMessage {
    pub kind: RaftKind,
    pub to: NodeId,
    pub from: NodeId,
    pub term: u64,
    pub log_term: u64,
    pub index: u64,
    pub entries: Entries,
    pub commit: u64,
    pub commit_term: u64,
    pub snapshot: Option<SnapshotMessage>,
    pub request_snapshot: u64,
    pub reject: bool,
    pub reject_hint: u64,
    pub context: Bytes,
    pub priority: i64,
}

macro_rules! raft_kinds {
    ($($name:ident = $upstream:ident),* $(,)?) => {
        /// The kinds of raft-rs's messages that travel.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum RaftKind { $($name),* }

        impl RaftKind {
            fn of(kind: eraftpb::MessageType) -> Option<Self> {
                match kind {
                    $(eraftpb::MessageType::$upstream => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        impl From<RaftKind> for eraftpb::MessageType {
            fn from(kind: RaftKind) -> Self {
                match kind { $(RaftKind::$name => Self::$upstream),* }
            }
        }
    };
}

raft_kinds! {
    Append = MsgAppend,
    AppendResponse = MsgAppendResponse,
    RequestVote = MsgRequestVote,
    RequestVoteResponse = MsgRequestVoteResponse,
    Snapshot = MsgSnapshot,
    Heartbeat = MsgHeartbeat,
    HeartbeatResponse = MsgHeartbeatResponse,
    TransferLeader = MsgTransferLeader,
    TimeoutNow = MsgTimeoutNow,
    ReadIndex = MsgReadIndex,
    ReadIndexResp = MsgReadIndexResp,
    RequestPreVote = MsgRequestPreVote,
    RequestPreVoteResponse = MsgRequestPreVoteResponse,
}

impl RaftMessage {
    /// A message that says nothing, to be filled in.
    pub fn empty() -> Self {
        Self {
            kind: RaftKind::Heartbeat,
            to: 0,
            from: 0,
            term: 0,
            log_term: 0,
            index: 0,
            entries: Entries::default(),
            commit: 0,
            commit_term: 0,
            snapshot: None,
            request_snapshot: 0,
            reject: false,
            reject_hint: 0,
            context: Bytes::new(),
            priority: 0,
        }
    }

    /// Bytes of data in its entries.
    pub fn entry_bytes(&self) -> u64 {
        let bytes = |entry: &LogEntry| (entry.data.len() + entry.context.len()) as u64;
        self.entries.iter().map(bytes).sum()
    }

    /// Messages that raft-rs wants sent at one moment, without those that must not travel. Appends of
    /// the same entries share them.
    pub fn outgoing(messages: Vec<eraftpb::Message>) -> Vec<Self> {
        let mut sharing = Sharing::default();
        let messages = messages.into_iter();
        let outgoing = messages.filter_map(|message| Self::from_raft(message, &mut sharing));
        outgoing.collect()
    }

    fn from_raft(mut message: eraftpb::Message, sharing: &mut Sharing) -> Option<Self> {
        let kind = RaftKind::of(message.msg_type)?;
        let entries: Vec<eraftpb::Entry> = message.take_entries().into();
        let entries = match kind {
            RaftKind::Append => sharing.entries(entries),
            // What a read carries is in no log: nothing tells one from another.
            _ => Entries::from_raft(entries),
        };
        let snapshot = message.snapshot.into_option().map(|snapshot| {
            let metadata = snapshot.metadata.unwrap_or_default();
            SnapshotMessage {
                index: metadata.index,
                term: metadata.term,
                membership: metadata.conf_state.unwrap_or_default().into(),
                body: snapshot.data,
            }
        });
        Some(Self {
            kind,
            to: message.to,
            from: message.from,
            term: message.term,
            log_term: message.log_term,
            index: message.index,
            entries,
            commit: message.commit,
            commit_term: message.commit_term,
            snapshot,
            request_snapshot: message.request_snapshot,
            reject: message.reject,
            reject_hint: message.reject_hint,
            context: message.context,
            priority: message.priority,
        })
    }

    pub fn into_raft(self) -> eraftpb::Message {
        let mut message = eraftpb::Message {
            to: self.to,
            from: self.from,
            term: self.term,
            log_term: self.log_term,
            index: self.index,
            commit: self.commit,
            commit_term: self.commit_term,
            request_snapshot: self.request_snapshot,
            reject: self.reject,
            reject_hint: self.reject_hint,
            context: self.context,
            priority: self.priority,
            ..eraftpb::Message::default()
        };
        message.set_msg_type(self.kind.into());
        message.set_entries(self.entries.into_raft().into());
        if let Some(snapshot) = self.snapshot {
            message.set_snapshot(snapshot.into_raft());
        }
        message
    }
}

impl SnapshotMessage {
    pub fn into_raft(self) -> eraftpb::Snapshot {
        let mut snapshot = eraftpb::Snapshot {
            data: self.body,
            ..eraftpb::Snapshot::default()
        };
        let metadata = snapshot.mut_metadata();
        metadata.index = self.index;
        metadata.term = self.term;
        metadata.set_conf_state(self.membership.into());
        snapshot
    }
}
