//! A disk that is simulated: what was written to it survives its node, and what was synced survives
//! a loss of power as well.
//!
//! A file's contents are what was synced, and the changes since. Names of files are a journal of
//! their own, as a journaling file system has it: a power loss keeps a beginning of what was not
//! synced of it. Of the contents it keeps all, nothing, or some sectors; FoundationDB's
//! `AsyncFileNonDurable` and TigerBeetle's storage faults are the models.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use kolk_protocol::{Key, Random};
use serde::{Deserialize, Serialize};

use super::StorageError;
use super::events::{Before, DiskEvent};

/// What is written as a whole or not at all, in bytes.
pub const SECTOR: usize = 512;

/// A simulated disk. Cheap to clone, and every clone is the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Rc<RefCell<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// By inode.
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    /// The names that survive a power loss for sure, and the changes since.
    names_synced: BTreeMap<String, u64>,
    renamings: VecDeque<(u64, Naming)>,
    /// How many changes there have been.
    changes: u64,
    inodes: u64,
    /// How many open faults have calls fail, and how many have taken all room.
    failing: u32,
    full: u32,
    /// How many syncs have ended.
    syncs: u64,
    /// How many calls a fault had fail, and how many sectors one has overwritten.
    harms: u64,
    /// What has happened since somebody looked, if anybody watches.
    seen: Option<Vec<DiskEvent>>,
}

#[derive(Debug, Default)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
    since: VecDeque<(u64, Change)>,
}

#[derive(Debug)]
enum Change {
    Append(Vec<u8>),
    Replace(Vec<u8>),
    /// Bytes from a place on, in a file that then has this length.
    Patch {
        from: usize,
        bytes: Vec<u8>,
        length: usize,
    },
}

impl Change {
    fn bytes(&self) -> &[u8] {
        let (Change::Append(bytes) | Change::Replace(bytes) | Change::Patch { bytes, .. }) = self;
        bytes
    }

    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Append(bytes) => to.extend_from_slice(bytes),
            Change::Replace(bytes) => to.clone_from(bytes),
            Change::Patch { from, bytes, length } => {
                to.resize(*length, 0);
                to[*from..*from + bytes.len()].copy_from_slice(bytes);
            }
        }
    }

    /// What makes these contents of those, as a program does that writes to a file which it has
    /// opened; `None` if they are the same.
    fn between(before: &[u8], after: &[u8]) -> Option<Change> {
        let common = before.len().min(after.len());
        let from = (0..common).find(|place| before[*place] != after[*place]).unwrap_or(common);
        if from == before.len() {
            return (after.len() > from).then(|| Change::Append(after[from..].to_vec()));
        }
        let same_length = before.len() == after.len();
        let is_changed = |place: &usize| before[*place] != after[*place];
        let end = if same_length {
            (from..common).rfind(is_changed).map_or(from, |last| last + 1)
        } else {
            after.len()
        };
        Some(Change::Patch { from, bytes: after[from..end].to_vec(), length: after.len() })
    }
}

#[derive(Debug)]
enum Naming {
    Create(String, u64),
    Rename(String, String),
    Remove(String),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Naming::Create(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Naming::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
                // A folder takes along what is in it.
                let folder = format!("{from}/");
                let is_in = |name: &&String| name.starts_with(&folder);
                let inside: Vec<String> = names.keys().filter(is_in).cloned().collect();
                for name in inside {
                    if let Some(inode) = names.remove(&name) {
                        names.insert(format!("{to}/{}", &name[folder.len()..]), inode);
                    }
                }
            }
            Naming::Remove(name) => {
                names.remove(name);
            }
        }
    }

    /// True if that changes what a folder holds.
    fn is_in(&self, folder: &str) -> bool {
        let is_in = |name: &str| name.rsplit_once('/').map_or("", |(parent, _)| parent) == folder;
        match self {
            Naming::Create(name, _) | Naming::Remove(name) => is_in(name),
            Naming::Rename(from, to) => is_in(from) || is_in(to),
        }
    }
}

