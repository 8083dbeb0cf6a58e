//! The message types that an enum stands for, as serde knows them.

use std::fmt::{self, Display};

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The values of `type` that [`from_body`](super::from_body) can read as `T`: the names of the
/// enum's variants after all of serde's renaming, aliases included.
///
/// None if `T` is no enum, or if its `Deserialize` is not derived and does not tell its variants.
///
/// ```
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Message {
///     StoreUpdate {},
///     #[serde(rename = "refresh")]
///     StoreRefresh {},
/// }
/// let types = kolk_protocol::body::message_types::<Message>();
/// assert_eq!(types, Some(&["store_update", "refresh"][..]));
/// ```
pub fn message_types<'de, T: Deserialize<'de>>() -> Option<&'static [&'static str]> {
    let Variants(names) = T::deserialize(Probe).err()?;
    names.filter(|names| !names.is_empty())
}

/// A deserializer that has no value and only hears what it is asked for.
struct Probe;

/// The answer, as the error that ends the reading.
#[derive(Debug)]
struct Variants(Option<&'static [&'static str]>);

impl Display for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no value to read")
    }
}

impl std::error::Error for Variants {}

impl de::Error for Variants {
    fn custom<T: Display>(_: T) -> Variants {
        Variants(None)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Variants;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Variants> {
        Err(Variants(Some(variants)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Variants> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Variants> {
        Err(Variants(None))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only its names are asked for")]
    enum Message<T> {
        AddOne {
            element: T,
        },
        Read,
        #[serde(skip)]
        Never,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names are asked for")]
    struct Wrapped(Message<String>);

    #[test]
    fn only_enums_stand_for_message_types() {
        let expected = Some(&["add-one", "read"][..]);
        assert_eq!(message_types::<Message<i64>>(), expected);
        assert_eq!(message_types::<Wrapped>(), expected);
        assert_eq!(message_types::<serde_json::Value>(), None);
        assert_eq!(message_types::<i64>(), None);
        assert_eq!(message_types::<Option<Message<i64>>>(), None);
    }
}
