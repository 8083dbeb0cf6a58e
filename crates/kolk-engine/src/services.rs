//! The built-in services: `lin-kv`, `seq-kv`, `lww-kv` and `lin-tso`.
//!
//! Pure state machines: a request and a generator keyed by its number in, a reply out. What they
//! answer is what Maelstrom's services answer
//! (<https://github.com/jepsen-io/maelstrom/blob/main/doc/services.md>), but that a request of
//! unknown type gets error 10, where Maelstrom stays silent.
//!
//! Every choice they leave to chance is the one that `src/maelstrom/service.clj` makes at
//! Maelstrom's commit cb7f072: `seq-kv` draws one state for each request, the newest among those it
//! may draw (it was not before v0.2.3); `lww-kv` draws the replica merged from, the one merged into
//! and the one that answers, of two; `lin-kv` and `lin-tso` draw nothing.

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

    /// Handles a request from `src`. Appends the body of the reply to `reply` and returns true, or
    /// returns false if there is none. `in_reply_to` is the request's `msg_id` as it came, and null
    /// if it has none. Whatever is left to chance is drawn from `random`.
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
    /// The key's value in the newest state, if the key is there.
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

/// Writes a reply of this type, whose fields `fields` appends, each with a leading comma.
fn write_reply(
    reply: &mut Vec<u8>,
    request: &Body<'_>,
    kind: &str,
    fields: impl FnOnce(&mut Vec<u8>),
) -> bool {
    reply.extend_from_slice(b"{\"type\":");
    write_string(reply, kind);
    reply.extend_from_slice(b",\"in_reply_to\":");
    reply.extend_from_slice(request.msg_id.unwrap_or("null").as_bytes());
    fields(reply);
    reply.push(b'}');
    true
}

/// Answers a request that this service does not know with an error. Maelstrom gives no answer, so
/// whoever wants none gets none: two that answer whatever they hear would never end.
fn refuse(reply: &mut Vec<u8>, request: &Body<'_>, service: &str, known: &str) -> bool {
    request.msg_id.is_some() && write_error(reply, request, &unknown_type(service, request, known))
}

/// Writes an error reply.
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
