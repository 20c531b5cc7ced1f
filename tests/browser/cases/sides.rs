//! The sides of a partition, chosen on the page.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tabraft_browser_tests::case::{Case, workspace};
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};
use thirtyfour::Key;

/// A partition by the page alone: the form begins with the leader in a minority, sides are chosen
/// there or by a press and a drag on the map, and both show the same. Cut apart, the majority has
/// another leader; healed, all follow it. The form begins with the sides in force.
pub async fn sides_by_choosing(case: &Case) -> Result<()> {
    let tab = case
        .open("main", "&nodes=3&host=auto&revive=manual")
        .await?;
    let old = tab.healthy(3).await?;
    let (near, far) = match old {
        1 => (2, 3),
        2 => (1, 3),
        _ => (1, 2),
    };
    let leads = format!("Node {old} leads");
    tab.shows("sentence", &leads, |it| it.contains(&leads))
        .await?;
    tab.press("partition").await?;
    are_on(&tab, [(old, 1), (near, 2), (far, 2)]).await?;
    let outlook = "Side 2 has 2 of 3 votes";
    tab.shows("partition-outlook", outlook, |it| it.starts_with(outlook))
        .await?;

    // By the form: nothing to cut, which is refused; three sides, none with a majority.
    tab.press(&format!("side-{old}-2")).await?;
    are_on(&tab, [(old, 2), (near, 2), (far, 2)]).await?;
    tab.press("partition-cut").await?;
    let refusal = "All nodes are on one side. Put at least one on another. BAD_ARGUMENT";
    tab.shows("map-told", refusal, |it| it == refusal).await?;
    tab.press(&format!("side-{old}-3")).await?;
    tab.press(&format!("side-{near}-1")).await?;
    are_on(&tab, [(old, 3), (near, 1), (far, 2)]).await?;
    tab.shows("partition-outlook", "no majority", |it| {
        it.starts_with("No side has a majority of 3 votes")
    })
    .await?;

    // On the map: two presses, and a drag from one node to another.
    tab.press(&format!("map-side-{old}")).await?;
    tab.press(&format!("map-side-{near}")).await?;
    are_on(&tab, [(old, 1), (near, 2), (far, 2)]).await?;
    drag(&tab, old, far).await?;
    are_on(&tab, [(old, 1), (near, 2), (far, 1)]).await?;
    drag(&tab, near, far).await?;
    are_on(&tab, [(old, 1), (near, 2), (far, 2)]).await?;

    // By keys: an arrow goes on to the next side.
    let focus = "document.querySelector(`[data-testid=side-${args}-1]`).focus()";
    tab.run(focus, json!(old)).await?;
    tab.type_keys(&Key::Right.value().to_string()).await?;
    are_on(&tab, [(old, 2), (near, 2), (far, 2)]).await?;
    tab.type_keys(&Key::Left.value().to_string()).await?;
    are_on(&tab, [(old, 1), (near, 2), (far, 2)]).await?;

    tab.press("partition-cut").await?;
    let said = format!("Cut apart: node {old} | nodes {near}, {far}.");
    tab.shows("map-told", &said, |it| it == said).await?;
    tab.shows("links-count", "the cut links", |it| {
        it == "4 of 6 directions impaired"
    })
    .await?;
    let (new, _) = tab.leader_other_than(&[old]).await?;
    ensure!(tab.put("k", "1").await?["index"].as_u64() > Some(0));

    // Chosen and not cut is forgotten with the form.
    tab.press(&format!("side-{new}-3")).await?;
    tab.press("partition").await?;
    ensure!(
        !tab.has(&format!("map-side-{old}")).await?,
        "sides, unasked"
    );
    tab.press("partition").await?;
    // The first node is on the first side.
    let (few, many) = if old == 1 { (1, 2) } else { (2, 1) };
    are_on(&tab, [(old, few), (near, many), (far, many)]).await?;

    for screen in [Screen::new(1280, 900, false), Screen::new(390, 900, true)] {
        let width = tab.on_screen(screen).await?;
        ensure!(width <= screen.width, "at {screen}: {width} wide");
        let show = "document.querySelector('.map').scrollIntoView()";
        tab.run(show, Value::Null).await?;
        let path = workspace().join(format!("target/screenshots/sides-{screen}.png"));
        tab.screenshot(&path).await?;
    }
    tab.on_own_screen().await?;
    tab.press("heal").await?;
    tab.healthy(3).await?;
    tab.agreement(3).await?;
    Ok(())
}

async fn are_on(tab: &Tab, sides: [(u64, u64); 3]) -> Result<()> {
    for (id, side) in sides {
        is_on(tab, id, side).await?;
    }
    Ok(())
}

/// The form and the map show a node on a side.
async fn is_on(tab: &Tab, id: u64, side: u64) -> Result<()> {
    let look = "const id = args;\
        const of = (name) => document.querySelector(`[data-testid=${name}]`);\
        const chosen = [1, 2, 3].filter((n) => of(`side-${id}-${n}`).checked);\
        return { chosen, word: of(`map-role-${id}`).textContent, shape: of(`map-side-${id}`).className.baseVal }";
    eventually(&format!("node {id} on side {side}"), SOON, async || {
        let seen: Value = tab.eval(look, json!(id)).await?;
        let word = seen["word"].as_str().unwrap_or_default();
        ensure!(
            seen["chosen"] == json!([side])
                && word.ends_with(&format!(", side {side}"))
                && seen["shape"] == json!(format!("side side-{side}")),
            "{seen}"
        );
        Ok(())
    })
    .await
}

/// From a node to another on the map.
async fn drag(tab: &Tab, from: u64, to: u64) -> Result<()> {
    let drag = "const at = (id) => document.querySelector(`[data-testid=map-side-${id}]`);\
        at(args[0]).dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, buttons: 1 }));\
        at(args[1]).dispatchEvent(new PointerEvent('pointerenter', { buttons: 1 }));";
    tab.run(drag, json!([from, to])).await?;
    Ok(())
}
