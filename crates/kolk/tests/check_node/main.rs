//! `kolk check-node` finds each fault, names it, and finds nothing else.

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use support::tests;

tests! {
    each_fault_is_found: [PYTHON];
    screens: [PYTHON];
}

const KNOWS_LOCKSTEP: &str = "! knows lockstep";

/// Faults of `node.py`, and the probes that do not hold then, besides that it knows no lockstep.
const FAULTS: &[(&str, &[&str])] = &[
    ("none", &[]),
    ("ends at once", &["✗ starts, and goes on", "✗ answers init"]),
    ("silent", &["✗ answers init"]),
    ("other reply", &["✗ answers init"]),
    ("unflushed", &["✗ answers init"]),
    ("log", &["✗ writes nothing but messages to standard output"]),
    ("foreign", &["! sends under its own name"]),
    ("silent on unknown", &["! answers a type that it does not know with error 10"]),
    ("zero is none", &["✗ takes 0 for a message id"]),
    (
        "strict keys",
        &[
            "✗ ignores keys that it does not know",
            "✗ answers the sender of each request, with its `msg_id` and data",
            "✗ answers many requests at once, each exactly once",
            "! ends well when its input ends",
        ],
    ),
    ("one asker", &["✗ answers the sender of each request, with its `msg_id` and data"]),
    (
        "one per read",
        &[
            "✗ answers the sender of each request, with its `msg_id` and data",
            "✗ answers many requests at once, each exactly once",
        ],
    ),
    ("twice", &["✗ answers many requests at once, each exactly once"]),
    ("short lines", &["✗ reads a line of a megabyte", "- goes on after a line that is no message"]),
    ("brittle", &["! goes on after a line that is no message"]),
    ("chatty", &["! is quiet when there is nothing to do"]),
    ("never ends", &["! ends well when its input ends"]),
    ("status 3", &["! ends well when its input ends"]),
    ("no idle", &["✗ knows lockstep"]),
    ("lockstep", &["✓ all probes hold"]),
];

fn check(fault: &str, flags: &[&str]) -> (i32, String) {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check_node/node.py");
    let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .arg("check-node")
        .arg(&node)
        .args(flags)
        .args(["--", fault])
        // It would make Python write at once what it should keep back.
        .env_remove("PYTHONUNBUFFERED")
        .output()
        .expect("kolk");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().expect("a status"), text)
}

fn each_fault_is_found() {
    fn check_one(fault: &str, expected: &[&str]) {
        // Who never answers is waited for in vain, and who does may take long on a loaded machine.
        let init = if matches!(fault, "silent" | "unflushed") { "3" } else { "60" };
        let (status, text) = check(fault, &["--init-timeout", init, "--reply-timeout", "6"]);
        let found: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(['✗', '!', '-']) && *line != KNOWS_LOCKSTEP)
            .filter(|line| !line.contains("it would fail runs"))
            .collect();
        let fails = found.iter().any(|line| line.starts_with('✗'));
        assert_eq!(status, i32::from(fails), "{fault}: {text}");
        match expected {
            ["✓ all probes hold"] => assert!(text.ends_with("\n✓ all probes hold\n"), "{text}"),
            _ => assert_eq!(found, expected, "{fault}: {text}"),
        }
    }
    // They mostly wait.
    std::thread::scope(|scope| {
        for faults in FAULTS.chunks(4) {
            scope.spawn(move || {
                for (fault, expected) in faults {
                    check_one(fault, expected);
                }
            });
        }
    });
}

/// For each probe that does not hold: what was sent, what came back, what to do.
fn screens() {
    let screens: Vec<String> = ["log", "unflushed", "zero is none", "ends at once"]
        .iter()
        .map(|fault| {
            let init = if *fault == "unflushed" { "3" } else { "60" };
            let (status, text) = check(fault, &["--init-timeout", init]);
            format!("$ kolk check-node ./node.py -- {fault:?}\n{text}[status {status}]\n")
        })
        .collect();
    insta::assert_snapshot!(screens.join("\n"));
}
