//! What a node wants to find again when it has been killed: a small disk of its own.
//!
//! On the real clock it is the folder that the environment names (`KOLK_DATA_DIR`, or else
//! `MAELSTROM_DATA_DIR`), and a sync is an `fsync`. On the virtual clock it is simulated: each call
//! takes a little time, a kill loses nothing that was written, and a loss of power what was not
//! synced (see [`Disk`]).
//!
//! ```
//! use kolk_node::{Context, RpcError};
//!
//! /// Adds a line to a log that nothing can take away again.
//! async fn record(cx: &Context, line: &str) -> Result<(), RpcError> {
//!     cx.storage().append("log", format!("{line}\n").as_bytes()).await?;
//!     cx.storage().sync("log").await?;
//!     Ok(())
//! }
//! ```

mod disk;
mod events;

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use kolk_protocol::{ErrorCode, Key, RpcError};

use crate::context::Context;
use crate::state::NodeState;
use crate::timer::Sleep;
pub use disk::{Disk, Record, SECTOR, Sync, overwrite, refused_sync};
pub use events::{DiskEvent, Fate, Loss};

/// In a node's folder, what a simulated disk is made from again: a [`Record`] on each line, as
/// JSON.
pub const JOURNAL: &str = ".disk.jsonl";

/// In a node's folder, the faults of its disk, as they came: a [`Record`] on each line, as JSON.
pub const FAULTS: &str = ".disk-faults.jsonl";

/// In a node's folder, the calls that a fault had fail where files are what they are: a [`Record`]
/// on each line, as JSON.
pub const REFUSED: &str = ".disk-refused.jsonl";

/// How long a call takes on the virtual clock, at least and at most, in nanoseconds.
const CALL: (u64, u64) = (20_000, 100_000);
/// How long a sync takes on the virtual clock, at least and at most, in nanoseconds.
pub const SYNC: (u64, u64) = (500_000, 5_000_000);

/// Why something could not be stored or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The name of a file is none.
    #[error(
        "`{0}` is no name for a file: it is 1 to 100 letters, digits, `-`, `_` and `.`, and does \
         not begin with `.`"
    )]
    Name(String),
    /// There is no such file.
    #[error("there is no file `{0}`")]
    Missing(String),
    /// There is no folder to store anything in.
    #[error("there is no folder to store anything in: KOLK_DATA_DIR names none")]
    NoFolder,
    /// The system failed.
    #[error("{0}")]
    System(String),
    /// The disk failed, which a fault made it do: nothing was changed.
    #[error("the disk failed")]
    Failed,
    /// There is no room. If a fault took it away nothing was changed.
    #[error("the disk is full")]
    Full,
}

/// Error 13, which says nothing about whether the request was performed.
impl From<StorageError> for RpcError {
    fn from(error: StorageError) -> RpcError {
        RpcError::new(ErrorCode::CRASH, error.to_string())
    }
}

/// What files are kept in.
pub(crate) enum Medium {
    /// Nothing: nobody gave the node a disk.
    None,
    /// A simulated disk. If it has a journal, each change is written to it.
    Simulated {
        disk: Disk,
        journal: Option<Box<dyn FnMut(&Record) -> Result<(), StorageError>>>,
        /// Gives the faults that came since it was last called, where the disk is not told.
        faults: Option<Box<dyn FnMut() -> Vec<Record>>>,
        /// What the times are drawn from that calls take, and how many there have been.
        key: Key,
        calls: u64,
    },
    /// Files themselves.
    #[cfg(feature = "stdio")]
    Folder(crate::stdio::Folder),
}

impl Medium {
    pub(crate) fn simulated(disk: Disk) -> Medium {
        Medium::Simulated { disk, journal: None, faults: None, key: Key::new(0), calls: 0 }
    }

    /// Sets what the times are drawn from that calls take: the node's entropy.
    pub(crate) fn seed(&mut self, seed: u64) {
        if let Medium::Simulated { key, .. } = self {
            *key = Key::new(seed).with_name("disk");
        }
    }
}

