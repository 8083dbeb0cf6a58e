//! Bodies as plain enums: the body's `type` names the variant.
//!
//! Serde's own `tag`, `flatten` and `untagged` copy a whole body into a buffer before they read
//! it. This reads and writes it in one pass.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The keys of a body that belong to remote procedure calls, beside `type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The sender's number for this request, if it wants an answer.
    pub msg_id: Option<i64>,
    /// The number of the request this answers.
    pub in_reply_to: Option<i64>,
}

/// Why a body does not fit a type.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The enum has no variant of the body's `type`.
    #[error("unknown type `{0}`")]
    UnknownType(String),
    /// The variant's fields do not fit.
    #[error("{0}")]
    Malformed(String),
}

/// Writes an enum's variant as a body: `{"type":variant,"msg_id":…,"in_reply_to":…,fields…}`.
///
/// # Errors
///
/// If `value` is no enum whose variant is a unit, a struct or a newtype around a struct or a map,
/// or if a field cannot be JSON.
pub fn write_body<T: Serialize + ?Sized>(
    _out: &mut Vec<u8>,
    _value: &T,
    _head: Head,
) -> Result<(), BodyError> {
    Err(BodyError::Malformed(String::new()))
}

/// Reads a body whose `type` is `kind` as an enum.
///
/// # Errors
///
/// [`BodyError::UnknownType`] if the enum has no such variant, [`BodyError::Malformed`] if the
/// fields do not fit it.
pub fn from_body<'de, T: Deserialize<'de>>(_kind: &str, _json: &'de str) -> Result<T, BodyError> {
    Err(BodyError::Malformed(String::new()))
}
