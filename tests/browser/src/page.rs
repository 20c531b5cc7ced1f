//! What a person sees and presses. An element is named by its test id, an element in another by
//! `outer/inner`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thirtyfour::components::SelectElement;
use thirtyfour::prelude::*;

use crate::kind::Kind;
use crate::tab::Tab;
use crate::wait::{SOON, eventually};

fn selector(name: &str) -> String {
    let parts = name.split('/').map(|id| format!("[data-testid=\"{id}\"]"));
    parts.collect::<Vec<_>>().join(" ")
}

/// Whether a click certainly did not reach its element.
fn missed(error: &WebDriverError) -> bool {
    use thirtyfour::error::WebDriverErrorInner as E;
    matches!(
        error.as_inner(),
        E::StaleElementReference(_) | E::ElementNotInteractable(_) | E::ElementClickIntercepted(_)
    )
}

impl Tab {
    async fn element(driver: &WebDriver, name: &str) -> Result<WebElement> {
        let found = driver.find(By::Css(selector(name))).await;
        found.with_context(|| format!("`{name}` on the page"))
    }

    /// Whether the page has such an element.
    pub async fn has(&self, name: &str) -> Result<bool> {
        let look = "return document.querySelector(args) !== null";
        self.eval(look, json!(selector(name))).await
    }

    /// Chooses a file, as a person does in the browser's dialogue.
    pub async fn choose_file(&self, name: &str, path: &Path) -> Result<()> {
        let driver = self.browser.driver_at(&self.window).await?;
        let element = Self::element(&driver, name).await?;
        Ok(element.send_keys(path.to_string_lossy()).await?)
    }

    /// The visible text of an element.
    pub async fn text(&self, name: &str) -> Result<String> {
        let driver = self.browser.driver_at(&self.window).await?;
        Ok(Self::element(&driver, name).await?.text().await?)
    }

    /// A click, where a person's would land, once the element is there and takes it. It is looked
    /// for again as long as it moves, and pressed once.
    pub async fn press(&self, name: &str) -> Result<()> {
        eventually(&format!("`{name}` to press"), SOON, async || {
            self.rests(name).await?;
            let driver = self.browser.driver_at(&self.window).await?;
            let element = Self::element(&driver, name).await?;
            let disabled = element.attr("aria-disabled").await?;
            ensure!(disabled.as_deref() != Some("true"), "it does not apply");
            // To the middle: the bar covers the upper edge.
            element.scroll_into_view().await?;
            match element.click().await {
                Err(error) if missed(&error) => Err(error.into()),
                // Not again: the first may have been felt.
                clicked => Ok(clicked),
            }
        })
        .await?
        .with_context(|| format!("pressing `{name}`"))
    }

    pub async fn fill(&self, name: &str, text: &str) -> Result<()> {
        self.rests(name).await?;
        let driver = self.browser.driver_at(&self.window).await?;
        let element = Self::element(&driver, name).await?;
        element.clear().await?;
        element
            .send_keys(text)
            .await
            .with_context(|| format!("typing into `{name}`"))
    }

    /// Chooses an option of a list by its value.
    pub async fn choose(&self, name: &str, value: &str) -> Result<()> {
        self.rests(name).await?;
        let driver = self.browser.driver_at(&self.window).await?;
        let element = Self::element(&driver, name).await?;
        let select = SelectElement::new(&element).await?;
        select
            .select_by_value(value)
            .await
            .with_context(|| format!("choosing {value:?} in `{name}`"))
    }

    /// [`Self::bring_to_rest`] where that is needed.
    async fn rests(&self, name: &str) -> Result<()> {
        match self.browser.kind {
            Kind::WebKit => self.bring_to_rest(name).await,
            _ => Ok(()),
        }
    }

    /// Scrolls to an element and waits until it moves no more: WebKit scrolls in another thread, and
    /// its driver clicks where the element was. A tab that is not drawn yet has no frames.
    async fn bring_to_rest(&self, name: &str) -> Result<()> {
        let scroll = "const it = document.querySelector(args);\
                      it?.scrollIntoView({ block: 'center' });\
                      for (let before, left = 30; it && left > 0; left--) {\
                        await new Promise((done) => {\
                          requestAnimationFrame(() => requestAnimationFrame(done));\
                          setTimeout(done, 200);\
                        });\
                        const { top } = it.getBoundingClientRect();\
                        if (top === before) break;\
                        before = top;\
                      }";
        self.run(scroll, json!(selector(name))).await?;
        Ok(())
    }

    /// A click at a part of an element's width, from 0 to 1, half-way down.
    pub async fn press_at(&self, name: &str, part: f64) -> Result<()> {
        self.bring_to_rest(name).await?;
        let driver = self.browser.driver_at(&self.window).await?;
        let element = Self::element(&driver, name).await?;
        let width = element.rect().await?.width;
        // From the middle.
        let x = ((part - 0.5) * width).round() as i64;
        let chain = driver.action_chain_with_delay(Some(Duration::ZERO), None);
        let chain = chain.move_to_element_with_offset(&element, x, 0);
        Ok(chain.click().perform().await?)
    }

    /// Presses and releases keys, one after the other, wherever the focus is.
    pub async fn type_keys(&self, keys: &str) -> Result<()> {
        let driver = self.browser.driver_at(&self.window).await?;
        let chain = driver.action_chain_with_delay(Some(Duration::ZERO), None);
        Ok(chain.send_keys(keys).perform().await?)
    }

    /// The same with one key held down meanwhile.
    pub async fn type_holding(&self, held: Key, key: &str) -> Result<()> {
        let driver = self.browser.driver_at(&self.window).await?;
        let chain = driver.action_chain_with_delay(Some(Duration::ZERO), None);
        let chain = chain.key_down(held.value()).send_keys(key);
        Ok(chain.key_up(held.value()).perform().await?)
    }

    /// The visible text of the row of `key` in the table of keys, if it is there.
    pub async fn row(&self, key: &str) -> Result<Option<String>> {
        let look = "const rows = document.querySelectorAll('[data-testid=keys] [data-key]');\
                    const row = [...rows].find((it) => it.dataset.key === args);\
                    return row ? row.innerText : null";
        self.eval(look, json!(key)).await
    }

    /// Waits until the text of an element is as required.
    pub async fn shows(
        &self,
        name: &str,
        what: &str,
        required: impl Fn(&str) -> bool,
    ) -> Result<String> {
        eventually(what, SOON, async || {
            let text = self.text(name).await?;
            ensure!(required(&text), "`{name}` shows {text:?}");
            Ok(text)
        })
        .await
    }
}
