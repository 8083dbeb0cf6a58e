//! All runs of a store, read again only where something changed.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::latency::{self, Latencies};
use crate::row::{Row, State};
use crate::store::{Folder, Stamp, Store};

/// How much of a plan, or of results, is read.
pub const JSON_BYTES_MAX: u64 = 1 << 26;

/// The runs of a store, and what is known of them.
#[derive(Debug)]
pub struct Runs {
    store: Store,
    /// The runs, by workload and time.
    known: Mutex<BTreeMap<(String, String), Known>>,
    /// Of one run after the other: they take reading, and there is no hurry.
    latencies: Mutex<BTreeMap<(String, String), (Stamp, Arc<Latencies>)>>,
}

/// A run as it was when its files had these stamps.
#[derive(Clone, Debug)]
struct Known {
    stamps: [Option<Stamp>; 2],
    row: Arc<Row>,
}

/// How many runs' latencies are kept.
const LATENCIES_MAX: usize = 10_000;

impl Runs {
    /// The runs of a store.
    pub fn new(store: Store) -> Runs {
        Runs { store, known: Mutex::default(), latencies: Mutex::default() }
    }

    /// The store that the runs are in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// All runs, the newest first. What is no longer there is forgotten. A store that is not
    /// there yet has none.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn list(&self) -> io::Result<Vec<Arc<Row>>> {
        let root = match self.store.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            root => root?,
        };
        let mut found = Vec::new();
        for workload in root.entries()? {
            if !(workload.is_folder && workload.is_plain) {
                continue;
            }
            // A folder that vanished, or that this user may not read, is as good as none.
            let Ok(folder) = root.folder(&workload.name) else { continue };
            for run in folder.entries()? {
                if run.is_folder && run.is_plain {
                    found.push((workload.name.clone(), run.name.clone(), folder.folder(&run.name)));
                }
            }
        }
        let rows = found.into_iter().map(|(workload, time, folder)| match folder {
            Ok(folder) => self.row(&folder, &workload, &time),
            Err(error) => Arc::new(unreadable(&workload, &time, &error)),
        });
        let mut rows: Vec<Arc<Row>> = rows.collect();
        self.forget(&rows);
        rows.sort_by(|a, b| (&b.time, &b.workload).cmp(&(&a.time, &a.workload)));
        Ok(rows)
    }

    /// One run.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn find(&self, workload: &str, time: &str) -> io::Result<(Folder, Arc<Row>)> {
        let folder = self.store.run(workload, time)?;
        let row = self.row(&folder, workload, time);
        Ok((folder, row))
    }

    /// The latencies of a run; none if it has no history.
    ///
    /// # Errors
    ///
    /// If there is no such folder, or its history cannot be read.
    pub fn latencies(&self, workload: &str, time: &str) -> io::Result<Arc<Latencies>> {
        let Ok((file, stamp)) = self.store.run(workload, time)?.file("history.jsonl") else {
            return Ok(Arc::default());
        };
        let key = (workload.to_owned(), time.to_owned());
        let mut known = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, latencies)) = known.get(&key).filter(|(at, _)| *at == stamp) {
            return Ok(Arc::clone(latencies));
        }
        let latencies = Arc::new(latency::read(BufReader::with_capacity(1 << 18, file))?);
        if known.len() >= LATENCIES_MAX {
            known.pop_first();
        }
        known.insert(key, (stamp, Arc::clone(&latencies)));
        Ok(latencies)
    }

    fn row(&self, folder: &Folder, workload: &str, time: &str) -> Arc<Row> {
        let stamps = [folder.stamp("plan.json"), folder.stamp("results.json")];
        let key = (workload.to_owned(), time.to_owned());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let old = known().get(&key).filter(|known| known.stamps == stamps).cloned();
        let row = old.map_or_else(
            || {
                let row = Arc::new(read(folder, workload, time, stamps));
                known().insert(key, Known { stamps, row: Arc::clone(&row) });
                row
            },
            |known| known.row,
        );
        // Results that are half there are being written.
        let may_go_on = matches!(row.state, State::Unfinished | State::Damaged | State::Foreign);
        if may_go_on && folder.is_locked() {
            let row = Row { state: State::Running, problem: None, ..Row::clone(&row) };
            return Arc::new(row);
        }
        row
    }

    fn forget(&self, rows: &[Arc<Row>]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > rows.len() {
            let mut there: Vec<(&str, &str)> =
                rows.iter().map(|row| (row.workload.as_str(), row.time.as_str())).collect();
            there.sort_unstable();
            known.retain(|(workload, time), _| {
                there.binary_search(&(workload.as_str(), time.as_str())).is_ok()
            });
        }
    }
}

fn read(folder: &Folder, workload: &str, time: &str, stamps: [Option<Stamp>; 2]) -> Row {
    let [plan, results] = stamps;
    if plan.is_none() && results.is_none() {
        return Row::foreign(workload, time);
    }
    let results = results.map(|_| text(folder, "results.json"));
    let row = Row::of(workload, time, text(folder, "plan.json"), results);
    Row { stamp: stamp_text(stamps), ..row }
}

/// The content of a small file.
///
/// # Errors
///
/// A text for people if the file cannot be read or is too large.
pub fn text(folder: &Folder, name: &str) -> Result<Vec<u8>, String> {
    let (file, stamp) = folder.file(name).map_err(|error| error.to_string())?;
    if stamp.bytes > JSON_BYTES_MAX {
        return Err(format!("it has {} bytes, too many to look into", stamp.bytes));
    }
    let mut text = Vec::new();
    file.take(JSON_BYTES_MAX).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn stamp_text(stamps: [Option<Stamp>; 2]) -> String {
    let parts = stamps.map(|stamp| {
        stamp.map_or_else(String::new, |stamp| format!("{:x}.{:x}", stamp.modified, stamp.bytes))
    });
    parts.join("-")
}

fn unreadable(workload: &str, time: &str, error: &io::Error) -> Row {
    let problem = Some(format!("the folder cannot be read: {}", error.kind()));
    Row { state: State::Damaged, problem, ..Row::foreign(workload, time) }
}
