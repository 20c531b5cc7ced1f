//! All that tabraft keeps in this browser, by name, and deleting it.

use futures_util::future::join_all;
use js_sys::{Array, Promise, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Storage;

use crate::client::within;
use crate::host::idb;
use crate::host::lock::{self, Mode};
use crate::model::ApiError;
use crate::names::{OUR_CACHES, OURS, ROTATION_DATABASE, caches_lock};

/// Deleting may find databases that were being made when it began: so often it looks again.
const ROUNDS: usize = 3;
/// How long a service worker may take to keep a build, in milliseconds.
const KEEPING_MS: u32 = 5_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = caches, js_name = keys, catch)]
    fn cache_names() -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = caches, js_name = delete, catch)]
    fn delete_cache(name: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["navigator", "serviceWorker"], js_name = getRegistration, catch)]
    fn registration() -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["navigator", "storage"], js_name = estimate, catch)]
    fn estimate() -> Result<Promise, JsValue>;
}

/// What there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    pub databases: Vec<String>,
    /// Keys of the browser's `localStorage`.
    pub stored: Vec<String>,
    pub caches: Vec<String>,
    /// About how many bytes the whole site has, where the browser says it.
    pub bytes: Option<f64>,
    /// Other tabs that will be ended.
    pub other_tabs: usize,
}

/// What was deleted, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    pub databases: Vec<String>,
    pub stored: Vec<String>,
    pub caches: Vec<String>,
    pub left: Vec<Left>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub name: String,
    pub reason: String,
}

impl Deleted {
    /// What was not deleted, in sentences.
    pub fn left_in_words(&self) -> String {
        let each = self
            .left
            .iter()
            .map(|it| format!("{}: {}", it.name, it.reason));
        format!(
            "Not all was deleted. {}",
            each.collect::<Vec<_>>().join(" ")
        )
    }

    fn leave(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.left.push(Left {
            name: name.into(),
            reason: reason.into(),
        });
    }
}

/// # Errors
/// `NO_STORAGE`.
pub async fn list() -> Result<Kept, ApiError> {
    Ok(Kept {
        databases: databases().await?,
        stored: local().map(|it| names(&it)).unwrap_or_default(),
        // A page without service workers has no caches.
        caches: caches().await.unwrap_or_default(),
        bytes: bytes().await,
        other_tabs: 0,
    })
}

/// Deletes all there is. Nobody else may use any of it.
pub async fn delete_all() -> Deleted {
    let mut deleted = Deleted::default();
    delete_databases(&mut deleted).await;
    if let Some(storage) = local() {
        for name in names(&storage) {
            match storage.remove_item(&name) {
                Ok(()) => deleted.stored.push(name),
                Err(error) => deleted.leave(name, ApiError::browser("It stays", &error).message),
            }
        }
    }
    delete_caches(&mut deleted).await;
    deleted
}

async fn delete_databases(deleted: &mut Deleted) {
    for _ in 0..ROUNDS {
        let found = match databases().await {
            Ok(found) => found,
            Err(error) => return deleted.leave("The databases", error.message),
        };
        let found: Vec<_> = found
            .into_iter()
            .filter(|name| deleted.left.iter().all(|it| it.name != *name))
            .collect();
        if found.is_empty() {
            return;
        }
        let outcomes = join_all(found.iter().map(|name| idb::delete(name))).await;
        for (name, outcome) in found.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => deleted.databases.push(name),
                Err(error) => deleted.leave(name, error.to_string()),
            }
        }
    }
}

/// The service worker goes first, and what it was about to keep is waited for.
async fn delete_caches(deleted: &mut Deleted) {
    match unregister().await {
        Ok(scope) => {
            let name = caches_lock(&scope.unwrap_or_default());
            let _kept = within(lock::acquire(&name, Mode::Wait), KEEPING_MS).await;
        }
        Err(error) => deleted.leave(
            "The service worker",
            ApiError::browser("It stays", &error).message,
        ),
    }
    for name in caches().await.unwrap_or_default() {
        let gone = async { JsFuture::from(delete_cache(&name)?).await };
        match gone.await {
            Ok(_) => deleted.caches.push(name),
            Err(error) => deleted.leave(name, ApiError::browser("It stays", &error).message),
        }
    }
}

/// The scope of the service worker that there was.
async fn unregister() -> Result<Option<String>, JsValue> {
    // Where there can be no service workers, asking fails.
    let Ok(asked) = registration() else {
        return Ok(None);
    };
    let registration = JsFuture::from(asked).await?;
    if registration.is_undefined() {
        return Ok(None);
    }
    let unregister = Reflect::get(&registration, &"unregister".into())?;
    let unregister: js_sys::Function = unregister.dyn_into()?;
    let done: Promise = unregister.call0(&registration)?.dyn_into()?;
    JsFuture::from(done).await?;
    Ok(Reflect::get(&registration, &"scope".into())?.as_string())
}

async fn databases() -> Result<Vec<String>, ApiError> {
    let mut names = idb::names().await?;
    names.retain(|name| name.starts_with(OURS) || name == ROTATION_DATABASE);
    names.sort_unstable();
    Ok(names)
}

async fn caches() -> Result<Vec<String>, JsValue> {
    let names: Array = JsFuture::from(cache_names()?).await?.dyn_into()?;
    let names = names.iter().filter_map(|it| it.as_string());
    Ok(names.filter(|it| it.starts_with(OUR_CACHES)).collect())
}

async fn bytes() -> Option<f64> {
    let told = JsFuture::from(estimate().ok()?).await.ok()?;
    Reflect::get(&told, &"usage".into()).ok()?.as_f64()
}

/// Keys of this site's storage that are tabraft's.
fn names(storage: &Storage) -> Vec<String> {
    let count = storage.length().unwrap_or(0);
    let keys = (0..count).filter_map(|n| storage.key(n).ok().flatten());
    let mut ours: Vec<_> = keys.filter(|it| is_ours(it)).collect();
    ours.sort_unstable();
    ours
}

fn is_ours(key: &str) -> bool {
    key.starts_with(OURS) || key.starts_with("tabraft.")
}

fn local() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

/// Forgets what this tab kept for its own reload.
pub fn forget_session() {
    let session = web_sys::window().and_then(|it| it.session_storage().ok().flatten());
    let Some(session) = session else {
        return;
    };
    for name in names(&session) {
        if let Err(error) = session.remove_item(&name) {
            web_sys::console::warn_2(&"tabraft: a reload will remember:".into(), &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_is_left_is_named() {
        let mut deleted = Deleted::default();
        deleted.leave("tabraft:demo:2", "Another tab keeps it.");
        deleted.leave("tabraft:demo", "Another tab keeps it.");
        assert_eq!(
            deleted.left_in_words(),
            "Not all was deleted. tabraft:demo:2: Another tab keeps it. tabraft:demo: Another tab \
             keeps it."
        );
    }

    #[test]
    fn what_others_keep_is_not_ours() {
        for key in ["tabraft:demo:identity", "tabraft.single-keys"] {
            assert!(is_ours(key), "{key}");
        }
        for key in ["theme", "tabrafts", "x:tabraft:"] {
            assert!(!is_ours(key), "{key}");
        }
    }
}
