//! A cluster's state as a file, and a new cluster from it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::storage;
use tabraft_browser_tests::tab::{Tab, error_of};

const KEYS: usize = 2_000;

/// Keeps the bytes of a WAL record of replica 1 as a file, too.
const EXPORT: &str = r#"
    const asText = (blob) => new Promise((ok, fail) => {
        const reader = new FileReader();
        reader.onload = () => ok(reader.result.slice(reader.result.indexOf(",") + 1));
        reader.onerror = () => fail(reader.error);
        reader.readAsDataURL(blob);
    });
    const done = (request) => new Promise((ok, fail) => {
        request.onsuccess = () => ok(request.result);
        request.onerror = () => fail(request.error);
    });
    const { cluster } = await tabraft.status();
    const database = await done(indexedDB.open(`tabraft:${cluster}:1`));
    const [record] = await done(database.transaction("wal").objectStore("wal").getAll(null, 1));
    database.close();
    const blob = await tabraft.exportSnapshot();
    if (!(blob instanceof Blob)) throw new Error("not a Blob");
    return [await asText(blob), await asText(new Blob([record]))];
"#;

/// 2,000 keys are exported, and restored in another tab as another cluster. A file that is none,
/// or damaged, or the name of a cluster that exists is refused by name, and nothing is created.
pub async fn export_restore(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    let fill = "for (let n = 0; n < args; n += 200) await Promise.all(\
                    Array.from({ length: 200 }, (_, k) => tabraft.put(`key/${n + k}`, `value ${n + k}`)))";
    tab.run(fill, json!(KEYS)).await?;
    let old = tab.status().await?.cluster;
    let rows = rows(&tab).await?;
    ensure!(rows.len() == KEYS, "{} keys", rows.len());
    let (file, record): (String, String) = tab.eval(EXPORT, Value::Null).await?;

    let other = case.open("main", "&nodes=3&host=none").await?;
    let copy = format!("{old}-copy");
    let wrong = [
        (
            "text",
            json!({ "text": "This is no snapshot." }),
            "BAD_FILE",
        ),
        ("nothing", json!({ "text": "" }), "BAD_FILE"),
        ("a part", json!({ "file": file, "keep": 0.5 }), "BAD_FILE"),
        ("one bit", json!({ "file": file, "flip": 0.5 }), "BAD_FILE"),
        ("a record", json!({ "file": record }), "BAD_FILE"),
    ];
    let before = storage::databases(&other).await?;
    let mut said = vec![];
    for (what, with, code) in wrong {
        let error = error_of(restore(&other, &with, &copy).await).context(what)?;
        ensure!(error.code == code, "{what}: {error}");
        said.push(error.message);
        ensure!(
            storage::databases(&other).await? == before,
            "{what} left a database"
        );
    }
    // Each is told apart.
    for n in [1, 2, 3, 4] {
        ensure!(!said[..n].contains(&said[n]), "the same of two: {said:#?}");
    }
    let whole = json!({ "file": file });
    let record_of_old = storage::registry(&other, &old).await?;
    let error = error_of(restore(&other, &whole, &old).await)?;
    ensure!(error.code == "CLUSTER_EXISTS", "its own name: {error}");
    ensure!(storage::registry(&other, &old).await? == record_of_old);
    tab.put("unharmed", "1").await?;
    tab.agreement(3).await?;

    let made = restore(&other, &whole, &copy).await?;
    ensure!(made["cluster"] == json!(copy), "{made}");
    ensure!(made["keys"] == json!(KEYS), "{made}");
    let restored = case.open("main-copy", "&nodes=3&host=auto").await?;
    restored.healthy(3).await?;
    ensure!(restored.status().await?.cluster == copy, "not the copy");
    ensure!(self::rows(&restored).await? == rows, "not the same pairs");
    let identity = identity(&other, &old).await?;
    let its = self::identity(&other, &copy).await?;
    ensure!(identity != its, "both clusters are {identity}");

    // From here on each goes its own way.
    restored.put("only in the copy", "1").await?;
    restored.put("key/0", "changed").await?;
    tab.put("only in the old", "1").await?;
    ensure!(tab.get("only in the copy").await?.is_none());
    ensure!(tab.get("key/0").await?.as_deref() == Some("value 0"));
    ensure!(restored.get("only in the old").await?.is_none());
    ensure!(restored.get("key/0").await?.as_deref() == Some("changed"));
    let error = error_of(restore(&other, &whole, &copy).await)?;
    ensure!(error.code == "CLUSTER_EXISTS", "the copy's name: {error}");
    tab.agreement(3).await?;
    restored.agreement(3).await?;
    Ok(())
}

async fn rows(tab: &Tab) -> Result<Vec<(String, String)>> {
    let args = json!(["key/", { "limit": 10_000 }]);
    Ok(serde_json::from_value(tab.call("scan", args).await?)?)
}

/// Restores a file, given as text or as base64, of which a part may be kept or a bit flipped.
async fn restore(tab: &Tab, with: &Value, cluster: &str) -> Result<Value> {
    let body = r#"
        const { with: { text, file, keep, flip }, cluster } = args;
        let bytes = new TextEncoder().encode(text ?? "");
        if (file) bytes = Uint8Array.from(atob(file), (it) => it.charCodeAt(0));
        if (keep) bytes = bytes.slice(0, Math.floor(bytes.length * keep));
        if (flip) bytes[Math.floor(bytes.length * flip)] ^= 4;
        const { cluster: name, keys, index } = await tabraft.restore(new Blob([bytes]), { cluster });
        return { cluster: name, keys, index };
    "#;
    tab.run(body, json!({ "with": with, "cluster": cluster }))
        .await
}

/// The identity in the origin's record of a cluster.
async fn identity(tab: &Tab, cluster: &str) -> Result<String> {
    let record = storage::registry(tab, cluster).await?;
    let values = record.values().flatten().map(|(_, value)| value);
    let found = values
        .filter_map(|it| serde_json::from_str::<Value>(it).ok())
        .find_map(|it| it["identity"].as_str().map(str::to_owned));
    found.with_context(|| format!("no identity in {record:?}"))
}
