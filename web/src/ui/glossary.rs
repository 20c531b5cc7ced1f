//! What the words on the cards mean, for who has not read the paper.

use leptos::prelude::*;

const WORDS: [(&str, &str); 14] = [
    (
        "Term",
        "A number that grows with every election. Each term has one leader at most.",
    ),
    (
        "Vote",
        "Whom the node voted for in its term: once a term, and kept on disk before it is given.",
    ),
    (
        "Log",
        "The entries the node has, from the first index that is kept to the last. An entry is one change, \
         with the term in which a leader took it.",
    ),
    (
        "Commit",
        "The index up to which the node knows entries to be on the disks of a quorum. They stay for ever.",
    ),
    (
        "Applied",
        "The index up to which the node has carried entries out: what its keys show.",
    ),
    (
        "Quorum",
        "A majority of the voters: 2 of 3, 3 of 5. Any two quorums share a node, so that no two can decide \
         differently.",
    ),
    (
        "Match, next",
        "What a leader knows of another's log: the newest entry that is certainly there, and the one to \
         be sent next.",
    ),
    (
        "Snapshot",
        "The state at an index, kept in place of the entries up to there.",
    ),
    (
        "WAL",
        "The write-ahead log: records on disk that hold entries, term and vote. Nothing is promised before it \
         is in there.",
    ),
    (
        "Epoch",
        "How often a host has taken over the node's disk. Only the newest may write.",
    ),
    (
        "Digest",
        "A fingerprint of all keys and values: equal at the same applied index on every node.",
    ),
    ("Learner", "A node that gets the log and has no vote."),
    (
        "Precandidate",
        "A node that hears of no leader, and asks whether it could win an election before it begins a term.",
    ),
    (
        "Linearizable, stale",
        "A linearizable read sees all that was acknowledged before it, which takes a quorum. A stale one \
         asks one node for what it has.",
    ),
];

#[component]
pub fn Glossary() -> impl IntoView {
    view! {
        <details class="more glossary" data-testid="glossary">
            <summary>"What the words mean"</summary>
            <dl>
                {WORDS.map(|(word, meaning)| view! {
                    <div>
                        <dt>{word}</dt>
                        <dd>{meaning}</dd>
                    </div>
                }).collect_view()}
            </dl>
        </details>
    }
}
