//! For nodes that may lose nothing when they are killed or lose their power: a log on a node's
//! disk, of which what was kept is there again when the node is, and sets and counters that are
//! kept in one.
//!
//! ```
//! use kolk_node::{Context, RpcError};
//! use kolk_replica::durable::Log;
//!
//! async fn count(log: &Log, cx: &Context, total: u64) -> Result<(), RpcError> {
//!     log.recovered().await?;
//!     // Safe before anybody is told.
//!     log.keep(cx, &total.to_string()).await?;
//!     Ok(())
//! }
//! ```

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::Notify;
use kolk_node::{Context, Key, RpcError, StorageError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crdt::{DeltaState, GrowOnlySet, Replicated, Settings, Share};

/// A file with a line for each entry: its text and a checksum, because the last lines may be torn
/// that were not synced when the power was lost.
#[derive(Debug)]
pub struct Log {
    file: &'static str,
    /// `None` until the file has been read.
    outcome: RefCell<Option<Result<(), StorageError>>>,
    read: Notify,
}

impl Log {
    /// The log in the file of this name.
    pub fn new(file: &'static str) -> Log {
        Log { file, outcome: RefCell::default(), read: Notify::new() }
    }

    /// Reads what was kept before, oldest first. A node does so once, as it starts; what goes wrong
    /// is logged, and told by [`Log::recovered`].
    pub async fn recover(&self, cx: &Context, found: impl FnMut(&str)) {
        let outcome = self.read(cx, found).await;
        if let Err(error) = &outcome {
            cx.log(format_args!("what was kept cannot be read: {error}"));
        }
        *self.outcome.borrow_mut() = Some(outcome);
        self.read.notify_all();
    }

    /// Waits until that is done: before, a node knows nothing, and must not answer.
    ///
    /// # Errors
    ///
    /// Error 13 if what was kept cannot be read.
    pub async fn recovered(&self) -> Result<(), RpcError> {
        loop {
            if let Some(outcome) = &*self.outcome.borrow() {
                return outcome.clone().map_err(RpcError::from);
            }
            self.read.notified().await;
        }
    }

    /// Keeps an entry, a text without line ends; when this is over it is safe, and so is all that
    /// was written before.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or not synced: then it may be there after a restart, or not.
    pub async fn keep(&self, cx: &Context, text: &str) -> Result<(), StorageError> {
        cx.storage().append(self.file, line(text).as_bytes()).await?;
        cx.storage().sync(self.file).await
    }

    async fn read(&self, cx: &Context, mut found: impl FnMut(&str)) -> Result<(), StorageError> {
        let Some(bytes) = cx.storage().read(self.file).await? else { return Ok(()) };
        entries(&bytes).for_each(&mut found);
        if !bytes.ends_with(b"\n") {
            // What comes next is a line of its own, whatever is left of the last one.
            cx.storage().append(self.file, b"\n").await?;
        }
        Ok(())
    }
}

/// How a durable node's replicas tell each other what they know: everybody is told everything every
/// 500 ms. Deltas will not do: their numbers, and what peers have acknowledged, would have to
/// survive as well.
pub const SETTINGS: Settings = Settings::FullState { every: Duration::from_millis(500) };

/// The settings that `others` reads from a node's arguments, or `None` if they are `--durable`.
/// `usage` is the node's own usage text, and `usage_of_others` that of the other settings.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn settings_unless_durable<S>(
    args: &[String],
    usage: &str,
    usage_of_others: &str,
    others: impl FnOnce(&[String]) -> Result<S, String>,
) -> Result<Option<S>, String> {
    let is_durable = args.iter().any(|arg| arg == "--durable");
    match args {
        [_] if is_durable => Ok(None),
        _ if is_durable => Err(format!("--durable goes with no other setting\n{usage}")),
        _ => others(args).map(Some).map_err(|text| {
            if text.ends_with(usage_of_others) { format!("{text}\n{usage}") } else { text }
        }),
    }
}

/// A set of numbers that only grows, and that every node comes to have. A durable node keeps what
/// is added at it in a [`Log`] before it says so, and hears the rest from the others again.
#[derive(Debug)]
pub struct Elements {
    set: Replicated<GrowOnlySet<i64>>,
    log: Option<Rc<Log>>,
}

impl Elements {
    /// In memory alone, with these settings.
    pub fn in_memory(cx: &Context, settings: &Settings) -> Elements {
        Elements { set: Replicated::new(cx, settings), log: None }
    }

    /// A durable node's: what is added is kept in the file of this name.
    pub fn durable(cx: &Context, file: &'static str) -> Elements {
        let log = Some(Rc::new(Log::new(file)));
        Elements { set: Replicated::new(cx, &SETTINGS), log }
    }

    /// Reads what was kept before. A node calls this once, as it starts.
    pub fn start(&self, cx: &Context) {
        if let Some(log) = &self.log {
            let (log, set, context) = (Rc::clone(log), self.set.clone(), cx.clone());
            let found = move |text: &str| {
                if let Ok(element) = text.parse() {
                    add(&set, element);
                }
            };
            cx.spawn(async move { log.recover(&context, found).await });
        }
    }

    /// Waits until that is done, as a node does before it answers anything.
    ///
    /// # Errors
    ///
    /// Error 13 if what was kept cannot be read.
    pub async fn recovered(&self) -> Result<(), RpcError> {
        match &self.log {
            Some(log) => log.recovered().await,
            None => Ok(()),
        }
    }

