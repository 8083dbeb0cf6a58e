use super::*;
use crate::check::Validity;
use crate::txn::testing::{history, register_history};
use crate::txn::{list_append, rw_register};

const STRICT: &[Model] = &[Model::StrictSerializable];

/// The models that are called the strongest that may hold, by name.
fn strongest(check: &Check) -> Vec<String> {
    let found = check.results.iter().find(|(key, _)| key.as_str() == Some("strongest-models"));
    let list = found.and_then(|(_, value)| value.as_list()).unwrap_or_default();
    list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

#[test]
fn what_is_not_understood_is_noted() {
    for (text, first, others) in [
        ("ax1 rx1", None, None),
        ("ax1 rx1 wx2", Some(2), None),
        ("wx3 ax1 rx1 wx2 wx4", Some(0), Some("3, 4")),
    ] {
        let check = list_append::check(&history(text), Models::new(STRICT));
        let noted = |begin: &str| check.notes.iter().find(|note| note.starts_with(begin));
        let named = first.map(|index| format!("operation {index} has micro-operation 1, "));
        assert_eq!(named.is_none(), noted("operation ").is_none(), "{text}: {check:#?}");
        assert!(named.is_none_or(|named| noted(&named).is_some()), "{text}: {check:#?}");
        let more = others.map(|all| format!("the same is true, for the like, of operations {all}"));
        assert_eq!(noted("the same is true"), more.as_ref(), "{text}: {check:#?}");
        assert_eq!(check.validity == Validity::Unknown, first.is_some(), "{text}: {check:#?}");
    }
}

/// What holds without a key that is not checked need not hold with it.
#[test]
fn nothing_is_said_to_hold_where_keys_are_left_out() {
    const NOTE: &str = "what was read cannot be told apart, so this key is not checked";
    for (confused, notes, more) in [(0, 0, None), (1, 1, None), (8, 8, None), (10, 8, Some(2))] {
        let mut text = "wx1 rx1".to_owned();
        for key in ('a'..).take(confused) {
            text += &format!(" w{key}1 w{key}1 r{key}1");
        }
        let check = rw_register::check(&register_history(&text), Models::new(STRICT));
        let noted = |end: &str| check.notes.iter().filter(|note| note.ends_with(end)).count();
        assert_eq!(noted(NOTE), notes, "{text}: {check:#?}");
        let more = more.map(|more| format!("the same is true of {more} more keys"));
        assert_eq!(noted(" more keys"), usize::from(more.is_some()), "{text}: {check:#?}");
        assert!(more.is_none_or(|more| check.notes.contains(&more)), "{text}: {check:#?}");
        let is_whole = confused == 0;
        assert_eq!(!strongest(&check).is_empty(), is_whole, "{text}: {check:#?}");
        assert_eq!(check.proved.is_some(), is_whole, "{text}: {check:#?}");
        assert_eq!(check.validity == Validity::Valid, is_whole, "{text}: {check:#?}");
    }
}