/// A change to a disk: what has to be kept of it so that it can be made again from nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// Bytes at the end of a file, which is made if it is not there.
    Append(String, Vec<u8>),
    /// The whole contents of a file, which is made if it is not there.
    Write(String, Vec<u8>),
    /// A file gets another name; one that had it is gone.
    Rename(String, String),
    /// A file is gone.
    Remove(String),
    /// What was written to a file up to this change is safe.
    Synced(u64, u64),
    /// The names of all files as they were at this change are safe.
    NamesSynced(u64),
    /// The power was lost; what became of the rest is drawn from this seed.
    Power(u64),
    /// A sector of what is stored is overwritten; which, and with what, is drawn from this seed.
    Corrupt(u64),
    /// A fault begins, or ends, that has calls fail.
    Failing(bool),
    /// A fault begins, or ends, that leaves no room.
    Full(bool),
    /// A fault had a call fail, on a file if it was on one; true if there was no room. Nothing was
    /// changed.
    Refused(String, Option<String>, bool),
}

impl Record {
    /// True of a sync that has ended.
    pub fn is_sync(&self) -> bool {
        matches!(self, Record::Synced(..) | Record::NamesSynced(_))
    }

    /// True of a fault of the disk that comes while its node may run.
    pub fn is_fault(&self) -> bool {
        matches!(self, Record::Corrupt(_) | Record::Failing(_) | Record::Full(_))
    }

    /// What it is if a fault has it fail, where that is said.
    pub fn refused(&self, is_full: bool) -> Option<Record> {
        let (call, file) = match self {
            Record::Append(file, _) => ("append", file),
            Record::Write(file, _) => ("write", file),
            Record::Rename(file, _) => ("rename", file),
            Record::Remove(file) => ("remove", file),
            _ => return None,
        };
        Some(Record::Refused(call.to_owned(), Some(file.clone()), is_full))
    }
}

/// What a sync is, of a file or of the names of all, that a fault has fail.
pub fn refused_sync(name: Option<&str>) -> Record {
    let call = if name.is_some() { "sync" } else { "sync-names" };
    Record::Refused(call.to_owned(), name.map(str::to_owned), false)
}

/// A sync that has begun: what was written to a file before, or what files were called.
#[derive(Clone, Copy, Debug)]
pub struct Sync {
    inode: Option<u64>,
    up_to: u64,
}

impl Sync {
    /// What it is when it has ended.
    pub(super) fn record(self) -> Record {
        match self.inode {
            Some(inode) => Record::Synced(inode, self.up_to),
            None => Record::NamesSynced(self.up_to),
        }
    }
}

impl Disk {
    /// An empty disk.
    pub fn new() -> Disk {
        Disk::default()
    }

    /// Loses the power: what was not synced is kept, lost or torn, as it is drawn from the seed.
    pub fn lose_power(&self, seed: u64) {
        // A power loss fits any disk.
        let _ = self.apply(Record::Power(seed));
    }

    /// A fault of the disk begins or ends: [`Record::is_fault`].
    pub fn disturb(&self, fault: Record) {
        // Faults fit any disk.
        let _ = self.apply(fault);
    }

    /// Makes a change again that another disk has seen. One that does not fit is passed over.
    pub fn repeat(&self, record: Record) {
        let _ = self.apply(record);
    }

    /// How many syncs have ended.
    pub fn syncs(&self) -> u64 {
        self.0.borrow().syncs
    }

    /// How often a fault of the disk has done something: calls that failed, and sectors that were
    /// overwritten.
    pub fn harms(&self) -> u64 {
        self.0.borrow().harms
    }

    /// From now on what happens is kept for [`Disk::take_events`].
    pub fn watch(&self) {
        self.0.borrow_mut().seen.get_or_insert_default();
    }

