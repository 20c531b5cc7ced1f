//! What this tab has heard of the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::engine::Somebody;
use super::error::removed_sentence;
use super::tab_name;
use crate::host::registry::ClusterRecord;
use crate::model::{Event, FaultyLink, NodeStatus, Role, State, Status};
use crate::protocol::TabId;

/// Events kept; older ones are forgotten.
const EVENTS_MAX: usize = 5_000;

/// What a replica last told, and through which tab.
struct Known {
    status: NodeStatus,
    tab: TabId,
}

#[derive(Default)]
pub struct View {
    cluster: String,
    /// The origin's record, as last read.
    record: ClusterRecord,
    nodes: BTreeMap<u64, Known>,
    /// Replicas whose lock somebody holds.
    running: BTreeSet<u64>,
    /// Replicas that gave up, in which epoch and why.
    failed: HashMap<u64, (u64, String)>,
    /// Replicas that this tab waits to host, and what for.
    waiting: HashMap<u64, String>,
    events: VecDeque<Event>,
    events_seen: u64,
    pub faults: Vec<FaultyLink>,
    /// Which setting of the faults is the newest.
    pub faults_stamp: (u64, TabId),
}

impl View {
    pub fn begin(&mut self, cluster: &str, record: ClusterRecord) {
        self.cluster = cluster.into();
        self.record = record;
    }

    pub fn set_record(&mut self, record: ClusterRecord) {
        self.record = record;
    }

    /// Takes word of a change of the record before the record itself.
    pub fn mark_stopped(&mut self, id: u64, is_stopped: bool) {
        self.record.stopped.retain(|it| *it != id);
        if is_stopped {
            self.record.stopped.push(id);
            self.record.stopped.sort_unstable();
        }
    }

    pub fn record(&self) -> &ClusterRecord {
        &self.record
    }

    /// Takes a replica's word about itself.
    pub fn hear(&mut self, tab: TabId, status: NodeStatus) {
        let id = status.id;
        if let Some((epoch, _)) = self.failed.get(&id) {
            if status.epoch <= *epoch {
                return;
            }
            self.failed.remove(&id);
        }
        if let Some(known) = self.nodes.get(&id)
            && status.epoch < known.status.epoch
        {
            return;
        }
        self.running.insert(id);
        self.nodes.insert(id, Known { status, tab });
    }

    /// A replica no longer runs.
    pub fn end(&mut self, id: u64, problem: Option<String>) {
        self.running.remove(&id);
        if let Some(problem) = problem {
            let epoch = self.nodes.get(&id).map_or(0, |known| known.status.epoch);
            self.failed.insert(id, (epoch, problem));
        }
    }

    /// Takes the browser's word for which replicas are hosted; whether that is news.
    pub fn set_running(&mut self, running: BTreeSet<u64>) -> bool {
        let news = running != self.running;
        self.running = running;
        news
    }

    pub fn set_waiting(&mut self, id: u64, what_for: Option<String>) {
        match what_for {
            Some(what_for) => self.waiting.insert(id, what_for),
            None => self.waiting.remove(&id),
        };
    }

    pub fn forget_failure(&mut self, id: u64) {
        self.failed.remove(&id);
    }

    /// What a replica told of its disk is not so any more.
    pub fn forget_status(&mut self, id: u64) {
        self.failed.remove(&id);
        self.nodes.remove(&id);
    }

    pub fn is_running(&self, id: u64) -> bool {
        self.running.contains(&id)
    }

