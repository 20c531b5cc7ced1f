//! A world steered by hand: one client that does one thing after another, as a person would, and
//! says what the cluster owes it.

#![allow(dead_code)] // Not every test program uses all of it.

use std::collections::BTreeMap;

use tabraft::kv::{Applied, Op, Refusal};
use tabraft::node::{Event, Limits, Node, Role};
use tabraft::sim::disk::Durability;
use tabraft::sim::host::{Host, State};
use tabraft::sim::network::Weather;
use tabraft::sim::origin::Origin;
use tabraft::sim::{Settings, World};
use tabraft::wire::{
    Address, Answer, Ask, Body, ClientId, Envelope, MemberChange, NodeId, Read, Request,
};

pub const CLUSTER: u64 = 0xc1;
const CLIENT: ClientId = 100;
pub const TICK_MS: u64 = 50;
/// Virtual milliseconds that anything may take while nothing is wrong for good.
pub const SOON: u64 = 30_000;
/// Succession and salvage, on and off: ordinary election timeouts must do by themselves.
pub const COMBOS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

pub fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        cluster: CLUSTER,
        limits: Limits::default(),
        tick_ms: Some(TICK_MS),
        origin: Origin::default(),
        durability: Durability::Strict,
    }
}

pub fn origin((succession, salvage): (bool, bool)) -> Origin {
    Origin {
        succession,
        salvage,
        ..Origin::default()
    }
}

pub struct Steered {
    pub world: World,
    session: u64,
    seq: u64,
    request: u64,
    answers: BTreeMap<u64, Answer>,
    /// What was acknowledged: each key's newest value.
    pub acknowledged: BTreeMap<String, String>,
}

impl Steered {
    /// A cluster of so many founders, up and running.
    pub fn new(settings: Settings, founders: u64) -> Self {
        let mut world = World::new(settings);
        world.network.weather = Weather::FAIR;
        let ids: Vec<NodeId> = (1..=founders).collect();
        for &id in &ids {
            world.add_host(id, &ids);
        }
        Self {
            world,
            session: 0,
            seq: 0,
            request: 0,
            answers: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
        }
    }

    /// The same, led by replica 1, and the client has its session.
    pub fn led(settings: Settings, founders: u64) -> Self {
        let mut steered = Self::new(settings, founders);
        let all_up = |world: &World| world.hosts.values().all(|host| host.node().is_some());
        steered.until("all up", all_up);
        steered.world.input(1, tabraft::node::Input::Campaign);
        steered.until("1 leads", |world| leads(world, 1));
        steered.write(None);
        steered
    }

