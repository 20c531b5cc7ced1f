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
