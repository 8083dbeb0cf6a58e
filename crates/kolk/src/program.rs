//! A program under test: found, readable, able to start; and if not, what to do about it.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use kolk_report::failure::{Failure, Trouble};
use sha2::{Digest, Sha256};

use crate::status::Stop;

/// A program that can be started, as far as one can tell before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it lies, from the root.
    pub path: PathBuf,
    /// Of the file, 64 hexadecimal digits.
    pub sha256: String,
}

/// Finds the program.
///
/// # Errors
///
/// If there is none, it is no file, may not be executed, or names an interpreter that is not
/// there.
pub fn find(given: &Path) -> Result<Program, Stop> {
    // Links are followed, as Maelstrom follows them: a program that looks for what lies beside it
    // finds it, and the plan names what is run.
    let found = fs::canonicalize(given).and_then(|path| Ok((fs::metadata(&path)?, path)));
    let (metadata, path) = match found {
        Ok(found) => found,
        Err(error) => {
            let path = std::path::absolute(given)
                .with_context(|| format!("`{}` is no path", given.display()))?;
            return Err(Stop::user(missing(given, &path, &error)));
        }
    };
    if !metadata.is_dir() && !metadata.is_file() {
        let failure =
            Failure::new(Trouble::Program, format!("`{}` is no regular file", given.display()))
                .advice("name the program itself");
        return Err(Stop::user(failure));
    }
    if metadata.is_dir() {
        let failure = Failure::new(
            Trouble::Program,
            format!("`{}` is a folder, not a program", given.display()),
        )
        .advice("name the program inside it");
        return Err(Stop::user(failure));
    }
    let is_executable = metadata.permissions().mode() & 0o111 != 0;
    let beginning = match beginning(&path) {
        Ok(beginning) => beginning,
        // A program may be executable and not readable; then nothing more can be said.
        Err(error) if is_executable => {
            let failure =
                Failure::new(Trouble::Program, format!("`{}` cannot be read", given.display()))
                    .cause(error.to_string())
                    .advice("kolk reads the program to note its SHA-256 in the plan");
            return Err(Stop::user(failure));
        }
        Err(_) => Vec::new(),
    };
    if !is_executable {
        return Err(Stop::user(not_executable(given, &beginning)));
    }
    if let Some(failure) = interpreter_problem(given, &beginning) {
        return Err(Stop::user(failure));
    }
    let sha256 = sha256(&path).with_context(|| format!("cannot read `{}`", given.display()))?;
    Ok(Program { path, sha256 })
}

/// The SHA-256 of a file as 64 hexadecimal digits.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn beginning(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(256).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn missing(given: &Path, path: &Path, error: &std::io::Error) -> Failure {
    let failure =
        Failure::new(Trouble::Program, format!("there is no program `{}`", given.display()));
    if error.kind() != std::io::ErrorKind::NotFound {
        return failure.cause(error.to_string());
    }
    let failure = if given.is_relative() {
        let folder = std::env::current_dir().unwrap_or_default();
        failure.advice(format!("the path is taken from the current folder, {}", folder.display()))
    } else {
        failure
    };
    match elsewhere(path) {
        Some(found) => {
            failure.advice(format!("there is `{}`; did you mean that?", found.display()))
        }
        None => failure.advice("if it is a compiled program, has it been built?"),
    }
}

/// Where a program of that name often lies.
fn elsewhere(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let folder = std::env::current_dir().ok()?;
    ["target/release", "target/debug", "bin", "build", "dist"]
        .iter()
        .map(|place| Path::new(place).join(name))
        .find(|candidate| folder.join(candidate).is_file())
}