    /// What has happened since this was last called, if somebody [watches](Disk::watch).
    pub fn take_events(&self) -> Vec<DiskEvent> {
        self.0.borrow_mut().seen.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// True while a fault is open that may have calls fail.
    pub fn is_at_fault(&self) -> bool {
        self.trouble() != (false, false)
    }

    /// Fails if an open fault has a call fail: one that adds something, or another one. Whether it
    /// does may be drawn from `chance`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Full`] and [`StorageError::Failed`].
    pub fn admit(&self, adds: bool, chance: impl FnOnce() -> Key) -> Result<(), StorageError> {
        admit(self.trouble(), adds, chance)
    }

    /// Whether calls fail, and whether there is no room.
    fn trouble(&self) -> (bool, bool) {
        let contents = self.0.borrow();
        (contents.failing > 0, contents.full > 0)
    }

    /// Makes an empty file.
    pub fn create(&self, name: &str) {
        self.0.borrow_mut().create(name.to_owned());
    }

    /// Gives a file, or all files of a folder, another name, as [`Record::Rename`] does to a file:
    /// what stands before the last `/` of a name is its folder.
    pub fn rename(&self, from: &str, to: &str) {
        self.0.borrow_mut().give_name(from.to_owned(), to.to_owned());
    }

    /// Gives a file one more name; nothing happens if there is no such file.
    pub fn link(&self, from: &str, to: &str) {
        let contents = &mut *self.0.borrow_mut();
        if let Ok(inode) = contents.find(from) {
            contents.rename(Naming::Create(to.to_owned(), inode));
        }
    }

    /// A file's contents are now these, as a program left them that wrote to it in place: unlike
    /// after [`Record::Write`] a loss of power leaves it empty only if it was empty once since it
    /// was synced. A file that is not there is made.
    pub fn amend(&self, name: &str, bytes: &[u8]) {
        let contents = &mut *self.0.borrow_mut();
        let now = contents.find(name).ok().and_then(|inode| contents.files.get(&inode));
        let change = match now {
            Some(file) => Change::between(&file.now, bytes),
            None => Some(Change::Append(bytes.to_vec())),
        };
        if let Some(change) = change {
            contents.change(name.to_owned(), change);
        }
    }

    /// Begins to sync what a folder holds, without what its files contain: it is safe up to the
    /// last change of a name in it, and with it all that was done to names before, as a journaling
    /// file system has it. The outermost folder has no name.
    pub fn sync_folder(&self, folder: &str) -> Sync {
        let contents = self.0.borrow();
        let last = contents.renamings.iter().rfind(|(_, naming)| naming.is_in(folder));
        Sync { inode: None, up_to: last.map_or(0, |(number, _)| *number) }
    }

    /// A sync has ended.
    pub fn end_sync(&self, sync: Sync) {
        // It fits the disk on which it began.
        let _ = self.apply(sync.record());
    }

    /// The contents of a file, if there is one of that name.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let contents = self.0.borrow();
        contents.names.get(name).map(|inode| contents.files[inode].now.clone())
    }

    /// How many bytes a file has, if there is one of that name.
    pub fn length(&self, name: &str) -> Option<usize> {
        let contents = self.0.borrow();
        contents.names.get(name).map(|inode| contents.files[inode].now.len())
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.0.borrow().names.keys().cloned().collect()
    }

    /// Begins to sync a file, or, without a name, the names of all.
    ///
    /// # Errors
    ///
    /// If there is no file of that name.
    pub fn sync(&self, name: Option<&str>) -> Result<Sync, StorageError> {
        let contents = self.0.borrow();
        let inode = match name {
            Some(name) => Some(*contents.names.get(name).ok_or_else(|| missing(name))?),
            None => None,
        };
        Ok(Sync { inode, up_to: contents.changes })
    }

    /// Makes a change.
    ///
    /// # Errors
    ///
    /// If a file is not there.
    pub(crate) fn apply(&self, record: Record) -> Result<(), StorageError> {
        let contents = &mut *self.0.borrow_mut();
        match record {
            Record::Append(name, bytes) => contents.change(name, Change::Append(bytes)),
            Record::Write(name, bytes) => contents.change(name, Change::Replace(bytes)),
            Record::Rename(from, to) => {
                contents.find(&from)?;
                contents.give_name(from, to);
            }
            Record::Remove(name) => {
                contents.find(&name)?;
                contents.note(|| DiskEvent::Removed { file: name.clone() });
                contents.rename(Naming::Remove(name));
            }
            Record::Synced(inode, up_to) => {
                contents.syncs += 1;
                contents.sync_file(inode, up_to);
            }
            Record::NamesSynced(up_to) => {
                contents.syncs += 1;
                contents.sync_names(up_to);
                contents.note(|| DiskEvent::NamesSynced);
            }
            Record::Power(seed) => contents.lose_power(Key::new(seed).with_name("power")),
            Record::Corrupt(seed) => contents.corrupt(&mut Key::new(seed).random()),
            Record::Failing(begins) => open_or_close(&mut contents.failing, begins),
            Record::Full(begins) => open_or_close(&mut contents.full, begins),
            Record::Refused(call, file, is_full) => {
                contents.harms += 1;
                contents.note(|| DiskEvent::Refused { call, file, is_full });
            }
        }
        Ok(())
    }
}

