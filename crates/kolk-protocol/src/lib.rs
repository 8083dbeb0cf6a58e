//! The wire of Maelstrom's protocol: messages, node ids, error codes, request and reply types.
//!
//! Everything a node and a workbench must agree on, and nothing else: this crate does no I/O, has
//! no clock and depends on no async runtime. The protocol itself is Maelstrom's
//! (<https://github.com/jepsen-io/maelstrom/blob/main/doc/protocol.md>); [`lockstep`] holds the
//! three additions that let a separate program run on virtual time.

pub mod body;
pub mod datum;
pub mod error;
pub mod integers;
pub mod lockstep;
pub mod message;
pub mod random;
pub mod scan;
pub mod time;
pub mod workload;

pub use body::{Head, from_body, write_body};
pub use datum::Datum;
pub use error::{ErrorCode, RpcError};
pub use message::{Line, LineError, write_line};
pub use random::{Key, Random};
pub use time::Time;
