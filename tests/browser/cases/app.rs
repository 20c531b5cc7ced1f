//! The page as an app: what it allows to run, how it opens without its server, and how one version
//! follows another.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::build::Build;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::tab::{Tab, error_of};
use tabraft_browser_tests::wait::{SOON, eventually};
use thirtyfour::prelude::*;

const MARKUP: [&str; 4] = [
    "<img src=x onerror=\"window.ran='an image'\">",
    "<script>window.ran='a script'</script>",
    "<svg onload=\"window.ran='a drawing'\"><b>bold</b></svg>",
    "\"><iframe srcdoc=\"<script>parent.ran='a frame'</script>\"></iframe>&lt;i&gt;",
];

/// Keys and values are text, whatever is in them; and should a script get into the page, it does
/// not run.
pub async fn nothing_inline(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    for (n, markup) in MARKUP.iter().enumerate() {
        if n % 2 == 0 {
            tab.put(markup, markup).await?;
        } else {
            tab.fill("key", markup).await?;
            tab.fill("value", markup).await?;
            tab.press("put").await?;
        }
        eventually("the key as text", SOON, async || {
            let row = tab.row(markup).await?.context("no row")?;
            ensure!(row.matches(markup).count() == 2, "the row shows {row:?}");
            Ok(())
        })
        .await?;
        tab.fill("key", markup).await?;
        tab.press("get").await?;
        tab.shows("result", "the value as text", |it| {
            it.matches(markup).count() == 2
        })
        .await?;
    }
    let look = "return [window.ran ?? '', document.querySelectorAll('main :is(img, script, iframe, b[onload], [onerror])').length]";
    let (ran, elements): (String, usize) = tab.eval(look, Value::Null).await?;
    ensure!(ran.is_empty(), "{ran} was run");
    ensure!(elements == 0, "{elements} elements came of it");
    case.ensure_clean().await?;

    let ours = case
        .server
        .script("ours.js", "window.ran = 'a file of ours'".into());
    let inject = r#"
        const refused = [];
        document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
          refused.push(effectiveDirective);
        });
        const inline = document.createElement("script");
        inline.textContent = "window.ran = 'an inline script'";
        document.head.append(inline);
        const holder = document.createElement("div");
        holder.innerHTML = `<img src="nowhere:" onerror="window.ran = 'a handler'">`;
        document.body.append(holder);
        const foreign = document.createElement("script");
        foreign.src = "data:text/javascript,window.ran = 'an address'";
        document.head.append(foreign);
        // A timer takes a string as eval does.
        const evaluated = document.createElement("script");
        evaluated.src = args.evaluates;
        const over = new Promise((done) => { evaluated.onload = done; });
        document.head.append(evaluated);
        await over;
        const before = window.ran ?? "";
        const file = document.createElement("script");
        file.src = args.ours;
        const loaded = new Promise((done, fail) => { file.onload = done; file.onerror = fail; });
        document.head.append(file);
        await loaded;
        return { before, after: window.ran ?? "", refused, evaluates: window.evaluates ?? "" };
    "#;
    let evaluates = "try { window.ran = (0, eval)('\"an evaluation\"'); } \
                     catch (error) { window.evaluates = error.name; }";
    let evaluates = case.server.script("evaluates.js", evaluates.into());
    #[derive(Deserialize)]
    struct Injected {
        before: String,
        after: String,
        refused: Vec<String>,
        evaluates: String,
    }
    let args = json!({ "ours": ours, "evaluates": evaluates });
    let seen: Injected = tab.eval(inject, args).await?;
    ensure!(seen.before.is_empty(), "{} was run", seen.before);
    // Or nothing would be proved: what is allowed does run.
    ensure!(seen.after == "a file of ours", "{:?} was run", seen.after);
    ensure!(seen.evaluates == "EvalError", "{:?}", seen.evaluates);
    for directive in ["script-src-elem", "script-src-attr"] {
        let refused = seen.refused.iter().any(|it| it == directive);
        ensure!(refused, "{directive} was not refused: {:?}", seen.refused);
    }
    // What was refused was said, too.
    case.forget_errors().await
}

