//! Starting a program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::ptrace::{self, Options};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_getfd,
    pidfd_open,
};

use super::Shared;
use super::core::Core;
use super::launch::{CANNOT_EXECUTE, FOLLOWED, LAUNCH, NO_FILTER, REPORT_BYTES};
use super::pipes::Pipes;
use super::stop::{Stop, Way, decode, go, nix_pid, registers, wait_at_most};
use super::task::Thread;
use crate::fell_through::Cause;
use crate::{Ended, Settings, SpawnError};

/// Variables that a program finds unless the environment says otherwise. The order of Perl's hashes
/// depends on how they and others, such as that of the environment, came to be; with this, on their
/// keys and the seed alone.
const DEFAULTS: &[(&str, &str)] = &[("PERL_PERTURB_KEYS", "0")];

/// How long the launcher may take to stop, and then to become the program.
const START_MAX: Duration = Duration::from_secs(60);
const SLOW: &str = "it took longer than a minute";

/// A child that is killed unless it is kept.
struct Launcher(Option<Child>);

impl Drop for Launcher {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(super) fn start(shared: Rc<Shared>, settings: Settings) -> Result<Core, SpawnError> {
    let system = |what| move |source| SpawnError::System { what, source };
    let own = match settings.launcher {
        Some(path) => path,
        None => std::env::current_exe().map_err(system("cannot find this program"))?,
    };
    let processor = shared.processor.map_or("-".to_owned(), |cpu| cpu.to_string());
    let mut command = Command::new(own);
    let (followed, files) = settings.files.unzip();
    let word =
        FOLLOWED.iter().find(|(_, one)| followed == Some(*one)).map_or("-", |(word, _)| word);
    command.arg(LAUNCH).arg(processor).arg(word).arg(&settings.program).args(&settings.args);
    let defaults = DEFAULTS.iter().map(|(key, value)| (key.into(), value.into()));
    let variables = defaults.chain(std::env::vars_os()).chain(settings.env);
    command.env_clear().envs(environment(variables));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    if let Some(folder) = settings.folder {
        command.current_dir(folder);
    }
    if let Some(stderr) = settings.stderr {
        command.stderr(stderr);
    }
    let child = command.spawn().map_err(system("cannot start the launcher"))?;
    let pid = child.id() as i32;
    let mut launcher = Launcher(Some(child));
    let child = launcher.0.as_mut().expect("it is there");
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(stdin), Some(mut stdout)) = (stdin, stdout) else {
        return Err(system("the launcher has no pipes")(io::ErrorKind::BrokenPipe.into()));
    };
    let Some(status) = wait_at_most(pid, WaitOptions::UNTRACED, START_MAX) else {
        return Err(SpawnError::Launcher(SLOW.into()));
    };
    if decode(status) != Stop::Signal(libc::SIGSTOP) {
        launcher.0 = None;
        return Err(SpawnError::Launcher(format!("it did not stop: wait status {status:#x}")));
    }
    // It has written its report, or never will.
    fcntl_getfl(&stdout)
        .and_then(|flags| fcntl_setfl(&stdout, flags | OFlags::NONBLOCK))
        .map_err(|error| system("cannot set up a pipe")(error.into()))?;
    let mut report = [0; REPORT_BYTES];
    stdout.read_exact(&mut report).map_err(system("the launcher gave no report"))?;
    let options = Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEVFORKDONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACESYSGOOD;
    ptrace::seize(nix_pid(pid), options).map_err(|error| SpawnError::NotAllowed {
        what: "a child may not be traced",
        source: error.into(),
    })?;
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, Signal::CONT);
    }
    follow_to_exec(pid, &mut stdout)?;
    let pipes =
        Pipes::new(stdin, stdout).map_err(|error| system("cannot set up a pipe")(error.into()))?;
    let mut core = Core::new(
        shared,
        pid,
        pipes,
        settings.seed,
        settings.order,
        settings.patience,
        can_duplicate(),
    );
    core.files = files;
    let number = core.take_number();
    core.add_process(number, pid, 0, None).map_err(system("cannot look into the program"))?;
    launcher.0 = None;
    let regs = registers(pid).ok_or_else(|| SpawnError::Launcher("it is gone".into()))?;
    core.threads.insert(number, Thread::new(pid, number, regs));
    core.by_tid.insert(pid, number);
    core.queue.push_back(number);
    core.set_up_program(number);
    if report[0] == 0 {
        core.fell_through.add(Cause::Addresses);
    }
    if report[1] == 0 {
        core.fell_through.add(Cause::TimeStampCounter);
    }
    Ok(core)
}

/// The environment, sorted, and filled up to a round number of variables and bytes: where things
/// lie in a program's memory, and when it collects garbage, must not depend on the shell that kolk
/// was started from.
fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    const VARIABLES: usize = 64;
    const BYTES: usize = 1 << 14;
    let mut all: BTreeMap<OsString, OsString> = variables.collect();
    let filler = |number: usize| OsString::from(format!("KOLK_FILLER_{number:04}"));
    let count = (all.len() + 1).next_multiple_of(VARIABLES) - all.len();
    all.extend((0..count).map(|number| (filler(number), OsString::new())));
    // Each has an equals sign and a zero.
    let bytes: usize = all.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
    let missing = bytes.next_multiple_of(BYTES) - bytes;
    all.insert(filler(0), "x".repeat(missing).into());
    all
}

/// Lets the launcher run until it has become the program.
fn follow_to_exec(pid: i32, stdout: &mut impl Read) -> Result<(), SpawnError> {
    loop {
        let Some(status) = wait_at_most(pid, WaitOptions::empty(), START_MAX) else {
            return Err(SpawnError::Launcher(SLOW.into()));
        };
        match decode(status) {
            Stop::Exec => return Ok(()),
            Stop::Ended(Ended::Exit(status)) => {
                let mut number = [0; 4];
                let _ = stdout.read_exact(&mut number);
                let source = io::Error::from_raw_os_error(i32::from_le_bytes(number));
                return Err(match status {
                    CANNOT_EXECUTE => SpawnError::Execute(source),
                    NO_FILTER => {
                        SpawnError::NotAllowed { what: "a seccomp filter is refused", source }
                    }
                    _ => SpawnError::Launcher(format!("exit status {status}")),
                });
            }
            Stop::Ended(how) => return Err(SpawnError::Launcher(format!("{how:?}"))),
            Stop::Signal(signal) if signal != libc::SIGSTOP && signal != libc::SIGCONT => {
                go(pid, Way::On, Some(signal));
            }
            _ => go(pid, Way::On, None),
        }
    }
}

/// Whether this process may duplicate descriptors of others. Containers often forbid it.
fn can_duplicate() -> bool {
    pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|own| pidfd_getfd(own, 0, PidfdGetfdFlags::empty()))
        .is_ok_and(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_of_about_the_same_size_have_the_same() {
        let size = |pairs: &[(&str, &str)]| {
            let given = pairs.iter().map(|(key, value)| (key.into(), value.into()));
            let all = environment(given);
            for (key, value) in pairs {
                assert_eq!(all.get(&OsString::from(key)), Some(&OsString::from(value)));
            }
            let bytes = all.iter().map(|(key, value)| key.len() + value.len() + 2);
            (all.len(), bytes.sum::<usize>())
        };
        assert_eq!(size(&[]), (64, 1 << 14));
        assert_eq!(size(&[("A", "1"), ("PATH", "/usr/bin:/bin")]), (64, 1 << 14));
        assert_eq!(size(&[("A", &"x".repeat(20_000))]), (64, 2 << 14));
    }
}
