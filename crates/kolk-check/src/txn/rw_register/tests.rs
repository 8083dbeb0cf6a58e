use super::*;
use crate::models::Model;
use crate::txn::stores;
use crate::txn::testing::{among_others, register_history, summary};

fn verdict(text: &str, models: &[Model]) -> String {
    summary(&check(&register_history(text), Models::new(models)))
}

const NONE: AssumedKeys = AssumedKeys { sequential: false, linearizable: false };
const SEQUENTIAL: AssumedKeys = AssumedKeys { sequential: true, ..NONE };
const LINEARIZABLE: AssumedKeys = AssumedKeys { linearizable: true, ..NONE };

const STRICT: &[Model] = &[Model::StrictSerializable];

#[test]
fn golden_cases() {
    for (text, models, expected) in [
        // A stale read that is not of nothing: whatever the order of the writes.
        (
            "wx1 / wx2 / rx1",
            STRICT,
            "valid +strong-snapshot-isolation-violation; not strong-snapshot-isolation",
        ),
        ("rx1wx2 rx2wx1", STRICT, "invalid G1c cyclic-versions; not read-uncommitted"),
        (
            "rx_wx1 rx_wx2",
            STRICT,
            "invalid G2-item lost-update; not cursor-stability update-atomic",
        ),
    ] {
        assert_eq!(verdict(text, models), expected, "{text} {models:?}");
        let planted = among_others(text, 'w');
        let expected = expected.replace("empty-transaction-graph ", "");
        assert_eq!(verdict(&planted, models), expected, "{text} among others, {models:?}");
    }
}

/// Histories of the literature that tell the levels apart (Biswas & Enea 2019; Møldrup &
/// Pavlogiannis 2025): the first that does not hold, with sessions and without.
#[test]
fn levels_are_told_apart() {
    use Model::{Causal, ReadAtomic, ReadCommitted, Serializable};
    let all = &[ReadCommitted, ReadAtomic, Causal][..];
    for (text, expected) in [
        // A circle of sessions and reads.
        ("1:ry1 2:rx1 / 1:wx1 2:wy1", "valid +read-committed-violation-process"),
        // Two that write the same two keys, and one who sees both orders.
        ("1:wx1wy1 2:wx2wy2 3:wz1 4:rx1ry2rz1", "valid +read-atomic-violation"),
        // A value that changes while a transaction looks.
        ("1:wx1 2:wx2 3:rx1rx2", "invalid internal +read-atomic-violation"),
        // Who sees an effect need not see its cause's cause: z came from y's writer, who saw x.
        ("1:wx1 2:rx1wy1 3:ry1rx_", "valid +causal-violation"),
        ("1:wx1 2:rx1wy1 3:ry1wz1 4:rz1rx_", "valid +causal-violation"),
        // Nothing read where the session had written, and where it had only read.
        ("1:wx1 / 1:rx_", "valid +read-atomic-violation-process"),
        ("2:wx1 / 1:rx1 / 1:rx_", "valid +causal-violation-process"),
        // Old news, but no contradiction.
        ("1:wx1 / 1:wx2 / 2:rx1", "valid"),
        ("1:wx1 / 1:wx2 / 2:rx2 / 2:rx1", "valid +causal-violation-process"),
        // A long fork and a lost update are causal.
        ("1:wx1 2:wy1 3:rx1ry_ 4:rx_ry1", "valid"),
        ("1:rx_wx1 2:rx_wx2", "valid"),
        // What a pending transaction wrote was read, so it happened; but who knows when.
        ("1:wx1wy1? 2:rx1ry_", "unknown empty-transaction-graph +read-committed-violation"),
        ("1:wx1? / 1:rx_ 2:rx1", "unknown empty-transaction-graph"),
        // Its own write comes before all others'.
        ("1:wx1 2:wx2rx1", "invalid empty-transaction-graph internal +read-committed-violation"),
    ] {
        let got = summary(&check(&register_history(text), Models::new(all)));
        let got = got.split(';').next().unwrap_or_default();
        assert_eq!(got, expected, "{text}");
        let planted = register_history(&among_others(text, 'w'));
        let got = summary(&check(&planted, Models::new(all)));
        let got = got.split(';').next().unwrap_or_default();
        let expected = expected.replace("empty-transaction-graph ", "");
        let expected = expected.replace("empty-transaction-graph", "").replace("unknown", "valid");
        assert_eq!(got.trim(), expected.trim(), "{text} among others");
    }
    // Serializability says nothing of sessions.
    let stale = &register_history("1:wx1 / 1:rx_");
    let check = |models: &[Model]| summary(&check(stale, Models::new(models)));
    assert_eq!(check(&[Serializable]), "valid; not causal strong-session-snapshot-isolation");
}

