use super::*;
use crate::kind::Kind;
use crate::models::Model;
use crate::txn::cycles::{Scope, Shape};
use crate::txn::testing::{among_others, history, summary};

fn verdict(text: &str, models: &[Model]) -> String {
    summary(&check(&history(text), Models::new(models)))
}

const STRICT: &[Model] = &[Model::StrictSerializable];

#[test]
fn golden_cases() {
    use Model::{ReadCommitted, Serializable, SnapshotIsolation};
    for (text, models, expected) in [
        ("ax1ay1 ax2ay2 rx12ry21", STRICT, "invalid G0; not read-uncommitted"),
        ("ax1ax2 rx1", STRICT, "invalid G-single-item G1b; not read-committed"),
        // Write skew.
        ("rx_ay1 ry_ax1", STRICT, "invalid G2-item; not repeatable-read"),
        ("rx_ay1 ry_ax1", &[SnapshotIsolation], "valid; not repeatable-read"),
        // Long fork.
        (
            "ax1 ay1 rx1ry_ rx_ry1",
            STRICT,
            "invalid G-nonadjacent-item +prefix-violation; not prefix repeatable-read",
        ),
        (
            "ax1 ay1 rx1ry_ rx_ry1",
            &[ReadCommitted],
            "valid; not repeatable-read snapshot-isolation",
        ),
        (
            "rx_ax1 rx_ax2",
            STRICT,
            "invalid G2-item lost-update; not cursor-stability update-atomic",
        ),
        (
            "rx_ax1 rx_ax2",
            &[SnapshotIsolation],
            "invalid lost-update; not cursor-stability update-atomic",
        ),
        ("ax1rx2 ax2", STRICT, "invalid internal; not read-atomic"),
        ("rx1ax1", STRICT, "invalid empty-transaction-graph future-read; not read-committed"),
        ("ax1! ax2 rx12", STRICT, "invalid G1a dirty-update; not read-committed"),
        ("ax1 rx11", STRICT, "invalid duplicate-elements; not read-uncommitted"),
        ("ax1 ax2 rx12 rx21", STRICT, "invalid incompatible-order; not read-committed"),
        ("ax1 / rx_", STRICT, "invalid G-single-item-realtime; not strong-snapshot-isolation"),
        ("ax1 / rx_", &[Serializable], "valid; not strong-snapshot-isolation"),
    ] {
        assert_eq!(verdict(text, models), expected, "{text} {models:?}");
        let planted = among_others(text, 'a');
        let expected = expected.replace("empty-transaction-graph ", "");
        assert_eq!(verdict(&planted, models), expected, "{text} among others, {models:?}");
    }
}

/// A circle of writes through a transaction that may not have happened: then it is a read of what
/// was not committed, which read uncommitted allows.
#[test]
fn what_may_not_have_happened_is_not_held_against_read_uncommitted() {
    for (text, model, expected) in [
        ("ax1ay1? ax2ay2 rx12ry21", Model::ReadUncommitted, "valid; not causal read-committed"),
        (
            "ax1ay1? ax2ay2 rx12ry21",
            Model::ReadCommitted,
            "invalid G0 +read-committed-violation; not causal read-committed",
        ),
        ("ax1ay1 ax2ay2 rx12ry21", Model::ReadUncommitted, "invalid G0; not read-uncommitted"),
        // Where one circle leads through it and another does not, whichever is found.
        ("ax2 / ax1? / rx12", Model::StrongReadUncommitted, "valid; not strong-read-committed"),
        (
            "1:ax3 / ax1? 1:ax2 / rx123",
            Model::StrongReadUncommitted,
            "invalid G0-realtime; not strong-session-read-uncommitted",
        ),
        (
            "1:ax3 / ax2? 1:ax1 / rx123",
            Model::StrongReadUncommitted,
            "invalid G0-realtime; not strong-session-read-uncommitted",
        ),
        // What comes before it and what comes after it do so without it.
        (
            "ax1ay2 ax2? ax3ay1 rx123ry12",
            Model::ReadUncommitted,
            "invalid G0; not read-uncommitted",
        ),
    ] {
        assert_eq!(verdict(text, &[model]), expected, "{text} {model}");
    }
}

/// Of reads that part, one saw what was never committed, and nobody knows which. What they agree on
/// is the order of what was.
#[test]
fn reads_that_disagree_tell_no_order_of_writes() {
    for (text, expected) in [
        ("ax1ay2 ax2ay1 rx12 rx21 ry12", "valid"),
        ("ax1ay2 ax2ay1 ax3 ax4 rx123 rx124 ry12", "invalid G0"),
        ("ax1ay2 ax3ay1 ax2! rx123 rx13 ry12", "valid +G0"),
        // Its own append, on top of what nobody else saw.
        ("ax1rx1 ax4 rx4", "valid"),
        ("ax1rx1ay2 ax4ay1 rx4 ry12", "valid"),
        // What was read without what its transaction had appended before.
        ("ax1ax2 ax3 rx23", "valid"),
        ("ax1ax3 ax2 rx123", "invalid G0"),
    ] {
        let got = verdict(text, &[Model::ReadUncommitted]);
        assert_eq!(got.split(';').next(), Some(expected), "{text}: {got}");
    }
}

/// Who read its own append first of all appended first, though its last one was not read.
#[test]
fn what_a_transaction_alone_read_of_its_own_has_a_place() {
    let text = "ax1ay1rx1ax3~ ax2 1:ry_ax5 / ry_ax4";
    let got = verdict(text, &[Model::StrongPrefix]);
    assert!(got.contains("+strong-prefix-violation"), "{got}");
}

