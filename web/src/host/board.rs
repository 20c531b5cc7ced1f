//! What a replica tells all tabs of itself: its status, bounded in rate, and events.

use serde::Serialize;
use tabraft::node::{Event, Report, Role as RaftRole};
use wasm_bindgen::JsValue;

use crate::channel::Channel;
use crate::model::{Flight, NodeStatus, Progress, Role, State};
use crate::names;
use crate::protocol::{Assignment, TAB_PROTOCOL, TabId, TabMessage, Word};

/// Least time between two statuses that nothing of note separates, in milliseconds.
const STATUS_EVERY_MS: f64 = 90.0;

/// The tabs' channel, seen from a replica.
pub struct Board {
    channel: Channel,
    identity: String,
    tab: TabId,
    node: u64,
    epoch: u64,
    published_ms: f64,
}

impl Board {
    /// # Errors
    /// The browser's, where it has no channels.
    pub fn new(assignment: &Assignment, epoch: u64) -> Result<Self, JsValue> {
        Ok(Self {
            channel: Channel::sender(&names::tabs_channel(&assignment.cluster))?,
            identity: assignment.identity.clone(),
            tab: assignment.tab.clone(),
            node: assignment.node,
            epoch,
            published_ms: 0.0,
        })
    }

    pub fn is_due(&self) -> bool {
        js_sys::Date::now() - self.published_ms >= STATUS_EVERY_MS
    }

    pub fn publish(&mut self, report: &Report, state: State, sent: Vec<Flight>) {
        self.published_ms = js_sys::Date::now();
        let status = status_of(report, state, self.epoch);
        self.say(Word::Status(Box::new(status), sent));
    }

    /// Tells of an event in a sentence.
    pub fn tell(&mut self, event: &Event) {
        let node = self.node;
        match event {
            Event::Changed { role, term, leader } => {
                let text = match role {
                    RaftRole::Leader => format!("Node {node} leads in term {term}."),
                    RaftRole::Candidate => format!("Node {node} asks for votes in term {term}."),
                    RaftRole::PreCandidate => {
                        format!("Node {node} asks whether it could win an election.")
                    }
                    RaftRole::Follower | RaftRole::Learner if *leader != 0 => {
                        format!("Node {node} follows node {leader} in term {term}.")
                    }
                    RaftRole::Follower | RaftRole::Learner => {
                        format!("Node {node} knows no leader in term {term}.")
                    }
                };
                self.event("role", text, *term);
            }
            Event::SnapshotTaken { index, first_index } => self.event(
                "snapshot",
                format!("Node {node} took a snapshot at index {index}; its log begins at {first_index}."),
                0,
            ),
            Event::SnapshotInstalled { index } => self.event(
                "snapshot",
                format!("Node {node} installed the leader's snapshot at index {index}."),
                0,
            ),
            Event::MembershipChanged { index, membership } => self.event(
                "conf",
                format!(
                    "Node {node} applied a conf change at index {index}: voters {:?}, learners {:?}.",
                    membership.voters, membership.learners
                ),
                0,
            ),
            Event::Removed { index } => self.event(
                "conf",
                format!("Node {node} is no member of the cluster any more since index {index}."),
                0,
            ),
            Event::Salvaged { leader, entries } => self.event(
                "host",
                match entries {
                    0 => format!("Node {node} read node {leader}'s log and lacks nothing of it."),
                    1 => format!("Node {node} salvaged 1 entry from node {leader}'s log."),
                    many => format!("Node {node} salvaged {many} entries from node {leader}'s log."),
                },
                0,
            ),
            Event::NotSalvaged { leader, reason } => self.event(
                "host",
                format!("Node {node} salvaged nothing from node {leader}'s log: {reason}."),
                0,
            ),
            Event::SteppedDown { ticks } => self.event(
                "role",
                format!("Node {node} slept for {ticks} ticks and gives up leadership."),
                0,
            ),
        }
    }

    pub fn event(&mut self, kind: &str, text: String, term: u64) {
        self.say(Word::Event {
            node: self.node,
            kind: kind.into(),
            text,
            term,
            at_ms: js_sys::Date::now(),
        });
    }

    fn say(&self, word: Word) {
        let message = TabMessage {
            protocol: TAB_PROTOCOL,
            identity: self.identity.clone(),
            from: self.tab.clone(),
            word,
        };
        let sent = message
            .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
            .map_err(JsValue::from)
            .and_then(|message| self.channel.send(&message));
        if let Err(error) = sent {
            web_sys::console::warn_2(&"tabraft: a status was lost:".into(), &error);
        }
    }
}

/// A report in the console API's words.
pub fn status_of(report: &Report, state: State, epoch: u64) -> NodeStatus {
    NodeStatus {
        id: report.id,
        state,
        role: match report.role {
            RaftRole::Leader => Role::Leader,
            RaftRole::Follower => Role::Follower,
            RaftRole::Candidate => Role::Candidate,
            RaftRole::PreCandidate => Role::Precandidate,
            RaftRole::Learner => Role::Learner,
        },
        here: false,
        term: report.term,
        vote: report.vote,
        leader: report.leader,
        first_index: report.first_index,
        last_index: report.last_index,
        commit: report.commit,
        applied: report.applied,
        snapshot_index: report.snapshot.0,
        snapshot_term: report.snapshot.1,
        wal_records: report.wal_records,
        wal_bytes: report.wal_bytes,
        keys: report.keys,
        digest: format!("{:016x}", report.digest),
        epoch,
        voters: report.membership.voters.clone(),
        learners: report.membership.learners.clone(),
        member: true,
        terms: report.terms.clone(),
        progress: report
            .progress
            .iter()
            .map(|progress| Progress {
                id: progress.id,
                matched: progress.matched,
                next: progress.next,
            })
            .collect(),
        problem: String::new(),
        tab: String::new(),
    }
}
