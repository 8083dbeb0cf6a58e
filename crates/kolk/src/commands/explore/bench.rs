//! Where plans are carried out that are explored.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kolk_engine::{Ending, Flow, Patience, Progress, Run};
use kolk_explore::{Halt, Lab, Observation};
use kolk_history::Plan;
use kolk_history::plan::ClockKind;
use kolk_history::summary::{Violation, ViolationKind};
use kolk_report::numbers::grouped;
use kolk_workload::planner::Settings;

use crate::args::PatienceArgs;
use crate::progress::Bar;
use crate::runner::RunError;
use crate::status::Stop;
use crate::{runner, signals};

/// How many runs in a row that cannot be carried out make an end, if there was no other.
const ERRORS_MAX: u64 = 3;

/// True if a node did not answer in time, as it may not on a busy machine.
fn is_late(run: &Run) -> bool {
    let is_late = |last: &Violation| last.kind == ViolationKind::NeverIdle;
    matches!(run.ending, Ending::NodeFailed { .. })
        && run.summary.violations.last().is_some_and(is_late)
}

/// In-process, in lockstep or on the machine's clock, as plans say, until the time is up or a
/// signal comes.
pub struct Bench<'a> {
    bar: &'a Bar,
    /// How long a program may take.
    pub patience: Patience,
    end: Option<Instant>,
    /// How many runs there will be, if that is known.
    of: Option<u64>,
    cores: usize,
    began: Instant,
    done: AtomicU64,
    failed: AtomicU64,
    /// Runs that could not be carried out.
    errors: AtomicU64,
    /// After how many of those, and no other run, there is an end.
    errors_max: u64,
}

impl<'a> Bench<'a> {
    /// One for runs of these settings.
    pub fn new(
        bar: &'a Bar,
        patience: PatienceArgs,
        time: Option<Duration>,
        of: Option<u64>,
        settings: &Settings,
    ) -> Bench<'a> {
        let bench = Bench::with_clock(bar, patience.into(), time, settings.clock);
        let errors_max = of.unwrap_or(ERRORS_MAX).clamp(1, ERRORS_MAX);
        Bench { of, errors_max, ..bench }
    }

    /// One for plans like this.
    pub fn of_plan(
        bar: &'a Bar,
        patience: PatienceArgs,
        time: Option<Duration>,
        plan: &Plan,
    ) -> Bench<'a> {
        Bench::with_clock(bar, patience.into(), time, plan.clock)
    }

    fn with_clock(
        bar: &'a Bar,
        patience: Patience,
        time: Option<Duration>,
        clock: ClockKind,
    ) -> Bench<'a> {
        let began = runner::now();
        // Programs on the machine's clock would take each other's time.
        let cores = match clock {
            ClockKind::Virtual => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            ClockKind::Real => 1,
        };
        Bench {
            bar,
            patience,
            end: time.map(|time| began + time),
            of: None,
            cores,
            began,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            errors_max: 1,
        }
    }

    /// The same without an end.
    pub fn without_end(&self) -> Bench<'a> {
        let [done, failed, errors] = [0; 3].map(AtomicU64::new);
        Bench { end: None, done, failed, errors, ..*self }
    }

    /// Carries out a plan.
    fn once(&self, plan: &Plan) -> Result<Run, RunError> {
        let mut watch = |_: &Progress<'_>| {
            if signals::stop_wanted() { Flow::Stop } else { Flow::Continue }
        };
        runner::run_traced(plan, self.patience, &mut watch)
    }

    fn show(&self, seen: &Observation) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let failed = self.failed.fetch_add(u64::from(seen.fails()), Ordering::Relaxed)
            + u64::from(seen.fails());
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let of = self.of.map(|of| format!(" of {}", grouped(of))).unwrap_or_default();
        let failed =
            if failed > 0 { format!(", {} failed", grouped(failed)) } else { String::new() };
        let text = format!("{} runs{of}{failed} ({rate:.0}/s)", grouped(done));
        let (place, length) = match (self.of, self.end) {
            (Some(of), _) => (done, of),
            (None, Some(end)) => (
                self.began.elapsed().as_millis() as u64,
                end.duration_since(self.began).as_millis() as u64,
            ),
            (None, None) => (0, 1),
        };
        self.bar.place(place, length, || text);
    }
}

impl Lab for Bench<'_> {
    /// Boxed, for it is large and never there.
    type Error = Box<Stop>;

    /// A busy machine can make a program late: such a run is tried once more, and only then is it
    /// an error or a failure.
    fn run(&self, plan: &Plan, detail: bool) -> Result<Observation, Halt<Box<Stop>>> {
        let mut tried = self.once(plan);
        if tried.as_ref().is_ok_and(is_late) || tried.as_ref().is_err_and(RunError::may_pass) {
            if signals::stop_wanted() {
                return Err(Halt::Interrupted);
            }
            tried = self.once(plan);
        }
        let seen = match tried {
            Ok(run) if run.ending == Ending::Interrupted => return Err(Halt::Interrupted),
            Ok(run) => super::seen(plan, &run, detail),
            Err(_) if signals::stop_wanted() => return Err(Halt::Interrupted),
            Err(error) => {
                let errors = self.errors.fetch_add(1, Ordering::Relaxed) + 1;
                let may_pass = error.may_pass();
                // Where nothing but errors comes, there is nothing to explore.
                let is_rule = self.done.load(Ordering::Relaxed) == 0 && errors >= self.errors_max;
                if is_rule || !may_pass {
                    return Err(Halt::Failed(Box::new(error.into_stop())));
                }
                return Ok(Observation::error(error.text()));
            }
        };
        self.show(&seen);
        Ok(seen)
    }

    fn is_over(&self) -> bool {
        signals::stop_wanted() || self.end.is_some_and(|end| runner::now() >= end)
    }

    fn cores(&self) -> usize {
        self.cores
    }
}
