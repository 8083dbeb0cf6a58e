//! A sequentially consistent key-value store on the cluster's own nodes, without any service.
//!
//! One node, the primary, puts all updates into one order. Every node holds a copy of the store as
//! it was after some update in that order, answers reads from it at once, and acknowledges an
//! update only when its copy has it. The README says why that is sequentially consistent, what
//! happens under partitions, and what it costs. With `--durable` the order is made by Raft and kept
//! on the nodes' disks.
//!
//! [`SeqKv`] is the node. Its [`Replica`] is a library: any other node can hold one (see
//! `nodes/g-counter`, whose counter stands on it).

mod durable;
mod follower;
mod primary;
mod replica;
mod settings;
mod update;
mod wire;

use std::rc::Rc;

use kolk_node::workload::key_value::{Reply, Request};
use kolk_node::{Context, Datum, Node, RpcError};

use durable::Durable;
pub use replica::Replica;
pub use settings::{Settings, USAGE};
pub use update::{Outcome, Update};

/// The node.
pub struct SeqKv(Store);

enum Store {
    InMemory(Replica),
    Durable(Rc<Durable>),
}

impl SeqKv {
    async fn read(&self, key: &Datum) -> Result<Option<Datum>, RpcError> {
        match &self.0 {
            Store::InMemory(replica) => Ok(replica.read(key)),
            Store::Durable(durable) => durable.read(key).await,
        }
    }

    async fn update(&self, update: Update) -> Result<(), RpcError> {
        let outcome = match &self.0 {
            Store::InMemory(replica) => replica.update(update).await?,
            Store::Durable(durable) => durable.update(update).await?,
        };
        outcome.into_result()
    }
}

impl Node for SeqKv {
    type Request = Request<Datum, Datum>;
    type Reply = Reply<Datum>;

    async fn handle(&self, _: &Context, request: Self::Request) -> Result<Self::Reply, RpcError> {
        Ok(match request {
            Request::Read { key } => {
                let value = self.read(&key).await?;
                Reply::ReadOk { value: value.ok_or_else(update::no_such_key)? }
            }
            Request::Write { key, value } => {
                self.update(Update::Write { key, value }).await?;
                Reply::WriteOk {}
            }
            Request::Cas { key, from, to, create_if_not_exists } => {
                self.update(Update::Cas { key, from, to, create_if_not_exists }).await?;
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
    let settings = Settings::unless_durable(args)?;
    Ok(move |cx: &Context| {
        SeqKv(match settings {
            Some(settings) => Store::InMemory(Replica::new(cx, settings)),
            None => Store::Durable(Durable::new(cx)),
        })
    })
}
