//! One replica in its worker: lock, database, inbox, clock, and the node between them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_timers::callback::Interval;
use gloo_timers::future::TimeoutFuture;
use tabraft::frame::FrameError;
use tabraft::node::{Event, Input, Node, Output};
use tabraft::wal::WriteBatch;
use tabraft::wire::Envelope;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::board::Board;
use super::budget::Budget;
use super::disk::{self, Disk, DiskError};
use super::hosting::no_channel;
use super::inbox::Inbox;
use super::lock::Held;
use super::net::Net;
use super::steps::Steps;
use super::succession::Succession;
use super::turn::Turn;
use super::worker::say;
use crate::channel::{bytes_of, length_of};
use crate::clock;
use crate::model::State;
use crate::protocol::{Assignment, FromWorker, Live, ToWorker};

/// Inputs that a paused replica keeps for later, as a frozen tab's event loop would.
const BACKLOG_MAX: usize = 10_000;
/// How long a leader that is to stop tries to hand leadership over, in ticks.
const TRANSFER_TICKS: u32 = 20;
/// How often it looks whether it has, in milliseconds.
const TRANSFER_LOOK_MS: u32 = 2;

/// Why a replica cannot run, or no longer.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl From<&DiskError> for Failure {
    fn from(error: &DiskError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// A handle to the hosted replica.
#[derive(Clone)]
pub struct Replica(pub(super) Rc<Host>);

pub(super) struct Host {
    pub(super) cluster: String,
    pub(super) tick_ms: u32,
    pub(super) live: Cell<Live>,
    pub(super) node: RefCell<Node>,
    pub(super) disk: Disk,
    net: Net,
    board: RefCell<Board>,
    pub(super) steps: RefCell<Steps>,
    pub(super) succession: RefCell<Succession>,
    /// When the input arrived that it is reacting to: before anything was said on account of it.
    turn_ms: Cell<f64>,
    /// When it last reacted, on the clock that never goes back.
    pub(super) reacted_ms: Cell<f64>,
    /// Inputs kept while paused; `None` while it reacts.
    backlog: RefCell<Option<Backlog>>,
    /// Calls that wait for a snapshot at an index or later to be durable.
    pub(super) awaiting_snapshot: RefCell<Vec<(u64, u64)>>,
    writing: Cell<bool>,
    /// What keeps it alive: its inbox, its clock and its locks. Gone when it has ended.
    life: RefCell<Option<Life>>,
}

/// What a paused replica was told, in order.
struct Backlog {
    inputs: VecDeque<Input>,
    budget: Budget,
}

impl Backlog {
    fn new() -> Self {
        Self {
            inputs: VecDeque::new(),
            budget: Budget::new(BACKLOG_MAX),
        }
    }

    /// What there is no room for is lost, as on any channel; but never what the node itself asked
    /// its host for.
    fn keep(&mut self, input: Input, bytes: usize) {
        let asked = matches!(
            input,
            Input::Persisted(_) | Input::Again | Input::Fetched { .. }
        );
        if self.budget.take(bytes) || asked {
            self.inputs.push_back(input);
        }
    }
}

struct Life {
    _inbox: Rc<Inbox>,
    _clock: Interval,
    turn: Turn,
    _locks: Vec<Held>,
}

impl Replica {
    pub(super) fn new(
        assignment: &Assignment,
        node: Node,
        disk: Disk,
        net: Net,
        board: Board,
    ) -> Self {
        Self(Rc::new(Host {
            cluster: assignment.cluster.clone(),
            tick_ms: assignment.tick_ms,
            live: Cell::new(assignment.live),
            node: RefCell::new(node),
            disk,
            net,
            board: RefCell::new(board),
            steps: RefCell::default(),
            succession: RefCell::default(),
            turn_ms: Cell::new(clock::unix_ms()),
            reacted_ms: Cell::new(clock::ticking_ms()),
            backlog: RefCell::new(None),
            awaiting_snapshot: RefCell::default(),
            writing: Cell::new(false),
            life: RefCell::new(None),
        }))
    }

    /// Begins to hear and to tick. The first of the locks is that of the replica itself.
    pub(super) fn begin_life(&self, inbox: Inbox, locks: Vec<Held>) -> Result<(), Failure> {
        let (me, inbox) = (self.clone(), Rc::new(inbox));
        let turn = Turn::new(move || me.input(Input::Again)).map_err(no_channel)?;
        let me = self.clone();
        let clock = Interval::new(self.0.tick_ms, move || me.tick());
        let (me, lost) = (self.clone(), locks.first().map(Held::lost));
        spawn_local(async move {
            match lost {
                Some(lost) => lost.await,
                None => return,
            }
            me.fail(Failure::new(
                "LOCK_LOST",
                "Another host took this replica's lock away. It stopped here.",
            ));
        });
        let me = self.clone();
        self.0.disk.on_closed(move |error| me.fail(error.into()));
        *self.0.life.borrow_mut() = Some(Life {
            _inbox: inbox.clone(),
            _clock: clock,
            turn,
            _locks: locks,
        });
        self.act();
        let me = self.clone();
        inbox.hear(move |message| me.hear(message));
        self.publish_now();
        Ok(())
    }

    /// Does what the page says.
    pub fn obey(&self, word: ToWorker) {
        match word {
            ToWorker::Stand(_) | ToWorker::Host(_) => say(&FromWorker::Failed {
                code: "PROTOCOL".into(),
                message: "A worker hosts one replica only.".into(),
            }),
            ToWorker::Stop => {
                let me = self.clone();
                spawn_local(async move { me.stop().await });
            }
            ToWorker::Pause => {
                self.0.backlog.borrow_mut().get_or_insert_with(Backlog::new);
                self.publish_now();
                say(&FromWorker::Paused);
            }
            ToWorker::Resume => {
                self.resume();
                say(&FromWorker::Resumed);
            }
            ToWorker::Campaign => self.input(Input::Campaign),
            ToWorker::Faults(faults) => {
                self.0.net.set_faults(&faults);
                say(&FromWorker::FaultsSet);
            }
            ToWorker::Do { call, deed } => self.perform(call, deed),
        }
    }

    fn hear(&self, message: &JsValue) {
        let input = match bytes_of(message).map(|bytes| Envelope::decode(&bytes)) {
            Some(Ok(envelope)) => Input::Receive(envelope),
            Some(Err(error)) => Input::Garbage(error),
            None => Input::Garbage(FrameError::Magic),
        };
        self.input_of(input, length_of(message));
    }

    fn tick(&self) {
        // A frozen tab's timers do not pile up.
        if self.0.backlog.borrow().is_none() {
            self.input(Input::Tick);
            self.0.reacted_ms.set(clock::ticking_ms());
            // One was on its way to the disk when the call came.
            if !self.0.awaiting_snapshot.borrow().is_empty() {
                self.input(Input::Snapshot);
            }
        }
        self.publish_if_due();
    }

    /// Whether it has not ended.
    pub(super) fn lives(&self) -> bool {
        self.0.life.borrow().is_some()
    }

    pub(super) fn input(&self, input: Input) {
        self.input_of(input, 0);
    }

    /// An input that came as so many bytes.
    fn input_of(&self, input: Input, bytes: usize) {
        if !self.lives() {
            return;
        }
        if let Some(backlog) = &mut *self.0.backlog.borrow_mut() {
            return backlog.keep(input, bytes);
        }
        if !self.wake() {
            return;
        }
        self.0.turn_ms.set(clock::unix_ms());
        self.0.node.borrow_mut().handle(input);
        self.act();
    }

    fn resume(&self) {
        let backlog = self.0.backlog.borrow_mut().take();
        for input in backlog.into_iter().flat_map(|it| it.inputs) {
            self.input(input);
        }
        self.publish_now();
    }

    /// Carries out what the node wants.
    pub(super) fn act(&self) {
        let mut told = false;
        let mut removed = None;
        let mut again = false;
        let mut node = self.0.node.borrow_mut();
        while let Some(output) = node.poll() {
            match output {
                Output::Persist(batch) => self.persist(batch),
                Output::Send { to, body } => self.0.net.send(to, &node.envelope(body)),
                Output::Fetch { from, index } => self.fetch(from, index),
                Output::Again => again = true,
                Output::Event(event) => {
                    if let Event::Removed { index } = event {
                        removed = Some(index);
                    }
                    self.0.board.borrow_mut().tell(&event);
                    told = true;
                }
            }
        }
        let (leads, marks) = (node.is_leader(), node.marks());
        drop(node);
        let turn_ms = self.0.turn_ms.get();
        self.0.steps.borrow_mut().note(turn_ms, leads, marks);
        self.end_succession();
        self.answer_snapshots();
        if told {
            self.watch_leader();
            self.publish_now();
        }
        if let Some(index) = removed {
            self.retire(index);
        }
        if again {
            self.ask_turn();
        }
    }

    fn ask_turn(&self) {
        let asked = self.0.life.borrow().as_ref().map(|life| life.turn.ask());
        if let Some(Err(error)) = asked {
            self.fail(no_channel(error));
        }
    }

    /// Ends a replica that was removed from the cluster, when what it is writing is written.
    fn retire(&self, index: u64) {
        let me = self.clone();
        spawn_local(async move {
            me.await_disk().await;
            let id = me.0.node.borrow().id();
            me.fail(Failure::new(
                "REMOVED",
                format!(
                    "Node {id} was removed from the cluster at index {index}. It can be wiped."
                ),
            ));
        });
    }

    /// Reads a snapshot from the leader's database.
    fn fetch(&self, from: u64, index: u64) {
        let me = self.clone();
        spawn_local(async move {
            let read = disk::read_snapshot(&me.0.cluster, from, index).await;
            let body = read.unwrap_or_else(|error| {
                me.tell(
                    "problem",
                    format!("Node {from}'s snapshot could not be read. {error}"),
                );
                None
            });
            me.input(Input::Fetched { from, index, body });
        });
    }

    pub(super) fn tell(&self, kind: &str, text: String) {
        let term = self.0.node.borrow().term();
        self.0.board.borrow_mut().event(kind, text, term);
    }

    fn persist(&self, batch: WriteBatch) {
        let me = self.clone();
        self.0.writing.set(true);
        spawn_local(async move {
            let written = me.0.disk.write(&batch).await;
            me.0.writing.set(false);
            match written {
                Ok(()) => me.input(Input::Persisted(batch.seq)),
                Err(error) => me.fail((&error).into()),
            }
        });
    }

    /// Ends the replica in good order.
    async fn stop(&self) {
        self.resume();
        let hands_over = {
            let node = self.0.node.borrow();
            node.is_leader() && node.report().membership.voters.len() > 1
        };
        if hands_over {
            self.input(Input::TransferLeader(None));
            self.await_successor().await;
        }
        // From here on it hears nothing, so that the write under way is the last.
        let Some(life) = self.0.life.borrow_mut().take() else {
            return;
        };
        self.await_disk().await;
        self.0.disk.close();
        drop(life);
        say(&FromWorker::Stopped);
    }

    /// Waits for another leader, who may need this replica's vote, but not for ever.
    async fn await_successor(&self) {
        for _ in 0..TRANSFER_TICKS * self.0.tick_ms / TRANSFER_LOOK_MS {
            let (id, leader) = {
                let node = self.0.node.borrow();
                (node.id(), node.leader())
            };
            if (leader != id && leader != 0) || !self.lives() {
                return;
            }
            TimeoutFuture::new(TRANSFER_LOOK_MS).await;
        }
    }

    /// Waits until no write is under way.
    async fn await_disk(&self) {
        while self.0.writing.get() {
            TimeoutFuture::new(1).await;
        }
    }

    fn fail(&self, failure: Failure) {
        if self.end() {
            self.0.disk.close();
            say(&FromWorker::Failed {
                code: failure.code,
                message: failure.message,
            });
        }
    }

    /// Lets go of inbox, clock and lock; `false` if that was done before.
    pub(super) fn end(&self) -> bool {
        // Dropped a turn later: one of their own callbacks may be running.
        let life = self.0.life.borrow_mut().take();
        let lived = life.is_some();
        spawn_local(async move { drop(life) });
        lived
    }

    fn state(&self) -> State {
        match *self.0.backlog.borrow() {
            Some(_) => State::Paused,
            None => State::Running,
        }
    }

    fn publish_now(&self) {
        let report = self.0.node.borrow().report();
        let sent = self.0.net.take_flights();
        let mut board = self.0.board.borrow_mut();
        board.publish(&report, self.state(), sent);
    }

    fn publish_if_due(&self) {
        if self.0.board.borrow().is_due() {
            self.publish_now();
        }
    }
}
