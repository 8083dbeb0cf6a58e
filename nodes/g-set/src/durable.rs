//! The elements that were added at this node, on its disk.

use std::cell::RefCell;

use kolk_node::sync::Notify;
use kolk_node::{Context, Key, RpcError, StorageError};

const FILE: &str = "elements";

/// A file with a line for each element: the element and a checksum, because the last lines may be
/// torn that were not synced when the power was lost.
#[derive(Default)]
pub(crate) struct Log {
    /// `None` until the file has been read.
    outcome: RefCell<Option<Result<(), StorageError>>>,
    read: Notify,
}

impl Log {
    /// Reads what was kept before.
    pub(crate) async fn recover(&self, cx: &Context, found: impl FnMut(i64)) {
        let outcome = read(cx, found).await;
        if let Err(error) = &outcome {
            cx.log(format_args!("what was kept cannot be read: {error}"));
        }
        *self.outcome.borrow_mut() = Some(outcome);
        self.read.notify_all();
    }

    /// Waits until that is done.
    pub(crate) async fn recovered(&self) -> Result<(), RpcError> {
        loop {
            if let Some(outcome) = &*self.outcome.borrow() {
                return outcome.clone().map_err(RpcError::from);
            }
            self.read.notified().await;
        }
    }

    /// Keeps an element; when this is over it is safe.
    pub(crate) async fn keep(&self, cx: &Context, element: i64) -> Result<(), StorageError> {
        cx.storage().append(FILE, line(element).as_bytes()).await?;
        cx.storage().sync(FILE).await
    }
}

async fn read(cx: &Context, found: impl FnMut(i64)) -> Result<(), StorageError> {
    let Some(bytes) = cx.storage().read(FILE).await? else { return Ok(()) };
    elements(&bytes).for_each(found);
    if !bytes.ends_with(b"\n") {
        // What comes next is a line of its own, whatever is left of the last one.
        cx.storage().append(FILE, b"\n").await?;
    }
    Ok(())
}

fn line(element: i64) -> String {
    format!("{element} {:016x}\n", Key::new(element as u64).seed())
}

/// The elements of the lines that are whole.
fn elements(bytes: &[u8]) -> impl Iterator<Item = i64> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let element = text.split_once(' ')?.0.parse().ok()?;
        (text == line(element)).then_some(element)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_lines_are_no_elements() {
        let whole: String = [5, -7, 1234].map(line).concat();
        let found = |bytes: &[u8]| elements(bytes).collect::<Vec<_>>();
        assert_eq!(found(whole.as_bytes()), [5, -7, 1234]);
        for end in 0..whole.len() {
            let lines = whole[..end].matches('\n').count();
            assert_eq!(found(&whole.as_bytes()[..end]), [5, -7, 1234][..lines]);
        }
        let mut torn = whole.into_bytes();
        torn[30..].fill(0);
        torn.extend_from_slice(b"\n");
        torn.extend_from_slice(line(8).as_bytes());
        assert_eq!(found(&torn), [5, 8]);
    }
}
