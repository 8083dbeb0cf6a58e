//! The files of a traced program, followed so that a loss of power takes from them what was not
//! synced, and so that faults of the disk reach them.
//!
//! The same [`Disk`] that the node library simulates is kept beside the program's folder. The
//! tracer says when names change and when something is synced; what the files contain is read from
//! them when it matters: at a sync, and when the power is lost. Then the disk decides what is left,
//! and that is written into the folder.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use kolk_history::plan::Plan;
use kolk_node::storage::{
    self, Disk, FAULTS, JOURNAL, REFUSED, Record, StorageError, Sync, refused_sync,
};
use kolk_protocol::Key;
use kolk_protocol::lockstep::StorageFault;
use kolk_traced::{Change, FileId, Files, Followed, SyncBegun};
use rustix::io::Errno;

use crate::faults::storage_faults;
use crate::run::EngineError;

/// What of its programs' files a plan wants followed: nothing that it does not need, for a program
/// stops at what is followed.
pub(super) fn followed(plan: &Plan) -> Option<Followed> {
    let of = |fault: StorageFault| match fault {
        StorageFault::Disk => Some(Followed::Writes),
        StorageFault::Power | StorageFault::Sync => Some(Followed::Syncs),
        StorageFault::Unknown => None,
    };
    storage_faults(plan).into_iter().filter_map(of).max()
}

/// The files in a node's folder, and the disk they lie on.
#[derive(Debug)]
pub(super) struct Stored {
    folder: PathBuf,
    disk: Disk,
    /// All files by their names, and the names of all folders. Names are paths from the node's
    /// folder, which has none itself.
    names: BTreeMap<String, FileId>,
    folders: BTreeMap<FileId, String>,
    /// Files of which everything is safe that was written.
    through: BTreeSet<FileId>,
    /// The syncs that have begun, by their numbers.
    syncs: BTreeMap<u64, Vec<Sync>>,
    /// What a life's times and failures are drawn from, and how many there have been.
    key: Key,
    calls: u64,
}

impl Stored {
    /// What lies in a node's folder, for a program whose entropy comes from this seed.
    pub(super) fn new(folder: &Path, seed: u64) -> Rc<RefCell<Stored>> {
        let mut stored = Stored {
            folder: folder.to_owned(),
            disk: Disk::new(),
            names: BTreeMap::new(),
            folders: BTreeMap::new(),
            through: BTreeSet::new(),
            syncs: BTreeMap::new(),
            key: Key::new(seed),
            calls: 0,
        };
        stored.names_changed();
        Rc::new(RefCell::new(stored))
    }

    /// The disk.
    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Its program is started again, with entropy from this seed. What it had begun to sync is not
    /// safe.
    pub(super) fn restart(&mut self, seed: u64) {
        self.syncs.clear();
        self.through.clear();
        self.key = Key::new(seed);
        self.calls = 0;
    }

    /// Takes the power: what was not synced is kept, lost or torn, as it is drawn from the seed.
    pub(super) fn lose_power(&mut self, seed: u64) -> Result<(), EngineError> {
        self.syncs.clear();
        self.names_changed();
        self.look_at_all();
        self.disk.lose_power(seed);
        self.write_back()
    }

    /// A fault of the disk begins or ends.
    pub(super) fn disturb(&mut self, fault: Record) -> Result<(), EngineError> {
        if !matches!(fault, Record::Corrupt(_)) {
            self.disk.disturb(fault);
            return Ok(());
        }
        self.names_changed();
        self.look_at_all();
        self.disk.disturb(fault);
        self.write_back()
    }

    /// Has the disk have what all files contain.
    fn look_at_all(&self) {
        self.names.keys().for_each(|name| self.look_at(name));
    }

    /// Has the disk have what a file contains.
    fn look_at(&self, name: &str) {
        // Whoever may not read a file of its own keeps it as it is.
        let Ok(bytes) = fs::read(self.folder.join(name)) else { return };
        self.disk.amend(name, &bytes);
        let is_safe = self.names.get(name).is_some_and(|file| self.through.contains(file));
        if is_safe && let Ok(sync) = self.disk.sync(Some(name)) {
            self.disk.end_sync(sync);
        }
    }