    /// Lets time pass until something is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&World) -> bool) {
        let end = self.world.agenda.now() + SOON;
        while !is_so(&self.world) {
            self.sound();
            let next = self.world.agenda.next_at();
            assert!(
                next.is_some_and(|at| at <= end),
                "not in time: {what}\n{}",
                self.picture()
            );
            self.world.step();
        }
        self.sound();
    }

    /// Lets everything happen for so long.
    #[track_caller]
    pub fn run(&mut self, ms: u64) {
        self.world.run(ms);
        self.sound();
    }

    #[track_caller]
    pub fn sound(&self) {
        let violations = self.world.replicas.violations();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.picture());
    }

    pub fn node(&self, id: NodeId) -> &Node {
        self.world.hosts[&id].node().expect("it is up")
    }

    /// Who leads, as far as anybody up knows; of several the one of the newest term.
    pub fn leader(&self) -> Option<NodeId> {
        leader(&self.world)
    }

    pub fn isolate(&mut self, id: NodeId) {
        let others: Vec<NodeId> = self.world.hosts.keys().copied().collect();
        let others: Vec<NodeId> = others.into_iter().filter(|other| *other != id).collect();
        self.world.network.partition(&[id], &others);
    }

    /// Asks one replica, without waiting for its answer. Returns the request's id.
    pub fn ask(&mut self, to: NodeId, ask: Ask) -> u64 {
        self.request += 1;
        let id = self.request;
        let envelope = Envelope {
            cluster: CLUSTER,
            from: Address::Client(CLIENT),
            body: Body::Requests(vec![Request { id, ask }]),
        };
        self.world.send(envelope, Address::Node(to));
        id
    }

    /// The answer to a request, if it has come.
    pub fn answer(&mut self, id: u64) -> Option<Answer> {
        for envelope in std::mem::take(&mut self.world.mailbox) {
            if let Body::Replies { replies, .. } = envelope.body {
                let answers = replies.into_iter().map(|reply| (reply.id, reply.answer));
                self.answers.extend(answers);
            }
        }
        self.answers.get(&id).cloned()
    }

    /// Asks one replica and waits for its answer.
    #[track_caller]
    pub fn answered(&mut self, to: NodeId, ask: Ask) -> Answer {
        let id = self.ask(to, ask);
        for _ in 0..SOON / 10 {
            if let Some(answer) = self.answer(id) {
                return answer;
            }
            self.run(10);
        }
        panic!("no answer\n{}", self.picture());
    }

    /// Asks whoever leads, again and again, until it is done or refused.
    #[track_caller]
    pub fn done(&mut self, ask: Ask) -> Answer {
        let end = self.world.agenda.now() + 2 * SOON;
        while self.world.agenda.now() < end {
            if let Some(leader) = self.leader() {
                let id = self.ask(leader, ask.clone());
                for _ in 0..40 {
                    self.run(10);
                    match self.answer(id) {
                        None => {}
                        Some(Answer::Retry | Answer::Refused(Refusal::ConfChangePending)) => break,
                        Some(answer) => return answer,
                    }
                }
            } else {
                self.run(10);
            }
        }
        panic!("never done: {ask:?}\n{}", self.picture());
    }

    /// The session's next write, whoever it is sent to. Without an op it opens the session.
    pub fn next_write(&mut self, op: Option<Op>) -> Ask {
        let Some(op) = op else {
            return Ask::OpenSession;
        };
        self.seq += 1;
        Ask::Write {
            session: self.session,
            seq: self.seq,
            answered_below: 1,
            op,
        }
    }

    #[track_caller]
    fn write(&mut self, op: Option<Op>) -> Applied {
        let ask = self.next_write(op);
        let opens = ask == Ask::OpenSession;
        match self.done(ask) {
            Answer::Applied(applied) => {
                if opens {
                    self.session = applied.index;
                }
                applied
            }
            other => panic!("{other:?}\n{}", self.picture()),
        }
    }

    /// Writes, and waits until it is acknowledged.
    #[track_caller]
    pub fn put(&mut self, key: &str, value: &str) -> Applied {
        if self.session == 0 {
            self.write(None);
        }
        let applied = self.write(Some(put(key, value)));
        self.acknowledged.insert(key.to_owned(), value.to_owned());
        applied
    }

    /// So many writes to a few keys.
    #[track_caller]
    pub fn puts(&mut self, name: &str, many: u64) {
        for number in 0..many {
            self.put(&format!("{name}{}", number % 5), &format!("{number}"));
        }
    }

    #[track_caller]
    pub fn change(&mut self, changes: &[MemberChange]) -> Answer {
        self.done(Ask::ChangeMembership(changes.to_vec()))
    }

    /// A change that an attempt before, whose answer was lost, may have made already, and that a
    /// learner may have to catch up for.
    #[track_caller]
    pub fn changed(&mut self, changes: &[MemberChange]) {
        for _ in 0..SOON / 50 {
            match self.change(changes) {
                Answer::Refused(Refusal::LearnerBehind) => self.run(50),
                Answer::Applied(_)
                | Answer::Refused(Refusal::AlreadyMember(_) | Refusal::NotMember(_)) => return,
                other => panic!("{changes:?}: {other:?}\n{}", self.picture()),
            }
        }
        panic!("a learner does not catch up\n{}", self.picture());
    }

    /// Adds a replica as a learner and promotes it when it may be.
    #[track_caller]
    pub fn add(&mut self, id: NodeId) {
        self.changed(&[MemberChange::AddLearner(id)]);
        self.changed(&[MemberChange::AddVoter(id)]);
    }

    /// Lets everything happen until a line of the story has this in it; returns the lines.
    #[track_caller]
    pub fn until_told(&mut self, what: &str) -> Vec<String> {
        self.world.story.listen();
        let mut lines = Vec::new();
        let end = self.world.agenda.now() + SOON;
        while self.world.agenda.now() < end {
            lines.extend(self.world.story.take_lines());
            if lines.iter().any(|line| line.contains(what)) {
                return lines;
            }
            self.world.step();
        }
        panic!("never told: {what}\n{}", self.picture());
    }

    #[track_caller]
    pub fn get(&mut self, from: NodeId, key: &str) -> Option<String> {
        let ask = Ask::Get {
            key: key.to_owned(),
            read: Read::Linearizable,
        };
        for _ in 0..100 {
            match self.answered(from, ask.clone()) {
                Answer::Value(value) => {
                    return value.map(|v| String::from_utf8_lossy(&v).into_owned());
                }
                Answer::Retry => self.run(20),
                other => panic!("{other:?}"),
            }
        }
        panic!("nothing to be read\n{}", self.picture());
    }

    /// Waits until all members are up and have applied everything, and compares them with what
    /// was acknowledged.
    #[track_caller]
    pub fn all_is_there(&mut self) {
        self.until("all have everything", |world| {
            let newest = world.replicas.newest();
            // What a dead leader alone knew to be committed is, once its successor commits.
            let Some(leader) = leader(world).filter(|id| leads(world, *id)) else {
                return false;
            };
            let members = world.hosts[&leader].node().map(Node::membership);
            let members = members.map_or(Vec::new(), |membership| membership.members());
            let mut nodes = members.iter().map(|id| world.hosts[id].node());
            nodes.all(|node| node.is_some_and(|node| node.applied() == newest))
        });
        let leader = self.leader().expect("one leads");
        for id in self.node(leader).membership().members() {
            let store = self.node(id).store();
            assert_eq!(store.digest(), self.world.replicas.store().digest());
            for (key, value) in &self.acknowledged {
                let kept = store.get(key).map(|v| String::from_utf8_lossy(v));
                assert_eq!(kept.as_deref(), Some(value.as_str()), "{key} at {id}");
            }
        }
    }

    pub fn told(&self, id: NodeId, is_it: impl Fn(&Event) -> bool) -> bool {
        told(&self.world, id, is_it)
    }

    pub fn picture(&self) -> String {
        let line = |host: &Host| match host.node().map(Node::report) {
            None => format!("{} is down", host.id),
            Some(r) => format!(
                "{} {:?} term {} leader {} log {}..{} commit {} applied {} snapshot {:?} of {:?}",
                r.id,
                r.role,
                r.term,
                r.leader,
                r.first_index,
                r.last_index,
                r.commit,
                r.applied,
                r.snapshot,
                r.membership
            ),
        };
        let lines: Vec<String> = self.world.hosts.values().map(line).collect();
        format!("at {} ms\n{}", self.world.agenda.now(), lines.join("\n"))
    }
}

pub fn put(key: &str, value: &str) -> Op {
    Op::Put {
        key: key.to_owned(),
        value: value.to_owned().into(),
    }
}

pub fn leads(world: &World, id: NodeId) -> bool {
    let report = world.hosts[&id].node().map(Node::report);
    report.is_some_and(|report| report.role == Role::Leader && report.commit == report.last_index)
}

pub fn leader(world: &World) -> Option<NodeId> {
    let up = |host: &&Host| matches!(host.state, State::Up(_));
    let nodes = world.hosts.values().filter(up).filter_map(Host::node);
    let leaders = nodes.filter(|node| node.is_leader());
    leaders.max_by_key(|node| node.term()).map(Node::id)
}

pub fn told(world: &World, id: NodeId, is_it: impl Fn(&Event) -> bool) -> bool {
    let mut events = world.events.iter();
    events.any(|(of, event)| *of == id && is_it(event))
}

pub fn removed(world: &World, id: NodeId) -> bool {
    told(world, id, |event| matches!(event, Event::Removed { .. }))
}
