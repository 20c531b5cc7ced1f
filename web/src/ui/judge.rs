//! The verdict of the live judge, and the history that it is on, as a file.

use leptos::prelude::*;
use tabraft::check::journal::Standing;

use super::command::{Place, Told};
use super::feed::Feed;
use super::figures::grouped;
use super::save;

#[component]
pub fn Judge(feed: Feed) -> impl IntoView {
    let place = Place::keeping();
    let save = move |_| place.take_anyway(save::save_history(feed.cluster()));
    let broken = move || feed.standing.with(|it| it.broken.is_some());
    view! {
        <div class="judge">
            <p class="verdict" class:bad=broken data-testid="verdict" aria-live="polite"
                title="This tab's puts, gets, deletes and compare-and-swaps">
                {move || feed.standing.with(sentence)}
            </p>
            <button type="button" data-testid="save-history" on:click=save>"Save history"</button>
            <Told place hook="history-told" />
        </div>
    }
}

pub fn sentence(standing: &Standing) -> String {
    if let Some(broken) = &standing.broken {
        return format!("Not linearizable: {broken}.");
    }
    let left_out = match standing.left_out {
        0 => String::new(),
        n => format!(" {} left out: other tabs write their keys too.", grouped(n)),
    };
    match standing.operations {
        0 if left_out.is_empty() => "No operations of this tab to check yet.".to_owned(),
        1 => format!("Linearizable: 1 operation checked.{left_out}"),
        n => format!("Linearizable: {} operations checked.{left_out}", grouped(n)),
    }
}

#[cfg(test)]
mod tests {
    use tabraft::check::journal::Broken;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_verdict_is_a_sentence() {
        let mut standing = Standing::default();
        assert_eq!(
            sentence(&standing),
            "No operations of this tab to check yet."
        );
        standing.operations = 12_408;
        assert_eq!(
            sentence(&standing),
            "Linearizable: 12,408 operations checked."
        );
        standing.left_out = 3;
        let both = "Linearizable: 12,408 operations checked. 3 left out: other tabs write their \
                    keys too.";
        assert_eq!(sentence(&standing), both);
        standing.broken = Some(Broken {
            key: Some("x".to_owned()),
            reason: "no order explains it".to_owned(),
        });
        assert_eq!(
            sentence(&standing),
            "Not linearizable: key \"x\": no order explains it."
        );
    }
}
