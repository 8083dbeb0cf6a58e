//! Writing: a serializer that accepts enums, and hands their fields to `serde_json`.

use std::fmt::Display;
use std::ops::Range;

use serde::Serialize;
use serde::ser::{self, Impossible, SerializeMap, SerializeStruct, SerializeStructVariant};

use super::{BodyError, Head, is_reserved};
use crate::message::{Marks, write_string};
use crate::scan::DEPTH_MAX;

/// Appends an enum's variant as a body: `{"type":variant,"msg_id":…,"in_reply_to":…,fields…}`.
///
/// A struct or a map is written as well, for types that name their `type` themselves. Fields
/// called `type`, `msg_id` or `in_reply_to` never stand in a variant's body a second time: they
/// are left out.
///
/// Gives what a scan of the body would find, so that whoever gets it need not scan it; none where
/// that is not known: if `value` names its `type` itself, or may be nested too deeply.
///
/// # Errors
///
/// If `value` is nothing of that kind (a variant must be a unit, a struct, or a newtype around a
/// struct or a map), or if a field cannot be JSON. `out` is then as it was.
pub fn write_body<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    head: Head<'_>,
) -> Result<Option<Marks>, BodyError> {
    let start = out.len();
    let mut marks = None;
    match value.serialize(Writer { out, head, typed: false, marks: &mut marks }) {
        Ok(()) => Ok(marks.filter(|_| is_shallow(&out[start..]))),
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// True if a body is surely not nested too deeply: not even if all that it opens were open at once.
fn is_shallow(json: &[u8]) -> bool {
    // Counted in bytes, which is many at once.
    let opened = |part: &[u8]| part.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>();
    let parts = json.chunks(usize::from(u8::MAX));
    parts.map(|part| usize::from(opened(part))).sum::<usize>() <= DEPTH_MAX
}

impl ser::Error for BodyError {
    fn custom<T: Display>(message: T) -> BodyError {
        BodyError::Malformed(message.to_string())
    }
}

/// Writes a body. Once the variant is known (`typed`), the opening brace and the head are written
/// and only the fields are missing.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    head: Head<'a>,
    typed: bool,
    /// Where the head stands, once it has been written.
    marks: &'a mut Option<Marks>,
}

/// The fields of a body that has been opened.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    /// False as long as the body is `{`.
    any: bool,
    /// True if the `type` has been written.
    typed: bool,
}

impl<'a> Writer<'a> {
    fn open(self, variant: Option<&str>) -> Fields<'a> {
        let Writer { out, head, typed, marks } = self;
        if typed {
            return Fields { out, any: true, typed };
        }
        let start = out.len();
        out.push(b'{');
        let kind = variant.and_then(|variant| {
            out.extend_from_slice(b"\"type\":");
            let from = out.len() + 1;
            write_string(out, variant);
            let kind = from..out.len() - 1;
            // Unless it had to be escaped.
            (kind.len() == variant.len()).then_some(kind)
        });
        let mut any = variant.is_some();
        let mut digits = itoa::Buffer::new();
        let msg_id = head.msg_id.map(|number| digits.format(number));
        let mut member = |key: &[u8], json: Option<&str>| {
            let json = json?;
            if any {
                out.push(b',');
            }
            any = true;
            out.extend_from_slice(key);
            let from = out.len();
            out.extend_from_slice(json.as_bytes());
            // As for whoever scans it, null is none.
            (json != "null").then_some(from..out.len())
        };
        let msg_id = member(b"\"msg_id\":", msg_id);
        let in_reply_to = member(b"\"in_reply_to\":", head.in_reply_to);
        if let Some(kind) = kind {
            let within = |range: Range<usize>| range.start - start..range.end - start;
            let (msg_id, in_reply_to) = (msg_id.map(within), in_reply_to.map(within));
            *marks = Some(Marks { kind: within(kind), msg_id, in_reply_to });
        }
        Fields { out, any, typed: variant.is_some() }
    }
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), BodyError> {
        if is_reserved(key) && (self.typed || key != "type") {
            return Ok(());
        }
        if self.any {
            self.out.push(b',');
        }
        self.any = true;
        write_string(self.out, key);
        self.out.push(b':');
        value
            .serialize(&mut serde_json::Serializer::new(&mut *self.out))
            .map_err(|error| BodyError::Malformed(format!("field `{key}`: {error}")))
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

fn no_body<T>(what: &str) -> Result<T, BodyError> {
    Err(BodyError::Malformed(format!("{what} is no body: it must be an enum's variant")))
}

macro_rules! no_bodies {
    ($($method:ident($type:ty)),* $(,)?) => {$(
        fn $method(self, _: $type) -> Result<(), BodyError> {
            no_body(stringify!($type))
        }
    )*};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = BodyError;
    type SerializeSeq = Impossible<(), BodyError>;
    type SerializeTuple = Impossible<(), BodyError>;
    type SerializeTupleStruct = Impossible<(), BodyError>;
    type SerializeTupleVariant = Impossible<(), BodyError>;
    type SerializeMap = MapFields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    no_bodies! {
        serialize_bool(bool), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
        serialize_f32(f32), serialize_f64(f64),
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), BodyError> {
        if self.typed {
            return no_body("a variant in a variant");
        }
        self.open(Some(variant)).close();
        Ok(())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a>, BodyError> {
        if self.typed {
            return no_body("a variant in a variant");
        }
        Ok(self.open(Some(variant)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), BodyError> {
        if self.typed {
            return no_body("a variant in a variant");
        }
        let (head, marks) = (self.head, &mut *self.marks);
        let fields = Writer { marks, ..self }.open(Some(variant));
        value.serialize(Writer { out: fields.out, head, typed: true, marks: &mut None })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), BodyError> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), BodyError> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), BodyError> {
        no_body("none")
    }

    fn serialize_unit(self) -> Result<(), BodyError> {
        no_body("a unit")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), BodyError> {
        if self.typed {
            self.open(None).close();
            return Ok(());
        }
        no_body("a unit struct")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, BodyError> {
        no_body("a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, BodyError> {
        no_body("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, BodyError> {
        no_body("a tuple struct")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, BodyError> {
        no_body("a variant with unnamed fields")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<MapFields<'a>, BodyError> {
        Ok(MapFields { fields: self.open(None), key: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, BodyError> {
        Ok(self.open(None))
    }
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = BodyError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), BodyError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), BodyError> {
        self.close();
        Ok(())
    }
}

impl SerializeStructVariant for Fields<'_> {
    type Ok = ();
    type Error = BodyError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), BodyError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), BodyError> {
        self.close();
        Ok(())
    }
}

/// The entries of a map as fields.
struct MapFields<'a> {
    fields: Fields<'a>,
    key: String,
}

impl SerializeMap for MapFields<'_> {
    type Ok = ();
    type Error = BodyError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), BodyError> {
        // JSON's keys are strings; serde_json's rules for what may become one (numbers, unit
        // variants, …) are found by asking it for a value, and quoting what is no string.
        match serde_json::to_value(key) {
            Ok(serde_json::Value::String(key)) => self.key = key,
            Ok(key @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                self.key = key.to_string();
            }
            Ok(_) => return no_body("a map whose keys are no strings"),
            Err(error) => return Err(BodyError::Malformed(error.to_string())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), BodyError> {
        self.fields.field(&self.key, value)
    }

    fn end(self) -> Result<(), BodyError> {
        self.fields.close();
        Ok(())
    }
}
