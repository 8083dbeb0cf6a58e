//! Strict-serializable transactions over lists: on the nodes themselves, by Raft, or by a
//! transactor over the service `lin-kv`.
//!
//! By Raft a transaction is an entry of a log that all nodes have
//! ([`kolk_replica::transactions`]).
//!
//! Over the service (`--service lin-kv`) one key of the store, the root, stands for the state of
//! all lists. A transaction takes place when the root is swung from the state it saw to the one it
//! made, by one compare-and-set; if another was quicker, it is run again on what is there now. How
//! that stays exact when nobody knows whether the root was swung is told in [`transactor`]; what a
//! state is in the store, in [`state`].

pub mod state;
pub mod store;
pub mod transactor;
pub mod tree;

use std::rc::Rc;

use kolk_node::workload::txn::{Function, MicroOp, Reply, Request};
use kolk_node::{Context, ErrorCode, Flags, Node, RpcError};
use kolk_replica::replicated::{Replicated, Settings};
use kolk_replica::transactions::Keys;
use serde_json::Value;

use state::State;
use transactor::Transactor;

/// What [`factory`] understands, for people.
pub const USAGE: &str = "\
settings of this node:
  --service NAME  keep the lists in a service instead: lin-kv
  --whole         keep all lists in one value of the service, and not in a tree of small ones; that
                  of the first node to write counts for all";

/// The node.
pub enum TxnListAppend {
    /// It has a copy of all lists.
    Replicated(Replicated<Keys<Vec<Value>>>),
    /// The lists are in a service.
    Transactor(Rc<Transactor>),
}

impl Node for TxnListAppend {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        let Request::Txn { txn } = request;
        if txn.iter().any(|(function, _, _)| *function == Function::Write) {
            let text = "lists are appended to, and not set with `w`";
            return Err(RpcError::new(ErrorCode::NOT_SUPPORTED, text));
        }
        let txn: Vec<MicroOp> = match self {
            TxnListAppend::Replicated(lists) => lists.run(txn).await?,
            TxnListAppend::Transactor(transactor) => transactor.submit(txn).await?,
        };
        Ok(Reply::TxnOk { txn })
    }
}

/// Makes the node; [`USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(
    args: &[String],
) -> Result<impl Fn(&Context) -> TxnListAppend + Clone + use<>, String> {
    let mut flags = Flags::new(args, USAGE);
    let (mut service, mut whole) = (false, false);
    while let Some(name) = flags.next_name() {
        match name {
            "--service" => service = flags.one_of(&["lin-kv"]).map(|_| true)?,
            "--whole" => whole = flags.switch()?,
            _ => return Err(flags.unknown()),
        }
    }
    if whole && !service {
        return Err(format!("--whole is for the service: it needs --service lin-kv\n{USAGE}"));
    }
    let first = if whole { State::empty_whole() } else { State::empty_tree() };
    Ok(move |cx: &Context| match service {
        true => TxnListAppend::Transactor(Transactor::start(cx, first.clone())),
        false => TxnListAppend::Replicated(kolk_replica::replicated(cx, Settings::default())),
    })
}
