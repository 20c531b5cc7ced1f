//! The links in the documents: whatever one leads to is there, and a link to a line has for its text
//! something that stands on that line.
//!
//! Where the sources have moved on, `REWRITE=1 cargo test --test docs` puts the numbers right: each
//! becomes that of the nearest line with the text. Look at what it changed: a text may stand on
//! several lines.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// `[text](target)`
struct Link<'a> {
    text: String,
    target: &'a str,
    /// Where the target is in its document.
    place: Range<usize>,
}

/// What is wrong with a link, and the line that it could lead to.
#[derive(Debug)]
struct Broken {
    why: String,
    better: Option<usize>,
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = document.parent().expect("a document in a folder");
        let text = std::fs::read_to_string(&document).expect("a document");
        let mut mended = text.clone();
        for link in links(&text).iter().rev() {
            let Err(fault) = check(folder, link) else {
                continue;
            };
            match (fault.better, link.target.rfind("#L")) {
                (Some(line), Some(mark)) if std::env::var_os("REWRITE").is_some() => {
                    let number = link.place.start + mark + 2..link.place.end;
                    mended.replace_range(number, &line.to_string());
                }
                _ => {
                    let line = text[..link.place.start].lines().count();
                    let (text, target) = (&link.text, link.target);
                    let why = fault.why;
                    broken.push(format!(
                        "{}:{line}: [{text}]({target}): {why}",
                        document.display()
                    ));
                }
            }
        }
        if mended != text {
            std::fs::write(&document, mended).expect("a document");
        }
    }
    broken.sort();
    let many = broken.len();
    assert!(many == 0, "{many} broken links\n{}", broken.join("\n"));
}

#[test]
fn links_are_found_in_text_and_not_in_code() {
    let document = "[`one`](a.md#L1), ![a\npicture](b.png), [![both](c.png)](d)\n\
                    ```text\n[no](e)\n```\n[last](f)";
    let found = links(document);
    let targets: Vec<&str> = found.iter().map(|link| link.target).collect();
    assert_eq!(targets, ["a.md#L1", "b.png", "c.png", "d", "f"]);
    assert_eq!((&*found[0].text, &*found[1].text), ("one", "a picture"));
}

#[test]
fn what_leads_nowhere_is_noticed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = |document: &str| check(root, &links(document)[0]);
    let fine = [
        "[the page's address](https://example.org/nothing#L1)",
        "[a heading](#here)",
        "[a folder](tests/transcripts)",
        "[a file](Cargo.toml)",
        "[`members`](Cargo.toml#L2)",
    ];
    for link in fine {
        assert!(check(link).is_ok(), "{link}");
    }
    let broken = [
        "[no file](Cargo.tom)",
        "[no file](Cargo.tom#L2)",
        "[`members`](Cargo.toml#L1)",
        "[`members`](Cargo.toml#L0)",
        "[`members`](Cargo.toml#L99999)",
        "[`members`](Cargo.toml#Line)",
        "[``](Cargo.toml#L2)",
    ];
    for link in broken {
        assert!(check(link).is_err(), "{link}");
    }
    let moved = check("[`members`](Cargo.toml#L1)").expect_err("another line");
    assert_eq!(moved.better, Some(2), "{moved:?}");
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("the folder of documents");
    let docs = docs.map(|file| file.expect("a document").path());
    let is_markdown = |path: &PathBuf| path.extension().is_some_and(|it| it == "md");
    let mut documents: Vec<PathBuf> = docs.filter(is_markdown).collect();
    documents.sort();
    let beside = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];
    documents.extend(beside.map(|name| root.join(name)));
    documents
}

fn links(document: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    for (close, _) in document.match_indices("](") {
        let (before, start) = (&document[..close], close + 2);
        let in_code = before.matches("\n```").count() % 2 == 1;
        if let (false, Some(open), Some(length)) =
            (in_code, opening(before), document[start..].find(')'))
        {
            let text = before[open + 1..].replace('`', "");
            let words: Vec<&str> = text.split_whitespace().collect();
            links.push(Link {
                text: words.join(" "),
                target: &document[start..start + length],
                place: start..start + length,
            });
        }
    }
    links
}

/// Where the bracket is that would be closed by one at the end of the text.
fn opening(text: &str) -> Option<usize> {
    let mut closed = 0;
    for (at, byte) in text.bytes().enumerate().rev() {
        match byte {
            b']' => closed += 1,
            b'[' if closed == 0 => return Some(at),
            b'[' => closed -= 1,
            _ => {}
        }
    }
    None
}

fn check(folder: &Path, link: &Link) -> Result<(), Broken> {
    let broken = |why: &str, better| {
        let why = why.to_owned();
        Err(Broken { why, better })
    };
    let (path, part) = link.target.split_once('#').unwrap_or((link.target, ""));
    if path.is_empty() || path.contains(':') {
        return Ok(());
    }
    let path = folder.join(path);
    if !path.exists() {
        return broken("there is no such file", None);
    }
    // Headings are written small.
    let Some(number) = part.strip_prefix('L') else {
        return Ok(());
    };
    let Ok(number) = number.parse::<usize>() else {
        return broken("that is no number of a line", None);
    };
    let Ok(source) = std::fs::read_to_string(&path) else {
        return broken("it has no lines", None);
    };
    if link.text.is_empty() {
        return broken("the link has no text", None);
    }
    let lines = (1..).zip(source.lines());
    let with_text = lines.filter(|(_, line)| line.contains(&link.text));
    let found: Vec<usize> = with_text.map(|(n, _)| n).collect();
    if found.contains(&number) {
        return Ok(());
    }
    let nearest = found.iter().copied().min_by_key(|n| n.abs_diff(number));
    broken(
        &format!("the text is not on that line, but on {found:?}"),
        nearest,
    )
}
