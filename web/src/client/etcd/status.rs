//! The members in the shapes that the page draws.

use super::Etcd;
use super::members::Member;
use crate::model::{NodeStatus, Role, State, Status};

impl Etcd {
    /// How the cluster is, as far as is known.
    pub fn known(&self) -> Status {
        let members = self.0.members.borrow();
        status(&format!("etcd {}", self.id()), &members)
    }
}

fn status(cluster: &str, members: &[Member]) -> Status {
    let number_of = |id: u64| {
        let found = members.iter().find(|it| it.id == id);
        found.map_or(0, |it| it.number)
    };
    let (learners, voters): (Vec<&Member>, Vec<_>) = members.iter().partition(|it| it.is_learner);
    let numbers = |of: &[&Member]| of.iter().map(|it| it.number).collect::<Vec<_>>();
    // Whom those that answer follow, in the highest term.
    let answering = members.iter().filter(|it| it.problem.is_empty());
    let told = answering.filter_map(|it| it.told.as_ref());
    let newest = told.max_by_key(|look| (look.term, look.leader != 0));
    let leader = newest.map_or(0, |look| number_of(look.leader));
    let node = |member: &Member| {
        let look = member.told.clone().unwrap_or_default();
        let role = match member {
            _ if look.leader == member.id && look.member != 0 => Role::Leader,
            _ if member.is_learner => Role::Learner,
            _ => Role::Follower,
        };
        NodeStatus {
            state: match member.problem.is_empty() && look.member != 0 {
                true => State::Running,
                false => State::Stopped,
            },
            role,
            term: look.term,
            leader: number_of(look.leader),
            commit: look.commit,
            applied: look.applied,
            voters: numbers(&voters),
            learners: numbers(&learners),
            problem: match (member.problem.as_str(), look.errors.as_str()) {
                ("", errors) => errors.to_owned(),
                (problem, _) => problem.to_owned(),
            },
            ..NodeStatus::unknown(member.number)
        }
    };
    let nodes: Vec<_> = members.iter().map(node).collect();
    Status {
        cluster: cluster.to_owned(),
        quorum: voters.len() as u64 / 2 + 1,
        leader,
        term: nodes.iter().map(|node| node.term).max().unwrap_or(0),
        nodes,
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::look::Look;
    use super::*;

    fn member(number: u64, leader: u64, term: u64, problem: &str) -> Member {
        Member {
            number,
            id: number + 100,
            told: Some(Look {
                member: number + 100,
                leader,
                term,
                ..Look::default()
            }),
            problem: problem.into(),
            ..Member::default()
        }
    }

    #[test]
    fn whom_the_living_follow_leads() {
        // The first led until it died.
        let all = [
            member(1, 101, 4, "dead"),
            member(2, 103, 5, ""),
            member(3, 103, 5, ""),
        ];
        let status = status("etcd", &all);
        assert_eq!((status.leader, status.term, status.quorum), (3, 5, 2));
        let states: Vec<_> = status.nodes.iter().map(|node| node.state).collect();
        assert_eq!(states, [State::Stopped, State::Running, State::Running]);
        assert_eq!(status.nodes[2].role, Role::Leader);
        assert_eq!(status.nodes[1].voters, [1, 2, 3]);
    }

    #[test]
    fn without_a_leader_there_is_none() {
        let all = [member(1, 0, 6, ""), member(2, 101, 5, "dead")];
        assert_eq!(status("etcd", &all).leader, 0);
    }
}
