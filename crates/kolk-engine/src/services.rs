//! The built-in services: `lin-kv`, `seq-kv`, `lww-kv` and `lin-tso`.
//!
//! Pure state machines: a request and a generator keyed by its number in, a reply out. What they
//! answer is what Maelstrom's services answer
//! (<https://github.com/jepsen-io/maelstrom/blob/main/doc/services.md>), but that a request of
//! unknown type gets error 10 and one that does not fit error 12, where the original stays silent
//! or takes a missing key for null.

mod key_value;
mod lin_kv;
mod lin_tso;
mod lww_kv;
mod seq_kv;

use kolk_protocol::message::{Body, write_string};
use kolk_protocol::{Datum, ErrorCode, Random, RpcError};

pub use lin_kv::LinKv;
pub use lin_tso::LinTso;
pub use lww_kv::LwwKv;
pub use seq_kv::SeqKv;

/// A service.
pub trait Service {
    /// The name it is addressed by.
    fn name(&self) -> &'static str;

    /// Handles a request from `src`. Appends the body of the reply to `reply`, with its
    /// `in_reply_to`, and returns true; or returns false if the request has no `msg_id` and so
    /// wants no answer. Whatever is left to chance is drawn from `random`.
    fn handle(
        &mut self,
        src: &str,
        body: &Body<'_>,
        random: &mut Random,
        reply: &mut Vec<u8>,
    ) -> bool;

    /// What was stale about the last answer, if it was: given once. By default nothing ever is.
    fn take_stale(&mut self) -> Option<Stale> {
        None
    }
}

/// An answer from an older state than the newest, which would have given another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The key asked for.
    pub key: Datum,
    /// Its value in the state that answered, if it has one there.
    pub answered: Option<Datum>,
    /// Its value in the newest state, likewise.
    pub newest: Option<Datum>,
}

/// All services, each as it is when a run begins: `lin-kv`, `seq-kv`, `lww-kv`, `lin-tso`.
pub fn all() -> [Box<dyn Service>; 4] {
    [
        Box::new(LinKv::default()),
        Box::new(SeqKv::default()),
        Box::new(LwwKv::default()),
        Box::new(LinTso::default()),
    ]
}

/// A request that this service does not know.
fn unknown_type(service: &str, body: &Body<'_>, known: &str) -> RpcError {
    let text = if body.kind.is_empty() {
        format!("the request has no `type`; {service} knows {known}")
    } else {
        format!("{service} does not know `{}`; it knows {known}", body.kind)
    };
    RpcError::new(ErrorCode::NOT_SUPPORTED, text)
}

/// Writes a reply of this type, whose fields `fields` appends, each with a leading comma; returns
/// false if none is wanted.
fn write_reply(
    reply: &mut Vec<u8>,
    request: &Body<'_>,
    kind: &str,
    fields: impl FnOnce(&mut Vec<u8>),
) -> bool {
    let Some(msg_id) = request.msg_id else { return false };
    reply.extend_from_slice(b"{\"type\":");
    write_string(reply, kind);
    reply.extend_from_slice(b",\"in_reply_to\":");
    reply.extend_from_slice(msg_id.to_string().as_bytes());
    fields(reply);
    reply.push(b'}');
    true
}

/// Writes an error reply; returns false if none is wanted.
fn write_error(reply: &mut Vec<u8>, request: &Body<'_>, error: &RpcError) -> bool {
    write_reply(reply, request, "error", |reply| {
        reply.extend_from_slice(b",\"code\":");
        reply.extend_from_slice(error.code.0.to_string().as_bytes());
        reply.extend_from_slice(b",\"text\":");
        write_string(reply, &error.text);
    })
}

#[cfg(test)]
mod tests;
