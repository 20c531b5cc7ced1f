//! The page without a mouse.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tabraft_browser_tests::case::{Case, workspace};
use tabraft_browser_tests::screen::Screen;
use tabraft_browser_tests::tab::Tab;
use tabraft_browser_tests::wait::{SOON, eventually};
use thirtyfour::Key;

/// From the first load a person with a keyboard alone writes a key, finds the leader, crashes it,
/// reads how the cluster recovered, cuts a link, heals it, and reads the list of keys: wide and
/// narrow. After every key something on the page has the focus, and it can be seen.
pub async fn keys_alone(case: &Case) -> Result<()> {
    for screen in [Screen::new(1400, 800, false), Screen::new(390, 800, true)] {
        let tab = case
            .open(
                &format!("w{}", screen.width),
                "&nodes=3&host=auto&revive=manual",
            )
            .await?;
        tab.on_screen(screen).await?;
        // As it is on such a screen from the first.
        tab.reload().await?;
        main_path(&Hands { tab: &tab, screen }).await?;
    }
    Ok(())
}

async fn main_path(hands: &Hands<'_>) -> Result<()> {
    let tab = hands.tab;
    let leader = tab.healthy(3).await?;
    hands.begin().await?;

    // A write. Letters are letters in a text field.
    hands.fill("wmnles").await?;
    hands.press(Key::Tab).await?;
    hands.at("value").await?;
    hands.fill("what?").await?;
    hands.press(Key::Enter).await?;
    tab.shows("result", "a write", |it| it.contains("Written at index"))
        .await?;
    hands.at("value").await?;
    ensure!(tab.get("wmnles").await?.as_deref() == Some("what?"));

    // The leader, and its end.
    hands.press(Key::Tab).await?;
    hands.at("put").await?;
    hands.type_("n").await?;
    hands.at(&format!("node-{leader}")).await?;
    let label = hands.focused().await?.label;
    ensure!(label == format!("Node {leader}, leader"), "{label}");
    hands.picture("keyboard-card").await?;
    hands.press(Key::Tab).await?;
    let crash = format!("crash-{leader}");
    hands.at(&crash).await?;
    hands.press(Key::Enter).await?;
    let (next, _) = tab.leader_other_than(&[leader]).await?;
    let words = format!("Node {next} leads");
    let sentence = tab
        .shows("sentence", &words, |it| it.contains(&words))
        .await?;
    ensure!(
        sentence.contains(&format!("Node {leader} is stopped")),
        "{sentence}"
    );
    hands.at(&crash).await?;

    // It starts again, and the page is whole.
    hands.tab_to(&format!("start-{leader}")).await?;
    hands.press(Key::Enter).await?;
    tab.healthy(3).await?;
    hands.at(&format!("start-{leader}")).await?;

    // A link is cut and healed.
    hands.type_("m").await?;
    hands.at("link-1-2").await?;
    hands.press(Key::Right).await?;
    hands.at("link-1-3").await?;
    hands.press(Key::Enter).await?;
    hands.says("Restore the link 1–3, which is cut").await?;
    hands.at("link-1-3").await?;
    hands.picture("keyboard-link").await?;
    hands.tab_to("heal").await?;
    hands.press(Key::Enter).await?;
    tab.shows("links-count", "no faults", |it| it == "all work")
        .await?;
    hands.at("heal").await?;
    tab.healthy(3).await?;

    one_way(hands).await?;
    list_of_keys(hands).await?;

    // The other parts of the page.
    for (key, name) in [
        ("w", "key"),
        ("l", "log-cursor"),
        ("e", "events"),
        ("s", "settings-open"),
    ] {
        hands.type_(key).await?;
        hands.at(name).await?;
        if name == "key" {
            hands.press(Key::Tab).await?;
            hands.press(Key::Tab).await?;
        }
    }
    hands.press(Key::Enter).await?;
    hands.press(Key::Tab).await?;
    hands.at("settings-snapshot-entries").await?;

    // A card that goes away with its node leaves the focus to what is around it.
    tab.call("stop", json!([3])).await?;
    tab.call("removeNode", json!([3])).await?;
    eventually("its button to wipe", SOON, async || {
        ensure!(tab.has("wipe-3").await?, "it is not there");
        Ok(())
    })
    .await?;
    let gone = "const it = document.querySelector('[data-testid=wipe-3]'); it.focus()";
    tab.run(gone, Value::Null).await?;
    hands.press(Key::Enter).await?;
    hands.at("keep-wipe-3").await?;
    hands.type_holding(Key::Shift, Key::Tab).await?;
    hands.at("confirm-wipe-3").await?;
    hands.press(Key::Enter).await?;
    eventually("its card to be gone", SOON, async || {
        ensure!(!tab.has("node-3").await?, "it is there");
        Ok(())
    })
    .await?;
    hands.at("nodes-title").await
}

