//! What tracing costs: `traced calls`, `traced echo KOLK`, `traced challenges KOLK NODE…`,
//! `traced memory KOLK`.

use std::error::Error;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use kolk_benches::measured::{peak_megabytes_of, timed};

fn main() -> ExitCode {
    kolk_traced::launch_if_asked();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [CHILD, count] => child(count.parse().unwrap_or_default()),
        ["calls"] => calls(),
        ["echo", kolk] => echo(kolk),
        ["challenges", kolk, nodes @ ..] if !nodes.is_empty() => challenges(kolk, nodes),
        ["memory", kolk] => memory(kolk),
        _ => Err("traced calls | echo KOLK | challenges KOLK NODE… | memory KOLK".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn Error>>;

/// The first argument of the program that makes calls.
const CHILD: &str = "__calls";
/// How many calls it makes in one step, and how many steps are made of each kind, in turns.
const CALLS: u32 = 20_000;
const TURNS: usize = 9;

/// Waits for a line, and then makes so many calls of the cheapest kind that is traced.
fn child(count: u32) -> Done {
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line)? > 0 {
        for _ in 0..count {
            std::hint::black_box(std::process::id());
        }
        println!("done");
    }
    Ok(())
}

/// A call that the tracer answers, against a stop in which the tracer does nothing.
fn calls() -> Done {
    let tracer = kolk_traced::Tracer::new(|| false)?;
    let mut settings = kolk_traced::Settings::new(std::env::current_exe()?);
    settings.args = vec![CHILD.into(), CALLS.to_string().into()];
    settings.patience = Duration::from_secs(60);
    let mut program = kolk_traced::Traced::spawn(&tracer, settings)?;
    program.step(0, b"")?;
    let (mut traced, mut empty) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let (step, took) = timed(|| program.step(turn as u64 + 1, b"line\n"));
        assert_eq!(step?.output, b"done\n");
        traced.push(took / CALLS);
        empty.push(stops::empty(CALLS)?);
    }
    traced.sort_unstable();
    empty.sort_unstable();
    let (traced, empty) = (traced[TURNS / 2], empty[TURNS / 2]);
    println!(
        "a traced call {traced:?}, an empty stop {empty:?} (medians of {TURNS}): {:.2} (goal 1.5)",
        traced.as_secs_f64() / empty.as_secs_f64()
    );
    Ok(())
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stops {
    use std::collections::BTreeMap;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use kolk_benches::measured::timed;
    use nix::sys::ptrace::{self, Options};
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::Pid;
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

    /// How long a stop takes in which nothing is done, on this processor: the same calls, traced by
    /// the same kind of filter.
    pub fn empty(calls: u32) -> Result<Duration, Box<dyn std::error::Error>> {
        let own = std::env::current_exe()?;
        let rules: BTreeMap<i64, Vec<_>> = [(libc::SYS_getpid, Vec::new())].into();
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Trace(0),
            TargetArch::x86_64,
        )?;
        let program = BpfProgram::try_from(filter)?;
        // In a thread of its own, since a filter cannot be undone. Until the child is traced the
        // call fails, and nobody in the library minds.
        let child = std::thread::spawn(move || {
            apply_filter(&program).map_err(|error| error.to_string())?;
            let mut command = Command::new(own);
            command.args([super::CHILD, &calls.to_string()]).process_group(0);
            let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
            child.map_err(|error| error.to_string())
        });
        let mut child = child.join().map_err(|_| "the thread panicked")??;
        let pid = Pid::from_raw(child.id() as i32);
        ptrace::seize(pid, Options::PTRACE_O_TRACESECCOMP | Options::PTRACE_O_EXITKILL)?;
        let mut stdin = child.stdin.take().ok_or("no pipe")?;
        std::io::Write::write_all(&mut stdin, b"line\n")?;
        let mut stops = 0;
        let (result, took) = timed(|| -> Result<(), nix::Error> {
            while stops < calls {
                match waitpid(pid, Some(WaitPidFlag::__WALL))? {
                    WaitStatus::PtraceEvent(..) => {
                        stops += 1;
                        ptrace::cont(pid, None)?;
                    }
                    WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal)?,
                    _ => return Err(nix::Error::ESRCH),
                }
            }
            Ok(())
        });
        result?;
        let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
        let _ = waitpid(pid, Some(WaitPidFlag::__WALL));
        Ok(took / calls)
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod stops {
    pub fn empty(_calls: u32) -> Result<std::time::Duration, Box<dyn std::error::Error>> {
        Err("nothing can be traced here".into())
    }
}

/// Runs kolk in a folder of its own, and gives how long that took and the most memory it had.
fn run(kolk: &str, words: &[&str]) -> Result<(Duration, f64), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(std::fs::canonicalize(kolk)?);
    command.current_dir(&folder).args(words).stdout(Stdio::null()).stderr(Stdio::null());
    let (ended, took) = timed(|| -> Result<_, std::io::Error> {
        let mut child = command.spawn()?;
        let mut peak = 0.0_f64;
        let status = loop {
            peak = peak.max(peak_megabytes_of(child.id()));
            match child.try_wait()? {
                Some(status) => break status,
                None => pause(),
            }
        };
        Ok((status, peak))
    });
    let (status, peak) = ended?;
    if status.success() {
        return Ok((took, peak));
    }
    Err(format!("kolk {}: {status}", words.join(" ")).into())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes the wall clock's time")]
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

/// Operations of one echo node a second, in lockstep and traced, in turns.
fn echo(kolk: &str) -> Done {
    let node = std::env::current_exe()?.with_file_name("echo-kolk-node");
    let node = node.display().to_string();
    // Starting and ending is the same for both runs of a kind: what is between is their difference.
    let (short, long) = ("5", "65");
    let rate = 400.0;
    let mut best = [f64::MAX; 2];
    for _ in 0..3 {
        for (place, host) in ["lockstep", "traced"].iter().enumerate() {
            let took = |limit: &str| {
                let words = format!(
                    "test -w echo --bin {node} --clock virtual --host {host} --node-count 1 --rate \
                     400 --time-limit {limit} --step-timeout 60"
                );
                run(kolk, &words.split_whitespace().collect::<Vec<_>>()).map(|(took, _)| took)
            };
            let took = took(long)?.saturating_sub(took(short)?).as_secs_f64();
            best[place] = best[place].min(took);
        }
    }
    let operations = 60.0 * rate;
    let [lockstep, traced] = best.map(|took| operations / took);
    println!(
        "echoes a second: {lockstep:.0} in lockstep, {traced:.0} traced: {:.2} (goal 0.5)",
        traced / lockstep
    );
    Ok(())
}

/// Wall clock of challenges 3c and 3d, by the simulated time of a run that is 30 s of load.
fn challenges(kolk: &str, nodes: &[&str]) -> Done {
    for node in nodes {
        let node = std::fs::canonicalize(node)?.display().to_string();
        for id in ["3c", "3d"] {
            let words = format!(
                "challenge {id} --bin {node} --clock virtual --host traced --time-limit 30 \
                 --step-timeout 60"
            );
            let (took, peak) = run(kolk, &words.split_whitespace().collect::<Vec<_>>())?;
            let share = took.as_secs_f64() / 30.0;
            println!("{id} {node}: {:.2} s, {share:.3} of 30 s, {peak:.0} MB", took.as_secs_f64());
        }
    }
    Ok(())
}

/// What kolk takes for a run and for one ten times as long, in which as much happens.
fn memory(kolk: &str) -> Done {
    let node = std::env::current_exe()?.with_file_name("echo-kolk-node");
    let node = node.display().to_string();
    for (limit, rate) in [("60", "20"), ("600", "2"), ("600", "20")] {
        let words = format!(
            "test -w echo --bin {node} --clock virtual --host traced --node-count 1 --rate {rate} \
             --time-limit {limit} --step-timeout 60"
        );
        let (_, peak) = run(kolk, &words.split_whitespace().collect::<Vec<_>>())?;
        println!("{limit} s at {rate} a second: {peak:.1} MB");
    }
    Ok(())
}
