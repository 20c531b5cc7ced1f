//! The steps of a write: when each replica had it, stored it, applied it.

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;

use super::command::{Place, Told};
use super::feed::Feed;
use super::trace::{COLUMNS, Row, cell, rows};

/// `last` is the index of this page's last write.
#[component]
pub fn Steps(feed: Feed, last: RwSignal<Option<u64>>) -> impl IntoView {
    let place = Place::keeping();
    // Empty while the person leaves it to the last write.
    let typed = RwSignal::new(None::<String>);
    let shown = RwSignal::new(Vec::<Row>::new());
    let index = Memo::new(move |_| {
        let by_itself = || last.get().map(|index| index.to_string());
        typed.get().or_else(by_itself).unwrap_or_default()
    });
    // A write makes its own index the one to look at.
    Effect::new(move |_| {
        if last.get().is_some() {
            typed.set(None);
        }
    });
    let show = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = index.get_untracked();
        let wanted = wanted.trim().replace(',', "");
        let Some(wanted) = wanted.parse::<u64>().ok().filter(|i| *i > 0) else {
            return place.refuse("Type the index of a write, or put a key first.");
        };
        let cluster = feed.cluster();
        place.take(async move {
            let found = cluster.steps(wanted).await;
            let table = found.as_deref().map(rows).unwrap_or_default();
            let leader = table.iter().find(|row| row.proposed).map(|row| row.node);
            let none = table.is_empty();
            shown.set(table);
            found?;
            Ok(match leader {
                _ if none => format!("No node remembers the steps of index {wanted}."),
                Some(leader) => format!("Index {wanted}, proposed by node {leader}."),
                None => format!("Index {wanted}. Who proposed it is not remembered."),
            })
        });
    };
    view! {
        <details class="more steps" data-testid="steps">
            <summary data-testid="steps-open">"Steps of a write"</summary>
            <form on:submit=show autocomplete="off">
                <div class="choosers">
                    <label>
                        <span>"Index"</span>
                        <input class="data" data-testid="steps-index" inputmode="numeric"
                            prop:value=index placeholder="no write yet"
                            on:input=move |ev| typed.set(Some(event_target_value(&ev))) />
                    </label>
                    <button type="submit" data-testid="steps-show" aria-disabled=move || feed.fixed()>"Show steps"</button>
                </div>
                <Told place hook="steps-told" />
                <div hidden=move || shown.with(Vec::is_empty)>
                    <Table shown />
                </div>
            </form>
        </details>
    }
}

#[component]
fn Table(shown: RwSignal<Vec<Row>>) -> impl IntoView {
    let heads = COLUMNS.map(|(letter, _, meaning)| {
        view! { <th scope="col" title=meaning>{letter}</th> }
    });
    let legend = COLUMNS.map(|(letter, _, meaning)| format!("{letter} {meaning}"));
    view! {
        <table data-testid="steps-table">
            <caption class="unseen">"Steps of the write, milliseconds since the first"</caption>
            <thead>
                <tr>
                    <th scope="col">"ms"</th>
                    {heads.collect_view()}
                </tr>
            </thead>
            <tbody>
                {move || {
                    let rows = shown.get().into_iter();
                    rows.map(|row| view! {
                        <tr data-node=row.node>
                            <th scope="row">"node " {row.node}</th>
                            {row.at_ms.map(|at| view! { <td>{cell(at)}</td> }).collect_view()}
                        </tr>
                    })
                    .collect_view()
                }}
            </tbody>
        </table>
        <p class="legend">{legend.join("; ")} "."</p>
    }
}
