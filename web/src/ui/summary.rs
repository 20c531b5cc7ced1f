//! The cluster in one sentence: what is, why, and what helps. Pure, so that its words are tested
//! without a browser.

use crate::model::{FaultyLink, NodeStatus, Role, State, Status};

/// The state of the whole cluster in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// No replica has told anything yet.
    Starting,
    /// Every member runs and reaches the leader.
    Healthy,
    /// There is a leader and it reaches a quorum, but not everybody.
    Degraded,
    /// A quorum could elect a leader and has not yet.
    Electing,
    /// Nobody can lead.
    NoQuorum,
}

impl Badge {
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "Starting",
            Self::Healthy => "Healthy",
            Self::Degraded => "Degraded",
            Self::Electing => "Electing",
            Self::NoQuorum => "No quorum",
        }
    }
}

/// The action that improves matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    Start(u64),
    Resume(u64),
    Heal,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub badge: Badge,
    /// What follows the badge's word: why, and what helps.
    pub text: String,
    pub help: Option<Help>,
    /// The next thing worth trying, after "Try: "; empty when there is none.
    pub hint: String,
}

/// Says how the cluster is. `faults` are the one-way links that do not work as they should.
pub fn sentence(status: &Status, faults: &[FaultyLink]) -> Summary {
    let view = View::new(status, faults);
    let heard_of = status
        .nodes
        .iter()
        .any(|n| n.state != State::Stopped || n.term > 0 || n.epoch > 0 || !n.problem.is_empty());
    if !heard_of {
        return Summary {
            badge: Badge::Starting,
            text: "No node has reported yet.".into(),
            help: None,
            hint: String::new(),
        };
    }
    if (view.running.len() as u64) < view.quorum {
        return view.too_few();
    }
    if view.widest_group() < view.quorum {
        return view.torn();
    }
    match view.leader() {
        Some(leader) => view.led_by(leader),
        None => view.leaderless(),
    }
}

/// What the sentence is made from.
struct View<'a> {
    status: &'a Status,
    faults: &'a [FaultyLink],
    quorum: u64,
    voters: Vec<&'a NodeStatus>,
    /// Voters that run.
    running: Vec<&'a NodeStatus>,
    /// Voters and learners that do not run.
    down: Vec<&'a NodeStatus>,
}

impl<'a> View<'a> {
    fn new(status: &'a Status, faults: &'a [FaultyLink]) -> Self {
        // The newest membership anybody knows; before the first one, every node.
        let newest = status
            .nodes
            .iter()
            .filter(|n| !n.voters.is_empty())
            .max_by_key(|n| (n.id == status.leader, n.applied));
        let is_voter = |id: u64| newest.is_none_or(|n| n.voters.contains(&id));
        let is_learner = |id: u64| newest.is_some_and(|n| n.learners.contains(&id));
        let voters: Vec<_> = status.nodes.iter().filter(|n| is_voter(n.id)).collect();
        let running = voters
            .iter()
            .copied()
            .filter(|n| n.state == State::Running)
            .collect();
        let down = status
            .nodes
            .iter()
            .filter(|n| (is_voter(n.id) || is_learner(n.id)) && n.state != State::Running)
            .collect();
        // A status without a quorum has no membership yet: a majority of what is known.
        let quorum = if status.quorum > 0 {
            status.quorum
        } else {
            voters.len() as u64 / 2 + 1
        };
        Self {
            status,
            faults,
            quorum,
            voters,
            running,
            down,
        }
    }

    /// Raft does not relay, and an answer needs the way back.
    fn connected(&self, a: u64, b: u64) -> bool {
        a == b
            || !self
                .faults
                .iter()
                .any(|f| f.fault.is_cut() && ((f.from, f.to) == (a, b) || (f.from, f.to) == (b, a)))
    }

    /// How many running voters `id` reaches, itself included.
    fn reach(&self, id: u64) -> u64 {
        self.running
            .iter()
            .filter(|n| self.connected(id, n.id))
            .count() as u64
    }

