//! Endpoints that are not what they should be: each is named, and nothing is written anywhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tabraft_browser_tests::case::Case;
use tabraft_browser_tests::etcd::Trio;
use tabraft_browser_tests::tab::{ApiError, Tab, error_of};
use tabraft_browser_tests::wait::{SOON, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Somebody who answers everything with one body, posts with one status, and lets pages read it.
struct Impostor {
    url: String,
    /// Requests that would have written something.
    writes: Arc<AtomicUsize>,
}

impl Impostor {
    async fn start(status: u16, body: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let writes = Arc::new(AtomicUsize::new(0));
        let count = writes.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(async move {
                    let mut request = vec![0; 8_192];
                    let read = stream.read(&mut request).await.unwrap_or(0);
                    let request = String::from_utf8_lossy(&request[..read]).into_owned();
                    if request.starts_with("POST /v3/kv") {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    let is_post = request.starts_with("POST");
                    let status = if is_post { status } else { 200 };
                    let answer = format!(
                        "HTTP/1.1 {status} so\r\nAccess-Control-Allow-Origin: *\r\n\
                         Access-Control-Allow-Headers: content-type, authorization\r\n\
                         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    // Whoever asked may be gone.
                    drop(stream.write_all(answer.as_bytes()).await);
                });
            }
        });
        Ok(Self { url, writes })
    }
}

/// What the page of these endpoints fails with, and what it shows.
async fn refused(case: &Case, endpoints: &str) -> Result<(ApiError, String)> {
    let tab = Tab::open_blank(&case.browser).await?;
    case.keep(&tab);
    let query = format!("?engine=etcd&endpoints={endpoints}");
    let url = case.server.page(&query);
    tab.browser.driver_at(&tab.window).await?.goto(&url).await?;
    let error = error_of(tab.ready().await).with_context(|| endpoints.to_owned())?;
    // A person reads the same.
    tab.shows("notices", "why", |it| it.contains(&error.message))
        .await?;
    let put = error_of(tab.put("k", "v").await)?;
    ensure!(put.code == error.code, "a write says {put}");
    Ok((error, tab.text("notices").await?))
}

pub async fn etcd_wrong_endpoints(case: &Case) -> Result<()> {
    let with = Trio::of(1, &["--cors=*"]).await?;
    let other = Trio::of(1, &["--cors=*"]).await?;
    // By itself etcd lets all pages in.
    let without = Trio::of(1, &["--cors=http://elsewhere.example:80"]).await?;
    for trio in [&with, &other, &without] {
        trio.healthy().await?;
    }
    let old = r#"{"etcdserver":"3.3.27","etcdcluster":"3.3.0"}"#;
    let old = Impostor::start(404, old).await?;
    let strange = Impostor::start(200, "<html>It works.</html>").await?;
    let json = Impostor::start(200, "{}").await?;

    let cases = [
        (String::new(), "NO_ENDPOINTS", "Name its endpoints"),
        (
            "http://127.0.0.1:1".into(),
            "UNREACHABLE",
            "http://127.0.0.1:1 does not answer",
        ),
        (
            without.url(0),
            "NO_CORS",
            "its --cors must be '*' or name http://",
        ),
        (
            old.url.clone(),
            "OLD_ETCD",
            "is etcd 3.3.27. It must be 3.4 or newer.",
        ),
        (
            strange.url.clone(),
            "NOT_ETCD",
            "not as etcd's v3 gateway does",
        ),
        (
            json.url.clone(),
            "NOT_ETCD",
            "not as etcd's v3 gateway does",
        ),
        (
            format!("{},{}", with.url(0), other.url(0)),
            "FOREIGN_CLUSTER",
            "is a member of cluster",
        ),
    ];
    for (endpoints, code, words) in cases {
        let (error, _) = refused(case, &endpoints).await?;
        ensure!(
            error.code == code && error.message.contains(words),
            "{endpoints}: {error}"
        );
    }
    // What is no address is named, and never repeated: there may be a password in it.
    for endpoints in [
        "127.0.0.1:2379",
        "http://root:correct@127.0.0.1:2379",
        "ftp://e",
        "http://e/v3",
    ] {
        let (error, shown) = refused(case, endpoints).await?;
        ensure!(error.code == "NO_ENDPOINTS", "{endpoints}: {error}");
        let named = shown.contains("The address names endpoints that are none.");
        ensure!(named && !shown.contains("correct"), "{endpoints}: {shown}");
    }

    for impostor in [&old, &strange, &json] {
        let writes = impostor.writes.load(Ordering::Relaxed);
        ensure!(writes == 0, "{writes} writes to {}", impostor.url);
    }
    for trio in [&with, &other, &without] {
        let found = trio.ctl(&["get", "", "--prefix", "--keys-only"]).await?;
        ensure!(found.trim().is_empty(), "{found}");
    }

    // Beside one that is good, the others are named and not asked.
    let mixed = format!("{},{},{}", with.url(0), without.url(0), json.url);
    let tab = super::etcd::open(case, &mixed).await?;
    for word in ["--cors", "not as etcd's v3 gateway does"] {
        tab.shows("notices", "what is wrong", |it| it.contains(word))
            .await?;
    }
    for n in 0..20 {
        tab.put(&format!("k{n}"), "v").await?;
    }
    ensure!(
        json.writes.load(Ordering::Relaxed) == 0,
        "an impostor was asked"
    );

    // One that is another's when it comes back.
    foreign_later(&tab, with, other).await?;
    super::etcd::leave(case, &[&tab]).await?;
    without.end().await
}

/// A member that dies, and in whose place a member of another cluster listens then.
async fn foreign_later(tab: &Tab, with: Trio, mut other: Trio) -> Result<()> {
    let before = with.url(0);
    with.end().await?;
    eventually("that nobody answers", SOON, async || {
        let options = serde_json::json!(["k", { "timeoutMs": 200 }]);
        let error = error_of(tab.call("get", options).await)?;
        ensure!(
            ["UNREACHABLE", "TIMEOUT"].contains(&error.code.as_str()),
            "{error}"
        );
        Ok(())
    })
    .await?;
    let port = before.rsplit(':').next().unwrap_or_default().parse()?;
    other.kill(0).await?;
    other.listen_at(0, port);
    other.run(0)?;
    other.healthy().await?;
    eventually("that it is known for a stranger", SOON, async || {
        let put = serde_json::json!(["k", "v", { "timeoutMs": 200 }]);
        let error = error_of(tab.call("put", put).await)?;
        let named = error.code == "UNREACHABLE" && error.message.contains("is a member of cluster");
        ensure!(named, "{error}");
        Ok(())
    })
    .await?;
    let found = other.ctl(&["get", "", "--prefix", "--keys-only"]).await?;
    ensure!(found.trim().is_empty(), "it was written to: {found}");
    let look = "return (await tabraft.events({ since: 0 })).map((it) => it.text).join(' ')";
    let told: String = tab.eval(look, Value::Null).await?;
    ensure!(told.contains("is a member of cluster"), "{told}");
    other.end().await
}
