//! Totally available transactions over registers: challenges 6a to 6c in one program.
//!
//! A transaction runs on the copy of the node that it comes to and is acknowledged at once; what it
//! wrote goes to the other nodes as one value of [`kolk_replica::gossip`], and is taken over there
//! at once. In which order writes win is in [`store`]; what that promises, and what was measured,
//! in the README.

pub mod store;

use std::cell::RefCell;
use std::rc::Rc;

use kolk_node::workload::txn::{Reply, Request};
use kolk_node::{Context, Node, RpcError};
use kolk_replica::gossip::{Gossip, Settings};

use store::{Commit, Store};

/// The node.
pub struct TxnRwRegister {
    store: Rc<RefCell<Store>>,
    gossip: Gossip<Commit>,
}

impl TxnRwRegister {
    fn new(cx: &Context, settings: Settings) -> TxnRwRegister {
        let number = cx.node_ids().iter().position(|node| node == cx.node_id());
        let store = Rc::new(RefCell::new(Store::new(number.unwrap_or_default() as u32)));
        let taken = Rc::clone(&store);
        let gossip = Gossip::new(cx, settings, move |commit| taken.borrow_mut().take(commit));
        TxnRwRegister { store, gossip }
    }
}

impl Node for TxnRwRegister {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        let Request::Txn { mut txn } = request;
        let commit = self.store.borrow_mut().run(&mut txn)?;
        if let Some(commit) = commit {
            // This node takes it as it takes all others, before the next transaction runs.
            self.gossip.add(commit);
        }
        Ok(Reply::TxnOk { txn })
    }
}

/// Makes the node; [`kolk_replica::gossip::USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(
    args: &[String],
) -> Result<impl Fn(&Context) -> TxnRwRegister + Clone + use<>, String> {
    let settings = Settings::from_args(args)?;
    Ok(move |cx: &Context| TxnRwRegister::new(cx, settings.clone()))
}
