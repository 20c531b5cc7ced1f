//! What a page would do without tabraft: a put, a transaction; by IndexedDB itself, and by Dexie.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tabraft_browser_tests::case::Case;

use crate::cell::{Cell, Durability, Figures, Who, shapes};
use crate::options::Options;
use crate::report::Progress;
use crate::stage::{blank, in_worker};

#[derive(Deserialize)]
struct Told {
    #[serde(flatten)]
    figures: Figures,
    keys: u64,
}

/// Where `web/setup.sh bench` puts Dexie; `DEXIE` is another place.
pub fn dexie() -> Option<PathBuf> {
    let path = std::env::var_os("DEXIE").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        let share = std::env::var_os("XDG_DATA_HOME")
            .map_or_else(|| home.join(".local/share"), PathBuf::from);
        Some(share.join("tabraft/dexie/node_modules/dexie/dist/dexie.min.js"))
    })?;
    path.is_file().then_some(path)
}

/// Of the Dexie that is there.
pub fn dexie_version() -> Option<String> {
    let package = dexie()?.ancestors().nth(2)?.join("package.json");
    let package: serde_json::Value = serde_json::from_slice(&std::fs::read(package).ok()?).ok()?;
    Some(package["version"].as_str()?.to_owned())
}

/// The cells of one database, in a worker of one tab.
pub async fn measure(
    case: &Case,
    who: Who,
    durability: Durability,
    options: &Options,
    progress: &Progress,
) -> Result<Vec<Cell>> {
    let library = match who {
        Who::Dexie => std::fs::read_to_string(dexie().context("no Dexie")?)?,
        _ => String::new(),
    };
    let source = [
        &library,
        "\n",
        include_str!("loop.js"),
        include_str!("database.js"),
    ]
    .concat();
    let tab = blank(case).await?;
    let mut cells = vec![];
    let mut written = 0;
    for shape in shapes(options.quick, false) {
        let mut cell = Cell {
            who,
            durability,
            shape,
            runs: vec![],
        };
        for _ in 0..options.runs {
            let task = json!({
                "dexie": who == Who::Dexie, "durability": durability.name(),
                "valueBytes": shape.value_bytes, "inFlight": shape.in_flight,
                "ring": shape.ring(), "ms": options.run_ms, "warmMs": options.warm_ms(),
            });
            let told: Told = in_worker(&tab, &source, task).await?;
            // Keys are written in their order, from the first.
            written = told.figures.answered.min(shape.ring()).max(written);
            ensure!(
                told.keys == written,
                "{}: {} keys were written, {} are there",
                who.name(),
                written,
                told.keys
            );
            cell.runs.push(told.figures);
        }
        progress.cell(&cell);
        cells.push(cell);
    }
    Ok(cells)
}