/// What each assumption finds, and that without it, or with another, it goes unseen.
#[test]
fn assumed_keys() {
    let models = Models::new(&[Model::Serializable]);
    let check = |text: &str, keys| {
        let found = summary(&check_assuming(&register_history(text), models, keys));
        found.split([';', '+']).next().unwrap_or_default().trim().to_owned()
    };
    for (text, sequential, linearizable) in [
        // A process goes back: to an older value, to nothing, to what it had overwritten.
        ("1:wx1 / 1:wx2 / 1:rx1", "cyclic-versions", "cyclic-versions"),
        ("1:wx1 / 2:rx1 / 2:rx_", "cyclic-versions", "cyclic-versions"),
        ("1:wx1 / 2:rx1wx2 / 1:rx2 / 1:rx1", "cyclic-versions", "cyclic-versions"),
        // Two processes see two orders.
        ("1:wx1 2:wx2 / 3:rx1 4:rx2 / 3:rx2 4:rx1", "cyclic-versions", "cyclic-versions"),
        // Stale, but no process goes back.
        ("wx1 / wx2 / rx1", "", "cyclic-versions"),
        ("wx1 / rx_", "", "cyclic-versions"),
        ("wx1 rx1wx2 / rx1", "", "cyclic-versions"),
        // Three values in a circle, by three processes.
        (
            "wx1 wx2 wx3 1:rx1 / 1:rx2wx9 2:rx2 / 2:rx3wx8 3:rx3 / 3:rx1wx7",
            "cyclic-versions",
            "cyclic-versions",
        ),
        // Of what is older and newer follow cycles of transactions.
        ("2:wx1 / 3:wx2wy1 / 1:rx1 / 1:rx2 / 4:rx1ry1", "G-single-item", "cyclic-versions"),
        ("wx1 / wx2wy1 rx1ry1", "", "G-single-item"),
        ("wx1wy1 wx2wy2 / rx2 ry1", "", "G0"),
        ("1:wx1wy1 2:wx2wy2 / 3:rx1 4:ry2 / 3:rx2 4:ry1", "G-single-item G0", "cyclic-versions"),
        // What is late, but in order; what overlaps.
        ("1:wx1 / 1:wx2 / 2:rx_ / 2:rx1 / 2:rx2", "", "cyclic-versions"),
        ("1:wx1 / 1:wx2 2:rx1 / 2:rx2 3:rx2", "", ""),
        ("wx1 wx2 rx1 rx2 / rx2 rx2", "", ""),
        ("rx_wx1 / rx1wx2 / rx2wx3 rx3", "", ""),
        // An unknown outcome may come late.
        ("wx1? wx2 / rx2 / rx1", "", ""),
        ("wx1? / wx2 / rx2 / rx1 / rx2", "", "cyclic-versions"),
    ] {
        for text in [text.to_owned(), among_others(text, 'w')] {
            let invalid = |kinds: &str| match kinds {
                "" => "valid".to_owned(),
                kinds => format!("invalid {kinds}"),
            };
            assert_eq!(check(&text, NONE), "valid", "{text}");
            assert_eq!(check(&text, SEQUENTIAL), invalid(sequential), "sequential: {text}");
            assert_eq!(check(&text, LINEARIZABLE), invalid(linearizable), "linearizable: {text}");
        }
    }
}

/// Elle holds nothing against causal; decided exactly, reads see what was committed.
#[test]
fn causal_knows_no_dirty_reads() {
    for (text, expected) in [
        ("wx1! rx1", "unknown empty-transaction-graph +G1a; not read-committed"),
        ("wx1wx2 rx1", "unknown empty-transaction-graph +G1b; not read-committed"),
        ("rx1wx1", "unknown empty-transaction-graph +future-read; not read-committed"),
        ("rx1", "unknown empty-transaction-graph +garbage-read; not read-uncommitted"),
        ("wx1 rx1", "valid"),
    ] {
        let check = check(&register_history(text), Models::new(&[Model::Causal]));
        assert_eq!(summary(&check), expected, "{text}");
        let holds = format!("{:?}", check.results).contains(r#"Text("causal"), Bool(true)"#);
        assert_eq!(holds, expected == "valid", "{text}: {:?}", check.results);
    }
}

/// What was read of a transaction of unknown outcome shows that it happened, with all that it did.
#[test]
fn circles_through_what_is_pending_are_found_beside_elle() {
    for (text, expected) in [
        ("wx1wy1? rx1ry_", "+G-single-item"),
        ("wx1wy1 rx1ry_", " G-single-item"),
        ("wx1wy1! rx1ry_", " G1a"),
    ] {
        let got = verdict(text, STRICT);
        let types = got.split(';').next().unwrap_or_default();
        let found = |kind: &str| types.contains(kind);
        assert!(found(expected), "{text}: {got}");
        assert_eq!(found("G-single-item"), expected.contains("G-single-item"), "{text}: {got}");
    }
}

/// That a level needs sessions to be broken does not prove what it is without them, if that was not
/// looked at.
#[test]
fn what_was_not_looked_at_is_not_proved() {
    for (text, is_proved) in
        [("1:wx1 / 1:wx2 / 2:rx2 / 2:rx1", [false, false]), ("wx1rx1 rx1", [true, true])]
    {
        let check = check(&register_history(text), Models::new(&[Model::Causal]));
        let proved = check.proved.unwrap_or_default();
        let models = [Model::Causal, Model::CausalCerone];
        assert_eq!(models.map(|model| proved.contains(model)), is_proved, "{text}: {check:#?}");
    }
}

/// Where an order shows at once that all holds, the verdict is what it would be without.
#[test]
fn what_is_shown_at_once_is_what_all_of_it_shows() {
    use Model::{Causal, ReadCommitted, Serializable, StrictSerializable, StrongPrefix};
    let mut shown = [0; 2];
    for seed in 0..2_000 {
        let mut table =
            stores::any(Datatype::Register, &mut kolk_protocol::Key::new(seed).random());
        table.in_sessions = seed % 2 == 1;
        for models in [
            &[StrictSerializable][..],
            &[Serializable],
            &[Causal],
            &[ReadCommitted],
            &[StrongPrefix, ReadCommitted],
            &[],
        ] {
            let requested = Models::new(models);
            let at_once = at_once(&table, requested);
            shown[usize::from(at_once.is_some())] += 1;
            let Some(at_once) = at_once else { continue };
            for keys in [NONE, SEQUENTIAL, LINEARIZABLE] {
                let in_full = in_full(&table, requested, keys, true);
                assert_eq!(at_once, in_full, "seed {seed}, {models:?}, {keys:?}");
            }
        }
    }
    assert!(shown.iter().all(|count| *count > 1_000), "{shown:?}");
}
