//! What became of nodes and of their disks, as a table.

use std::io::BufRead;

use kolk_history::node_events::{self, Kind, NodeEvent};

use super::columns::{Columns, or_zero};
use super::error::HtmlError;
use super::intern::Names;
use super::pack::Sections;

/// How the table stands in the page.
#[derive(Debug, Default)]
pub struct Stored {
    /// How many rows it has; if any, there is a part `node-events`.
    pub count: usize,
    /// The names of nodes, files and calls.
    pub names: Names,
}

struct Row {
    time: u64,
    node: u32,
    kind: u8,
    /// A file, and what else is named: the file's other name, or the call.
    file: Option<u32>,
    other: Option<u32>,
    /// Bytes or messages: see [`numbers`].
    numbers: [u64; 2],
}

/// Writes the events as columns: time, node, the number of the kind, file, the other name, and two
/// numbers.
///
/// # Errors
///
/// If they are none, or cannot be written.
pub fn write(events: impl BufRead, sections: &mut Sections<'_>) -> Result<Stored, HtmlError> {
    let (mut rows, mut names) = (Vec::new(), Names::default());
    node_events::read(events, |event| {
        let mut number = |name: &Option<String>| name.as_ref().map(|name| names.number(name));
        let (file, other) =
            (number(&event.file), number(event.to.as_ref().map_or(&event.call, |_| &event.to)));
        rows.push(Row {
            time: event.time.as_nanos(),
            node: names.number(&event.node),
            kind: kind_number(event.event),
            file,
            other,
            numbers: numbers(&event),
        });
    })
    .map_err(HtmlError::Logs)?;
    if !rows.is_empty() {
        let mut columns = Columns::default();
        let rows = || rows.iter();
        columns.differences(rows().map(|row| row.time));
        columns.plain(rows().map(|row| u64::from(row.node)));
        columns.plain(rows().map(|row| u64::from(row.kind)));
        columns.plain(rows().map(|row| or_zero(row.file)));
        columns.plain(rows().map(|row| or_zero(row.other)));
        for place in 0..2 {
            columns.plain(rows().map(|row| row.numbers[place]));
        }
        sections.write("node-events", columns.bytes())?;
    }
    Ok(Stored { count: rows.len(), names })
}

fn kind_number(kind: Kind) -> u8 {
    let place = Kind::ALL.iter().position(|known| *known == kind);
    u8::try_from(place.expect("all kinds are listed")).expect("there are few")
}

/// Of a node that runs again how many messages were delivered and dropped; of a corrupted file from
/// where on and how much; of a file after a power loss its bytes before and after; else how much
/// was written or synced.
fn numbers(event: &NodeEvent) -> [u64; 2] {
    let pairs = [
        (event.delivered, event.dropped),
        (event.from, event.bytes),
        (event.was, event.is),
        (event.bytes, None),
    ];
    let pair = pairs.into_iter().find(|(first, _)| first.is_some()).unwrap_or_default();
    [pair.0, pair.1].map(Option::unwrap_or_default)
}
