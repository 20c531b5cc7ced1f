//! Experiments in which a person does something else than the step asks: they end, say why, and claim
//! nothing of what was not so.

use anyhow::{Result, ensure};
use serde_json::Value;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

use crate::guided::{begin, done};

pub async fn experiments_gone_astray(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    not_begun(&tab).await?;
    woken_too_early(&tab).await?;
    crashed_not_cut_off(&tab).await?;
    cut_off_no_more(&tab).await?;
    ended_while_a_node_stops(&tab).await
}

/// It does not begin with a node that is stopped, and says so at once.
async fn not_begun(tab: &Tab) -> Result<()> {
    let stopped = tab.status().await?.followers()[0];
    tab.press(&format!("stop-{stopped}")).await?;
    begin(tab, "a-write").await?;
    ends(tab, &format!("Node {stopped} is stopped. Start it first.")).await?;
    tab.press(&format!("start-{stopped}")).await?;
    tab.agreement(3).await.map(drop)
}

/// A leader that is woken before the others have another value would have nothing stale to answer.
async fn woken_too_early(tab: &Tab) -> Result<()> {
    begin(tab, "paused-leader").await?;
    tab.press("put").await?;
    done(tab, 0).await?;
    let old = tab.status().await?.leader;
    tab.press(&format!("pause-{old}")).await?;
    done(tab, 1).await?;
    tab.press(&format!("resume-{old}")).await?;
    ends(tab, &format!("Node {old} was woken before")).await
}

async fn crashed_not_cut_off(tab: &Tab) -> Result<()> {
    begin(tab, "stale-leader").await?;
    tab.press("put").await?;
    done(tab, 0).await?;
    let old = tab.status().await?.leader;
    tab.press(&format!("crash-{old}")).await?;
    ends(tab, &format!("Node {old} does not run on")).await
}

async fn cut_off_no_more(tab: &Tab) -> Result<()> {
    begin(tab, "stale-leader").await?;
    tab.press("put").await?;
    done(tab, 0).await?;
    let old = tab.status().await?.leader;
    tab.press(&format!("cut-off-{old}")).await?;
    done(tab, 1).await?;
    tab.press("heal").await?;
    ends(tab, &format!("Node {old} is connected again.")).await
}

/// What a person did a moment before it ends is put back, too.
async fn ended_while_a_node_stops(tab: &Tab) -> Result<()> {
    let leave = r#"
        const began = new Promise((ok) => {
            tabraftExperiments.run("first-election", false, (n, state, words) => /still run/.test(words) && ok())
                .then(() => ok("it came to its end"), ({ name }) => { globalThis.ended = name; });
        });
        const wrong = await began;
        const stopping = tabraft.stop(1);
        tabraftExperiments.stop();
        await stopping;
        return wrong ?? null"#;
    let wrong: Option<String> = tab.eval(leave, Value::Null).await?;
    ensure!(wrong.is_none(), "{wrong:?}");
    tab.agreement(3).await?;
    eventually("it ends", SOON, async || {
        let ended: Option<String> = tab
            .eval("return globalThis.ended ?? null", Value::Null)
            .await?;
        ensure!(ended.as_deref() == Some("Stopped"), "it ended as {ended:?}");
        Ok(())
    })
    .await
}

/// It ends with that sentence, claims nothing, and puts the cluster back.
async fn ends(tab: &Tab, sentence: &str) -> Result<()> {
    tab.shows("experiment-told", sentence, |it| it.contains(sentence))
        .await?;
    ensure!(!tab.has("findings").await?, "it claims something");
    if !sentence.contains("Start it first") {
        tab.agreement(3).await?;
    }
    Ok(())
}
