//! What this tab has heard of the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

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
    members: Vec<u64>,
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
    pub fn begin(&mut self, cluster: &str, members: Vec<u64>) {
        self.cluster = cluster.into();
        self.members = members;
    }

    /// Takes a replica's word about itself; whether that changes who leads.
    pub fn hear(&mut self, tab: TabId, status: NodeStatus) -> bool {
        let before = self.leader();
        let id = status.id;
        if let Some((epoch, _)) = self.failed.get(&id) {
            if status.epoch <= *epoch {
                return false;
            }
            self.failed.remove(&id);
        }
        if let Some(known) = self.nodes.get(&id)
            && status.epoch < known.status.epoch
        {
            return false;
        }
        self.running.insert(id);
        self.nodes.insert(id, Known { status, tab });
        self.leader() != before
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

    pub fn is_running(&self, id: u64) -> bool {
        self.running.contains(&id)
    }

    pub fn running(&self) -> impl Iterator<Item = u64> + '_ {
        self.running.iter().copied()
    }

    /// The tab that hosts a running replica, where that is known.
    pub fn tab_of(&self, id: u64) -> Option<&TabId> {
        self.nodes.get(&id).map(|known| &known.tab)
    }

    /// Ids of all members: those the cluster began with, as conf changes have made them since.
    pub fn members(&self) -> Vec<u64> {
        let newest = self.nodes.values().max_by_key(|known| known.status.applied);
        let conf = newest.map(|known| [&known.status.voters[..], &known.status.learners].concat());
        let mut members = conf
            .filter(|ids| !ids.is_empty())
            .unwrap_or_else(|| self.members.clone());
        members.sort_unstable();
        members.dedup();
        members
    }

    /// The reacting leader of the highest term; 0 while there is none.
    pub fn leader(&self) -> u64 {
        let reacts = |known: &&Known| {
            self.running.contains(&known.status.id) && known.status.state == State::Running
        };
        let leaders = self
            .nodes
            .values()
            .filter(reacts)
            .filter(|known| known.status.role == Role::Leader);
        let newest = leaders.max_by_key(|known| known.status.term);
        newest.map_or(0, |known| known.status.id)
    }

    /// A replica that may know more: the leader, else any that reacts.
    pub fn somebody(&self) -> Option<u64> {
        let reacts = |id: &u64| {
            let known = self.nodes.get(id);
            known.is_none_or(|known| known.status.state == State::Running)
        };
        Some(self.leader())
            .filter(|id| *id != 0)
            .or_else(|| self.running().find(reacts))
    }

    /// All of it, for showing. `here` says whether this tab hosts a replica.
    pub fn status(&self, here: impl Fn(u64) -> bool) -> Status {
        let nodes: Vec<_> = self
            .members()
            .into_iter()
            .map(|id| self.node(id, &here))
            .collect();
        let newest = self.nodes.values().max_by_key(|known| known.status.applied);
        let voters = newest.map_or(0, |known| known.status.voters.len());
        let voters = if voters == 0 {
            self.members.len()
        } else {
            voters
        };
        Status {
            cluster: self.cluster.clone(),
            quorum: voters as u64 / 2 + 1,
            leader: self.leader(),
            term: nodes.iter().map(|node| node.term).max().unwrap_or(0),
            nodes,
        }
    }

    fn node(&self, id: u64, here: &impl Fn(u64) -> bool) -> NodeStatus {
        let known = self.nodes.get(&id);
        let mut status = known.map_or_else(|| NodeStatus::unknown(id), |k| k.status.clone());
        let runs = self.running.contains(&id);
        status.here = runs && here(id);
        if let Some((_, problem)) = self.failed.get(&id) {
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