/// Who appends 1 and then 2 at once leaves both, in this order.
#[test]
fn appends_of_one_transaction_stay_together() {
    for (text, expected) in [
        ("ax1ax2 rx2", "valid +incompatible-order; not read-committed"),
        ("ax1ax2? rx2", "valid +incompatible-order; not read-committed"),
        ("ax1ax2 ax3 rx213", "valid +incompatible-order; not read-committed"),
        ("ax1ax2 ax3 rx123 rx3", "invalid incompatible-order; not read-committed"),
        ("ax1ax2 ax3 rx123", "valid"),
    ] {
        assert_eq!(verdict(text, &[Model::ReadCommitted]), expected, "{text}");
    }
}

/// That somebody's append was read proves that it happened, wherever in the list.
#[test]
fn what_was_read_before_the_end_of_a_list_has_happened() {
    for text in ["1:rx12 / 1:ax1? ax2", "1:rx12 / 1:ax2? ax1"] {
        let got = verdict(text, &[Model::ReadCommitted]);
        assert!(got.contains("+read-committed-violation-process"), "{text}: {got}");
    }
}

/// Where no real time tells that it came later, either.
#[test]
fn what_was_read_of_a_pending_transaction_comes_after_its_process_without_times() {
    let mut history = history("1:rx12 / 1:ax1? ax2");
    history.untimed = true;
    let got = summary(&check(&history, Models::new(&[Model::ReadCommitted])));
    assert!(got.contains("+read-committed-violation-process"), "{got}");
}

/// One for each transaction, one for each version, one for each knot.
#[test]
fn anomalies_are_counted_as_what_they_are_of() {
    for (text, kind, count) in [
        ("rx12ax1ax2", Kind::FutureRead, 1),
        ("rx1ax1 ry1ay1", Kind::FutureRead, 2),
        ("ax1 rx_rx1rx_", Kind::Internal, 1),
        ("ax1 rx_rx1 rx_rx1", Kind::Internal, 2),
        ("rx_ax1 rx_ax2 rx_ax3", Kind::LostUpdate, 1),
        ("rx_ax1 rx_ax2 ry_ay1 ry_ay2", Kind::LostUpdate, 2),
        // The circle that is surely one is told, and not the one through what is pending.
        ("1:ax3 / ax2? 1:ax1 / rx123", Kind::cycle(Shape::G0, Scope::Realtime), 1),
    ] {
        let check = check(&history(text), Models::new(STRICT));
        assert_eq!(check.count_of(kind), count, "{text}: {check:#?}");
    }
}

/// A transaction that goes on from a list that parts from the longest.
#[test]
fn reads_of_its_own_appends_are_held_to_other_lists_too() {
    for (read, is_internal) in
        [("213", false), ("214", true), ("123", true), ("2143", true), ("21", true)]
    {
        let text = format!("ax1 ax2 ax4 ax5 ax6 rx12456 rx21ax3rx{read}");
        let check = check(&history(&text), Models::new(STRICT));
        assert_eq!(check.count_of(Kind::Internal), u64::from(is_internal), "{text}: {check:#?}");
    }
}

/// Where the order of all versions is known, circles prove models of sessions too, unless a
/// transaction of unknown outcome belongs to one: no circle goes by that.
#[test]
fn circles_prove_what_sessions_promise_where_all_is_known() {
    use Model::{Causal, SnapshotIsolation, StrongSessionSnapshotIsolation};
    for (text, is_proved) in [
        ("rx_ay1 ry_ax1", [true, true]),
        ("ad1~ 1:rd1 ri1rb_~ ab1~ rb1rd_~ / 1:ai1?", [true, false]),
    ] {
        let check = check(&history(text), Models::new(&[Causal]));
        let proved = check.proved.unwrap_or_default();
        let models = [SnapshotIsolation, StrongSessionSnapshotIsolation];
        assert_eq!(models.map(|model| proved.contains(model)), is_proved, "{text}: {check:#?}");
    }
}

/// Real time says more than the order of a process, so a circle is named by it where it counts.
#[test]
fn a_circle_of_a_process_is_named_by_real_time() {
    let story = "1:ax1 / 1:rx_";
    let of_process = &[Model::StrongSessionSerializable];
    for (models, expected) in [
        (STRICT, "invalid G-single-item-realtime; not strong-session-snapshot-isolation"),
        (of_process, "invalid G-single-item-process; not strong-session-snapshot-isolation"),
    ] {
        assert_eq!(verdict(story, models), expected, "{models:?}");
    }
}

#[test]
fn levels_that_an_anomaly_rules_out_do_not_hold() {
    use kolk_history::Value;
    for (text, holding) in [
        ("ax1 rx1", &["read-committed", "read-atomic", "causal"][..]),
        ("ax1 rx_rx1", &["read-committed"]),
        ("ax1rx2 ax2", &[]),
        ("ax1! rx1", &[]),
        // Each by itself saw a last element that it may well have seen.
        ("ax1 ax2 rx12 rx21", &[]),
        // What shows only in the rest of the list.
        ("ax1ax2 rx2", &[]),
        ("ax1 ax2 rx121 rx12", &[]),
    ] {
        let check = check(&history(text), Models::new(STRICT));
        let decided =
            check.results.iter().find(|(name, _)| *name == crate::tree::key(&"decided-exactly"));
        let Some((_, Value::Map(levels))) = decided else { panic!("{text}: nothing was decided") };
        let holds = levels.iter().filter(|(_, holds)| *holds == Value::Bool(true));
        let holds: Vec<String> = holds.map(|(level, _)| level.to_string()).collect();
        let expected: Vec<String> = holding.iter().map(|level| format!("{level:?}")).collect();
        assert_eq!(holds, expected, "{text}");
    }
}
