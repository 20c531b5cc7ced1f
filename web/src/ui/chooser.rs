//! One of several, to be chosen from a list.

use leptos::prelude::*;

/// A labelled list. `among` has what there is to choose, the value that it has in the page, and its
/// name; what `chosen` holds is chosen at first.
pub fn chooser<T>(
    label: &'static str,
    hook: &'static str,
    among: impl IntoIterator<Item = (T, String, String)>,
    chosen: RwSignal<T>,
) -> AnyView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let among = among.into_iter();
    let (all, names): (Vec<_>, Vec<_>) = among.map(|(it, value, name)| (it, (value, name))).unzip();
    let now = chosen.get_untracked();
    let first = all.iter().position(|it| *it == now);
    let choose = move |at: usize| {
        if let Some(it) = all.get(at) {
            chosen.set(*it);
        }
    };
    list(label, hook, names, first, Box::new(choose))
}

/// `choose` is told of the place of what is chosen.
fn list(
    label: &'static str,
    hook: &'static str,
    names: Vec<(String, String)>,
    first: Option<usize>,
    choose: Box<dyn Fn(usize)>,
) -> AnyView {
    let values: Vec<String> = names.iter().map(|(value, _)| value.clone()).collect();
    let turn = move |event| {
        let value = event_target_value(&event);
        if let Some(at) = values.iter().position(|it| *it == value) {
            choose(at);
        }
    };
    let options = names.into_iter().enumerate().map(|(at, (value, name))| {
        view! { <option value=value selected=first == Some(at)>{name}</option> }
    });
    view! {
        <label>
            <span>{label}</span>
            <select data-testid=hook on:change=turn>{options.collect_view()}</select>
        </label>
    }
    .into_any()
}

/// What a number is to be chosen by: itself.
pub fn numbers(all: &[u64]) -> impl Iterator<Item = (u64, String, String)> {
    let one = |it: &u64| (*it, it.to_string(), super::figures::grouped(*it));
    all.iter().map(one)
}

/// The same of sizes, which have names.
pub fn sizes(all: &[(u64, &str)]) -> impl Iterator<Item = (u64, String, String)> {
    all.iter()
        .map(|(bytes, name)| (*bytes, bytes.to_string(), (*name).to_owned()))
}
