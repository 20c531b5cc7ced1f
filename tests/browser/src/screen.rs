//! The screen a tab is on: how large it is, and whether the person likes it dark. Chromium only.

use anyhow::Result;
use serde_json::{Value, json};

use crate::tab::Tab;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

impl Screen {
    pub const fn new(width: u32, height: u32, dark: bool) -> Self {
        Self {
            width,
            height,
            dark,
        }
    }
}

impl std::fmt::Display for Screen {
    /// As in the name of a picture.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dark = if self.dark { "-dark" } else { "" };
        write!(out, "{}{dark}", self.width)
    }
}

impl Tab {
    /// Puts the tab on such a screen, and waits until it is drawn there. Returns how wide the page
    /// is, which should be no more than the screen.
    pub async fn on_screen(&self, screen: Screen) -> Result<u32> {
        let metrics = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": 1,
            "mobile": screen.width < 600,
        });
        let scheme = if screen.dark { "dark" } else { "light" };
        // Without motion no colour is on its way to another while somebody looks.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.emulate(Some(metrics), features).await?;
        // Painted twice, so that the new size is laid out.
        let painted = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));\
                       return document.documentElement.scrollWidth";
        self.eval(painted, Value::Null).await
    }

    /// Puts it back on the browser's own.
    pub async fn on_own_screen(&self) -> Result<()> {
        self.emulate(None, json!([])).await
    }

    async fn emulate(&self, metrics: Option<Value>, features: Value) -> Result<()> {
        let driver = self.browser.driver_at(&self.window).await?;
        let cdp = driver.cdp();
        let (command, metrics) = match metrics {
            Some(metrics) => ("Emulation.setDeviceMetricsOverride", metrics),
            None => ("Emulation.clearDeviceMetricsOverride", json!({})),
        };
        cdp.send_raw(command, metrics).await?;
        let media = json!({ "features": features });
        cdp.send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }
}
