use super::*;

fn names(models: Models) -> Vec<&'static str> {
    models.iter().map(Model::name).collect()
}

/// What each anomaly rules out, the weakest models first: the table in the checkers' definition.
#[test]
fn each_anomaly_rules_out_its_models() {
    for (anomalies, weakest) in [
        (&["G0", "duplicate-elements", "cyclic-versions"][..], &["read-uncommitted"][..]),
        (
            &["G1a", "G1b", "G1c", "dirty-update", "incompatible-order", "future-read"],
            &["read-committed"],
        ),
        (&["internal"], &["read-atomic"]),
        (&["lost-update"], &["update-atomic", "cursor-stability"]),
        (&["G-single-item"], &["repeatable-read", "consistent-view"]),
        (&["G-nonadjacent-item"], &["snapshot-isolation", "repeatable-read"]),
        (&["G2-item"], &["repeatable-read"]),
        (&["G0-process"], &["strong-session-read-uncommitted"]),
        (&["G1c-process"], &["strong-session-read-committed"]),
        (
            &["G-single-item-process", "G-nonadjacent-item-process"],
            &["strong-session-snapshot-isolation"],
        ),
        (&["G2-item-process"], &["strong-session-serializable"]),
        (&["G0-realtime"], &["strong-read-uncommitted"]),
        (&["G1c-realtime"], &["strong-read-committed"]),
        (
            &["G-single-item-realtime", "G-nonadjacent-item-realtime"],
            &["strong-snapshot-isolation"],
        ),
        (&["G2-item-realtime"], &["strict-serializable"]),
    ] {
        for anomaly in anomalies {
            let anomaly: Kind = anomaly.parse().expect("a kind");
            assert_eq!(names(ruled_out(anomaly).weakest()), weakest, "{anomaly}");
            assert!(ruled_out(anomaly).contains(Model::StrictSerializable), "{anomaly}");
        }
    }
    assert!(ruled_out(Kind::Lost).is_empty());
}

#[test]
fn names_and_short_names_are_read() {
    for model in Model::ALL {
        assert_eq!(model.name().parse(), Ok(*model));
        assert_eq!(**model.word(), *model.name());
    }
    for (short, model) in [
        ("PL-1", Model::ReadUncommitted),
        ("PL-2", Model::ReadCommitted),
        ("PL-SI", Model::SnapshotIsolation),
        ("PL-2.99", Model::RepeatableRead),
        ("PL-3", Model::Serializable),
        ("PL-SS", Model::StrictSerializable),
    ] {
        assert_eq!(short.parse(), Ok(model));
    }
    let pair = Models::new(&[Model::SnapshotIsolation, Model::Causal]);
    assert_eq!("causal, PL-SI".parse(), Ok(pair));
    assert_eq!("".parse(), Ok(Models::default()));
    assert!("causal,serial".parse::<Models>().is_err());
    let unknown = "serialisable".parse::<Model>().unwrap_err();
    assert_eq!(unknown.to_string(), "unknown consistency model `serialisable`");
}

#[test]
fn implications_are_followed() {
    for (strong, weak, implied) in [
        (Model::StrictSerializable, Model::ReadUncommitted, true),
        (Model::StrictSerializable, Model::MonotonicReads, true),
        (Model::Serializable, Model::SnapshotIsolation, true),
        (Model::Serializable, Model::Linearizable, false),
        (Model::SnapshotIsolation, Model::CausalCerone, true),
        (Model::SnapshotIsolation, Model::RepeatableRead, false),
        (Model::RepeatableRead, Model::SnapshotIsolation, false),
        (Model::Linearizable, Model::ReadAtomic, false),
    ] {
        assert_eq!(Models::new(&[strong]).implied().contains(weak), implied, "{strong} {weak}");
        assert_eq!(Models::new(&[weak]).implying().contains(strong), implied, "{strong} {weak}");
    }
}

#[test]
fn the_ends_of_a_set_are_found() {
    use Model::{ReadCommitted, RepeatableRead, Serializable, SnapshotIsolation};
    let set = Models::new(&[Serializable, RepeatableRead, SnapshotIsolation, ReadCommitted]);
    assert_eq!(set.strongest(), Models::new(&[Serializable]));
    assert_eq!(set.weakest(), Models::new(&[ReadCommitted]));
    let pair = Models::new(&[RepeatableRead, SnapshotIsolation]);
    assert_eq!((pair.strongest(), pair.weakest()), (pair, pair));
}
