//! What Maelstrom overlooks of transactions: its verdict stands where it is asked for, but never by
//! itself.

use kolk_check::Kind;

use super::check;

/// A type of anomaly that Maelstrom overlooks, the model that is asked for, and a history that has
/// it: transactions with spaces between, all at once but where a `/` says that what comes before it
/// is acknowledged first. `wx1` sets x, `ax1` appends to it, `rx1` reads it, `rx_` as nothing,
/// `lx1` as a list; `2:` before says which process runs it, and `?` after that nobody knows how it
/// ended.
const OVERLOOKED: &[(&str, &str, &str)] = &[
    ("G0", "read-uncommitted", "wx1wx5ry2wy3 rx1wx2wy2wy4 wz1 rz1"),
    ("garbage-read", "read-uncommitted", "rx1 wy1 ry1"),
    ("incompatible-order", "read-committed", "ax1ax2 lx2"),
    ("future-read", "read-committed", "rx1wx1 wy1 ry1"),
    ("internal", "read-atomic", "rx_rx1 wx1"),
    ("read-committed-violation", "read-atomic", "wy1wz1 wx1wy2 rx1ry1 rz1ry2"),
    ("read-committed-violation-process", "causal", "1:ry1 2:rx1 / 1:wx1 2:wy1"),
    ("read-atomic-violation", "read-atomic", "1:wx1wy1 2:wx2wy2 3:rx1ry2"),
    ("read-atomic-violation-process", "causal", "1:wx1 / 1:rx_"),
    ("causal-violation", "causal-cerone", "1:wx1 2:rx1wy1 3:ry1rx_"),
    ("causal-violation-process", "causal", "1:wx1 / 1:wx2 / 2:rx2 / 2:rx1"),
    ("serializable-violation", "serializable", "wx1wy1 / rx1wy2 ry1wx2"),
    (
        "strong-session-serializable-violation",
        "strong-session-serializable",
        "1:wx1 / 1:wx2ry_ rx1wy1",
    ),
    ("strict-serializable-violation", "strict-serializable", "wx1 / wx2ry_ rx1wy1"),
    ("snapshot-isolation-violation", "snapshot-isolation", "wx1ry_ wx2rz_ wy1wz1 rx_rz1"),
    (
        "strong-session-snapshot-isolation-violation",
        "strong-session-snapshot-isolation",
        "1:wx1wy1 / 1:ry2 2:rx_wy2",
    ),
    ("strong-snapshot-isolation-violation", "strict-serializable", "wx1 / wx2 / rx1"),
    ("G1c-realtime", "strong-read-committed", "wx1 / rx1rx2 / wx2"),
    (
        "strong-session-read-committed-violation",
        "strong-session-read-committed",
        "1:rx1rx2 / 1:wx2 2:wx1",
    ),
    ("prefix-violation", "prefix", "wx1 wy1 rx1ry_ rx_ry1"),
    ("strong-session-prefix-violation", "strong-session-prefix", "1:wx1 2:wy1 / 1:ry_ 2:rx_"),
    ("strong-prefix-violation", "strong-prefix", "wx1 / rx_"),
    ("parallel-snapshot-isolation-violation", "parallel-snapshot-isolation", "rz_wx1wy1 ry_wx2wz2"),
    (
        "strong-session-parallel-snapshot-isolation-violation",
        "strong-session-parallel-snapshot-isolation",
        "1:wy1 2:wz2 / 1:rz_wx1 2:ry_wx2",
    ),
    (
        "strong-parallel-snapshot-isolation-violation",
        "strong-parallel-snapshot-isolation",
        "wx1 / wx2 / rx1",
    ),
];

