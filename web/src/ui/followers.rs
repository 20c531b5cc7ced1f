//! How far the leader knows each member to be.

use leptos::prelude::*;

use super::feed::Feed;
use super::figures;
use super::look::Look;
use crate::model::{NodeStatus, Progress, Status};

/// Whether a replica tells how far the others are. One that has stopped tells it no more.
pub fn leads(node: &NodeStatus) -> bool {
    matches!(Look::of(node), Look::Leader | Look::Paused) && !node.progress.is_empty()
}

/// How far the leader knows another's log to be.
pub fn known(status: &Status, id: u64) -> Option<Progress> {
    let leader = status.nodes.iter().find(|n| n.id == status.leader)?;
    let is_told = leads(leader) && leader.id != id;
    let progress = leader.progress.iter().find(|p| p.id == id);
    progress.copied().filter(|_| is_told)
}

/// The newest entry that it is known to have; a new leader knows of none before the first answer.
pub fn answered(progress: &Progress) -> Option<u64> {
    (progress.matched > 0).then_some(progress.matched)
}

/// The leader's table; in the card of `table`, while nobody leads, the room for it.
#[component]
pub fn Followers(feed: Feed, node: Memo<NodeStatus>, table: Memo<u64>) -> impl IntoView {
    let id = node.with_untracked(|n| n.id);
    let is_shown = Memo::new(move |_| node.with(leads));
    let has_room = Memo::new(move |_| is_shown.get() || table.get() == id);
    let others = Memo::new(move |_| {
        let members = match (is_shown.get(), has_room.get()) {
            (true, _) => node.with(|n| n.progress.iter().map(|p| p.id).collect()),
            (false, true) => feed.shown_members.get(),
            (false, false) => Vec::new(),
        };
        let others = members.into_iter().filter(|other| *other != id);
        others.collect::<Vec<u64>>()
    });
    view! {
        <table class="followers" class:room=move || !is_shown.get()
            data-testid=format!("progress-{id}")
            hidden=move || others.with(Vec::is_empty)>
            <caption class="unseen">{format!("Followers of node {id}")}</caption>
            <thead>
                <tr>
                    <th scope="col">"follower"</th>
                    <th scope="col" title="The newest entry known to be on its disk">"match"</th>
                    <th scope="col" title="The entry it is sent next">"next"</th>
                    <th scope="col" title="Entries it still lacks">"behind"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || others.get() key=|id| *id let:other>
                    <Follower node other />
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn Follower(node: Memo<NodeStatus>, other: u64) -> impl IntoView {
    let (matched, next, behind) = (
        figure(node, other, |_, p| answered(p)),
        figure(node, other, |_, p| Some(p.next)),
        figure(node, other, |last, p| {
            Some(last.saturating_sub(answered(p)?))
        }),
    );
    let learner = Memo::new(move |_| node.with(|n| n.learners.contains(&other)));
    view! {
        <tr data-follower=other>
            <th scope="row">"node " {other} {move || learner.get().then_some(", learner")}</th>
            <td>{matched}</td>
            <td>{next}</td>
            <td class:behind=move || behind.with(|b| b != "0" && b != "–")>{behind}</td>
        </tr>
    }
}

/// One figure of a member's progress, given the leader's last index too; a dash where it is not known.
fn figure(
    node: Memo<NodeStatus>,
    other: u64,
    of: impl Fn(u64, &Progress) -> Option<u64> + Send + Sync + 'static,
) -> Memo<String> {
    Memo::new(move |_| {
        node.with(|n| {
            let progress = n.progress.iter().find(|p| p.id == other);
            let figure = progress.and_then(|p| of(n.last_index, p));
            figure.map_or("–".to_owned(), figures::grouped)
        })
    })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::model::{Role, State};

    #[test]
    fn only_who_leads_knows_the_others() {
        let progress = |id, matched| Progress {
            id,
            matched,
            next: matched + 1,
        };
        let leader = |id, matched| NodeStatus {
            state: State::Running,
            role: Role::Leader,
            progress: vec![progress(1, matched), progress(2, matched), progress(3, 5)],
            ..NodeStatus::unknown(id)
        };
        // Node 1 is cut off and leads an older term.
        let mut status = Status {
            leader: 2,
            nodes: vec![leader(1, 7), leader(2, 9), NodeStatus::unknown(3)],
            ..Status::default()
        };
        assert_eq!(known(&status, 1), Some(progress(1, 9)));
        assert_eq!(known(&status, 3), Some(progress(3, 5)));
        assert_eq!(known(&status, 2), None);
        assert_eq!(known(&status, 4), None);
        status.nodes[1].state = State::Stopped;
        assert_eq!(known(&status, 3), None);
        status.leader = 0;
        assert_eq!(known(&status, 3), None);
    }
}
