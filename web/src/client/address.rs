//! The page's URL: read for its parameters, and made for other tabs.

use crate::model::ApiError;

/// # Errors
/// `BROWSER` if the address cannot be read, here and below.
pub fn parameters() -> Result<Vec<(String, String)>, ApiError> {
    let mut found = Vec::new();
    let entries = js_sys::try_iter(&page()?.search_params()).map_err(unreadable)?;
    for entry in entries.into_iter().flatten() {
        let entry = js_sys::Array::from(&entry.map_err(unreadable)?);
        if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            found.push((name, value));
        }
    }
    Ok(found)
}

/// The page's address, with `host` set to one replica and all other parameters kept.
///
/// # Errors
/// As [`parameters`].
pub fn for_host(cluster: &str, id: u64) -> Result<String, ApiError> {
    let url = page()?;
    url.search_params().set("cluster", cluster);
    url.search_params().set("host", &id.to_string());
    url.search_params().delete("experiment");
    Ok(url.href())
}

/// The address at which another cluster opens and is hosted.
///
/// # Errors
/// As [`parameters`].
pub fn for_cluster(cluster: &str) -> Result<String, ApiError> {
    let url = page()?;
    url.search_params().set("cluster", cluster);
    url.search_params().set("host", "auto");
    url.search_params().delete("nodes");
    url.search_params().delete("experiment");
    Ok(url.href())
}

/// The address at which the page is a client of an etcd. No name and no password is ever in it.
///
/// # Errors
/// As [`parameters`].
pub fn for_etcd(endpoints: &[String]) -> Result<String, ApiError> {
    let url = page()?;
    url.set_search("");
    url.search_params().set("engine", "etcd");
    url.search_params().set("endpoints", &endpoints.join(","));
    Ok(url.href())
}

/// The address at which any browser opens the page with these parameters, and no others.
///
/// # Errors
/// As [`parameters`].
pub fn with(parameters: &[(&str, String)]) -> Result<String, ApiError> {
    let url = page()?;
    url.set_search("");
    for (name, value) in parameters {
        url.search_params().append(name, value);
    }
    Ok(url.href())
}

fn page() -> Result<web_sys::Url, ApiError> {
    let window =
        web_sys::window().ok_or_else(|| ApiError::new("BROWSER", "There is no window."))?;
    let href = window.location().href().map_err(unreadable)?;
    let url = web_sys::Url::new(&href).map_err(unreadable)?;
    url.set_hash("");
    Ok(url)
}

fn unreadable(error: wasm_bindgen::JsValue) -> ApiError {
    ApiError::browser("The page's address could not be read", &error)
}
