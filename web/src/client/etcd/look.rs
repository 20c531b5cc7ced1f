//! Whether an endpoint is what it should be: etcd, new enough, readable for this page, and of the
//! cluster that was meant.

use super::fault::is_new_enough;
use super::fetch::{self, Lost};
use super::json::Json;
use crate::model::ApiError;

/// How long an endpoint may take to say how it is, in milliseconds.
const LOOK_MS: f64 = 2_500.0;

/// What a member said of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    pub cluster: u64,
    pub member: u64,
    pub leader: u64,
    pub term: u64,
    pub commit: u64,
    pub applied: u64,
    pub revision: u64,
    pub db_bytes: u64,
    pub version: String,
    pub is_learner: bool,
    /// What it says is wrong with it.
    pub errors: String,
}

/// Asks an endpoint how it is.
///
/// # Errors
/// `MIXED_CONTENT`, `UNREACHABLE`, `NO_CORS`, `NOT_ETCD`, `OLD_ETCD`.
pub async fn look(url: &str) -> Result<Look, ApiError> {
    if is_mixed(url) {
        return Err(ApiError::new(
            "MIXED_CONTENT",
            format!(
                "This page came over https, and browsers let such a page ask {url} only over https \
                 or on this machine (localhost)."
            ),
        ));
    }
    let status = format!("{url}/v3/maintenance/status");
    match fetch::post(&status, "{}", None, LOOK_MS).await {
        Ok(reply) if reply.is_ok => of_status(url, &reply.body),
        Ok(_) | Err(Lost::Strange(_) | Lost::Large) => Err(not_new_etcd(url).await),
        Err(Lost::Time) => Err(ApiError::new(
            "UNREACHABLE",
            format!("{url} does not answer within {LOOK_MS} ms."),
        )),
        Err(Lost::Connection) => Err(unreadable(url).await),
    }
}

fn of_status(url: &str, body: &Json) -> Result<Look, ApiError> {
    let header = body.get("header");
    let look = Look {
        cluster: header.whole("cluster_id"),
        member: header.whole("member_id"),
        leader: body.whole("leader"),
        term: body.whole("raftTerm"),
        commit: body.whole("raftIndex"),
        applied: body.whole("raftAppliedIndex"),
        revision: header.whole("revision"),
        db_bytes: body.whole("dbSize"),
        version: body.text("version"),
        is_learner: body.is("isLearner"),
        errors: {
            let errors = body.list("errors").into_iter();
            let errors: Vec<_> = errors.filter_map(|it| it.as_text()).collect();
            errors.join(", ")
        },
    };
    if look.cluster == 0 || look.member == 0 || look.version.is_empty() {
        return Err(not_etcd(url));
    }
    if !is_new_enough(&look.version) {
        return Err(old(url, &look.version));
    }
    Ok(look)
}

/// It has no gateway at /v3: its version says why, if it has one.
async fn not_new_etcd(url: &str) -> ApiError {
    match fetch::get(&format!("{url}/version"), LOOK_MS).await {
        Ok(reply) if reply.is_ok => {
            let version = reply.body.text("etcdserver");
            match version.is_empty() || is_new_enough(&version) {
                true => not_etcd(url),
                false => old(url, &version),
            }
        }
        _ => not_etcd(url),
    }
}

/// Nothing came: nobody is there, or whoever is there does not let this page read it. Browsers say
/// the same of both, but only somebody who is there answers a request that nobody will read.
async fn unreadable(url: &str) -> ApiError {
    let version = format!("{url}/version");
    if !fetch::answers(&version, LOOK_MS).await {
        return ApiError::new(
            "UNREACHABLE",
            format!(
                "{url} does not answer: nobody listens there, or its certificate is not trusted."
            ),
        );
    }
    let origin = web_sys::window().and_then(|window| window.location().origin().ok());
    let origin = origin.unwrap_or_default();
    ApiError::new(
        "NO_CORS",
        format!(
            "{url} answers, but does not let this page read it. If it is etcd, its --cors must be \
             '*' or name {origin}."
        ),
    )
}

fn not_etcd(url: &str) -> ApiError {
    ApiError::new(
        "NOT_ETCD",
        format!("{url} answers, but not as etcd's v3 gateway does."),
    )
}

fn old(url: &str, version: &str) -> ApiError {
    ApiError::new(
        "OLD_ETCD",
        format!("{url} is etcd {version}. It must be 3.4 or newer."),
    )
}

pub fn foreign(url: &str, found: u64, wanted: u64) -> ApiError {
    ApiError::new(
        "FOREIGN_CLUSTER",
        format!("{url} is a member of cluster {found:x}, not of {wanted:x}. It is not asked."),
    )
}

/// Whether the browser refuses such a request from this page.
fn is_mixed(url: &str) -> bool {
    let protocol = web_sys::window().and_then(|window| window.location().protocol().ok());
    protocol.as_deref() == Some("https:") && is_insecure(url)
}

/// Plain http to another machine.
fn is_insecure(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let here = ["localhost", "127.0.0.1", "[::1]"];
    !here.iter().any(|host| {
        let port = rest.strip_prefix(host);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn only_this_machine_may_be_asked_over_http() {
        let insecure = [
            "http://10.0.0.1:2379",
            "http://localhost.example",
            "http://127.0.0.10:1",
        ];
        assert!(insecure.iter().all(|url| is_insecure(url)));
        let fine = [
            "http://localhost:2379",
            "http://127.0.0.1:2379",
            "http://[::1]:1",
            "https://a",
        ];
        assert!(!fine.iter().any(|url| is_insecure(url)));
    }

    #[test]
    fn what_is_no_status_is_not_etcd() {
        let code = |text| {
            let json = Json::parse(text).unwrap();
            of_status("http://e", &json).map_err(|error| error.code)
        };
        assert_eq!(code("{}"), Err("NOT_ETCD"));
        assert_eq!(code(r#"{"version":"3.4.23"}"#), Err("NOT_ETCD"));
        let old = r#"{"header":{"cluster_id":"1","member_id":"2"},"version":"3.3.9"}"#;
        assert_eq!(code(old), Err("OLD_ETCD"));
        let status = r#"{"header":{"cluster_id":"18446744073709551615","member_id":"2",
            "revision":"7","raft_term":"3"},"version":"3.4.23","dbSize":"20480","leader":"2",
            "raftIndex":"10","raftTerm":"3","raftAppliedIndex":"9"}"#;
        let look = code(status).unwrap();
        assert_eq!(
            (look.cluster, look.revision, look.commit),
            (u64::MAX, 7, 10)
        );
        assert_eq!((look.applied, look.leader, look.term), (9, 2, 3));
    }
}
