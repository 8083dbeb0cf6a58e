use kolk_protocol::Key;

use super::*;
use crate::models::{Model, Models};
use crate::txn::rw_register::{self, AssumedKeys};
use crate::txn::testing::{among_others, history, register_history};
use crate::txn::{list_append, stores};

const STRICT: &[Model] = &[Model::StrictSerializable];

fn judge(table: &Table, models: &[Model]) -> Check {
    let keys = AssumedKeys::default();
    match table.kind {
        Datatype::List => list_append::check_table(table, Models::new(models)),
        Datatype::Register => rw_register::check_table(table, Models::new(models), keys),
    }
}

/// What is left shows the anomaly, without any one of it does not, and mostly it is little.
#[test]
fn what_is_left_shows_the_anomaly_and_nothing_can_be_left_out() {
    let (mut shrunk, mut left, mut of) = (0, 0, 0);
    for kind in [Datatype::List, Datatype::Register] {
        for seed in 0..150 {
            let table = stores::any(kind, &mut Key::new(seed).random());
            let models = &[Model::StrictSerializable, Model::Causal, Model::ReadAtomic];
            let mut check = judge(&table, models);
            add(&table, &mut check, |part| judge(part, models));
            for anomaly in check.anomalies.iter().chain(&check.stronger) {
                if anomaly.smallest.is_empty() {
                    continue;
                }
                let place = format!("{kind:?}, seed {seed}: {anomaly:?}");
                let shows = |indices: &[u32]| {
                    let kept = (0..).zip(&table.transactions);
                    let kept: Vec<u32> = kept
                        .filter(|(_, transaction)| indices.contains(&transaction.index))
                        .map(|(number, _)| number)
                        .collect();
                    let check = judge(&part(&table, &kept), models);
                    check.anomalies.iter().chain(&check.stronger).any(|a| a.kind == anomaly.kind)
                };
                assert!(shows(&anomaly.smallest), "{place}");
                for without in 0..anomaly.smallest.len() {
                    let mut rest = anomaly.smallest.clone();
                    rest.remove(without);
                    assert!(!shows(&rest), "{place} without {without}");
                }
                let is_evidence = |index: &u32| anomaly.operations.contains(index);
                assert!(anomaly.smallest.iter().all(is_evidence), "{place}");
                shrunk += 1;
                left += anomaly.smallest.len();
                of += table.len();
            }
            let kinds = |check: &Check| {
                let all = check.anomalies.iter().chain(&check.stronger);
                all.map(|anomaly| anomaly.kind.as_str()).collect::<std::collections::BTreeSet<_>>()
            };
            let small = check.anomalies.iter().chain(&check.stronger);
            let small = small.filter(|anomaly| !anomaly.smallest.is_empty());
            let small: std::collections::BTreeSet<_> =
                small.map(|anomaly| anomaly.kind.as_str()).collect();
            assert_eq!(small, kinds(&check), "{kind:?}, seed {seed}");
        }
    }
    assert!(shrunk > 500 && left * 4 < of, "{shrunk} anomalies, {left} of {of} transactions");
}

/// What is planted among many others is found again, with what its proof rests on.
#[test]
fn what_is_planted_is_what_is_left() {
    for (text, kind, expected) in [
        ("ax1ay1 ax2ay2 rx12ry21", "G0", 3),
        ("ax1 ay1 rx1ry_ rx_ry1", "G-nonadjacent-item", 4),
        ("rx_ay1 ry_ax1", "G2-item", 2),
        ("ax1 ax2 rx12 rx21", "incompatible-order", 2),
        ("ax1! ax2 rx12", "dirty-update", 3),
        ("ax1rx2 ax2", "internal", 1),
        ("ax1 / rx_", "G-single-item-realtime", 2),
        ("rx1wx2 rx2wx1", "cyclic-versions", 2),
        ("wx1! rx1", "G1a", 2),
        ("rx_wx1 rx_wx2", "lost-update", 2),
        ("1:wx1 / 2:rx1wy1 / 3:ry1rx_", "causal-violation", 3),
    ] {
        let write = if text.contains('w') { 'w' } else { 'a' };
        let texts = [text.to_owned(), among_others(text, write)];
        let found = texts.map(|text| {
            let models = Models::new(&[Model::StrictSerializable, Model::Causal]);
            let (history, check) = match write {
                'a' => {
                    let history = history(&text);
                    let check = list_append::check(&history, models);
                    (history, check)
                }
                _ => {
                    let history = register_history(&text);
                    let check = rw_register::check(&history, models);
                    (history, check)
                }
            };
            let mut all = check.anomalies.iter().chain(&check.stronger);
            let anomaly = all.find(|anomaly| anomaly.kind == kind).expect(kind);
            let at = |index: &u32| history.operations.iter().find(|op| op.index == *index);
            let smallest = anomaly.smallest.iter().filter_map(at);
            smallest.map(|operation| operation.value.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(found[0].len(), expected, "{kind} in {text}");
        assert_eq!(found[0], found[1], "{kind} in {text} and among others");
    }
}

/// Where there is too much to look at, nothing is claimed to be smallest.
#[test]
fn work_is_bounded() {
    let text = among_others("ax1ay1 ax2ay2 rx12ry21", 'a');
    let table = Builder::read(&history(&text), Datatype::List);
    let mut check = judge(&table, STRICT);
    let anomaly = check.anomalies.first_mut().expect("an anomaly");
    let judge = |part: &Table| judge(part, STRICT);
    for (budget, smallest, told) in
        [(2, 0, ""), (7, 3, "still show it"), (100, 3, "none of them can be left out")]
    {
        let mut anomaly = anomaly.clone();
        let mut shrinker = Shrinker { table: &table, check: judge, budget, longest: None };
        shrinker.explain(&mut anomaly);
        assert_eq!(anomaly.smallest.len(), smallest, "{budget}");
        let last = anomaly.steps.last().expect("steps");
        assert!(last.ends_with(told), "{budget}: {last}");
    }
}
