//! The files of a stored run, read as what they are: input that somebody else may have made.
//!
//! Links in a run folder are not followed, pipes are not waited for, and nothing is read whole that
//! has no bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use kolk_serve::Store;

/// The longest plan or results that are read, in bytes.
const TEXT_BYTES_MAX: u64 = 1 << 28;

/// Opens a file of a run folder by its name there, such as `journal.jsonl` or `node-logs/n0.log`.
///
/// # Errors
///
/// If it is not there, is a link or no file, or cannot be opened.
pub fn open(folder: &Path, name: &str) -> io::Result<File> {
    // An empty path is the current folder.
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let opened = Store::new(place).open()?.file(name);
    opened.map(|(file, _)| file).map_err(|error| match fs::symlink_metadata(place.join(name)) {
        Ok(metadata) if metadata.is_symlink() => {
            io::Error::other("it is a link, and links in a run folder are not followed")
        }
        Ok(metadata) if !metadata.is_file() => io::Error::other("it is no regular file"),
        _ => error,
    })
}

/// Reads a text of a run folder.
///
/// # Errors
///
/// As [`open`], and if it is no UTF-8 or longer than a quarter of a gigabyte.
pub fn text(folder: &Path, name: &str) -> io::Result<String> {
    bounded(open(folder, name)?)
}

/// Reads a text that somebody named, wherever it lies.
///
/// # Errors
///
/// If it is no regular file, no UTF-8, or longer than a quarter of a gigabyte.
pub fn named_text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    bounded(File::open(path)?)
}

fn bounded(file: File) -> io::Result<String> {
    let mut text = String::new();
    if file.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)? as u64 > TEXT_BYTES_MAX {
        return Err(io::Error::other("it is longer than 256 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_the_folders_own_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("secret"), "s").unwrap();
        fs::create_dir_all(at("run/node-logs")).unwrap();
        fs::write(at("run/plan.json"), "{}").unwrap();
        symlink(at("secret"), at("run/results.json")).unwrap();
        symlink(at(""), at("run/up")).unwrap();
        fs::write(at("run/node-logs/n0.log"), "hi").unwrap();
        let run = at("run");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            run.join("journal.jsonl"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for (name, expected) in [
            ("plan.json", "{}"),
            ("node-logs/n0.log", "hi"),
            ("results.json", "it is a link, and links in a run folder are not followed"),
            ("journal.jsonl", "it is no regular file"),
            ("node-logs", "it is no regular file"),
            ("missing", "No such file or directory (os error 2)"),
        ] {
            let found = text(&run, name).unwrap_or_else(|error| error.to_string());
            assert_eq!(found, expected, "{name}");
        }
        assert!(text(&run, "up/secret").is_err());
        assert!(text(&run, "../secret").is_err());
        assert!(named_text(&run.join("journal.jsonl")).is_err());
        assert_eq!(named_text(&run.join("results.json")).unwrap(), "s");
    }
}