const GIVEN_UP: Duration = Duration::from_secs(10);

/// How a tab, and the service worker behind it, see themselves.
#[derive(Debug, Deserialize)]
struct Seen {
    /// The build's number in the page.
    page: String,
    /// What the page's program says of itself, in a build that was changed.
    edition: String,
    /// The number of the build whose files the browser has for its pages.
    kept: String,
    /// Another one waits for its turn, or is on its way.
    waits: bool,
    controlled: bool,
    /// Builds of which there are files.
    caches: Vec<String>,
    notice: String,
}

async fn seen(tab: &Tab) -> Result<Seen> {
    let look = r#"
        const registration = await navigator.serviceWorker.getRegistration();
        const active = registration?.active;
        // A worker that is just being replaced may never answer.
        const kept = active && await new Promise((done) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => done(data);
          setTimeout(() => done("no answer"), 2_000);
          active.postMessage("which", [port2]);
        });
        return {
          page: document.querySelector("meta[name=build]").content,
          edition: window.edition ?? "",
          kept: kept ?? "",
          waits: Boolean(registration?.waiting ?? registration?.installing),
          controlled: Boolean(navigator.serviceWorker.controller),
          caches: (await caches.keys()).map((it) => it.split(" ").pop()),
          notice: document.getElementById("version").innerText,
        };
    "#;
    tab.eval(look, Value::Null).await
}

/// Waits until the browser keeps a build, and only that, and a tab is of it.
async fn keeps(tab: &Tab, build: &Build) -> Result<()> {
    eventually("the build to be kept", SOON, async || {
        let seen = seen(tab).await?;
        ensure!(
            seen.page == build.number
                && seen.kept == build.number
                && seen.caches == [build.number.clone()]
                && seen.controlled
                && !seen.waits,
            "{seen:?}, not {}",
            build.number
        );
        Ok(())
    })
    .await
}

/// As a person does. Firefox's driver reloads past all that is kept.
async fn reload(tab: &Tab) -> Result<()> {
    load_anew(tab).await?;
    tab.ready().await
}

/// [`reload`], if the page may be loaded once more by itself.
async fn load_anew(tab: &Tab) -> Result<()> {
    let reload = "window.isOld = true; setTimeout(() => location.reload())";
    tab.run(reload, Value::Null).await?;
    eventually("the page anew", SOON, async || {
        let look = "return window.isOld !== true";
        ensure!(tab.eval::<bool>(look, Value::Null).await?, "the old one");
        Ok(())
    })
    .await
}

/// Loads the page anew and waits until nothing is kept of an older build. The service worker is not asked
/// meanwhile: one that has something to do again and again is not replaced.
async fn give_up(tab: &Tab) -> Result<()> {
    load_anew(tab).await?;
    eventually("the older build to be given up", GIVEN_UP, async || {
        let look =
            "return !navigator.serviceWorker.controller && (await caches.keys()).length === 0";
        ensure!(tab.eval::<bool>(look, Value::Null).await?, "it is not");
        Ok(())
    })
    .await
}

/// After the first visit the page opens, takes writes and starts nodes with no server there.
pub async fn without_server(case: &Case) -> Result<()> {
    let build = Build::first(&case.folder().join("first"))?;
    case.server.serve_build(&build.folder);
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    tab.healthy(3).await?;
    tab.put("before", "1").await?;
    keeps(&tab, &build).await?;
    case.ensure_clean().await?;

    case.server.switch_off().await?;
    // The page of the first visit goes on, and starts workers.
    let leader = tab.healthy(3).await?;
    tab.call("crash", json!([leader])).await?;
    let start = tab.call("start", json!([leader]));
    start.await.context("starting a node without the server")?;
    tab.healthy(3).await?;
    // And it opens again.
    reload(&tab).await.context("without the server")?;
    tab.healthy(3).await?;
    ensure!(tab.get("before").await?.as_deref() == Some("1"));
    tab.put("after", "2").await?;
    let other = case.open("main", "&nodes=3&host=none").await?;
    ensure!(other.get("after").await?.as_deref() == Some("2"));
    let leader = other.healthy(3).await?;
    other.call("crash", json!([leader])).await?;
    other.call("start", json!([leader])).await?;
    other.healthy(3).await?;
    other.agreement(3).await?;
    let another = case.open("another", "&nodes=3&host=auto").await?;
    another.healthy(3).await?;
    another.put("a new cluster", "3").await?;

    case.server.switch_on().await?;
    reload(&tab).await?;
    tab.healthy(3).await?;
    keeps(&tab, &build).await?;
    case.forget_unreachable().await
}

