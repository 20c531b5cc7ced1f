//! What the core's parts cost, natively: `make bench-core`, or `cargo bench --bench core -- replay`
//! for some of it. The whole, in a browser, is measured by `make bench`.

mod trio;

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tabraft::check::journal::{self, Journal};
use tabraft::check::linear::{self, Call, Initial, Operation, Return, Returned, Verdict};
use tabraft::kv::{Command, Op, Store};
use tabraft::wal::{self, HardState, Record, Snapshot, Tables, WriteBatch};
use tabraft::wire::{EntryKind, LogEntry, Membership};

use trio::Trio;

const CLUSTER: u64 = 7;
const VALUE_BYTES: usize = 256;

fn put(index: u64, keys: u64) -> Vec<u8> {
    let command = Command::Write {
        session: 2,
        seq: index,
        answered_below: index,
        op: Op::Put {
            key: format!("key/{:06}", index % keys),
            value: Bytes::from(vec![b'x'; VALUE_BYTES]),
        },
    };
    command.encode()
}

fn entry(index: u64, keys: u64) -> LogEntry {
    LogEntry {
        index,
        term: 2,
        kind: EntryKind::Normal,
        data: Bytes::from(put(index, keys)),
        context: Bytes::new(),
    }
}

fn record(seq: u64, entries: Vec<LogEntry>) -> Record {
    let commit = entries.first().map_or(1, |entry| entry.index - 1);
    Record {
        cluster: CLUSTER,
        node: 1,
        seq,
        from_seq: seq,
        oldest_seq: 1,
        hard_state: HardState {
            term: 2,
            vote: 1,
            commit,
        },
        led_term: 0,
        entries,
        membership: None,
        snapshot: None,
    }
}

/// A disk with so many entries, so many a record.
fn disk(entries: u64, per_record: u64) -> Tables {
    let mut tables = Tables::default();
    tables.write(&wal::bootstrap(
        CLUSTER,
        1,
        Membership::of_voters([1, 2, 3]),
    ));
    for nth in 0..entries / per_record {
        let first = 2 + nth * per_record;
        let record = record(
            2 + nth,
            (first..first + per_record)
                .map(|i| entry(i, 1_000))
                .collect(),
        );
        tables.write(&WriteBatch {
            seq: record.seq,
            record: record.encode(),
            snapshot: None,
            folds_from: None,
            drop_records_below: None,
            drop_snapshots_below: None,
        });
    }
    tables
}

/// A state machine with so many keys, and the sessions that wrote them.
fn store(keys: u64) -> Store {
    let mut store = Store::default();
    store.apply(2, 2, &Command::Open.encode());
    for index in 3..3 + keys {
        store.apply(index, 2, &put(index, keys));
    }
    store
}

fn write_ahead_log(c: &mut Criterion) {
    let mut group = c.benchmark_group("wal");
    let of_64 = record(9, (100..164).map(|index| entry(index, 1_000)).collect());
    let bytes = of_64.encode();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode a record of 64 entries", |b| {
        b.iter(|| black_box(&of_64).encode());
    });
    group.bench_function("decode a record of 64 entries", |b| {
        b.iter(|| Record::decode(black_box(&bytes)));
    });
    for per_record in [1, 64] {
        let tables = disk(10_240, per_record);
        group.throughput(Throughput::Elements(10_240));
        group.sample_size(20);
        group.bench_function(
            format!("replay 10,240 entries, {per_record} a record"),
            |b| {
                b.iter(|| wal::replay(CLUSTER, 1, black_box(&tables)));
            },
        );
    }
    group.finish();
}

fn snapshots(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot");
    let snapshot = Snapshot {
        cluster: CLUSTER,
        index: 10_002,
        term: 2,
        membership: Membership::of_voters([1, 2, 3]),
        store: store(10_000),
    };
    let bytes = snapshot.encode();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.sample_size(20);
    group.bench_function("encode 10,000 keys", |b| b.iter(|| snapshot.encode()));
    group.bench_function("decode 10,000 keys", |b| {
        b.iter(|| Snapshot::decode(black_box(&bytes)));
    });
    group.finish();
}

fn apply(c: &mut Criterion) {
    let mut group = c.benchmark_group("apply");
    for keys in [1_000_u64, 100_000] {
        let mut store = store(keys);
        let mut index = 3 + keys;
        group.bench_function(format!("a put, {keys} keys"), |b| {
            b.iter_batched(
                || {
                    index += 1;
                    (index, put(index, keys))
                },
                |(index, data)| store.apply(index, 2, &data),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Three replicas, each envelope encoded and decoded, each batch durable at once.
fn node(c: &mut Criterion) {
    let mut group = c.benchmark_group("node");
    for in_flight in [1_u64, 64, 256] {
        let mut trio = Trio::led();
        group.throughput(Throughput::Elements(in_flight));
        group.bench_function(format!("commit {in_flight} puts at once"), |b| {
            b.iter(|| assert_eq!(trio.put(in_flight, VALUE_BYTES), in_flight));
        });
    }
    let mut trio = Trio::led();
    trio.put(100, VALUE_BYTES);
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 linearizable gets at once", |b| {
        b.iter(|| assert_eq!(trio.get(64), 64));
    });
    group.finish();
}

/// Puts and gets by turns, `CONCURRENT` at a time, each with its effect in the middle of its time.
fn history(operations: u64, keys: u64) -> Vec<Operation> {
    const CONCURRENT: u64 = 8;
    let mut values: Vec<Option<Bytes>> = vec![None; keys as usize];
    let one = |n: u64| {
        let value = &mut values[(n / 2 % keys) as usize];
        let (call, answer) = match n % 2 {
            0 => {
                let put = Bytes::from(format!("{n:064}"));
                *value = Some(put.clone());
                (Call::Put { value: put }, Return::Put)
            }
            _ => (Call::Get, Return::Value(value.clone())),
        };
        Operation {
            client: n % CONCURRENT,
            key: format!("key/{:06}", n / 2 % keys),
            call,
            invoked: n,
            returned: Some(Returned {
                at: n + CONCURRENT,
                answer,
                position: None,
            }),
        }
    };
    (0..operations).map(one).collect()
}

/// The judge of whole histories, and the one that a page carries along.
fn judge(c: &mut Criterion) {
    const OPERATIONS: u64 = 20_000;
    let operations = history(OPERATIONS, 1_000);
    let mut group = c.benchmark_group("check");
    group.throughput(Throughput::Elements(OPERATIONS));
    group.bench_function("a history of 20,000 operations", |b| {
        b.iter(|| {
            let verdict = linear::check(&operations, Initial::Absent, u64::MAX);
            assert!(
                matches!(verdict, Verdict::Linearizable { .. }),
                "{verdict:?}"
            );
        });
    });
    group.bench_function("the journal of 20,000 operations", |b| {
        b.iter(|| {
            let mut journal = Journal::new(1, journal::OPERATIONS_MAX);
            for operation in &operations {
                let Operation {
                    key,
                    call,
                    invoked,
                    returned,
                    ..
                } = operation.clone();
                let number = journal.invoked(invoked, &key, call);
                if let (Some(number), Some(it)) = (number, returned) {
                    journal.returned(number, it.at, it.answer, it.position);
                }
            }
            while journal.judge(OPERATIONS, 1_000) {}
            assert_eq!(journal.standing().operations, OPERATIONS);
            assert_eq!(journal.standing().broken, None);
        });
    });
    group.finish();
}

criterion_group!(benches, write_ahead_log, snapshots, apply, node, judge);
criterion_main!(benches);
