//! Each kind of sentence, made from the facts.

use super::facts::Facts;
use super::words::{are, nodes, subject};
use super::{Badge, Help, Summary};
use crate::model::{NodeStatus, Role, State};
use crate::ui::impairment::{Kind, deed};

impl Facts<'_> {
    pub fn too_few(&self) -> Summary {
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
            hint: self.rescue(),
            guide: None,
        }
    }

    /// What is left to try when those that can still start are no quorum.
    fn rescue(&self) -> String {
        let failed = |n: &&&NodeStatus| n.state == State::Failed;
        let able = self.voters.len() - self.voters.iter().filter(failed).count();
        if able as u64 >= self.quorum {
            return String::new();
        }
        match self.running.iter().max_by_key(|n| n.commit) {
            Some(node) => format!(
                "save a snapshot of node {} (More, on its card), then restore it as a new cluster.",
                node.id
            ),
            None => "restore a saved snapshot as a new cluster.".to_owned(),
        }
    }

    pub fn torn(&self) -> Summary {
        let why = match self.down.is_empty() {
            true => "Cut links leave",
            false => "Cut links, and nodes that do not run, leave",
        };
        let text = format!(
            "{why} no group of {} nodes. Writes wait until links are restored.",
            self.quorum
        );
        Summary {
            badge: Badge::NoQuorum,
            text,
            help: Some(Help::Heal),
            hint: String::new(),
            guide: None,
        }
    }

    pub fn leaderless(&self) -> Summary {
        let deposed = self.running.iter().find(|n| n.role == Role::Leader);
        let asking = self.asking();
        let frozen = self.voters.iter().find(|n| {
            n.state == State::Paused && (n.id == self.status.leader || n.role == Role::Leader)
        });
        let mut help = None;
        let why = if let Some(dead) = self.dead_leader() {
            match &asking {
                Some((Role::Candidate, ids, _)) => {
                    let take = if ids.len() == 1 {
                        "takes over"
                    } else {
                        "campaign"
                    };
                    format!("Node {}'s host died; {} {take}.", dead.id, nodes(ids))
                }
                _ => format!("Node {}'s host died.", dead.id),
            }
        } else if let Some((role, ids, term)) = &asking {
            let (who, one) = (subject(ids), ids.len() == 1);
            match (role, one) {
                (Role::Candidate, true) => format!("{who} asks for votes in term {term}."),
                (Role::Candidate, false) => format!("{who} ask for votes in term {term}."),
                (_, true) => format!("{who} asks whether it could win an election."),
                (_, false) => format!("{who} ask whether they could win an election."),
            }
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
            guide: None,
        }
    }

    /// Who campaigns in the highest term, and that; or, before any does, who asks whether to (PreVote,
    /// thesis 9.6), which begins no term.
    fn asking(&self) -> Option<(Role, Vec<u64>, u64)> {
        let of = |role: Role| {
            let all = || self.running.iter().filter(move |n| n.role == role);
            let term = all().map(|n| n.term).max()?;
            let ids = all().filter(|n| n.term == term).map(|n| n.id).collect();
            Some((role, ids, term))
        };
        of(Role::Candidate).or_else(|| of(Role::Precandidate))
    }

    pub fn led_by(&self, leader: &NodeStatus) -> Summary {
        let leads = format!("Node {} leads in term {}", leader.id, leader.term);
        let away: Vec<u64> = self
            .status
            .nodes
            .iter()
            .filter(|n| n.member && n.state == State::Running)
            .filter(|n| !self.connected(leader.id, n.id))
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
                guide: None,
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
                _ => match self.lost() {
                    Some(id) => {
                        format!("replace node {id}: a new node copies the log of the others.")
                    }
                    None => String::new(),
                },
            };
            return Summary {
                badge: Badge::Degraded,
                text,
                help,
                hint,
                guide: None,
            };
        }
        if let Some(trouble) = self.link_words() {
            let text = format!("{leads}. {trouble}");
            return Summary {
                badge: Badge::Degraded,
                text,
                help: Some(Help::Heal),
                hint: String::new(),
                guide: None,
            };
        }
        self.all_run(leader, &leads)
    }

    /// Everybody runs and reaches the leader; who joins and who left is worth a word.
    fn all_run(&self, leader: &NodeStatus, leads: &str) -> Summary {
        let (behind, removed) = (self.catching_up(leader), self.removed());
        let mut text = format!("{leads}.");
        if !behind.is_empty() {
            let (learner, catch) = match behind.len() {
                1 => ("a learner", "catches"),
                _ => ("learners", "catch"),
            };
            text += &format!(" {}, {learner}, {catch} up.", subject(&behind));
        }
        if !removed.is_empty() {
            let was = if removed.len() == 1 { "was" } else { "were" };
            text += &format!(" {} {was} removed.", subject(&removed));
        }
        let learner = self.learners(leader).find(|id| !behind.contains(id));
        let mut guide = None;
        let hint = if let Some(id) = removed.first() {
            format!("wipe node {id}: the cluster does not need what it stored.")
        } else if let Some(id) = learner {
            format!("promote node {id} (More, on its card) and let it vote.")
        } else if self.voters.len() > 1 {
            guide = (self.voters.len() == 3).then_some("leader-crash");
            "crash the leader and watch another take over.".to_owned()
        } else {
            "crash the node, start it again: it goes on from its own log.".to_owned()
        };
        Summary {
            badge: Badge::Healthy,
            text,
            help: None,
            hint,
            guide,
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
        if let [one] = self.faults {
            let (from, to) = (one.from, one.to);
            let words = match Kind::of(&one.fault) {
                Kind::Works => return None,
                Kind::Cut => format!("The link is cut from {from} to {to}; writes do not need it."),
                _ => format!("The link from {from} to {to} {}.", deed(&one.fault)),
            };
            return Some(words);
        }
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
