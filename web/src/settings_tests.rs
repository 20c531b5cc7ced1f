use wasm_bindgen_test::wasm_bindgen_test as test;

use tabraft::node::Limits;

use crate::model::Change;
use crate::settings::*;

fn read(parameters: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Settings::from_parameters(parameters.iter().map(owned))
}

#[test]
fn good_parameters_are_taken() {
    let (settings, notices) = read(&[
        ("cluster", "a-b.c_9"),
        ("nodes", "5"),
        ("host", "3,1,3"),
        ("durability", "relaxed"),
        ("tick_ms", "20"),
        ("snapshot_entries", "100"),
        ("snapshot_bytes", "1024"),
        ("catchup_entries", "0"),
        ("sit_out_ticks", "2"),
        ("step_down_ticks", "3"),
        ("reopen_ticks", "43200"),
        ("salvage", "off"),
        ("revive", "all"),
        ("experiment", "leader-crash"),
        ("view", "none"),
    ]);
    assert_eq!(notices, Vec::<String>::new());
    let wanted = Settings {
        engine: Engine::Tabs,
        endpoints: Vec::new(),
        cluster: "a-b.c_9".into(),
        nodes: 5,
        host: Hosting::Nodes(vec![3, 1]),
        durability: Durability::Relaxed,
        tick_ms: 20,
        limits: Limits {
            snapshot_entries: 100,
            snapshot_bytes: 1_024,
            catchup_entries: 0,
            sit_out_ticks: 2,
            step_down_ticks: 3,
            ..Limits::default()
        },
        salvage: false,
        succession: true,
        revive: Revive::All,
        reopen_ticks: 43_200,
        experiment: Some("leader-crash".into()),
        views: false,
    };
    assert_eq!(settings, wanted);
}

#[test]
fn each_bad_parameter_is_named_and_its_default_used() {
    let bad = [
        ("cluster", "a/b"),
        ("nodes", "10"),
        ("nodes", "-1"),
        ("host", "2,"),
        ("host", "0"),
        ("durability", "Strict"),
        ("tick_ms", "9"),
        ("snapshot_entries", "0"),
        ("snapshot_bytes", "1023"),
        ("catchup_entries", "1e3"),
        ("reopen_ticks", "0"),
        ("salvage", "yes"),
        ("revive", ""),
        ("colour", "blue"),
        ("engine", "zookeeper"),
        ("endpoints", ""),
        ("endpoints", "127.0.0.1:2379"),
        ("endpoints", "http://"),
        ("endpoints", "http://e/v3"),
        ("endpoints", "http://root:secret@e:2379"),
    ];
    for (name, value) in bad {
        let (settings, notices) = read(&[(name, value)]);
        assert_eq!(settings, Settings::default(), "{name}={value}");
        assert_eq!(notices.len(), 1, "{name}={value}");
        assert!(notices[0].contains(name), "{}", notices[0]);
    }
}

#[test]
fn endpoints_are_listed_once_and_without_a_slash() {
    let given = "http://127.0.0.1:2379/, https://b.example,http://127.0.0.1:2379,http://[::1]:1";
    let (settings, notices) = read(&[("engine", "etcd"), ("endpoints", given)]);
    assert!(notices.is_empty());
    let wanted = [
        "http://127.0.0.1:2379",
        "https://b.example",
        "http://[::1]:1",
    ];
    assert_eq!(settings.endpoints, wanted);
    assert_eq!(
        (settings.engine, settings.cluster.as_str()),
        (Engine::Etcd, "etcd")
    );
    // What was meant as a secret is not shown.
    let (_, notices) = read(&[("endpoints", "http://root:secret@e:2379")]);
    assert!(!notices[0].contains("secret"));
}

#[test]
fn a_change_is_made_wholly_or_not_at_all() {
    let settings = Settings::default();
    let good = Change {
        snapshot_entries: Some(100),
        revive: Some(Revive::All),
        ..Change::default()
    };
    let changed = settings.changed(&good).expect("a good change");
    assert_eq!(changed.limits.snapshot_entries, 100);
    assert_eq!(changed.revive, Revive::All);
    assert_eq!(changed.limits.catchup_entries, 5_000);
    let bad = Change {
        snapshot_bytes: Some(1_023),
        ..good
    };
    let named = settings.changed(&bad).expect_err("a bad change");
    assert!(named.starts_with("snapshotBytes must be"), "{named}");
}

#[test]
fn of_two_changes_the_later_one_holds() {
    let first = Change {
        snapshot_entries: Some(1),
        salvage: Some(false),
        ..Change::default()
    };
    let second = Change {
        salvage: Some(true),
        ..Change::default()
    };
    let both = first.then(second);
    assert_eq!((both.snapshot_entries, both.salvage), (Some(1), Some(true)));
}

#[test]
fn what_is_unusual_can_be_read_back() {
    assert_eq!(Settings::default().unusual(), []);
    let mut settings = Settings {
        cluster: "x".into(),
        nodes: 5,
        durability: Durability::Relaxed,
        tick_ms: 100,
        salvage: false,
        succession: false,
        revive: Revive::Manual,
        reopen_ticks: 77,
        ..Settings::default()
    };
    settings.limits.snapshot_entries = 10;
    settings.limits.snapshot_bytes = 2_048;
    settings.limits.catchup_entries = 5;
    settings.limits.sit_out_ticks = 9;
    settings.limits.step_down_ticks = 99;
    let unusual = settings.unusual();
    assert_eq!(unusual.len(), settings.values().len(), "every one differs");
    let said = unusual
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    assert_eq!(Settings::from_parameters(said), (settings, vec![]));
}

#[test]
fn what_the_address_says_already_is_no_change() {
    let settings = Settings::default();
    let change = Change {
        snapshot_entries: Some(settings.limits.snapshot_entries),
        salvage: Some(!settings.salvage),
        reopen_ticks: Some(settings.reopen_ticks),
        ..Change::default()
    };
    let less = settings.less(&change);
    let wanted = Change {
        salvage: Some(false),
        ..Change::default()
    };
    assert_eq!(less, wanted);
    assert_eq!(settings.changed(&less), settings.changed(&change));
}
