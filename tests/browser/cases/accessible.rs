//! What keeps people from using the page: axe-core looks at each of its states.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::axe::Violation;
use tabraft_browser_tests::case::{Case, workspace};
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;

use crate::experiments::outcome;

const SCREENS: [Screen; 6] = [
    Screen::new(1920, 1080, false),
    Screen::new(1920, 1080, true),
    Screen::new(1280, 900, false),
    Screen::new(1280, 900, true),
    Screen::new(390, 800, false),
    Screen::new(390, 800, true),
];

/// No violation of serious or critical impact, whatever the cluster's state and whatever is open,
/// wide and narrow, dark and light.
pub async fn axe_finds_nothing(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let leader = tab.healthy(3).await?;
    for key in ["apple", "banana", "cherry"] {
        tab.put(key, &format!("a value for {key}")).await?;
    }
    tab.agreement(3).await?;
    tab.bring_axe().await?;
    let mut looks = look(&tab, "healthy").await?;
    looks += panels(&tab).await?;
    tab.press("keys-compare").await?;
    looks += look(&tab, "replicas compared").await?;

    tab.press(&format!("crash-{leader}")).await?;
    let (next, _) = tab.leader_other_than(&[leader]).await?;
    badge(&tab, "degraded").await?;
    looks += look(&tab, "leader crashed").await?;
    tab.press(&format!("crash-{next}")).await?;
    badge(&tab, "no quorum").await?;
    looks += look(&tab, "no quorum").await?;
    tab.press(&format!("start-{leader}")).await?;
    tab.press(&format!("start-{next}")).await?;
    let leader = tab.healthy(3).await?;

    tab.press(&format!("cut-off-{leader}")).await?;
    tab.leader_other_than(&[leader]).await?;
    badge(&tab, "degraded").await?;
    looks += look(&tab, "partition").await?;
    tab.press("heal").await?;
    tab.healthy(3).await?;

    planted(&tab).await?;
    tab.call("reset", json!([{ "confirm": true }])).await?;
    tab.shows("reset-said", "the end", |it| it == "Everything was reset.")
        .await?;
    looks += look(&tab, "reset").await?;
    println!("  {}: {looks} looks", case.name);
    Ok(())
}

/// The same of nine nodes, a notice, a guide that waits for a person and one that has ended, and a moment
/// of the past.
pub async fn axe_finds_nothing_elsewhere(case: &Case) -> Result<()> {
    let tab = case.open("nine", "&nodes=9&host=auto&colour=red").await?;
    tab.shows("notices", "what is wrong", |it| it.contains("colour"))
        .await?;
    tab.healthy(9).await?;
    tab.bring_axe().await?;
    let mut looks = look(&tab, "nine nodes, a notice").await?;

    let query = "&nodes=3&host=auto&experiment=leader-crash";
    let tab = case.open("main", query).await?;
    tab.healthy(3).await?;
    tab.bring_axe().await?;

    tab.press("let-me").await?;
    tab.shows("step-0", "what to do", |it| it.starts_with("Now"))
        .await?;
    looks += look(&tab, "a guide waits").await?;
    tab.press("put").await?;
    for (n, next) in [(1, "crash"), (3, "start")] {
        let step = format!("step-{n}");
        tab.shows(&step, next, |it| it.starts_with("Now")).await?;
        tab.press("help-it").await?;
    }
    outcome(&tab).await?;
    looks += look(&tab, "a guide has ended").await?;

    tab.press_at("timeline-slider", 0.5).await?;
    tab.shows("past-moment", "the past", |it| it.starts_with("Showing "))
        .await?;
    looks += look(&tab, "the past").await?;
    tab.press("live").await?;
    println!("  {}: {looks} looks", case.name);
    Ok(())
}