/// A new version waits until a person uses it in one tab; then it runs in all of them, with the
/// data there. Until then a reload gives the old one, whole. One that is not whole is not offered.
pub async fn new_version(case: &Case) -> Result<()> {
    let first = Build::first(&case.folder().join("first"))?;
    case.server.serve_build(&first.folder);
    let one = case.open("main", "&nodes=3&host=1,2").await?;
    let two = case.open("main", "&nodes=3&host=3").await?;
    one.healthy(3).await?;
    one.put("before", "1").await?;
    for tab in [&one, &two] {
        keeps(tab, &first).await?;
    }
    case.ensure_clean().await?;

    // Half of it is there: its service worker, and a file that is not as it says.
    let half = first.another(&case.folder().join("half"), "half")?;
    let file = half.folder.join("worker.js");
    let worker = std::fs::read_to_string(&file)?;
    std::fs::write(&file, worker + "\n")?;
    case.server.serve_build(&half.folder);
    let update = "const registration = await navigator.serviceWorker.getRegistration();\
                  await registration.update().catch(() => {});\
                  return Boolean(registration.installing)";
    let found: bool = one.eval(update, Value::Null).await?;
    ensure!(found, "the browser has not seen the half one");
    keeps(&one, &first).await?;
    ensure!(
        seen(&one).await?.notice.is_empty(),
        "half a build is offered"
    );
    case.forget_errors().await?;

    let second = first.another(&case.folder().join("second"), "second")?;
    ensure!(first.number != second.number);
    case.server.serve_build(&second.folder);
    // As browsers do now and then, and whenever the page is opened.
    let found: bool = two.eval(update, Value::Null).await?;
    ensure!(found, "the browser has not seen the new one");
    for tab in [&one, &two] {
        tab.shows("version", "the offer", |it| {
            it.contains("new version") && it.contains("restart")
        })
        .await?;
    }
    reload(&two).await?;
    one.healthy(3).await?;
    for tab in [&one, &two] {
        let seen = seen(tab).await?;
        let old = seen.page == first.number && seen.kept == first.number;
        ensure!(old && seen.edition.is_empty(), "{seen:?}");
    }
    let editions = |case: &Case| {
        let lines = case.server.lines().into_iter();
        lines.filter(|it| it.text.contains("edition")).count()
    };
    ensure!(editions(case) == 0, "a worker of the new one ran");
    one.put("meanwhile", "2").await?;

    two.shows("version", "the offer again", |it| {
        it.contains("new version")
    })
    .await?;
    {
        let driver = two.browser.driver_at(&two.window).await?;
        let button = driver
            .find(By::Css("#version[role=status] [data-testid=use-version]"))
            .await?;
        button.focus().await?;
        button.send_keys(Key::Enter).await?;
    }
    for tab in [&one, &two] {
        eventually("the new version", SOON, async || {
            let seen = seen(tab).await?;
            ensure!(seen.edition == "second", "{seen:?}");
            Ok(())
        })
        .await?;
        tab.ready().await?;
    }
    one.healthy(3).await?;
    for tab in [&one, &two] {
        keeps(tab, &second).await?;
        ensure!(seen(tab).await?.notice.is_empty(), "it is still offered");
        ensure!(tab.get("before").await?.as_deref() == Some("1"));
        ensure!(tab.get("meanwhile").await?.as_deref() == Some("2"));
    }
    ensure!(one.hosts(1).await? && one.hosts(2).await? && two.hosts(3).await?);
    ensure!(editions(case) >= 3, "{} workers of it", editions(case));
    two.put("after", "3").await?;
    two.agreement(3).await?;
    Ok(())
}

