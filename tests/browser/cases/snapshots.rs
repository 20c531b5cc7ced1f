//! Logs end somewhere: snapshots are taken, sent, and bound what is on disk.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::load::{self, Load, Shape};
use tabraft_browser_tests::runner::number_from;
use tabraft_browser_tests::status::Status;
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, all_along, eventually};

/// A follower was away for longer than the log reaches: it gets the leader's snapshot, also when
/// it dies in the middle of that.
pub async fn far_behind(case: &Case) -> Result<()> {
    let query = "&nodes=3&host=auto&snapshot_entries=100&catchup_entries=50";
    let tab = case.open("main", query).await?;
    tab.healthy(3).await?;
    let follower = tab.status().await?.followers()[0];
    let installed = format!("Node {follower} installed the leader's snapshot");

    miss_writes(&tab, "first", follower).await?;
    tab.call("start", json!([follower])).await?;
    tab.hears_of(&installed).await?;
    tab.agreement(3).await?;

    // Once more. It hears nothing before its disk is so slow that it dies while it keeps the
    // snapshot.
    miss_writes(&tab, "second", follower).await?;
    let before = times(&tab, &installed).await?;
    let leader = tab.status().await?.leader;
    let late = json!([leader, follower, { "delayMs": 300 }]);
    tab.call("link", late).await?;
    let start = "await tabraft.start(args); await tabraft.disk(args, { delayMs: 5000 })";
    tab.run(start, json!(follower)).await?;
    tab.call("heal", json!([])).await?;
    tab.sees("it to hear of the leader", |status| {
        Ok(status.node(follower)?.leader == status.leader)
    })
    .await?;
    all_along("it is behind", Duration::from_millis(1500), async || {
        let kept = times(&tab, &installed).await?;
        ensure!(kept == before, "it has installed it already");
        Ok(())
    })
    .await?;
    tab.call("crash", json!([follower])).await?;
    tab.put("meanwhile", "1").await?;
    tab.call("start", json!([follower])).await?;
    eventually("it to install the snapshot", SOON, async || {
        ensure!(times(&tab, &installed).await? > before);
        Ok(())
    })
    .await?;
    tab.agreement(3).await?;
    ensure!(tab.get_stale("meanwhile", follower).await?.as_deref() == Some("1"));
    load::verify(&case.server, &tab, "first").await?;
    load::verify(&case.server, &tab, "second").await?;
    Ok(())
}

/// Writes until the log no longer reaches back to what a crashed follower has.
async fn miss_writes(tab: &Tab, load: &str, follower: u64) -> Result<()> {
    tab.call("crash", json!([follower])).await?;
    let last = tab.status().await?.node(follower)?.last_index;
    let shape = Shape {
        in_flight: 64,
        writes: 2_000,
        ..Shape::default()
    };
    let load = Load::start(tab, load, shape).await?;
    load.reaches(2_000).await?;
    load.stop_without_failures().await?;
    let first = tab.status().await?;
    let first = first.node(first.leader)?.first_index;
    ensure!(first > last + 1, "the log from {first} reaches {last}");
    Ok(())
}

async fn times(tab: &Tab, words: &str) -> Result<usize> {
    let events = tab.events().await?;
    Ok(events.iter().filter(|it| it.contains(words)).count())
}

/// Entries after which a snapshot is due, and those kept before it, in `wal_bounded`.
const ENTRIES: u64 = 100;
const IN_FLIGHT: u64 = 32;

/// What is allowed of a log.
struct Allowed {
    records: u64,
    bytes: u64,
    /// In memory.
    entries: u64,
}

impl Allowed {
    /// What is under way may be applied at once, and by a follower that was away all that the leader's
    /// log has, before its snapshot and after it; and the `missed` entries that waited for it.
    const fn with(missed: u64) -> Allowed {
        let batch = 2 * ENTRIES + 2 * IN_FLIGHT + missed;
        // The log on disk reaches back to the older of two snapshots. From one to the next there are
        // `ENTRIES` and the batch that makes it due, and as many until the third takes the place of
        // the first; what is under way comes in while that is written.
        let on_disk = 2 * (ENTRIES + batch) + IN_FLIGHT;
        // An entry is in one record; a change of commit index or term alone is a record too, and
        // there is at most one of these an entry.
        let records = 2 * on_disk;
        Allowed {
            records,
            // Key, value, session and Raft's own fields of an entry are less than 192 bytes; the
            // frame and the hard state of a record less than 96.
            bytes: on_disk * 192 + records * 96,
            // In memory it reaches back to what is kept before the newest.
            entries: 2 * ENTRIES + batch + IN_FLIGHT,
        }
    }
}