/// Everything that can be opened.
async fn panels(tab: &Tab) -> Result<usize> {
    tab.press("list-keys").await?;
    let mut looks = look(tab, "keys dialog").await?;
    tab.press("keys-close").await?;

    tab.press("links-open").await?;
    tab.press("edit-link-1-2").await?;
    tab.choose("link-direction", "there").await?;
    tab.choose("link-state", "mixed").await?;
    tab.press("link-set").await?;
    tab.shows("links-count", "a fault", |it| it.contains("1 of 6"))
        .await?;
    looks += look(tab, "links").await?;
    tab.press("heal").await?;
    tab.press("links-open").await?;

    tab.press("partition").await?;
    looks += look(tab, "sides").await?;
    tab.press("partition").await?;

    tab.press("more-1").await?;
    tab.press("remove-1").await?;
    looks += look(tab, "question").await?;
    tab.press("keep-remove-1").await?;
    tab.press("more-1").await?;

    let unfold = "document.querySelectorAll('details').forEach((it) => { it.open = true; })";
    tab.run(unfold, Value::Null).await?;
    tab.press("restore").await?;
    tab.fill("settings-snapshot-entries", "0").await?;
    tab.press("settings-apply").await?;
    tab.shows("settings-told", "the refusal", |it| it.contains("must be"))
        .await?;
    tab.press("put").await?;
    tab.shows("result", "a write", |it| it.contains("Written at index"))
        .await?;
    tab.press("steps-show").await?;
    tab.shows("steps-told", "the steps", |it| it.contains("proposed by"))
        .await?;
    tab.press_at("log-cursor", 0.02).await?;
    tab.shows("entry", "an entry", |it| it.starts_with("Entry "))
        .await?;
    tab.choose("logs-window", "all").await?;
    tab.choose("speed-in-flight", "1").await?;
    tab.press("measure").await?;
    tab.shows("speed-told", "the figures", |it| it.contains("a second"))
        .await?;
    looks += look(tab, "settings, speed, logs, steps, restore").await?;
    let fold = "document.querySelectorAll('details').forEach((it) => { it.open = false; })";
    tab.run(fold, Value::Null).await?;
    tab.press("restore").await?;

    tab.press("load-start").await?;
    tab.shows("load-reached", "a rate", |it| it != "–" && it != "0")
        .await?;
    tab.press("reset").await?;
    tab.shows("reset-list", "what will be lost", |it| {
        it.contains("its record")
    })
    .await?;
    tab.press("share").await?;
    tab.shows("share-told", "the link", |it| it.contains("http"))
        .await?;
    looks += look(tab, "load, reset asked, link").await?;
    tab.press("reset-keep").await?;
    tab.press("load-stop").await?;
    tab.shows("load-told", "its end", |it| it.contains("acknowledged"))
        .await?;
    let open = "await tabraft.openRun(await tabraft.exportRun())";
    tab.run(open, Value::Null).await?;
    tab.shows("run-about", "the run", |it| it.contains("saved run"))
        .await?;
    looks += look(tab, "saved run").await?;
    tab.press("close-run").await?;
    Ok(looks)
}

/// The judge itself: a button without a name is found.
async fn planted(tab: &Tab) -> Result<()> {
    let plant = "const it = document.createElement('button'); it.id = 'planted';\
                 document.querySelector('main').append(it)";
    tab.run(plant, Value::Null).await?;
    let found = tab.violations().await?;
    let named = |it: &Violation| {
        it.is_serious() && it.id == "button-name" && it.places.iter().any(|p| p.contains("planted"))
    };
    ensure!(found.iter().any(named), "not found: {found:#?}");
    let uproot = "document.querySelector('#planted').remove()";
    tab.run(uproot, Value::Null).await?;
    Ok(())
}

async fn badge(tab: &Tab, word: &str) -> Result<()> {
    tab.shows("badge", word, |it| it.eq_ignore_ascii_case(word))
        .await?;
    Ok(())
}

/// On each screen; returns how many there are. What is less than serious is printed.
pub async fn look(tab: &Tab, state: &str) -> Result<usize> {
    let mut serious = vec![];
    for screen in SCREENS {
        tab.on_screen(screen).await?;
        for found in tab.violations().await? {
            if found.is_serious() {
                serious.push(format!("{state} at {screen}: {found:#?}"));
            } else {
                println!("  {state} at {screen}: {}, {}", found.id, found.help);
            }
        }
        let name = state.replace([' ', ','], "-");
        let path = workspace().join(format!("target/screenshots/axe-{name}-{screen}.png"));
        picture(tab, &path).await?;
    }
    tab.on_own_screen().await?;
    ensure!(serious.is_empty(), "{}", serious.join("\n"));
    Ok(SCREENS.len())
}

/// What is open, from its top.
async fn picture(tab: &Tab, path: &std::path::Path) -> Result<()> {
    let show = "const it = document.querySelector(args);\
                if (it && !document.querySelector('dialog[open]')) it.scrollIntoView()";
    let open = ".away .question, .past.run, .question, .links, .sides, .settings details[open]";
    tab.run(show, json!(open)).await?;
    tab.screenshot(path).await
}
