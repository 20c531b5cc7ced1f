//! What reads bytes from outside, given any bytes: none of it may panic, and what it takes for good
//! it must be able to go on from.
//!
//! A frame's checksum would keep a fuzzer out for ever, so inputs are payloads, and the frame is
//! put around them here. An input of several parts has before each of them a byte of flags and two
//! of its length: see [`parts`].
//!
//! The tests of the core replay the corpus with these same functions.

#[path = "../../../web/src/settings.rs"]
#[allow(dead_code)] // The page uses the rest of it.
mod settings;

use std::convert::Infallible;

use tabraft::frame::{self, Kind};
use tabraft::node::{Config, Input, Limits, Node, Output};
use tabraft::wal::{self, Record, Snapshot, Tables, WriteBatch};
use tabraft::wire::{Envelope, Membership};

use settings::Settings;

pub const CLUSTER: u64 = 0xc1;
/// Flag of a part: it is as it is, without a frame put around it.
pub const RAW: u8 = 1;
/// Flag of a part: it is a snapshot among records.
pub const SNAPSHOT: u8 = 2;
/// Parts of one input that are looked at.
const PARTS_MAX: usize = 64;

/// What is given bytes.
pub type Target = fn(&[u8]);

/// All targets, by the name of their corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("wal", wal),
    ("snapshot", snapshot),
    ("envelope", envelope),
    ("backup", backup),
    ("parameters", parameters),
];

/// A payload in a whole frame.
pub fn sealed(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let sealed = frame::seal(kind, |mut buffer| {
        buffer.extend_from_slice(payload);
        Ok::<_, Infallible>(buffer)
    });
    match sealed {
        Ok(bytes) => bytes,
    }
}

/// The parts of an input, each with its flags. One that claims to be longer than there are bytes
/// ends with them.
pub fn parts(mut data: &[u8]) -> Vec<(u8, &[u8])> {
    let mut parts = Vec::new();
    while let [flags, low, high, rest @ ..] = data {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (part, after) = rest.split_at(length);
        parts.push((*flags, part));
        data = after;
        if parts.len() == PARTS_MAX {
            break;
        }
    }
    parts
}

fn framed(kind: Kind, flags: u8, part: &[u8]) -> Vec<u8> {
    if flags & RAW == 0 {
        sealed(kind, part)
    } else {
        part.to_vec()
    }
}

/// A disk: records and snapshots. If it can be come back from, a replica does, and then goes on.
pub fn wal(data: &[u8]) {
    let mut tables = Tables::default();
    for (flags, part) in parts(data) {
        if flags & SNAPSHOT == 0 {
            let bytes = framed(Kind::Record, flags, part);
            let next = tables.records.last().map_or(1, |(seq, _)| seq + 1);
            let seq = match Record::decode(&bytes) {
                Ok(record) => {
                    assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(&record));
                    record.seq
                }
                Err(_) => next,
            };
            // Beyond that, nothing counts on.
            if seq < u64::MAX && tables.records.last().is_none_or(|(last, _)| *last < seq) {
                tables.records.push((seq, bytes));
            }
        } else {
            let bytes = framed(Kind::Snapshot, flags, part);
            let index = Snapshot::decode(&bytes).map_or(0, |snapshot| snapshot.index);
            tables.snapshots.retain(|(at, _)| *at != index);
            tables.snapshots.push((index, bytes));
            tables.snapshots.sort_by_key(|(at, _)| *at);
        }
    }
    if let Some(mut replica) = Replica::start(tables, 1) {
        replica.tick(50);
        replica.restart();
    }
}

pub fn snapshot(data: &[u8]) {
    // Arbitrary bytes have no checksum that holds, or it is no error to have it.
    drop(Snapshot::decode(data));
    if let Ok(snapshot) = Snapshot::decode(&sealed(Kind::Snapshot, data)) {
        assert_eq!(Snapshot::decode(&snapshot.encode()), Ok(snapshot));
    }
}

/// A file that somebody restores: a replica of the new cluster begins with it.
pub fn backup(data: &[u8]) {
    drop(Snapshot::decode_backup(data));
    let Ok(backup) = Snapshot::decode_backup(&sealed(Kind::Backup, data)) else {
        return;
    };
    assert_eq!(
        Snapshot::decode_backup(&backup.encode_backup()).as_ref(),
        Ok(&backup)
    );
    let mut tables = Tables::default();
    tables.write(&wal::found(CLUSTER, 1, Membership::of_voters([1]), &backup));
    let mut replica = Replica::start(tables, 1).unwrap_or_else(|| {
        unreachable!("what was restored cannot be come back from: {backup:?}");
    });
    replica.tick(30);
    assert_eq!(replica.node.store().len(), backup.store.len());
    replica.restart();
}

