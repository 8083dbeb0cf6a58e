//! The counter node of challenge 4: a sum that only grows, kept in a sequentially consistent store.
//!
//! How it is kept there and stays exact is told in [`ledger`]; which stores there are in [`store`].

pub mod ledger;
pub mod settings;
pub mod store;

use std::rc::Rc;

use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Context, ErrorCode, Node, RpcError};

use ledger::Ledger;
use settings::Settings;
use store::Store;

/// A node that counts.
pub struct GCounter {
    ledger: Rc<Ledger>,
}

impl Node for GCounter {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Add { delta } => {
                self.ledger.add(growth(delta)?).await;
                Reply::AddOk {}
            }
            Request::Read {} => {
                let sum = self.ledger.read().await?;
                Reply::ReadOk { value: i64::try_from(sum).map_err(|_| too_large())? }
            }
        })
    }
}

/// By how much the sum grows.
fn growth(delta: i64) -> Result<u64, RpcError> {
    u64::try_from(delta).map_err(|_| {
        let text = format!("this counter only grows: the delta {delta} is negative");
        RpcError::new(ErrorCode::MALFORMED_REQUEST, text)
    })
}

fn too_large() -> RpcError {
    RpcError::new(ErrorCode::CRASH, "the sum is too large for 63 bits")
}

/// Makes the node; [`settings::USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> GCounter + Clone + use<>, String> {
    let settings = Settings::from_args(args)?;
    Ok(move |cx: &Context| GCounter {
        ledger: Ledger::new(cx, Store::service(cx), settings.clone()),
    })
}
