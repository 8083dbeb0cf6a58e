//! What a run may take: room for logs, for messages and operations; and a disk that is full.

use std::fs;
use std::process::Output;

use crate::folder;
use crate::node::{Home, end_of, screen};

/// Runs a node under a few more flags; what is seen of it, with its exit status.
fn run(home: &Home, flags: &str) -> (Output, String) {
    let words = format!(
        "test -w echo --bin ./node.sh --node-count 1 --rate 30 --time-limit 1 --seed 7 {flags}"
    );
    let output = end_of(&mut home.kolk(&words));
    let screen = screen(&output, home, true);
    home.assert_no_process_left();
    (output, screen)
}

/// Only Linux lets go of the middle of a file.
#[cfg(target_os = "linux")]
#[test]
fn both_ends_of_a_log_are_kept() {
    let flood = "yes 'a line of a log, one of many' | head -c 3000000 >&2";
    for (clock, script) in [
        ("real", format!("init; printf 'first\\n' >&2; {flood}; printf 'last\\n' >&2; serve")),
        (
            "virtual",
            format!(
                "init_lockstep; printf 'first\\n' >&2; hear; {flood}; echo_back; idle
                 printf 'last\\n' >&2; while hear; do echo_back; idle; done"
            ),
        ),
    ] {
        let home = Home::new(&script);
        let (output, screen) = run(&home, &format!("--clock {clock} --node-log-max 64KiB"));
        assert_eq!(output.status.code(), Some(0), "{screen}");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("n0 wrote 2929 KiB to stderr"), "{told}");
        let run = home.run_folder().expect("a run");
        folder::check(&run, 0);
        let log = fs::read_to_string(run.join("node-logs/n0.log")).expect("a log");
        assert!(log.len() <= 70_000, "{} bytes", log.len());
        assert!(log.starts_with("first\na line") && log.ends_with("last\n"), "{clock}");
        assert!(log.contains("\n… kolk left out "), "{clock}");
        let page = fs::read_to_string(run.join("report.html")).expect("a page");
        assert!(page.len() < 400_000, "{} bytes", page.len());
    }
}

/// The load ends early, what follows it is done, and the verdict is no more than unknown.
#[test]
fn a_run_has_so_much_room() {
    let home = Home::new("");
    let words = "test -w broadcast --node broadcast --rate 1000 --time-limit 600 --seed 7 \
                 --nemesis partition --run-max 2MiB";
    let output = end_of(&mut home.kolk(words));
    let screen = screen(&output, &home, false);
    assert_eq!(output.status.code(), Some(2), "{screen}");
    assert!(screen.contains("journal and history have 2 MiB, all the room there is"), "{screen}");
    let run = home.run_folder().expect("a run");
    folder::check(&run, 2);
    let size = |name: &str| fs::metadata(run.join(name)).expect("a file").len();
    let files = ["journal.jsonl", "history.jsonl", "history.edn", "history.txt"];
    let stored: u64 = files.iter().map(|name| size(name)).sum();
    // EDN and text are a little shorter than the lines that are counted.
    assert!((3 << 19..(2 << 20) * 5 / 4 + (1 << 18)).contains(&stored), "{stored} bytes");
}

#[test]
fn answers_a_request_without_end() {
    let home = Home::new(
        r#"
        init; hear; yes '{"src":"n0","dest":"'$from'","body":{"type":"echo_ok","echo":1,"in_reply_to":'$id'}}' &
        note_pid $!; serve"#,
    );
    let (output, screen) = run(&home, "--time-limit 60");
    assert_eq!(output.status.code(), Some(1), "{screen}");
    assert!(screen.contains("n0 floods its clients: 2"), "{screen}");
}

/// No file may be longer than this: what a full disk is to a program.
#[test]
fn what_cannot_be_stored_ends_the_run() {
    for (kib, flags, problem) in [
        (200, "--time-limit 60", "cannot write the"),
        (4, "--time-limit 1 --rate 5", "cannot write"),
    ] {
        let home = Home::new("");
        let words = format!("test -w broadcast --node broadcast --rate 300 --seed 7 {flags}");
        let limited = format!("trap '' XFSZ; ulimit -f {}", kib * 2);
        let output = end_of(&mut home.kolk_after(&limited, &words));
        let screen = screen(&output, &home, true);
        assert_eq!(output.status.code(), Some(255), "{screen}");
        assert!(screen.contains(problem), "{screen}");
        // Before the load there is nothing to judge.
        let is_judged = screen.contains("what is stored of the run is not whole");
        assert_eq!(is_judged, kib > 4, "{screen}");
        let run = home.run_folder().expect("a run");
        for name in ["journal.jsonl", "history.jsonl"] {
            let text = fs::read_to_string(run.join(name)).expect("a file");
            assert!(!is_judged || text.ends_with('\n'), "{name} ends with a whole line");
        }
    }
}

/// A node can invent as many types of message as it likes; so many are told apart.
#[test]
fn types_of_messages_have_a_bound() {
    let home = Home::new(
        r#"
        init_lockstep; hear; number=0
        while [ $number -lt 1500 ]; do
            send n0 '"type":"type-'$number'"'; number=$((number + 1))
        done
        case $kind in echo) echo_back;; esac
        idle; serve_lockstep"#,
    );
    let (output, screen) = run(&home, "--clock virtual --host lockstep");
    assert_eq!(output.status.code(), Some(0), "{screen}");
    let run = home.run_folder().expect("a run");
    let results = fs::read_to_string(run.join("results.json")).expect("results");
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    let types = results["summary"]["types"].as_array().expect("types");
    assert_eq!(types.len(), 1001);
    assert_eq!((&types[0][0], &types[0][1]), (&"…".into(), &500.into()));
}