/// What a release build has kept does not stand in the way of a build for development that is
/// served in its place.
pub async fn development_is_fresh(case: &Case) -> Result<()> {
    let build = Build::first(&case.folder().join("first"))?;
    case.server.serve_build(&build.folder);
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    keeps(&tab, &build).await?;
    tab.put("before", "1").await?;
    let development = build.for_development(&case.folder().join("development"))?;
    case.server.serve_build(&development);
    // Chromium at times leaves the other service worker waiting for as long as the page stays.
    let mut given_up = give_up(&tab).await;
    for _ in 0..2 {
        if given_up.is_err() {
            given_up = give_up(&tab).await;
        }
    }
    given_up?;
    // A page that was left while it was being loaded complains of that.
    case.forget_errors().await?;
    eventually("the other build", SOON, async || {
        let seen = seen(&tab).await?;
        let fresh = seen.page.is_empty() && seen.kept.is_empty() && seen.caches.is_empty();
        ensure!(fresh && !seen.controlled, "{seen:?}");
        Ok(())
    })
    .await?;
    tab.ready().await?;
    tab.healthy(3).await?;
    ensure!(tab.get("before").await?.as_deref() == Some("1"));
    // Nothing is kept of it: what changes is there at the next reload.
    let page = std::fs::read_to_string(development.join("index.html"))?;
    let changed = page.replace(
        "<title>tabraft</title>",
        "<title>tabraft</title><!-- new -->",
    );
    ensure!(page != changed);
    std::fs::write(development.join("index.html"), changed)?;
    reload(&tab).await?;
    let look = "return document.head.innerHTML.includes('<!-- new -->')";
    ensure!(tab.eval::<bool>(look, Value::Null).await?, "an old page");
    Ok(())
}

/// A node whose worker cannot be loaded says so, and its start does not wait for ever.
pub async fn worker_missing(case: &Case) -> Result<()> {
    let build = Build::first(&case.folder().join("first"))?;
    let folder = build.for_development(&case.folder().join("development"))?;
    std::fs::remove_file(folder.join("worker_loader.js"))?;
    case.server.serve_build(&folder);
    let tab = case.open("main", "&nodes=3&host=none").await?;
    case.ensure_clean().await?;
    let error = error_of(tab.call("start", json!([1])).await)?;
    ensure!(error.message.contains("could not be loaded"), "{error}");
    case.forget_errors().await
}

/// What a browser wants to know before it installs the page.
pub async fn installable(case: &Case) -> Result<()> {
    let tab = case.open("main", "&nodes=3&host=auto").await?;
    let driver = tab.browser.driver_at(&tab.window).await?;
    let cdp = driver.cdp();
    let told = cdp.send_raw("Page.getAppManifest", json!({})).await?;
    ensure!(told["errors"] == json!([]), "{}", told["errors"]);
    let url = told["url"].as_str().unwrap_or_default();
    ensure!(url.ends_with("/some/where/manifest.webmanifest"), "{url}");
    let manifest: Value = serde_json::from_str(told["data"].as_str().context("no manifest")?)?;
    ensure!(manifest["display"] == "standalone");
    let wrong = cdp
        .send_raw("Page.getInstallabilityErrors", json!({}))
        .await?;
    ensure!(wrong["installabilityErrors"] == json!([]), "{wrong}");
    drop(driver);
    let sizes = "return Promise.all(args.map(async ({ src, type, sizes }) => {
          const image = new Image();
          image.src = src;
          await image.decode();
          const right = type === 'image/svg+xml' || sizes === `${image.naturalWidth}x${image.naturalHeight}`;
          return right ? '' : `${src} is ${image.naturalWidth} wide`;
        }))";
    let wrong: Vec<String> = tab.eval(sizes, manifest["icons"].clone()).await?;
    ensure!(
        wrong.len() >= 4 && wrong.iter().all(String::is_empty),
        "{wrong:?}"
    );
    Ok(())
}
