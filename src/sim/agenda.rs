//! Virtual time: what is to happen, and when.

use std::collections::BTreeMap;

use crate::wire::{Address, ClientId, NodeId};

#[derive(Debug)]
pub enum Happening {
    /// An envelope's bytes arrive.
    Arrive {
        to: Address,
        bytes: Vec<u8>,
    },
    /// A batch is durable, if the replica still lives the life it was written in.
    Written {
        id: NodeId,
        life: u64,
        seq: u64,
    },
    /// A replica that has more to apply has its turn.
    Again {
        id: NodeId,
        life: u64,
    },
    Tick(NodeId),
    /// A client's turn.
    Wake(ClientId),
    /// What a replica asked to be read from another's disk is there, or is not.
    Fetched {
        to: NodeId,
        life: u64,
        from: NodeId,
        index: u64,
    },
    /// A replica's death is known to whoever is first in line for its lock; the others follow.
    Death {
        of: NodeId,
        line: Vec<NodeId>,
    },
    /// A survivor brings a replica back.
    Revival(NodeId),
    /// Whoever sees to it that replicas run starts one.
    Start(NodeId),
}

/// Things to come, in the order of their time; of one time, in the order they were added.
#[derive(Debug, Default)]
pub struct Agenda {
    now: u64,
    added: u64,
    coming: BTreeMap<(u64, u64), Happening>,
}

impl Agenda {
    /// Milliseconds since the world began.
    pub fn now(&self) -> u64 {
        self.now
    }

    pub fn add(&mut self, delay_ms: u64, happening: Happening) {
        self.added += 1;
        self.coming
            .insert((self.now + delay_ms, self.added), happening);
    }

    pub fn next_at(&self) -> Option<u64> {
        self.coming.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn pop(&mut self) -> Option<Happening> {
        let ((at, _), happening) = self.coming.pop_first()?;
        self.now = at;
        Some(happening)
    }

    /// Lets time pass in which nothing happens.
    pub fn advance_to(&mut self, at: u64) {
        self.now = self.now.max(at);
    }

    pub fn len(&self) -> usize {
        self.coming.len()
    }

    pub fn is_empty(&self) -> bool {
        self.coming.is_empty()
    }
}