/// Takes out the oldest change, if it is not after this one.
fn pop_up_to<T>(changes: &mut VecDeque<(u64, T)>, up_to: u64) -> Option<T> {
    let is_in = changes.front().is_some_and(|(number, _)| *number <= up_to);
    if is_in { changes.pop_front().map(|(_, change)| change) } else { None }
}

/// Fails if faults have a call fail: those open have calls fail, and there is no room.
pub(super) fn admit(
    (is_failing, is_full): (bool, bool),
    adds: bool,
    chance: impl FnOnce() -> Key,
) -> Result<(), StorageError> {
    if adds && is_full {
        return Err(StorageError::Full);
    }
    if is_failing && chance().random().chance(0.5) {
        return Err(StorageError::Failed);
    }
    Ok(())
}

fn open_or_close(count: &mut u32, begins: bool) {
    *count = if begins { *count + 1 } else { count.saturating_sub(1) };
}

/// Overwrites a sector of what a file has, each byte with another one.
pub fn overwrite(sector: &mut [u8], random: &mut Random) {
    for byte in sector {
        *byte ^= 1 + random.below(255) as u8;
    }
}

fn missing(name: &str) -> StorageError {
    StorageError::Missing(name.to_owned())
}

impl Contents {
    fn note(&mut self, event: impl FnOnce() -> DiskEvent) {
        if let Some(seen) = &mut self.seen {
            seen.push(event());
        }
    }

    fn name_of(&self, inode: u64) -> Option<String> {
        self.names.iter().find(|(_, named)| **named == inode).map(|(name, _)| name.clone())
    }

    fn find(&self, name: &str) -> Result<u64, StorageError> {
        self.names.get(name).copied().ok_or_else(|| missing(name))
    }

    fn give_name(&mut self, from: String, to: String) {
        self.note(|| DiskEvent::Renamed { from: from.clone(), to: to.clone() });
        self.rename(Naming::Rename(from, to));
    }

    fn rename(&mut self, naming: Naming) {
        self.changes += 1;
        naming.apply(&mut self.names);
        self.renamings.push_back((self.changes, naming));
    }

    fn change(&mut self, name: String, change: Change) {
        self.note(|| {
            let (file, bytes) = (name.clone(), change.bytes().len() as u64);
            match change {
                Change::Append(_) => DiskEvent::Appended { file, bytes },
                Change::Replace(_) | Change::Patch { .. } => DiskEvent::Wrote { file, bytes },
            }
        });
        let inode = match self.names.get(&name) {
            Some(inode) => *inode,
            None => self.create(name),
        };
        self.changes += 1;
        let file = self.files.entry(inode).or_default();
        change.apply(&mut file.now);
        file.since.push_back((self.changes, change));
    }

    fn create(&mut self, name: String) -> u64 {
        self.inodes += 1;
        let inode = self.inodes;
        self.rename(Naming::Create(name, inode));
        self.files.entry(inode).or_default();
        inode
    }

    /// With a file's contents its name is safe that it was made under, and all that was done to
    /// names before.
    fn sync_file(&mut self, inode: u64, up_to: u64) {
        // It may be gone by now: replaced by another one.
        let Some(file) = self.files.get_mut(&inode) else { return };
        let mut bytes = 0;
        while let Some(change) = pop_up_to(&mut file.since, up_to) {
            bytes += change.bytes().len() as u64;
            change.apply(&mut file.synced);
        }
        if self.seen.is_some() {
            let file = self.name_of(inode);
            self.note(|| DiskEvent::Synced { file, bytes });
        }
        let made = self.renamings.iter().find_map(|(number, naming)| match naming {
            Naming::Create(_, made) if *made == inode => Some(*number),
            _ => None,
        });
        if let Some(made) = made {
            self.sync_names(made);
        }
    }

    fn sync_names(&mut self, up_to: u64) {
        while let Some(naming) = pop_up_to(&mut self.renamings, up_to) {
            naming.apply(&mut self.names_synced);
        }
    }

