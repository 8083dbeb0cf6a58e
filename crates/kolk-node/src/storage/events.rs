//! What happens to a simulated disk, for whoever watches it.

use std::collections::{BTreeMap, BTreeSet};

/// What happened to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskEvent {
    /// Bytes were added at the end of a file.
    Appended {
        /// Its name.
        file: String,
        /// How many.
        bytes: u64,
    },
    /// The whole contents of a file were set.
    Wrote {
        /// Its name.
        file: String,
        /// How many bytes they have.
        bytes: u64,
    },
    /// A file has another name.
    Renamed {
        /// The old one.
        from: String,
        /// The new one.
        to: String,
    },
    /// A file is gone.
    Removed {
        /// Its name.
        file: String,
    },
    /// What was written to a file is safe.
    Synced {
        /// Its name; `None` if it has none any more.
        file: Option<String>,
        /// How many bytes of changes were not safe before.
        bytes: u64,
    },
    /// What files are called is safe.
    NamesSynced,
    /// A fault had a call fail.
    Refused {
        /// `append`, `write`, `rename`, `remove`, `sync` or `sync-names`.
        call: String,
        /// Of which file, if of one.
        file: Option<String>,
        /// There was no room.
        is_full: bool,
    },
    /// A fault has overwritten a part of a file.
    Corrupted {
        /// Its name.
        file: String,
        /// From which byte on.
        from: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// The power was lost: what became of the files that were not safe, by their names.
    PowerLost(Vec<Loss>),
}

/// What became of a file when the power was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its name.
    pub file: String,
    /// What became of it.
    pub fate: Fate,
    /// How many bytes it had; 0 if there was none.
    pub was: u64,
    /// How many it has; 0 if there is none.
    pub is: u64,
}

/// What can become of a file that was not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All that was not synced is there.
    Kept,
    /// Nothing of it is.
    Lost,
    /// A part of it is.
    Torn,
    /// The file is empty.
    Emptied,
    /// No file has the name any more.
    Gone,
    /// A file that was removed or renamed has the name again.
    Back,
    /// The file that had the name before has it again.
    Earlier,
}

/// A disk before its power was lost.
pub(super) struct Before {
    names: BTreeMap<String, u64>,
    /// How long each file was, and of those that were not safe what was written and what was
    /// synced.
    files: BTreeMap<u64, (u64, Option<Texts>)>,
}

/// What was written to a file, and what of it was synced.
type Texts = (Vec<u8>, Vec<u8>);

impl Before {
    /// A disk with these names; files are by their inodes.
    pub(super) fn new(
        names: BTreeMap<String, u64>,
        files: impl Iterator<Item = (u64, (u64, Option<Texts>))>,
    ) -> Before {
        Before { names, files: files.collect() }
    }

    /// What became of it, if these are its names now, and `bytes` what a file has.
    pub(super) fn losses<'a>(
        self,
        names: &BTreeMap<String, u64>,
        bytes: impl Fn(u64) -> &'a [u8],
    ) -> Vec<Loss> {
        let all: BTreeSet<&String> = self.names.keys().chain(names.keys()).collect();
        let loss = |name: &String| {
            let (old, new) = (self.names.get(name).copied(), names.get(name).copied());
            let fate = match (old, new) {
                (Some(old), Some(new)) if old == new => {
                    let (_, texts) = self.files.get(&old)?;
                    let (written, synced) = texts.as_ref()?;
                    match bytes(new) {
                        bytes if bytes == written => Fate::Kept,
                        bytes if bytes == synced => Fate::Lost,
                        [] => Fate::Emptied,
                        _ => Fate::Torn,
                    }
                }
                (Some(_), Some(_)) => Fate::Earlier,
                (Some(_), None) => Fate::Gone,
                (None, _) => Fate::Back,
            };
            let was = old.and_then(|inode| self.files.get(&inode)).map_or(0, |(was, _)| *was);
            let is = new.map_or(0, |inode| bytes(inode).len() as u64);
            Some(Loss { file: name.clone(), fate, was, is })
        };
        all.into_iter().filter_map(loss).collect()
    }
}
