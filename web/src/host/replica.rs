//! One replica in its worker: lock, database, inbox, clock, and the node between them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_timers::callback::Interval;
use gloo_timers::future::TimeoutFuture;
use tabraft::frame::FrameError;
use tabraft::node::{Config, Input, Node, Output};
use tabraft::wal::{self, WriteBatch};
use tabraft::wire::Envelope;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::board::Board;
use super::disk::{self, Disk, DiskError};
use super::lock::{self, Held, Mode};
use super::net::Net;
use super::worker::say;
use crate::channel::{Channel, bytes_of};
use crate::model::State;
use crate::names;
use crate::protocol::{Assignment, FromWorker, ToWorker};

/// Inputs that a paused replica keeps for later, as a frozen tab's event loop would.
const BACKLOG_MAX: usize = 10_000;
/// How long a leader that is to stop tries to hand leadership over, in ticks.
const TRANSFER_TICKS: u32 = 20;

/// Why a replica cannot run, or no longer.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Self {
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
pub struct Replica(Rc<Host>);

struct Host {
    tick_ms: u32,
    node: RefCell<Node>,
    disk: Disk,
    net: Net,
    board: RefCell<Board>,
    /// Inputs kept while paused; `None` while it reacts.
    backlog: RefCell<Option<VecDeque<Input>>>,
    writing: Cell<bool>,
    /// What keeps it alive: its inbox, its clock and its lock. Gone when it has ended.
    life: RefCell<Option<Life>>,
}

struct Life {
    _inbox: Channel,
    _clock: Interval,
    _lock: Held,
}

/// Takes the replica's lock, opens its database, and runs it. `None` if somebody else holds the
/// lock and the assignment says not to wait.
///
/// # Errors
/// Why it cannot run here.
pub async fn host(assignment: Assignment) -> Result<Option<Replica>, Failure> {
    let cluster = assignment.cluster.as_str();
    let Some(lock) = take_lock(&assignment).await? else {
        return Ok(None);
    };
    let identity = u64::from_str_radix(&assignment.identity, 16)
        .map_err(|_| Failure::new("PROTOCOL", "The page gave a cluster identity that is none."))?;
    let opened = disk::open(cluster, assignment.node, assignment.durability)
        .await
        .map_err(|error| Failure::from(&error))?;
    if opened.tables.is_empty() {
        return Err(forgotten(assignment.node));
    }
    let recovered = wal::replay(identity, assignment.node, &opened.tables)
        .map_err(|damage| damaged(assignment.node, &damage))?;
    drop(opened.tables);
    let config = Config {
        cluster: identity,
        id: assignment.node,
        epoch: opened.epoch,
        seed: identity.rotate_left(17) ^ opened.epoch,
        limits: assignment.limits,
    };
    let mut board = Board::new(&assignment, opened.epoch).map_err(no_channel)?;
    if let Some(index) = recovered.fell_back_from {
        board.event(
            "problem",
            format!("The snapshot at index {index} was damaged; an older one and the log stand in for it."),
            recovered.hard_state.term,
        );
    }
    let node =
        Node::new(config, recovered).map_err(|error| Failure::new("DAMAGED", error.to_string()))?;
    let net = Net::new(cluster, assignment.node);
    net.set_faults(&assignment.faults);
    let host = Rc::new(Host {
        tick_ms: assignment.tick_ms,
        node: RefCell::new(node),
        disk: opened.disk,
        net,
        board: RefCell::new(board),
        backlog: RefCell::new(None),
        writing: Cell::new(false),
        life: RefCell::new(None),
    });
    let replica = Replica(host);
    replica.begin_life(&assignment, lock)?;
    Ok(Some(replica))
}

async fn take_lock(assignment: &Assignment) -> Result<Option<Held>, Failure> {
    let name = names::node_lock(&assignment.cluster, assignment.node);
    let failed = |error: lock::LockError| Failure::new("NO_LOCKS", error.to_string());
    if let Some(lock) = lock::acquire(&name, Mode::IfAvailable)
        .await
        .map_err(failed)?
    {
        return Ok(Some(lock));
    }
    if !assignment.wait {
        return Ok(None);
    }
    say(&FromWorker::Waiting);
    lock::acquire(&name, Mode::Wait).await.map_err(failed)
}

fn forgotten(node: u64) -> Failure {
    Failure::new(
        "FORGOTTEN",
        format!(
            "Node {node}'s database is empty, although it was a member: the browser deleted it. \
             It has forgotten its vote and must not come back under its old id."
        ),
    )
}

