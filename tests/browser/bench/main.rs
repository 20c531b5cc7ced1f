//! tabraft beside its floor, beside what a page would do without it, and beside etcd, in one run on
//! one machine: `make bench`. See `docs/speed.md` for what each figure is.
//!
//! - [`floor`]: what the browser itself charges
//! - [`tabraft`], [`databases`], [`etcd`]: the same load for each contender
//! - [`failover`], [`restart`], [`long`], [`hidden`], [`front`], [`frames`],
//!   [`download`]: what else there are goals for
//! - [`cell`], [`results`], [`goals`]: the figures; [`report`]: how they are told
//! - [`stage`]: tabs to play in, and the bench checked against itself

mod cell;
mod databases;
mod download;
mod etcd;
mod failover;
mod floor;
mod frames;
mod front;
mod goals;
mod hidden;
mod long;
mod machine;
mod options;
mod report;
mod restart;
mod results;
mod stage;
mod tabraft;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tabraft_browser_tests::case::workspace;

use crate::cell::{Cell, Durability, Who};
use crate::failover::Downtimes;
use crate::machine::Machine;
use crate::options::{Options, PARTS};
use crate::report::Progress;
use crate::results::Results;
use crate::stage::{Check, play, play_traced};

// One thread: the client of etcd takes no more of the processors than it needs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("--publish").is_some() {
        let path = arguments
            .next()
            .context("--publish takes the JSON file of a run")?;
        return report::publish(Path::new(&path));
    }
    let options = Options::parse(arguments)?;
    let parts = PARTS.iter().filter(|it| options.wants(it.0)).count();
    let mut bench = Bench {
        progress: Progress::new(parts),
        all: Results::new(Machine::look().await?, options.clone()),
        options,
        failed: false,
    };
    bench.run().await;
    bench.end()
}

struct Bench {
    options: Options,
    progress: Progress,
    all: Results,
    /// A part could not be measured which should have been.
    failed: bool,
}

impl Bench {
    /// A part that fails is told, and the others go on.
    async fn run(&mut self) {
        for (part, what) in PARTS {
            if !self.options.wants(part) {
                continue;
            }
            self.progress.part(what);
            if let Err(error) = self.part(part).await {
                self.failed = true;
                self.leave_out(&format!("{what}: {error:#}"));
            }
        }
    }

    async fn part(&mut self, part: &str) -> Result<()> {
        match part {
            "floor" => self.floor().await,
            "etcd" => self.etcd().await,
            "tabs" => self.tabraft(&[Who::ThreeTabs]).await,
            "one-tab" => self.tabraft(&[Who::OneTab]).await,
            "nodes" => self.tabraft(&[Who::FiveTabs, Who::NineTabs]).await,
            "plain" => self.database(Who::Plain).await,
            "dexie" => self.database(Who::Dexie).await,
            "failover" => self.failover().await,
            "restart" => self.restart().await,
            "load" => self.load().await,
            "long" => self.long().await,
            "hidden" => self.hidden().await,
            "front" => self.front().await,
            "frames" => self.frames().await,
            _ => bail!("there is no such part"),
        }
    }

    async fn floor(&mut self) -> Result<()> {
        let floor = play(async |case| floor::measure(case, &self.options).await).await?;
        self.progress.say(&format!(
            "round trips {:.2} and {:.2} ms, transaction {:.2} ms: floor {:.2} ms; in one piece {:.2} ms",
            floor.page_round_trip_ms, floor.worker_round_trip_ms, floor.transaction_ms,
            floor.sum_ms, floor.way_ms
        ));
        self.all.floor = Some(floor);
        Ok(())
    }

    async fn failover(&mut self) -> Result<()> {
        let (options, progress) = (&self.options, &self.progress);
        let (downtimes, check) =
            play(async |case| failover::of_workers(case, options, progress).await).await?;
        progress.say(&format!("worker: {}", downtimes.in_short()));
        self.all.failover_worker = Some(downtimes);
        self.all.checks.push(check);
        let (downtimes, check) =
            play(async |case| failover::of_renderers(case, options, progress).await).await?;
        progress.say(&format!("renderer: {}", downtimes.in_short()));
        self.all.failover_renderer = Some(downtimes);
        self.all.checks.push(check);
        if self.all.machine.etcd.is_some() {
            let downtimes = Downtimes::of(etcd::failover(options).await?)?;
            progress.say(&format!("etcd: {}", downtimes.in_short()));
            self.all.failover_etcd = Some(downtimes);
        }
        Ok(())
    }

    async fn restart(&mut self) -> Result<()> {
        let (restart, check) =
            play(async |case| restart::measure(case, &self.options, &self.progress).await).await?;
        self.progress.say(&format!(
            "read {:.0} ms, replay {:.0} ms, start {:.0} ms, ready {:.0} ms",
            restart.read_ms, restart.replay_ms, restart.start_ms, restart.ready_ms
        ));
        self.all.restart = Some(restart);
        self.all.checks.push(check);
        Ok(())
    }

