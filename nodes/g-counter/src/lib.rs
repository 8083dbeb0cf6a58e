//! The counter node of challenge 4: a sum that only grows, kept in a sequentially consistent store.
//!
//! How it is kept there and stays exact is told in [`ledger`]; which stores there are in [`store`]:
//! the service, or with `--own-store` one on the nodes themselves.
//! With `--crdt` there is no store: the nodes themselves keep the sum, as a [`GrowOnlyCounter`],
//! with `--durable` on their disks.

pub mod ledger;
pub mod settings;
pub mod store;

use std::rc::Rc;

use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Context, ErrorCode, Node, RpcError};
use kolk_replica::crdt::{GrowOnlyCounter, TooLarge};
use kolk_replica::durable::Counter;

use ledger::Ledger;
use settings::Mode;
use store::Store;

/// A node that counts.
pub enum GCounter {
    /// Where the sum is in a store.
    Stored(Rc<Ledger>),
    /// Where it is in the nodes.
    Replicated(Counter<GrowOnlyCounter>),
}

impl Node for GCounter {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        if let GCounter::Replicated(counter) = &**self {
            counter.start(cx);
        }
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        if let GCounter::Replicated(counter) = self {
            counter.recovered().await?;
        }
        Ok(match request {
            Request::Add { delta } => {
                self.add(cx, growth(delta)?).await?;
                Reply::AddOk {}
            }
            Request::Read {} => Reply::ReadOk { value: self.read().await? },
        })
    }
}

impl GCounter {
    async fn add(&self, cx: &Context, growth: u64) -> Result<(), RpcError> {
        match self {
            GCounter::Stored(ledger) => {
                ledger.add(growth).await;
                Ok(())
            }
            GCounter::Replicated(counter) => {
                counter.add(cx, |counter, replica| counter.add(replica, growth)).await
            }
        }
    }

    async fn read(&self) -> Result<i64, RpcError> {
        match self {
            GCounter::Stored(ledger) => {
                let sum = ledger.read().await?;
                Ok(i64::try_from(sum).map_err(|_| TooLarge)?)
            }
            GCounter::Replicated(counter) => Ok(counter.state().borrow().value()?),
        }
    }
}

/// By how much the sum grows.
fn growth(delta: i64) -> Result<u64, RpcError> {
    u64::try_from(delta).map_err(|_| {
        let text = format!("this counter only grows: the delta {delta} is negative");
        RpcError::new(ErrorCode::MALFORMED_REQUEST, text)
    })
}

/// Makes the node; [`settings::USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> GCounter + Clone + use<>, String> {
    let mode = Mode::from_args(args)?;
    Ok(move |cx: &Context| match &mode {
        Mode::Stored(settings) => {
            let store = if settings.own_store { Store::own(cx) } else { Store::service(cx) };
            GCounter::Stored(Ledger::new(cx, store, settings.clone()))
        }
        Mode::Replicated(settings) => GCounter::Replicated(Counter::in_memory(cx, settings)),
        Mode::Durable => GCounter::Replicated(Counter::durable(cx, "share")),
    })
}