fn damaged(node: u64, damage: &wal::Damage) -> Failure {
    Failure::new(
        "DAMAGED",
        format!("Node {node}'s disk is damaged: {damage}. Its bytes are kept as they are."),
    )
}

fn no_channel(error: JsValue) -> Failure {
    Failure::new(
        "NO_CHANNELS",
        format!("This browser gives tabraft no BroadcastChannel: {error:?}"),
    )
}

impl Replica {
    fn begin_life(&self, assignment: &Assignment, lock: Held) -> Result<(), Failure> {
        let (me, name) = (
            self.clone(),
            names::node_channel(&assignment.cluster, assignment.node),
        );
        let inbox = Channel::receiver(&name, move |message| me.hear(&message));
        let me = self.clone();
        let clock = Interval::new(self.0.tick_ms, move || me.tick());
        let (me, lost) = (self.clone(), lock.lost());
        spawn_local(async move {
            lost.await;
            me.fail(Failure::new(
                "LOCK_LOST",
                "Another host took this replica's lock away. It stopped here.",
            ));
        });
        let me = self.clone();
        self.0.disk.on_closed(move |error| me.fail(error.into()));
        *self.0.life.borrow_mut() = Some(Life {
            _inbox: inbox.map_err(no_channel)?,
            _clock: clock,
            _lock: lock,
        });
        self.act();
        self.publish_now();
        Ok(())
    }

    /// Does what the page says.
    pub fn obey(&self, word: ToWorker) {
        match word {
            ToWorker::Host(_) => say(&FromWorker::Failed {
                code: "PROTOCOL".into(),
                message: "A worker hosts one replica only.".into(),
            }),
            ToWorker::Stop => {
                let me = self.clone();
                spawn_local(async move { me.stop().await });
            }
            ToWorker::Pause => {
                self.0
                    .backlog
                    .borrow_mut()
                    .get_or_insert_with(VecDeque::new);
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
        }
    }

    fn hear(&self, message: &JsValue) {
        let input = match bytes_of(message).map(|bytes| Envelope::decode(&bytes)) {
            Some(Ok(envelope)) => Input::Receive(envelope),
            Some(Err(error)) => Input::Garbage(error),
            None => Input::Garbage(FrameError::Magic),
        };
        self.input(input);
    }

    fn tick(&self) {
        // A frozen tab's timers do not pile up.
        if self.0.backlog.borrow().is_none() {
            self.input(Input::Tick);
        }
        self.publish_if_due();
    }

    fn input(&self, input: Input) {
        if self.0.life.borrow().is_none() {
            return;
        }
        if let Some(backlog) = &mut *self.0.backlog.borrow_mut() {
            if backlog.len() < BACKLOG_MAX || matches!(input, Input::Persisted(_)) {
                backlog.push_back(input);
            }
            return;
        }
        self.0.node.borrow_mut().handle(input);
        self.act();
    }

    fn resume(&self) {
        let backlog = self.0.backlog.borrow_mut().take();
        for input in backlog.into_iter().flatten() {
            self.input(input);
        }
        self.publish_now();
    }

    /// Carries out what the node wants.
    fn act(&self) {
        let mut told = false;
        let mut node = self.0.node.borrow_mut();
        while let Some(output) = node.poll() {
            match output {
                Output::Persist(batch) => self.persist(batch),
                Output::Send { to, body } => self.0.net.send(to, &node.envelope(body)),
                Output::Event(event) => {
                    self.0.board.borrow_mut().tell(&event);
                    told = true;
                }
            }
        }
        drop(node);
        if told {
            self.publish_now();
        }
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
        self.input(Input::TransferLeader(None));
        for _ in 0..TRANSFER_TICKS {
            if !self.0.node.borrow().is_leader() {
                break;
            }
            TimeoutFuture::new(self.0.tick_ms).await;
        }
        // From here on it hears nothing, so that the write under way is the last.
        let Some(life) = self.0.life.borrow_mut().take() else {
            return;
        };
        while self.0.writing.get() {
            TimeoutFuture::new(1).await;
        }
        self.0.disk.close();
        drop(life);
        say(&FromWorker::Stopped);
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
    fn end(&self) -> bool {
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
        self.0.board.borrow_mut().publish(&report, self.state());
    }

    fn publish_if_due(&self) {
        if self.0.board.borrow().is_due() {
            self.publish_now();
        }
    }
}
