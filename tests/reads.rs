//! What linearizable reads wait for, and what does not wait for them.

mod steer;

use bytes::Bytes;
use tabraft::kv::Op;
use tabraft::node::{Config, Input, Limits, Node, Output};
use tabraft::wal::{Tables, bootstrap, replay};
use tabraft::wire::Address::Client;

use steer::{Steered, put, settings};
use tabraft::wire::{Answer, Ask, Body, Envelope, Membership, Read, Request};

const CLUSTER: u64 = 7;
const MIB: usize = 1 << 20;

/// One voter, whose disk is as fast as it asks.
struct Lone(Node);

/// What came of one input.
#[derive(Debug, Default)]
struct Turn {
    answers: Vec<Answer>,
    again: bool,
}

impl Lone {
    fn led() -> Self {
        let mut tables = Tables::default();
        tables.write(&bootstrap(CLUSTER, 1, Membership::of_voters([1])));
        let config = Config {
            cluster: CLUSTER,
            id: 1,
            epoch: 1,
            seed: 1,
            shared_store: true,
            limits: Limits::default(),
        };
        let recovered = replay(CLUSTER, 1, &tables).expect("a new disk");
        let mut lone = Self(Node::new(config, recovered).expect("a new replica"));
        lone.input(Input::Campaign);
        lone
    }

    fn input(&mut self, input: Input) -> Turn {
        let mut turn = Turn::default();
        self.0.handle(input);
        while let Some(output) = self.0.poll() {
            match output {
                Output::Persist(batch) => self.0.handle(Input::Persisted(batch.seq)),
                Output::Send {
                    to: Client(_),
                    body: Body::Replies { replies, .. },
                } => turn.answers.extend(replies.into_iter().map(|it| it.answer)),
                Output::Again => turn.again = true,
                _ => {}
            }
        }
        turn
    }

    fn ask(&mut self, asks: impl IntoIterator<Item = Ask>) -> Turn {
        let requests = asks.into_iter().zip(1..);
        let requests = requests.map(|(ask, id)| Request { id, ask }).collect();
        self.input(Input::Receive(Envelope {
            cluster: CLUSTER,
            from: Client(9),
            body: Body::Requests(requests),
        }))
    }
}

#[test]
fn large_answers_come_in_several_turns() {
    let mut lone = Lone::led();
    let [Answer::Applied(opened)] = lone.ask([Ask::OpenSession]).answers[..] else {
        panic!("it leads, and opens a session");
    };
    let written = lone.ask([Ask::Write {
        session: opened.index,
        seq: 1,
        answered_below: 1,
        op: Op::Put {
            key: "large".into(),
            value: Bytes::from(vec![b'x'; MIB]),
        },
    }]);
    assert!(matches!(written.answers[..], [Answer::Applied(_)]));

    let read = |read| Ask::Get {
        key: "large".into(),
        read,
    };
    let mut turn = lone.ask((0..10).map(|_| read(Read::Linearizable)));
    let mut answers = 0;
    while turn.again {
        assert_eq!(turn.answers.len(), 4, "four mebibytes a turn");
        answers += turn.answers.len();
        // What comes between the turns does not wait for them.
        let between = lone.ask([Ask::Status]);
        assert!(
            matches!(between.answers[..], [Answer::Status(_), ..]),
            "{between:?}"
        );
        answers += between.answers.len() - 1;
        turn = lone.input(Input::Again);
    }
    assert_eq!(answers + turn.answers.len(), 10, "nothing is forgotten");
}

#[test]
fn a_read_waits_for_no_disk() {
    let mut cluster = Steered::led(settings(1), 3);
    for id in [2, 3] {
        let host = cluster.world.hosts.get_mut(&id).expect("a follower");
        host.disk.held = true;
    }
    let write = cluster.next_write(Some(put("key", "value")));
    let written = cluster.ask(1, write);
    cluster.run(200);
    assert_eq!(cluster.answer(written), None, "it is on one disk only");

    let read = Ask::Get {
        key: "key".into(),
        read: Read::Linearizable,
    };
    let read = cluster.ask(1, read);
    cluster.run(200);
    assert_eq!(cluster.answer(written), None, "still");
    assert_eq!(cluster.answer(read), Some(Answer::Value(None)));
}
