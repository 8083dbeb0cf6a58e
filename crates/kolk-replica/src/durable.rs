//! A log on a node's disk, for nodes that may lose nothing when they are killed or lose their
//! power: what was kept in it is there again when the node is.
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

use kolk_node::sync::Notify;
use kolk_node::{Context, Key, RpcError, StorageError};

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