    /// Overwrites a sector of a file that has been synced, in what is read as well.
    fn corrupt(&mut self, random: &mut Random) {
        let stored = |inode: &&u64| self.files.get(*inode).is_some_and(|f| !f.synced.is_empty());
        let inodes: Vec<u64> = self.names.values().filter(stored).copied().collect();
        if inodes.is_empty() {
            return;
        }
        let inode = inodes[random.index(inodes.len())];
        let file = self.files.get_mut(&inode).expect("it was found");
        let begin = random.index(file.synced.len().div_ceil(SECTOR)) * SECTOR;
        let end = (begin + SECTOR).min(file.synced.len());
        overwrite(&mut file.synced[begin..end], random);
        self.harms += 1;
        let both = end.min(file.now.len());
        if begin < both {
            file.now[begin..both].copy_from_slice(&file.synced[begin..both]);
        }
        if let (true, Some(file)) = (self.seen.is_some(), self.name_of(inode)) {
            let (from, bytes) = (begin as u64, (end - begin) as u64);
            self.note(|| DiskEvent::Corrupted { file, from, bytes });
        }
    }

    fn lose_power(&mut self, key: Key) {
        let before = self.seen.is_some().then(|| {
            let texts = |file: &File| (file.now.clone(), file.synced.clone());
            let state = |file: &File| {
                let is_safe = file.since.is_empty();
                (file.now.len() as u64, (!is_safe).then(|| texts(file)))
            };
            let files = self.files.iter().map(|(inode, file)| (*inode, state(file)));
            Before::new(self.names.clone(), files)
        });
        let mut random = key.random();
        let kept = random.index(self.renamings.len() + 1);
        for (_, naming) in self.renamings.drain(..).take(kept) {
            naming.apply(&mut self.names_synced);
        }
        self.names.clone_from(&self.names_synced);
        self.files.retain(|inode, _| self.names_synced.values().any(|named| named == inode));
        for (inode, file) in &mut self.files {
            file.lose_power(&mut key.with(*inode).random());
        }
        // Of a file whose name was kept nothing else may have been.
        for inode in self.names.values() {
            self.files.entry(*inode).or_default();
        }
        if let Some(before) = before {
            let bytes = |inode| self.files.get(&inode).map_or(&[][..], |file| &file.now);
            let losses = before.losses(&self.names, bytes);
            self.note(|| DiskEvent::PowerLost(losses));
        }
    }
}

impl File {
    fn lose_power(&mut self, random: &mut Random) {
        if self.since.is_empty() {
            return;
        }
        let was_replaced =
            self.since.iter().any(|(_, change)| matches!(change, Change::Replace(_)));
        self.since.clear();
        match random.index(4) {
            0 => {}
            1 => self.synced.clone_from(&self.now),
            // The old contents were given up, and the new ones had not come yet.
            2 if was_replaced => self.synced.clear(),
            _ => self.tear(random),
        }
        self.now.clone_from(&self.synced);
    }

