//! Strict-serializable transactions over lists: a transactor over the service `lin-kv`.
//!
//! One key of the store, the root, stands for the state of all lists. A transaction takes place
//! when the root is swung from the state it saw to the one it made, by one compare-and-set; if
//! another was quicker, it is run again on what is there now. How that stays exact when nobody
//! knows whether the root was swung is told in [`transactor`]; what a state is in the store, in
//! [`state`].

pub mod state;
pub mod store;
pub mod transactor;
pub mod tree;

use std::rc::Rc;

use kolk_node::workload::txn::{Function, MicroOp, Reply, Request};
use kolk_node::{Context, ErrorCode, Flags, Node, RpcError};

use state::State;
use transactor::Transactor;

/// What [`factory`] understands, for people.
pub const USAGE: &str = "\
settings of this node:
  --whole   keep all lists in one value, and not in a tree of small ones; that of the first node to
            write counts for all";

/// The node.
pub struct TxnListAppend {
    transactor: Rc<Transactor>,
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
        let txn: Vec<MicroOp> = self.transactor.submit(txn).await?;
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
    let mut first = State::empty_tree();
    while let Some(name) = flags.next_name() {
        match name {
            "--whole" if flags.switch()? => first = State::empty_whole(),
            _ => return Err(flags.unknown()),
        }
    }
    Ok(move |cx: &Context| TxnListAppend { transactor: Transactor::start(cx, first.clone()) })
}
