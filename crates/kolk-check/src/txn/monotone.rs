//! One order of models: no history is valid under a model and invalid under one that it implies.

use kolk_protocol::Key;

use super::levels::{Levels, settle};
use super::records::{check, table};
use super::rw_register::AssumedKeys;
use super::stores::{Clock, Promise, records};
use super::table::Datatype;
use super::testing::{history, register_history};
use super::{list_append, rw_register};
use crate::check::{Check, Validity};
use crate::models::{Model, Models};

/// How levels are meant, and whether stronger findings count. Where they stand beside Elle's
/// verdict, that of a level that was named may rest on the order of each process.
const MODES: [(Levels, bool); 3] =
    [(Levels::Elle, false), (Levels::Exact, false), (Levels::Exact, true)];

/// Asserts that in each mode the models that hold imply no model that does not.
fn assert_monotone(what: &str, in_sessions: bool, check: impl Fn(Models) -> Check) {
    let of = |model: &Model| (*model, check(Models::new(&[*model])));
    let checks: Vec<(Model, Check)> = Model::ALL.iter().map(of).collect();
    for (levels, strict) in MODES {
        let (mut valid, mut invalid) = (Models::default(), Models::default());
        for (model, check) in &checks {
            let mut check = check.clone();
            settle(&mut check, Models::new(&[*model]), levels, in_sessions);
            match check.validity(strict) {
                Validity::Valid => valid = valid.with(*model),
                Validity::Invalid => invalid = invalid.with(*model),
                Validity::Unknown => {}
            }
        }
        let broken = valid.iter().find(|model| Models::new(&[*model]).implied().overlaps(invalid));
        assert_eq!(broken, None, "holds, but not what it implies: {levels:?}, {strict}: {what}");
    }
}

#[test]
fn what_a_model_implies_holds_where_it_holds() {
    let mut random = Key::new(16).random();
    for number in 0..90 {
        let kind = if number % 2 == 0 { Datatype::Register } else { Datatype::List };
        let promise = *random.choose(Promise::ALL).expect("a promise");
        let clock =
            *random.choose(&[Clock::RealTime, Clock::Sessions, Clock::Free]).expect("a clock");
        let size = 2 + random.index(5);
        let records = records((kind, promise, clock), size, false, &mut random);
        let (untimed, in_sessions) = [(false, false), (true, false), (true, true)][number % 3];
        let mut table = table(kind, &records);
        (table.untimed, table.in_sessions) = (untimed, in_sessions);
        assert_monotone(&format!("{records:?}"), in_sessions, |requested| {
            let models: Vec<Model> = requested.iter().collect();
            check(&table, &models, AssumedKeys::default())
        });
    }
}

/// What was seen: a level was found not to hold, and a stronger one printed as valid.
#[test]
fn a_level_that_does_not_hold_counts_against_all_above_it() {
    for (text, write) in [
        ("wy1wz1 wx1wy2 rx1ry1 rz1ry2", 'w'),
        ("1:rx_ 2:rx_ / 1:wx1 / 2:wx2 / 1:rx2 / 2:rx1", 'w'),
        ("rx1", 'w'),
        ("rx1wx1", 'w'),
        ("1:wx1 / 1:rx_", 'w'),
        ("1:ax1 / 1:rx_", 'a'),
        ("ax1ax2 rx2", 'a'),
    ] {
        assert_monotone(text, false, |requested| match write {
            'w' => rw_register::check(&register_history(text), requested),
            _ => list_append::check(&history(text), requested),
        });
    }
    let stale = register_history("1:rx_ 2:rx_ / 1:wx1 / 2:wx2 / 1:rx2 / 2:rx1");
    for model in [Model::Causal, Model::StrongSessionSerializable, Model::StrictSerializable] {
        let requested = Models::new(&[model]);
        let mut check = rw_register::check(&stale, requested);
        settle(&mut check, requested, Levels::Exact, false);
        assert_eq!(check.validity, Validity::Invalid, "{model}: {check:?}");
    }
}
