//! Comments are read beside code and in terminals of 100 columns.

use std::fs;

use kolk_tidy::{files, root};

/// Columns. The formatter keeps to them, but leaves strings and attributes as they are.
const WIDTH: usize = 100;

/// Data that would mean something else, or be harder to read, with a line end in it.
const DATA: [&str; 2] = ["r#\"", "r\""];

/// Rows of tables and lines of code cannot be broken.
#[test]
fn comments_keep_within_the_width() {
    let mut faults = Vec::new();
    for path in files(&root(), &[".rs"]) {
        let text = fs::read_to_string(&path).expect("a file");
        let mut is_code = false;
        for (number, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("//") else {
                is_code = false;
                continue;
            };
            let comment = comment.trim_start_matches(['/', '!']).trim_start();
            is_code ^= comment.starts_with("```");
            let can_be_broken = !is_code && !comment.starts_with('|');
            if can_be_broken && line.chars().count() > WIDTH {
                faults.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "longer than {WIDTH} columns:\n{}", faults.join("\n"));
}

/// Strings that programs print are read in the source too. Tests are left out: a row of a table of
/// cases reads best as one line.
#[test]
fn code_keeps_within_the_width() {
    let mut faults = Vec::new();
    for path in files(&root(), &[".rs"]) {
        if path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests")) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a file");
        for (number, line) in text.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            let is_data = DATA.iter().any(|mark| line.contains(mark));
            if !is_comment && !is_data && line.chars().count() > WIDTH {
                faults.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "longer than {WIDTH} columns:\n{}", faults.join("\n"));
}
