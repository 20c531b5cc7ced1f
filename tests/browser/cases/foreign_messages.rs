//! Messages from who knows where, on every channel of the cluster.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::wait::{SOON, eventually};

/// Garbage, truncated and bit-flipped copies of real messages, and messages of another version
/// arrive on every channel while the cluster works: it is unharmed and says nothing.
pub async fn foreign_messages(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    client.healthy(3).await?;
    client.put("k", "v").await?;

    // A stranger: the same origin, but no part of the cluster.
    let stranger = case.open("elsewhere", "&nodes=3&host=none").await?;
    let cluster = client.status().await?.cluster;
    let mut names: BTreeSet<String> = BTreeSet::new();
    for one in [&tab, &client] {
        let created: Vec<String> = one
            .eval("return [...harness.channels]", Value::Null)
            .await?;
        names.extend(created.into_iter().filter(|it| it.contains(&cluster)));
    }
    names.extend((1..=3).map(|id| format!("tabraft:{cluster}:node:{id}")));
    for kind in [":node:", ":client:", ":tabs"] {
        let known = names.iter().any(|it| it.contains(kind));
        ensure!(known, "no channel {kind} of {cluster} among {names:?}");
    }

    let load = Load::start(
        &client,
        "load",
        Shape {
            in_flight: 4,
            ..Shape::default()
        },
    )
    .await?;
    let listen = r#"
        harness.heard = {};
        harness.open = args.map((name) => {
            const channel = new BroadcastChannel(name);
            harness.heard[name] = [];
            channel.onmessage = ({ data }) => {
                const heard = harness.heard[name];
                if (heard.length < 200) heard.push(data);
            };
            return channel;
        });
    "#;
    stranger.run(listen, json!(names)).await?;
    eventually("real messages", SOON, async || {
        let counts: serde_json::Map<String, Value> = stranger
            .eval(
                "return Object.fromEntries(Object.entries(harness.heard).map(([k, v]) => [k, v.length]))",
                Value::Null,
            )
            .await?;
        for kind in [":node:1", ":node:2", ":node:3", ":client:"] {
            let some = counts.iter().any(|(name, n)| name.contains(kind) && n.as_u64() > Some(20));
            ensure!(some, "too few on {kind}: {counts:?}");
        }
        Ok(())
    })
    .await?;

    let posted = stranger.run(POST_GARBAGE, Value::Null).await?;
    ensure!(
        posted["frames"].as_u64() > Some(60),
        "no frames to distort: {posted}"
    );
    ensure!(posted["posted"].as_u64() > Some(1000), "{posted}");

    // Still one leader, still writing, still equal; nothing false has come in.
    load.goes_on(&case.server, 200).await?;
    load.stop_without_failures().await?;
    client.healthy(3).await?;
    client.agreement(3).await?;
    load::verify(&case.server, &tab, "load").await?;
    ensure!(client.get("k").await?.as_deref() == Some("v"));
    let keys = client.status().await?.node(1)?.keys;
    let acked = case.server.acked_count("load") as u64;
    // Every write that was acknowledged, "k", and none that nobody made.
    ensure!(
        keys == acked + 1,
        "{keys} keys after {acked} writes and one"
    );
    for tab in [&tab, &client] {
        tab.put("after", "1").await?;
        ensure!(tab.get("after").await?.as_deref() == Some("1"));
    }
    Ok(())
}

/// Posts, in the stranger, strings, numbers, objects, random bytes, and distorted copies of what
/// it has heard; on every channel, each channel's own and the others'.
const POST_GARBAGE: &str = r#"
    // Seeded, so that a failure can be repeated.
    let state = 42;
    const random = (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
    const bytes = (length) => Uint8Array.from({ length }, () => random(256));
    const all = Object.values(harness.heard).flat();
    const frames = all.filter((it) => it instanceof Uint8Array && it.length > 6);
    const objects = all.filter((it) => !(it instanceof Uint8Array));

    const flipped = (frame) => {
        const copy = frame.slice();
        for (let n = 0; n <= random(4); n++) copy[random(copy.length)] ^= 1 << random(8);
        return copy;
    };
    const cut = (frame) => frame.slice(0, random(frame.length));
    const grown = (frame) => Uint8Array.from([...frame, ...bytes(1 + random(64))]);
    // Magic (4 bytes), kind, version.
    const ofVersion = (frame, version) => {
        const copy = frame.slice();
        copy[5] = version;
        return copy;
    };
    const ofKind = (frame, kind) => {
        const copy = frame.slice();
        copy[4] = kind;
        return copy;
    };
    const wrong = [undefined, null, true, -1, NaN, 2 ** 70, "", "x", [], {}, new Date(0), bytes(9)];
    // One field replaced by something of another type.
    const spoiled = (object) => {
        if (object === null || typeof object !== "object") return wrong[random(wrong.length)];
        const copy = structuredClone(object);
        const fields = Object.keys(copy);
        if (fields.length > 0) copy[fields[random(fields.length)]] = wrong[random(wrong.length)];
        return copy;
    };

    const magic = Uint8Array.from([0x54, 0x42, 0x52, 0x46]);
    const nested = { a: { b: [{ c: [[[[null]]]] }] }, type: "put", key: 1 };
    nested.self = nested;
    const fixed = [
        ...wrong, "garbage", 0, 7, -0.5, 10n, nested, new Map([[1, 2]]), new Set([1]), /x/,
        new ArrayBuffer(16), new Uint16Array(8), bytes(0), bytes(1), magic,
        Uint8Array.from([...magic, ...bytes(2)]), Uint8Array.from([...magic, ...bytes(500)]),
        bytes(100), bytes(70000), "x".repeat(100000), { version: 99 }, { cluster: "other" },
    ];
    let posted = 0;
    for (const channel of harness.open) {
        const post = (message) => {
            channel.postMessage(message);
            posted++;
        };
        fixed.forEach(post);
        for (let n = 0; n < 40; n++) post(bytes(random(300)));
        for (let n = 0; n < 120 && frames.length > 0; n++) {
            const frame = frames[random(frames.length)];
            post(flipped(frame));
            post(cut(frame));
            post(grown(frame));
            post(ofVersion(frame, random(256)));
            post(ofKind(frame, random(256)));
        }
        for (let n = 0; n < 60 && objects.length > 0; n++) {
            post(spoiled(objects[random(objects.length)]));
        }
        // Let it be handled before the next.
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const channel of harness.open) channel.close();
    return { posted, frames: frames.length, objects: objects.length };
"#;
