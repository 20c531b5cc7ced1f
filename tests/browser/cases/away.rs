//! What is taken away: a run as a file, and a link.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::browser::Browser;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::{Tab, code_of, error_of};
use tabraft_browser_tests::wait::{SOON, eventually};

/// Longer than the slider of two minutes' timeline goes at once.
const LEADS: Duration = Duration::from_millis(2_500);

/// A file as base64, from the call of that name.
const EXPORT: &str = r#"
    const blob = await tabraft[args]();
    if (!(blob instanceof Blob)) throw new Error("not a Blob");
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(""));
"#;

/// Opens a file, given as base64, after it was cut, longer or changed at a place.
const OPEN: &str = r#"
    let bytes = Uint8Array.from(atob(args.file), (it) => it.charCodeAt(0));
    if (args.keep) bytes = bytes.slice(0, Math.floor(bytes.length * args.keep));
    if (args.more) bytes = Uint8Array.from([...bytes, 0]);
    if (args.at) bytes[args.at] = args.byte ?? bytes[args.at] ^ 4;
    await tabraft.openRun(new Blob([bytes]));
"#;

async fn cluster_shown(tab: &Tab) -> Result<String> {
    let look = "return document.querySelector('h1 .cluster').textContent";
    tab.eval(look, Value::Null).await
}

/// The page draws its own cluster, and no run.
async fn live_is_shown(tab: &Tab, own: &str) -> Result<()> {
    eventually("the live cluster on the page", SOON, async || {
        let shown = cluster_shown(tab).await?;
        ensure!(shown == own && !tab.has("run").await?, "{shown}");
        Ok(())
    })
    .await
}

async fn export(tab: &Tab, call: &str) -> Result<String> {
    tab.eval(EXPORT, json!(call)).await
}

