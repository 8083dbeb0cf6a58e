//! What a plan may hold, wherever it comes from: made from flags a moment ago, or read from a file
//! that somebody sent.
//!
//! Everything that is later taken on trust is bounded here, and nowhere else.

use kolk_engine::faults::CLOCK_SPEEDS;
use kolk_history::Plan;
use kolk_history::plan::{ClockChange, ClockKind, Fault, FaultKind, Targets, TriggerEvent};

use super::{Concurrency, PlanError};
use crate::registry;

/// The longest load, in seconds: a day and a half of simulated time.
pub const TIME_LIMIT_MAX: f64 = 131_072.0;

/// The most workers that a run may have: process numbers, which grow by the concurrency with each
/// operation of unknown outcome, must not run out.
pub const WORKERS_MAX: u32 = 100_000;

/// The lowest rate but 0, in operations a second: there is one in eleven days, which is longer than
/// any load.
pub const RATE_MIN: f64 = 1e-6;

/// The highest rate, in operations a second: one each nanosecond, which is as finely as time goes.
pub const RATE_MAX: f64 = 1e9;

/// The longest mean latency, in milliseconds: an hour.
pub const LATENCY_MAX: f64 = 3_600_000.0;

/// The most faults that a stored plan may hold: a shorter interval between drawn ones than the
/// planner allows would give more.
pub const FAULTS_MAX: usize = 1 << 20;

/// How many times slower a link may get.
pub const FACTOR_MAX: u32 = 10_000;

/// How far a clock may jump, in nanoseconds.
const JUMP_MAX: u64 = TIME_LIMIT_MAX as u64 * 1_000_000_000;

/// What is said of a load's length that is none.
pub(super) const TIME_LIMIT: &str = "above 0 and at most 131072 s";

/// The number, if it fits.
pub(super) fn in_range(
    flag: &'static str,
    range: &'static str,
    value: f64,
    fits: bool,
) -> Result<f64, PlanError> {
    if value.is_finite() && fits { Ok(value) } else { Err(PlanError::Range { flag, range, value }) }
}

/// Checks that a plan can be carried out, as far as that shows before a node is started.
///
/// # Errors
///
/// [`PlanError`], for the first thing that is wrong.
pub fn check(plan: &Plan) -> Result<(), PlanError> {
    drop(registry::by_name(&plan.workload.name, &plan.workload.settings, &plan.nodes)?);
    if plan.concurrency == 0 || plan.concurrency > WORKERS_MAX {
        return Err(PlanError::ConcurrencyRange);
    }
    check_groups(&plan.workload.name, plan.concurrency, plan.nodes.len())?;
    let rate = plan.rate;
    let fits = rate == 0.0 || (RATE_MIN..=RATE_MAX).contains(&rate);
    in_range("--rate", "0, or 0.000001 to 1e9", rate, fits)?;
    let seconds = plan.time_limit as f64 / 1e9;
    in_range("--time-limit", TIME_LIMIT, seconds, seconds > 0.0 && seconds <= TIME_LIMIT_MAX)?;
    let network = &plan.network;
    let fits = (0.0..=LATENCY_MAX).contains(&network.latency);
    in_range("--latency", "0 to 3600000 ms", network.latency, fits)?;
    for (flag, value) in [("--loss", network.loss), ("--duplication", network.duplication)] {
        in_range(flag, "0 to 1", value, (0.0..=1.0).contains(&value))?;
    }
    if plan.availability.is_some_and(|fraction| !(0.0..=1.0).contains(&fraction)) {
        return Err(PlanError::Availability);
    }
    if plan.faults.len() > FAULTS_MAX {
        let problem = format!("is one too many: there may be {FAULTS_MAX}");
        return Err(PlanError::Fault { number: FAULTS_MAX, problem });
    }
    for (number, fault) in plan.faults.iter().enumerate() {
        if let Some(problem) = fault_problem(plan, fault) {
            return Err(PlanError::Fault { number, problem });
        }
    }
    for fate in &plan.exceptions.fates {
        let longest = (LATENCY_MAX * 1e6) as u64;
        if fate.latency.max(fate.duplicate.unwrap_or_default()) > longest {
            let problem = "give a message a latency of more than an hour".to_owned();
            return Err(PlanError::Exceptions(problem));
        }
    }
    Ok(())
}

