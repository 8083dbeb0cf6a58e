//! Reading: a deserializer whose enum access yields the variant that `type` names, and whose
//! fields come straight from `serde_json`'s deserializer of the body's text.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, IntoDeserializer, MapAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{BodyError, is_reserved};
use crate::scan::Scanner;

/// Reads a body whose `type` is `kind` as an enum.
///
/// The reserved keys `type`, `msg_id` and `in_reply_to` are no fields of the variant; keys that it
/// does not know are skipped, unless it says `deny_unknown_fields`. A unit variant accepts any
/// body. A type that is no enum (a struct, a map, a `serde_json::Value`) reads the whole body,
/// reserved keys included.
///
/// # Errors
///
/// [`BodyError::UnknownType`] if the enum has no such variant, [`BodyError::Malformed`] if the
/// fields do not fit it; the text then names the field.
pub fn from_body<'de, T: Deserialize<'de>>(kind: &str, json: &'de str) -> Result<T, BodyError> {
    match T::deserialize(Reader { kind, json, is_deep: false }) {
        // Only a body that is known to be nested no deeper than the wire allows is read without the
        // bound of `serde_json`, which is lower.
        Err(BodyError::Malformed(problem))
            if problem.contains(RECURSION_LIMIT) && Scanner::new(json).value().is_ok() =>
        {
            T::deserialize(Reader { kind, json, is_deep: true })
        }
        result => result,
    }
}

/// What `serde_json` says of a text that is nested too deeply for it.
const RECURSION_LIMIT: &str = "recursion limit exceeded";

fn reader(json: &str, is_deep: bool) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    if is_deep {
        reader.disable_recursion_limit();
    }
    reader
}

impl de::Error for BodyError {
    fn custom<T: Display>(message: T) -> BodyError {
        BodyError::Malformed(message.to_string())
    }

    fn unknown_variant(variant: &str, _: &'static [&'static str]) -> BodyError {
        BodyError::UnknownType(variant.to_owned())
    }
}

fn malformed(error: serde_json::Error) -> BodyError {
    BodyError::Malformed(without_position(error.to_string()))
}

/// Cuts serde_json's ` at line 1 column 29` off: a body is a part of one line, and the field says
/// more.
fn without_position(mut text: String) -> String {
    if let Some(at) = text.rfind(" at line ") {
        let position = &text[at + " at line ".len()..];
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if position
            .split_once(" column ")
            .is_some_and(|(line, column)| is_number(line) && is_number(column))
        {
            text.truncate(at);
        }
    }
    text
}

/// A body.
struct Reader<'k, 'de> {
    kind: &'k str,
    json: &'de str,
    /// It is nested deeper than `serde_json` allows.
    is_deep: bool,
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = BodyError;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        visitor.visit_enum(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        // serde_json's `RawValue` asks for itself by a newtype name of its own.
        if name.starts_with("$serde_json::") {
            return reader(self.json, self.is_deep)
                .deserialize_newtype_struct(name, visitor)
                .map_err(malformed);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        let mut json = reader(self.json, self.is_deep);
        let value = json.deserialize_any(visitor).map_err(malformed)?;
        json.end().map_err(malformed)?;
        Ok(value)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Reader<'_, 'de> {
    type Error = BodyError;
    type Variant = FieldsReader<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, FieldsReader<'de>), BodyError> {
        let kind: StrDeserializer<'_, BodyError> = self.kind.into_deserializer();
        Ok((seed.deserialize(kind)?, FieldsReader { json: self.json, is_deep: self.is_deep }))
    }
}

/// A body without its reserved keys.
struct FieldsReader<'de> {
    json: &'de str,
    is_deep: bool,
}

impl<'de> VariantAccess<'de> for FieldsReader<'de> {
    type Error = BodyError;

    fn unit_variant(self) -> Result<(), BodyError> {
        Ok(())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        self.deserialize_any(visitor)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, BodyError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, BodyError> {
        Err(de::Error::custom("a variant with unnamed fields cannot be read from a body"))
    }
}

impl<'de> Deserializer<'de> for FieldsReader<'de> {
    type Error = BodyError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        let mut json = reader(self.json, self.is_deep);
        let value = json.deserialize_map(WithoutReserved(visitor)).map_err(malformed)?;
        json.end().map_err(malformed)?;
        Ok(value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        if name.starts_with("$serde_json::") {
            let Self { json, is_deep } = self;
            return Reader { kind: "", json, is_deep }.deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BodyError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BodyError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq
        tuple tuple_struct map struct enum identifier
    }
}

/// Shows a visitor an object without its reserved keys, and puts the field's name into errors.
struct WithoutReserved<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for WithoutReserved<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let mut entries = Entries { map, key: Cow::Borrowed("") };
        let value = self.0.visit_map(&mut entries)?;
        // A visitor may stop early; what it left must still be an object's rest.
        while entries.map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

struct Entries<'de, A> {
    map: A,
    /// The key whose value comes next.
    key: Cow<'de, str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for &mut Entries<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        mut seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        loop {
            match self.map.next_key_seed(KeySeed { seed, key: &mut self.key })? {
                None => return Ok(None),
                Some(FieldKey::Field(field)) => return Ok(Some(field)),
                Some(FieldKey::Reserved(unused)) => {
                    seed = unused;
                    self.map.next_value::<IgnoredAny>()?;
                }
            }
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(seed).map_err(|error| {
            let reason = without_position(error.to_string());
            de::Error::custom(format_args!("field `{}`: {reason}", self.key))
        })
    }

    fn size_hint(&self) -> Option<usize> {
        None
    }
}

/// What a key turned out to be. A reserved one gives the seed back, to be used on the next key.
enum FieldKey<K, V> {
    Reserved(K),
    Field(V),
}

struct KeySeed<'a, 'de, K> {
    seed: K,
    key: &'a mut Cow<'de, str>,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for KeySeed<'_, 'de, K> {
    type Value = FieldKey<K, K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for KeySeed<'_, 'de, K> {
    type Value = FieldKey<K, K::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
        if is_reserved(key) {
            return Ok(FieldKey::Reserved(self.seed));
        }
        *self.key = Cow::Borrowed(key);
        let key = Key { text: key, borrowed: Some(key), error: PhantomData };
        self.seed.deserialize(key).map(FieldKey::Field)
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        if is_reserved(key) {
            return Ok(FieldKey::Reserved(self.seed));
        }
        *self.key = Cow::Owned(key.to_owned());
        let key = Key { text: key, borrowed: None, error: PhantomData };
        self.seed.deserialize(key).map(FieldKey::Field)
    }
}

/// A key that is no reserved one. Like `serde_json`'s own it can be a number or a boolean, where
/// the type of a map's keys asks for one.
struct Key<'k, 'de, E> {
    text: &'k str,
    borrowed: Option<&'de str>,
    error: PhantomData<E>,
}

macro_rules! keys_from_json {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            let mut json = serde_json::Deserializer::from_reader(self.text.as_bytes());
            json.$method(visitor).map_err(|error| E::custom(without_position(error.to_string())))
        }
    )*};
}

impl<'de, E: de::Error> Deserializer<'de> for Key<'_, 'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.borrowed {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_str(self.text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_enum(StrDeserializer::new(self.text))
    }

    keys_from_json! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