    /// Some sectors are new, some as they were, and some that were never written are zeros.
    fn tear(&mut self, random: &mut Random) {
        let (before, after) = (self.synced.len(), self.now.len());
        let shorter = before.min(after);
        // The end of the file lies between the two lengths, at one of them or between two sectors.
        let sectors = (before.max(after) - shorter).div_ceil(SECTOR);
        let length = match random.index(sectors + 1) {
            0 => shorter,
            more if more == sectors => before.max(after),
            more => ((shorter / SECTOR + more) * SECTOR).min(before.max(after)),
        };
        self.synced.resize(length, 0);
        for (old, new) in self.synced.chunks_mut(SECTOR).zip(self.now.chunks(SECTOR)) {
            let common = old.len().min(new.len());
            if old[..common] != new[..common] && random.chance(0.5) {
                old[..common].copy_from_slice(&new[..common]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::storage::Fate;

    fn append(disk: &Disk, name: &str, bytes: &[u8]) {
        disk.apply(Record::Append(name.into(), bytes.into())).expect("it fits");
    }

    fn sync(disk: &Disk, name: Option<&str>) {
        let sync = disk.sync(name).expect("it is there");
        disk.apply(sync.record()).expect("it fits");
    }

    /// All that can become of a disk, by its files' contents.
    fn outcomes(make: impl Fn(&Disk)) -> BTreeSet<Vec<(String, Vec<u8>)>> {
        let outcome = |seed| {
            let disk = Disk::new();
            make(&disk);
            disk.lose_power(seed);
            let after = |name: String| (name.clone(), disk.read(&name).expect("it has contents"));
            let first: Vec<_> = disk.names().into_iter().map(after).collect();
            // What is left is safe.
            disk.lose_power(seed + 1);
            let again: Vec<_> = disk.names().into_iter().map(after).collect();
            assert_eq!(first, again);
            first
        };
        (0..300).map(outcome).collect()
    }

    fn one(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        vec![(name.to_owned(), bytes.to_vec())]
    }

    #[test]
    fn what_was_synced_is_kept_and_only_that_for_sure() {
        let synced = outcomes(|disk| {
            append(disk, "log", b"one");
            sync(disk, Some("log"));
        });
        assert_eq!(synced, [one("log", b"one")].into());
        let unsynced = outcomes(|disk| append(disk, "log", b"one"));
        let expected = [vec![], one("log", b""), one("log", b"one"), one("log", &[0; 3])];
        assert_eq!(unsynced, expected.into());
        let later = outcomes(|disk| {
            append(disk, "log", b"one");
            sync(disk, Some("log"));
            append(disk, "log", b"two");
        });
        // The sector holds both; it is new or old, or was made longer and not written.
        let expected = [one("log", b"one"), one("log", b"onetwo"), one("log", b"one\0\0\0")];
        assert_eq!(later, expected.into());
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_began() {
        let disk = Disk::new();
        append(&disk, "log", b"one");
        let begun = disk.sync(Some("log")).expect("it is there");
        append(&disk, "log", b"two");
        disk.apply(begun.record()).expect("it fits");
        let contents = disk.0.borrow();
        let file = contents.files.values().next().expect("a file");
        assert_eq!((file.synced.as_slice(), file.since.len()), (&b"one"[..], 1));
    }

    #[test]
    fn large_changes_tear_by_sectors() {
        let (old, new) = (vec![1; 4 * SECTOR], vec![2; 4 * SECTOR]);
        let torn = outcomes(|disk| {
            append(disk, "state", &old);
            sync(disk, Some("state"));
            disk.apply(Record::Write("state".into(), new.clone())).expect("it fits");
        });
        let mut mixed = 0;
        for files in &torn {
            let [(_, bytes)] = files.as_slice() else { panic!("{files:?}") };
            assert!(bytes.is_empty() || bytes.len() == old.len());
            assert!(bytes.chunks(SECTOR).all(|sector| {
                sector.iter().all(|byte| *byte == 1) || sector.iter().all(|byte| *byte == 2)
            }));
            mixed += usize::from(bytes.contains(&1) && bytes.contains(&2));
        }
        assert!(mixed >= 10, "{mixed}");
        assert!(torn.contains(&one("state", b"")) && torn.contains(&one("state", &new)));
    }

    /// A new state under another name, and then under the one that counts.
    #[test]
    fn renaming_is_safe_only_after_both_syncs() {
        let base = |disk: &Disk| {
            append(disk, "state", b"old");
            sync(disk, Some("state"));
            append(disk, "new", b"new");
        };
        let rename = |disk: &Disk| {
            disk.apply(Record::Rename("new".into(), "state".into())).expect("it is there");
        };
        let safe = outcomes(|disk| {
            base(disk);
            sync(disk, Some("new"));
            rename(disk);
            sync(disk, None);
        });
        assert_eq!(safe, [one("state", b"new")].into());
        // Without the folder's sync it is the old or the new one, whole either way.
        let either = outcomes(|disk| {
            base(disk);
            sync(disk, Some("new"));
            rename(disk);
        });
        let states: BTreeSet<Vec<u8>> = either
            .iter()
            .map(|files| files.iter().find(|(name, _)| name == "state").expect("one").1.clone())
            .collect();
        assert_eq!(states, [b"old".to_vec(), b"new".to_vec()].into());
        // Without the file's sync the name may lead to nothing.
        let torn = outcomes(|disk| {
            base(disk);
            rename(disk);
            sync(disk, None);
        });
        assert!(torn.contains(&one("state", b"")), "{torn:?}");
    }

    #[test]
    fn a_corrupted_sector_is_read_and_stays() {
        for seed in 0..50 {
            let disk = Disk::new();
            disk.disturb(Record::Corrupt(seed));
            assert!(disk.names().is_empty());
            append(&disk, "log", &[7; 3 * SECTOR + 5]);
            disk.disturb(Record::Corrupt(seed));
            assert_eq!(disk.read("log"), Some(vec![7; 3 * SECTOR + 5]), "nothing is stored yet");
            sync(&disk, Some("log"));
            disk.disturb(Record::Corrupt(seed));
            let bytes = disk.read("log").expect("it is there");
            let bad: Vec<bool> =
                bytes.chunks(SECTOR).map(|sector| sector.iter().any(|byte| *byte != 7)).collect();
            assert_eq!(bad.iter().filter(|bad| **bad).count(), 1, "{bad:?}");
            assert!(
                bytes
                    .chunks(SECTOR)
                    .zip(&bad)
                    .all(|(sector, bad)| { sector.iter().all(|byte| (*byte != 7) == *bad) })
            );
            disk.lose_power(seed);
            assert_eq!(disk.read("log"), Some(bytes));
        }
    }

    /// Whoever watches is told what became of what, and a disk that is made again sees the same.
    #[test]
    fn what_happens_is_seen() {
        let (disk, again) = (Disk::new(), Disk::new());
        disk.watch();
        again.watch();
        assert_eq!(Disk::new().take_events(), []);
        let change = |record: Record| {
            disk.apply(record.clone()).expect("it fits");
            again.repeat(record);
        };
        let append = |file: &str, bytes: &[u8]| change(Record::Append(file.into(), bytes.into()));
        append("log", b"one");
        change(disk.sync(Some("log")).expect("it is there").record());
        append("log", &[2; 2 * SECTOR]);
        append("new", b"abc");
        change(Record::Rename("new".into(), "state".into()));
        change(Record::Refused("write".into(), Some("log".into()), true));
        change(disk.sync(None).expect("names").record());
        append("late", b"x");
        let (file, seen) = ("log".to_owned(), disk.take_events());
        assert_eq!(seen.len(), 8, "{seen:?}");
        assert_eq!(seen[1], DiskEvent::Synced { file: Some(file.clone()), bytes: 3 });
        assert_eq!(seen[6], DiskEvent::NamesSynced);
        assert_eq!(again.take_events(), seen);
        // Over many losses each of a file's fates is met, and told as it is.
        let mut fates = BTreeSet::new();
        for seed in 0..60 {
            let disk = Disk::new();
            disk.watch();
            disk.repeat(Record::Append("log".into(), b"one".into()));
            disk.repeat(disk.sync(Some("log")).expect("it is there").record());
            disk.repeat(Record::Write("log".into(), vec![2; 3 * SECTOR]));
            disk.repeat(Record::Append("fresh".into(), b"x".into()));
            disk.take_events();
            disk.lose_power(seed);
            let events = disk.take_events();
            let [DiskEvent::PowerLost(losses)] = events.as_slice() else { panic!("{events:?}") };
            let log = losses.iter().find(|loss| loss.file == "log").expect("it was not safe");
            let bytes = disk.read("log").expect("its name was safe");
            let expected = match bytes.as_slice() {
                b"one" => Fate::Lost,
                [] => Fate::Emptied,
                bytes if bytes == vec![2; 3 * SECTOR] => Fate::Kept,
                _ => Fate::Torn,
            };
            assert_eq!((log.fate, log.was), (expected, 3 * SECTOR as u64));
            assert_eq!(log.is, bytes.len() as u64);
            fates.insert(format!("log {:?}", log.fate));
            let fresh = losses.iter().find(|loss| loss.file == "fresh").expect("it was not safe");
            assert_eq!(fresh.fate == Fate::Gone, disk.read("fresh").is_none());
            fates.insert(format!("fresh {:?}", fresh.fate));
        }
        for fate in ["log Lost", "log Emptied", "log Kept", "log Torn", "fresh Gone", "fresh Kept"]
        {
            assert!(fates.contains(fate), "{fate}: {fates:?}");
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_renamed_removed_or_synced() {
        let disk = Disk::new();
        let error = Err(StorageError::Missing("a".into()));
        assert_eq!(disk.apply(Record::Rename("a".into(), "b".into())), error);
        assert_eq!(disk.apply(Record::Remove("a".into())), error);
        assert_eq!(disk.sync(Some("a")).map(|_| ()), error);
        append(&disk, "a", b"1");
        disk.apply(Record::Remove("a".into())).expect("it is there");
        assert_eq!(disk.read("a"), None);
        // What was synced under that name comes back if nobody synced the names.
        let back = outcomes(|disk| {
            append(disk, "a", b"1");
            sync(disk, Some("a"));
            disk.apply(Record::Remove("a".into())).expect("it is there");
        });
        assert_eq!(back, [vec![], one("a", b"1")].into());
    }
}
