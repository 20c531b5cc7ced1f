//! Links that a person makes slow, lossy or one-way, on the page alone.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::{Case, workspace};
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};

/// Shorter than an election timeout, so that the leader stays.
const LATE_MS: f64 = 250.0;

/// Each direction of a link is chosen in the list of links; what was chosen is said where it was,
/// in the list, on the map and in the sentence, and has its effect: late messages make a commit
/// late, and over a link that is cut one way nothing comes.
pub async fn link_faults_by_hand(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let leader = tab.healthy(3).await?;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    let (near, far) = (others[0], others[1]);
    tab.press("links-open").await?;
    tab.shows("links-count", "no faults", |it| it == "all work")
        .await?;
    let quick = commit(&tab).await?;
    ensure!(quick < LATE_MS, "{quick} ms without any fault");

    // What makes no sense is refused, where it was typed.
    open_form(&tab, leader, near).await?;
    tab.choose("link-state", "slow").await?;
    tab.fill("link-delay", "soon").await?;
    tab.press("link-set").await?;
    says(
        &tab,
        "link-told",
        "Delay must be a number from 0 to 60000 ms.",
    )
    .await?;
    says(&tab, &way(leader, near), "works").await?;

    // Late on the way to one follower: the other one makes the quorum. Late to both: all wait.
    for to in [near, far] {
        open_form(&tab, leader, to).await?;
        choose(&tab, leader, to, "slow", Some(("link-delay", LATE_MS))).await?;
        let said = format!("The link from {leader} to {to} delays messages by {LATE_MS} ms.");
        says(&tab, "link-told", &said).await?;
        says(&tab, &way(leader, to), "250 ms late").await?;
        says(&tab, &way(to, leader), "works").await?;
    }
    let slow = commit(&tab).await?;
    ensure!(
        slow >= LATE_MS,
        "{slow} ms, though every follower hears late"
    );
    let words = map_words(&tab).await?;
    for to in [near, far] {
        let on_the_map = format!("{leader}→{to} 250 ms");
        ensure!(words.contains(&on_the_map), "{on_the_map} in {words:?}");
    }
    says(&tab, "links-count", "2 of 6 directions impaired").await?;
    pictures(&tab, "links-slow").await?;
    // What is in force is what the form begins with.
    open_form(&tab, near, far).await?;
    open_form(&tab, leader, far).await?;
    let typed: String = tab
        .eval(
            "return document.querySelector('[data-testid=link-delay]').value",
            Value::Null,
        )
        .await?;
    ensure!(typed == "250", "the form begins with {typed:?}");
    choose(&tab, leader, far, "works", None).await?;
    let again = commit(&tab).await?;
    ensure!(again < LATE_MS, "{again} ms with one follower in time");
    tab.press("heal").await?;
    says(&tab, "links-count", "all work").await?;

    // Cut one way: the follower hears nothing, and is heard.
    open_form(&tab, leader, near).await?;
    choose(&tab, leader, near, "cut", None).await?;
    says(
        &tab,
        "link-told",
        &format!("The link from {leader} to {near} is cut."),
    )
    .await?;
    says(&tab, &way(leader, near), "cut").await?;
    says(&tab, &way(near, leader), "works").await?;
    let words = map_words(&tab).await?;
    ensure!(words == [format!("{leader}→{near} cut")], "{words:?}");
    let button = format!("link-{}-{}", leader.min(near), leader.max(near));
    let label = label(&tab, &button).await?;
    ensure!(
        label.starts_with("Restore the link")
            && label.ends_with(&format!(", cut from {leader} to {near}")),
        "{label}"
    );
    pictures(&tab, "links-one-way").await?;
    commit(&tab).await?;
    tab.sees("who is cut off to be behind", |it| {
        Ok(it.node(near)?.applied < it.node(leader)?.applied
            && it.node(far)?.applied == it.node(leader)?.applied)
    })
    .await?;
    // A press on the map restores it.
    tab.press(&button).await?;
    says(&tab, "links-count", "all work").await?;
    tab.healthy(3).await?;
    tab.agreement(3).await?;

    // All at once, both ways, on a phone.
    tab.on_screen(Screen::new(390, 800, true)).await?;
    open_form(&tab, near, far).await?;
    tab.choose("link-direction", "both").await?;
    tab.choose("link-state", "mixed").await?;
    tab.fill("link-delay", "20").await?;
    tab.fill("link-jitter", "10").await?;
    tab.fill("link-lost", "5").await?;
    tab.fill("link-doubled", "50").await?;
    tab.press("link-set").await?;
    let (a, b) = (near.min(far), near.max(far));
    let said = format!(
        "The link {a}–{b} delays messages by 20 to 30 ms, loses 5 %, doubles 50 %, both ways."
    );
    says(&tab, "link-told", &said).await?;
    for (from, to) in [(a, b), (b, a)] {
        let words = "20 to 30 ms late, 5 % lost, 50 % doubled";
        says(&tab, &way(from, to), words).await?;
    }
    pictures(&tab, "links-mixed").await?;
    tab.press("heal").await?;
    commit(&tab).await?;
    tab.agreement(3).await?;
    Ok(())
}