/// Another way to change a link: its form.
async fn one_way(hands: &Hands<'_>) -> Result<()> {
    let tab = hands.tab;
    hands.type_("m").await?;
    hands.type_("c").await?;
    hands.at("link-direction").await?;
    hands.press(Key::Down).await?;
    hands.press(Key::Tab).await?;
    hands.at("link-state").await?;
    // In a list of choices a letter chooses.
    hands.type_("l").await?;
    hands.at("link-state").await?;
    hands.press(Key::Tab).await?;
    hands.at("link-lost").await?;
    hands.fill("25").await?;
    hands.press(Key::Enter).await?;
    let said = tab
        .shows("link-told", "what came of it", |it| it.contains("25 %"))
        .await?;
    ensure!(said.starts_with("The link from "), "{said}");
    hands.at("link-lost").await?;
    hands.picture("keyboard-form").await?;
    hands.press(Key::Escape).await?;
    ensure!(hands.focused().await?.name.starts_with("edit-link-"));
    tab.call("heal", json!([])).await?;
    Ok(())
}

async fn list_of_keys(hands: &Hands<'_>) -> Result<()> {
    let tab = hands.tab;
    let before = hands.focused().await?.name;
    hands.type_("?").await?;
    hands.at("keys-close").await?;
    hands.picture("keyboard-list").await?;
    // Single keys do not reach the page below.
    hands.type_("w").await?;
    hands.at("keys-close").await?;
    hands.press(Key::Tab).await?;
    hands.at("single-keys").await?;
    hands.press(Key::Space).await?;
    tab.shows("single-keys-told", "the switch", |it| {
        it == "Single keys are off."
    })
    .await?;
    hands.press(Key::Escape).await?;
    hands.at(&before).await?;
    // Off: neither the keys nor `?` do anything, on this page and on the next.
    hands.type_("w").await?;
    hands.type_("?").await?;
    hands.at(&before).await?;
    tab.reload().await?;
    tab.healthy(3).await?;
    // Until then the button that helps stands before the others.
    tab.shows("badge", "healthy", |it| it.eq_ignore_ascii_case("healthy"))
        .await?;
    // The button in the bar still opens the list.
    hands.enter().await?;
    hands.tab_back_to("list-keys").await?;
    hands.type_("e").await?;
    hands.at("list-keys").await?;
    hands.press(Key::Enter).await?;
    hands.at("keys-close").await?;
    hands.press(Key::Tab).await?;
    hands.press(Key::Space).await?;
    tab.shows("single-keys-told", "the switch", |it| {
        it == "Single keys are on."
    })
    .await?;
    hands.press(Key::Escape).await?;
    hands.at("list-keys").await
}

/// A person at the keyboard, who looks where the focus is after every key.
struct Hands<'a> {
    tab: &'a Tab,
    screen: Screen,
}

/// What has the focus.
#[derive(Debug, Deserialize)]
struct Focused {
    /// Its test id, or its id.
    name: String,
    label: String,
    /// Whether it is drawn with a ring around it.
    ring: bool,
    /// Whether it is in sight, with nothing before it.
    seen: bool,
}

