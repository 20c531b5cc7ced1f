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

/// Another experiment is chosen while one runs, by hand and by itself: the first ends, the page lives,
/// and the second comes to its end, by the bar at the foot of the window.
pub async fn another_experiment(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    begin(&tab, "first-election").await?;
    tab.shows("guide-bar", "the step that waits", |it| {
        it.contains("An election") && it.contains("step 1 of 2") && it.contains("3 of 3 nodes")
    })
    .await?;
    tab.press("experiment-leader-crash").await?;
    tab.press("do-it").await?;
    tab.press("experiment-a-write").await?;
    tab.press("let-me").await?;
    tab.shows("guide-bar", "the next one", |it| {
        it.contains("The way of a write") && it.contains("Nothing was put yet")
    })
    .await?;
    tab.press("bar-help").await?;
    tab.shows("guide-bar", "the verdict", |it| {
        it.contains("What was seen is what theory says")
    })
    .await?;
    tab.press("bar-close").await?;
    ensure!(!tab.has("guide-bar").await?, "it is there still");
    tab.agreement(3).await?;
    Ok(())
}

/// A reload in the middle of an experiment: the page says so, and puts back what was changed.
pub async fn experiment_cut_short(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let before: Value = tab.run("return tabraft.settings()", Value::Null).await?;
    begin(&tab, "far-behind").await?;
    tab.press("bar-help").await?;
    done(&tab, 0).await?;
    tab.press("bar-help").await?;
    done(&tab, 1).await?;
    tab.reload().await?;
    tab.shows("cut-short", "what was cut short", |it| {
        it.contains("A follower too far behind")
    })
    .await?;
    tab.press("mend").await?;
    tab.shows("mended", "that it is mended", |it| {
        it.contains("all nodes run")
    })
    .await?;
    tab.agreement(3).await?;
    let after: Value = tab.run("return tabraft.settings()", Value::Null).await?;
    ensure!(before == after, "{before} before, {after} after");
    tab.reload().await?;
    tab.healthy(3).await?;
    let left: Option<String> = tab
        .eval("return tabraftExperiments.cutShort() ?? null", Value::Null)
        .await?;
    ensure!(left.is_none(), "{left:?} is told again");
    Ok(())
}
