//! Bodies as plain enums: the body's `type` names the variant.
//!
//! Serde's own `tag`, `flatten` and `untagged` copy a whole body into a buffer before they read
//! it. This reads and writes it in one pass: the variant's fields go straight through
//! `serde_json`, so that whatever that crate can do with a field (borrow it, keep it as a
//! `RawValue`) works here as well.

mod read;
mod types;
mod write;

use thiserror::Error;

pub use read::from_body;
pub use types::message_types;
pub use write::write_body;

/// The keys of a body that belong to remote procedure calls, beside `type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head<'a> {
    /// The sender's number for this request, if it wants an answer.
    pub msg_id: Option<i64>,
    /// The request this answers, as the JSON that its sender wrote for `msg_id`.
    pub in_reply_to: Option<&'a str>,
}

/// Why a body does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The enum has no variant of the body's `type`.
    #[error("unknown type `{0}`")]
    UnknownType(String),
    /// The variant's fields do not fit.
    #[error("{0}")]
    Malformed(String),
}

/// True for the keys that a body has beside its variant's fields.
fn is_reserved(key: &str) -> bool {
    matches!(key, "type" | "msg_id" | "in_reply_to")
}

#[cfg(test)]
mod tests;
