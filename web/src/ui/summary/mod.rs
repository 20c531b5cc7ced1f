//! The cluster in one sentence: what is, why, and what helps. Pure, so that its words are tested
//! without a browser.

mod facts;
mod machines;
mod sentences;
pub mod words;

use self::facts::Facts;
pub use self::machines::of_machines;
use crate::model::{FaultyLink, State, Status};

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
    /// The experiment that leads through it.
    pub guide: Option<&'static str>,
}

/// Says how the cluster is. `faults` are the one-way links that do not work as they should.
pub fn sentence(status: &Status, faults: &[FaultyLink]) -> Summary {
    let facts = Facts::new(status, faults);
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
            guide: None,
        };
    }
    if (facts.running.len() as u64) < facts.quorum {
        return facts.too_few();
    }
    if facts.widest_group() < facts.quorum {
        return facts.torn();
    }
    match facts.leader() {
        Some(leader) => facts.led_by(leader),
        None => facts.leaderless(),
    }
}

#[cfg(test)]
mod tests;