/// Envelopes that arrive at a replica of three, with time passing and writes completing between.
pub fn envelope(data: &[u8]) {
    let mut tables = Tables::default();
    tables.write(&wal::bootstrap(
        CLUSTER,
        1,
        Membership::of_voters([1, 2, 3]),
    ));
    let Some(mut replica) = Replica::start(tables, 1) else {
        return;
    };
    for (flags, part) in parts(data) {
        let decoded = Envelope::decode(&framed(Kind::Envelope, flags, part));
        if let Ok(envelope) = decoded {
            let again = Envelope::decode(&envelope.encode());
            assert_eq!(again.as_ref(), Ok(&envelope));
            replica.input(Input::Receive(envelope));
        }
        if flags & 4 != 0 {
            replica.input(Input::Campaign);
        }
        if flags & 8 == 0 {
            replica.written();
        }
        replica.tick(usize::from(flags >> 4));
    }
    replica.restart();
}

/// The parameters of a URL, one a line: a name, an equals sign, a value.
pub fn parameters(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let pairs = text.lines().map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    let (settings, notices) = Settings::from_parameters(pairs.clone());
    assert!(notices.len() <= pairs.len());
    assert!((1..=settings::NODES_MAX).contains(&settings.nodes));
    assert!((10..=1_000).contains(&settings.tick_ms));
    assert!(settings::SNAPSHOT_ENTRIES.contains(&settings.limits.snapshot_entries));
    assert!(settings::SNAPSHOT_BYTES.contains(&settings.limits.snapshot_bytes));
    assert!(settings::CATCHUP_ENTRIES.contains(&settings.limits.catchup_entries));
    assert_eq!(
        settings::cluster_name(&settings.cluster).as_ref(),
        Ok(&settings.cluster)
    );
    for endpoint in &settings.endpoints {
        assert!(endpoint.starts_with("http"));
        assert!(!endpoint.contains(['@', ',']) && !endpoint.ends_with('/'));
    }
    // Each by itself is either taken or named.
    for (name, value) in pairs {
        let (alone, notices) = Settings::from_parameters([(name.clone(), value.clone())]);
        assert!(notices.is_empty() || alone == Settings::default());
        assert!(notices.iter().all(|notice| notice.contains(&name)));
    }
}

/// A replica and its disk.
struct Replica {
    node: Node,
    tables: Tables,
    writing: Option<WriteBatch>,
    lives: u64,
}

impl Replica {
    /// `None` where the disk cannot be gone on from.
    fn start(tables: Tables, lives: u64) -> Option<Self> {
        let recovered = wal::replay(CLUSTER, 1, &tables).ok()?;
        let config = Config {
            cluster: CLUSTER,
            id: 1,
            epoch: lives,
            seed: 1,
            shared_store: true,
            limits: Limits {
                snapshot_entries: 4,
                snapshot_bytes: 1 << 20,
                catchup_entries: 2,
                ..Limits::default()
            },
        };
        let mut replica = Self {
            node: Node::new(config, recovered).ok()?,
            tables,
            writing: None,
            lives,
        };
        replica.outputs();
        Some(replica)
    }

    fn input(&mut self, input: Input) {
        self.node.handle(input);
        self.outputs();
    }

    fn tick(&mut self, times: usize) {
        for _ in 0..times {
            self.input(Input::Tick);
            self.written();
        }
    }

    fn written(&mut self) {
        if let Some(batch) = self.writing.take() {
            self.tables.write(&batch);
            self.input(Input::Persisted(batch.seq));
        }
    }

    /// What a replica wrote it can come back from.
    fn restart(self) {
        let again = Self::start(self.tables, self.lives + 1);
        assert!(again.is_some(), "a replica's own disk is refused");
    }

    fn outputs(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Persist(batch) => {
                    assert!(self.writing.is_none(), "one batch at a time");
                    self.writing = Some(batch);
                }
                Output::Send { to: _, body } => {
                    let bytes = self.node.envelope(body).encode();
                    assert!(Envelope::decode(&bytes).is_ok());
                }
                Output::Again => self.node.handle(Input::Again),
                Output::Fetch { from: _, index: _ } | Output::Event(_) => {}
            }
        }
    }
}
