//! Micro-operations have a quick way through the EDN reader. It must not be seen in what is read.

use kolk_history::{Value, edn, jepsen};
use proptest::prelude::*;

/// What is read as the value of a transaction, by the reader of histories; `None` if it is refused.
fn in_history(value: &str) -> Option<Value> {
    let text = format!("{{:type :invoke, :process 0, :f :txn, :value {value}}}\n");
    let history = jepsen::read(text.as_bytes(), Vec::new()).ok()?;
    match history.operations.as_slice() {
        [operation] => Some(operation.value.clone()),
        operations => panic!("{} operations: {value}", operations.len()),
    }
}

/// What the general parser reads in the same place.
fn in_general(value: &str) -> Option<Value> {
    let Value::Map(entries) = edn::read(&format!("{{:value {value}}}\n")).ok()? else {
        panic!("no map: {value}")
    };
    // What stands after the value, if it is more than one, are other entries.
    entries.first().map(|(_, value)| value.clone())
}

/// Both, in words that tell keywords from strings and integers from floats.
fn both(value: &str) -> [Option<String>; 2] {
    [in_history(value), in_general(value)].map(|read| read.map(|value| words(&value)))
}

fn words(value: &Value) -> String {
    match value {
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| format!("{} {}", words(key), words(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        other => match other.as_list() {
            Some(list) => format!("[{}]", list.iter().map(words).collect::<Vec<_>>().join(" ")),
            None => format!("{other:?}"),
        },
    }
}

const USUAL: [&str; 5] = [
    "[[:append 1 2] [:r 3 nil]]",
    "[[:r 1 [1 2 3]], [:w -4 5]]",
    "[[:r 0 []] [:r 9223372036854775807 -1]]",
    "[ [ :w 1 1 ]\n,[:r 1 [ -1,, 2 ]] ]",
    "[[:r 12 [0]]]",
];

#[test]
fn the_usual_is_packed() {
    for text in USUAL {
        assert!(matches!(in_history(text), Some(Value::MicroOps(_))), "{text}");
        let [quick, general] = both(text);
        assert_eq!(quick, general, "{text}");
    }
}

/// Words that begin like what is usual.
#[test]
fn words_are_read_whole() {
    for (text, expected) in [
        ("[[:r 0 nilly 5]]", "[[Keyword(\"r\") Int(0) Text(\"nilly\") Int(5)]]"),
        ("[[:r/x 0 nil]]", "[[Text(\"r/x\") Int(0) Null]]"),
        ("[[:r 0 5x]]", ""),
    ] {
        let [quick, general] = both(text);
        assert_eq!(quick.as_deref().unwrap_or_default(), expected, "{text}");
        assert_eq!(general.as_deref().unwrap_or_default(), expected, "{text}");
    }
}

#[test]
fn every_cut_and_every_other_byte_is_read_alike() {
    for text in USUAL {
        for at in 0..text.len() {
            let (before, after) = text.split_at(at);
            // But for brackets that close the map around it: those make another history.
            for other in "[](\"\\:;#^,.-+/0N nrkx_é".chars() {
                for text in
                    [format!("{before}{other}{}", &after[1..]), format!("{before}{other}{after}")]
                {
                    let [quick, general] = both(&text);
                    assert_eq!(quick, general, "{text}");
                }
            }
            let [quick, general] = both(before);
            assert_eq!(quick, general, "{before}");
        }
    }
}

/// Mostly what is usual in this place, and sometimes anything.
fn part(usual: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    const ODD: &[&str] = &[
        "",
        "nil",
        "nilly",
        "true",
        ":r",
        "r",
        "\"r\"",
        ":r/x",
        "::r",
        "0",
        "-0",
        "+5",
        "007",
        "1N",
        "1.5",
        "1e3",
        "-",
        "--1",
        "9223372036854775808",
        "-9223372036854775808",
        "[]",
        "()",
        "#{1}",
        "{1 2}",
        "[1 nil]",
        "[[1]]",
        "[1 2.5]",
        "[:r 1]",
        "#_ 1",
        "#_[1] 2",
        "; so\n 3",
        "\\a",
        "^:m [1]",
        "#t 1",
        "##NaN",
        "1/2",
    ];
    prop_oneof![9 => prop::sample::select(usual), 1 => prop::sample::select(ODD)]
}

fn micro_op() -> impl Strategy<Value = String> {
    let space = || part(&[" ", " ", " ", ", ", "\n", "\t", "\u{c}", "\r\n "]);
    let function = part(&[":r", ":r", ":append", ":w"]);
    let operand = part(&["nil", "0", "17", "-3", "[]", "[1]", "[1 2 3]", "[4, -5]", "[ 6\n7 ]"]);
    let key = part(&["0", "1", "-2", "99999999999"]);
    (function, space(), key, space(), operand, part(&["", "", "", " ", ",", " 1"])).prop_map(
        |(function, first, key, second, operand, last)| {
            format!("[{function}{first}{key}{second}{operand}{last}]")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_odd_is_read_alike(
        micro_ops in proptest::collection::vec(micro_op(), 0..5),
        between in part(&[" ", ", ", ""]),
        begin in part(&["[", "[", "[ ", "("]),
        end in part(&["]", "]", " ]", ")"]),
    ) {
        let text = format!("{begin}{}{end}", micro_ops.join(between));
        let [quick, general] = both(&text);
        prop_assert_eq!(quick, general, "{}", text);
    }
}
