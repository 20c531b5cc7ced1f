//! What `tabraft.status()` answers, as far as cases look at it, and what must be true of it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::ensure_kept;

/// What a leader knows of a member's log.
#[derive(Clone, Debug, Deserialize)]
pub struct Progress {
    pub id: u64,
    #[serde(rename = "match")]
    pub matched: u64,
    pub next: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    pub id: u64,
    pub state: String,
    pub role: String,
    pub here: bool,
    pub term: u64,
    pub vote: u64,
    pub leader: u64,
    pub first_index: u64,
    pub last_index: u64,
    pub commit: u64,
    pub applied: u64,
    pub snapshot_index: u64,
    pub wal_records: u64,
    pub wal_bytes: u64,
    pub keys: u64,
    pub digest: String,
    pub epoch: u64,
    pub voters: Vec<u64>,
    pub learners: Vec<u64>,
    pub member: bool,
    pub progress: Vec<Progress>,
    pub problem: String,
    pub tab: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub cluster: String,
    pub quorum: u64,
    pub leader: u64,
    pub term: u64,
    pub nodes: Vec<NodeStatus>,
}

/// Where all running replicas stand, once they stand at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    pub applied: u64,
    pub digest: String,
}

impl Status {
    pub fn node(&self, id: u64) -> Result<&NodeStatus> {
        let found = self.nodes.iter().find(|node| node.id == id);
        found.with_context(|| format!("no node {id} in {}", self.in_short()))
    }

    /// What the leader knows of a member.
    pub fn progress_of(&self, id: u64) -> Result<&Progress> {
        let known = &self.node(self.leader)?.progress;
        let found = known.iter().find(|it| it.id == id);
        found.with_context(|| format!("the leader knows nothing of {id}: {known:?}"))
    }

    /// The ids of those that run and do not lead.
    pub fn followers(&self) -> Vec<u64> {
        let others = self.running().filter(|it| it.id != self.leader);
        others.map(|it| it.id).collect()
    }

    /// The voters, as the leader has them.
    pub fn voters(&self) -> Result<&[u64]> {
        Ok(&self.node(self.leader)?.voters)
    }

    pub fn is_running(&self, id: u64) -> bool {
        self.node(id).is_ok_and(|node| node.state == "running")
    }

    pub fn running(&self) -> impl Iterator<Item = &NodeStatus> {
        self.nodes.iter().filter(|node| node.state == "running")
    }

    /// Two replicas at the same index with different contents: must never be seen, whatever else
    /// goes on.
    pub fn ensure_no_divergence(&self) -> Result<()> {
        for one in &self.nodes {
            for other in &self.nodes {
                let comparable = one.applied == other.applied && one.applied > 0;
                let told = !one.digest.is_empty() && !other.digest.is_empty();
                ensure_kept!(
                    !comparable || !told || one.digest == other.digest,
                    "nodes {} and {} have both applied {} but differ: {}",
                    one.id,
                    other.id,
                    one.applied,
                    self.in_short()
                );
            }
        }
        Ok(())
    }

    /// `count` replicas run, they know each other, and one leads all of them.
    pub fn ensure_healthy(&self, count: usize) -> Result<u64> {
        self.ensure_no_divergence()?;
        ensure!(
            self.running().count() == count,
            "not all {count} run: {}",
            self.in_short()
        );
        ensure!(self.leader != 0, "no leader: {}", self.in_short());
        let leader = self.node(self.leader)?;
        ensure!(
            leader.role == "leader",
            "node {} does not lead: {}",
            leader.id,
            self.in_short()
        );
        for node in self.running() {
            let follows = node.leader == self.leader && node.term == leader.term;
            ensure!(
                follows,
                "node {} does not follow: {}",
                node.id,
                self.in_short()
            );
        }
        Ok(self.leader)
    }

    /// All running replicas, `count` of them, have applied all there is and are equal.
    pub fn ensure_agreement(&self, count: usize) -> Result<Agreement> {
        self.ensure_healthy(count)?;
        let leader = self.node(self.leader)?;
        for node in self.running() {
            ensure!(
                node.applied == leader.last_index && node.digest == leader.digest,
                "node {} is not where the leader is: {}",
                node.id,
                self.in_short()
            );
        }
        Ok(Agreement {
            applied: leader.applied,
            digest: leader.digest.clone(),
        })
    }

    /// One line for error messages.
    pub fn in_short(&self) -> String {
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .map(|it| {
                let here = if it.here { " here" } else { "" };
                let problem = if it.problem.is_empty() { "" } else { " problem: " };
                format!(
                    "{}{here} {} {} term {} leader {} last {} commit {} applied {} epoch {} {}{problem}{}",
                    it.id, it.state, it.role, it.term, it.leader, it.last_index, it.commit,
                    it.applied, it.epoch, it.digest, it.problem
                )
            })
            .collect();
        format!(
            "leader {} term {} [{}]",
            self.leader,
            self.term,
            nodes.join("; ")
        )
    }
}
