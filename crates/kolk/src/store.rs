//! Run folders: `store/<workload>/<time>/` and the links that lead there.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use kolk_history::node_events;
use rustix::fs::FlockOperation;

use crate::whole::create_fresh;

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    store: PathBuf,
    workload: String,
    path: PathBuf,
    /// Held locked for as long as the run goes on, by whoever carries it out: whoever shows the run
    /// can tell one that goes on from one that was killed. The system lets go of it in any case.
    _lock: Option<File>,
    /// Why `store/current` could not be made: no reason to give up a run.
    current: Option<anyhow::Error>,
}

impl RunFolder {
    /// Makes a fresh folder, with an empty `node-logs` in it, and points `store/current` at it if
    /// it can.
    pub fn create(store: &Path, workload: &str) -> Result<RunFolder> {
        let parent = store.join(workload);
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        let path = fresh(&parent)?;
        let logs = path.join("node-logs");
        fs::create_dir(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let _lock = locked(&path);
        let (store, workload) = (store.to_owned(), workload.to_owned());
        let mut folder = RunFolder { store, workload, path, _lock, current: None };
        folder.current = folder.link(&folder.store.join("current")).err();
        Ok(folder)
    }

    /// Points `store/latest` and `store/<workload>/latest` at the folder: its results are there.
    /// Gives back which links, `store/current` among them, could not be made, and why.
    pub fn publish(&mut self) -> Vec<anyhow::Error> {
        let latest = [self.store.join("latest"), self.store.join(&self.workload).join("latest")];
        let failed = latest.iter().filter_map(|link| self.link(link).err()).collect::<Vec<_>>();
        self.current.take().into_iter().chain(failed).collect()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where nodes write what they want to find again when they have been killed.
    pub fn data(&self) -> PathBuf {
        self.path.join("node-data")
    }

    /// Where the nodes' logs go.
    pub fn logs(&self) -> PathBuf {
        self.path.join("node-logs")
    }

    /// Writes a whole file.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        create_fresh(&path)
            .and_then(|mut file| file.write_all(content))
            // Nothing is better than a part of it.
            .inspect_err(|_| drop(fs::remove_file(&path)))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Opens a file that is streamed to.
    pub fn stream(&self, name: &str) -> Result<BufWriter<File>> {
        let path = self.path.join(name);
        let file =
            create_fresh(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(BufWriter::with_capacity(1 << 18, file))
    }

    /// Writes a file through a function that streams.
    pub fn write_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut file = self.stream(name)?;
        write(&mut file)
            .and_then(|()| file.flush())
            .with_context(|| format!("cannot write {}", self.path.join(name).display()))
    }

    /// Files that were streamed to until something could not be written: what follows their last
    /// whole line is cut off.
    pub fn keep_whole_lines(&self, files: [BufWriter<File>; 2]) {
        for file in files {
            let (file, _) = file.into_parts();
            // There may be no more to it: the disk may be gone.
            let _ = end_with_a_line(&file);
        }
    }

    /// Replaces a link by one to the folder, at once: whoever follows it finds the old folder or
    /// the new one, never nothing. The link is relative, so that the store can be moved.
    fn link(&self, link: &Path) -> Result<()> {
        let parent = link.parent().unwrap_or(Path::new("."));
        let target = self.path.strip_prefix(parent).unwrap_or(&self.path);
        let name = link.file_name().unwrap_or_default().to_string_lossy();
        let time = self.path.file_name().unwrap_or_default().to_string_lossy();
        let fresh = parent.join(format!(".{name}.{time}.{}", std::process::id()));
        std::os::unix::fs::symlink(target, &fresh)
            .and_then(|()| fs::rename(&fresh, link))
            .inspect_err(|_| drop(fs::remove_file(&fresh)))
            .with_context(|| format!("cannot make the link {}", link.display()))
    }
}

/// What stays of a run of which not everything is kept: what decided it, what came of it, and what
/// its nodes wrote to stderr. From that it can be run again.
const KEPT: [&str; 5] = ["plan.json", "results.json", "results.edn", "jepsen.log", "node-logs"];

/// Removes from a run folder what grows with the run: its messages, its operations, its page.
///
/// # Errors
///
/// If something cannot be removed.
pub fn trim(folder: &Path) -> Result<()> {
    // It is for the page, and grows with what the nodes do.
    match fs::remove_file(folder.join("node-logs").join(node_events::FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context("cannot remove the nodes' events");
        }
        _ => {}
    }
    for entry in fs::read_dir(folder).context("cannot read the run folder")? {
        let entry = entry.context("cannot read the run folder")?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            || KEPT.iter().any(|kept| entry.file_name() == *kept)
        {
            continue;
        }
        let path = entry.path();
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// How many bytes the files of a folder have. Links are not followed.
pub fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(io::Result::ok);
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// How a run folder is named: by the time at which the run began.
const NAME: &str = "%Y%m%dT%H%M%S%.3f";

/// A run in a store.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// Its workload.
    pub workload: String,
    /// Its folder.
    pub path: PathBuf,
    /// How long ago it began.
    pub age: Duration,
}

/// The runs of a store, by workload, the newest of each first. What is not named as a run folder
/// is named, or is a link, is none.
///
/// # Errors
///
/// If the store cannot be read.
pub fn runs(store: &Path) -> io::Result<Vec<StoredRun>> {
    let now = Zoned::now();
    let mut runs = Vec::new();
    for workload in folders(store)? {
        for name in folders(&store.join(&workload))? {
            let Ok(began) = DateTime::strptime(NAME, &name) else { continue };
            let Ok(began) = began.to_zoned(TimeZone::system()) else { continue };
            let age = now.duration_since(&began);
            let path = store.join(&workload).join(&name);
            runs.push((workload.clone(), Reverse(name), path, age));
        }
    }
    runs.sort();
    let run = |(workload, _, path, age): (_, _, _, SignedDuration)| {
        let age = Duration::try_from(age).unwrap_or_default();
        StoredRun { workload, path, age }
    };
    Ok(runs.into_iter().map(run).collect())
}

/// The names of the folders in a folder; links are none.
fn folders(parent: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Cuts off what follows the last line end of a file.
fn end_with_a_line(file: &File) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let mut piece = vec![0; 1 << 16];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let from = end.saturating_sub(piece.len() as u64);
        let piece = &mut piece[..(end - from) as usize];
        file.read_exact_at(piece, from)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return file.set_len(from + at as u64 + 1);
        }
        end = from;
    }
    file.set_len(0)
}

/// True while somebody carries out the run whose folder this is.
pub fn goes_on(folder: &Path) -> bool {
    let Ok(seen) = File::open(folder) else { return false };
    rustix::fs::flock(&seen, FlockOperation::NonBlockingLockShared).is_err()
}

/// The folder, locked. Not every file system can; then the run is not shown as one that goes on.
fn locked(path: &Path) -> Option<File> {
    let folder = File::open(path).ok()?;
    rustix::fs::flock(&folder, FlockOperation::LockExclusive).ok()?;
    Some(folder)
}

/// Makes a folder named by the present time, to the millisecond. Two runs that begin together get
/// folders of their own.
fn fresh(parent: &Path) -> Result<PathBuf> {
    loop {
        let path = parent.join(Zoned::now().strftime(NAME).to_string());
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let path = path.display().to_string();
                return Err(error).with_context(|| format!("cannot make the folder {path}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_locked_while_it_is_filled() {
        let store = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(store.path(), "echo").unwrap();
        let path = folder.path().to_owned();
        let is_free = || {
            let seen = File::open(&path).unwrap();
            rustix::fs::flock(&seen, FlockOperation::NonBlockingLockShared).is_ok()
        };
        assert!(!is_free());
        drop(folder);
        assert!(is_free());
    }

    #[test]
    fn links_lead_to_the_folder() {
        let store = tempfile::tempdir().unwrap();
        let mut first = RunFolder::create(store.path(), "echo").unwrap();
        assert!(first.publish().is_empty());
        let mut second = RunFolder::create(store.path(), "echo").unwrap();
        assert_ne!(first.path(), second.path());
        second.write("plan.json", b"{}").unwrap();
        let at = |link: &str| fs::canonicalize(store.path().join(link)).unwrap();
        let real = |folder: &RunFolder| fs::canonicalize(folder.path()).unwrap();
        assert_eq!(at("current"), real(&second));
        assert_eq!(at("latest"), real(&first));
        assert!(second.publish().is_empty());
        assert_eq!((at("latest"), at("echo/latest")), (real(&second), real(&second)));
        assert!(fs::read_link(store.path().join("latest")).unwrap().is_relative());
        let names: Vec<_> = fs::read_dir(store.path().join("echo")).unwrap().collect();
        assert_eq!(names.len(), 3, "nothing but two folders and a link: {names:?}");
    }
}
