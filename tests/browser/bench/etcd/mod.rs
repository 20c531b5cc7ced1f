//! etcd beside tabraft: the same load over gRPC, and the same death.

mod failover;
mod rpc;
mod trio;

use std::cell::{Cell as Counter, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tonic::transport::Channel;

use crate::cell::{Cell, Durability, Figures, Op, Shape, Who, quantile, shapes, sorted};
use crate::options::Options;
use crate::report::Progress;
use crate::stage::Check;

pub use failover::failover;
pub use tabraft_browser_tests::etcd::version;
use trio::Trio;

/// Operations that share a connection, at most: more, or fewer, made etcd slower here.
const PER_CONNECTION: u64 = 32;

/// The cells, with processes anew for each size: what is written stays on disk.
pub async fn measure(options: &Options, progress: &Progress) -> Result<(Vec<Cell>, Vec<Check>)> {
    let shapes = shapes(options.quick, true);
    let sizes: BTreeSet<u64> = shapes.iter().map(|it| it.value_bytes).collect();
    let (mut cells, mut checks) = (vec![], vec![]);
    for size in sizes {
        let trio = Trio::start().await?;
        let leader = trio.leader().await?;
        let channel = trio.connect(leader).await?;
        let from = revision(&channel).await?;
        let (mut acked, mut keys) = (0, 0);
        for shape in shapes.iter().filter(|it| it.value_bytes == size) {
            let mut cell = Cell {
                who: Who::Etcd,
                durability: Durability::Strict,
                shape: *shape,
                runs: vec![],
            };
            for _ in 0..options.runs {
                if shape.op != Op::Put {
                    // All keys, so that each read finds one.
                    let missing = keys..shape.ring();
                    acked += missing.end - missing.start;
                    fill(&channel, missing, *shape).await?;
                    keys = shape.ring();
                }
                let run = run(&trio, leader, *shape, options).await?;
                acked += run.puts;
                keys = keys.max(run.puts.min(shape.ring()));
                cell.runs.push(run.figures);
            }
            progress.cell(&cell);
            cells.push(cell);
        }
        let count = rpc::count(&channel).await?;
        checks.push(Check {
            what: format!("etcd, {size} bytes"),
            acknowledged: acked,
            applied: (revision(&channel).await? - from) as u64,
            beside_max: 0,
            keys_written: keys,
            keys_found: count.count as u64,
        });
        ensure!(trio.leader().await? == leader, "another leader");
        trio.end().await?;
    }
    Ok((cells, checks))
}

async fn revision(channel: &Channel) -> Result<i64> {
    let header = rpc::count(channel).await?.header;
    Ok(header.context("no header")?.revision)
}

fn key(n: u64, shape: Shape) -> Vec<u8> {
    format!("bench/{}", n % shape.ring()).into_bytes()
}

fn value(n: u64, shape: Shape) -> Vec<u8> {
    let mut value = format!("{n}:").into_bytes();
    value.resize(shape.value_bytes as usize, b'x');
    value
}

async fn fill(channel: &Channel, missing: std::ops::Range<u64>, shape: Shape) -> Result<()> {
    const AT_ONCE: usize = 64;
    let numbers: Vec<u64> = missing.collect();
    for some in numbers.chunks(AT_ONCE) {
        let mut puts = tokio::task::JoinSet::new();
        for &n in some {
            let channel = channel.clone();
            puts.spawn(async move { rpc::put(&channel, key(n, shape), value(n, shape)).await });
        }
        while let Some(put) = puts.join_next().await {
            put??;
        }
    }
    Ok(())
}

/// So many times longer a run may be, until twice as many were answered as are under way.
const LONGER: u32 = 10;

struct Run {
    figures: Figures,
    puts: u64,
}

/// One run of the load in `loop.js`, in Rust.
async fn run(trio: &Trio, leader: usize, shape: Shape, options: &Options) -> Result<Run> {
    let mut channels = vec![];
    for _ in 0..shape.in_flight.div_ceil(PER_CONNECTION) {
        channels.push(trio.connect(leader).await?);
    }
    let from = Instant::now() + Duration::from_millis(options.warm_ms());
    // When the measured time is over, once it is.
    let over: Counter<Option<Instant>> = Counter::new(None);
    let (next, answered, puts) = (Counter::new(0), Counter::new(0), Counter::new(0));
    let (latencies, failed) = (RefCell::new(vec![]), RefCell::new(vec![]));
    let is_over = |now: Instant| {
        let enough = latencies.borrow().len() as u64 >= 2 * shape.in_flight;
        let long = now >= from + options.run() && enough || now >= from + options.run() * LONGER;
        if long && over.get().is_none() {
            over.set(Some(now));
        }
        over.get().is_some()
    };
    let lane = async |channel: Channel| {
        let mut began = Instant::now();
        while !is_over(began) && failed.borrow().len() < 100 {
            let n = next.replace(next.get() + 1);
            let reads = shape.op == Op::Get || shape.op == Op::Mix && n % 2 == 1;
            let outcome = if reads {
                let found = rpc::get(&channel, key(n, shape)).await;
                found.map_err(|it| it.to_string()).and_then(|it| {
                    let whole = it.kvs.first().map(|it| it.value.len() as u64);
                    (whole == Some(shape.value_bytes))
                        .then_some(())
                        .ok_or_else(|| format!("read {whole:?} bytes"))
                })
            } else {
                let put = rpc::put(&channel, key(n, shape), value(n, shape)).await;
                puts.set(puts.get() + u64::from(put.is_ok()));
                put.map_err(|it| it.to_string())
            };
            match outcome {
                Ok(()) => answered.set(answered.get() + 1),
                Err(error) => failed.borrow_mut().push(error),
            }
            let now = Instant::now();
            if now >= from && !is_over(now) {
                latencies
                    .borrow_mut()
                    .push((now - began).as_secs_f64() * 1e3);
            }
            began = now;
        }
    };
    let lanes = (0..shape.in_flight).map(|n| {
        let channel = channels[n as usize % channels.len()].clone();
        lane(channel)
    });
    futures_util::future::join_all(lanes).await;
    let measured = over.get().unwrap_or_else(Instant::now) - from;
    let latencies = sorted(latencies.take());
    Ok(Run {
        figures: Figures {
            per_second: latencies.len() as f64 / measured.as_secs_f64(),
            p50_ms: quantile(&latencies, 0.5),
            p99_ms: quantile(&latencies, 0.99),
            answered: answered.get(),
            failed: failed.take(),
        },
        puts: puts.get(),
    })
}
