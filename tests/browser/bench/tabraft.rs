//! Cells of tabraft: replicas in tabs, and a client that is a page like any other.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;

use crate::cell::{BUSY, Cell, Durability, Figures, Shape, Who, shapes};
use crate::options::Options;
use crate::report::Progress;
use crate::stage::{Check, Stage};

#[derive(Deserialize)]
pub struct Told {
    #[serde(flatten)]
    pub figures: Figures,
    /// Puts that were acknowledged, those that only fill among them.
    pub acked: u64,
    /// All keys that this tab has written.
    pub keys: u64,
}

/// The cells of one cluster, and the bench checked against it afterwards.
pub async fn measure(
    case: &Case,
    who: Who,
    durability: Durability,
    options: &Options,
    progress: &Progress,
) -> Result<(Vec<Cell>, Check)> {
    let stage = match who {
        Who::OneTab => Stage::one_tab(case, durability).await?,
        Who::FiveTabs => Stage::tabs(case, 5, durability, "").await?,
        Who::NineTabs => Stage::tabs(case, 9, durability, "").await?,
        _ => Stage::tabs(case, 3, durability, "").await?,
    };
    let shapes = match who {
        Who::FiveTabs | Who::NineTabs => vec![BUSY],
        _ => shapes(options.quick, true),
    };
    let (mut cells, mut acked, mut keys) = (vec![], 0, 0);
    for shape in shapes {
        let mut cell = Cell {
            who,
            durability,
            shape,
            runs: vec![],
        };
        for _ in 0..options.runs {
            let told = run(&stage.client, shape, options).await?;
            acked += told.acked;
            keys = told.keys;
            cell.runs.push(told.figures);
        }
        progress.cell(&cell);
        cells.push(cell);
    }
    ensure!(acked > 0, "nothing was acknowledged");
    let what = format!("{}, {}", who.name(), durability.name());
    let check = stage.check(&what, acked, keys).await?;
    Ok((cells, check))
}

/// One run of a cell, by the client of a tab.
pub async fn run(tab: &Tab, shape: Shape, options: &Options) -> Result<Told> {
    let body = concat!(include_str!("loop.js"), include_str!("cell.js"));
    let args = json!({
        "op": shape.op, "valueBytes": shape.value_bytes, "inFlight": shape.in_flight,
        "ring": shape.ring(), "ms": options.run_ms, "warmMs": options.warm_ms(),
    });
    tab.eval(body, args).await
}