    /// Makes the folder's files what the disk has.
    fn write_back(&mut self) -> Result<(), EngineError> {
        let kept: BTreeSet<String> = self.disk.names().into_iter().collect();
        for name in self.names.keys().filter(|name| !kept.contains(*name)) {
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(|error| failed("remove", &path, error))?;
            // A folder whose last file is gone came with it.
            let above = path.ancestors().skip(1).take_while(|above| **above != self.folder);
            let _ = above.map(fs::remove_dir).take_while(Result::is_ok).count();
        }
        for name in &kept {
            let path = self.folder.join(name);
            let bytes = self.disk.read(name).unwrap_or_default();
            if fs::read(&path).is_ok_and(|present| present == bytes) {
                continue;
            }
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::write(&path, &bytes))
                .map_err(|error| failed("write", &path, error))?;
        }
        // What was made anew has another inode.
        (self.names, self.folders) = walk(&self.folder);
        Ok(())
    }

    /// True for a file on the disk, or a folder.
    fn has(&self, file: FileId) -> bool {
        self.folders.contains_key(&file) || self.name_of(file).is_some()
    }

    fn name_of(&self, file: FileId) -> Option<&String> {
        self.names.iter().find(|(_, named)| **named == file).map(|(name, _)| name)
    }

    fn draw(&mut self, what: &str) -> Key {
        self.calls += 1;
        self.key.with_name("stored").with_name(what).with(self.calls)
    }
}

impl Files for Stored {
    fn names_changed(&mut self) {
        let (names, folders) = walk(&self.folder);
        let before = std::mem::replace(&mut self.names, names);
        let folders_before = std::mem::replace(&mut self.folders, folders);
        let is_new = |(name, file): &(&String, &FileId)| before.get(*name) != Some(*file);
        let mut gone: BTreeMap<&String, FileId> = before
            .iter()
            .filter(|(name, file)| self.names.get(*name) != Some(*file))
            .map(|(name, file)| (name, *file))
            .collect();
        let mut moved = Vec::new();
        for (name, file) in self.names.iter().filter(is_new) {
            let from = gone.iter().find(|(_, old)| *old == file).map(|(from, _)| *from);
            // A name that went over to another file is no name of the old one any more.
            gone.remove(name);
            match from {
                Some(from) => {
                    gone.remove(from);
                    moved.push((from.as_str(), name.as_str()));
                }
                None => match before.iter().find(|(_, old)| *old == file) {
                    Some((other, _)) => self.disk.link(other, name),
                    None => self.disk.create(name),
                },
            }
        }
        // With a folder all that is in it has moved.
        let renamed: Vec<(&str, &str)> = folders_before
            .iter()
            .filter_map(|(id, from)| Some((from.as_str(), self.folders.get(id)?.as_str())))
            .filter(|(from, to)| from != to)
            .collect();
        let whole = |(from, to)| {
            let folder = renamed.iter().filter(|folder| moves_with((from, to), **folder));
            folder.min_by_key(|(above, _)| above.len()).copied().unwrap_or((from, to))
        };
        for (from, to) in moved.into_iter().map(whole).collect::<BTreeSet<_>>() {
            self.disk.rename(from, to);
        }
        for name in gone.keys() {
            self.disk.repeat(Record::Remove((*name).clone()));
        }
    }

    fn cut(&mut self) {
        for name in self.names.keys() {
            let is_empty = fs::metadata(self.folder.join(name)).is_ok_and(|found| found.len() == 0);
            if is_empty && self.disk.length(name).is_some_and(|length| length > 0) {
                self.disk.repeat(Record::Write(name.clone(), Vec::new()));
            }
        }
    }

    fn write_through(&mut self, file: FileId) {
        if self.has(file) {
            self.through.insert(file);
        }
    }

    fn sync(&mut self, of: Option<FileId>) -> Option<SyncBegun> {
        // Folders are made without a call that is told.
        self.names_changed();
        let syncs = match of {
            None => {
                self.look_at_all();
                let names = self.names.keys().map(|name| Some(name.as_str())).chain([None]);
                names.filter_map(|name| self.disk.sync(name).ok()).collect()
            }
            Some(file) if !self.has(file) => return None,
            Some(file) => match self.folders.get(&file) {
                Some(folder) => vec![self.disk.sync_folder(folder)],
                None => {
                    let name = self.name_of(file)?.clone();
                    self.look_at(&name);
                    vec![self.disk.sync(Some(&name)).ok()?]
                }
            },
        };
        let (least, most) = storage::SYNC;
        let nanos = least + self.draw("sync").random().below(most - least + 1);
        let number = self.calls;
        self.syncs.insert(number, syncs);
        Some(SyncBegun { number, nanos })
    }

