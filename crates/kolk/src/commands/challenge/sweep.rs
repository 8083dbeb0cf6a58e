//! A challenge's run under many seeds.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kolk_check::Validity;
use kolk_engine::{Ending, Flow, Patience, Progress};
use kolk_history::Plan;
use kolk_report::challenge::{self as drawing, Measured, Seeds};
use kolk_report::numbers;
use kolk_workload::challenge::{self, ChallengeRun, Limit};
use serde_json::json;

use crate::progress::Bar;
use crate::status::Stop;
use crate::{runner, signals};

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The seed.
    pub seed: u64,
    /// What the checkers say.
    pub validity: Validity,
    /// What was measured, one for each of the run's limits.
    pub values: Vec<Option<f64>>,
}

impl Tried {
    /// True if it is valid and every limit holds.
    pub fn holds(&self, run: &ChallengeRun) -> bool {
        let within = |(limit, value): (&Limit, &Option<f64>)| {
            limit.below.is_none() || value.is_some_and(|value| limit.holds(value))
        };
        self.validity == Validity::Valid && run.limits.iter().zip(&self.values).all(within)
    }
}

/// What came of all of them, in the order of their seeds.
pub struct Sweep {
    tried: Vec<Tried>,
    wall: Duration,
}

impl Sweep {
    /// The same with a seed that was run before, and comes first.
    #[must_use]
    pub fn after(self, first: Tried, wall: Duration) -> Sweep {
        let tried = [vec![first], self.tried].concat();
        Sweep { tried, wall: self.wall + wall }
    }

    /// The first seed that does not hold.
    pub fn first_that_fails(&self, run: &ChallengeRun) -> Option<u64> {
        self.tried.iter().find(|tried| !tried.holds(run)).map(|tried| tried.seed)
    }

    /// The run as it is drawn: the worst validity, the worst and the mean of each measure.
    pub fn drawn(&self, id: &str, run: &ChallengeRun, is_built_in: bool) -> drawing::ChallengeRun {
        let validity = self.tried.iter().map(|tried| tried.validity).max();
        let measures = run.limits.iter().enumerate().map(|(place, limit)| {
            let spread = self.spread(place);
            let worst = spread.map(|spread| spread.max);
            let mean = spread.map(|spread| spread.mean);
            Measured { mean, ..super::measured(limit, worst, is_built_in) }
        });
        let held = self.tried.iter().filter(|tried| tried.holds(run)).count();
        drawing::ChallengeRun {
            id: id.to_owned(),
            is_ours: challenge::is_our_run(id, run),
            name: run.name.to_owned(),
            validity: validity.unwrap_or(Validity::Unknown),
            claim: None,
            measures: measures.collect(),
            time: numbers::duration(self.wall),
            folder: String::new(),
            seeds: Some(Seeds {
                run: self.tried.len() as u32,
                held: held as u32,
                first_failed: self.first_that_fails(run),
            }),
        }
    }

    /// The same as a line of JSON.
    pub fn json(&self, id: &str, run: &ChallengeRun) -> String {
        let measures = run.limits.iter().enumerate().map(|(place, limit)| {
            let spread = self.spread(place);
            json!({
                "name": limit.measure.text(),
                "unit": limit.measure.unit(),
                "below": limit.below,
                "goal": limit.goal,
                "least": spread.map(|spread| spread.min),
                "mean": spread.map(|spread| spread.mean),
                "greatest": spread.map(|spread| spread.max),
            })
        });
        let failed = self.tried.iter().filter(|tried| !tried.holds(run));
        let failed = failed.map(|tried| format!("{:#x}", tried.seed));
        let line = json!({
            "challenge": id,
            "kolks-own": challenge::is_our_run(id, run),
            "run": run.name,
            "seeds": self.tried.len(),
            "failed": failed.collect::<Vec<_>>(),
            "measures": measures.collect::<Vec<_>>(),
        });
        format!("{line}\n")
    }

    /// A measure over the seeds on which there was something to measure.
    fn spread(&self, place: usize) -> Option<Spread> {
        let values = self.tried.iter().filter_map(|tried| tried.values[place]);
        let (mut count, mut sum) = (0.0, 0.0);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            count += 1.0;
            sum += value;
            min = value.min(min);
            max = value.max(max);
        }
        (count > 0.0).then(|| Spread { min, mean: sum / count, max })
    }
}

#[derive(Clone, Copy, Debug)]
struct Spread {
    min: f64,
    mean: f64,
    max: f64,
}

/// Carries out the plans, which differ in their seeds alone, and judges what came of them: as many
/// at a time as there are cores if time is simulated. Once a signal has come, those that are
/// finished.
///
/// # Errors
///
/// If one of them could not be carried out: the first such seed, and why.
pub fn sweep(
    run: &ChallengeRun,
    plans: &[Plan],
    patience: Patience,
    bar: &Bar,
) -> Result<Sweep, (u64, Box<Stop>)> {
    let began = runner::now();
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let all_virtual = plans.iter().all(runner::is_deterministic);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(plan) = plans.get(number) else { return };
            let tried =
                one(run, plan, patience).map_err(|stop| (plan.seed, Box::new(stop))).transpose();
            let Ok(mut done) = done.lock() else { return };
            let Some(tried) = tried else { return };
            if tried.is_err() {
                next.store(plans.len(), Ordering::Relaxed);
            }
            done.push((number, tried));
            bar.count(done.len(), plans.len());
        }
    };
    thread::scope(|scope| {
        for _ in 1..if all_virtual { cores } else { 1 } {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    let tried = done.into_iter().map(|(_, tried)| tried).collect::<Result<_, _>>()?;
    Ok(Sweep { tried, wall: began.elapsed() })
}

/// One seed; nothing if it was interrupted.
fn one(run: &ChallengeRun, plan: &Plan, patience: Patience) -> Result<Option<Tried>, Stop> {
    if signals::stop_wanted() {
        return Ok(None);
    }
    let mut watch = |_: &Progress<'_>| {
        if signals::stop_wanted() { Flow::Stop } else { Flow::Continue }
    };
    let ran = runner::run_in_memory(plan, false, patience, &mut watch)?;
    if ran.ending == Ending::Interrupted {
        return Ok(None);
    }
    let verdict = runner::judge(plan, &ran);
    let value = |limit: &Limit| limit.measure.value(&verdict, &ran.history, &ran.summary);
    let values = run.limits.iter().map(value).collect();
    Ok(Some(Tried { seed: plan.seed, validity: verdict.validity, values }))
}
