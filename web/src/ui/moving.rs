//! Machines: which etcd there is, signing in, and moving pairs there and back.

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;

use super::command::{Place, Told};
use super::feed::Feed;
use super::figures::{duration, grouped};
use super::judge;
use super::working::Working;
use crate::client::address;
use crate::client::bench::beside::Side;
use crate::client::moving::{Move, Way};
use crate::settings;

/// A measurement of both.
const OPS: u64 = 1_000;
const IN_FLIGHT: u64 = 16;
const VALUE_BYTES: usize = 256;

/// For the tabs' leader to be found and read, in milliseconds.
const TIMEOUT_MS: f64 = 60_000.0;

#[component]
pub fn Moving(feed: Feed) -> impl IntoView {
    let known = feed.settings.with_untracked(|s| s.endpoints.join(","));
    let local = "http://127.0.0.1:2379".to_owned();
    let endpoints = RwSignal::new(if known.is_empty() { local } else { known });
    let (user, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let link = Memo::new(move |_| {
        let endpoints = endpoints.with(|text| settings::endpoints(text)).ok()?;
        address::for_etcd(&endpoints).ok()
    });
    let open_words = if feed.of_tabs {
        "Open it as a page"
    } else {
        "Open"
    };
    view! {
        <section class="moving" id="machines" aria-labelledby="moving-title">
            <div class="head">
                <h2 id="moving-title">"Machines"</h2>
                <p class="hint">
                    {match feed.of_tabs {
                        true => "An etcd keeps pairs on several machines: copy what is here there, and back.",
                        false => "This page is a client of an etcd.",
                    }}
                </p>
            </div>
            <div class="choosers">
                <label class="grow">
                    <span>"Endpoints"</span>
                    <input class="data" data-testid="endpoints" bind:value=endpoints
                        spellcheck="false" autocapitalize="off" />
                </label>
                <a data-testid="open-etcd" target=feed.of_tabs.then_some("_blank") rel="noopener"
                    href=move || link.get()>{open_words}</a>
            </div>
            <p class="told bad" hidden=move || link.with(Option::is_some)>
                {move || endpoints.with(|text| settings::endpoints(text).err())
                    .map(|wanted| format!("Endpoints must be {wanted}."))}
            </p>
            {match feed.of_tabs {
                true => view! { <Copying feed endpoints user password /> }.into_any(),
                false => view! { <SignIn feed user password /> }.into_any(),
            }}
        </section>
    }
}

/// Name and password, for an etcd that asks for them.
#[component]
fn Who(user: RwSignal<String>, password: RwSignal<String>) -> impl IntoView {
    view! {
        <label>
            <span>"Name"</span>
            <input class="data" data-testid="etcd-user" bind:value=user autocomplete="off"
                spellcheck="false" autocapitalize="off" />
        </label>
        <label>
            <span>"Password"</span>
            <input class="data" type="password" data-testid="etcd-password" bind:value=password
                autocomplete="off" />
        </label>
    }
}

/// Both under the same load, and the judge's verdict on each.
#[component]
fn Sides(sides: [Side; 2]) -> impl IntoView {
    let row = |(name, side): (&'static str, Side)| {
        let figures = side.figures;
        let cells = [
            grouped(figures.ops_per_second as u64),
            duration(figures.p50_ms),
            duration(figures.p99_ms),
        ];
        view! {
            <tr>
                <th scope="row">{name}</th>
                {cells.map(|cell| view! { <td class="figure">{cell}</td> }).collect_view()}
                <td class="said">{judge::sentence(&side.standing)}</td>
            </tr>
        }
    };
    let rows = ["tabs", "etcd"].into_iter().zip(sides).map(row);
    view! {
        <table class="bars" data-testid="sides">
            <thead>
                <tr>
                    <th scope="col">"Where"</th>
                    <th scope="col" class="figure">"A second"</th>
                    <th scope="col" class="figure">"Median"</th>
                    <th scope="col" class="figure">"p99"</th>
                    <th scope="col" class="said">"The judge"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
}

#[component]
fn SignIn(feed: Feed, user: RwSignal<String>, password: RwSignal<String>) -> impl IntoView {
    let place = Place::keeping();
    let go = move |event: SubmitEvent| {
        event.prevent_default();
        let (cluster, name) = (feed.cluster(), user.get_untracked());
        let secret = password.get_untracked();
        password.set(String::new());
        place.take(async move {
            cluster.sign_in(&name, &secret).await?;
            Ok(format!("Signed in as {name}, until this page is closed."))
        });
    };
    view! {
        <form on:submit=go autocomplete="off" aria-label="Sign in">
            <p class="hint">
                "Sign in where etcd has authentication on. Neither name nor password is stored, nor \
                 part of the address."
            </p>
            <div class="choosers">
                <Who user password />
                <button type="submit" data-testid="sign-in">"Sign in"</button>
            </div>
            <Told place hook="sign-in-told" />
        </form>
    }
}

#[component]
fn Copying(
    feed: Feed,
    endpoints: RwSignal<String>,
    user: RwSignal<String>,
    password: RwSignal<String>,
) -> impl IntoView {
    let place = Place::keeping();
    let prefix = RwSignal::new(String::new());
    let overwrite = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let sides = RwSignal::new(None::<[Side; 2]>);
    // What the form says, unless something is under way.
    let filled = move || {
        if busy.get_untracked() {
            return None;
        }
        let endpoints = match endpoints.with_untracked(|text| settings::endpoints(text)) {
            Ok(endpoints) => endpoints,
            Err(wanted) => {
                place.refuse(format!("Endpoints must be {wanted}."));
                return None;
            }
        };
        let name = user.get_untracked();
        Some(Move {
            endpoints,
            login: (!name.is_empty()).then(|| (name, password.get_untracked())),
            prefix: prefix.get_untracked(),
            overwrite: overwrite.get_untracked(),
            progress: None,
        })
    };
    let measure = move |_| {
        let Some(wanted) = filled() else { return };
        let cluster = feed.cluster();
        busy.set(true);
        place.take(async move {
            let measured = cluster.beside(&wanted, OPS, IN_FLIGHT, VALUE_BYTES).await;
            busy.try_set(false);
            sides.try_set(Some(measured?));
            Ok(format!(
                "{} operations on each, half of them linearizable reads, {IN_FLIGHT} at once.",
                grouped(OPS)
            ))
        });
    };
    let go = move |way: Way| {
        let Some(wanted) = filled() else { return };
        let cluster = feed.cluster();
        busy.set(true);
        place.take(async move {
            let moved = cluster.copy(way, &wanted, TIMEOUT_MS).await;
            // The panel may be gone.
            busy.try_set(false);
            let moved = moved?;
            let (from, to) = match way {
                Way::ToEtcd => ("the tabs", "etcd"),
                Way::FromEtcd => ("etcd", "the tabs"),
            };
            Ok(format!(
                "{} of {from} as of {} {} in {to}, {} of them written now. Count and digest are \
                 the same on both sides: {}.",
                match moved.tally.pairs {
                    1 => "1 pair".to_owned(),
                    pairs => format!("{} pairs", grouped(pairs)),
                },
                way.counts(),
                grouped(moved.as_of),
                grouped(moved.written),
                moved.tally.digest()
            ))
        });
    };
    let waits = move || busy.get().then_some("true");
    view! {
        <form on:submit=move |event: SubmitEvent| event.prevent_default() autocomplete="off"
            aria-label="Move pairs">
            <div class="choosers">
                <label class="grow">
                    <span>"Prefix"</span>
                    <input class="data" data-testid="moving-prefix" bind:value=prefix
                        spellcheck="false" autocapitalize="off" />
                </label>
                <Who user password />
                <label class="check">
                    <input type="checkbox" data-testid="overwrite" bind:checked=overwrite />
                    <span>"Overwrite other values"</span>
                </label>
            </div>
            <p class="hint">
                "Without a prefix, everything. Name and password where etcd has authentication on: \
                 they are not stored."
            </p>
            <div class="acts">
                <button type="button" data-testid="export-to" aria-disabled=waits
                    on:click=move |_| go(Way::ToEtcd)>"Copy to etcd"</button>
                <button type="button" data-testid="import-from" aria-disabled=waits
                    on:click=move |_| go(Way::FromEtcd)>"Copy from etcd"</button>
                <button type="button" data-testid="beside" aria-disabled=waits
                    title="The same load on the tabs and on etcd, one after the other"
                    on:click=measure>"Measure both"</button>
            </div>
            <Working feed />
            {move || sides.get().map(|sides| view! { <Sides sides /> }.into_any())}
            <Told place hook="moving-told" />
        </form>
    }
}