impl Medium {
    /// Learns of the faults that came since.
    fn look(&mut self) -> Result<(), StorageError> {
        let Medium::Simulated { faults: Some(faults), .. } = self else { return Ok(()) };
        faults().into_iter().try_for_each(|fault| self.apply(fault))
    }

    fn apply(&mut self, record: Record) -> Result<(), StorageError> {
        match self {
            Medium::None => Err(StorageError::NoFolder),
            Medium::Simulated { disk, journal, .. } => {
                disk.apply(record.clone())?;
                journal.as_mut().map_or(Ok(()), |journal| journal(&record))
            }
            #[cfg(feature = "stdio")]
            Medium::Folder(folder) => folder.apply(&record),
        }
    }

    /// Notes that a fault had a call fail.
    fn refused(&mut self, record: Option<Record>) {
        // The call has failed already, and is told so.
        let _ = record.map(|record| self.apply(record));
    }

    /// Fails if a fault has this call fail.
    fn admit(&mut self, grows: bool) -> Result<(), StorageError> {
        match self {
            Medium::None => Ok(()),
            Medium::Simulated { disk, key, calls, .. } => {
                disk.admit(grows, || key.with_name("failing").with(*calls))
            }
            #[cfg(feature = "stdio")]
            Medium::Folder(folder) => {
                let (is_failing, is_full, chance) = folder.trouble();
                disk::admit((is_failing, is_full), grows, || chance)
            }
        }
    }
}

fn change(medium: &mut Medium, record: Record) -> Result<(), StorageError> {
    medium.look()?;
    match medium {
        Medium::None => Err(StorageError::NoFolder),
        Medium::Simulated { .. } => medium.apply(record),
        #[cfg(feature = "stdio")]
        Medium::Folder(folder) => folder.apply(&record),
    }
}

fn check(name: &str) -> Result<(), StorageError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = (1..=100).contains(&name.len()) && !name.starts_with('.');
    if is_name && name.bytes().all(fits) { Ok(()) } else { Err(StorageError::Name(name.into())) }
}

/// A node's disk: see [`Context::storage`]. Files lie side by side, without folders.
///
/// A call takes effect when it is first polled, in the order of these polls, and is over when its
/// future is. Dropping a future does not take back what it did.
pub struct Storage<'a> {
    state: &'a Rc<NodeState>,
}

impl fmt::Debug for Storage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("node_id", &self.state.node_id).finish_non_exhaustive()
    }
}

