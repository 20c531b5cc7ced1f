//! What the page itself costs: the same load from a page in front, and from a client without views.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;

use crate::cell::{BUSY, Durability, Figures, median};
use crate::goals::figure;
use crate::options::Options;
use crate::report::Progress;
use crate::stage::{Beside, Check, Stage};
use crate::tabraft;

/// In the address of a page without views.
const PLAIN: &str = "&view=none";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Front {
    /// Puts a second of each run. Page and plain client took turns.
    pub page_per_second: Vec<f64>,
    pub plain_per_second: Vec<f64>,
}

impl Front {
    pub fn page(&self) -> Option<f64> {
        median(self.page_per_second.iter().copied())
    }

    pub fn plain(&self) -> Option<f64> {
        median(self.plain_per_second.iter().copied())
    }
}

/// Three replicas in hidden tabs without views. By turns a page and a plain client are opened, write in
/// front, once to warm up and once that counts, and are closed.
pub async fn measure(
    case: &Case,
    options: &Options,
    progress: &Progress,
) -> Result<(Front, Check)> {
    let stage = Stage::tabs(case, 3, Durability::Strict, PLAIN).await?;
    let mut front = Front::default();
    let (mut acked, mut keys) = (0, 0);
    let mut beside = Beside::default();
    for _ in 0..options.runs.max(2) {
        let mut pair = [0.0; 2];
        for (of, query) in pair.iter_mut().zip(["", PLAIN]) {
            // Each anew, so that neither has code that is better compiled.
            let tab = case
                .open("main", &format!("&nodes=3&host=none{query}"))
                .await?;
            tab.healthy(3).await?;
            for counts in [false, true] {
                let told = run(&tab, query.is_empty(), options).await?;
                acked += told.acked;
                // Every run begins with the first of the same keys.
                keys = keys.max(told.keys);
                if counts {
                    *of = told.figures.per_second;
                }
            }
            beside = beside.and(Beside::of(&tab).await?);
            tab.close().await?;
        }
        let [page, plain] = pair;
        let (with, without) = (figure(page), figure(plain));
        progress.say(&format!("page in front {with}/s, plain client {without}/s"));
        front.page_per_second.push(page);
        front.plain_per_second.push(plain);
    }
    let check = stage.check_beside("the page in front", acked, keys, beside);
    Ok((front, check.await?))
}

async fn run(tab: &Tab, has_views: bool, options: &Options) -> Result<tabraft::Told> {
    let look = "return { views: document.querySelector('main') !== null,\
                         visible: document.visibilityState === 'visible' }";
    let wanted = serde_json::json!({ "views": has_views, "visible": true });
    let seen: Value = tab.run(look, Value::Null).await?;
    ensure!(seen == wanted, "it is {seen}, not {wanted}");
    let told = tabraft::run(tab, BUSY, options).await?;
    let Figures { failed, .. } = &told.figures;
    ensure!(failed.is_empty(), "writes failed: {failed:?}");
    Ok(told)
}
