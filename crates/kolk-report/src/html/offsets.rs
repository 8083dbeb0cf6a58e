//! For the log: what stands at which offset of each key, who sent it and who polled it.

use std::io;

use kolk_check::kafka::{self, Entry};
use kolk_history::{History, value};

use super::columns::{Columns, or_zero};
use super::pack::Sections;
use super::texts::Texts;

/// A key's log as it stands in the page.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// The key.
    pub name: String,
    /// How many entries it has.
    pub count: usize,
}

/// The keys, and with which entry each chunk of values begins.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    /// All keys that anything was seen of.
    pub keys: Vec<StoredKey>,
    /// With which entry each chunk of values begins.
    pub value_starts: Vec<u64>,
}

/// Writes what is known of all logs: a part `offsets` of columns (offsets as differences within all
/// keys' entries, who sent and who polled first as places of operations and one, how many polled)
/// and the values as texts.
pub fn write(history: &History, sections: &mut Sections<'_>) -> io::Result<Offsets> {
    let logs = kafka::logs(history);
    let entries = || logs.iter().flat_map(|log| &log.entries);
    let mut columns = Columns::default();
    columns.differences(entries().map(|entry| entry.offset.cast_unsigned()));
    columns.differences(entries().map(|entry| or_zero(entry.writer)));
    columns.differences(entries().map(|entry| or_zero(entry.reader)));
    columns.plain(entries().map(|entry| u64::from(entry.polls)));
    sections.write("offsets", columns.bytes())?;
    let mut texts = Texts::new("offset-values");
    let mut text = Vec::new();
    for Entry { value, .. } in entries() {
        text.clear();
        value::write_json(&mut text, value);
        texts.push(&text, sections)?;
    }
    let keys = logs.iter().map(|log| StoredKey { name: log.key.clone(), count: log.entries.len() });
    Ok(Offsets { keys: keys.collect(), value_starts: texts.finish(sections)? })
}