    pub fn running(&self) -> impl Iterator<Item = u64> + '_ {
        self.running.iter().copied()
    }

    /// Whether a replica gave up, and was not started since.
    pub fn has_failed(&self, id: u64) -> bool {
        self.failed.contains_key(&id)
    }

    /// Replicas that ran as far as this tab has heard, and do not any more.
    pub fn dead(&self) -> impl Iterator<Item = u64> + '_ {
        let heard_of = self.nodes.keys().copied();
        heard_of.filter(|id| !self.running.contains(id))
    }

    /// The tab that hosts a running replica, where that is known.
    pub fn tab_of(&self, id: u64) -> Option<&TabId> {
        self.nodes.get(&id).map(|known| &known.tab)
    }

    /// The newest word of who the members are.
    fn conf(&self) -> Option<&NodeStatus> {
        let told = self.nodes.values().map(|known| &known.status);
        told.filter(|status| !status.voters.is_empty())
            .max_by_key(|status| status.applied)
    }

    /// Ids of all members, voters and learners: as the replicas tell or, as long as none has, as
    /// the origin's record has them.
    pub fn members(&self) -> Vec<u64> {
        let conf = self.conf();
        let mut members = conf.map_or_else(
            || self.record.members.clone(),
            |conf| [&conf.voters[..], &conf.learners].concat(),
        );
        members.sort_unstable();
        members.dedup();
        members
    }

    pub fn voters(&self) -> Vec<u64> {
        let conf = self.conf();
        conf.map_or_else(|| self.record.members.clone(), |conf| conf.voters.clone())
    }

    /// Ids of all replicas to be shown: members, those that are about to be, and those that were.
    pub fn listed(&self) -> BTreeSet<u64> {
        let told = self.nodes.keys().filter(|id| self.running.contains(id));
        let record = self.record.members.iter().chain(&self.record.removed);
        let mut listed: BTreeSet<u64> = record.chain(told).copied().collect();
        listed.extend(self.members());
        listed
    }

    /// The reacting leader of the highest term; 0 while there is none.
    pub fn leader(&self) -> u64 {
        self.newest(Role::Leader).unwrap_or(0)
    }

    /// The reacting replica of a role that is in the highest term.
    fn newest(&self, role: Role) -> Option<u64> {
        let statuses = self.nodes.values().map(|known| &known.status);
        let reacts = |s: &&NodeStatus| self.running.contains(&s.id) && s.state == State::Running;
        let newest = statuses
            .filter(reacts)
            .filter(|status| status.role == role)
            .max_by_key(|status| status.term);
        newest.map(|status| status.id)
    }

    /// The leader, else who campaigns, else any that reacts.
    pub fn somebody(&self) -> Somebody {
        let reacts = |id: &u64| {
            let known = self.nodes.get(id);
            known.is_none_or(|known| known.status.state == State::Running)
        };
        let leader = self.newest(Role::Leader).map(Somebody::Leader);
        leader
            .or_else(|| self.newest(Role::Candidate).map(Somebody::Candidate))
            .or_else(|| self.running().find(reacts).map(Somebody::Any))
            .unwrap_or_default()
    }

    /// All of it, for showing. `here` says whether this tab hosts a replica.
    pub fn status(&self, here: impl Fn(u64) -> bool) -> Status {
        let members = self.members();
        let nodes: Vec<_> = self
            .listed()
            .into_iter()
            .map(|id| self.node(id, members.contains(&id), &here))
            .collect();
        Status {
            cluster: self.cluster.clone(),
            quorum: self.voters().len() as u64 / 2 + 1,
            leader: self.leader(),
            term: nodes.iter().map(|node| node.term).max().unwrap_or(0),
            nodes,
        }
    }

    fn node(&self, id: u64, is_member: bool, here: &impl Fn(u64) -> bool) -> NodeStatus {
        let known = self.nodes.get(&id);
        let mut status = known.map_or_else(|| NodeStatus::unknown(id), |k| k.status.clone());
        let runs = self.running.contains(&id);
        status.here = runs && here(id);
        if let Some(known) = known.filter(|_| runs) {
            status.tab = tab_name::of(&known.tab).to_owned();
        }
        status.member = is_member;
        let was_removed = self.record.removed.contains(&id);
        if was_removed {
            status.problem = removed_sentence(id);
        }
        if !is_member && !runs {
            status.state = State::Stopped;
            if !was_removed {
                status.problem = unfinished_sentence(id);
            }
        } else if let Some((_, problem)) = self.failed.get(&id) {
            status.state = State::Failed;
            status.problem = problem.clone();
        } else if !runs {
            status.state = State::Stopped;
        } else if known.is_none() {
            status.state = State::Running;
        }
        if let Some(what_for) = self.waiting.get(&id) {
            status.problem = what_for.clone();
        }
        status
    }

    pub fn add_event(&mut self, mut event: Event) -> Event {
        self.events_seen += 1;
        event.seq = self.events_seen;
        self.events.push_back(event.clone());
        if self.events.len() > EVENTS_MAX {
            self.events.pop_front();
        }
        event
    }

    pub fn events(&self, since: u64) -> Vec<Event> {
        let after = |event: &&Event| event.seq > since;
        self.events.iter().filter(after).cloned().collect()
    }
}

fn unfinished_sentence(id: u64) -> String {
    format!(
        "Node {id} is not a member of the cluster: adding it did not finish, or it was removed. \
         Add it again under its id, or wipe it."
    )
}
