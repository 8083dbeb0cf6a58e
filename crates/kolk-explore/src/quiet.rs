//! A quiet run: small, short, and nothing goes wrong.

use kolk_history::Plan;
use kolk_history::plan::LatencyDistribution;
use kolk_workload::planner::{Concurrency, Nodes, Settings};
use kolk_workload::{plan, registry};

use crate::{Deviations, Open};

/// How many operations a quiet run has, about.
const OPERATIONS: f64 = 8.0;

/// What was asked for, and of what it leaves open the least: three nodes, a few operations, ten
/// milliseconds of latency, no trouble. Faults that come as [`Deviations`] are none of its.
pub fn quiet(asked: &Settings, open: Open) -> Settings {
    let mut settings = asked.clone();
    if open.nodes {
        settings.nodes = Nodes::Count(3);
    }
    if open.concurrency {
        let least = registry::info(&settings.workload).map_or(1, |info| info.workers_per_node());
        settings.concurrency = Concurrency::PerNode(least);
    }
    if open.rate {
        settings.rate = 10.0;
    }
    if open.time_limit {
        let seconds = OPERATIONS / settings.rate.max(0.1);
        settings.time_limit = seconds.min(asked.time_limit.max(0.1));
    }
    if open.latency {
        settings.latency = 10.0;
    }
    if open.latency_dist {
        settings.latency_dist = LatencyDistribution::Constant;
    }
    settings.nemesis.retain(|nemesis| !Deviations::NEMESES.contains(nemesis));
    settings
}

/// The quiet runs of the seeds that follow, to be looked at when everything near the first one was
/// tried.
pub fn more_quiet(asked: &Settings, open: Open) -> impl Iterator<Item = Plan> + use<> {
    let first = quiet(asked, open);
    (1..).map_while(move |number| {
        let seed = first.seed.wrapping_add(number);
        plan(&Settings { seed, ..first.clone() }).ok()
    })
}
