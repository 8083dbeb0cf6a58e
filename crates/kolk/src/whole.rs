//! Files that appear whole or not at all: whoever has the old one open keeps it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How much is written at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// A file while it is written, under another name. Unless it is [finished](Whole::finish), nothing
/// of it stays.
#[derive(Debug)]
pub struct Whole {
    path: PathBuf,
    /// The other name, until it has its own.
    fresh: Option<OsString>,
    out: BufWriter<File>,
}

impl Whole {
    /// Begins to write a file.
    ///
    /// # Errors
    ///
    /// If there can be no file.
    pub fn create(path: &Path) -> io::Result<Whole> {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&fresh)?);
        Ok(Whole { path: path.to_owned(), fresh: Some(fresh), out })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// If what was written cannot be stored, or not under that name.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        if let Some(fresh) = &self.fresh {
            fs::rename(fresh, &self.path)?;
        }
        self.fresh = None;
        Ok(())
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(fresh) = &self.fresh {
            let _ = fs::remove_file(fresh);
        }
    }
}