impl Storage<'_> {
    /// Lets the time pass that a call takes.
    async fn take_time(&self, (least, most): (u64, u64)) {
        let nanos = match &mut *self.state.medium.borrow_mut() {
            Medium::Simulated { key, calls, .. } => {
                *calls += 1;
                least + key.with(*calls).random().below(most - least + 1)
            }
            _ => return,
        };
        let deadline = self.state.now.get() + Duration::from_nanos(nanos);
        Sleep::until(self.state, deadline).await;
    }

    async fn change(&self, names: &[&str], record: Record) -> Result<(), StorageError> {
        names.iter().try_for_each(|name| check(name))?;
        let grows = matches!(record, Record::Append(..) | Record::Write(..));
        let changed = {
            let medium = &mut *self.state.medium.borrow_mut();
            medium.look()?;
            match medium.admit(grows) {
                Ok(()) => change(medium, record),
                Err(error) => {
                    medium.refused(record.refused(error == StorageError::Full));
                    Err(error)
                }
            }
        };
        // What fails takes its time, too.
        self.take_time(CALL).await;
        changed
    }

    /// The contents of a file; `None` if there is none of that name.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        check(name)?;
        self.state.medium.borrow_mut().look()?;
        let bytes = match &mut *self.state.medium.borrow_mut() {
            Medium::None => Err(StorageError::NoFolder),
            Medium::Simulated { disk, .. } => Ok(disk.read(name)),
            #[cfg(feature = "stdio")]
            Medium::Folder(folder) => folder.read(name),
        }?;
        self.take_time(CALL).await;
        Ok(bytes)
    }

    /// The names of all files, in their order.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn names(&self) -> Result<Vec<String>, StorageError> {
        self.state.medium.borrow_mut().look()?;
        let names = match &mut *self.state.medium.borrow_mut() {
            Medium::None => Err(StorageError::NoFolder),
            Medium::Simulated { disk, .. } => Ok(disk.names()),
            #[cfg(feature = "stdio")]
            Medium::Folder(folder) => folder.names(),
        }?;
        self.take_time(CALL).await;
        Ok(names)
    }

    /// Adds bytes at the end of a file, which is made if it is not there. A kill does not take them
    /// away again; a loss of power may, until they are synced.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.change(&[name], Record::Append(name.into(), bytes.into())).await
    }

    /// Sets the whole contents of a file, which is made if it is not there. Until they are synced,
    /// a loss of power can leave the old ones, the new ones, none, or sectors of both: whoever must
    /// not lose the old ones writes another file, syncs it, renames it, and syncs the names.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.change(&[name], Record::Write(name.into(), bytes.into())).await
    }

    /// Gives a file another name, in place of the file that has it. Until the names are synced, a
    /// loss of power can take that back.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.change(&[from, to], Record::Rename(from.into(), to.into())).await
    }

    /// Removes a file. Until the names are synced, a loss of power can bring it back.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.change(&[name], Record::Remove(name.into())).await
    }

    /// Makes safe what was written to a file before, and the name that it was made under. What a
    /// sync that failed did not make safe another one may.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn sync(&self, name: &str) -> Result<(), StorageError> {
        check(name)?;
        self.sync_some(Some(name)).await
    }

    /// Makes safe what files are called: what was renamed and removed before.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn sync_names(&self) -> Result<(), StorageError> {
        self.sync_some(None).await
    }

    /// Where there are files: the sync that the driver will make.
    #[cfg(feature = "stdio")]
    fn want_sync(
        &self,
        name: Option<&str>,
        admitted: &Result<(), StorageError>,
    ) -> Result<Option<Rc<crate::stdio::WantedSync>>, StorageError> {
        let medium = self.state.medium.borrow();
        let Medium::Folder(folder) = &*medium else { return Ok(None) };
        if let Err(error) = admitted {
            folder.apply(&refused_sync(name))?;
            return Err(error.clone());
        }
        Ok(Some(folder.want_sync(name)))
    }

    async fn sync_some(&self, name: Option<&str>) -> Result<(), StorageError> {
        self.state.medium.borrow_mut().look()?;
        let admitted = self.state.medium.borrow_mut().admit(false);
        #[cfg(feature = "stdio")]
        if let Some(sync) = self.want_sync(name, &admitted)? {
            return sync.done().await;
        }
        let sync = match &*self.state.medium.borrow() {
            Medium::Simulated { disk, .. } => disk.sync(name)?,
            _ => return Err(StorageError::NoFolder),
        };
        // It is done when its time has passed, and not before; one that fails has made nothing
        // safe.
        self.take_time(SYNC).await;
        if admitted.is_err() {
            self.state.medium.borrow_mut().refused(Some(refused_sync(name)));
        }
        admitted?;
        change(&mut self.state.medium.borrow_mut(), sync.record())
    }
}

impl Context {
    /// This node's disk, which it finds again when it has been killed.
    pub fn storage(&self) -> Storage<'_> {
        Storage { state: &self.state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for name in ["log", "a.b-c_D9", &"x".repeat(100)] {
            assert_eq!(check(name), Ok(()));
        }
        for name in ["", ".", "..", ".disk.jsonl", "a/b", "a b", "ä", &"x".repeat(101)] {
            assert_eq!(check(name), Err(StorageError::Name(name.to_owned())));
        }
    }
}
