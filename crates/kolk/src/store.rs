//! Run folders: `store/<workload>/<time>/` and the links that lead there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Zoned;
use rustix::fs::FlockOperation;

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    store: PathBuf,
    workload: String,
    path: PathBuf,
    /// Held locked for as long as the run goes on, by whoever carries it out: whoever shows the run
    /// can tell one that goes on from one that was killed. The system lets go of it in any case.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes a fresh folder, with an empty `node-logs` in it, and points `store/current` at it.
    pub fn create(store: &Path, workload: &str) -> Result<RunFolder> {
        let parent = store.join(workload);
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        let path = fresh(&parent)?;
        let logs = path.join("node-logs");
        fs::create_dir(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let _lock = locked(&path);
        let folder =
            RunFolder { store: store.to_owned(), workload: workload.to_owned(), path, _lock };
        folder.link(&store.join("current"))?;
        Ok(folder)
    }

    /// Points `store/latest` and `store/<workload>/latest` at the folder: its results are there.
    pub fn publish(&self) -> Result<()> {
        self.link(&self.store.join("latest"))?;
        self.link(&self.store.join(&self.workload).join("latest"))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the nodes' logs go.
    pub fn logs(&self) -> PathBuf {
        self.path.join("node-logs")
    }

    /// Writes a whole file.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Opens a file that is streamed to.
    pub fn stream(&self, name: &str) -> Result<BufWriter<File>> {
        let path = self.path.join(name);
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
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
        let path = parent.join(Zoned::now().strftime("%Y%m%dT%H%M%S%.3f").to_string());
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
        let first = RunFolder::create(store.path(), "echo").unwrap();
        first.publish().unwrap();
        let second = RunFolder::create(store.path(), "echo").unwrap();
        assert_ne!(first.path(), second.path());
        second.write("plan.json", b"{}").unwrap();
        let at = |link: &str| fs::canonicalize(store.path().join(link)).unwrap();
        let real = |folder: &RunFolder| fs::canonicalize(folder.path()).unwrap();
        assert_eq!(at("current"), real(&second));
        assert_eq!(at("latest"), real(&first));
        second.publish().unwrap();
        assert_eq!((at("latest"), at("echo/latest")), (real(&second), real(&second)));
        assert!(fs::read_link(store.path().join("latest")).unwrap().is_relative());
        let names: Vec<_> = fs::read_dir(store.path().join("echo")).unwrap().collect();
        assert_eq!(names.len(), 3, "nothing but two folders and a link: {names:?}");
    }
}
