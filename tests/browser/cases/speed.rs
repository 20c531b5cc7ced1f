//! `tabraft.bench` measures what it says it measures.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::code_of;
use tabraft_browser_tests::wait::{SOON, eventually};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    ops: u64,
    seconds: f64,
    ops_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    floor: Option<Floor>,
    plain: Option<Plain>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Floor {
    round_trip_ms: f64,
    worker_round_trip_ms: f64,
    transaction_ms: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plain {
    ops_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// The page measures when it is asked to, says so in words, and draws both beside each other.
pub async fn measured_from_the_page(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let before = tab.agreement(3).await?.applied;
    let choose = "const it = document.querySelector('[data-testid=speed-in-flight]'); it.value = '1';\
                  it.dispatchEvent(new Event('change', { bubbles: true }))";
    tab.run(choose, Value::Null).await?;
    tab.press("measure").await?;
    let said = tab.shows("speed-told", "the figures", |it| {
        it.contains("a second, 1 at once.")
    });
    let said = said.await?;
    ensure!(said.contains("times IndexedDB alone"), "{said}");
    let rows = tab.text("speed-bars").await?;
    ensure!(
        rows.contains("tabraft, writes") && rows.contains("IndexedDB alone, writes"),
        "{rows}"
    );
    let writes = tab.agreement(3).await?.applied - before;
    ensure!((300..310).contains(&writes), "300 writes applied {writes}");
    Ok(())
}

/// As many writes as it counts are applied, a read is not a write, and what it opened for the floor
/// is gone afterwards.
pub async fn bench(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let before = tab.agreement(3).await?.applied;
    let options = json!([{ "ops": 300, "inFlight": 16, "valueBytes": 100 }]);
    let told: Figures = serde_json::from_value(tab.call("bench", options).await?)?;
    let after = tab.agreement(3).await?.applied;
    let sound = told.ops == 300
        && told.p50_ms > 0.0
        && told.p99_ms >= told.p50_ms
        && (told.ops_per_second * told.seconds - 300.0).abs() < 1.0;
    ensure!(sound, "{told:?}");
    let beside = told.floor.as_ref().zip(told.plain.as_ref());
    let measured = beside.is_some_and(|(floor, plain)| {
        floor.round_trip_ms > 0.0
            && floor.worker_round_trip_ms > 0.0
            && floor.transaction_ms > 0.0
            && plain.ops_per_second > 0.0
            && plain.p99_ms >= plain.p50_ms
    });
    ensure!(measured, "{told:?}");
    ensure!(
        (300..310).contains(&(after - before)),
        "{} entries for 300 writes",
        after - before
    );
    // The page draws what the console measured.
    let look =
        "return document.querySelector('[data-testid=speed-bars]')?.textContent ?? 'nothing'";
    eventually("bars", SOON, async || {
        let drawn: String = tab.eval(look, Value::Null).await?;
        let both = drawn.contains("tabraft, writes") && drawn.contains("floor of a lone write");
        ensure!(both, "{drawn}");
        Ok(())
    })
    .await?;
    let value = tab.get("bench/299").await?;
    ensure!(value == Some("x".repeat(100)), "{value:?}");

    let options = json!([{ "ops": 50, "op": "get", "floor": false }]);
    let told: Figures = serde_json::from_value(tab.call("bench", options).await?)?;
    ensure!(told.ops == 50 && told.floor.is_none(), "{told:?}");
    // Those that it reads, it wrote.
    let reading = tab.agreement(3).await?.applied - after;
    ensure!(reading == 50, "{reading} entries for 50 reads");

    let left = storage::databases(&tab).await?;
    let foreign = left.iter().find(|name| name.starts_with("bench:"));
    ensure!(foreign.is_none(), "left behind: {left:?}");
    for wrong in [
        json!([{ "ops": 0 }]),
        json!([{ "op": "scan" }]),
        json!([{ "inflight": 1 }]),
    ] {
        let code = code_of(tab.call("bench", wrong.clone()).await)?;
        ensure!(code == "BAD_ARGUMENT", "{wrong}: {code}");
    }
    Ok(())
}
