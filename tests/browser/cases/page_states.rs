//! What the page says in words, and how it looks: the pictures are kept in `target/screenshots/`.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tabraft_browser_tests::case::{Case, workspace};
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;

/// The page's sentence tells healthy, recovered, no quorum and partitioned apart, and the page
/// fits a wide screen and a phone.
pub async fn page_states(case: &Case) -> Result<()> {
    // By hand: nothing must be revived while the page is looked at.
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let leader = tab.healthy(3).await?;
    for key in ["apple", "banana", "cherry"] {
        tab.put(key, &format!("a value for {key}")).await?;
    }
    tab.agreement(3).await?;

    let healthy = leads(&tab, leader, "HEALTHY").await?;
    pictures(&tab, "healthy").await?;

    tab.press(&format!("crash-{leader}")).await?;
    let (next, _) = tab.leader_other_than(&[leader]).await?;
    let recovered = leads(&tab, next, "DEGRADED").await?;
    ensure!(
        recovered.contains(&format!("Node {leader} is stopped")),
        "{recovered}"
    );
    pictures(&tab, "leader-crashed").await?;

    // One of three is left.
    tab.press(&format!("crash-{next}")).await?;
    let counts = |it: &str| it.contains("1 of 3");
    let stuck = tab
        .shows("sentence", "no quorum, with counts", counts)
        .await?;
    tab.shows("badge", "no quorum", |it| {
        it.eq_ignore_ascii_case("no quorum")
    })
    .await?;
    pictures(&tab, "no-quorum").await?;

    tab.press(&format!("start-{leader}")).await?;
    tab.press(&format!("start-{next}")).await?;
    let leader = tab.healthy(3).await?;
    leads(&tab, leader, "HEALTHY").await?;

    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    tab.call("partition", json!([[[leader], others]])).await?;
    let (next, _) = tab.leader_other_than(&[leader]).await?;
    let parted = leads(&tab, next, "DEGRADED").await?;
    ensure!(
        parted.contains("cut off") && parted.contains(&format!("node {leader} ")),
        "{parted}"
    );
    pictures(&tab, "partition").await?;
    tab.press("heal").await?;
    let leader = tab.healthy(3).await?;
    leads(&tab, leader, "HEALTHY").await?;

    tab.press(&format!("pause-{leader}")).await?;
    let (next, _) = tab.leader_other_than(&[leader]).await?;
    let paused = leads(&tab, next, "DEGRADED").await?;
    ensure!(
        paused.contains(&format!("Node {leader} is paused")),
        "{paused}"
    );
    pictures(&tab, "paused").await?;
    tab.press(&format!("resume-{leader}")).await?;
    tab.healthy(3).await?;

    for text in [&healthy, &recovered, &stuck, &parted, &paused] {
        println!("  {}: {}", case.name, text.replace('\n', " "));
    }
    let events = tab.text("events").await?;
    ensure!(!events.is_empty(), "no events after all that");
    Ok(())
}

/// Every view as it is in use, on a phone, a laptop and a wide screen, light and dark: the whole page
/// in one picture, nothing wider than the screen.
pub async fn every_view(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&experiment=leader-crash")
        .await?;
    tab.healthy(3).await?;
    for n in 0..40 {
        tab.put(&format!("fruit/{n}"), &format!("a value {n}"))
            .await?;
    }
    tab.press("do-it").await?;
    tab.shows("experiment-told", "its outcome", |it| {
        it.contains("what theory says")
    })
    .await?;
    tab.press("put").await?;
    tab.shows("result", "a write", |it| it.contains("Written at index"))
        .await?;
    let unfold = "document.querySelectorAll('details').forEach((it) => { it.open = true; })";
    tab.run(unfold, json!(null)).await?;
    for name in ["links-open", "more-2", "steps-show", "restore"] {
        tab.press(name).await?;
    }
    tab.press_at("log-cursor", 0.9).await?;
    tab.shows("entry", "an entry", |it| it.starts_with("Entry "))
        .await?;
    whole(&tab, "views").await?;
    let nine = case.open("nine", "&nodes=9&host=auto").await?;
    nine.healthy(9).await?;
    nine.press("links-open").await?;
    nine.choose("links-listed", "9").await?;
    nine.call("partition", json!([[[1, 2, 3, 4, 5], [6, 7, 8, 9]]]))
        .await?;
    nine.shows("badge", "degraded", |it| {
        it.eq_ignore_ascii_case("degraded")
    })
    .await?;
    whole(&nine, "views-of-nine").await
}

/// All of the page, on each screen.
pub async fn whole(tab: &Tab, name: &str) -> Result<()> {
    let folder = workspace().join("target/screenshots");
    for width in [390, 1280, 1920] {
        for dark in [false, true] {
            tab.on_screen(Screen::new(width, 1000, dark)).await?;
            let look = "return document.documentElement.scrollHeight";
            let height: u32 = tab.eval(look, json!(null)).await?;
            let screen = Screen::new(width, height, dark);
            let wide = tab.on_screen(screen).await?;
            ensure!(wide <= width, "{name} at {screen}: {wide} wide");
            tab.screenshot(&folder.join(format!("{name}-{screen}.png")))
                .await?;
        }
    }
    tab.on_own_screen().await
}

/// Waits until the page says that `leader` leads and how the cluster is. Returns the sentence.
async fn leads(tab: &Tab, leader: u64, badge: &str) -> Result<String> {
    tab.shows("badge", badge, |it| it.eq_ignore_ascii_case(badge))
        .await?;
    let words = format!("Node {leader} leads");
    tab.shows("sentence", &words, |it| it.contains(&words))
        .await
}

/// Wide, as narrow as a phone, and dark.
async fn pictures(tab: &Tab, name: &str) -> Result<()> {
    let folder = workspace().join("target/screenshots");
    for screen in [
        Screen::new(1600, 1000, false),
        Screen::new(360, 800, false),
        Screen::new(1600, 1000, true),
        Screen::new(360, 800, true),
    ] {
        let path = folder.join(format!("{name}-{screen}.png"));
        let width = tab.on_screen(screen).await?;
        ensure!(
            width <= screen.width,
            "{name} at {screen}: {width} wide on {}",
            screen.width
        );
        tab.screenshot(&path)
            .await
            .with_context(|| path.display().to_string())?;
    }
    tab.on_own_screen().await
}
