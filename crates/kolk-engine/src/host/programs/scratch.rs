//! Where the programs of a run work.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::run::EngineError;

/// A folder that nobody wants to keep, removed at the end: each program's working folder is in it,
/// and logs that go nowhere else.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A folder that was not there before, which nobody else may look into.
    pub(crate) fn create(path: PathBuf) -> Result<Scratch, EngineError> {
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Scratch(path)),
            Err(source) => {
                let what = format!("cannot make the folder {}", path.display());
                Err(EngineError::System { what, source })
            }
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// An empty folder in it for one node.
    pub(crate) fn place(&self, node: usize) -> Result<PathBuf, EngineError> {
        let path = self.0.join(node.to_string());
        fs::create_dir(&path).map_err(|source| {
            let what = format!("cannot make the folder {}", path.display());
            EngineError::System { what, source }
        })?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