fn not_executable(given: &Path, beginning: &[u8]) -> Failure {
    let failure =
        Failure::new(Trouble::Program, format!("`{}` may not be executed", given.display()))
            .advice(format!("make it executable: chmod +x {}", given.display()));
    if beginning.starts_with(b"#!") || beginning.starts_with(b"\x7fELF") {
        return failure;
    }
    let interpreter = match given.extension().and_then(|extension| extension.to_str()) {
        Some("py") => "python3",
        Some("js" | "mjs") => "node",
        Some("rb") => "ruby",
        Some("pl") => "perl",
        Some("sh") => "bash",
        _ => return failure,
    };
    failure.advice(format!(
        "and give it a first line that names its interpreter: #!/usr/bin/env {interpreter}"
    ))
}

/// What is wrong with a script's first line, which the operating system would only call "not
/// found".
fn interpreter_problem(given: &Path, beginning: &[u8]) -> Option<Failure> {
    let first_line = beginning.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(first_line).into_owned();
    let given = given.display();
    if line.ends_with('\r') {
        let failure = Failure::new(Trouble::Program, format!("`{given}` has Windows line endings"))
            .cause("its first line names an interpreter whose name ends in a carriage return")
            .advice(format!("convert it: sed -i 's/\\r$//' {given}"));
        return Some(failure);
    }
    let mut words = line.split_whitespace();
    let interpreter = Path::new(words.next()?);
    let absent = |name: &str| {
        Failure::new(Trouble::Program, format!("`{given}` needs `{name}`, which is not installed"))
            .cause(format!("its first line is `#!{}`", line.trim()))
            .advice(format!("install {name}, or name another interpreter in the first line"))
    };
    if !interpreter.exists() {
        return Some(absent(&interpreter.display().to_string()));
    }
    if interpreter.file_name().is_some_and(|name| name == "env") {
        let name = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        let path = std::env::var_os("PATH")?;
        if !std::env::split_paths(&path).any(|folder| folder.join(name).is_file()) {
            return Some(absent(name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the user sees for a file with this name, content and mode.
    fn problem(name: &str, content: &str, mode: u32) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        match find(&path) {
            Ok(_) => "fine".to_owned(),
            Err(stop) => {
                let place = folder.path().display().to_string();
                stop.failure.draw(kolk_report::Style::PLAIN).replace(&place, "DIR")
            }
        }
    }

    #[test]
    fn says_what_to_do() {
        for (name, content, mode, expected) in [
            ("ok.sh", "#!/bin/sh\n", 0o755, "fine"),
            ("env.sh", "#!/usr/bin/env -S sh -e\n", 0o755, "fine"),
            ("a.py", "print()", 0o644, "chmod +x DIR/a.py"),
            ("a.py", "print()", 0o644, "#!/usr/bin/env python3"),
            ("crlf.sh", "#!/bin/sh\r\n", 0o755, "Windows line endings"),
            ("gone", "#!/usr/bin/env no-such-interpreter\n", 0o755, "needs `no-such-interpreter`"),
            ("gone", "#!/no/such/interpreter\n", 0o755, "needs `/no/such/interpreter`"),
        ] {
            let problem = problem(name, content, mode);
            assert!(problem.contains(expected), "{name}: {problem}");
        }
    }

    #[test]
    fn folders_and_nothing_are_no_programs() {
        let folder = tempfile::tempdir().expect("a folder");
        let stop = find(folder.path()).expect_err("a folder");
        assert!(stop.failure.problem.contains("is a folder"), "{:?}", stop.failure);
        let stop = find(&folder.path().join("none")).expect_err("nothing");
        assert!(stop.failure.problem.contains("there is no program"), "{:?}", stop.failure);
    }

    #[test]
    fn links_are_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a folder");
        let (program, link) = (folder.join("node.sh"), folder.join("link"));
        fs::write(&program, "#!/bin/sh\n").expect("a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
        std::os::unix::fs::symlink("node.sh", &link).expect("a link");
        assert_eq!(find(&link).expect("a program").path, program);
    }

    /// The vector of FIPS 180-2 for `abc`.
    #[test]
    fn hashes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abc");
        fs::write(&path, "abc").expect("a file");
        assert_eq!(
            sha256(&path).expect("a hash"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
