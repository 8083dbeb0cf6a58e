//! Signals to kolk: what was recorded is kept, and no node is left.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder;
use crate::node::{Home, screen};

/// How long something may take that takes milliseconds on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so.
#[expect(clippy::disallowed_methods, reason = "another process's progress is waited for")]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what} did not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(name: &str, child: &Child) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success(), "{name}");
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|content| content.contains(text))
}

/// A kolk in mid-run: the history in its run folder has its first answer.
fn in_mid_run(home: &Home, flags: &str) -> Child {
    let words = "test -w echo --bin ./node.sh --node-count 2 --rate 100 --time-limit 600 --seed 7";
    let child = home.kolk(&format!("{words} {flags}")).spawn().expect("kolk runs");
    wait_until("an answer", || {
        home.run_folder().is_some_and(|run| holds(&run.join("history.jsonl"), "\"ok\""))
    });
    child
}

/// True if there is a folder that kolk made for its nodes to work in.
fn has_folders(kolk: &Child) -> bool {
    let prefix = format!("kolk-{}-", kolk.id());
    let folder = fs::read_dir(std::env::temp_dir()).expect("a folder for temporary files");
    folder.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
}

fn end_of(child: &mut Child) -> ExitStatus {
    let mut status = None;
    wait_until("kolk's end", || {
        status = child.try_wait().expect("a status");
        status.is_some()
    });
    status.expect("it has ended")
}

#[test]
fn the_first_signal_keeps_what_was_recorded() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let home = Home::new("init; serve");
        let child = in_mid_run(&home, "");
        signal(name, &child);
        let output = child.wait_with_output().expect("kolk's output");
        assert_eq!(output.status.code(), Some(130), "{name}");
        home.assert_no_process_left();
        let run = home.run_folder().expect("a run folder");
        folder::check(&run, 130);
        assert!(holds(&run.join("history.txt"), "echo"), "{name}: the history is written");
        assert_eq!(fs::canonicalize(home.path().join("store/latest")).expect("a link"), run);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("interrupted", screen(&output, &home, true));
        });
    }
}

/// Nodes that stand still, and those that are down, are no reason to hang or to leave anything
/// behind.
#[test]
fn a_signal_ends_a_run_whose_nodes_are_down_or_paused() {
    // On the virtual clock one node runs on: where nobody does, the end comes at once.
    for (flags, event) in [
        ("--pause n0+n1@0.5..", "\"paused\""),
        ("--kill n0+n1@0.5..", "\"killed\""),
        ("--kill n0@0.5.. --pause n1@0.5..", "\"paused\""),
        ("--pause n0@0.5.. --clock virtual", "\"paused\""),
        ("--kill n0@0.5.. --clock virtual", "\"killed\""),
    ] {
        let is_virtual = flags.contains("virtual");
        let home =
            Home::new(if is_virtual { "init_lockstep; serve_lockstep" } else { "init; serve" });
        let mut child = in_mid_run(&home, &format!("{flags} --no-fail-fast"));
        wait_until("the fault", || {
            home.run_folder().is_some_and(|run| holds(&run.join("history.jsonl"), event))
        });
        signal("-INT", &child);
        assert_eq!(end_of(&mut child).code(), Some(130), "{flags}");
        home.assert_no_process_left();
    }
}

/// In lockstep kolk looks up between two steps, however slow they are.
#[test]
fn a_signal_is_heard_in_lockstep() {
    let home = Home::new("init_lockstep; serve_lockstep");
    let mut child = in_mid_run(&home, "--clock virtual");
    signal("-INT", &child);
    assert_eq!(end_of(&mut child).code(), Some(130));
    home.assert_no_process_left();
    folder::check(&home.run_folder().expect("a run folder"), 130);
}

/// Where nothing runs there is nothing to keep: one signal is enough.
#[test]
fn a_signal_ends_what_only_reads() {
    let home = Home::new("");
    let made = Command::new("mkfifo").arg(home.path().join("history.jsonl")).status();
    assert!(made.expect("mkfifo runs").success());
    let mut child = home.kolk("check history.jsonl -w echo").spawn().expect("kolk runs");
    signal("-TERM", &child);
    assert_eq!(end_of(&mut child).code(), None, "the signal ended it");
}

/// While nodes start there is nothing to keep, and nothing to wait for.
#[test]
fn a_signal_ends_the_start() {
    let home = Home::new("hear; hear");
    let mut child =
        home.kolk("test -w echo --bin ./node.sh --node-count 2").spawn().expect("kolk runs");
    wait_until("the nodes' start", || home.pids().len() == 2);
    signal("-INT", &child);
    assert_eq!(end_of(&mut child).code(), Some(130));
    home.assert_no_process_left();
}

/// Kolk hears while it waits for a node in lockstep that does not become idle.
#[test]
fn a_signal_is_heard_while_a_node_hangs() {
    let home = Home::new("init_lockstep; hear; printf 'stuck\n' >&2; hear");
    let words = "test -w echo --bin ./node.sh --node-count 1 --clock virtual --step-timeout 600";
    let mut child = home.kolk(words).spawn().expect("kolk runs");
    wait_until("the node is stuck", || {
        home.run_folder().is_some_and(|run| holds(&run.join("node-logs/n0.log"), "stuck"))
    });
    signal("-INT", &child);
    assert_eq!(end_of(&mut child).code(), Some(130));
    home.assert_no_process_left();
    folder::check(&home.run_folder().expect("a run folder"), 130);
}

/// Whatever kolk does when the second signal comes, it ends on the spot, and nothing is left.
#[test]
fn the_second_signal_insists() {
    let home = Home::new("init; serve");
    let mut child = in_mid_run(&home, "");
    // Two signals that come at once are one; so there are as many as it takes.
    wait_until("kolk's end", || {
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        child.try_wait().expect("a status").is_some()
    });
    assert_eq!(end_of(&mut child).code(), Some(130));
    home.assert_no_process_left();
    assert!(!has_folders(&child), "its working folders are left");
}

/// Killed, kolk can end nothing any more; its warden does, whatever the nodes have made of
/// themselves.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_a_kolk_that_was_killed() {
    let script = r#"
        setsid sh -c 'printf "%s\n" $$ >>"$0.pids"; exec tail -f /dev/null' "$0" &
        trap "" HUP INT TERM
        init
        (serve)
        exec tail -f /dev/null"#;
    let home = Home::new(script);
    let mut child = in_mid_run(&home, "");
    signal("-KILL", &child);
    assert_eq!(end_of(&mut child).code(), None, "it was killed");
    assert_eq!(home.pids().len(), 4, "two nodes and two daemons");
    wait_until("the end of all of them", || {
        home.pids().into_iter().all(|pid| !crate::node::is_running(pid))
    });
    wait_until("the end of its working folders", || !has_folders(&child));
}
