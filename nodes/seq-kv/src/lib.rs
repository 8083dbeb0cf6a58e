//! A sequentially consistent key-value store on the cluster's own nodes, without any service.
//!
//! One node, the primary, puts all updates into one order. Every node holds a copy of the store as
//! it was after some update in that order, answers reads from it at once, and acknowledges an
//! update only when its copy has it. The README says why that is sequentially consistent, what
//! happens under partitions, and what it costs.
//!
//! [`SeqKv`] is the node. Its [`Replica`] is a library: any other node can hold one (see
//! `nodes/g-counter`, whose counter stands on it).

mod follower;
mod primary;
mod replica;
mod settings;
mod update;
mod wire;

use kolk_node::workload::key_value::{Reply, Request};
use kolk_node::{Context, Datum, Node, RpcError};

pub use replica::Replica;
pub use settings::{Settings, USAGE};
pub use update::{Outcome, Update};

/// The node.
pub struct SeqKv {
    replica: Replica,
}

impl Node for SeqKv {
    type Request = Request<Datum, Datum>;
    type Reply = Reply<Datum>;

    async fn handle(&self, _: &Context, request: Self::Request) -> Result<Self::Reply, RpcError> {
        Ok(match request {
            Request::Read { key } => {
                let value = self.replica.read(&key);
                Reply::ReadOk { value: value.ok_or_else(update::no_such_key)? }
            }
            Request::Write { key, value } => {
                self.replica.update(Update::Write { key, value }).await?.into_result()?;
                Reply::WriteOk {}
            }
            Request::Cas { key, from, to, create_if_not_exists } => {
                let update = Update::Cas { key, from, to, create_if_not_exists };
                self.replica.update(update).await?.into_result()?;
                Reply::CasOk {}
            }
        })
    }
}

/// Makes the node; [`USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> SeqKv + Clone + use<>, String> {
    let settings = Settings::from_args(args)?;
    Ok(move |cx: &Context| SeqKv { replica: Replica::new(cx, settings) })
}
