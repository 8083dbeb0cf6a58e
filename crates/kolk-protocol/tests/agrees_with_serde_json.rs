//! The scanner and the messages against `serde_json` as the oracle, on random texts: valid ones in
//! unusual spellings, and ones that are broken in a place or two.

use kolk_protocol::integers::GrowingList;
use kolk_protocol::message::{Body, write_string};
use kolk_protocol::scan::{DEPTH_MAX, Scanner};
use kolk_protocol::{Line, write_line};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;
use serde_json::Value;

fn white() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => select(vec![" ", "\n", "\t\r", "  "])]
}

/// A string's text with its quotes, escapes in all spellings, alone-standing surrogates among them.
fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-\\[\\]-~]{0,12}",
        1 => "[äß€𝄞\u{7f}\u{80}\u{2028}]{0,3}",
        1 => select(vec![r#"\""#, r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"])
            .prop_map(str::to_owned),
        1 => any::<u16>().prop_map(|unit| format!("\\u{unit:04x}")),
        1 => any::<char>().prop_map(|char| {
            let mut units = [0; 2];
            char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")).collect()
        }),
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
        "[-+]?[0-9.eE]{1,6}",
    ]
}

/// A value's text. Most are JSON; the numbers and strings in it may be odd.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec!["null", "true", "false", "{}", "[]", "[ ]", "{ }"]).prop_map(str::to_owned),
        number(),
        string(),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let spaced =
            (white(), inner, white()).prop_map(|(a, value, b)| format!("{a}{value}{b}")).boxed();
        let entry = (white(), string(), white(), spaced.clone())
            .prop_map(|(a, key, b, value)| format!("{a}{key}{b}:{value}"));
        prop_oneof![
            vec(spaced, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(entry, 0..5).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    })
}

/// A list of numbers as a read has it, long enough to be skipped in parts; a few are odd.
fn integers() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        12 => (0_u32..30_000).prop_map(|number| number.to_string()),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        1 => number(),
        1 => select(vec!["0", "-0", "00", "", "-", "9223372036854775808", "1234567890123456789"])
            .prop_map(str::to_owned),
    ];
    vec(number, 0..40).prop_map(|numbers| format!("[{}]", numbers.join(",")))
}

/// A text with a few characters taken out, put in or exchanged.
fn broken(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let damage = (any::<prop::sample::Index>(), 0..3, select(br#"{}[]",:\0-eEtu 'x"#.to_vec()));
    (text, vec(damage, 0..3)).prop_map(|(text, damages)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (index, kind, byte) in damages {
            let at = index.index(chars.len() + 1);
            match kind {
                0 => chars.insert(at, char::from(byte)),
                _ if at == chars.len() => {}
                1 => chars[at] = char::from(byte),
                _ => drop(chars.remove(at)),
            }
        }
        chars.into_iter().collect()
    })
}

fn is_json(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.value().is_ok() && scanner.end().is_ok()
}

/// A message's text, most of whose keys are right.
fn message() -> impl Strategy<Value = String> {
    let name = || prop_oneof![Just("\"n1\"".to_owned()), Just(r#""\u006e1""#.to_owned()), string()];
    let key = |right: &'static str| prop_oneof![20 => Just(format!("\"{right}\"")), 1 => Just("\"id\"".to_owned()), 1 => string()];
    let wrong = || prop_oneof![Just("null".to_owned()), number(), value()];
    let body = (
        (key("type"), prop_oneof![9 => name(), 1 => wrong()]),
        (key("msg_id"), prop_oneof![9 => any::<i64>().prop_map(|n| n.to_string()), 1 => wrong()]),
        (
            key("in_reply_to"),
            prop_oneof![9 => any::<i32>().prop_map(|n| n.to_string()), 1 => wrong()],
        ),
        (string(), value()),
    )
        .prop_map(|(a, b, c, d)| [a, b, c, d].map(|(key, value)| format!("{key}:{value}")))
        .prop_shuffle()
        .prop_map(|entries| format!("{{{}}}", entries.join(",")));
    (
        (key("src"), prop_oneof![9 => name(), 1 => wrong()]),
        (key("dest"), prop_oneof![9 => name(), 1 => wrong()]),
        (key("body"), prop_oneof![9 => body, 1 => wrong()]),
        (key("id"), prop_oneof![9 => any::<u64>().prop_map(|n| n.to_string()), 1 => wrong()]),
        (key("at"), prop_oneof![9 => any::<u32>().prop_map(|n| n.to_string()), 1 => wrong()]),
    )
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].map(|(key, value)| format!("{key} :{value}")))
        .prop_shuffle()
        .prop_map(|entries| format!(" {{{}}} ", entries.join(" ,")))
}

/// An optional integer as the oracle reads it, `None` if it does not fit; `Err` if it is something
/// else. An integer that the oracle keeps as a fraction is one too large for it.
fn integer(value: Option<&Value>, text: &str) -> Result<Option<u64>, ()> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.is_f64() => {
            // It may stand in the text as digits alone.
            let has_large = text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 19);
            if has_large { Ok(None) } else { Err(()) }
        }
        Some(Value::Number(number)) => Ok(number.as_u64()),
        Some(_) => Err(()),
    }
}

