use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::*;
use crate::message::{Body, Marks};
use crate::scan::DEPTH_MAX;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    y: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sample {
    Nothing,
    Empty {},
    AddUp {
        message: i64,
    },
    Inner(Point),
    Table(BTreeMap<u32, String>),
    #[serde(rename = "say \"hi\"")]
    Quoted {
        list: Vec<u8>,
    },
    Unnamed(i64, i64),
    Number(i64),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Strict {
    Read { key: i64 },
}

const HEAD: Head<'_> = Head { msg_id: Some(-7), in_reply_to: Some("0") };

fn marked(value: &impl Serialize, head: Head<'_>) -> Result<(String, Option<Marks>), BodyError> {
    let mut out = b"before".to_vec();
    let marks = write_body(&mut out, value, head)
        .inspect_err(|_| assert_eq!(out.len(), 6, "a failed write leaves nothing behind"))?;
    Ok((String::from_utf8(out[6..].to_vec()).expect("a body is text"), marks))
}

fn body(value: &impl Serialize, head: Head<'_>) -> Result<String, BodyError> {
    Ok(marked(value, head)?.0)
}

#[test]
fn variants_there_and_back() {
    let table = BTreeMap::from([(3, "c".to_owned()), (10, "\n".to_owned())]);
    for (value, head, expected) in [
        (Sample::Nothing, Head::default(), r#"{"type":"nothing"}"#),
        (Sample::Nothing, HEAD, r#"{"type":"nothing","msg_id":-7,"in_reply_to":0}"#),
        (Sample::Empty {}, HEAD, r#"{"type":"empty","msg_id":-7,"in_reply_to":0}"#),
        (Sample::AddUp { message: 5 }, Head::default(), r#"{"type":"add_up","message":5}"#),
        (
            Sample::Inner(Point { x: 1, y: None }),
            HEAD,
            r#"{"type":"inner","msg_id":-7,"in_reply_to":0,"x":1,"y":null}"#,
        ),
        (Sample::Table(table), Head::default(), r#"{"type":"table","3":"c","10":"\n"}"#),
        (
            Sample::Quoted { list: vec![1, 2] },
            Head::default(),
            r#"{"type":"say \"hi\"","list":[1,2]}"#,
        ),
    ] {
        let (json, marks) = marked(&value, head).expect("can be written");
        assert_eq!(json, expected);
        let parsed = Body::parse(&json).expect("is a body");
        let msg_id = head.msg_id.map(|number| number.to_string());
        assert_eq!((parsed.msg_id, parsed.in_reply_to), (msg_id.as_deref(), head.in_reply_to));
        // Only a type that had to be escaped is not marked.
        assert_eq!(marks, parsed.marks());
        assert_eq!(marks.is_none(), parsed.kind.contains('"'), "{json}");
        assert!(marks.is_none_or(|marks| marks.body(&json) == parsed));
        assert_eq!(from_body::<Sample>(&parsed.kind, &json), Ok(value));
    }
}

/// Whoever relies on marks must not take a body that a scan refuses.
#[test]
fn what_may_be_nested_too_deeply_has_no_marks() {
    #[derive(Serialize)]
    enum Deep {
        Deep { value: serde_json::Value },
    }
    let lists =
        |depth| (0..depth).fold(serde_json::json!(1), |value, _| serde_json::json!([value]));
    for (value, is_known) in [
        (lists(DEPTH_MAX - 1), true),
        (lists(DEPTH_MAX), false),
        (serde_json::json!(vec![lists(3); DEPTH_MAX]), false),
        (serde_json::json!("x".repeat(DEPTH_MAX * 3)), true),
    ] {
        let (json, marks) = marked(&Deep::Deep { value }, HEAD).expect("can be written");
        assert_eq!(marks.is_some(), is_known, "{json}");
    }
}

#[test]
fn no_bodies() {
    for error in [
        body(&Sample::Unnamed(1, 2), HEAD),
        body(&Sample::Number(1), HEAD),
        body(&5, HEAD),
        body(&None::<Sample>, HEAD),
        body(&[Sample::Nothing], HEAD),
        body(&BTreeMap::from([((1, 2), 3)]), HEAD),
    ] {
        assert!(matches!(error, Err(BodyError::Malformed(_))), "{error:?}");
    }
}

#[test]
fn structs_and_maps_name_their_type_themselves() {
    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Tagged {
        Read { key: i64 },
    }
    assert_eq!(
        body(&Tagged::Read { key: 3 }, Head { msg_id: Some(1), in_reply_to: None }).as_deref(),
        Ok(r#"{"msg_id":1,"type":"read","key":3}"#)
    );
    assert_eq!(
        body(&serde_json::json!({"type": "x", "msg_id": 5}), Head::default()).as_deref(),
        Ok(r#"{"type":"x"}"#)
    );
    assert_eq!(
        body(&serde_json::json!({"a": 1}), HEAD).as_deref(),
        Ok(r#"{"msg_id":-7,"in_reply_to":0,"a":1}"#)
    );
    assert_eq!(
        from_body::<serde_json::Value>("x", r#"{"type":"x","a":[1]}"#),
        Ok(serde_json::json!({"type": "x", "a": [1]}))
    );
}

#[test]
fn reserved_and_unknown_keys_are_no_fields() {
    for json in [
        r#"{"type":"add_up","msg_id":1,"in_reply_to":2,"message":9}"#,
        r#" { "message" : 9 , "more" : [{"message": 1}], "type" : "add_up" } "#,
        r#"{"\u006dessage":9,"\u0074ype":"add_up"}"#,
    ] {
        assert_eq!(from_body("add_up", json), Ok(Sample::AddUp { message: 9 }), "{json}");
        for (kind, value) in [("nothing", Sample::Nothing), ("empty", Sample::Empty {})] {
            assert_eq!(from_body(kind, json), Ok(value), "{json}");
        }
    }
    assert_eq!(
        from_body("read", r#"{"type":"read","msg_id":1,"key":2}"#),
        Ok(Strict::Read { key: 2 })
    );
}

#[test]
fn errors_name_type_and_field() {
    let unknown = |kind: &str| Err(BodyError::UnknownType(kind.to_owned()));
    let malformed = |text: &str| Err(BodyError::Malformed(text.to_owned()));
    for (kind, json, expected) in [
        ("add-up", "{}", unknown("add-up")),
        ("", "{}", unknown("")),
        ("add_up", "{}", malformed("missing field `message`")),
        (
            "add_up",
            r#"{"message":"5"}"#,
            malformed("field `message`: invalid type: string \"5\", expected i64"),
        ),
        (
            "inner",
            r#"{"x":1,"y":[]}"#,
            malformed("field `y`: invalid type: sequence, expected i64"),
        ),
        ("add_up", r#"{"message":1,"message":2}"#, malformed("duplicate field `message`")),
        ("unnamed", "{}", malformed("a variant with unnamed fields cannot be read from a body")),
        ("number", "{}", malformed("invalid type: map, expected i64")),
        ("add_up", "{\"message\":1} x", malformed("trailing characters")),
        (
            "add_up",
            "[]",
            malformed("invalid type: sequence, expected struct variant Sample::AddUp"),
        ),
    ] {
        assert_eq!(from_body::<Sample>(kind, json), expected, "{kind} {json}");
    }
    assert_eq!(
        from_body::<Strict>("read", r#"{"type":"read","key":1,"kee":2}"#),
        Err(BodyError::Malformed("unknown field `kee`, expected `key`".to_owned()))
    );
}

#[test]
fn fields_are_borrowed() {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Borrowing<'a> {
        Keep {
            name: &'a str,
            #[serde(borrow)]
            raw: &'a RawValue,
        },
    }
    let json = r#"{"type":"keep","name":"n","raw":{"a": [1,  2]}}"#;
    let Borrowing::Keep { name, raw } = from_body("keep", json).expect("fits");
    assert_eq!((name, raw.get()), ("n", r#"{"a": [1,  2]}"#));
}
