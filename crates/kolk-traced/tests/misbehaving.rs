//! Programs that do not behave: each comes to a clear end, and nothing of it is left.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod bounded;
mod denied;
mod guard;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use guard::Guard;
use kolk_traced::{Ended, Settings, SpawnError, Stuck, Traced, Tracer};

/// How long any of these tests may take; most end within a second.
const BOUND: Duration = Duration::from_secs(300);

/// A shell script as a program. The marker stands in its arguments, and so in those of its
/// children.
fn script(text: &str, marker: &str) -> Settings {
    let mut settings = Settings::new("/bin/sh");
    settings.args = vec!["-c".into(), text.into(), marker.into()];
    settings.launcher = Some(PathBuf::from(env!("CARGO_BIN_EXE_kolk-traced")));
    settings.patience = Duration::from_secs(60);
    settings
}

/// Processes with a marker among their arguments.
fn left(marker: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let is_own = process.file_name().to_str()? == std::process::id().to_string();
            (line.contains(marker) && !is_own).then_some(line)
        })
        .collect()
}

/// What becomes of a script that is let run for a minute of virtual time, with a line every ten
/// seconds.
fn run(name: &str, text: &str, patience: Duration) -> String {
    let marker = format!("kolk-misbehaving-{name}-{}", std::process::id());
    let tracer = Tracer::new(|| false).expect("a tracer");
    let mut settings = script(text, &marker);
    settings.patience = patience;
    let _guard = Guard::begin(&format!("{name}: {text}"), BOUND);
    let mut traced = Traced::spawn(&tracer, settings).expect("a shell");
    let mut output = String::new();
    let (mut now, mut next_line) = (0, 0);
    let ended = loop {
        let input: &[u8] = if now == next_line {
            next_line += 10_000_000_000;
            b"line\n"
        } else {
            b""
        };
        match traced.step(now, input) {
            Ok(step) => {
                output.push_str(&String::from_utf8_lossy(&step.output));
                if let Some(ended) = step.ended {
                    break format!("{ended:?}");
                }
                if now >= 60_000_000_000 {
                    let closed = (step.is_input_closed, step.is_output_closed);
                    break format!("lives, closed: {closed:?}");
                }
                now = step.wake_at.unwrap_or(u64::MAX).min(next_line);
            }
            Err(stuck) => {
                let text = stuck.to_string();
                assert!(stuck.advice().ends_with('.'), "{stuck:?}");
                break text;
            }
        }
    };
    drop(traced);
    assert_eq!(left(&marker), [] as [&str; 0], "{name} leaves something behind");
    if output.len() > 200 { ended } else { format!("{output}{ended}") }
}

const PATIENT: Duration = Duration::from_secs(60);

#[test]
fn ends_are_clear() {
    for (name, text, expected) in [
        ("exits", "exit 3", "Exit(3)"),
        ("exits_later", "sleep 5; exit 3", "Exit(3)"),
        ("exits_on_input", "read x; read y; echo $y; exit 4", "line\nExit(4)"),
        ("kills_itself", "kill -9 $$", "Signal(9)"),
        ("is_terminated", "sleep 1; kill $$; sleep 1", "Signal(15)"),
        ("crashes", "kill -SEGV $$", "Signal(11)"),
        ("stops_itself", "kill -STOP $$; echo on", "lives, closed: (false, false)"),
        ("is_told_to_go_on", "(sleep 1; kill -CONT $$) & kill -STOP $$; echo on", "on\nExit(0)"),
        ("ignores_signals", "trap '' TERM INT HUP; read x; while read x; do :; done", LIVES),
        ("executes_nothing", "exec /no/such/program", "Exit(127)"),
        ("executes_a_folder", "exec /tmp", "Exit(126)"),
        ("closes_input", "exec <&-; sleep 1000", "lives, closed: (true, false)"),
        ("closes_output", "exec >&-; sleep 1000", "lives, closed: (false, true)"),
        ("leaves_a_child", "sleep 1000 & exit 0", "Exit(0)"),
        ("leaves_a_session", "setsid sleep 1000 & sleep 1; exit 0", "Exit(0)"),
        ("leaves_a_daemon", "(setsid sh -c 'sleep 1000 & sleep 1000' &) ; exit 0", "Exit(0)"),
        ("leaves_for_numbers_of_its_own", "unshare -p -f sleep 1000; exit 5", "Exit(5)"),
        ("kills_all", "kill -9 -1; echo alone; exit 0", "alone\nExit(0)"),
        ("kills_its_group", "sleep 1000 & kill -9 0", "Signal(9)"),
        ("kills_a_child", "sleep 1000 & kill $!; wait $!; echo $?", "143\nExit(0)"),
        ("writes_much", "head -c 3000000 /dev/zero | tr '\\0' x; exit 0", "Exit(0)"),
        ("reads_nothing", "sleep 1000", LIVES),
    ] {
        assert_eq!(run(name, text, PATIENT), expected, "{name}: {text}");
    }
}

const LIVES: &str = "lives, closed: (false, false)";

