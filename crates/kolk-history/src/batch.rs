//! Events of a part of a text, understood and not yet put together.

use kolk_protocol::Time;

use crate::Value;
use crate::builder::{BuildError, HistoryBuilder, Record};

/// An event.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A client's, with the number of its node's name in the batch.
    Client(Record<'static>, Option<u32>),
    /// A fault's.
    Fault { index: Option<u32>, time: Option<Time>, function: String, value: Value },
    /// One that is passed over.
    Skip { index: Option<u32>, time: Option<Time> },
}

/// Events in their order, each with its place in the text.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    entries: Vec<(usize, Entry)>,
    /// The names of nodes.
    names: Vec<String>,
}

impl Batch {
    /// Adds an event of a client at a place in the text.
    pub(crate) fn client(&mut self, place: usize, record: Record<'_>) {
        let node = record.node.map(|name| self.name(name));
        self.entries.push((place, Entry::Client(Record { node: None, ..record }, node)));
    }

    /// Adds any other event.
    pub(crate) fn push(&mut self, place: usize, entry: Entry) {
        self.entries.push((place, entry));
    }

    fn name(&mut self, name: &str) -> u32 {
        let known = self.names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        number as u32
    }

    /// Adds the events to a history, and keeps the memory. An error comes with the place of the
    /// event that does not follow those before it.
    pub(crate) fn add(&mut self, builder: &mut HistoryBuilder) -> Result<(), (usize, BuildError)> {
        for (place, entry) in self.entries.drain(..) {
            let added = match entry {
                Entry::Client(record, node) => {
                    let node = node.map(|node| self.names[node as usize].as_str());
                    builder.event(Record { node, ..record })
                }
                Entry::Fault { index, time, function, value } => {
                    builder.fault(index, time, function, value)
                }
                Entry::Skip { index, time } => builder.skip(index, time),
            };
            added.map_err(|error| (place, error))?;
        }
        Ok(())
    }
}