/// A crash is recorded, saved, and opened in the page of another cluster by its button: sentence,
/// map, cards, keys, logs, timeline and events are those of the run. Nothing can be changed while it is
/// shown, and the live cluster goes on. Any other file is refused by name and changes nothing.
pub async fn saved_run(case: &Case) -> Result<()> {
    let old = case
        .open("old", "&nodes=3&host=auto&revive=manual&tick_ms=60")
        .await?;
    let leader = old.healthy(3).await?;
    let term = old.status().await?.term;
    let words = format!("Node {leader} leads in term {term}");
    old.shows("sentence", &words, |it| it.contains(&words))
        .await?;
    // It leads for longer than the timeline's slider goes at once.
    let began = Instant::now();
    let mut n = 0;
    while n < 20 || began.elapsed() < LEADS {
        old.put("k", &n.to_string()).await?;
        n += 1;
    }
    old.agreement(3).await?;
    old.press(&format!("crash-{leader}")).await?;
    let (next, later) = old.leader_other_than(&[leader]).await?;
    old.put("k", "after").await?;
    old.shows("sentence", "the next leader", |it| {
        it.contains(&format!("Node {next} leads in term {later}"))
    })
    .await?;
    old.shows("keys", "the last write", |it| it.contains("after"))
        .await?;
    let then = old.status().await?;
    old.press("save-run").await?;
    old.shows("run-told", "the file", |it| {
        it.starts_with("Saved as tabraft-")
    })
    .await?;
    let file = export(&old, "exportRun").await?;
    let backup = export(&old, "exportSnapshot").await?;

    let tab = case.open("new", "&nodes=1&host=auto").await?;
    tab.healthy(1).await?;
    tab.put("mine", "1").await?;
    let own = tab.status().await?.cluster;
    live_is_shown(&tab, &own).await?;
    refusals(&tab, &file, &backup).await?;
    live_is_shown(&tab, &own).await?;

    let path = case.folder().join("a.tbrf");
    std::fs::write(&path, decoded(&tab, &file).await?)?;
    tab.choose_file("run-file", &path).await?;
    let about = tab
        .shows("run-about", "the run", |it| {
            it.contains("saved run of cluster")
        })
        .await?;
    ensure!(about.contains(&then.cluster), "{about}");
    ensure!(cluster_shown(&tab).await? == then.cluster);
    let words = format!("Node {next} leads in term {later}");
    tab.shows("sentence", &words, |it| {
        it.contains(&words) && it.contains("as of ")
    })
    .await?;
    let views = "const text = (what) => document.querySelector(what)?.textContent ?? 'nothing';\
                 return [text('.map svg'), text(`[data-testid=log-${args}] .unseen`),\
                         text(`[data-testid=node-${args}] [data-testid=role]`), text('[data-testid=events]')]";
    let [map, log, role, events]: [String; 4] = tab.eval(views, json!(next)).await?;
    ensure!(map.contains("leader"), "{map}");
    ensure!(log.contains(&format!("term {later} from")), "{log}");
    ensure!(role == "leader", "{role}");
    ensure!(
        events.contains(&format!("Node {leader} was crashed.")),
        "{events}"
    );
    tab.shows("keys", "the run's", |it| {
        it.contains("after") && !it.contains("mine")
    })
    .await?;
    let settings: String = tab
        .eval(
            "return document.querySelector('[data-testid=run] .hint').title",
            Value::Null,
        )
        .await?;
    ensure!(settings.contains("tick_ms=60"), "{settings}");

    // Its beginning, and its marks.
    let slider = "document.querySelector('[data-testid=timeline-slider]').focus()";
    tab.run(slider, Value::Null).await?;
    tab.type_keys(&String::from(thirtyfour::Key::PageDown.value()))
        .await?;
    tab.type_keys(&String::from(thirtyfour::Key::Left.value()))
        .await?;
    let words = format!("Node {leader} leads in term {term}");
    tab.shows("sentence", &words, |it| it.contains(&words))
        .await?;
    tab.type_keys(&String::from(thirtyfour::Key::End.value()))
        .await?;
    let words = format!("Node {next} leads in term {later}");
    tab.shows("sentence", "the end of the run", |it| it.contains(&words))
        .await?;

    nothing_can_be_changed(&tab, next).await?;
    // A wrong file leaves the run that is shown.
    let wrong = tab.run(OPEN, json!({ "file": backup })).await;
    ensure!(code_of(wrong)? == "BAD_FILE");
    ensure!(
        cluster_shown(&tab).await? == then.cluster,
        "the run went by"
    );
    tab.put("mine", "2").await?;

    tab.press("close-run").await?;
    tab.shows("sentence", "the live cluster", |it| {
        it.contains("Node 1 leads") && !it.contains("as of ")
    })
    .await?;
    live_is_shown(&tab, &own).await?;
    ensure!(tab.get("mine").await?.as_deref() == Some("2"));

    tab.run(OPEN, json!({ "file": file })).await?;
    ensure!(cluster_shown(&tab).await? == then.cluster);
    tab.call("closeRun", json!([])).await?;
    tab.run(OPEN, json!({ "file": file })).await?;
    tab.reload().await?;
    live_is_shown(&tab, &own).await.context("after a reload")
}

/// The bytes of a file in base64.
async fn decoded(tab: &Tab, file: &str) -> Result<Vec<u8>> {
    let bytes = "return Array.from(atob(args), (it) => it.charCodeAt(0))";
    tab.eval(bytes, json!(file)).await
}

/// Each wrong file is refused in words of its own.
async fn refusals(tab: &Tab, file: &str, backup: &str) -> Result<()> {
    let text = "VGhpcyBpcyBubyBydW4uIEl0IGlzIHRleHQu";
    let wrong = [
        ("nothing", json!({ "file": "" }), "empty"),
        (
            "text",
            json!({ "file": text }),
            "not one that tabraft has made",
        ),
        ("a part", json!({ "file": file, "keep": 0.5 }), "cut short"),
        (
            "too much",
            json!({ "file": file, "more": true }),
            "added to its end",
        ),
        ("one bit", json!({ "file": file, "at": 300 }), "damaged"),
        ("a backup", json!({ "file": backup }), "not a saved run"),
        (
            "a later format",
            json!({ "file": file, "at": 5, "byte": 200 }),
            "newer version",
        ),
    ];
    for (what, with, words) in wrong {
        let error = error_of(tab.run(OPEN, with).await).context(what)?;
        ensure!(
            error.code == "BAD_FILE" && error.message.contains(words),
            "{what}: {error}"
        );
    }
    Ok(())
}

/// Also a button that does not apply now.
async fn click(tab: &Tab, hook: &str) -> Result<()> {
    let click = "document.querySelector(`[data-testid=${args}]`).click()";
    tab.run(click, json!(hook)).await.map(drop)
}