/// `BOUNDED_WRITES` writes, while a follower is paused, crashed and restarted: equal replicas, and
/// disks no larger than the settings imply. The follower that goes on finds waiting all that it was
/// sent in its pause, and takes it at once; that is allowed then, and of it alone.
pub async fn wal_bounded(case: &Case) -> Result<()> {
    let writes = number_from("BOUNDED_WRITES", 10_000)?;
    let query = format!("&nodes=3&snapshot_entries={ENTRIES}&catchup_entries={ENTRIES}");
    let tab = case.open("main", &format!("{query}&host=auto")).await?;
    tab.healthy(3).await?;
    let follower = tab.status().await?.followers()[0];
    let shape = Shape {
        in_flight: IN_FLIGHT,
        ring: 1_000,
        writes,
        timeout_ms: 60_000,
        ..Shape::default()
    };
    let load = Load::start(&tab, "load", shape).await?;
    let steps = [("pause", 1), ("resume", 2), ("crash", 3), ("start", 4)];
    let mut largest = [0; 2];
    let (mut at_pause, mut missed) = (0, 0);
    for (step, fifths) in steps {
        load.reaches(writes * fifths / 5).await?;
        let status = tab.status().await?;
        largest = larger(largest, bounded(&status, follower, missed)?);
        tab.call(step, json!([follower])).await?;
        let status = tab.status().await?;
        let last = status.node(status.leader)?.last_index;
        match step {
            "pause" => at_pause = status.node(follower)?.last_index,
            "resume" => missed = last - at_pause,
            _ => missed = 0,
        }
    }
    load.reaches(writes).await?;
    let tally = load.stop_without_failures().await?;
    ensure!(tally.acked == writes, "{tally:?}");
    tab.agreement(3).await?;
    let status = tab.status().await?;
    largest = larger(largest, bounded(&status, follower, 0)?);
    load::verify_ring(&tab, &load).await?;

    let mut rows = vec![];
    for id in 1..=3 {
        // What is cut off may still be on its way.
        let wal = eventually("disk and status to agree", SOON, async || {
            let disk = storage::replica(&tab, id).await?;
            let wal = storage::count(&disk, "wal") as u64;
            let snapshots = storage::count(&disk, "snapshots");
            ensure!(snapshots <= 2, "{snapshots} snapshots on disk {id}");
            let told = tab.status().await?.node(id)?.wal_records;
            ensure!(wal == told, "{wal} records on disk {id}, told {told}");
            Ok(wal)
        })
        .await?;
        let fits = wal <= Allowed::with(0).records;
        ensure!(fits, "{wal} records on disk {id}");
        rows.push(wal);
    }
    let Allowed { records, bytes, .. } = Allowed::with(0);
    println!(
        "  {}: {writes} writes; at most {} records and {} bytes seen ({records} and {bytes} allowed, without what a pause left), {rows:?} records left",
        case.name, largest[0], largest[1]
    );
    Ok(())
}

/// Records and bytes of the largest log told of; an error if that is too much. `missed` entries were
/// sent to `follower` in its pause.
fn bounded(status: &Status, follower: u64, missed: u64) -> Result<[u64; 2]> {
    status.ensure_no_divergence()?;
    let mut largest = [0; 2];
    for node in status.running() {
        let waited = if node.id == follower { missed } else { 0 };
        let allowed = Allowed::with(waited);
        let (records, bytes) = (node.wal_records, node.wal_bytes);
        let fits = records <= allowed.records && bytes <= allowed.bytes;
        ensure!(fits, "node {}: {records} records, {bytes} bytes", node.id);
        let entries = node.last_index + 1 - node.first_index;
        let fits = entries <= allowed.entries;
        ensure!(fits, "node {}: {entries} entries", node.id);
        largest = larger(largest, [records, bytes]);
    }
    Ok(largest)
}

fn larger(one: [u64; 2], other: [u64; 2]) -> [u64; 2] {
    [one[0].max(other[0]), one[1].max(other[1])]
}

/// A change of settings acts in all tabs at once.
pub async fn configure_live(case: &Case) -> Result<()> {
    let one = case.open("main", "&nodes=3&host=1,2").await?;
    let two = case.open("main", "&nodes=3&host=3").await?;
    let client = case.open("main", "&nodes=3&host=none").await?;
    client.healthy(3).await?;
    let hundred = Shape {
        writes: 100,
        ..Shape::default()
    };
    let load = Load::start(&client, "before", hundred).await?;
    load.reaches(100).await?;
    load.stop_without_failures().await?;
    let status = client.status().await?;
    let none = status.nodes.iter().all(|it| it.snapshot_index <= 1);
    ensure!(none, "snapshots too early: {}", status.in_short());

    let change = json!([{ "snapshotEntries": 20, "catchupEntries": 5 }]);
    client.call("configure", change).await?;
    let look = "const s = await tabraft.settings(); return [s.snapshotEntries, s.catchupEntries]";
    for tab in [&one, &two, &client] {
        eventually("the settings in force", SOON, async || {
            let seen = tab.run(look, Value::Null).await?;
            ensure!(seen == json!([20, 5]), "{seen}");
            Ok(())
        })
        .await?;
    }
    let load = Load::start(&client, "after", hundred).await?;
    load.reaches(100).await?;
    load.stop_without_failures().await?;
    client
        .sees("snapshots on each", |status| {
            let late = |it: u64| it + 40 > status.nodes[0].applied;
            let compact = |first: u64, last: u64| last - first < 60;
            Ok(status
                .nodes
                .iter()
                .all(|it| late(it.snapshot_index) && compact(it.first_index, it.last_index)))
        })
        .await?;
    client.agreement(3).await?;
    load::verify(&case.server, &client, "before").await?;
    load::verify(&case.server, &client, "after").await?;
    Ok(())
}
