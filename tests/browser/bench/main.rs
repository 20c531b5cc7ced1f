//! tabraft beside its floor, beside what a page would do without it, and beside etcd, in one run on
//! one machine: `make bench`. See `README.md` for what each figure is.
//!
//! - [`floor`]: what the browser itself charges
//! - [`tabraft`], [`databases`], [`etcd`]: the same load for each contender
//! - [`failover`], [`restart`], [`long`], [`hidden`], [`download`]: what else there are goals for
//! - [`cell`], [`results`], [`goals`]: the figures; [`report`]: how they are told
//! - [`stage`]: tabs to play in, and the bench checked against itself

mod cell;
mod databases;
mod download;
mod etcd;
mod failover;
mod floor;
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

use anyhow::{Context, Result, ensure};
use tabraft_browser_tests::case::workspace;

use crate::cell::{Cell, Durability, Who};
use crate::failover::Downtimes;
use crate::machine::Machine;
use crate::options::{Options, PARTS};
use crate::report::Progress;
use crate::results::Results;
use crate::stage::Check;

// One thread: the client of etcd takes no more of the processors than it needs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse()?;
    let parts = PARTS.iter().filter(|it| options.wants(it)).count();
    let mut bench = Bench {
        progress: Progress::new(parts),
        all: Results::new(Machine::look().await?, options.clone()),
        options,
    };
    bench.run().await?;
    bench.end()
}

struct Bench {
    options: Options,
    progress: Progress,
    all: Results,
}

impl Bench {
    /// Whether the part is wanted; it is told that it begins.
    fn begins(&self, part: &str, what: &str) -> bool {
        let wanted = self.options.wants(part);
        if wanted {
            self.progress.part(what);
        }
        wanted
    }

    async fn run(&mut self) -> Result<()> {
        if self.begins("floor", "the floor of this browser") {
            let floor = floor::measure(&self.options).await.context("the floor")?;
            self.progress.say(&format!(
                "round trips {:.2} and {:.2} ms, transaction {:.2} ms: floor {:.2} ms; in one piece {:.2} ms",
                floor.page_round_trip_ms, floor.worker_round_trip_ms, floor.transaction_ms,
                floor.sum_ms, floor.way_ms
            ));
            self.all.floor = Some(floor);
        }
        if self.begins("etcd", "etcd, three processes") {
            self.etcd().await.context("etcd")?;
        }
        for (part, who) in [("tabs", Who::ThreeTabs), ("one-tab", Who::OneTab)] {
            for durability in self.durabilities(part) {
                self.progress
                    .say(&format!("{}, {}", who.name(), durability.name()));
                self.tabraft(who, durability).await?;
            }
        }
        for (part, who) in [("plain", Who::Plain), ("dexie", Who::Dexie)] {
            for durability in self.durabilities(part) {
                self.database(who, durability).await?;
            }
        }
        if self.begins("nodes", "five nodes, and nine") {
            for who in [Who::FiveTabs, Who::NineTabs] {
                self.progress.say(who.name());
                self.tabraft(who, Durability::Strict).await?;
            }
        }
        self.lives().await
    }

    /// What else there are goals for.
    async fn lives(&mut self) -> Result<()> {
        let (options, progress) = (self.options.clone(), &self.progress);
        if self.begins("failover", "failover, a worker and then a renderer killed") {
            let (downtimes, check) = failover::of_workers(&options, progress).await?;
            progress.say(&format!("worker: {}", downtimes.in_short()));
            self.all.failover_worker = Some(downtimes);
            self.all.checks.push(check);
            let (downtimes, check) = failover::of_renderers(&options, progress).await?;
            progress.say(&format!("renderer: {}", downtimes.in_short()));
            self.all.failover_renderer = Some(downtimes);
            self.all.checks.push(check);
        }
        if self.begins("restart", "a replica with a long log started again") {
            let (restart, check) = restart::measure(&options, progress).await?;
            progress.say(&format!(
                "read {:.0} ms, replay {:.0} ms, start {:.0} ms, ready {:.0} ms",
                restart.read_ms, restart.replay_ms, restart.start_ms, restart.ready_ms
            ));
            self.all.restart = Some(restart);
            self.all.checks.push(check);
        }
        if self.begins("load", "download and cold load") {
            let download = download::measure(&options).await?;
            progress.say(&format!(
                "{} files, {:.0} KB with brotli, first write after {:.0} ms",
                download.files,
                download.brotli_bytes as f64 / 1e3,
                download.first_write_ms
            ));
            self.all.download = Some(download);
        }
        if self.begins("long", "a long run") {
            let (long, check) = long::measure(&options, progress).await?;
            progress.say(&format!(
                "{:.0}/s, last tenth over first {:.2}",
                long.per_second, long.last_over_first
            ));
            self.all.long = Some(long);
            self.all.checks.push(check);
        }
        if self.begins("hidden", "all tabs hidden") {
            let (hidden, check) = hidden::measure(&options).await?;
            progress.say(&format!(
                "{} elections, p99 {:.2} ms, in front {:.2} ms",
                hidden.elections, hidden.hidden_p99_ms, hidden.foreground_p99_ms
            ));
            self.all.hidden = Some(hidden);
            self.all.checks.push(check);
        }
        Ok(())
    }

    /// Those that a contender is measured with; tells that it begins.
    fn durabilities(&self, part: &str) -> Vec<Durability> {
        let what = match part {
            "tabs" => "tabraft, three nodes in three tabs, the client in a fourth",
            "one-tab" => "tabraft, three nodes and the client in one tab",
            "plain" => "plain IndexedDB, a transaction for each put",
            _ => "Dexie, a put at a time",
        };
        if !self.begins(part, what) {
            return vec![];
        }
        if self.options.quick || part == "dexie" {
            return vec![Durability::Strict];
        }
        vec![Durability::Strict, Durability::Relaxed]
    }

    async fn tabraft(&mut self, who: Who, durability: Durability) -> Result<()> {
        let measured = tabraft::measure(who, durability, &self.options, &self.progress).await;
        let (cells, check) = measured.with_context(|| who.name())?;
        self.keep(cells, vec![check]);
        Ok(())
    }

    async fn database(&mut self, who: Who, durability: Durability) -> Result<()> {
        if who == Who::Dexie && databases::dexie().is_none() {
            self.leave_out("Dexie is not there: `web/setup.sh bench` brings it.");
            return Ok(());
        }
        let measured = databases::measure(who, durability, &self.options, &self.progress).await;
        self.keep(measured.with_context(|| who.name())?, vec![]);
        Ok(())
    }

    async fn etcd(&mut self) -> Result<()> {
        if self.all.machine.etcd.is_none() {
            self.leave_out("etcd is not there: `web/setup.sh bench` brings it where there is apt.");
            return Ok(());
        }
        let (cells, checks) = etcd::measure(&self.options, &self.progress).await?;
        self.keep(cells, checks);
        if self.options.wants("failover") || self.options.only.is_empty() {
            let downtimes = Downtimes::of(etcd::failover(&self.options).await?)?;
            self.progress
                .say(&format!("failover: {}", downtimes.in_short()));
            self.all.failover_etcd = Some(downtimes);
        }
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