#[test]
fn who_does_not_become_idle_is_given_up() {
    let busy = "did not become idle within 1 s";
    for (name, text, expected) in [
        ("loops", "while :; do :; done", busy),
        ("loops_with_calls", "while :; do read x < /dev/null; done", busy),
        ("floods", "yes", "wrote 64 MiB without becoming idle"),
        ("forks", "while :; do sleep 1000 & done", "has more than 1024 threads and processes"),
    ] {
        let patience = if name.starts_with("loops") { Duration::from_secs(1) } else { PATIENT };
        assert_eq!(run(name, text, patience), expected, "{name}: {text}");
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let _guard = Guard::begin("what cannot be started", BOUND);
    let tracer = Tracer::new(|| false).expect("a tracer");
    for (program, kind) in [
        ("/no/such/program", std::io::ErrorKind::NotFound),
        ("/tmp", std::io::ErrorKind::PermissionDenied),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), std::io::ErrorKind::PermissionDenied),
    ] {
        let mut settings = script("", "");
        settings.program = program.into();
        match Traced::spawn(&tracer, settings) {
            Err(SpawnError::Execute(error)) => assert_eq!(error.kind(), kind, "{program}"),
            other => panic!("{program}: {other:?}"),
        }
    }
    // A program that is no launcher.
    let mut settings = script("", "");
    settings.launcher = Some("/bin/true".into());
    assert!(matches!(Traced::spawn(&tracer, settings), Err(SpawnError::Launcher(_))));
}

#[test]
fn a_thread_that_was_killed_from_outside_has_ended() {
    let _guard = Guard::begin("who was killed from outside", BOUND);
    let tracer = Tracer::new(|| false).expect("a tracer");
    let mut traced = Traced::spawn(&tracer, script("sleep 1000", "x")).expect("a shell");
    let step = traced.step(0, b"").expect("it sleeps");
    assert_eq!((step.ended, step.wake_at), (None, Some(1_000_000_000_000)));
    let group = format!("-{}", traced.group());
    assert!(std::process::Command::new("kill").args(["-9", "--", &group]).status().is_ok());
    // That shows when it is looked at: at the latest when it would go on.
    let step = traced.step(1_000_000_000_000, b"").expect("it is gone");
    assert_eq!(step.ended, Some(Ended::Signal(9)));
    assert!(step.is_output_closed);
}

/// Calls by the old way in, which no filter of ours knows, would run on the real clock.
#[test]
fn calls_of_32_bits_end_a_program() {
    let _guard = Guard::begin("32-bit calls", BOUND);
    let folder = tempfile::tempdir().expect("a folder");
    let (source, program) = (folder.path().join("old.c"), folder.path().join("old"));
    let text = "int main(void) { int id; __asm__ volatile(\"int $0x80\" : \"=a\"(id) : \"a\"(20)); return 9; }";
    fs::write(&source, text).expect("a file");
    let mut compiler = std::process::Command::new("cc");
    if !bounded::output(compiler.arg("-o").arg(&program).arg(&source), BOUND)
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("ignored: there is no C compiler");
        return;
    }
    let tracer = Tracer::new(|| false).expect("a tracer");
    let mut settings = script("", "");
    (settings.program, settings.args) = (program, Vec::new());
    let step = Traced::spawn(&tracer, settings).expect("a program").step(0, b"").expect("a step");
    // By the filter, or on a kernel that does not know such calls.
    assert!(matches!(step.ended, Some(Ended::Signal(31 | 11))), "{step:?}");
}

#[test]
fn where_tracing_is_not_allowed_that_is_said() {
    let _guard = Guard::begin("tracing denied", BOUND);
    let refused = denied::without(&[libc::SYS_ptrace], || {
        let tracer = Tracer::new(|| false).expect("a tracer");
        Traced::spawn(&tracer, script("exit 0", "x")).expect_err("it is not allowed")
    });
    assert!(matches!(refused, SpawnError::NotAllowed { .. }), "{refused:?}");
    let told = "the system does not allow tracing: a child may not be traced";
    assert_eq!(refused.to_string(), told);
    assert!(refused.advice().contains("--cap-add SYS_PTRACE"), "{}", refused.advice());
}

/// Docker's default profile denies these. Programs run all the same, and what may differ is
/// counted.
#[test]
fn what_containers_deny_is_done_without() {
    let _guard = Guard::begin("a container", BOUND);
    let text = "read x; echo $x; sleep 5 & wait; cat /dev/null; echo done; exit 7";
    let run = || {
        let tracer = Tracer::new(|| false).expect("a tracer");
        let mut traced = Traced::spawn(&tracer, script(text, "x")).expect("a shell");
        let first = traced.step(0, b"").expect("it waits");
        assert_eq!((first.wake_at, first.ended), (None, None));
        let second = traced.step(1_000_000_000, b"line\n").expect("it sleeps");
        assert_eq!((second.output.as_slice(), second.wake_at), (&b"line\n"[..], Some(6 * SECOND)));
        let third = traced.step(6 * SECOND, b"").expect("it ends");
        assert_eq!((third.output.as_slice(), third.ended), (&b"done\n"[..], Some(Ended::Exit(7))));
        let left = traced.fell_through().iter().map(|(cause, count)| cause.describe(count));
        left.collect::<Vec<String>>()
    };
    assert_eq!(run(), [] as [&str; 0]);
    let calls = [libc::SYS_personality, libc::SYS_pidfd_getfd];
    assert_eq!(denied::without(&calls, run), ["random addresses, which cannot be turned off here"]);
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn what_tests_start_is_ended_after_a_bound() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "echo so far; sleep 1000 & trap '' TERM; while :; do sleep 1000; done"]);
    let _guard = Guard::begin("a bound", BOUND);
    let told = bounded::output(&mut command, Duration::from_millis(300)).expect_err("too long");
    assert!(
        told.contains("did not end within 0 s and was killed; it printed:\nso far\n"),
        "{told}"
    );
}

#[test]
fn a_step_can_be_given_up() {
    let _guard = Guard::begin("a step that is given up", BOUND);
    let tracer = Tracer::new(|| true).expect("a tracer");
    let mut traced = Traced::spawn(&tracer, script("while :; do :; done", "x")).expect("a shell");
    assert_eq!(traced.step(0, b""), Err(Stuck::Stopped));
}
