//! The page's own experiments: each is run to its end, and what it claims is so.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::eventually;

/// For one experiment, on a busy machine.
pub const WHOLE: Duration = Duration::from_secs(45);

#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    link: String,
    steps: Vec<Value>,
}

/// A row of the table on the page: theory, what was seen, whether it holds.
pub type Row = (String, String, String);

/// The first half of the library, each in a cluster of its own, by the page's button.
pub async fn experiments_run(case: &Case) -> Result<()> {
    half(case, 0).await
}

/// The other half.
pub async fn experiments_run_on(case: &Case) -> Result<()> {
    half(case, 1).await
}

async fn half(case: &Case, which: usize) -> Result<()> {
    let list = case.open("list", "&nodes=1&host=none").await?;
    let all = library(&list).await?;
    ensure!(all.len() >= 16, "only {} experiments", all.len());
    for it in all.iter().skip(which).step_by(2) {
        let tab = case.open_at(&case.server.page(&it.link)).await?;
        let rows = by_itself(&tab, it).await.with_context(|| it.id.clone())?;
        for (theory, seen, _) in &rows {
            println!("  {}: {theory} {seen}", it.id);
        }
        tab.close().await?;
    }
    Ok(())
}

async fn library(tab: &Tab) -> Result<Vec<Listed>> {
    tab.eval("return tabraftExperiments.list()", Value::Null)
        .await
}

/// Presses the button and waits for the table. All of it must hold.
async fn by_itself(tab: &Tab, it: &Listed) -> Result<Vec<Row>> {
    tab.press("do-it").await?;
    let rows = outcome(tab).await?;
    ensure!(rows.len() >= 2, "it found only {rows:?}");
    let wrong: Vec<&Row> = rows
        .iter()
        .filter(|(_, _, word)| !word.contains("so it is"))
        .collect();
    ensure!(wrong.is_empty(), "does not hold: {wrong:?}");
    tab.shows("experiment-told", "the verdict", |it| {
        it.contains("what theory says")
    })
    .await?;
    for n in 0..it.steps.len() {
        tab.shows(&format!("step-{n}"), "a step that is done", |it| {
            it.starts_with("Done")
        })
        .await?;
    }
    Ok(rows)
}

/// Waits for the table under an experiment.
pub async fn outcome(tab: &Tab) -> Result<Vec<Row>> {
    let look = "const table = document.querySelector('[data-testid=findings]');
        const told = document.querySelector('[data-testid=experiment-told]')?.innerText ?? '';
        const cells = (row) => [...row.cells].map((it) => it.innerText);
        return { rows: [...(table?.tBodies[0].rows ?? [])].map(cells), told }";
    #[derive(Deserialize)]
    struct Look {
        rows: Vec<Row>,
        told: String,
    }
    eventually("the outcome", WHOLE, async || {
        let found: Look = tab.eval(look, Value::Null).await?;
        ensure!(!found.rows.is_empty(), "it says {:?}", found.told);
        Ok(found.rows)
    })
    .await
}

/// Experiments of a person's own: one whose claim does not hold is told so, one that fails says why,
/// and one that is stopped puts the cluster back. One that does not fit the cluster is refused.
pub async fn experiments_of_ones_own(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let add = r#"
        const about = "Nothing.";
        const never = { ask: "Wait.", act: () => tabraft.partition([[1], [2, 3]]), seen: () => false };
        const wrong = [{ theory: "One is two.", seen: "It is one.", holds: false }];
        tabraftExperiments.add({ id: "wrong", title: "Wrong", about, nodes: 3, steps: [], outcome: () => wrong });
        tabraftExperiments.add({ id: "bad", title: "Bad", about, nodes: 3, steps: [],
            outcome: () => tabraft.put("", "1") });
        tabraftExperiments.add({ id: "odd", title: "Odd", about, nodes: 3, steps: [], outcome: () => { throw 7 } });
        tabraftExperiments.add({ id: "slow", title: "Slow", about, nodes: 3, steps: [never], outcome: () => [],
            after: () => tabraft.heal() });
        tabraftExperiments.add({ id: "five", title: "Five", about, nodes: 5, steps: [], outcome: () => [] });
    "#;
    tab.run(add, Value::Null).await?;
    let refused: String = tab
        .eval(
            "return tabraft.put('', '1').catch((it) => it.message)",
            Value::Null,
        )
        .await?;
    for (id, words) in [
        ("bad", refused.as_str()),
        ("odd", "7"),
        ("five", "needs a cluster of 5 members"),
    ] {
        tab.press(&format!("experiment-{id}")).await?;
        tab.press("do-it").await?;
        tab.shows("experiment-told", words, |it| it.contains(words))
            .await?;
    }
    // A step that acts has to tell a person what to do.
    let mute = "tabraftExperiments.add({ id: 'mute', title: 'Mute', about: 'Nothing.', nodes: 3,
        steps: [{ act: () => {}, seen: () => 'x' }], outcome: () => [] })";
    let mute = tab.run(mute, Value::Null).await;
    ensure!(mute.is_err(), "a step without words was taken");
    tab.press("experiment-wrong").await?;
    tab.press("do-it").await?;
    let rows = outcome(&tab).await?;
    ensure!(
        rows.len() == 1 && rows[0].2.contains("it is not"),
        "{rows:?}"
    );
    tab.shows("experiment-told", "that it is wrong", |it| {
        it.contains("does not say")
    })
    .await?;

    tab.press("experiment-slow").await?;
    tab.press("do-it").await?;
    tab.shows("step-0", "its step", |it| {
        it.starts_with("Now") && !it.contains("Waiting until")
    })
    .await?;
    tab.press("stop-it").await?;
    tab.shows("experiment-told", "that it was ended", |it| {
        it.contains("Ended before its end")
    })
    .await?;
    // With the partition that it made, there would be none.
    tab.put("after all", "1").await?;
    tab.agreement(3).await?;
    // One that would ruin this cluster is for another.
    tab.press("experiment-lost-quorum").await?;
    let hidden: bool = tab
        .eval(
            "return document.querySelector('[data-testid=do-it]').hidden",
            json!(null),
        )
        .await?;
    ensure!(hidden, "it can be run here");
    let unknown = case
        .open("main", "&nodes=3&host=none&experiment=none-such")
        .await?;
    let look = "return document.querySelector('#experiments').innerText";
    let said: String = unknown.eval(look, json!(null)).await?;
    ensure!(said.contains("no experiment “none-such”"), "{said}");
    Ok(())
}
