//! A host that was taken for dead and was not: another one has opened the disk, and this one goes
//! on with what it has in memory, until it tries to write. What it says before that is what it may
//! say without writing; peers cannot tell the two lives apart.

use super::World;
use crate::node::{Input, Output};
use crate::wire::{Body, NodeId};

impl World {
    /// Has another host take a replica over while the one it has goes on. A write under way was in
    /// time, which the old host hears of; or it is refused, and the old host ends with it.
    pub fn take_over(&mut self, id: NodeId, write_survives: bool) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        let in_flight = host.disk.in_flight();
        let node = host.disown(write_survives);
        let fenced = in_flight.is_some() && !write_survives;
        self.zombies.remove(&id);
        self.zombies
            .extend(node.filter(|_| !fenced).map(|node| (id, node)));
        self.start(id);
        if let Some(seq) = in_flight {
            self.haunt(id, Input::Persisted(seq));
        }
    }

    /// Whether the replica's last host but one is still about.
    pub fn is_haunted(&self, id: NodeId) -> bool {
        self.zombies.contains_key(&id)
    }

    /// Gives a zombie what its successor in life gets, too.
    pub(super) fn haunt(&mut self, id: NodeId, input: Input) {
        let Some(mut node) = self.zombies.remove(&id) else {
            return;
        };
        node.handle(input);
        while let Some(output) = node.poll() {
            match output {
                Output::Persist(batch) => {
                    let life = node.report().epoch;
                    let host = self.hosts.get_mut(&id);
                    if !host.is_some_and(|host| host.disk.begin(life, batch)) {
                        // It says so, and ends.
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
        self.replicas.observe_zombie(id, &node);
        self.zombies.insert(id, node);
    }
}
