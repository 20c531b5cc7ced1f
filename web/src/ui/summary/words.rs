//! Nodes in a sentence.

/// "node 1", "nodes 1 and 3", "nodes 1, 2 and 3".
pub fn nodes(ids: &[u64]) -> String {
    let words: Vec<String> = ids.iter().map(u64::to_string).collect();
    match words.as_slice() {
        [] => "no node".to_owned(),
        [one] => format!("node {one}"),
        [most @ .., last] => format!("nodes {} and {last}", most.join(", ")),
    }
}

/// The same where a sentence begins.
pub fn subject(ids: &[u64]) -> String {
    let who = nodes(ids);
    format!("N{}", &who[1..])
}

/// "Node 1 is stopped", "Nodes 1 and 3 are stopped"; who failed, failed.
pub fn are(ids: &[u64], word: &str) -> String {
    let who = subject(ids);
    match (word, ids.len()) {
        ("failed", 1) => format!("{who} failed, its card says why"),
        ("failed", _) => format!("{who} failed, their cards say why"),
        (_, 1) => format!("{who} is {word}"),
        _ => format!("{who} are {word}"),
    }
}
