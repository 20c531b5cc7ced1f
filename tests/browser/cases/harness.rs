//! The harness itself: a case that ends well means something only if a bad page would fail it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::ensure_kept;
use tabraft_browser_tests::load::verify;
use tabraft_browser_tests::server::COLLECTOR;
use tabraft_browser_tests::tab::{Tab, code_of};
use tabraft_browser_tests::wait::{SOON, eventually, is_broken};

const DEEDS: [&str; 6] = [
    "printed in the page",
    "thrown in the page",
    "rejected in the page",
    "did not load",
    "printed in a worker",
    "thrown in a worker",
];

/// What a case must end badly for is noticed: printed errors, uncaught errors and rejections, in
/// the page and in a worker, missing files, errors of the API that are no errors.
pub async fn harness_notices(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    case.ensure_clean().await?;

    let in_page = r#"console.error("printed in the page");
        setTimeout(() => { throw new Error("thrown in the page"); });
        Promise.reject(new Error("rejected in the page"));"#;
    let in_page = case.server.script("misbehave.js", in_page.into());
    let misbehave = r#"
        // As the page's own script: of the driver's, browsers tell no more than "Script error".
        const script = document.createElement("script");
        script.src = args;
        document.head.append(script);
        const image = new Image();
        image.src = "nowhere.png";
        document.body.append(image);
    "#;
    tab.run(misbehave, json!(in_page)).await?;
    // With the collector, like the served worker.
    let in_worker = r#"console.error("printed in a worker");
        setTimeout(() => { throw new Error("thrown in a worker"); });"#;
    let in_worker = format!("{COLLECTOR}\n{in_worker}");
    let in_worker = case.server.script("bad_worker.js", in_worker);
    let start = r#"
        harness.worker = new Worker(args, { name: "bad" });
        // Or the page's collector tells of it too, after the worker's own has.
        harness.worker.addEventListener("error", (event) => event.preventDefault());
    "#;
    tab.run(start, json!(in_worker)).await?;

    eventually("all of it to be noticed", SOON, async || {
        let errors = case.server.errors().join("\n");
        for expected in DEEDS {
            ensure!(errors.contains(expected), "no {expected:?} in {errors}");
        }
        let missing = case.server.missing();
        ensure!(
            missing.iter().any(|it| it.ends_with("/nowhere.png")),
            "{missing:?}"
        );
        Ok(())
    })
    .await?;
    ensure!(
        case.ensure_clean().await.is_err(),
        "the case would have ended well"
    );
    case.server.forget();

    errors_are_errors(&tab).await?;
    lost_writes_are_noticed(case, &tab).await?;

    // The errors made here are not to be found at the end.
    case.forget_errors().await?;
    Ok(())
}

async fn errors_are_errors(tab: &Tab) -> Result<()> {
    let fine = code_of(tab.run("return 1", Value::Null).await);
    ensure!(fine.is_err(), "an answer passes for an error");
    let no_error = code_of(
        tab.run("throw { code: 'TIMEOUT', message: 'x' }", Value::Null)
            .await,
    );
    ensure!(no_error.is_err(), "an object passes for an Error");
    let error = "throw Object.assign(new Error('late'), { code: args })";
    ensure!(code_of(tab.run(error, json!("TIMEOUT")).await)? == "TIMEOUT");
    Ok(())
}

/// A load's verification fails for a write that is missing, one that has another value, and one
/// that nobody made.
async fn lost_writes_are_noticed(case: &Case, tab: &Tab) -> Result<()> {
    let check = async |load: &str| verify(&case.server, tab, load).await;
    for load in ["fine", "missing", "wrong", "phantom"] {
        tab.put(&format!("{load}/0/0"), &format!("{load}:0:x"))
            .await?;
        case.server
            .pretend_acked(load, &format!("{load}/0/0"), &format!("{load}:0:x"));
    }
    case.server
        .pretend_acked("missing", "missing/0/1", "missing:1:x");
    tab.put("wrong/0/0", "wrong:0:").await?;
    tab.put("phantom/0/7", "phantom:8:x").await?;
    ensure!(check("fine").await? == 1);
    for load in ["missing", "wrong", "phantom"] {
        let noticed = check(load).await.is_err_and(|it| is_broken(&it));
        ensure!(noticed, "{load}: not noticed");
    }
    ensure!(check("never").await.is_err(), "nothing passes for a proof");

    // Seen once is enough, though the next look would be content.
    let mut looks = 0;
    let ended = eventually("content", SOON, async || {
        looks += 1;
        ensure_kept!(looks > 1, "seen once");
        Ok(())
    });
    ensure!(ended.await.is_err_and(|it| is_broken(&it)) && looks == 1);
    Ok(())
}
