//! Separate programs on the virtual clock: one line in, everything it sends, and one `idle` out.

use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use kolk_history::summary::{Unrepeatable, ViolationKind};
use kolk_node::Outputs;
use kolk_node::storage::{Disk, DiskEvent, Record};
use kolk_protocol::lockstep::CLOCK;
use kolk_protocol::message::Line;
use kolk_protocol::{Time, write_line};
use rustix::event::{PollFd, PollFlags, poll};
use serde::Deserialize;
use std::os::fd::AsFd;

use super::process::UNENDED;
use super::timespec::timespec;
use super::words::last_lines;
use super::{Program, ProgramEvent, disks, given_up};
use crate::host::{
    Given, Host, HostFailure, INIT_TIMEOUT, LastWords, NO_LOCKSTEP, Nature, shorten,
};
use crate::logs::Bounded;
use crate::run::{EngineError, Patience};

/// How often a pipe is tried again before the thread goes to sleep on it: a node that answers at
/// once is met awake, which saves a trip through the scheduler. On a busy machine each try is such
/// a trip, and a few milliseconds long.
const SPINS: u32 = 200;
const SPIN_MAX: Duration = Duration::from_millis(1);

/// How much a program may write in one step, and how many lines of it may be no messages.
const STEP_BYTES_MAX: usize = 64 << 20;
const NOISE_MAX: usize = 1000;
/// How long a program is waited for at a time: how late a stop may be noticed, and how long one
/// that has closed its stdin is given to end, each time it is looked at.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// For how many steps' patience a program is waited for beyond its own, that wants to run and gets
/// no processor.
const STARVED_STEPS_MAX: u32 = 10;

/// Programs in lockstep.
pub(crate) struct LockstepHost {
    programs: Vec<Program>,
    /// Their logs, which grow while a step is waited for.
    logs: Vec<Rc<Bounded>>,
    /// How long a step may take by the wall clock, and who may end it.
    patience: Patience,
    /// When a program was last given its line, or became idle. Those that are stepped side by side
    /// wait together: the watchdog barks when none of them gets anywhere.
    progress: Instant,
    /// Somebody wants the run to stop, and a step was given up for it.
    stopped: bool,
    /// Failures of `begin`, reported by `finish`.
    failed: Vec<Option<HostFailure>>,
    /// Their disks, made again.
    shadows: Vec<disks::Shadow>,
    /// Files that they keep without the node library.
    files: disks::Files,
}

#[derive(Deserialize)]
struct IdleBody {
    /// It may be null, but not be left out: a misspelt key would be a timer that never fires.
    #[serde(deserialize_with = "Option::deserialize")]
    wake_at: Option<u64>,
}

impl LockstepHost {
    #[expect(clippy::disallowed_methods, reason = "the watchdog guards the wall clock's time")]
    pub(crate) fn new(
        programs: Vec<Program>,
        logs: Vec<Rc<Bounded>>,
        patience: Patience,
    ) -> LockstepHost {
        let count = programs.len();
        LockstepHost {
            programs,
            logs,
            patience,
            progress: Instant::now(),
            stopped: false,
            failed: vec![None; count],
            shadows: (0..count).map(|_| disks::Shadow::default()).collect(),
            files: disks::Files::default(),
        }
    }

    /// A node's disk, made again.
    fn disk(&mut self, node: u16) -> &Disk {
        let number = usize::from(node);
        self.shadows[number].catch_up(&self.programs[number].recipe.data)
    }
}

