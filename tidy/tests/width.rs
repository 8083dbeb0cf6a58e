//! Comments are read beside code and in terminals of 100 columns.

use std::fs;

use kolk_tidy::{files, root};

/// Columns. The formatter keeps code within them; what programs print may be longer.
const WIDTH: usize = 100;

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