impl Hands<'_> {
    async fn press(&self, key: Key) -> Result<()> {
        self.type_(&String::from(key.value())).await
    }

    async fn type_(&self, keys: &str) -> Result<()> {
        self.tab.type_keys(keys).await?;
        self.focused().await.map(drop)
    }

    async fn type_holding(&self, held: Key, key: Key) -> Result<()> {
        self.tab
            .type_holding(held, &String::from(key.value()))
            .await?;
        self.focused().await.map(drop)
    }

    /// Goes to the form: where it is in sight at once, it has the focus from the first.
    async fn begin(&self) -> Result<()> {
        if self.screen.width < 1360 {
            self.type_("w").await?;
        }
        self.at("key").await
    }

    /// Goes into a page that was just loaded: the browser may not hand it the first key.
    async fn enter(&self) -> Result<()> {
        eventually("the focus on the page", SOON, async || {
            self.tab.type_keys(&String::from(Key::Tab.value())).await?;
            let look = "return document.activeElement !== document.body";
            let there: bool = self.tab.eval(look, Value::Null).await?;
            ensure!(there, "it is not there");
            Ok(())
        })
        .await
    }

    /// Types over what the field has.
    async fn fill(&self, text: &str) -> Result<()> {
        self.tab.type_holding(Key::Control, "a").await?;
        self.type_(text).await
    }

    /// Goes on with the Tab key until `name` has the focus.
    async fn tab_to(&self, name: &str) -> Result<()> {
        for _ in 0..20 {
            self.press(Key::Tab).await?;
            if self.focused().await?.name == name {
                return Ok(());
            }
        }
        self.at(name).await
    }

    /// Goes back until then.
    async fn tab_back_to(&self, name: &str) -> Result<()> {
        for _ in 0..80 {
            if self.focused().await?.name == name {
                return Ok(());
            }
            self.type_holding(Key::Shift, Key::Tab).await?;
        }
        self.at(name).await
    }

    async fn at(&self, name: &str) -> Result<()> {
        eventually(&format!("the focus at `{name}`"), SOON, async || {
            let focused = self.focused().await?;
            ensure!(focused.name == name, "it is at {focused:?}");
            Ok(())
        })
        .await
    }

    /// Waits until what has the focus is called so.
    async fn says(&self, label: &str) -> Result<()> {
        eventually(label, SOON, async || {
            let focused = self.focused().await?;
            ensure!(focused.label == label, "it is {focused:?}");
            Ok(())
        })
        .await
    }

    /// What has the focus: never nothing, and always to be seen.
    async fn focused(&self) -> Result<Focused> {
        let look = "const it = document.activeElement;\
            if (!it || it === document.body) return null;\
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));\
            const style = getComputedStyle(it);\
            const box = it.getBoundingClientRect();\
            const within = (n, most) => Math.min(Math.max(n, 0), most - 1);\
            const x = within((box.left + box.right) / 2, innerWidth);\
            const y = within((box.top + box.bottom) / 2, innerHeight);\
            const top = document.elementFromPoint(x, y);\
            const inside = box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight;\
            return {\
                name: it.dataset.testid ?? it.id,\
                label: it.ariaLabel ?? it.textContent.trim().slice(0, 80),\
                ring: it.matches(':focus-visible') && style.outlineStyle !== 'none'\
                    && parseFloat(style.outlineWidth) >= 2,\
                seen: inside && !!top && (it.contains(top) || top.contains(it)),\
            }";
        eventually("the focus to be seen", SOON, async || {
            let found: Option<Focused> = self.tab.eval(look, Value::Null).await?;
            let Some(found) = found else {
                anyhow::bail!("nothing has the focus");
            };
            ensure!(found.ring && found.seen, "{found:?} at {}", self.screen);
            Ok(found)
        })
        .await
    }

    async fn picture(&self, name: &str) -> Result<()> {
        let name = format!("target/screenshots/{name}-{}.png", self.screen);
        self.tab.screenshot(&workspace().join(name)).await
    }
}
