//! What hosts one replica: it is up, paused as a frozen tab is, or down.

use std::collections::VecDeque;

use super::disk::Disk;
use crate::node::{Input, Node};
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
    pub state: State,
    pub disk: Disk,
    /// When it was paused.
    paused_at: u64,
    waiting: VecDeque<Input>,
}

impl Host {
    pub fn new(id: NodeId, disk: Disk) -> Self {
        Self {
            id,
            state: State::Down,
            disk,
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
        let slept = tick_ms.map(|tick_ms| (now - self.paused_at) / tick_ms);
        if let Some(ticks) = slept.filter(|ticks| *ticks > 0) {
            inputs.push_front(Input::Woke { ticks });
        }
        inputs
    }

    /// The replica alone, out of its host: it believes that it is alive.
    pub fn disown(&mut self, write_survives: bool) -> Option<Box<Node>> {
        self.disk.lose_power(write_survives);
        self.waiting.clear();
        match std::mem::take(&mut self.state) {
            State::Up(node) | State::Paused(node) => Some(node),
            State::Down => None,
        }
    }

    pub fn crash(&mut self, write_survives: bool) {
        if self.state != State::Down {
            self.disk.lose_power(write_survives);
        }
        self.state = State::Down;
        self.waiting.clear();
    }
}
