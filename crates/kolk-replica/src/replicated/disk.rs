//! The file that a node begins from again.
//!
//! Each line is a record: a checksum, and what it is of. A power loss may tear the lines that were
//! not synced; what follows the first torn line was not synced either, and is dropped. When the
//! file has become much longer than what is in it, a new one takes its place: written under another
//! name, synced, renamed, and the names synced before anything else is written.

use std::cell::RefCell;

use kolk_node::{Context, Key, StorageError};
use kolk_raft::{Stored, Write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const FILE: &str = "raft-log";
const NEW: &str = "raft-log.new";

/// A file is not written anew before it has grown by this many bytes, beside having doubled.
const GROWTH_MIN: usize = 256 << 10;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record<C, S> {
    /// The node was started: so often by now.
    Life(u64),
    Write(Write<C, S>),
}

pub(super) struct Disk {
    cx: Context,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// Nobody gave the node a disk.
    is_missing: bool,
    length: usize,
    /// What it was when the file was written anew.
    length_then: usize,
    /// How many records are being written.
    under_way: usize,
    /// While the file is written anew, records wait here.
    delayed: Option<(u64, Vec<u8>)>,
    is_rewriting: bool,
}

/// What was found.
pub(super) struct Found<C, S> {
    /// Which life of the node this is, from 1 on.
    pub life: u64,
    /// Nothing at the first start.
    pub stored: Option<Stored<C, S>>,
}

/// A record that is being written.
pub(super) struct Keeping {
    number: u64,
    record: Vec<u8>,
}

/// A file that is being written anew.
pub(super) struct Rewriting;

/// The record as a line.
pub(super) fn line<C: Serialize, S: Serialize>(write: Write<C, S>) -> Vec<u8> {
    encode(&Record::Write(write))
}

fn encode<C: Serialize, S: Serialize>(record: &Record<C, S>) -> Vec<u8> {
    let json = serde_json::to_string(record).expect("commands and snapshots are JSON");
    format!("{:016x} {json}\n", checksum(&json)).into_bytes()
}

fn checksum(json: &str) -> u64 {
    Key::new(0).with_name(json).seed()
}

fn decode<C: DeserializeOwned, S: DeserializeOwned>(line: &[u8]) -> Option<Record<C, S>> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (sum, json) = text.split_once(' ')?;
    let is_whole = u64::from_str_radix(sum, 16).ok()? == checksum(json);
    is_whole.then(|| serde_json::from_str(json).ok()).flatten()
}

/// What the lines say, up to the first that is torn, and whether there is one.
fn replay<C, S>(bytes: &[u8]) -> (Found<C, S>, bool)
where
    C: DeserializeOwned + Clone,
    S: DeserializeOwned + Clone,
{
    let mut found = Found { life: 0, stored: None };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match decode(line) {
            Some(Record::Life(life)) => found.life = life,
            Some(Record::Write(write)) => {
                found.stored.get_or_insert_with(Stored::joining).perform(&write);
            }
            None => return (found, true),
        }
    }
    (found, false)
}

/// The same in as few lines as can be.
fn condensed<C, S>(found: &Found<C, S>) -> Vec<u8>
where
    C: Serialize + Clone,
    S: Serialize + Clone,
{
    let mut bytes = encode(&Record::<C, S>::Life(found.life));
    if let Some(stored) = &found.stored {
        bytes.extend(encode(&Record::Write(stored.as_write())));
    }
    bytes
}

impl Disk {
    pub fn new(cx: &Context) -> Disk {
        Disk { cx: cx.clone(), state: RefCell::default() }
    }

    /// Reads what was kept, and keeps that the node has been started.
    pub async fn read<C, S>(&self) -> Result<Found<C, S>, StorageError>
    where
        C: Serialize + DeserializeOwned + Clone,
        S: Serialize + DeserializeOwned + Clone,
    {
        let bytes = match self.cx.storage().read(FILE).await {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(StorageError::NoFolder) => {
                self.cx.log(
                    "there is no folder to keep anything in: this node must not be started again",
                );
                self.state.borrow_mut().is_missing = true;
                return Ok(Found { life: 1, stored: None });
            }
            Err(error) => return Err(error),
        };
        let (mut found, is_torn) = replay(&bytes);
        found.life += 1;
        if is_torn {
            self.replace(condensed(&found)).await?;
        } else {
            let record = encode(&Record::<C, S>::Life(found.life));
            let length = bytes.len() + record.len();
            self.cx.storage().append(FILE, &record).await?;
            self.cx.storage().sync(FILE).await?;
            *self.state.borrow_mut() = State { length, ..State::default() };
        }
        Ok(found)
    }

    /// Puts these contents in place of the file's, wholly or not at all.
    async fn replace(&self, bytes: Vec<u8>) -> Result<(), StorageError> {
        let storage = self.cx.storage();
        storage.write(NEW, &bytes).await?;
        storage.sync(NEW).await?;
        storage.rename(NEW, FILE).await?;
        storage.sync_names().await?;
        let mut state = self.state.borrow_mut();
        (state.length, state.length_then) = (bytes.len(), bytes.len());
        Ok(())
    }

