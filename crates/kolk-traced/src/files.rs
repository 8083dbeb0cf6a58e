//! What a program stores, for whoever has to know what of it is safe.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Which file: its device and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    /// The device's number.
    pub device: u64,
    /// The inode's number.
    pub inode: u64,
}

#[cfg(unix)]
impl From<&std::fs::Metadata> for FileId {
    fn from(metadata: &std::fs::Metadata) -> FileId {
        use std::os::unix::fs::MetadataExt;
        FileId { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A sync that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncBegun {
    /// What [`Files::synced`] is told when it has ended.
    pub number: u64,
    /// How long it takes, in virtual nanoseconds.
    pub nanos: u64,
}

/// Somebody who follows what a traced program stores: told at the calls that decide what survives a
/// loss of power, while every thread of the program stands still. What is written between two of
/// these calls is not told; it can be read from the files.
pub trait Files: fmt::Debug {
    /// A call has ended that may have made, linked, renamed or removed a file.
    fn names_changed(&mut self);

    /// A call has ended that may have made a file shorter, down to nothing.
    fn cut(&mut self);

    /// From now on what is written to this file is safe as soon as it is written: it was opened
    /// with `O_DSYNC` or `O_SYNC`.
    fn write_through(&mut self, file: FileId);

    /// A sync begins, of a file, of a folder, or of everything. Whoever makes it waits until it has
    /// ended. `None` if nothing of it is followed; then the kernel makes the call.
    fn sync(&mut self, of: Option<FileId>) -> Option<SyncBegun>;

    /// A sync has ended that had begun.
    fn synced(&mut self, number: u64);

    /// A call is about to change a file, or to sync it: the number of the error with which it is to
    /// fail, having changed nothing, if it is to.
    fn refuse(&mut self, file: FileId, call: Change) -> Option<i32>;
}

/// What a call does to a file that a disk may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It writes to it, or asks for room.
    Write,
    /// It sets its length.
    Resize,
    /// It syncs it.
    Sync,
}

/// Which calls a program that stores something stops at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Followed {
    /// Those that sync, and those that change names and lengths: [`Files::refuse`] is asked of
    /// syncs alone.
    #[default]
    Syncs,
    /// Those that write as well, which costs a stop for each.
    Writes,
}

/// What of a program is followed, and by whom.
pub type Follower = (Followed, Rc<RefCell<dyn Files>>);
