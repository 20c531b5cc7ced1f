//! The live judge: what a tab did, and the verdict on it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// For a verdict that waits for what other tabs may have to say.
const VERDICT: Duration = Duration::from_secs(20);

async fn verdict(tab: &Tab) -> Result<Value> {
    let check = tab.begin("return tabraft.check()", Value::Null).await?;
    check.outcome(VERDICT).await
}

/// A tab's operations are noted, judged, shown, and saved in Jepsen's format; errors that say that
/// nothing happened are not among them, and stale reads are not either.
pub async fn verdict_of_a_tab(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.shows("verdict", "no verdict yet", |it| {
        it == "No operations of this tab to check yet."
    })
    .await?;
    let work = r#"
        for (let n = 0; n < 40; n++) {
            const key = `k${n % 4}`;
            await Promise.all([
                tabraft.put(key, `${n}`), tabraft.get(key), tabraft.cas(key, `${n}`, `${n}b`),
                n % 7 ? tabraft.get(key) : tabraft.delete(key),
            ]);
            await tabraft.get(key, { consistency: "stale" });
        }
        await tabraft.put("", "x").catch(() => {});
        await tabraft.put("k", "x".repeat(2 ** 20 + 1)).catch(() => {});
    "#;
    tab.run(work, Value::Null).await?;
    let found = verdict(&tab).await?;
    ensure!(
        found == json!({ "linearizable": true, "ops": 160, "leftOut": 0 }),
        "{found}"
    );
    tab.shows("verdict", "the verdict", |it| {
        it == "Linearizable: 160 operations checked."
    })
    .await?;

    let look = "const { operations, clockErrorMs } = await tabraft.history();\
                return [operations.length, operations[0], clockErrorMs]";
    let (count, first, error_ms): (usize, Value, f64) = tab.eval(look, Value::Null).await?;
    ensure!(count == 160, "{count} operations");
    let told = [
        "client",
        "key",
        "op",
        "value",
        "invokedMs",
        "returnedMs",
        "index",
        "term",
    ];
    ensure!(
        told.iter().all(|it| !first[*it].is_null()) && first["op"] == "put",
        "{first}"
    );
    ensure!(error_ms < 1_000.0, "{error_ms} ms from the wall clock");

    let look = "const file = await tabraft.exportHistory(); return [file.name, await file.text()]";
    let (name, text): (String, String) = tab.eval(look, Value::Null).await?;
    ensure!(name.ends_with("-history.edn"), "{name}");
    let lines: Vec<&str> = text.lines().collect();
    ensure!(lines.len() == 1 + 2 * 160, "{} lines", lines.len());
    ensure!(
        lines[1].contains(":type :invoke, :f :write, :value [\"k0\" \"0\"]"),
        "{}",
        lines[1]
    );
    tab.press("save-history").await?;
    tab.shows("history-told", "a saved history", |it| {
        it.ends_with("-history.edn: 160 operations.")
    })
    .await?;
    Ok(())
}

/// What another tab writes is not in this tab's history, so its keys are left out: nobody is
/// accused of it. Where it does not say so, what looks like a stale read is one.
pub async fn keys_of_others(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let other = case.open("main", "&nodes=3&host=none").await?;
    tab.healthy(3).await?;
    for key in ["ours", "mine"] {
        tab.put(key, "1").await?;
        tab.put(key, "2").await?;
    }
    other.put("ours", "1").await?;
    for key in ["ours", "mine"] {
        tab.get(key).await?;
    }
    let found = verdict(&tab).await?;
    // What was judged before the other tab wrote stays judged; the read after that is left out.
    let (ops, left_out) = (found["ops"].as_u64(), found["leftOut"].as_u64());
    ensure!(found["linearizable"] == json!(true), "{found}");
    ensure!(
        matches!((ops, left_out), (Some(3..=5), Some(1..=3))),
        "{found}"
    );

    let silence = "const post = BroadcastChannel.prototype.postMessage;\
                   BroadcastChannel.prototype.postMessage = function (message) {\
                       if (!this.name.endsWith(':writes')) post.call(this, message);\
                   }";
    other.run(silence, Value::Null).await?;
    other.put("mine", "1").await?;
    ensure!(tab.get("mine").await?.as_deref() == Some("1"));
    let found = verdict(&tab).await?;
    ensure!(found["linearizable"] == json!(false), "{found}");
    let reason = found["reason"].as_str().unwrap_or_default();
    let words = r#"key "mine": no order explains get("mine"), which got "1""#;
    ensure!(reason.starts_with(words), "{reason}");
    tab.shows("verdict", "the contradiction", |it| {
        it.starts_with(&format!("Not linearizable: {words}"))
    })
    .await?;
    // The timeline has it where it was found; it is drawn while it is in sight.
    {
        let driver = tab.browser.driver_at(&tab.window).await?;
        driver
            .cdp()
            .send_raw("Page.bringToFront", json!({}))
            .await?;
    }
    let look = "const row = document.querySelector('[data-testid=timeline-0]');\
                row?.scrollIntoView({ block: 'center' });\
                return row?.querySelector('[data-kind=contradiction]')?.title ?? null";
    eventually("the contradiction on the timeline", SOON, async || {
        let title: Option<String> = tab.eval(look, Value::Null).await?;
        let title = title.context("no mark")?;
        ensure!(title.contains(words), "{title}");
        Ok(())
    })
    .await?;
    Ok(())
}