impl Host for LockstepHost {
    fn nature(&self) -> Nature {
        Nature {
            is_virtual: true,
            offers_lockstep: true,
            is_concurrent: true,
            init_patience: INIT_TIMEOUT,
            step_patience: Some(self.patience.step),
            patience_flag: Some("--step-timeout"),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the watchdog guards the wall clock's time")]
    fn begin(&mut self, node: u16, given: Given<'_>) {
        let program = &mut self.programs[usize::from(node)];
        // Whatever is there before the line is written was written outside a step.
        if matches!(program.read(), ProgramEvent::Read) || program.lines.rest() > 0 {
            let line = program.words().stdout().pop().unwrap_or_default();
            let failure = HostFailure::plain(
                ViolationKind::OutputOutsideStep,
                "wrote to stdout after it had said it was idle".into(),
                "After `idle` nothing in the node may act before the next line or `wake_at`. \
                 Timers and threads of its own must run on the virtual clock."
                    .into(),
            );
            self.failed[usize::from(node)] = Some(failure.with_line(&line, None));
            return;
        }
        let name = program.name().to_owned();
        let at = Some(given.now.as_nanos());
        match given.message {
            Some((src, body)) => {
                write_line(program.pending(), given.id, at, src, &name, body.json.as_bytes());
            }
            None => {
                write_line(program.pending(), None, at, CLOCK, &name, br#"{"type":"wake"}"#);
            }
        }
        program.flush();
        self.progress = Instant::now();
    }

    #[expect(clippy::disallowed_methods, reason = "the watchdog guards the wall clock's time")]
    fn finish(
        &mut self,
        node: u16,
        given: Given<'_>,
        _: &mut Outputs,
        lines: &mut Vec<u8>,
    ) -> Result<Option<Time>, HostFailure> {
        if let Some(failure) = self.failed[usize::from(node)].take() {
            return Err(failure);
        }
        let program = &mut self.programs[usize::from(node)];
        let since = self.progress;
        let (mut step_bytes, mut noise) = (0, 0);
        loop {
            while let Some(range) = program.lines.next_line() {
                step_bytes += range.len();
                if step_bytes > STEP_BYTES_MAX || noise > NOISE_MAX {
                    return Err(endless_step(program, range, step_bytes, noise));
                }
                let bytes = program.lines.line(range);
                match Line::parse(bytes) {
                    Ok(line) if line.dest == CLOCK && line.src == program.name() => {
                        self.progress = Instant::now();
                        return idle(&line, bytes).map(|wake_at| wake_at.map(Time::from_nanos));
                    }
                    Ok(line) if !given.is_started => refuse_ignorant(&line)?,
                    Ok(_) => {}
                    Err(_) => noise += usize::from(!bytes.trim_ascii().is_empty()),
                }
                lines.extend_from_slice(bytes);
                lines.push(b'\n');
            }
            if let Some(failure) = program.overrun() {
                return Err(failure);
            }
            if !await_output(program, &self.logs, &self.patience, since, given)? {
                self.stopped = true;
                return Ok(None);
            }
        }
    }

    fn kill(&mut self, node: u16) -> Vec<u8> {
        self.programs[usize::from(node)].kill()
    }

    fn lose_power(&mut self, node: u16, seed: u64) -> Result<(), EngineError> {
        self.disk(node).lose_power(seed);
        self.programs[usize::from(node)].lose_power(seed)
    }

    fn syncs(&mut self, node: u16) -> u64 {
        self.disk(node).syncs()
    }

    fn watch_disks(&mut self) {
        self.shadows.iter_mut().for_each(disks::Shadow::watch);
    }

    fn disk_events(&mut self, node: u16) -> Vec<DiskEvent> {
        self.disk(node).take_events()
    }

    fn disturb_disk(&mut self, node: u16, fault: Record) -> Result<(), EngineError> {
        let folder = &self.programs[usize::from(node)].recipe.data;
        // The files of a program that does not use the node library are what they are.
        if matches!(fault, Record::Corrupt(_)) {
            self.files.disturb(node, folder, &fault)?;
        }
        disks::tell(folder, &fault)?;
        self.disk(node).disturb(fault);
        Ok(())
    }

    fn harms(&mut self, node: u16) -> u64 {
        let of_files = self.files.harms(node, &self.programs[usize::from(node)].recipe.data);
        of_files + self.disk(node).harms()
    }

    fn restart(&mut self, node: u16, _: u64) -> Result<(), EngineError> {
        self.programs[usize::from(node)].restart()
    }

    fn words(&self, node: u16) -> Option<Box<dyn LastWords + '_>> {
        self.programs.get(usize::from(node)).map(|program| program.words().boxed())
    }

    fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn unrepeatable(&self) -> Vec<Unrepeatable> {
        let of = |program: &Program| {
            let what = given_up(program.given_up?);
            Some(Unrepeatable { node: program.name().to_owned(), what })
        };
        self.programs.iter().filter_map(of).collect()
    }
}

/// Fails at once if a line is the `init_ok` of a node that knows nothing of lockstep: it would
/// never say that it is idle.
fn refuse_ignorant(line: &Line<'_>) -> Result<(), HostFailure> {
    if line.body.kind == "init_ok" && !line.body.json.contains("\"lockstep\"") {
        let (problem, advice) = NO_LOCKSTEP;
        return Err(HostFailure::plain(ViolationKind::NeverIdle, problem.into(), advice.into()));
    }
    Ok(())
}

/// Reads the `idle` that ends a step: when the node wants to be woken.
fn idle(line: &Line<'_>, bytes: &[u8]) -> Result<Option<u64>, HostFailure> {
    match serde_json::from_str::<IdleBody>(line.body.json) {
        Ok(idle) if line.body.kind == "idle" => Ok(idle.wake_at),
        _ => Err(HostFailure::plain(
            ViolationKind::NotAMessage,
            "`clock` takes only {\"type\":\"idle\",\"wake_at\":…}".into(),
            "`wake_at` is an integer, virtual nanoseconds, or null.".into(),
        )
        .with_line(&String::from_utf8_lossy(bytes), None)),
    }
}

/// Reads more from a program, or fails if it has closed its stdout or the watchdog barks. Returns
/// false if somebody wants the run to stop.
#[expect(clippy::disallowed_methods, reason = "programs on pipes take the wall clock's time")]
fn await_output(
    program: &mut Program,
    logs: &[Rc<Bounded>],
    patience: &Patience,
    since: Instant,
    given: Given<'_>,
) -> Result<bool, HostFailure> {
    let (mut spins, began) = (0, Instant::now());
    let mut starved: Option<Duration> = None;
    loop {
        match program.read() {
            ProgramEvent::Read => return Ok(true),
            ProgramEvent::Closed => return Err(program.closed_failure()),
            ProgramEvent::Nothing => {}
        }
        if program.has_pending() {
            program.flush();
        } else if spins < SPINS && began.elapsed() < SPIN_MAX {
            spins += 1;
            std::thread::yield_now();
            continue;
        }
        if (patience.stop_wanted)() {
            return Ok(false);
        }
        for log in logs {
            log.look();
        }
        // Time in which it could have run and was given no processor is not its own.
        let passed = since.elapsed();
        if passed >= WAIT_MAX && starved.is_none() {
            starved = Some(program.starved());
        }
        let waited = if passed < patience.step {
            passed
        } else {
            let lost = program.starved().saturating_sub(starved.unwrap_or_default());
            passed.saturating_sub(lost.min(patience.step * STARVED_STEPS_MAX))
        };
        if waited >= patience.step {
            program.given_up = Some(patience.step);
            let unended = program.unended_failure(Duration::ZERO);
            return Err(unended.unwrap_or_else(|| never_idle(program, patience.step, given)));
        }
        if let Some(failure) = program.deaf_failure() {
            return Err(failure);
        }
        if let Some(failure) = program.unended_failure(UNENDED) {
            return Err(failure);
        }
        let Some(stdout) = &program.stdout else { continue };
        let mut descriptors = vec![PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
        if let Some(stdin) = &program.stdin {
            // That nobody reads it any more is reported without being asked for.
            let wanted = if program.has_pending() { PollFlags::OUT } else { PollFlags::empty() };
            descriptors.push(PollFd::from_borrowed_fd(stdin.as_fd(), wanted));
        }
        // An interrupted wait is a short one.
        let wait = (patience.step - waited).min(WAIT_MAX);
        let _ = poll(&mut descriptors, Some(&timespec(wait)));
    }
}

/// A step goes beyond its bound with this line, whatever else was read by then.
fn endless_step(program: &Program, line: Range<usize>, bytes: usize, noise: usize) -> HostFailure {
    let what = match noise {
        0..=NOISE_MAX => format!("{} MiB", bytes >> 20),
        _ => format!("{noise} lines that are no messages"),
    };
    let problem = format!("wrote {what} in one step, and is not idle yet");
    let advice =
        "In lockstep a node ends its reaction to every line with one `idle` line to `clock`.";
    let mut failure = HostFailure::plain(ViolationKind::Overrun, problem, advice.to_owned());
    failure.violation.stderr = program.words().stderr();
    failure.violation.stdout = last_lines(program.lines.line(line));
    failure
}

fn never_idle(program: &Program, patience: Duration, given: Given<'_>) -> HostFailure {
    let reacting_to = match given.message {
        Some((src, body)) => format!("a message from {src}: {}", shorten(body.json)),
        None => "a wake".to_owned(),
    };
    let problem = format!("did not become idle within {} s", patience.as_secs_f64());
    let advice = format!(
        "In lockstep a node ends its reaction to every line with one `idle` line to `clock`. It \
         was given {reacting_to}"
    );
    program.words().told(HostFailure::plain(ViolationKind::NeverIdle, problem, advice))
}