/// Nine nodes have thirty-six links: those of one node are listed, or those that are impaired; the map
/// opens any. All by keys.
pub async fn many_links(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=9&host=auto&revive=manual")
        .await?;
    tab.healthy(9).await?;
    tab.press("links-open").await?;
    ensure!(listed(&tab).await?.is_empty(), "{:?}", listed(&tab).await?);
    tab.choose("links-listed", "4").await?;
    let of_four = listed(&tab).await?;
    ensure!(
        of_four.len() == 8 && of_four.iter().all(|it| it.contains('4')),
        "{of_four:?}"
    );
    pictures(&tab, "links-of-nine").await?;
    open_form(&tab, 4, 9).await?;
    choose(&tab, 4, 9, "slow", Some(("link-delay", 50.0))).await?;
    tab.choose("links-listed", "impaired").await?;
    ensure!(listed(&tab).await? == ["4-9"], "{:?}", listed(&tab).await?);
    // From the map, by keys: what is changed is listed, impaired or not.
    let focus = "document.querySelector('[data-testid=link-1-2]').focus()";
    tab.run(focus, Value::Null).await?;
    tab.type_keys("c").await?;
    eventually("its form", SOON, async || {
        let all = listed(&tab).await?;
        ensure!(all == ["1-2", "4-9"], "{all:?}");
        let look = "return document.activeElement.dataset.testid";
        let at: String = tab.eval(look, Value::Null).await?;
        ensure!(at == "link-direction", "the focus is at {at}");
        Ok(())
    })
    .await?;
    tab.press("heal").await?;
    tab.choose("links-listed", "all").await?;
    ensure!(listed(&tab).await?.len() == 36);
    Ok(())
}

/// The links that are listed, as "1-2".
async fn listed(tab: &Tab) -> Result<Vec<String>> {
    let look =
        "return [...document.querySelectorAll('[data-testid=links] [data-testid^=edit-link-]')]
        .map((it) => it.dataset.testid.slice('edit-link-'.length))";
    tab.eval(look, Value::Null).await
}

fn way(from: u64, to: u64) -> String {
    format!("way-{from}-{to}")
}

async fn says(tab: &Tab, name: &str, words: &str) -> Result<()> {
    tab.shows(name, words, |it| it.contains(words)).await?;
    Ok(())
}

/// Opens the form of a link, if it is not open.
async fn open_form(tab: &Tab, one: u64, other: u64) -> Result<()> {
    let name = format!("edit-link-{}-{}", one.min(other), one.max(other));
    let look = "return document.querySelector(`[data-testid=${args}]`).ariaExpanded";
    if tab.eval::<String>(look, json!(name)).await? == "false" {
        tab.press(&name).await?;
    }
    Ok(())
}

/// Fills the form that is open, for one direction, and sends it.
async fn choose(
    tab: &Tab,
    from: u64,
    to: u64,
    state: &str,
    number: Option<(&str, f64)>,
) -> Result<()> {
    let direction = if from < to { "there" } else { "back" };
    tab.choose("link-direction", direction).await?;
    tab.choose("link-state", state).await?;
    if let Some((field, number)) = number {
        tab.fill(field, &number.to_string()).await?;
    }
    tab.press("link-set").await?;
    let words = if from < to {
        format!("{from}→{to}")
    } else {
        format!("{to}→{from}")
    };
    eventually(&words, SOON, async || {
        let said = tab.text("link-told").await?;
        ensure!(!said.is_empty() && said != "Waiting…", "{said:?}");
        Ok(())
    })
    .await
}

/// Puts a key by the form; returns the time that the page says it took, in milliseconds.
async fn commit(tab: &Tab) -> Result<f64> {
    let before = tab.text("result").await?;
    tab.press("put").await?;
    let said = tab
        .shows("result", "a write", |it| {
            it.contains("Written at index") && it != before
        })
        .await?;
    let time = said.rsplit(", ").next().context("no time")?;
    let (number, unit) = time
        .trim_end_matches('.')
        .split_once(' ')
        .with_context(|| format!("no time in {said:?}"))?;
    let number: f64 = number.parse()?;
    Ok(if unit == "s" {
        1_000.0 * number
    } else {
        number
    })
}

/// What stands beside the lines of the map.
async fn map_words(tab: &Tab) -> Result<Vec<String>> {
    let look = "return [...document.querySelectorAll('.ring .how')].map((it) => it.textContent)";
    tab.eval(look, Value::Null).await
}

async fn label(tab: &Tab, name: &str) -> Result<String> {
    let look = "return document.querySelector(`[data-testid=${args}]`).ariaLabel";
    tab.eval(look, json!(name)).await
}

async fn pictures(tab: &Tab, name: &str) -> Result<()> {
    for screen in [
        Screen::new(1280, 900, false),
        Screen::new(1280, 900, true),
        Screen::new(390, 900, false),
        Screen::new(390, 900, true),
    ] {
        let width = tab.on_screen(screen).await?;
        ensure!(width <= screen.width, "{name} at {screen}: {width} wide");
        let show = "document.querySelector('.map').scrollIntoView()";
        tab.run(show, Value::Null).await?;
        let path = workspace().join(format!("target/screenshots/{name}-{screen}.png"));
        tab.screenshot(&path).await?;
    }
    tab.on_own_screen().await
}
