//! A leader that does not know yet that it is none.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::status::Status;
use tabraft_browser_tests::tab::{ApiError, Tab, code_of};
use tabraft_browser_tests::wait::{SOON, eventually};

/// For a call that is to wait in vain.
const VAIN_MS: u64 = 2_000;

fn others(leader: u64) -> Vec<u64> {
    (1..=3).filter(|id| *id != leader).collect()
}

/// Cut off from the majority, the old leader acknowledges nothing and answers no linearizable
/// read, while the others elect one and go on. What it had accepted is gone after healing.
pub async fn leader_cut_off(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    let old = client.healthy(3).await?;
    client.put("k", "before").await?;
    client.agreement(3).await?;

    client
        .call("partition", json!([[[old], others(old)]]))
        .await?;
    let to_old = json!({ "node": old, "timeoutMs": VAIN_MS });
    let write = "return tabraft.put(args[0], args[1], args[2])";
    let overwrites = client.begin(write, json!(["k", "cut off", to_old])).await?;
    let adds = client
        .begin(write, json!(["only there", "cut off", to_old]))
        .await?;
    let read = "return tabraft.get('k', args)";
    let reads = client.begin(read, to_old.clone()).await?;

    // The other side, meanwhile.
    let (new, _) = client.leader_other_than(&[old]).await?;
    ensure!(client.put("k", "after").await?["index"].as_u64() > Some(0));
    ensure!(client.get("k").await?.as_deref() == Some("after"));
    let via_other = json!({ "node": others(old)[0] });
    ensure!(client.call("get", json!(["k", via_other])).await? == json!("after"));

    let patience = Duration::from_millis(3 * VAIN_MS);
    let code = code_of(overwrites.outcome(patience).await).context("overwriting, cut off")?;
    ensure!(code == "TIMEOUT", "the cut off leader answered {code}");
    let code = code_of(adds.outcome(patience).await).context("adding, cut off")?;
    ensure!(code == "TIMEOUT", "the cut off leader answered {code}");
    let code = code_of(reads.outcome(patience).await).context("reading, cut off")?;
    ensure!(
        code == "TIMEOUT" || code == "NO_LEADER",
        "the cut off leader answered {code}"
    );
    // Asked once more, now that it may have found out.
    let read = client
        .call("get", json!(["k", { "node": old, "timeoutMs": 500 }]))
        .await;
    let code = code_of(read).context("reading again, cut off")?;
    ensure!(
        code == "TIMEOUT" || code == "NO_LEADER",
        "the cut off leader answered {code}"
    );

    // It had taken the writes into its log, or nothing is proved by their absence later.
    let status = tab.status().await?;
    let node = status.node(old)?;
    ensure!(
        node.last_index > node.commit,
        "it accepted nothing: {}",
        status.in_short()
    );
    ensure!(tab.get_stale("k", old).await?.as_deref() == Some("before"));
    // The page draws them outlined, and says how far its log goes.
    let drawn: usize = tab
        .eval(
            "return document.querySelectorAll(`[data-testid=log-${args}] .open`).length",
            json!(old),
        )
        .await?;
    ensure!(
        drawn > 0,
        "the page shows nothing uncommitted on node {old}"
    );
    let role = tab.text(&format!("node-{new}/role")).await?;
    ensure!(
        role.to_lowercase().contains("leader"),
        "the page shows the new leader as {role:?}"
    );

    client.call("heal", json!([])).await?;
    client.healthy(3).await?;
    client.agreement(3).await?;
    for node in 1..=3 {
        let value = client.get_stale("k", node).await?;
        ensure!(
            value.as_deref() == Some("after"),
            "node {node} has {value:?}"
        );
        let value = client.get_stale("only there", node).await?;
        ensure!(
            value.is_none(),
            "node {node} kept what was never acknowledged: {value:?}"
        );
        let options = json!({ "node": node });
        ensure!(client.call("get", json!(["k", options])).await? == json!("after"));
    }
    Ok(())
}

