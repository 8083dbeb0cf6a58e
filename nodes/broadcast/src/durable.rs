//! The node that keeps what it is told on its disk. It comes up again with that, and hears the rest
//! from the others, who tell everybody everything again and again: numbers of single messages, and
//! what others have acknowledged, would have to survive as well.

use std::rc::Rc;
use std::time::Duration;

use kolk_node::workload::broadcast::Request;
use kolk_node::{Context, RpcError};
use kolk_replica::crdt::{GrowOnlySet, Replicated, Settings};
use kolk_replica::durable::Log;

use crate::{Messages, Reply};

/// How often everybody is told everything.
const EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Durable {
    known: Replicated<GrowOnlySet<i64>>,
    log: Rc<Log>,
}

fn add(known: &Replicated<GrowOnlySet<i64>>, message: i64) {
    let Ok(()) = known.update(|known, _| known.add(message));
}

impl Durable {
    pub(crate) fn new(cx: &Context) -> Durable {
        let known = Replicated::new(cx, &Settings::FullState { every: EVERY });
        Durable { known, log: Rc::new(Log::new("messages")) }
    }

    pub(crate) fn start(&self, cx: &Context) {
        let (log, known, context) = (Rc::clone(&self.log), self.known.clone(), cx.clone());
        let found = move |text: &str| {
            if let Ok(message) = text.parse() {
                add(&known, message);
            }
        };
        cx.spawn(async move { log.recover(&context, found).await });
    }

    pub(crate) async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        self.log.recovered().await?;
        Ok(match request {
            // Everybody is told.
            Request::Topology { .. } => Reply::TopologyOk {},
            Request::Broadcast { message } => {
                self.log.keep(cx, &message.to_string()).await?;
                add(&self.known, message);
                Reply::BroadcastOk {}
            }
            Request::Read {} => {
                Reply::ReadOk { messages: Messages::Set(Rc::clone(self.known.state())) }
            }
        })
    }
}
