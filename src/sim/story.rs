//! What happened: a hash over all of it, by which two runs are compared, and its telling in
//! sentences where somebody reads it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::narrate;
use crate::wal::WriteBatch;
use crate::wire::{Address, Envelope, NodeId};

#[derive(Default)]
pub struct Story {
    hash: u64,
    told: Option<Vec<String>>,
    /// The time, and how many lines have one.
    clock: Option<(u64, usize)>,
}

impl Story {
    /// From now on the story is told in lines.
    pub fn listen(&mut self) {
        self.told.get_or_insert_default();
    }

    /// The same, with the time before each line.
    pub fn listen_with_times(&mut self) {
        self.listen();
        self.clock.get_or_insert_default();
    }

    /// What is told from now on is of this time.
    pub fn at(&mut self, now: u64) {
        self.mark_time();
        if let Some((time, _)) = &mut self.clock {
            *time = now;
        }
    }

    fn mark_time(&mut self) {
        if let (Some((time, marked)), Some(lines)) = (&mut self.clock, &mut self.told) {
            for line in &mut lines[*marked..] {
                *line = format!("{time:>7}  {line}");
            }
            *marked = lines.len();
        }
    }

    /// The lines since they were last taken.
    pub fn take_lines(&mut self) -> Vec<String> {
        self.mark_time();
        if let Some((_, marked)) = &mut self.clock {
            *marked = 0;
        }
        self.told.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Equal for two runs of which every byte sent and written was equal.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.told {
            lines.push(line());
        }
    }

    pub fn sent(&mut self, now: u64, envelope: &Envelope, to: Address, bytes: &[u8]) {
        self.hash = xxh3_64_with_seed(bytes, self.hash ^ now);
        if let Some(lines) = &mut self.told {
            narrate::sent(envelope, to, lines);
        }
    }

    pub fn wrote(&mut self, id: NodeId, batch: &WriteBatch) {
        self.hash = xxh3_64_with_seed(&batch.record, self.hash ^ id);
        self.tell(|| narrate::wrote(id, batch));
    }
}
