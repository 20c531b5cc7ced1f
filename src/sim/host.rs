//! What hosts one replica: it is up, paused as a frozen tab is, or down.

use std::collections::VecDeque;

use super::disk::{Completed, Disk};
use crate::node::{Input, Limits, Node};
use crate::wire::NodeId;

/// Inputs that wait at a paused replica; a browser's queue is longer, and ticks are not queued.
const WAITING_MAX: usize = 10_000;

#[derive(Default)]
pub enum State {
    #[default]
    Down,
    Up(Box<Node>),
    Paused(Box<Node>),
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

pub struct Host {
    pub id: NodeId,
    /// The tab that it is in: all hosts of a tab end with it.
    pub tab: u64,
    pub state: State,
    pub disk: Disk,
    /// The limits of its newest life.
    pub limits: Option<Limits>,
    /// Of a hundred milliseconds, so many pass by its clock.
    pub pace_pct: u64,
    /// Its clock stood still while it slept: it will not know.
    pub clock_stopped: bool,
    /// Messages sent so far, and times that something was applied: by these, crashes are planned.
    pub sends: u64,
    pub applies: u64,
    /// Tries of the write under way that were aborted.
    pub tries: usize,
    /// When it was paused.
    paused_at: u64,
    waiting: VecDeque<Input>,
}

impl Host {
    pub fn new(id: NodeId, disk: Disk) -> Self {
        Self {
            id,
            tab: id,
            state: State::Down,
            disk,
            limits: None,
            pace_pct: 100,
            clock_stopped: false,
            sends: 0,
            applies: 0,
            tries: 0,
            paused_at: 0,
            waiting: VecDeque::new(),
        }
    }

    pub fn node(&self) -> Option<&Node> {
        match &self.state {
            State::Up(node) | State::Paused(node) => Some(node),
            State::Down => None,
        }
    }

    /// The life that it leads, or led last.
    pub fn life(&self) -> u64 {
        self.disk.owner()
    }

    pub fn running(&mut self) -> Option<(&mut Node, &mut Disk)> {
        match &mut self.state {
            State::Up(node) => Some((node, &mut self.disk)),
            _ => None,
        }
    }

    /// Gives the replica an input, or keeps it for later. Returns whether there are outputs to be
    /// carried out.
    pub fn take(&mut self, input: Input) -> bool {
        match &mut self.state {
            State::Up(node) => {
                node.handle(input);
                true
            }
            State::Paused(_) => {
                if input != Input::Tick && self.waiting.len() < WAITING_MAX {
                    self.waiting.push_back(input);
                }
                false
            }
            State::Down => false,
        }
    }

    pub fn pause(&mut self, now: u64) {
        self.paused_at = now;
        self.state = match std::mem::take(&mut self.state) {
            State::Up(node) => State::Paused(node),
            state => state,
        };
    }

    /// What a paused replica is to be given now: first how late it is, then what waited.
    pub fn resume(&mut self, now: u64, tick_ms: Option<u64>) -> VecDeque<Input> {
        self.state = match std::mem::take(&mut self.state) {
            State::Paused(node) => State::Up(node),
            state => {
                self.state = state;
                return VecDeque::new();
            }
        };
        let mut inputs = std::mem::take(&mut self.waiting);
        let slept = self.slept(now, tick_ms);
        if let Some(ticks) = slept.filter(|ticks| *ticks > 0) {
            inputs.push_front(Input::Woke { ticks });
        }
        inputs
    }

    /// Ticks that it believes to have slept.
    fn slept(&mut self, now: u64, tick_ms: Option<u64>) -> Option<u64> {
        let stopped = std::mem::take(&mut self.clock_stopped);
        let slept = tick_ms.map(|tick_ms| (now - self.paused_at) / tick_ms);
        slept.filter(|_| !stopped)
    }

    /// The replica alone, out of its host: it believes that it is alive. With it what its write
    /// under way came to, and, if it was paused, what waits for it.
    pub fn disown(&mut self, write_survives: bool) -> Option<(Disowned, Option<Completed>)> {
        let completed = self.disk.lose_host(write_survives);
        let waiting = std::mem::take(&mut self.waiting);
        let (node, frozen) = match std::mem::take(&mut self.state) {
            State::Up(node) => (node, None),
            State::Paused(node) => (node, Some((self.paused_at, waiting))),
            State::Down => return None,
        };
        Some((Disowned { node, frozen }, completed))
    }

    /// Ends it. Returns its write under way, if that reached the disk.
    pub fn crash(&mut self, write_survives: bool) -> Option<Completed> {
        let completed = match self.state {
            State::Down => None,
            _ => self.disk.lose_host(write_survives),
        };
        self.state = State::Down;
        self.waiting.clear();
        self.tries = 0;
        completed
    }
}

/// A replica without a host.
pub struct Disowned {
    pub node: Box<Node>,
    /// Since when it was paused, and what waits for it.
    pub frozen: Option<(u64, VecDeque<Input>)>,
}
