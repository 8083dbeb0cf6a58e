//! A counter that goes up and down as a delta-state CRDT: each node counts what was added and what
//! was taken away at itself, and tells the others how far it has come.
//!
//! How that is done is [`kolk_replica::crdt`]'s business, and its settings are this node's. With
//! `--durable` each node keeps its own part on its disk, before it says that it has grown.

use std::cell::RefCell;
use std::rc::Rc;

use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Context, Node, RpcError};
use kolk_replica::crdt::{self, DeltaState, PnCounter as Counts, PnShare, Replicated, Settings};
use kolk_replica::durable::{self, Log};

/// The usage text of [`factory`].
pub const USAGE: &str = "\
settings of this node, beside those of its replicas:
  --durable          keep what is added at this node on its disk, and tell everybody everything
                     every 500 ms: it survives kills and losses of power";

/// The node: its replica of the counter, and what it keeps on its disk.
pub struct PnCounter {
    counts: Replicated<Counts>,
    kept: Option<Rc<Kept>>,
}

/// This node's own part of the counter.
struct Kept {
    log: Log,
    /// As far as it was written, which may be further than anybody was told: under the number 0.
    own: RefCell<Counts>,
}

impl Kept {
    /// Keeps what an add makes of this node's part. Who adds at the same time stands on that, so
    /// that no two adds are one; if it fails, the next one holds it too.
    async fn add(&self, cx: &Context, delta: i64) -> Result<(u64, u64), RpcError> {
        let share = self.own.borrow().add(0, delta)?;
        self.own.borrow_mut().merge_delta(&share);
        let (_, added, removed) = share;
        self.log.keep(cx, &format!("{added} {removed}")).await?;
        Ok((added, removed))
    }

    /// Reads a line of the log; the last one is the farthest.
    fn found(&self, text: &str) {
        let share: Option<PnShare> = text
            .split_once(' ')
            .and_then(|(added, removed)| Some((0, added.parse().ok()?, removed.parse().ok()?)));
        if let Some(share) = share {
            self.own.borrow_mut().merge_delta(&share);
        }
    }
}

/// Shows this node's part to all.
fn show(counts: &Replicated<Counts>, added: u64, removed: u64) {
    let Ok(()) = counts.update(|_, replica| -> Result<PnShare, std::convert::Infallible> {
        Ok((replica, added, removed))
    });
}

impl Node for PnCounter {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        if let Some(kept) = &self.kept {
            let (kept, counts, context) = (Rc::clone(kept), self.counts.clone(), cx.clone());
            cx.spawn(async move {
                kept.log
                    .recover(&context, |text| {
                        kept.found(text);
                        let own = kept.own.borrow().deltas().next();
                        if let Some((_, added, removed)) = own {
                            show(&counts, added, removed);
                        }
                    })
                    .await;
            });
        }
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        if let Some(kept) = &self.kept {
            kept.log.recovered().await?;
        }
        Ok(match (request, &self.kept) {
            (Request::Add { delta }, Some(kept)) => {
                let (added, removed) = kept.add(cx, delta).await?;
                show(&self.counts, added, removed);
                Reply::AddOk {}
            }
            (Request::Add { delta }, None) => {
                self.counts.update(|counts, replica| counts.add(replica, delta))?;
                Reply::AddOk {}
            }
            (Request::Read {}, _) => Reply::ReadOk { value: self.counts.state().borrow().value()? },
        })
    }
}

/// Makes the node; [`USAGE`] and [`kolk_replica::crdt::USAGE`] say which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> PnCounter + Clone + use<>, String> {
    let settings = durable::settings_unless_durable(args, USAGE, crdt::USAGE, Settings::from_args)?;
    Ok(move |cx: &Context| PnCounter {
        counts: Replicated::new(cx, settings.as_ref().unwrap_or(&durable::SETTINGS)),
        kept: settings
            .is_none()
            .then(|| Rc::new(Kept { log: Log::new("share"), own: RefCell::default() })),
    })
}
