//! The commands of transcripts.

use tabraft::frame;
use tabraft::kv::{Op, Outcome};
use tabraft::node::{Input, Limits};
use tabraft::sim::disk::Durability;
use tabraft::sim::host::Host;
use tabraft::sim::narrate;
use tabraft::sim::origin::Origin;
use tabraft::sim::{Settings, World};
use tabraft::wire::{
    Address, Answer, Ask, Body, Envelope, LogEntry, MemberChange, RaftKind, RaftMessage, Read,
    Request,
};

const CLUSTER: u64 = 0xc1;
const CLIENT: u64 = 100;

/// One world and the one client that speaks in it.
#[derive(Default)]
pub struct Theater {
    world: Option<World>,
    founders: Vec<u64>,
    session: u64,
    seq: u64,
    request: u64,
    last_write: Option<Ask>,
}

impl Theater {
    /// Does what a command says; returns what happened.
    pub fn command(&mut self, line: &str) -> Vec<String> {
        let (quiet, line) = match line.strip_prefix("quiet ") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let (&name, arguments) = words.split_first().expect("a command");
        if name == "cluster" {
            self.cluster(arguments);
        }
        let told = self.does(name, arguments);
        let world = self.world();
        let mut lines = world.story.take_lines();
        lines.extend(told);
        lines.extend(world.replicas.violations().iter().cloned());
        if quiet {
            return vec!["ok".to_owned()];
        }
        if lines.is_empty() {
            lines.push("nothing".to_owned());
        }
        lines
    }

    fn world(&mut self) -> &mut World {
        self.world.as_mut().expect("begin with `cluster 3`")
    }

    /// `led`: 1 leads it, and the client has opened a session, which makes each of its writes take
    /// effect once.
    fn cluster(&mut self, arguments: &[&str]) {
        let setting = |name: &str| {
            let found = arguments.iter().find_map(|a| a.strip_prefix(name));
            found.map(|value| value.parse().expect("a number"))
        };
        let mut world = World::new(Settings {
            seed: 1,
            cluster: CLUSTER,
            limits: Limits {
                snapshot_entries: setting("snapshot=").unwrap_or(10_000),
                catchup_entries: setting("catchup=").unwrap_or(0),
                ..Limits::default()
            },
            tick_ms: None,
            origin: Origin {
                shared_store: arguments.contains(&"shared-store"),
                ..Origin::default()
            },
            durability: Durability::Strict,
        });
        self.founders = (1..=number(arguments, 0)).collect();
        for &id in &self.founders {
            world.add_host(id, &self.founders);
        }
        world.story.listen();
        self.world = Some(world);
        if arguments.contains(&"led") {
            self.campaign(1);
            self.does("stabilize", &[]);
            self.request("open", 1, &[]);
            self.does("stabilize", &[]);
            self.world().story.take_lines();
        }
    }

    fn does(&mut self, name: &str, arguments: &[&str]) -> Vec<String> {
        let node = arguments.first().map_or(0, |a| a.parse().unwrap_or(0));
        match name {
            "cluster" => return self.status(),
            "tick" => self.tick(
                node,
                arguments.get(1).map_or(1, |n| n.parse().expect("ticks")),
            ),
            "campaign" => self.campaign(node),
            "deliver" => self.deliver(),
            "stabilize" => while self.world().step() {},
            "hold-disk" => self.disk_held(node, true),
            "persist" => self.persist(node),
            "free-disk" => {
                self.disk_held(node, false);
                self.persist(node);
            }
            "crash" => self.world().crash(node, arguments.contains(&"written")),
            "start" => self.world().start(node),
            "new-replica" => self.world().add_joiner(node),
            "snapshot" => self.world().input(node, Input::Snapshot),
            "salvage" => self.world().salvage(node, number(arguments, 1)),
            "succeed" => {
                let dead = number(arguments, 1);
                self.world().input(node, Input::Succeed(dead));
            }
            "sleep" => {
                let ticks = number(arguments, 1);
                self.world().input(node, Input::Woke { ticks });
            }
            "cut" => self
                .world()
                .network
                .partition(&[node], &[number(arguments, 1)]),
            "isolate" => {
                let others: Vec<u64> = self.world().hosts.keys().copied().collect();
                let others: Vec<u64> = others.into_iter().filter(|id| *id != node).collect();
                self.world().network.partition(&[node], &others);
            }
            "heal" => self.world().network.heal(),
            "transfer" => {
                let to = Some(number(arguments, 1));
                self.world().input(node, Input::TransferLeader(to));
            }
            "status" => return self.status(),
            "log" => return self.log(node),
            "disk" => return self.disk(node),
            "dropped" => return self.dropped(node),
            "garbage" | "foreign" | "stray" => self.bad_input(name, node),
            _ => self.request(name, node, arguments.get(1..).unwrap_or(&[])),
        }
        Vec::new()
    }

    fn tick(&mut self, node: u64, ticks: u64) {
        for _ in 0..ticks {
            self.world().input(node, Input::Tick);
        }
    }

    /// Ticks until the replica is no follower any more.
    fn campaign(&mut self, node: u64) {
        use tabraft::node::Role;
        let role = |world: &World| world.hosts[&node].node().map(|node| node.role());
        for _ in 0..30 {
            if role(self.world()) != Some(Role::Follower) {
                return;
            }
            self.tick(node, 1);
        }
    }

    fn deliver(&mut self) {
        for _ in 0..self.world().agenda.len() {
            self.world().step();
        }
    }

