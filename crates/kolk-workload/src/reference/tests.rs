//! The reference against the types in code: no message, key, service, workload or error code is
//! without its words, and none is described that there is not.

use std::collections::{BTreeMap, BTreeSet};

use kolk_protocol::{ErrorCode, workload as types};
use serde::de::{self, Deserialize, DeserializeSeed, EnumAccess, VariantAccess, Visitor};
use serde_json::Value;

use super::*;

/// Finds out the variants of an enum and their keys, as its `Deserialize` knows them.
#[derive(Default)]
struct Shape {
    variants: Vec<&'static str>,
    fields: BTreeMap<&'static str, Vec<&'static str>>,
    /// The variant that is looked at.
    at: usize,
}

fn shape<'de, T: Deserialize<'de>>() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut shape = Shape::default();
    loop {
        let _ = T::deserialize(&mut shape);
        shape.at += 1;
        if shape.at >= shape.variants.len() {
            return shape.fields;
        }
    }
}

type Nothing = de::value::Error;

impl<'de> de::Deserializer<'de> for &mut Shape {
    type Error = Nothing;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Nothing> {
        self.variants = variants.to_vec();
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Nothing> {
        panic!("a message is an enum")
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for &mut Shape {
    type Error = Nothing;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Nothing> {
        let name = de::value::StrDeserializer::new(self.variants[self.at]);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Shape {
    type Error = Nothing;

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Nothing> {
        self.fields.insert(self.variants[self.at], fields.to_vec());
        Err(de::Error::custom("seen"))
    }

    fn unit_variant(self) -> Result<(), Nothing> {
        panic!("the body of a message is an object")
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Nothing> {
        panic!("the body of a message is an object")
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Nothing> {
        panic!("the body of a message is an object")
    }
}

type Messages = BTreeMap<&'static str, Vec<&'static str>>;

/// The shapes of a module's requests and replies.
macro_rules! shapes {
    ($($module:ident $(<$($generic:ty),*; $reply:ty>)?),* $(,)?) => {
        BTreeMap::from([$((
            stringify!($module),
            (
                shape::<types::$module::Request$(<$($generic),*>)?>(),
                shape::<types::$module::Reply$(<$reply>)?>(),
            ),
        )),*])
    };
}

fn shapes() -> BTreeMap<&'static str, (Messages, Messages)> {
    shapes![
        broadcast, counter, echo, g_set, init, kafka, key_value<Value, Value; Value>, timestamp, txn,
        unique_ids,
    ]
}

/// The module of a workload's or a service's types.
fn module(name: &str) -> &str {
    match name {
        "g-counter" | "pn-counter" => "counter",
        "lin-kv" | "seq-kv" | "lww-kv" => "key_value",
        "lin-tso" => "timestamp",
        "txn-list-append" | "txn-rw-register" => "txn",
        "g-set" => "g_set",
        "unique-ids" => "unique_ids",
        name => name,
    }
}

fn documented<'a>(messages: impl Iterator<Item = &'a Message>) -> Messages {
    messages
        .map(|message| {
            (message.kind, message.fields.iter().map(|field| field.name).collect::<Vec<_>>())
        })
        .collect()
}

#[test]
fn every_message_is_documented() {
    let shapes = shapes();
    let documents = WORKLOADS.iter().map(|doc| (doc.name, doc.exchanges));
    let mut seen = BTreeSet::from(["init"]);
    for (name, exchanges) in documents.chain(SERVICES.iter().map(|doc| (doc.name, doc.exchanges))) {
        let (requests, replies) = &shapes[module(name)];
        assert_eq!(&documented(exchanges.iter().map(|e| &e.request)), requests, "{name}");
        assert_eq!(&documented(exchanges.iter().map(|e| &e.reply)), replies, "{name}");
        seen.insert(module(name));
    }
    assert_eq!(seen, shapes.keys().copied().collect(), "messages without their words");
    // `init` stands in the text of the page.
    let page = include_str!("protocol.md");
    let (requests, replies) = &shapes["init"];
    for (kind, fields) in requests.iter().chain(replies) {
        let line = page.lines().find(|line| line.starts_with('|') && line.contains(kind));
        for field in fields {
            assert!(line.is_some_and(|line| line.contains(&format!("`{field}`: "))), "{kind}");
        }
    }
    for field in ["type", "msg_id", "in_reply_to", "src", "dest", "body", "id", "code", "text"] {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
    }
}

/// A new module of messages is looked at too.
#[test]
fn no_type_is_left_out() {
    let source = include_str!("../../../kolk-protocol/src/workload.rs");
    let modules: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(" {"))
        .collect();
    assert_eq!(modules, shapes().into_keys().collect());
    let count = |what: &str| source.matches(what).count();
    assert_eq!(count("pub enum Request") + count("pub enum Reply"), 2 * modules.len());
}

#[test]
fn every_workload_and_service_is_documented() {
    let names: Vec<&str> = WORKLOADS.iter().map(|doc| doc.name).collect();
    let known: Vec<&str> = crate::registry::WORKLOADS.iter().map(|info| info.name).collect();
    assert_eq!(names, known);
    let names: Vec<&str> = SERVICES.iter().map(|doc| doc.name).collect();
    let known = kolk_engine::services::all();
    assert_eq!(names, known.iter().map(|service| service.name()).collect::<Vec<_>>());
}

#[test]
fn every_error_is_documented() {
    let documented: Vec<_> =
        ERRORS.iter().map(|doc| (doc.code, Some(doc.name), doc.is_definite)).collect();
    let known: Vec<_> = (0..10_000)
        .map(ErrorCode)
        .filter(|code| code.name().is_some() || code.is_definite())
        .map(|code| (code.0, code.name(), code.is_definite()))
        .collect();
    assert_eq!(documented, known);
    let documents = WORKLOADS.iter().map(|doc| doc.exchanges);
    for exchanges in documents.chain(SERVICES.iter().map(|doc| doc.exchanges)) {
        for (code, _) in exchanges.iter().flat_map(|exchange| exchange.errors) {
            assert!(errors::error(&code.to_string()).is_some(), "{code}");
        }
    }
    assert_eq!(errors::error("txn-conflict").map(|doc| doc.code), Some(30));
    assert!(errors::error("7").is_none());
}
