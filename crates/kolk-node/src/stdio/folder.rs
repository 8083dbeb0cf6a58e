//! A node's disk where it runs as a program of its own: files in the folder that the environment
//! names, or, in lockstep, a simulated disk whose changes stand in a file there.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use kolk_protocol::Key;

use crate::storage::{Disk, FAULTS, JOURNAL, Medium, REFUSED, Record, StorageError};
use crate::sync::Notify;

/// What names the folder, the first that does.
const VARIABLES: [&str; 2] = ["KOLK_DATA_DIR", "MAELSTROM_DATA_DIR"];

fn path() -> Option<PathBuf> {
    VARIABLES.iter().find_map(std::env::var_os).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The disk of a node on the real clock.
pub(super) fn real() -> Medium {
    path().map_or(Medium::None, |path| Medium::Folder(Folder::new(path)))
}

/// The disk of a node in lockstep: as it was left.
///
/// # Errors
///
/// If what is left of it cannot be read.
pub(super) fn lockstep() -> io::Result<Medium> {
    let Some(folder) = path() else { return Ok(Medium::None) };
    let path = folder.join(JOURNAL);
    let disk = Disk::new();
    // How many faults the disk has been told.
    let mut told = 0;
    match File::open(&path) {
        Ok(file) => {
            for line in BufReader::new(file).lines() {
                let record: Record = serde_json::from_str(&line?)?;
                told += usize::from(record.is_fault());
                disk.apply(record).map_err(io::Error::other)?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = None;
    let journal = move |record: &Record| {
        let mut line = serde_json::to_vec(record).map_err(|error| system(&path, &error.into()))?;
        line.push(b'\n');
        let file = match &mut file {
            Some(file) => file,
            None => file.insert(open(&path)?),
        };
        file.write_all(&line).map_err(|error| system(&path, &error))
    };
    let mut medium = Medium::simulated(disk);
    let faults = move || {
        let fresh: Vec<Record> = faults_of(&folder).into_iter().skip(told).collect();
        told += fresh.len();
        fresh
    };
    if let Medium::Simulated { journal: place, faults: source, .. } = &mut medium {
        *place = Some(Box::new(journal));
        *source = Some(Box::new(faults));
    }
    Ok(medium)
}

/// All faults of the disk in this folder; none if nobody wrote any.
fn faults_of(folder: &Path) -> Vec<Record> {
    let text = fs::read_to_string(folder.join(FAULTS)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn open(path: &Path) -> Result<File, StorageError> {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.map_err(|error| system(path, &error))
}

fn system(path: &Path, error: &io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull => StorageError::Full,
        _ => StorageError::System(format!("{}: {error}", path.display())),
    }
}

/// A folder whose files are a node's. Calls block: the node has nothing else to do until its disk
/// has answered. Syncs take longest, and one is enough for all that was written before it: those
/// that are wanted wait until the node has nothing else to do, and are made together.
pub(crate) struct Folder {
    path: PathBuf,
    /// How many calls were asked whether they fail.
    calls: Cell<u64>,
    /// Whose names are safe: they were synced, and not changed since.
    names_safe: RefCell<BTreeSet<String>>,
    /// The syncs that are wanted: of files, and, without a name, of the folder.
    wanted: RefCell<BTreeMap<Option<String>, Rc<WantedSync>>>,
}

/// A sync that tasks wait for.
#[derive(Default)]
pub(crate) struct WantedSync {
    outcome: RefCell<Option<Result<(), StorageError>>>,
    made: Notify,
}

impl WantedSync {
    /// Waits until it is made.
    pub(crate) async fn done(&self) -> Result<(), StorageError> {
        loop {
            if let Some(outcome) = &*self.outcome.borrow() {
                return outcome.clone();
            }
            self.made.notified().await;
        }
    }
}

impl Folder {
    fn new(path: PathBuf) -> Folder {
        let (names_safe, wanted) = (RefCell::default(), RefCell::default());
        Folder { path, calls: Cell::default(), names_safe, wanted }
    }

    /// The sync of a file, or, without a name, of the folder, that will be made next.
    pub(crate) fn want_sync(&self, name: Option<&str>) -> Rc<WantedSync> {
        let mut wanted = self.wanted.borrow_mut();
        Rc::clone(wanted.entry(name.map(str::to_owned)).or_default())
    }

    /// Makes all syncs that are wanted; false if there are none.
    pub(crate) fn sync_wanted(&self) -> bool {
        let wanted = std::mem::take(&mut *self.wanted.borrow_mut());
        for (name, sync) in &wanted {
            *sync.outcome.borrow_mut() = Some(self.sync(name.as_deref()));
            sync.made.notify_all();
        }
        !wanted.is_empty()
    }

    /// Whether a fault has calls fail, or has taken all room, and what is drawn from whether this
    /// one fails.
    pub(crate) fn trouble(&self) -> (bool, bool, Key) {
        let faults = faults_of(&self.path);
        let open = |fault: fn(bool) -> Record| {
            let count = |begins| faults.iter().filter(|other| **other == fault(begins)).count();
            count(true) > count(false)
        };
        self.calls.set(self.calls.get() + 1);
        let key = Key::new(0).with_name("failing").with(self.calls.get());
        (open(Record::Failing), open(Record::Full), key)
    }

    fn named<T>(
        &self,
        name: &str,
        act: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, StorageError> {
        let path = self.path.join(name);
        act(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StorageError::Missing(name.to_owned()),
            _ => system(&path, &error),
        })
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match self.named(name, |path| fs::read(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn names(&self) -> Result<Vec<String>, StorageError> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.path)? {
                names.extend(entry?.file_name().into_string().ok());
            }
            names.retain(|name| !name.starts_with('.'));
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|error| system(&self.path, &error))
    }

    pub(crate) fn apply(&self, record: &Record) -> Result<(), StorageError> {
        match record {
            Record::Append(name, bytes) => {
                open(&self.path.join(name))?;
                self.named(name, |path| {
                    OpenOptions::new().append(true).open(path)?.write_all(bytes)
                })
            }
            Record::Write(name, bytes) => self.named(name, |path| fs::write(path, bytes)),
            Record::Rename(from, to) => {
                self.forget(&[from, to]);
                self.named(from, |path| fs::rename(path, self.path.join(to)))
            }
            Record::Remove(name) => {
                self.forget(&[name]);
                self.named(name, |path| fs::remove_file(path))
            }
            // Only a simulated disk is told what was synced, and loses its power.
            Record::Synced(..) | Record::NamesSynced(_) | Record::Power(_) => Ok(()),
            // Whoever makes these faults has made them.
            Record::Corrupt(_) | Record::Failing(_) | Record::Full(_) => Ok(()),
            // Whoever made the fault wants to know that it did something.
            Record::Refused(..) => self.named(REFUSED, |path| {
                let mut line = serde_json::to_vec(record)?;
                line.push(b'\n');
                OpenOptions::new().append(true).create(true).open(path)?.write_all(&line)
            }),
        }
    }

    fn forget(&self, names: &[&String]) {
        let mut safe = self.names_safe.borrow_mut();
        safe.retain(|name| !names.contains(&name));
    }

    /// Syncs a file and the folder's entry of it; without a name the folder alone.
    fn sync(&self, name: Option<&str>) -> Result<(), StorageError> {
        if let Some(name) = name {
            self.named(name, |path| File::open(path)?.sync_all())?;
            if self.names_safe.borrow().contains(name) {
                return Ok(());
            }
        }
        let folder = File::open(&self.path).and_then(|folder| folder.sync_all());
        folder.map_err(|error| system(&self.path, &error))?;
        self.names_safe.borrow_mut().extend(name.map(str::to_owned));
        Ok(())
    }
}