/// What is wrong with a fault, as a verb phrase.
fn fault_problem(plan: &Plan, fault: &Fault) -> Option<String> {
    if fault.begin > fault.end {
        return Some("ends before it begins".to_owned());
    }
    if fault.end > plan.time_limit {
        return Some("ends after the load".to_owned());
    }
    if let FaultKind::Slow { factor, .. } = fault.kind
        && !(2..=FACTOR_MAX).contains(&factor)
    {
        return Some(format!("makes links {factor} times slower: it must be 2 to {FACTOR_MAX}"));
    }
    if matches!(fault.kind, FaultKind::Power(_)) && plan.clock == ClockKind::Real {
        return Some("is a loss of power, which there is on the virtual clock only".to_owned());
    }
    match fault.on.as_ref().map(|on| &on.event) {
        Some(TriggerEvent::Sync { .. }) if plan.clock == ClockKind::Real => {
            return Some("waits for a sync, which is seen on the virtual clock only".to_owned());
        }
        Some(
            TriggerEvent::Stderr { node: Some(node), .. }
            | TriggerEvent::Leader { node: Some(node) }
            | TriggerEvent::Sync { node: Some(node) },
        ) if !plan.nodes.contains(node) => {
            return Some(format!("waits for `{}`, which is no node", node.escape_debug()));
        }
        _ => {}
    }
    // Who that is shows with the event; faults of clocks and disks are not told then.
    let (targets, is_told) = match &fault.kind {
        FaultKind::Clock { targets, .. } | FaultKind::Disk { targets, .. } => {
            (Some(targets), false)
        }
        kind => (kind.targets(), fault.on.is_some()),
    };
    if let Some(Targets { targets, nodes }) = targets
        && nodes.is_empty()
        && !is_told
        && [Targets::OTHERS, Targets::TRIGGER].contains(&targets.as_str())
    {
        return Some(format!("hits `{targets}`, and waits for no event that says who that is"));
    }
    match &fault.kind {
        FaultKind::Clock { .. } if plan.clock == ClockKind::Real => {
            return Some("is of clocks, which are wrong on the virtual clock only".to_owned());
        }
        FaultKind::Clock { change: ClockChange::Jump(ahead), .. } if *ahead > JUMP_MAX => {
            return Some("has clocks jump by more than a day and a half".to_owned());
        }
        FaultKind::Clock { change: ClockChange::Speed(speed), .. }
            if !CLOCK_SPEEDS.contains(speed) =>
        {
            return Some(format!("has clocks run {speed} times as fast: it must be 0.01 to 100"));
        }
        FaultKind::Clog { every: 0, .. } => {
            return Some("has no time between waves".to_owned());
        }
        FaultKind::Loss { probability } | FaultKind::Duplication { probability }
            if probability.0 > 1_000_000 =>
        {
            return Some(format!("has the probability {probability}: it must be 0 to 1"));
        }
        _ => {}
    }
    let links = fault.kind.links().into_iter().flatten();
    let ends = links.flat_map(|(receiver, senders)| senders.iter().chain([receiver]));
    let targets = fault.kind.nodes().into_iter().flatten();
    let stranger = ends.chain(targets).find(|name| !plan.nodes.contains(name))?;
    Some(format!("names `{}`, which is no node", stranger.escape_debug()))
}

/// A workload whose workers stand in groups needs whole groups.
fn check_groups(workload: &str, concurrency: u32, nodes: usize) -> Result<(), PlanError> {
    let info = registry::info(workload)?;
    let per_node = info.workers_per_node();
    let group = Concurrency::PerNode(per_node).workers(nodes);
    if per_node == 1 || concurrency.is_multiple_of(group) {
        return Ok(());
    }
    Err(PlanError::ConcurrencyGroups { workload: info.name, per_node, group, concurrency })
}