    fn disk_held(&mut self, node: u64, held: bool) {
        if let Some(host) = self.world().hosts.get_mut(&node) {
            host.disk.held = held;
        }
    }

    fn persist(&mut self, node: u64) {
        let in_flight = |host: &Host| host.disk.in_flight();
        if let Some(seq) = self.world().hosts.get(&node).and_then(in_flight) {
            self.world().written(node, seq);
        }
    }

    fn request(&mut self, name: &str, node: u64, arguments: &[&str]) {
        let text = |place: usize| arguments.get(place).copied().unwrap_or("");
        let (key, value) = (text(0).to_owned(), text(1).to_owned().into());
        let read = match name {
            "read-stale" => Read::Stale,
            _ => Read::Linearizable,
        };
        let ask = match name {
            "open" => Ask::OpenSession,
            "read" | "read-stale" => Ask::Get { key, read },
            "scan" => Ask::Scan {
                prefix: key,
                limit: 100,
                read,
            },
            "put" => self.write(Op::Put { key, value }),
            "put-large" => {
                let value = vec![b'x'; 1 + (1 << 20)].into();
                self.write(Op::Put { key, value })
            }
            "put-no-key" => self.write(Op::Delete { key: String::new() }),
            "delete" => self.write(Op::Delete { key }),
            "cas" => self.write(Op::Cas {
                key,
                expected: Some(value).filter(|_| text(1) != "nothing"),
                value: text(2).to_owned().into(),
            }),
            "again" => self.last_write.clone().expect("a write before"),
            "member" => Ask::ChangeMembership(arguments.chunks(2).map(change).collect()),
            _ => panic!("no command {name}"),
        };
        if matches!(ask, Ask::Write { .. }) {
            self.last_write = Some(ask.clone());
        }
        self.request += 1;
        let id = self.request;
        let envelope = Envelope {
            cluster: CLUSTER,
            from: Address::Client(CLIENT),
            body: Body::Requests(vec![Request { id, ask }]),
        };
        self.world().send(envelope, Address::Node(node));
    }

    fn write(&mut self, op: Op) -> Ask {
        // Opening a session is answered with the index that is its name.
        for envelope in std::mem::take(&mut self.world().mailbox) {
            let Body::Replies { replies, .. } = envelope.body else {
                continue;
            };
            for reply in replies {
                if let Answer::Applied(applied) = reply.answer
                    && applied.outcome == Outcome::Opened
                {
                    self.session = applied.index;
                }
            }
        }
        self.seq += 1;
        Ask::Write {
            session: self.session,
            seq: self.seq,
            answered_below: 1,
            op,
        }
    }

    fn bad_input(&mut self, what: &str, node: u64) {
        let input = match what {
            "garbage" => Input::Garbage(frame::FrameError::Checksum),
            "foreign" => Input::Receive(Envelope {
                cluster: CLUSTER + 1,
                from: Address::Client(CLIENT),
                body: Body::Requests(Vec::new()),
            }),
            // An append that follows nothing.
            _ => Input::Receive(Envelope {
                cluster: CLUSTER,
                from: Address::Node(2),
                body: Body::Raft(vec![RaftMessage {
                    kind: RaftKind::Append,
                    to: node,
                    from: 2,
                    term: 9,
                    index: 77,
                    commit: 77,
                    ..RaftMessage::empty()
                }]),
            }),
        };
        self.world().input(node, input);
    }

    fn status(&mut self) -> Vec<String> {
        let status = |host: &Host| match host.node() {
            None => format!("{} is down", host.id),
            Some(node) => {
                let report = node.report();
                format!(
                    "{} {} term {} vote {} leader {}, log {}..{}, commit {}, applied {}, digest {:04x}",
                    report.id,
                    format!("{:?}", report.role).to_lowercase(),
                    report.term,
                    report.vote,
                    report.leader,
                    report.first_index,
                    report.last_index,
                    report.commit,
                    report.applied,
                    report.digest & 0xffff,
                )
            }
        };
        self.world().hosts.values().map(status).collect()
    }

    fn log(&mut self, node: u64) -> Vec<String> {
        let host = &self.world().hosts[&node];
        let entries = host.node().into_iter().flat_map(|node| node.log().iter());
        entries
            .map(|entry| narrate::entry(&LogEntry::from(entry.clone())))
            .collect()
    }

    fn disk(&mut self, node: u64) -> Vec<String> {
        let tables = &self.world().hosts[&node].disk.tables;
        let keys =
            |table: &[(u64, Vec<u8>)]| -> Vec<u64> { table.iter().map(|(key, _)| *key).collect() };
        vec![
            format!("records {:?}", keys(&tables.records)),
            format!("snapshots {:?}", keys(&tables.snapshots)),
        ]
    }

    fn dropped(&mut self, node: u64) -> Vec<String> {
        let host = &self.world().hosts[&node];
        let dropped = host.node().map(|node| node.report().dropped);
        dropped
            .iter()
            .map(|dropped| format!("{dropped:?}"))
            .collect()
    }
}

fn number(arguments: &[&str], place: usize) -> u64 {
    let word = arguments.get(place).expect("an argument");
    word.parse().expect("a number")
}

fn change(words: &[&str]) -> MemberChange {
    let id = number(words, 1);
    match words[0] {
        "add-voter" => MemberChange::AddVoter(id),
        "add-learner" => MemberChange::AddLearner(id),
        "remove" => MemberChange::Remove(id),
        other => panic!("no change {other}"),
    }
}
