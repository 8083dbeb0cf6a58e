//! What every message means, as data: the protocol, the workloads' and services' messages, errors.
//!
//! The book's reference pages and `kolk help` are drawn from here, by [`markdown`]; the tests hold
//! it against the types of [`kolk_protocol::workload`], so that no message is without its words.

pub mod errors;
pub mod markdown;
pub mod services;
#[cfg(test)]
mod tests;
pub mod workloads;

pub use errors::{ERRORS, ErrorDoc};
pub use services::SERVICES;
pub use workloads::WORKLOADS;

/// A key of a message's body, beside `type`, `msg_id` and `in_reply_to`.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What stands there, in JSON's words.
    pub kind: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// One kind of message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Its `type`.
    pub kind: &'static str,
    /// What it means, a sentence.
    pub about: &'static str,
    /// What else is in its body.
    pub fields: &'static [Field],
}

/// A request, its reply, and the errors that may come in the reply's place.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// What is asked.
    pub request: Message,
    /// What is answered.
    pub reply: Message,
    /// Error codes with what they mean here.
    pub errors: &'static [(u32, &'static str)],
}

/// All there is to know of a workload before writing a node for it.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadDoc {
    /// The name that `-w` accepts.
    pub name: &'static str,
    /// What is asked of the nodes, a paragraph.
    pub about: &'static str,
    /// What clients send.
    pub exchanges: &'static [Exchange],
    /// What the load looks like, sentences.
    pub load: &'static str,
    /// What makes a run invalid, one sentence each.
    pub checked: &'static [&'static str],
    /// What is reported, and counts only with `--strict`, in challenges and in exploration.
    pub strict: &'static [&'static str],
    /// What is not checked.
    pub not_checked: &'static [&'static str],
}

/// All there is to know of a service before using it.
#[derive(Clone, Copy, Debug)]
pub struct ServiceDoc {
    /// The name that requests are sent to.
    pub name: &'static str,
    /// What it is, a paragraph.
    pub about: &'static str,
    /// What nodes send.
    pub exchanges: &'static [Exchange],
    /// What it promises and what it does not, one sentence each.
    pub promises: &'static [&'static str],
    /// Requests for the example, each a body without `msg_id`.
    pub example: &'static [&'static str],
}

/// A key of a body.
const fn field(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, about }
}

/// A message.
const fn message(kind: &'static str, about: &'static str, fields: &'static [Field]) -> Message {
    Message { kind, about, fields }
}
