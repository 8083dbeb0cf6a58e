//! What a story is.

use std::fs;
use std::path::{Path, PathBuf};

use super::world::World;

/// What a story is if its commands are carried out.
pub fn told(text: &str) -> String {
    let (mut world, mut told) = (World::default(), String::new());
    for line in text.lines() {
        let is_kept = line.starts_with('#') || line.is_empty();
        if let Some(command) = line.strip_prefix("> ") {
            told.push_str(&format!("> {command}\n"));
            world.carry_out(command);
            told.push_str(&world.take_told());
        } else if is_kept && !(line.is_empty() && told.ends_with("\n\n")) {
            told.push_str(line);
            told.push('\n');
        }
    }
    told
}

/// All stories there are.
pub fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let entries = fs::read_dir(folder).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort();
    paths
}