    /// True if nothing has to be written, because there is nothing to write to.
    pub fn is_missing(&self) -> bool {
        self.state.borrow().is_missing
    }

    /// True while something is being written.
    pub fn is_busy(&self) -> bool {
        let state = self.state.borrow();
        state.under_way > 0 || state.is_rewriting
    }

    /// Begins to write a record; `None` if it will be written with others later.
    pub fn keep(&self, number: u64, record: Vec<u8>) -> Option<Keeping> {
        let mut state = self.state.borrow_mut();
        if state.is_rewriting {
            let (last, records) = state.delayed.get_or_insert_with(|| (number, Vec::new()));
            *last = number;
            records.extend(record);
            return None;
        }
        state.under_way += 1;
        Some(Keeping { number, record })
    }

    /// Begins to write the file anew, if that is worth it.
    pub fn rewrite_if_large(&self) -> Option<Rewriting> {
        let mut state = self.state.borrow_mut();
        // What is under way must be in the old file before that is read.
        if state.is_rewriting
            || state.under_way > 0
            || state.length < 2 * state.length_then + GROWTH_MIN
        {
            return None;
        }
        state.is_rewriting = true;
        Some(Rewriting)
    }

    async fn append(&self, record: &[u8]) -> Result<(), StorageError> {
        self.state.borrow_mut().length += record.len();
        self.cx.storage().append(FILE, record).await?;
        self.cx.storage().sync(FILE).await
    }
}

impl Keeping {
    /// Writes it; all up to the number given is durable then.
    pub async fn done(self, disk: &Disk) -> Result<u64, StorageError> {
        let kept = disk.append(&self.record).await;
        disk.state.borrow_mut().under_way -= 1;
        kept.map(|()| self.number)
    }
}

impl Rewriting {
    /// Writes it, and what has come since; all up to the number given is durable then.
    pub async fn done<C, S>(self, disk: &Disk) -> Result<Option<u64>, StorageError>
    where
        C: Serialize + DeserializeOwned + Clone,
        S: Serialize + DeserializeOwned + Clone,
    {
        let bytes = disk.cx.storage().read(FILE).await?.unwrap_or_default();
        let (found, is_torn) = replay::<C, S>(&bytes);
        if is_torn {
            return Err(StorageError::System(format!("`{FILE}` is not what was written to it")));
        }
        disk.replace(condensed(&found)).await?;
        let delayed = {
            let mut state = disk.state.borrow_mut();
            state.is_rewriting = false;
            let delayed = state.delayed.take();
            state.under_way += usize::from(delayed.is_some());
            delayed
        };
        let Some((number, record)) = delayed else { return Ok(None) };
        Keeping { number, record }.done(disk).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use kolk_raft::{Ballot, Entry, Payload, Position, Tail};

    use super::*;

    fn write(number: u64, index: u64) -> Write<String, String> {
        let position = Position { term: number, index };
        let entry = Entry { position, payload: Payload::Command(format!("\u{e9} {number}")) };
        Write {
            number,
            ballot: Some(Ballot { term: number, vote: None }),
            snapshot: None,
            start: None,
            tail: Some(Tail { from: index, entries: vec![entry] }),
        }
    }

    #[test]
    fn torn_lines_and_what_follows_them_are_dropped() {
        let records = [
            encode(&Record::<String, String>::Life(3)),
            line(write(1, 1)),
            line(write(2, 2)),
            line(write(3, 2)),
        ];
        let bytes = records.concat();
        let terms = |bytes: &[u8]| {
            let (found, is_torn) = replay::<String, String>(bytes);
            let terms = found.stored.map(|stored| {
                let terms = stored.entries.iter().map(|entry| entry.position.term);
                (stored.ballot.term, terms.collect::<Vec<_>>())
            });
            (found.life, terms, is_torn)
        };
        let whole = [
            (0, None),
            (3, None),
            (3, Some((1, vec![1]))),
            (3, Some((2, vec![1, 2]))),
            (3, Some((3, vec![1, 3]))),
        ];
        for end in 0..=bytes.len() {
            let mut left = end;
            let count = records.iter().take_while(|record| {
                let is_in = record.len() <= left;
                left = left.saturating_sub(record.len());
                is_in
            });
            let count = count.count();
            let begins: usize = records[..count].iter().map(Vec::len).sum();
            let (life, stored) = whole[count].clone();
            assert_eq!(terms(&bytes[..end]), (life, stored, end > begins), "{end}");
        }
        let second = records[0].len() + records[1].len();
        for place in second..second + records[2].len() {
            let mut torn = bytes.clone();
            torn[place] = 0;
            assert_eq!(terms(&torn), (3, Some((1, vec![1])), true), "{place}");
        }
        let (found, _) = replay::<String, String>(&bytes);
        let (again, is_torn) = replay::<String, String>(&condensed(&found));
        assert_eq!((again.life, again.stored, is_torn), (found.life, found.stored, false));
    }
}
