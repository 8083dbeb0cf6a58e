//! The book's reference pages are what `kolk help` prints, word for word. To renew them:
//! `KOLK_RENEW=1 cargo test -p kolk --test reference`.

use std::fs;
use std::path::Path;
use std::process::Command;

fn help(words: &[&str]) -> (i32, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_kolk")).arg("help").args(words).output().expect("kolk");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a status"), String::from_utf8(text).expect("text"))
}

#[test]
fn the_book_is_what_help_prints() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src");
    let renew = std::env::var_os("KOLK_RENEW").is_some();
    for (subject, page) in [
        ("protocol", "protocol.md"),
        ("workload", "workloads.md"),
        ("service", "services.md"),
        ("anomaly", "anomalies.md"),
        ("trouble", "troubles.md"),
    ] {
        let path = book.join(page);
        let (status, drawn) = help(&[subject, "--page"]);
        assert_eq!(status, 0, "{drawn}");
        if renew {
            fs::write(&path, &drawn).expect("written");
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == drawn,
            "book/src/{page} is not what `kolk help {subject}` prints; to renew it: \
             KOLK_RENEW=1 cargo test -p kolk --test reference"
        );
    }
}

/// A part of a page, by itself, is what stands on the page.
#[test]
fn parts_are_parts_of_the_pages() {
    for (subject, names) in [
        ("workload", &["echo", "broadcast", "kafka", "lin-kv", "txn-rw-register"][..]),
        ("service", &["lin-kv", "seq-kv", "lww-kv", "lin-tso"][..]),
    ] {
        let (_, page) = help(&[subject]);
        for name in names {
            let (status, part) = help(&[subject, name]);
            assert_eq!(status, 0, "{part}");
            assert!(page.contains(&part), "{subject} {name}");
            // A request and its answer at least.
            assert!(part.contains("\n< {") && part.contains("\n> {"), "{part}");
        }
    }
}

/// What clap would print is printed still.
#[test]
fn help_on_commands() {
    for command in ["test", "challenge", "check", "help"] {
        let output = Command::new(env!("CARGO_BIN_EXE_kolk")).args([command, "--help"]).output();
        let expected = String::from_utf8(output.expect("kolk").stdout).expect("text");
        assert_eq!(help(&[command]), (0, expected), "{command}");
    }
    let (status, all) = help(&[]);
    assert!(status == 0 && all.contains("Usage: kolk"), "{all}");
}

#[test]
fn what_there_is_no_help_on() {
    let answers: Vec<String> = [
        &["error", "20"][..],
        &["error", "crash"],
        &["error", "7"],
        &["error", "1234"],
        &["error", "crush"],
        &["workload", "brodcast"],
        &["service", "redis"],
        &["anomaly", "lost-write"],
        &["anomaly", "G1c-realtime"],
        &["anomaly", "lots"],
        &["tset"],
        &["protocol", "buffers"],
    ]
    .iter()
    .map(|words| {
        let (status, text) = help(words);
        format!("$ kolk help {}\n{text}[status {status}]\n", words.join(" "))
    })
    .collect();
    insta::assert_snapshot!(answers.join("\n"));
}