    /// Adds a number. On a durable node it is safe when this is over.
    ///
    /// # Errors
    ///
    /// If it cannot be kept: then it may be there after a restart, or not.
    pub async fn add(&self, cx: &Context, element: i64) -> Result<(), RpcError> {
        if let Some(log) = &self.log {
            log.keep(cx, &element.to_string()).await?;
        }
        add(&self.set, element);
        Ok(())
    }

    /// All numbers that have come here.
    pub fn state(&self) -> &Rc<RefCell<GrowOnlySet<i64>>> {
        self.set.state()
    }
}

fn add(set: &Replicated<GrowOnlySet<i64>>, element: i64) {
    let Ok(()) = set.update(|set, _| set.add(element));
}

/// A counter that every node changes, and comes to have all of. A durable node keeps how far its
/// own part has come in a [`Log`] before it says so, and hears the others' from them again.
pub struct Counter<C: DeltaState> {
    counter: Replicated<C>,
    kept: Option<Rc<Kept<C>>>,
}

impl<C: DeltaState> std::fmt::Debug for Counter<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counter").field("is_durable", &self.kept.is_some()).finish_non_exhaustive()
    }
}

/// This node's own part of a counter.
struct Kept<C> {
    log: Log,
    /// As far as it was written, which may be further than anybody was told: under the number 0.
    own: RefCell<C>,
}

impl<C> Counter<C>
where
    C: DeltaState + Serialize + DeserializeOwned,
    C::Delta: Share,
{
    /// In memory alone, with these settings.
    pub fn in_memory(cx: &Context, settings: &Settings) -> Counter<C> {
        Counter { counter: Replicated::new(cx, settings), kept: None }
    }

    /// A durable node's: its own part is kept in the file of this name.
    pub fn durable(cx: &Context, file: &'static str) -> Counter<C> {
        let kept = Rc::new(Kept { log: Log::new(file), own: RefCell::default() });
        Counter { counter: Replicated::new(cx, &SETTINGS), kept: Some(kept) }
    }

    /// Reads what was kept before. A node calls this once, as it starts.
    pub fn start(&self, cx: &Context) {
        let Some(kept) = &self.kept else { return };
        let (kept, counter, context) = (Rc::clone(kept), self.counter.clone(), cx.clone());
        cx.spawn(async move {
            let found = |text: &str| {
                // The last one is the farthest.
                if let Ok(share) = serde_json::from_str::<C::Delta>(text) {
                    kept.own.borrow_mut().merge_delta(&share.of_replica(0));
                    show(&counter, &share);
                }
            };
            kept.log.recover(&context, found).await;
        });
    }

    /// Waits until that is done, as a node does before it answers anything.
    ///
    /// # Errors
    ///
    /// Error 13 if what was kept cannot be read.
    pub async fn recovered(&self) -> Result<(), RpcError> {
        match &self.kept {
            Some(kept) => kept.log.recovered().await,
            None => Ok(()),
        }
    }

    /// Adds by a delta mutator, which is given a state and the number of a replica in it. On a
    /// durable node it is safe when this is over.
    ///
    /// # Errors
    ///
    /// The mutator's, and then nothing has changed; or if it cannot be kept: then it may be there
    /// after a restart, or not.
    pub async fn add<E>(
        &self,
        cx: &Context,
        mutator: impl FnOnce(&C, u32) -> Result<C::Delta, E>,
    ) -> Result<(), RpcError>
    where
        RpcError: From<E>,
    {
        let Some(kept) = &self.kept else { return Ok(self.counter.update(mutator)?) };
        // Who adds at the same time stands on this, so that no two adds are one; if it fails, the
        // next one holds it too.
        let share = mutator(&kept.own.borrow(), 0)?;
        kept.own.borrow_mut().merge_delta(&share);
        let text = serde_json::to_string(&share).expect("a delta is JSON");
        kept.log.keep(cx, &text).await?;
        show(&self.counter, &share);
        Ok(())
    }

    /// What has come here of the whole.
    pub fn state(&self) -> &Rc<RefCell<C>> {
        self.counter.state()
    }
}

/// Shows this node's part to all.
fn show<C: DeltaState>(counter: &Replicated<C>, share: &C::Delta)
where
    C::Delta: Share,
{
    let Ok(()) = counter.update(|_, replica| -> Result<C::Delta, std::convert::Infallible> {
        Ok(share.of_replica(replica))
    });
}

fn line(text: &str) -> String {
    format!("{text} {:016x}\n", Key::new(0).with_name(text).seed())
}

/// The entries of the lines that are whole.
fn entries(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|bytes| {
        let whole = std::str::from_utf8(bytes).ok()?;
        let text = whole.rsplit_once(' ')?.0;
        (whole == line(text)).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_lines_are_no_entries() {
        let texts = ["5", "-7 8", "1234"];
        let whole: String = texts.map(line).concat();
        let found = |bytes: &[u8]| -> Vec<String> { entries(bytes).map(str::to_owned).collect() };
        assert_eq!(found(whole.as_bytes()), texts);
        for end in 0..whole.len() {
            let lines = whole[..end].matches('\n').count();
            assert_eq!(found(&whole.as_bytes()[..end]), texts[..lines]);
        }
        let mut torn = whole.into_bytes();
        torn[30..].fill(0);
        torn.extend_from_slice(b"\n");
        torn.extend_from_slice(line("8").as_bytes());
        assert_eq!(found(&torn), ["5", "8"]);
    }
}