    fn widest_group(&self) -> u64 {
        self.running
            .iter()
            .map(|n| self.reach(n.id))
            .max()
            .unwrap_or(0)
    }

    /// The leader that can commit: of two that claim to lead, the one of the higher term.
    fn leader(&self) -> Option<&'a NodeStatus> {
        let claims = self
            .running
            .iter()
            .copied()
            .filter(|n| n.role == Role::Leader);
        claims
            .filter(|n| self.reach(n.id) >= self.quorum)
            .max_by_key(|n| n.term)
    }

    fn too_few(&self) -> Summary {
        let running = self.running.len() as u64;
        let total = self.voters.len();
        let missing = self.quorum - running;
        let is = if running == 1 { "is" } else { "are" };
        let mut text = format!("{running} of {total} nodes {is} running.");
        for (state, word) in [(State::Paused, "paused"), (State::Failed, "failed")] {
            let ids: Vec<u64> = self
                .voters
                .iter()
                .filter(|n| n.state == state)
                .map(|n| n.id)
                .collect();
            if !ids.is_empty() {
                text += &format!(" {}.", are(&ids, word));
            }
        }
        let help = self.revive();
        text += &match (help, missing) {
            (Some(Help::Resume(id)), 1) => format!(" Writes wait until node {id} resumes."),
            (_, 1) => " Writes wait until one more starts.".to_owned(),
            (_, more) => format!(" Writes wait until {more} more start."),
        };
        Summary {
            badge: Badge::NoQuorum,
            text,
            help,
            hint: String::new(),
        }
    }

    fn torn(&self) -> Summary {
        let text = format!(
            "Cut links leave no group of {} nodes. Writes wait until links are restored.",
            self.quorum
        );
        Summary {
            badge: Badge::NoQuorum,
            text,
            help: Some(Help::Heal),
            hint: String::new(),
        }
    }

    fn leaderless(&self) -> Summary {
        let deposed = self.running.iter().find(|n| n.role == Role::Leader);
        let asking = self
            .running
            .iter()
            .filter(|n| matches!(n.role, Role::Candidate | Role::Precandidate))
            .max_by_key(|n| n.term);
        let frozen = self.voters.iter().find(|n| {
            n.state == State::Paused && (n.id == self.status.leader || n.role == Role::Leader)
        });
        let mut help = None;
        let why = if let Some(node) = asking {
            let next = u64::from(node.role == Role::Precandidate);
            format!(
                "Node {} asks for votes in term {}.",
                node.id,
                node.term + next
            )
        } else if let Some(node) = frozen {
            help = Some(Help::Resume(node.id));
            format!(
                "Node {}, the leader of term {}, is paused.",
                node.id, node.term
            )
        } else if let Some(node) = deposed {
            help = Some(Help::Heal);
            format!(
                "Node {}, the leader of term {}, is cut off.",
                node.id, node.term
            )
        } else if self.status.term == 0 {
            "There was no leader yet.".to_owned()
        } else {
            format!("No leader in term {}.", self.status.term)
        };
        let text = format!("{why} Writes wait for the new leader.");
        Summary {
            badge: Badge::Electing,
            text,
            help,
            hint: String::new(),
        }
    }

    fn led_by(&self, leader: &NodeStatus) -> Summary {
        let leads = format!("Node {} leads in term {}", leader.id, leader.term);
        let away: Vec<u64> = self
            .status
            .nodes
            .iter()
            .filter(|n| n.state == State::Running && !self.connected(leader.id, n.id))
            .map(|n| n.id)
            .collect();
        if !away.is_empty() {
            let (do_not, their) = if away.len() == 1 {
                ("does not", "its")
            } else {
                ("do not", "their")
            };
            let mut text = format!(
                "A minority is cut off: {} {do_not} reach the leader. {leads} and writes go on.",
                nodes(&away)
            );
            text += &self.down_words();
            let hint =
                format!("put a key and watch {their} index stay behind, then heal the links.");
            return Summary {
                badge: Badge::Degraded,
                text,
                help: Some(Help::Heal),
                hint,
            };
        }
        if !self.down.is_empty() {
            let spare = self.reach(leader.id) - self.quorum;
            let left = match spare {
                0 => "One more loss stops writes.".to_owned(),
                1 => "One more may fail.".to_owned(),
                n => format!("{n} more may fail."),
            };
            let text = format!("{leads}.{} {left}", self.down_words());
            let help = self.revive();
            let hint = match help {
                Some(Help::Start(id)) => {
                    format!("put a few keys, then start node {id} and watch it catch up.")
                }
                Some(Help::Resume(id)) => {
                    format!("put a few keys, then resume node {id} and watch it catch up.")
                }
                _ => String::new(),
            };
            return Summary {
                badge: Badge::Degraded,
                text,
                help,
                hint,
            };
        }
        if let Some(trouble) = self.link_words() {
            let text = format!("{leads}. {trouble}");
            return Summary {
                badge: Badge::Degraded,
                text,
                help: Some(Help::Heal),
                hint: String::new(),
            };
        }
        let hint = if self.voters.len() > 1 {
            "crash the leader and watch another take over."
        } else {
            "crash the node, start it again: it goes on from its own log."
        };
        Summary {
            badge: Badge::Healthy,
            text: format!("{leads}."),
            help: None,
            hint: hint.to_owned(),
        }
    }

    /// " Node 1 is stopped. Node 3 is paused.": a space first, nothing if all run.
    fn down_words(&self) -> String {
        let mut words = String::new();
        for (state, word) in [
            (State::Stopped, "stopped"),
            (State::Paused, "paused"),
            (State::Failed, "failed"),
        ] {
            let ids: Vec<u64> = self
                .down
                .iter()
                .filter(|n| n.state == state)
                .map(|n| n.id)
                .collect();
            if !ids.is_empty() {
                words += &format!(" {}.", are(&ids, word));
            }
        }
        words
    }

    /// Links that are cut or disturbed without separating anybody from the leader.
    fn link_words(&self) -> Option<String> {
        let mut cut = Vec::new();
        let mut disturbed = Vec::new();
        for f in self.faults {
            let pair = (f.from.min(f.to), f.from.max(f.to));
            let into = if f.fault.is_cut() {
                &mut cut
            } else {
                &mut disturbed
            };
            if !into.contains(&pair) {
                into.push(pair);
            }
        }
        let words = match (cut.as_slice(), disturbed.as_slice()) {
            ([], []) => return None,
            ([(a, b)], _) => format!("The link {a}–{b} is cut; writes do not need it."),
            ([], [(a, b)]) => format!("Messages on the link {a}–{b} are lost, doubled or late."),
            ([], more) => format!(
                "Messages on {} links are lost, doubled or late.",
                more.len()
            ),
            (more, _) => format!("{} links are cut; writes do not need them.", more.len()),
        };
        Some(words)
    }

    /// Resuming costs least. What failed may fail again: its card says why and what to do.
    fn revive(&self) -> Option<Help> {
        let first = |state| self.down.iter().find(|n| n.state == state).map(|n| n.id);
        first(State::Paused)
            .map(Help::Resume)
            .or_else(|| first(State::Stopped).map(Help::Start))
    }
}

/// "node 1", "nodes 1 and 3", "nodes 1, 2 and 3".
fn nodes(ids: &[u64]) -> String {
    let words: Vec<String> = ids.iter().map(u64::to_string).collect();
    match words.as_slice() {
        [] => "no node".to_owned(),
        [one] => format!("node {one}"),
        [most @ .., last] => format!("nodes {} and {last}", most.join(", ")),
    }
}

/// "Node 1 is stopped", "Nodes 1 and 3 are stopped"; who failed, failed.
fn are(ids: &[u64], word: &str) -> String {
    let who = nodes(ids);
    let who = format!("N{}", &who[1..]);
    match (word, ids.len()) {
        ("failed", 1) => format!("{who} failed, its card says why"),
        ("failed", _) => format!("{who} failed, their cards say why"),
        (_, 1) => format!("{who} is {word}"),
        _ => format!("{who} are {word}"),
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