/// What the oracle reads where a request is called something.
fn named(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// Checks what was read against the oracle's tree.
fn same_body(body: &Body<'_>, oracle: &Value) {
    if !oracle.is_object() {
        assert_eq!(*body, Body::EMPTY, "{oracle}");
        return;
    }
    assert_eq!(serde_json::from_str::<Value>(body.json).ok().as_ref(), Some(oracle));
    let kind = oracle.get("type").and_then(Value::as_str);
    assert_eq!(&*body.kind, kind.unwrap_or_default());
    for (found, key) in [(body.msg_id, "msg_id"), (body.in_reply_to, "in_reply_to")] {
        let found = found.map(|json| serde_json::from_str::<Value>(json).expect("JSON"));
        assert_eq!(found.as_ref(), named(oracle.get(key)));
    }
}

/// True if the oracle's tree is a message.
fn is_message(oracle: &Value, text: &str) -> bool {
    let known = ["id", "at", "src", "dest", "body"];
    let Some(keys) = oracle.as_object() else { return false };
    let body = &oracle["body"];
    keys.keys().all(|key| known.contains(&&**key))
        && oracle["src"].is_string()
        && oracle["dest"].is_string()
        && integer(oracle.get("id"), text).is_ok()
        && integer(oracle.get("at"), text).is_ok()
        && (body.is_object() || body.is_null() || body.as_array().is_some_and(Vec::is_empty))
}

/// Whether some reserved or envelope key is written twice: the oracle's tree keeps the last only,
/// while a wrong earlier one is an error here.
fn has_twice(text: &str) -> bool {
    let count = |key: &str| text.matches(&format!("\"{key}\"")).count();
    ["id", "at", "src", "dest", "body", "type", "msg_id", "in_reply_to"]
        .iter()
        .any(|key| count(key) > 1)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_on_what_is_json(text in broken(value())) {
        prop_assert_eq!(is_json(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn agrees_on_lists_of_integers(texts in vec(broken(integers()), 1..4)) {
        let mut list = GrowingList::default();
        // Each read also goes on with the one before.
        for text in texts.iter().flat_map(|text| [text.clone(), text.replacen(']', ",5]", 1)]) {
            let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(is_json(&text), expected, "{}", text);
            let ints = serde_json::from_str::<Vec<i64>>(&text).ok();
            let ints = ints.filter(|ints| !ints.is_empty() && !text.trim().contains(' '));
            for _ in 0..2 {
                let mut scanner = Scanner::new(&text);
                let read = list.read(&mut scanner).filter(|_| scanner.end().is_ok());
                prop_assert_eq!(read.as_deref(), ints.as_ref(), "{}", text);
            }
        }
    }

    #[test]
    fn agrees_on_strings(text in broken(string())) {
        let mut scanner = Scanner::new(&text);
        let read = scanner.string().and_then(|string| scanner.end().map(|()| string.into_owned()));
        prop_assert_eq!(read.ok(), serde_json::from_str::<String>(&text).ok(), "{}", text);
    }

    #[test]
    fn agrees_on_numbers(text in number()) {
        let mut scanner = Scanner::new(&text);
        let read = scanner.number().and_then(|_| scanner.end());
        prop_assert_eq!(read.is_ok(), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn agrees_on_messages(text in prop_oneof![3 => message().boxed(), 1 => broken(message()).boxed()]) {
        // To the oracle -0 is a fraction; here it is an integer like any other.
        let text = text.replace("-0", "0");
        let oracle = serde_json::from_str::<Value>(&text);
        match (Line::parse(text.as_bytes()), &oracle) {
            (Ok(line), Ok(oracle)) => {
                prop_assert!(is_message(oracle, &text), "{}", text);
                prop_assert_eq!(Some(&*line.src), oracle["src"].as_str());
                prop_assert_eq!(Some(&*line.dest), oracle["dest"].as_str());
                prop_assert_eq!(Ok(line.id), integer(oracle.get("id"), &text));
                prop_assert_eq!(Ok(line.at), integer(oracle.get("at"), &text));
                same_body(&line.body, &oracle["body"]);
                prop_assert_eq!(Body::parse(line.body.json), Ok(line.body));
            }
            // The oracle refuses numbers and strings that no Rust value can be: here they are
            // passed on unread.
            (Ok(_), Err(_)) => {
                prop_assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
            }
            (Err(error), Ok(oracle)) => {
                prop_assert!(!is_message(oracle, &text) || has_twice(&text), "{}: {}", error, text);
            }
            (Err(error), Err(_)) => {
                prop_assert!(error.offset().is_none_or(|at| at <= text.len()));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..60)) {
        if let Ok(line) = Line::parse(&bytes) {
            prop_assert!(std::str::from_utf8(&bytes).is_ok());
            prop_assert_eq!(line.body.json.as_bytes()[0], b'{');
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        id: Option<u64>,
        at: Option<u64>,
        src in any::<String>(),
        dest in any::<String>(),
    ) {
        let mut out = Vec::new();
        write_line(&mut out, id, at, &src, &dest, br#"{"type":"x","a":[1]}"#);
        prop_assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        let line = Line::parse(&out).expect("a line that was written");
        prop_assert_eq!((line.id, line.at), (id, at));
        prop_assert_eq!((&*line.src, &*line.dest), (&*src, &*dest));
        prop_assert_eq!(line.body.json, r#"{"type":"x","a":[1]}"#);

        let mut text = Vec::new();
        write_string(&mut text, &src);
        prop_assert_eq!(serde_json::from_slice::<String>(&text).ok(), Some(src));
    }
}

#[test]
fn agrees_on_depth() {
    for depth in [1, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 10_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = depth * if open.len() > 5 { 2 } else { 1 };
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            // The oracle's own bound is lower: 128.
            let is_json = is_json(&text);
            assert_eq!(is_json, levels <= DEPTH_MAX, "{levels} levels of {open}");
            if levels < 128 {
                assert!(serde_json::from_str::<Value>(&text).is_ok());
            }
        }
    }
}
