//! Replicated logs: challenges 5a to 5c in one program.
//!
//! Either each key has an owner that gives out its offsets (`owners`): few messages, and all in
//! memory. Or, with `--raft`, all nodes have the same log of what was sent and committed
//! (`replicated`): a majority has synced what is acknowledged, whoever is killed or loses its
//! power.
//!
//! The README has the whole of it, and what was measured.

mod log;
mod owners;
mod peer;
mod replicated;
mod settings;
mod wire;

use kolk_node::{Context, Node, RpcError};
use kolk_replica::replicated::Settings as Replication;

use owners::Owners;
use replicated::Store;
pub use settings::{Settings, USAGE};
use wire::{Reply, Request};

/// The node.
pub struct Kafka(Mode);

enum Mode {
    Owners(Owners),
    Replicated(Store),
}

impl Node for Kafka {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match &self.0 {
            Mode::Owners(owners) => owners.handle(cx, request).await,
            Mode::Replicated(store) => store.handle(request).await,
        }
    }
}

/// Makes the node; [`USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> Kafka + Clone + use<>, String> {
    let Settings { raft, batch } = Settings::from_args(args)?;
    Ok(move |cx: &Context| {
        Kafka(if raft {
            let default = Replication::default();
            let batch = batch.unwrap_or(default.batch);
            Mode::Replicated(Store::new(cx, Replication { batch, ..default }))
        } else {
            Mode::Owners(Owners::new(cx, batch.unwrap_or_default()))
        })
    })
}