    fn synced(&mut self, number: u64) {
        for sync in self.syncs.remove(&number).into_iter().flatten() {
            self.disk.end_sync(sync);
        }
    }

    fn refuse(&mut self, file: FileId, call: Change) -> Option<i32> {
        if !self.disk.is_at_fault() || !self.has(file) {
            return None;
        }
        let disk = self.disk.clone();
        let error = disk.admit(call == Change::Write, || self.draw("failing")).err()?;
        let is_full = error == StorageError::Full;
        let name = self.name_of(file).map(String::as_str);
        let refused = match (call, name) {
            (Change::Write | Change::Resize, Some(name)) => {
                Record::Write(name.to_owned(), Vec::new()).refused(is_full)
            }
            _ => Some(refused_sync(name)),
        };
        refused.into_iter().for_each(|record| self.disk.repeat(record));
        Some(if is_full { Errno::NOSPC } else { Errno::IO }.raw_os_error())
    }
}

/// True if a file went from one name to another because its folder did.
fn moves_with((from, to): (&str, &str), (folder, now): (&str, &str)) -> bool {
    fn below<'a>(name: &'a str, folder: &str) -> Option<&'a str> {
        name.strip_prefix(folder).filter(|rest| rest.starts_with('/'))
    }
    below(from, folder).is_some_and(|rest| below(to, now) == Some(rest))
}

/// All files below a folder by their names, and the names of all folders, itself among them. What
/// kolk itself has put there does not count, and neither do links, pipes and names
/// that are no text: a loss of power leaves them as they are.
fn walk(folder: &Path) -> (BTreeMap<String, FileId>, BTreeMap<FileId, String>) {
    let (mut names, mut folders) = (BTreeMap::new(), BTreeMap::new());
    if let Ok(metadata) = fs::metadata(folder) {
        folders.insert(FileId::from(&metadata), String::new());
    }
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((path, above)) = open.pop() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        for (entry, name) in entries.filter_map(|entry| named(entry, &above)) {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.insert(FileId::from(&metadata), name.clone());
                open.push((entry.path(), name));
            } else if metadata.is_file() && ![JOURNAL, FAULTS, REFUSED].contains(&&*name) {
                names.insert(name, FileId::from(&metadata));
            }
        }
    }
    (names, folders)
}

/// An entry of a folder with its whole name.
fn named(entry: DirEntry, above: &str) -> Option<(DirEntry, String)> {
    let name = entry.file_name().into_string().ok()?;
    let name = if above.is_empty() { name } else { format!("{above}/{name}") };
    Some((entry, name))
}

