//! A host that was taken for dead and was not: another one has opened the disk, and this one goes
//! on with what it has in memory, until it tries to write. What it says before that is what it may
//! say without writing; peers cannot tell the two lives apart. One that was frozen does the same
//! when it thaws, with what waited for it.

use std::collections::VecDeque;

use super::World;
use super::fault::Fault;
use super::host::Disowned;
use crate::node::{Input, Node, Output};
use crate::wire::{Body, NodeId};

pub(super) struct Zombie {
    node: Box<Node>,
    /// Since when it is frozen, and what waits for it.
    frozen: Option<(u64, VecDeque<Input>)>,
}

/// Inputs that wait at a frozen one.
const WAITING_MAX: usize = 10_000;

impl World {
    /// Has another host take a replica over while the one it has goes on. A write under way was in
    /// time, which the old host hears of; or it is refused, and the old host ends with it.
    pub fn take_over(&mut self, id: NodeId, write_survives: bool) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if host.disk.full || self.lost.contains_key(&id) {
            return self
                .story
                .tell(|| format!("{id} cannot be opened by another host"));
        }
        let in_flight = host.disk.in_flight();
        let disowned = host.disown(write_survives);
        let fenced = in_flight.is_some() && !write_survives;
        self.zombies.remove(&id);
        if let Some((Disowned { node, frozen }, completed)) = disowned {
            self.completed(id, completed);
            match frozen {
                _ if fenced => self.faults.count(Fault::ZombieFenced),
                None => self.faults.count(Fault::StolenLock),
                Some(_) => {}
            }
            if !fenced {
                self.zombies.insert(id, Zombie { node, frozen });
            }
        }
        self.start(id);
        if let Some(seq) = in_flight {
            self.haunt(id, Input::Persisted(seq));
        }
    }

    /// Whether the replica's last host but one is still about.
    pub fn is_haunted(&self, id: NodeId) -> bool {
        self.zombies.contains_key(&id)
    }

    /// Lets a frozen zombie go on. It notices first how long it slept.
    pub fn thaw(&mut self, id: NodeId) {
        let (now, tick_ms) = (self.agenda.now(), self.settings.tick_ms);
        let Some((since, waiting)) = self.zombies.get_mut(&id).and_then(|z| z.frozen.take()) else {
            return;
        };
        self.faults.count(Fault::ZombieThawed);
        if let Some(tick_ms) = tick_ms {
            let ticks = (now - since) / tick_ms;
            self.haunt(id, Input::Woke { ticks });
        }
        for input in waiting {
            self.haunt(id, input);
        }
    }

    /// All zombies thaw, to find out that they are.
    pub fn thaw_all(&mut self) {
        let ids: Vec<NodeId> = self.zombies.keys().copied().collect();
        ids.into_iter().for_each(|id| self.thaw(id));
    }

    /// Gives a zombie what its successor in life gets, too.
    pub(super) fn haunt(&mut self, id: NodeId, input: Input) {
        let Some(mut zombie) = self.zombies.remove(&id) else {
            return;
        };
        if let Some((_, waiting)) = &mut zombie.frozen {
            if input != Input::Tick && waiting.len() < WAITING_MAX {
                waiting.push_back(input);
            }
            self.zombies.insert(id, zombie);
            return;
        }
        let node = &mut zombie.node;
        node.handle(input);
        // Before it ends: what it says on account of what it alone knows is not taken back.
        self.replicas.observe_zombie(id, node);
        while let Some(output) = node.poll() {
            match output {
                Output::Persist(batch) => {
                    let life = node.report().epoch;
                    let host = self.hosts.get_mut(&id);
                    if !host.is_some_and(|host| host.disk.begin(life, batch)) {
                        // It says so, and ends.
                        self.faults.count(Fault::ZombieFenced);
                        return self.story.tell(|| format!("{id} is another host's by now"));
                    }
                    self.replicas.violated(format!("a zombie of {id} writes"));
                }
                Output::Send { to, body } => {
                    if let (Body::Raft(messages), Some(host)) = (&body, self.hosts.get(&id)) {
                        self.replicas.promised(id, messages, &host.disk);
                    }
                    let envelope = node.envelope(body);
                    self.send(envelope, to);
                }
                Output::Again => node.handle(Input::Again),
                Output::Fetch { .. } | Output::Event(_) => {}
            }
        }
        self.zombies.insert(id, zombie);
    }
}
