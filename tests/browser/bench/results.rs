//! All that a run of the bench has measured, as it is written to the file.

use serde::{Deserialize, Serialize};

use crate::cell::{BUSY, BUSY_READS, Cell, Durability, LONE, Shape, Who};
use crate::download::Download;
use crate::failover::Downtimes;
use crate::floor::Floor;
use crate::frames::Frames;
use crate::front::Front;
use crate::goals::Goal;
use crate::hidden::Hidden;
use crate::long::Long;
use crate::machine::Machine;
use crate::options::Options;
use crate::restart::Restart;
use crate::stage::Check;

/// What was not measured is missing.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    pub machine: Machine,
    pub options: Options,
    pub floor: Option<Floor>,
    pub cells: Vec<Cell>,
    pub failover_worker: Option<Downtimes>,
    pub failover_renderer: Option<Downtimes>,
    pub failover_etcd: Option<Downtimes>,
    pub restart: Option<Restart>,
    pub long: Option<Long>,
    pub hidden: Option<Hidden>,
    pub front: Option<Front>,
    pub frames: Option<Frames>,
    pub download: Option<Download>,
    /// The bench checked against itself.
    pub checks: Vec<Check>,
    /// Parts that could not be measured, and why.
    pub left_out: Vec<String>,
    pub goals: Vec<Goal>,
    pub seconds: f64,
}

impl Results {
    pub fn new(machine: Machine, options: Options) -> Self {
        Self {
            machine,
            options,
            floor: None,
            cells: vec![],
            failover_worker: None,
            failover_renderer: None,
            failover_etcd: None,
            restart: None,
            long: None,
            hidden: None,
            front: None,
            frames: None,
            download: None,
            checks: vec![],
            left_out: vec![],
            goals: vec![],
            seconds: 0.0,
        }
    }

    pub fn cell(&self, who: Who, durability: Durability, shape: Shape) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|it| (it.who, it.durability, it.shape) == (who, durability, shape))
    }

    pub fn busy(&self, who: Who) -> Option<f64> {
        let cell = self.cell(who, Durability::Strict, BUSY);
        cell.map(Cell::per_second)
    }

    pub fn busy_reads(&self, who: Who) -> Option<f64> {
        let cell = self.cell(who, Durability::Strict, BUSY_READS);
        cell.map(Cell::per_second)
    }

    pub fn lone_ms(&self, who: Who) -> Option<f64> {
        self.cell(who, Durability::Strict, LONE)?.p50_ms()
    }
}
