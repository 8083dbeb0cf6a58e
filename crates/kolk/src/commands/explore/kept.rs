//! Earlier failures of the same node, kept in the store: they are run first.

use std::path::Path;

use kolk_explore::{Tally, run_all};
use kolk_history::Plan;
use kolk_history::plan::NodeSpec;
use kolk_workload::planner::Settings;

use super::bench::Bench;
use crate::status::Stop;
use crate::{request, store, stored};

/// How many of them, the newest.
const EARLIER_MAX: usize = 20;

/// Runs them; how many there were, and how many still fail.
pub fn run_again(
    bench: &Bench<'_>,
    store: &Path,
    settings: &Settings,
    tally: &mut Tally,
) -> Result<(u64, u64), Stop> {
    let plans = failures(store, settings);
    let seen = run_all(bench, &plans, false, |_| false).map_err(|stop| *stop)?;
    for (place, seen) in &seen {
        tally.add(&plans[*place], seen);
    }
    let failed = seen.iter().filter(|(_, seen)| seen.fails()).count();
    Ok((seen.len() as u64, failed as u64))
}

/// The plans of stored runs that failed, the newest first. What cannot be read is none.
fn failures(folder: &Path, settings: &Settings) -> Vec<Plan> {
    let runs = store::runs(folder).unwrap_or_default();
    let runs = runs.into_iter().filter(|run| run.workload == settings.workload);
    let mut plans: Vec<Plan> = Vec::new();
    for run in runs {
        if plans.len() == EARLIER_MAX {
            break;
        }
        if !failed(&run.path) {
            continue;
        }
        let Ok(mut plan) = request::stored_plan(&run.path) else { continue };
        let fits = is_same(&plan.node, &settings.node) && plan.clock == settings.clock;
        // Another build of the same program is what one wants to know about.
        plan.node = settings.node.clone();
        if fits && !plans.contains(&plan) {
            plans.push(plan);
        }
    }
    plans
}

fn failed(run: &Path) -> bool {
    let text = stored::text(run, "results.json").ok();
    let results: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    results.is_some_and(|results| results["valid"] == serde_json::Value::Bool(false))
}

/// True if two plans name the same program, whatever its content is, or the same built-in node, and
/// tell it the same.
fn is_same(a: &NodeSpec, b: &NodeSpec) -> bool {
    match (a, b) {
        (
            NodeSpec::Program { path, args, .. },
            NodeSpec::Program { path: other, args: others, .. },
        ) => path == other && args == others,
        _ => a == b,
    }
}
