//! The store's files, and no others.
//!
//! Folders are opened one inside the other, by plain names, and no link is followed: whatever is
//! asked for, nothing outside the store can be reached, nor through a link that a node makes while
//! one looks. The links `latest` and `current` are not opened either, but read.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat};

use crate::address::is_plain;

/// The folder in which runs are stored.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// A folder of the store, open.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The entry's name. One that [no URL can name](is_plain) is written as well as it can be.
    pub name: String,
    /// True if a request can name the entry.
    pub is_plain: bool,
    /// True for a folder, false for a file; there is nothing else.
    pub is_folder: bool,
}

/// A state of a file: as long as it is the same, so is the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The length of the file in bytes.
    pub bytes: u64,
    /// When the file was last written, in nanoseconds since 1970.
    pub modified: i64,
    /// The inode of the file: writing by renaming changes it.
    number: u64,
}

impl Stamp {
    fn of(stat: &Stat) -> Stamp {
        #[expect(clippy::unnecessary_cast, reason = "platforms differ in the fields' types")]
        Stamp {
            bytes: stat.st_size as u64,
            modified: (stat.st_mtime as i64)
                .wrapping_mul(1_000_000_000)
                .wrapping_add(stat.st_mtime_nsec as i64),
            number: stat.st_ino as u64,
        }
    }
}

/// How folders are opened: without following links, and not to be inherited by programs.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How files are opened: a pipe that nobody writes to is not waited for.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Store {
    /// The store at a path. It need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Store {
        Store { root: root.into() }
    }

    /// The path of the store.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Opens the store's folder. If its path is a link, the folder behind it is meant.
    pub fn open(&self) -> io::Result<Folder> {
        let flags = FOLDER.difference(OFlags::NOFOLLOW);
        Ok(Folder { handle: fs::open(&self.root, flags, Mode::empty())? })
    }

    /// Opens the folder of a run.
    pub fn run(&self, workload: &str, time: &str) -> io::Result<Folder> {
        self.open()?.folder(workload)?.folder(time)
    }
}

impl Folder {
    /// Opens a folder in it.
    pub fn folder(&self, name: &str) -> io::Result<Folder> {
        Ok(Folder { handle: fs::openat(&self.handle, plain(name)?, FOLDER, Mode::empty())? })
    }

    /// Opens a file in it, or in folders in it: `node-logs/n0.log`.
    pub fn file(&self, path: &str) -> io::Result<(File, Stamp)> {
        if let Some((folder, rest)) = path.split_once('/') {
            return self.folder(folder)?.file(rest);
        }
        let handle = fs::openat(&self.handle, plain(path)?, FILE, Mode::empty())?;
        let stat = fs::fstat(&handle)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok((File::from(handle), Stamp::of(&stat)))
    }

    /// The state of a file in it, if it is one.
    pub fn stamp(&self, name: &str) -> Option<Stamp> {
        let stat = fs::statat(&self.handle, plain(name).ok()?, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        is_file.then(|| Stamp::of(&stat))
    }

    /// Its files and folders, sorted by name. Links, and hidden entries, are passed over.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let flags = AtFlags::SYMLINK_NOFOLLOW;
                    fs::statat(&self.handle, entry.file_name(), flags)
                        .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
                }
                kind => kind,
            };
            let is_folder = match kind {
                FileType::Directory => true,
                FileType::RegularFile => false,
                _ => continue,
            };
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            let is_plain = name.to_str().is_ok_and(is_plain);
            entries.push(Entry { name: name.to_string_lossy().into_owned(), is_plain, is_folder });
        }
        entries.sort_unstable();
        Ok(entries)
    }

    /// Where a link in it leads, as names, if that is in the store: `echo`, `20261121T153500.000`.
    pub fn link(&self, name: &str) -> Option<Vec<String>> {
        let target = fs::readlinkat(&self.handle, plain(name).ok()?, Vec::new()).ok()?;
        let target = target.into_string().ok()?;
        target.split('/').map(|name| is_plain(name).then(|| name.to_owned())).collect()
    }

    /// Whether the program that fills it is alive: it holds the folder locked for as long.
    pub fn is_locked(&self) -> bool {
        let held = fs::flock(&self.handle, FlockOperation::NonBlockingLockShared);
        held == Err(rustix::io::Errno::WOULDBLOCK)
    }
}

/// The name, if it is plain. Nothing else ever comes to the system.
fn plain(name: &str) -> io::Result<&str> {
    if is_plain(name) { Ok(name) } else { Err(io::ErrorKind::NotFound.into()) }
}
