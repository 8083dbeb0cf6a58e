use super::*;
use crate::models::Model;
use crate::txn::testing::{register_history, summary};

fn verdict(text: &str, models: &[Model]) -> String {
    summary(&check(&register_history(text), Models::new(models)))
}

const STRICT: &[Model] = &[Model::StrictSerializable];

#[test]
fn golden_cases() {
    for (text, models, expected) in [
        // A stale read that is not of nothing: the order of the writes is not known.
        ("wx1 / wx2 / rx1", STRICT, "valid"),
        ("rx1wx2 rx2wx1", STRICT, "invalid G1c cyclic-versions; not read-uncommitted"),
        (
            "rx_wx1 rx_wx2",
            STRICT,
            "invalid G2-item lost-update; not cursor-stability update-atomic",
        ),
    ] {
        assert_eq!(verdict(text, models), expected, "{text} {models:?}");
    }
}