fn failed(what: &str, path: &Path, source: io::Error) -> EngineError {
    EngineError::System { what: format!("cannot {what} {}", path.display()), source }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::*;

    /// What a program does to its folder, each call followed as the tracer does.
    struct Program(Rc<RefCell<Stored>>);

    impl Program {
        fn path(&self, name: &str) -> PathBuf {
            self.0.borrow().folder.join(name)
        }

        fn write(&self, name: &str, text: &str) {
            File::create(self.path(name)).expect("a file");
            self.0.borrow_mut().names_changed();
            self.0.borrow_mut().cut();
            fs::write(self.path(name), text).expect("it is written");
        }

        fn patch(&self, name: &str, at: u64, text: &str) {
            let mut file = File::options().write(true).open(self.path(name)).expect("it is there");
            file.seek(SeekFrom::Start(at)).expect("a place");
            file.write_all(text.as_bytes()).expect("it is written");
        }

        fn name(&self, what: impl FnOnce(&Path) -> io::Result<()>) {
            what(&self.path("")).expect("it can be done");
            self.0.borrow_mut().names_changed();
        }

        fn rename(&self, from: &str, to: &str) {
            self.name(|folder| fs::rename(folder.join(from), folder.join(to)));
        }

        fn file(&self, name: &str) -> FileId {
            FileId::from(&fs::metadata(self.path(name)).expect("it is there"))
        }

        fn sync(&self, name: &str) {
            let begun = self.begin_sync(name);
            self.0.borrow_mut().synced(begun);
        }

        fn begin_sync(&self, name: &str) -> u64 {
            let file = self.file(name);
            let begun = self.0.borrow_mut().sync(Some(file)).expect("it is followed");
            assert!((storage::SYNC.0..=storage::SYNC.1).contains(&begun.nanos));
            begun.number
        }
    }

    /// All that can be left of a folder when the power is lost, each as `name=text` in order.
    fn outcomes(program: impl Fn(&Program)) -> BTreeSet<String> {
        let outcome = |seed| {
            let folder = tempfile::tempdir().expect("a folder");
            let stored = Stored::new(folder.path(), seed);
            program(&Program(Rc::clone(&stored)));
            stored.borrow_mut().lose_power(seed).expect("it can be written");
            let left = |stored: &Stored| {
                let texts = stored.names.keys().map(|name| {
                    let bytes = fs::read(folder.path().join(name)).expect("it is there");
                    let text = String::from_utf8(bytes).expect("text").replace('\0', "_");
                    format!("{name}={text}")
                });
                texts.collect::<Vec<String>>().join(" ")
            };
            let first = left(&stored.borrow());
            // What is left is safe, and no folder is left that nothing is in.
            stored.borrow_mut().lose_power(seed + 1).expect("it can be written");
            assert_eq!(left(&stored.borrow()), first);
            for name in stored.borrow().folders.values().filter(|name| !name.is_empty()) {
                assert!(first.contains(&format!("{name}/")), "{name}: {first}");
            }
            first
        };
        (0..60).map(outcome).collect()
    }

    /// A file that is safe gets the place of another one that is.
    fn replace(program: &Program) {
        for (name, text) in [("a", "one"), ("b", "two")] {
            program.write(name, text);
            program.sync(name);
        }
        program.rename("b", "a");
    }

    #[test]
    fn a_loss_of_power_leaves_what_a_disk_may() {
        type Does = fn(&Program);
        let cases: &[(&str, Does, &[&str])] = &[
            ("never synced", |program| program.write("a", "one"), &["", "a=", "a=one", "a=___"]),
            (
                "synced",
                |program| {
                    program.write("a", "one");
                    program.sync("a");
                },
                &["a=one"],
            ),
            (
                "a sync that has not ended",
                |program| {
                    program.write("a", "one");
                    program.sync("a");
                    program.patch("a", 3, "two");
                    program.begin_sync("a");
                },
                &["a=one", "a=onetwo", "a=one___"],
            ),
            (
                "written while it was synced",
                |program| {
                    program.write("a", "one");
                    let sync = program.begin_sync("a");
                    program.patch("a", 0, "two");
                    program.0.borrow_mut().synced(sync);
                },
                &["a=one", "a=two"],
            ),
            (
                "changed in place: never empty",
                |program| {
                    program.write("a", "one");
                    program.sync("a");
                    program.patch("a", 0, "two");
                },
                &["a=one", "a=two"],
            ),
            (
                "written anew: empty once",
                |program| {
                    program.write("a", "one");
                    program.sync("a");
                    program.write("a", "two");
                },
                &["a=", "a=one", "a=two"],
            ),
            (
                "written through",
                |program| {
                    program.write("a", "");
                    let file = program.file("a");
                    program.0.borrow_mut().write_through(file);
                    program.patch("a", 0, "one");
                },
                &["a=one"],
            ),
            ("renamed over another, folder not synced", replace, &["a=one b=two", "a=two"]),
            (
                "renamed over another, folder synced",
                |program| {
                    replace(program);
                    program.sync("");
                },
                &["a=two"],
            ),
            (
                "removed",
                |program| {
                    program.write("a", "one");
                    program.sync("a");
                    program.name(|folder| fs::remove_file(folder.join("a")));
                },
                &["", "a=one"],
            ),
            (
                "linked: one file of two names",
                |program| {
                    program.write("a", "one");
                    program.sync("a");
                    program.name(|folder| fs::hard_link(folder.join("a"), folder.join("b")));
                    program.sync("");
                    program.patch("b", 0, "two");
                    program.sync("a");
                },
                &["a=two b=two"],
            ),
            (
                "a folder renamed, with all that is in it at once",
                |program| {
                    program.name(|folder| fs::create_dir(folder.join("new")));
                    for name in ["new/a", "new/b"] {
                        program.write(name, "one");
                        program.sync(name);
                    }
                    program.rename("new", "now");
                },
                &["new/a=one new/b=one", "now/a=one now/b=one"],
            ),
            (
                "a folder renamed, and the one that it is in synced",
                |program| {
                    program.name(|folder| fs::create_dir(folder.join("new")));
                    program.write("new/a", "one");
                    program.sync("new/a");
                    program.rename("new", "now");
                    program.sync("");
                },
                &["now/a=one"],
            ),
            (
                "a file moved to a folder, and the one that it came from synced",
                |program| {
                    program.name(|folder| fs::create_dir(folder.join("in")));
                    program.write("a", "one");
                    program.sync("a");
                    program.rename("a", "in/a");
                    program.sync("");
                },
                &["in/a=one"],
            ),
            (
                "everything synced",
                |program| {
                    program.write("a", "one");
                    program.write("b", "two");
                    let begun = program.0.borrow_mut().sync(None).expect("it is followed");
                    program.0.borrow_mut().synced(begun.number);
                },
                &["a=one b=two"],
            ),
        ];
        for (what, program, expected) in cases {
            let expected = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(outcomes(program), expected, "{what}");
        }
    }

    #[test]
    fn what_is_not_in_the_folder_is_left_to_the_kernel() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let stored = Stored::new(folder.path(), 0);
        fs::write(other.path().join("a"), "one").expect("it is written");
        let file = FileId::from(&fs::metadata(other.path().join("a")).expect("it is there"));
        assert_eq!(stored.borrow_mut().sync(Some(file)), None);
        stored.borrow_mut().disturb(Record::Full(true)).expect("a fault");
        assert_eq!(stored.borrow_mut().refuse(file, Change::Write), None);
    }

    #[test]
    fn faults_of_the_disk_refuse_what_they_should() {
        let folder = tempfile::tempdir().unwrap();
        let stored = Stored::new(folder.path(), 0);
        let program = Program(Rc::clone(&stored));
        program.write("a", "one");
        let file = program.file("a");
        let refused = |call: Change| {
            let calls = (0..100).filter_map(|_| stored.borrow_mut().refuse(file, call));
            let errors: BTreeSet<i32> = calls.clone().collect();
            (calls.count(), errors)
        };
        let full: BTreeSet<i32> = [Errno::NOSPC.raw_os_error()].into();
        stored.borrow_mut().disturb(Record::Full(true)).expect("a fault");
        for (call, expected) in [
            (Change::Write, (100, full)),
            (Change::Resize, (0, [].into())),
            (Change::Sync, (0, [].into())),
        ] {
            assert_eq!(refused(call), expected, "{call:?}");
        }
        stored.borrow_mut().disturb(Record::Full(false)).expect("it ends");
        stored.borrow_mut().disturb(Record::Failing(true)).expect("a fault");
        for call in [Change::Write, Change::Resize, Change::Sync] {
            let (count, errors) = refused(call);
            assert!((20..80).contains(&count), "{call:?}: {count}");
            assert_eq!(errors, [Errno::IO.raw_os_error()].into(), "{call:?}");
        }
        let harms = stored.borrow().disk().harms();
        assert!(harms > 100, "{harms}");
        stored.borrow_mut().disturb(Record::Failing(false)).expect("it ends");
        assert_eq!(refused(Change::Write).0, 0);
        // A sector of what is safe is overwritten, in the file itself, and stays so.
        program.sync("a");
        stored.borrow_mut().disturb(Record::Corrupt(1)).expect("a fault");
        let now = fs::read(program.path("a")).expect("it is there");
        assert!(now.len() == 3 && now != b"one", "{now:?}");
        stored.borrow_mut().lose_power(1).expect("it can be written");
        assert_eq!(fs::read(program.path("a")).expect("it is there"), now);
    }
}