/// Every act is refused, and says why; the live cluster has not changed.
async fn nothing_can_be_changed(tab: &Tab, node: u64) -> Result<()> {
    let before = tab.status().await?.node(1)?.applied;
    let acts = [
        ("put", "result"),
        ("add-node", "cluster-told"),
        ("settings-apply", "settings-told"),
        ("load-start", "load-told"),
        ("measure", "speed-told"),
        ("save-run", "run-told"),
    ];
    let unfold = "document.querySelectorAll('details').forEach((it) => { it.open = args; })";
    tab.run(unfold, json!(true)).await?;
    tab.fill("settings-snapshot-entries", "77").await?;
    for (act, told) in acts {
        let look = "return document.querySelector(`[data-testid=${args}]`).ariaDisabled";
        let disabled: Option<String> = tab.eval(look, json!(act)).await?;
        ensure!(disabled.as_deref() == Some("true"), "{act}: {disabled:?}");
        click(tab, act).await?;
        tab.shows(told, act, |it| {
            it.contains("A saved run is shown") && it.contains("SAVED_RUN")
        })
        .await?;
    }
    tab.run(unfold, json!(false)).await?;
    click(tab, &format!("crash-{node}")).await?;
    let card = "return document.querySelector(`[data-testid=node-${args}]`).textContent";
    eventually("the refusal on the card", SOON, async || {
        let said: String = tab.eval(card, json!(node)).await?;
        ensure!(said.contains("A saved run is shown"), "{said}");
        Ok(())
    })
    .await?;
    let after = tab.status().await?;
    ensure!(
        after.node(1)?.applied == before && after.nodes.len() == 1,
        "{}",
        after.in_short()
    );
    Ok(())
}

/// A link has the settings in force that are not the usual ones, those changed while the cluster
/// ran too, the number of voters, and the open experiment. In another browser it opens the same.
pub async fn link_for_others(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=2&tick_ms=70&host=auto&salvage=off")
        .await?;
    tab.healthy(2).await?;
    tab.call(
        "configure",
        json!([{ "snapshotEntries": 123, "revive": "manual" }]),
    )
    .await?;
    tab.add_node(None, false).await?;
    tab.healthy(3).await?;
    tab.press("experiment-leader-crash").await?;
    let mut links = vec![];
    for (button, told) in [
        ("share", "share-told"),
        ("share-experiment", "experiment-told"),
    ] {
        tab.press(button).await?;
        tab.shows(told, "the link", |it| it.contains("http"))
            .await?;
        let look = "return document.querySelector(`[data-testid=${args}] a`).href";
        links.push(tab.eval::<String>(look, json!(told)).await?);
    }
    ensure!(links[0] == links[1], "{links:?}");
    let called = tab
        .call("shareLink", json!([{ "experiment": "leader-crash" }]))
        .await?;
    ensure!(called == json!(links[0]), "{called}");
    let bare = tab.call("shareLink", json!([])).await?;
    ensure!(!bare.to_string().contains("experiment"), "{bare}");
    let code = code_of(
        tab.call("shareLink", json!([{ "experiment": "a b" }]))
            .await,
    )?;
    ensure!(code == "BAD_ARGUMENT", "{code}");
    for absent in ["host=", "catchup_entries", "durability"] {
        ensure!(!links[0].contains(absent), "{}", links[0]);
    }

    let folder = case.folder().join("other");
    std::fs::create_dir(&folder)?;
    let browser = Browser::start(case.kind(), &folder).await?;
    let other = Tab::open(&browser, &links[0]).await?;
    other.healthy(3).await?;
    let mut settings = vec![];
    for tab in [&tab, &other] {
        let mut it = tab.call("settings", json!([])).await?;
        // The first tab's own beginning.
        it.as_object_mut().context("no settings")?.remove("nodes");
        settings.push(it);
    }
    ensure!(settings[0] == settings[1], "{settings:#?}");
    let pressed =
        "return document.querySelector('[data-testid=experiment-leader-crash]').ariaPressed";
    let pressed: String = other.eval(pressed, Value::Null).await?;
    ensure!(pressed == "true", "the experiment is not open");
    browser.kill().await?;
    Ok(())
}
