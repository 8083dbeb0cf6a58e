//! The commands in the documents: each of them can be typed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Every Markdown file that people read.
fn documents() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        ["nodes", "examples", "benches", "book", "crates"].map(|name| root().join(name)).to_vec();
    let mut found = vec![root().join("README.md")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !matches!(name, "target" | "node_modules" | "store" | "tests") {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lines of a document that are to be typed: those in blocks of code that begin with a command,
/// without prompts and comments, continued ones as one. Blocks of the console are typed by the test
/// `transcripts`.
fn commands(text: &str) -> Vec<String> {
    let (mut is_fenced, mut is_console, mut commands) = (false, false, Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            is_fenced = !is_fenced;
            is_console = is_fenced && language == "console";
            continue;
        }
        if is_console || !is_fenced && !line.starts_with("    ") {
            continue;
        }
        let mut command = line.trim().trim_start_matches("$ ").to_owned();
        while command.ends_with('\\') {
            command.pop();
            command.push_str(lines.next().unwrap_or_default().trim());
        }
        let command = command.split(" #").next().unwrap_or_default().trim();
        let first = command.split_whitespace().find(|word| !word.contains('='));
        if matches!(first, Some("kolk" | "cargo")) {
            commands.push(command.to_owned());
        }
    }
    commands
}

/// What `kolk` is told, so that it takes no time; `None` if the command cannot be carried out here.
fn shortened<'a>(words: &[&'a str]) -> Option<Vec<&'a str>> {
    let is_placeholder = |word: &&str| {
        word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            || word.contains(['…', '*'])
            || matches!(*word, "|" | ">" | "--bin")
            || word.starts_with("store/")
    };
    let (command, rest) = words.split_first()?;
    if matches!(*command, "serve" | "help" | "man" | "completions" | "check-node" | "learn")
        || rest.iter().any(is_placeholder)
        // A sweep over thousands of seeds, a part of which falls to each machine.
        || *command == "explore" && rest.contains(&"--seeds")
    {
        return None;
    }
    let short: &[&str] = match *command {
        // A cut must lie within the load.
        "test" if !rest.contains(&"--cut") => &["--time-limit", "0.2"],
        "challenge" if !rest.contains(&"--list") => &["--time-limit", "0.2", "--seeds", "1"],
        "verify" => &["--time-limit", "0.2", "--seeds", "1"],
        _ => &[],
    };
    let end = rest.iter().position(|word| *word == "--").unwrap_or(rest.len());
    let (before, after) = rest.split_at(end);
    // On the virtual clock: a flag that is repeated counts as the last one says.
    let clock: &[&str] =
        if matches!(*command, "test" | "challenge") { &["--clock", "virtual"] } else { &[] };
    Some([&[*command], before, short, clock, after].concat())
}

/// The words of a command, of which some stand in single quotes.
fn words(command: &str) -> Vec<&str> {
    let parts = command.split('\'').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().collect(),
        _ => vec![part],
    });
    words.collect()
}

/// Each command of kolk's ends with a verdict or with success, and not with a mistake.
#[test]
fn commands_of_kolk_can_be_typed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tried = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        for command in commands(&text) {
            let words: Vec<&str> =
                words(&command).into_iter().skip_while(|word| *word != "kolk").skip(1).collect();
            let Some(words) = shortened(&words) else { continue };
            if let ["new", name, ..] = words[..] {
                // More than one document writes the same project.
                let _ = fs::remove_dir_all(folder.path().join(name));
            }
            let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
                .args(&words)
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .output()
                .expect("kolk runs");
            let status = output.status.code();
            let errors = String::from_utf8_lossy(&output.stderr);
            let place = document.display();
            assert!(matches!(status, Some(0..=2)), "{place}: `{command}`: {status:?}\n{errors}");
            tried += 1;
        }
    }
    assert!(tried > 15, "{tried} commands were tried");
}

/// Each package, test and program that a command of cargo's names is there.
#[test]
fn commands_of_cargo_name_what_is_there() {
    let packages: BTreeMap<String, PathBuf> = ["crates", "nodes", ""]
        .iter()
        .flat_map(|parent| fs::read_dir(root().join(parent)).expect("a folder"))
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = "))?;
            Some((name.trim_matches('"').to_owned(), folder))
        })
        .collect();
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        for command in commands(&text) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let after = |flag: &str| {
                let place = words.iter().position(|word| *word == flag)?;
                words.get(place + 1).copied()
            };
            let Some(package) = after("-p") else { continue };
            let place = format!("{}: `{command}`", document.display());
            let Some(folder) = packages.get(package) else {
                panic!("{place}: there is no package {package}")
            };
            for (flag, parent) in [("--test", "tests"), ("--bin", "src/bin")] {
                let Some(name) = after(flag) else { continue };
                let (file, module) = (format!("{name}.rs"), format!("{name}/main.rs"));
                let parent = folder.join(parent);
                let is_there = parent.join(file).exists() || parent.join(module).exists();
                let is_name = !name.chars().all(|c| c.is_ascii_uppercase());
                assert!(is_there || !is_name, "{place}: there is no {flag} {name}");
            }
        }
    }
}