    async fn load(&mut self) -> Result<()> {
        let download = download::measure(&self.options).await?;
        self.progress.say(&format!(
            "{} files, {:.0} KB with brotli, first write after {:.0} ms",
            download.files.len(),
            download.brotli_bytes as f64 / 1e3,
            download.first_write_ms
        ));
        self.all.download = Some(download);
        Ok(())
    }

    async fn long(&mut self) -> Result<()> {
        let (long, check) =
            play(async |case| long::measure(case, &self.options, &self.progress).await).await?;
        self.progress.say(&format!(
            "{:.0}/s, last tenth over first {:.2}",
            long.per_second, long.last_over_first
        ));
        self.all.long = Some(long);
        self.all.checks.push(check);
        Ok(())
    }

    async fn hidden(&mut self) -> Result<()> {
        let (hidden, check) = play(async |case| hidden::measure(case, &self.options).await).await?;
        self.progress.say(&format!(
            "{} elections, p99 {:.2} ms, in front {:.2} ms",
            hidden.elections, hidden.hidden_p99_ms, hidden.foreground_p99_ms
        ));
        self.all.hidden = Some(hidden);
        self.all.checks.push(check);
        Ok(())
    }

    async fn front(&mut self) -> Result<()> {
        let (front, check) =
            play(async |case| front::measure(case, &self.options, &self.progress).await).await?;
        self.all.front = Some(front);
        self.all.checks.push(check);
        Ok(())
    }

    async fn frames(&mut self) -> Result<()> {
        let (frames, check) =
            play_traced(async |case| frames::measure(case, &self.options).await).await?;
        self.progress.say(&format!(
            "{:.0} writes/s, {:.1} frames/s, p99 {:.1} ms; the longest of {} tasks {:.1} ms, by the clock {:.1} ms, {} over {} ms",
            frames.writes_per_second, frames.frames_per_second, frames.p99_ms, frames.tasks,
            frames.longest_processor_ms, frames.longest_clock_ms, frames.over_by_clock,
            frames::FRAME_MS
        ));
        self.all.frames = Some(frames);
        self.all.checks.push(check);
        Ok(())
    }

    /// Those that a contender is measured with.
    fn durabilities(&self, who: Who) -> &'static [Durability] {
        let strict_alone = [Who::FiveTabs, Who::NineTabs].contains(&who);
        if self.options.quick || strict_alone {
            return &[Durability::Strict];
        }
        &[Durability::Strict, Durability::Relaxed]
    }

    async fn tabraft(&mut self, contenders: &[Who]) -> Result<()> {
        for &who in contenders {
            for &durability in self.durabilities(who) {
                self.progress.contender(who, durability);
                let (options, progress) = (&self.options, &self.progress);
                let (cells, check) = play(async |case| {
                    tabraft::measure(case, who, durability, options, progress).await
                })
                .await?;
                self.keep(cells, vec![check]);
            }
        }
        Ok(())
    }

    async fn database(&mut self, who: Who) -> Result<()> {
        if who == Who::Dexie && databases::dexie().is_none() {
            self.leave_out("Dexie is not there: `web/setup.sh bench` brings it.");
            return Ok(());
        }
        for &durability in self.durabilities(who) {
            self.progress.contender(who, durability);
            let (options, progress) = (&self.options, &self.progress);
            let cells = play(async |case| {
                databases::measure(case, who, durability, options, progress).await
            })
            .await?;
            self.keep(cells, vec![]);
        }
        Ok(())
    }

    async fn etcd(&mut self) -> Result<()> {
        if self.all.machine.etcd.is_none() {
            self.leave_out("etcd is not there: `web/setup.sh bench` brings it where there is apt.");
            return Ok(());
        }
        let (cells, checks) = etcd::measure(&self.options, &self.progress).await?;
        self.keep(cells, checks);
        Ok(())
    }

    fn leave_out(&mut self, why: &str) {
        self.progress.say(why);
        self.all.left_out.push(why.to_owned());
    }

    fn keep(&mut self, cells: Vec<Cell>, checks: Vec<Check>) {
        self.all.cells.extend(cells);
        self.all.checks.extend(checks);
    }

    /// Prints and writes what was measured.
    fn end(mut self) -> Result<()> {
        self.all.seconds = self.progress.seconds();
        self.all.machine.load_after = machine::load();
        self.all.goals = goals::goals(&self.all);
        let folder = workspace().join("target/bench");
        std::fs::create_dir_all(&folder)?;
        let name = self.all.machine.date.replace(':', "-");
        let text = report::markdown(&self.all);
        let path = folder.join(format!("{name}.json"));
        std::fs::write(&path, serde_json::to_vec_pretty(&self.all)?)?;
        std::fs::write(folder.join(format!("{name}.md")), &text)?;
        println!(
            "\n{text}\nAfter {:.0} s. Written: {}",
            self.all.seconds,
            path.display()
        );
        let broken: Vec<&Check> = self.all.checks.iter().filter(|it| !it.holds()).collect();
        ensure!(
            broken.is_empty(),
            "the bench does not agree with the cluster: {broken:#?}"
        );
        Ok(())
    }
}