/// A history in Jepsen's notation.
fn history(story: &str) -> String {
    let mut lines = String::new();
    for (group, part) in story.split('/').enumerate() {
        let words = part.split_whitespace().enumerate();
        let all: Vec<(usize, &str)> = words
            .map(|(number, word)| match word.split_once(':') {
                Some((process, word)) => (process.parse().expect("a process"), word),
                None => (100 * (group + 1) + number, word),
            })
            .collect();
        for completes in [false, true] {
            for (process, word) in &all {
                let kind = match (completes, word.ends_with('?')) {
                    (false, _) => "invoke",
                    (true, false) => "ok",
                    (true, true) => "info",
                };
                let value = transaction(word.trim_end_matches('?'), kind == "ok");
                lines += &format!("{{:process {process} :type :{kind} :f :txn :value {value}}}\n");
            }
        }
    }
    lines
}

fn transaction(word: &str, is_known: bool) -> String {
    let letters: Vec<char> = word.chars().collect();
    let ops = letters.chunks(3).map(|op| {
        let [function, key, value] = op else { panic!("{word}") };
        match function {
            'a' => format!("[:append :{key} {value}]"),
            'w' => format!("[:w :{key} {value}]"),
            'l' if is_known => format!("[:r :{key} [{value}]]"),
            'r' if is_known && *value != '_' => format!("[:r :{key} {value}]"),
            _ => format!("[:r :{key} nil]"),
        }
    });
    format!("[{}]", ops.collect::<Vec<_>>().join(" "))
}

#[test]
fn what_maelstrom_overlooks_restricts_its_verdict() {
    for (kind, model, story) in OVERLOOKED {
        let workload = if story.contains('a') { "txn-list-append" } else { "txn-rw-register" };
        let story = history(story);
        let flags = format!("-w {workload} --consistency-models {model}");
        let (code, screen) = check(&story, &format!("{flags} --as maelstrom"));
        let verdict = "✓ valid for Maelstrom, but not without --as maelstrom\n";
        assert_eq!(code, 0, "{kind}: {screen}");
        assert!(screen.contains(verdict), "{kind}: {screen}");
        let told = screen.lines().find(|line| line.contains(&format!("[{kind}")));
        let told = told.unwrap_or_else(|| panic!("{kind}: {screen}"));
        assert!(told.starts_with("  ! ") && told.ends_with("without --as maelstrom)"), "{told}");
        // Where it counts, it counts by its name.
        let (code, screen) = check(&story, &flags);
        assert_eq!(code, 1, "{kind}: {screen}");
        assert!(screen.contains(&format!("[{kind}")), "{kind}: {screen}");
        assert!(!screen.contains("--as maelstrom"), "{kind}: {screen}");
    }
}

#[test]
fn all_that_is_decided_beside_elle_is_overlooked() {
    for kind in Kind::all().filter(|kind| kind.as_str().contains("-violation")) {
        assert!(OVERLOOKED.iter().any(|(overlooked, ..)| kind == *overlooked), "{kind}");
    }
}

/// What such a transaction read is not known, so Maelstrom's verdict is not known either.
#[test]
fn answers_to_what_was_not_asked_are_overlooked() {
    let transactions = [
        ("[[:w :x 1] [:r :y nil]]", "[[:w :x 1] [:w :y 2]]"),
        ("[[:w :z 1]]", "[[:w :z 1]]"),
        ("[[:r :z nil]]", "[[:r :z 1]]"),
    ];
    let mut story = String::new();
    for (process, (asked, answered)) in transactions.iter().enumerate() {
        for (kind, value) in [("invoke", asked), ("ok", answered)] {
            story += &format!("{{:process {process} :type :{kind} :f :txn :value {value}}}\n");
        }
    }
    let (code, screen) = check(&story, "-w txn-rw-register --as maelstrom");
    assert_eq!(code, 2, "{screen}");
    let told = screen.lines().find(|line| line.contains("[wrong-answer]"));
    let told = told.unwrap_or_else(|| panic!("{screen}"));
    assert!(told.starts_with("  ! ") && told.ends_with("without --as maelstrom)"), "{told}");
    let (code, screen) = check(&story, "-w txn-rw-register");
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("[wrong-answer]"), "{screen}");
}
