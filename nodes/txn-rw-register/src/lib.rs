//! Totally available transactions over registers: challenges 6a to 6c in one program.
//!
//! A transaction runs on the copy of the node that it comes to and is acknowledged at once; what it
//! wrote goes to the other nodes as one value of [`kolk_replica::gossip`], and is taken over there
//! at once. In which order writes win is in [`store`]; what that promises, and what was measured,
//! in the README.
//!
//! With `--strict` transactions are strict-serializable instead, by Raft
//! ([`kolk_replica::transactions`]): each waits for a majority of the nodes.

pub mod store;

use std::cell::RefCell;
use std::rc::Rc;

use kolk_node::workload::txn::{Function, MicroOp, Reply, Request};
use kolk_node::{Context, Node, RpcError};
use kolk_replica::gossip::{Gossip, Settings};
use kolk_replica::replicated::Replicated;
use kolk_replica::transactions::Keys;
use serde_json::Value;

use store::{Commit, Store};

/// The usage text of [`factory`].
pub const USAGE: &str = "\
settings of this node, beside those of gossip:
  --strict  strict-serializable transactions, by Raft";

/// The node.
pub enum TxnRwRegister {
    /// Transactions never wait for another node.
    Available(Available),
    /// They wait for a majority.
    Strict(Replicated<Keys<Value>>),
}

/// A copy that takes over what others did in the background.
pub struct Available {
    store: Rc<RefCell<Store>>,
    gossip: Gossip<Commit>,
}

impl Available {
    fn new(cx: &Context, settings: Settings) -> Available {
        let number = cx.node_ids().iter().position(|node| node == cx.node_id());
        let store = Rc::new(RefCell::new(Store::new(number.unwrap_or_default() as u32)));
        let taken = Rc::clone(&store);
        let gossip = Gossip::new(cx, settings, move |commit| taken.borrow_mut().take(commit));
        Available { store, gossip }
    }

    fn run(&self, txn: &mut [MicroOp]) -> Result<(), RpcError> {
        let commit = self.store.borrow_mut().run(txn)?;
        if let Some(commit) = commit {
            // This node takes it as it takes all others, before the next transaction runs.
            self.gossip.add(commit);
        }
        Ok(())
    }
}

impl Node for TxnRwRegister {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        let Request::Txn { mut txn } = request;
        match self {
            TxnRwRegister::Available(copy) => copy.run(&mut txn)?,
            TxnRwRegister::Strict(_)
                if txn.iter().any(|(function, _, _)| *function == Function::Append) =>
            {
                return Err(store::no_lists());
            }
            TxnRwRegister::Strict(registers) => txn = registers.run(txn).await?,
        }
        Ok(Reply::TxnOk { txn })
    }
}

/// Makes the node; [`USAGE`] and [`kolk_replica::gossip::USAGE`] say which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(
    args: &[String],
) -> Result<impl Fn(&Context) -> TxnRwRegister + Clone + use<>, String> {
    let is_strict = args.iter().any(|arg| arg == "--strict");
    if is_strict && args.len() > 1 {
        return Err(format!("--strict goes with no other setting\n{USAGE}"));
    }
    let settings = if is_strict { Settings::default() } else { Settings::from_args(args)? };
    Ok(move |cx: &Context| match is_strict {
        true => TxnRwRegister::Strict(kolk_replica::replicated(cx, Default::default())),
        false => TxnRwRegister::Available(Available::new(cx, settings.clone())),
    })
}
