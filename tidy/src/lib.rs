//! Reads the repository, so that tests can hold it to its rules: which packages there are and what
//! they depend on, which files a package consists of, and which of them mention which.
//!
//! Each test under `tests` is a rule and says why it is kept.

pub mod mentions;
pub mod packages;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's topmost folder.
///
/// # Panics
///
/// If this package is not where it was built.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// All files below `folder` whose names end with one of `endings`, in order. What is built, stored
/// or hidden is left out.
///
/// # Panics
///
/// If a folder cannot be read.
pub fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if matches!(name, "target" | "store" | "node_modules") || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
