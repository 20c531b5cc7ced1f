//! The load generator: the mix and the rate that were asked for, never more at once, and judged.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::{Tab, code_of};
use tabraft_browser_tests::wait::{SOON, eventually};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    running: bool,
    wanted: Option<f64>,
    seconds: f64,
    acknowledged: u64,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    errors: BTreeMap<String, u64>,
    unknown: u64,
    in_flight: u64,
}

/// How many operations of each kind this tab's history has, by key.
async fn kinds(tab: &Tab) -> Result<BTreeMap<String, u64>> {
    let count = "const kinds = {};\
                 for (const { op, key } of (await tabraft.history()).operations)\
                     if (key.startsWith('load/')) kinds[op] = (kinds[op] ?? 0) + 1;\
                 return kinds";
    tab.eval(count, Value::Null).await
}

async fn now(tab: &Tab) -> Result<Option<Figures>> {
    tab.eval("return tabraft.loadFigures()", Value::Null).await
}

/// Three seconds of a mix at a rate: as many operations as that makes, of these kinds, all judged. One at a
/// time does not reach any rate, and says so. Wrong wishes are refused.
pub async fn load_of_a_mix(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    ensure!(now(&tab).await?.is_none(), "figures of no load");
    let mix = json!({ "put": 50, "get": 20, "stale": 10, "cas": 15, "delete": 5 });
    // There is always room for one more.
    let wish = json!([{ "rate": 40, "inFlight": 1_000, "mix": mix, "keys": 20, "valueBytes": 100, "seconds": 3 }]);
    let (told, longest_ms): (Figures, f64) = tab.eval(WATCHED_LOAD, wish).await?;
    let sound = !told.running
        && told.wanted == Some(40.0)
        && (2.9..10.0).contains(&told.seconds)
        && (told.per_second * told.seconds - told.acknowledged as f64).abs() < 1.0
        && told.p50_ms > 0.0
        && told.p99_ms >= told.p50_ms
        && told.errors.is_empty()
        && (told.unknown, told.in_flight) == (0, 0);
    ensure!(sound, "{told:?}");
    // However slow the machine is: all that are due are made, unless the page itself stood still for
    // longer than a load makes up for.
    let all = told.acknowledged == 120;
    ensure!(
        all || (longest_ms > 900.0 && told.acknowledged < 120),
        "{told:?}, the page stood still for {longest_ms} ms"
    );
    // Stale reads are not judged.
    let kinds = kinds(&tab).await?;
    let share = |kind: &str| kinds.get(kind).copied().unwrap_or(0) * 100 / told.acknowledged;
    let shares = ["put", "get", "cas", "delete"].map(share);
    let near = |(found, wanted): (&u64, u64)| found.abs_diff(wanted) <= 3;
    ensure!(
        shares.iter().zip([50, 20, 15, 5]).all(near),
        "{kinds:?} of {}",
        told.acknowledged
    );
    let verdict = tab.call("check", json!([])).await?;
    ensure!(verdict["linearizable"] == json!(true), "{verdict}");
    ensure!(
        verdict["ops"].as_u64() >= Some(told.acknowledged * 85 / 100),
        "{verdict}"
    );

    let wish = json!([{ "rate": 100_000, "inFlight": 1, "seconds": 1 }]);
    let told: Figures = serde_json::from_value(tab.call("load", wish).await?)?;
    ensure!(
        told.acknowledged > 10 && told.per_second < 10_000.0,
        "{told:?}"
    );

    for wrong in [
        json!([{ "rate": 0 }]),
        json!([{ "inFlight": 5_000 }]),
        json!([{ "mix": { "put": 50 } }]),
        json!([{ "mix": { "puts": 100 } }]),
        json!([{ "seconds": -1 }]),
        json!([{ "inFlight": 1_024, "valueBytes": 1_048_576 }]),
        json!([{ "speed": 1 }]),
    ] {
        let code = code_of(tab.call("load", wrong.clone()).await)?;
        ensure!(code == "BAD_ARGUMENT", "{wrong}: {code}");
    }
    Ok(())
}

/// A load, and for how long the page's timers stood still meanwhile, at the most.
const WATCHED_LOAD: &str = "let last = performance.now(), longest = 0;\
    const look = () => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; };\
    const watch = setInterval(look, 10);\
    const told = await tabraft.load(...args);\
    clearInterval(watch);\
    look();\
    return [told, longest]";

