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
        let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        if is_special {
            // `/dev/stdout`, or a pipe: it is written to and stays what it is.
            let out = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
            return Ok(Whole { path: path.to_owned(), fresh: None, out });
        }
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let out = BufWriter::with_capacity(BUFFER_BYTES, create_fresh(Path::new(&fresh))?);
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

/// Creates a file where there is none. What has its name goes first: a link that somebody planted
/// there is not followed.
///
/// # Errors
///
/// If there can be no such file.
pub fn create_fresh(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().read(true).write(true).create_new(true).open(path)
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
