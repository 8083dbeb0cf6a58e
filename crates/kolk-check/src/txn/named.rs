//! Every anomaly, planted: found under the name that Elle gives it, and held against the models
//! that it rules out and no others.

use std::collections::BTreeSet;

use super::cycles::CycleType;
use super::testing::{among_others, history, register_history};
use super::{list_append, rw_register};
use crate::check::{Check, Validity};
use crate::kind::Kind;
use crate::models::{Model, Models};

/// An anomaly's name, after a `+` if Elle overlooks it; a history of lists that has it, one of
/// registers, each empty where there can be none; and the weakest models ruled out.
type Row = (&'static str, &'static str, &'static str, &'static [Model]);

const ROWS: &[Row] = {
    use Model::*;
    &[
        // Without a cycle.
        ("duplicate-elements", "ax1 rx11", "", &[ReadUncommitted]),
        ("cyclic-versions", "", "rx1wx2 rx2wx1", &[ReadUncommitted]),
        ("garbage-read", "rx1", "", &[ReadUncommitted]),
        ("+garbage-read", "", "rx1", &[ReadUncommitted]),
        ("G1a", "ax1! rx1", "wx1! rx1", &[ReadCommitted]),
        ("G1a", "ax1! ax2 ax3 rx123", "wx1! 1:rx1wx2", &[ReadCommitted]),
        ("G1b", "ax1ax2 rx1", "wx1wx2 rx1", &[ReadCommitted]),
        ("dirty-update", "ax1! ax2 rx12", "", &[ReadCommitted]),
        ("incompatible-order", "ax1 ax2 rx12 rx21", "", &[ReadCommitted]),
        ("+incompatible-order", "ax1ax2 rx2", "", &[ReadCommitted]),
        ("future-read", "rx1ax1", "", &[ReadCommitted]),
        ("+future-read", "", "rx1wx1", &[ReadCommitted]),
        ("internal", "ax1rx2 ax2", "wx1 wx2rx1", &[ReadAtomic]),
        // The second read of a list depends on another, of a register it does not.
        ("internal", "rx_rx1 ax1", "", &[ReadAtomic, ConsistentView, RepeatableRead]),
        ("internal", "", "wx1 wx2 rx1rx2", &[ReadAtomic]),
        ("+internal", "", "rx_rx1 wx1", &[ReadAtomic]),
        ("lost-update", "rx_ax1 rx_ax2", "rx_wx1 rx_wx2", &[CursorStability, UpdateAtomic]),
        ("lost-update", "ax1 rx1ax2 rx1ax3", "wx1 rx1wx2 rx1wx3", &[CursorStability, UpdateAtomic]),
        // From the data alone.
        ("G0", "ax1ay1 ax2ay2 rx12ry21", "wx1ry2wy3 rx1wx2wy2", &[ReadUncommitted]),
        ("G1c", "ax1ry1 ay1rx1", "wx1ry1 wy1rx1", &[ReadCommitted]),
        ("G-single-item", "ax1ay1 rx1ry_", "wx1wy1 rx1ry_", &[ConsistentView, RepeatableRead]),
        (
            "G-nonadjacent-item",
            "ax1 ay1 rx1ry_ rx_ry1",
            "wx1 wy1 rx1ry_ rx_ry1",
            &[SnapshotIsolation, RepeatableRead],
        ),
        ("G2-item", "rx_ay1 ry_ax1", "rx_wy1 ry_wx1", &[RepeatableRead]),
        // With the order of processes.
        ("G0-process", "1:ax2 / 1:ax1 rx12", "1:rx1wx2 / 1:wx1", &[StrongSessionReadUncommitted]),
        ("G1c-process", "1:rx1 / 1:ax1", "1:rx1 / 1:wx1", &[StrongSessionReadCommitted]),
        (
            "G-single-item-process",
            "1:ax1 / 1:rx_",
            "1:wx1 / 1:rx_",
            &[StrongSessionSnapshotIsolation],
        ),
        (
            "G-nonadjacent-item-process",
            "1:ax1 2:ay1 / 2:rx_ 1:ry_",
            "1:wx1 2:wy1 / 2:rx_ 1:ry_",
            &[StrongSessionSnapshotIsolation],
        ),
        (
            "G2-item-process",
            "1:ay1 ax1ry_~ / 1:rx_",
            "1:wy1 wx1ry_~ / 1:rx_",
            &[StrongSessionSerializable],
        ),
        // With real time.
        ("G0-realtime", "ax2 / ax1 rx12", "rx1wx2 / wx1", &[StrongReadUncommitted]),
        ("G1c-realtime", "rx1 / ax1", "rx1 / wx1", &[StrongReadCommitted]),
        ("G-single-item-realtime", "ax1 / rx_", "wx1 / rx_", &[StrongSnapshotIsolation]),
        (
            "G-nonadjacent-item-realtime",
            "ax1 rx_ry1~ ay1~ / ry_",
            "wx1 rx_ry1~ wy1~ / ry_",
            &[StrongSnapshotIsolation],
        ),
        ("G2-item-realtime", "ay1 ax1ry_~ / rx_", "wy1 wx1ry_~ / rx_", &[StrictSerializable]),
    ]
};

fn check(text: &str, write: char, models: &[Model]) -> Check {
    let models = Models::new(models);
    match write {
        'a' => list_append::check(&history(text), models),
        _ => rw_register::check(&register_history(text), models),
    }
}

fn assert_named(row: &Row, text: &str, write: char) {
    let (name, weakest) = (row.0.trim_start_matches('+'), row.3);
    // Where real time counts, cycles with a process's order go by its name.
    let strongest = match name.ends_with("-process") {
        true => Model::StrongSessionSerializable,
        false => Model::StrictSerializable,
    };
    for text in [text.to_owned(), among_others(text, write)] {
        let check = check(&text, write, &[strongest]);
        let found = if row.0.starts_with('+') { &check.stronger } else { &check.anomalies };
        let anomaly = found.iter().find(|anomaly| anomaly.kind == name);
        assert!(anomaly.is_some(), "{name} in {text}: {check:?}");
        assert!(anomaly.is_some_and(|anomaly| !anomaly.operations.is_empty()), "{name}: {text}");
    }
    let ruled_out = Models::new(weakest).implying();
    for model in Model::ALL {
        let check = check(text, write, &[*model]);
        let strict = row.0.starts_with('+');
        let anomalies = check.anomalies.iter().chain(check.stronger.iter().filter(|_| strict));
        // What is decided exactly is more than the tables have.
        let kinds = anomalies.map(|anomaly| anomaly.kind);
        let is_told = |kind: &Kind| !kind.as_str().contains("-violation");
        let kinds: BTreeSet<Kind> = kinds.filter(is_told).collect();
        let is_out = kinds.iter().any(|kind| crate::models::ruled_out(*kind).contains(*model));
        assert_eq!(is_out, ruled_out.contains(*model), "{name} in {text}, {model}: {kinds:?}");
        assert_eq!(!check.anomalies.is_empty(), check.validity(false) == Validity::Invalid);
    }
}

#[test]
fn every_anomaly_is_found_by_its_name_and_held_against_its_models() {
    let mut named: [BTreeSet<&str>; 2] = Default::default();
    for row in ROWS {
        for (text, write) in [(row.1, 'a'), (row.2, 'w')] {
            if !text.is_empty() {
                assert_named(row, text, write);
                named[usize::from(write == 'w')].insert(row.0);
            }
        }
    }
    for cycle in CycleType::all() {
        assert!(named.iter().all(|named| named.contains(cycle.name())), "{cycle:?}");
    }
}
