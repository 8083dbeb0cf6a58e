//! Stories: what nodes do in situations that matter, one text file each. A line that begins with `>
//! ` is a command (the list is in `world.rs`), what follows is what came of it, and lines that
//! begin with `#` are the story's words. To write down what comes of the commands now:
//!
//! ```text
//! KOLK_RENEW=1 cargo test -p kolk-raft --test stories
//! ```

mod show;
mod telling;
mod world;

use std::fs;

use telling::{stories, told};

#[test]
fn stories_come_true() {
    let renew = std::env::var_os("KOLK_RENEW").is_some();
    let (mut count, mut wrong) = (0, Vec::new());
    for path in stories() {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let written = fs::read_to_string(&path).expect("a story");
        println!("{name}");
        let told = told(&written);
        count += 1;
        if told == written {
            continue;
        }
        if renew {
            fs::write(&path, told).expect("it can be written");
            continue;
        }
        let at = told.lines().zip(written.lines()).position(|(now, then)| now != then);
        let at = at.unwrap_or(told.lines().count().min(written.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("the end").to_owned();
        wrong.push(format!(
            "{name}.txt, line {}:\n  written: {}\n  now:     {}",
            at + 1,
            line(&written),
            line(&told)
        ));
    }
    assert!(count >= 25, "{count} stories were found");
    assert!(wrong.is_empty(), "KOLK_RENEW=1 writes down what is so now\n{}", wrong.join("\n"));
}