/// Flips a key between two values with `cas`, one step after the other, while leaders are cut
/// off, crashed and their links duplicate everything, in a client that retries across them. A
/// write applied twice shows at once: the second time its `cas` fails, and tells `swapped: false`
/// for a step that was due; or a late copy flips the key back, and the next step fails.
pub async fn applied_once(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    client.healthy(3).await?;
    for from in 1..=3u64 {
        for to in others(from) {
            let fault = json!({ "duplicatePct": 50, "jitterMs": 30 });
            client.call("link", json!([from, to, fault])).await?;
        }
    }
    client.healthy(3).await?;
    client.put("coin", "heads").await?;
    let flips = r#"
        const flips = { done: 0, bad: [], running: true };
        harness.flips = flips;
        const sides = ["heads", "tails"];
        flips.over = (async () => {
            while (flips.running && flips.bad.length === 0) {
                const [from, to] = [sides[flips.done % 2], sides[(flips.done + 1) % 2]];
                // Through each replica in turn, so that some are forwarded; and whoever leads.
                const node = [undefined, 1, 2, 3][flips.done % 4];
                const options = { timeoutMs: 20000, ...(args && node ? { node } : {}) };
                try {
                    const answer = await tabraft.cas("coin", from, to, options);
                    if (!answer.swapped) flips.bad.push(`step ${flips.done}: not swapped`);
                } catch (error) {
                    flips.bad.push(`step ${flips.done}: ${error.code} ${error.message}`);
                }
                flips.done++;
            }
        })();
    "#;
    // First with all replicas up, each of them asked, and all messages doubled.
    client.run(flips, json!(true)).await?;
    flipped(&client, 60).await?;
    let steps = stop_flipping(&client).await?;
    client.put("coin", "heads").await?;

    // Then leaders come and go.
    client.run(flips, json!(false)).await?;
    flipped(&client, 10).await?;
    for round in 0..3 {
        let leader =
            eventually("a leader", SOON, async || leading(&client.status().await?)).await?;
        if round == 1 {
            tab.call("crash", json!([leader])).await?;
        } else {
            client
                .call("partition", json!([[[leader], others(leader)]]))
                .await?;
        }
        client.leader_other_than(&[leader]).await?;
        flipped(&client, 10).await?;
        if round == 1 {
            tab.call("start", json!([leader])).await?;
        } else {
            client.call("heal", json!([])).await?;
        }
        client.healthy(3).await?;
        flipped(&client, 10).await?;
    }
    let more = stop_flipping(&client).await?;
    let expected = if more % 2 == 0 { "heads" } else { "tails" };
    let value = client.get("coin").await?;
    ensure!(
        value.as_deref() == Some(expected),
        "after {more} flips the coin shows {value:?}"
    );
    client.call("heal", json!([])).await?;
    client.agreement(3).await?;
    ensure!(client.get("coin").await? == value, "it flipped by itself");
    println!(
        "  {}: {steps} flips under duplication, {more} across leaders",
        case.name
    );
    Ok(())
}

fn leading(status: &Status) -> Result<u64> {
    let leader = status.node(status.leader)?;
    ensure!(
        leader.role == "leader" && leader.state == "running",
        "{}",
        status.in_short()
    );
    Ok(leader.id)
}

async fn flipped(client: &Tab, more: u64) -> Result<()> {
    let look = "return [harness.flips.done, harness.flips.bad]";
    let (from, _): (u64, Vec<String>) = client.eval(look, Value::Null).await?;
    let mut wrong = vec![];
    let went_on = eventually("more flips", SOON, async || {
        let (done, bad): (u64, Vec<String>) = client.eval(look, Value::Null).await?;
        if !bad.is_empty() {
            wrong = bad;
            return Ok(());
        }
        ensure!(done >= from + more, "{} of {more}", done - from);
        Ok(())
    })
    .await;
    ensure!(wrong.is_empty(), "{wrong:?}");
    went_on
}

async fn stop_flipping(client: &Tab) -> Result<u64> {
    let stop = "harness.flips.running = false; await harness.flips.over; return harness.flips.bad";
    let bad = client
        .begin(stop, Value::Null)
        .await?
        .outcome(Duration::from_secs(30))
        .await?;
    ensure!(bad == json!([]), "{bad}");
    client.eval("return harness.flips.done", Value::Null).await
}

/// A paused leader wakes up and still believes that it leads: it answers no linearizable read
/// with what it remembers.
pub async fn paused_leader(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    for round in 0..4 {
        let old = client.healthy(3).await?;
        client.put("k", &format!("old {round}")).await?;
        client.agreement(3).await?;
        client.call("pause", json!([old])).await?;
        let state = format!("node-{old}");
        tab.shows(&state, "the pause", |it| {
            it.to_lowercase().contains("paused")
        })
        .await?;
        ensure!(tab.status().await?.node(old)?.state == "paused");
        client.leader_other_than(&[old]).await?;
        client.put("k", &format!("new {round}")).await?;

        // One read waits for it already, the others come when it has just woken up.
        let read = "return tabraft.get('k', { node: args, timeoutMs: 10000 })";
        let waiting = client.begin(read, json!(old)).await?;
        let burst = r#"
            await tabraft.resume(args);
            const answers = [];
            for (let n = 0; n < 100; n++) {
                const read = tabraft.get("k", { node: args, timeoutMs: 10000 });
                answers.push(await read.then((value) => value, (error) => `error ${error.code}`));
            }
            return [...new Set(answers)];
        "#;
        let started = client.begin(burst, json!(old)).await?;
        let answers: Vec<String> =
            serde_json::from_value(started.outcome(Duration::from_secs(60)).await?)?;
        let fresh = format!("new {round}");
        for answer in &answers {
            let honest = ["error NO_LEADER", "error TIMEOUT"].contains(&answer.as_str());
            ensure!(
                *answer == fresh || honest,
                "round {round}: node {old} served {answers:?}"
            );
        }
        ensure!(
            answers.contains(&fresh),
            "round {round}: it never answered: {answers:?}"
        );
        match waiting.outcome(Duration::from_secs(20)).await {
            Ok(value) => ensure!(value == json!(fresh), "the waiting read got {value}"),
            Err(error) => match error.downcast_ref::<ApiError>() {
                Some(it) if it.code == "TIMEOUT" || it.code == "NO_LEADER" => {}
                _ => bail!(error),
            },
        }
        client.healthy(3).await?;
        client.agreement(3).await?;
    }
    Ok(())
}
