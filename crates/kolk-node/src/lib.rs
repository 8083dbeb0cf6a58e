//! The library for writing nodes that speak Maelstrom's protocol.
//!
//! A node is state and an async handler for typed requests; everything else (message ids, replies,
//! deadlines, errors for what does not fit) is the library's work:
//!
//! ```
//! use kolk_node::{Context, Node, RpcError};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Request {
//!     Echo { echo: serde_json::Value },
//! }
//!
//! #[derive(Serialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Reply {
//!     EchoOk { echo: serde_json::Value },
//! }
//!
//! struct Echo;
//!
//! impl Node for Echo {
//!     type Request = Request;
//!     type Reply = Reply;
//!
//!     async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
//!         match request {
//!             Request::Echo { echo } => Ok(Reply::EchoOk { echo }),
//!         }
//!     }
//! }
//!
//! // As a program of its own this is `kolk_node::run(|_| Echo)`; in-process:
//! let machine = kolk_node::machine(|_| Echo);
//! # drop(machine);
//! ```
//!
//! Everything a node may use hangs off its [`Context`]: its name and its peers, one-way messages
//! ([`Context::send`], [`Context::receive`]), remote procedure calls ([`Context::rpc`]) and
//! retries, timers, tasks, randomness, a disk
//! ([`Context::storage`]). All of it runs on one thread: state lives in plain `Cell`s
//! and `RefCell`s, and nothing has to be `Send`.
//!
//! Underneath is a core without I/O, a [`Machine`]: `step(now, input) → outputs, next deadline`.
//! Three thin drivers run it: stdio on the real clock and stdio in lockstep (both in `stdio`,
//! chosen by what `init` says), and [`machine()`] in-process. A node that takes time and entropy
//! from its context alone behaves the same under all three. Whoever wants no async at all
//! implements `Machine` and runs that as a program with `run_machine`.
//!
//! # Messages that cannot be written
//!
//! A message is a JSON object, so its Rust type must be an enum's variant, and its fields must be
//! something that JSON has. One that cannot be written is never sent, and that is logged. If
//! somebody waits for it, they learn of it as well: a request ([`Context::rpc`]) fails with error
//! 12, which is definite, and the client whose answer cannot be written gets error 13, which says
//! nothing about whether its request was performed. Nothing panics, and the node goes on.

#![warn(missing_debug_implementations)]

mod context;
mod executor;
pub mod machine;
mod node;
mod rpc;
mod runtime;
mod services;
mod settings;
mod state;
#[cfg(feature = "stdio")]
pub mod stdio;
pub mod storage;
pub mod sync;
mod task;
mod timer;

pub use context::Context;
pub use kolk_protocol::integers::WrittenList;
pub use kolk_protocol::{Datum, ErrorCode, Key, Random, RpcError, Time, workload};
pub use machine::{Input, Machine, Outputs};
pub use node::Node;
pub use rpc::{Call, RPC_DEADLINE, Retry};
pub use runtime::machine;
pub use services::{KeyValue, Timestamps};
pub use settings::{Flags, no_settings, only_milliseconds};
#[cfg(feature = "stdio")]
pub use stdio::{main, run, run_machine};
pub use storage::{Storage, StorageError};
pub use task::Task;
pub use timer::{Elapsed, Sleep};
