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
use crate::stage::{Check, Stage};
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

/// Three replicas in hidden tabs without views. By turns a page is opened, writes in front and is
/// closed, and a plain client writes in front.
pub async fn measure(
    case: &Case,
    options: &Options,
    progress: &Progress,
) -> Result<(Front, Check)> {
    let stage = Stage::tabs(case, 3, Durability::Strict, PLAIN).await?;
    let mut front = Front::default();
    let (mut acked, mut keys) = (0, 0);
    for _ in 0..options.runs.max(2) {
        let page = case.open("main", "&nodes=3&host=none").await?;
        page.healthy(3).await?;
        let with = run(&page, true, options).await?;
        page.close().await?;
        let without = run(&stage.client, false, options).await?;
        progress.say(&format!(
            "page in front {}/s, plain client {}/s",
            figure(with.figures.per_second),
            figure(without.figures.per_second)
        ));
        for told in [&with, &without] {
            acked += told.acked;
            // Every run begins with the first of the same keys.
            keys = keys.max(told.keys);
        }
        front.page_per_second.push(with.figures.per_second);
        front.plain_per_second.push(without.figures.per_second);
    }
    let check = stage.check("the page in front", acked, keys).await?;
    Ok((front, check))
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