/// Without a quorum a load waits, and never has more under way than it may; when the quorum is
/// back it goes on. Stopped, it ends. While it runs there is no other, and no measurement.
pub async fn load_piles_nothing_up(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let leader = tab.healthy(3).await?;
    let wish = json!([{ "rate": 500, "inFlight": 8, "seconds": 600 }]);
    let load = tab.begin("return tabraft.load(...args)", wish).await?;
    let reaches = async |least: u64| {
        eventually("the load to go on", SOON, async || {
            let told = now(&tab).await?;
            ensure!(
                told.as_ref().is_some_and(|it| it.acknowledged >= least),
                "{told:?}"
            );
            Ok(told.map_or(0, |it| it.acknowledged))
        })
        .await
    };
    reaches(200).await?;
    let busy = [
        ("load", json!([{}])),
        ("bench", json!([{ "floor": false }])),
    ];
    for (call, args) in busy {
        let code = code_of(tab.call(call, args).await)?;
        ensure!(code == "BUSY", "{call}: {code}");
    }

    let others = [1, 2, 3].into_iter().filter(|id| *id != leader);
    for id in others.clone() {
        tab.call("crash", json!([id])).await?;
    }
    eventually("calls to fail", SOON, async || {
        let told = now(&tab).await?;
        let told = told.filter(|it| !it.errors.is_empty());
        let Some(told) = told else {
            anyhow::bail!("no errors yet");
        };
        // Each place fails once in five seconds and rests.
        let failed: u64 = told.errors.values().sum();
        ensure!(told.in_flight <= 8 && failed <= 16, "{told:?}");
        Ok(())
    })
    .await?;
    let before = now(&tab).await?.map_or(0, |it| it.acknowledged);
    for id in others {
        tab.call("start", json!([id])).await?;
    }
    reaches(before + 500).await?;
    tab.call("stopLoad", json!([])).await?;
    let told: Figures = serde_json::from_value(load.outcome(Duration::from_secs(20)).await?)?;
    ensure!(!told.running && told.in_flight == 0, "{told:?}");
    let verdict = tab.call("check", json!([])).await?;
    ensure!(verdict["linearizable"] == json!(true), "{verdict}");
    tab.agreement(3).await?;
    Ok(())
}

/// At no look more operations were made than the page's clock allows; and as many as it allows, once a
/// look finds no timer late.
async fn keeps_to_its_rate(tab: &Tab, rate: f64) -> Result<()> {
    eventually("as many operations as are due", SOON, async || {
        let told = now(tab).await?;
        let told = told.filter(|it| it.running && it.seconds > 2.0);
        let Some(told) = told else {
            anyhow::bail!("it does not run for long enough");
        };
        let begun = told.acknowledged + told.in_flight + told.errors.values().sum::<u64>();
        let due = (rate * told.seconds).floor() as u64 + 1;
        ensure!(begun == due, "{begun} of {due}: {told:?}");
        Ok(())
    })
    .await?;
    for _ in 0..20 {
        let Some(told) = now(tab).await? else {
            anyhow::bail!("there is none");
        };
        let made = told.acknowledged + told.in_flight;
        ensure!(made as f64 <= rate * told.seconds + 1.0, "{told:?}");
    }
    Ok(())
}

/// Also a button that does not apply now.
async fn click(tab: &Tab, hook: &str) -> Result<()> {
    let click = "document.querySelector(`[data-testid=${args}]`).click()";
    tab.run(click, json!(hook)).await.map(drop)
}

/// By the page: chosen, started, watched and stopped.
pub async fn load_from_the_page(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    click(&tab, "load-stop").await?;
    tab.shows("load-told", "that none runs", |it| it == "No load runs.")
        .await?;
    tab.fill("load-put", "60").await?;
    tab.press("load-start").await?;
    tab.shows("load-told", "the refusal", |it| {
        it.contains("It makes 110.")
    })
    .await?;
    tab.fill("load-put", "50").await?;
    tab.choose("load-rate", "50").await?;
    tab.press("load-start").await?;
    keeps_to_its_rate(&tab, 50.0).await?;
    tab.shows("load-reached", "the rate", |it| {
        it.parse().is_ok_and(|rate: u64| (49..=51).contains(&rate))
    })
    .await?;
    tab.shows("load-wanted", "the wish", |it| it == "of 50 wanted")
        .await?;
    click(&tab, "load-start").await?;
    tab.shows("load-told", "the refusal", |it| it.contains("A load runs."))
        .await?;
    tab.press("load-stop").await?;
    let said = tab
        .shows("load-told", "what it came to", |it| {
            it.contains("operations acknowledged in")
        })
        .await?;
    ensure!(
        said.contains("of 50 wanted, median") && said.contains("Errors: none."),
        "{said}"
    );
    tab.agreement(3).await?;
    Ok(())
}
