//! The troubles that the sweeps of several nodes share: each changes the settings of a run.

use kolk_history::plan::LatencyDistribution;
use kolk_workload::Settings;
use kolk_workload::planner::Nemesis;

/// Partitions that come and go every 5 s.
pub fn partitions(settings: &mut Settings) {
    settings.nemesis.push(Nemesis::Partition);
    settings.nemesis_interval = 5.0;
}

/// Partitions that come and go every 10 s, the default interval.
pub fn rare_partitions(settings: &mut Settings) {
    settings.nemesis.push(Nemesis::Partition);
}

/// Exponentially distributed latency with this mean, in milliseconds.
pub fn exponential(settings: &mut Settings, latency: f64) {
    settings.latency = latency;
    settings.latency_dist = LatencyDistribution::Exponential;
}

/// Messages between servers are lost, and others arrive twice, each with this probability.
pub fn lossy(settings: &mut Settings, probability: f64) {
    (settings.loss, settings.duplication) = (probability, probability);
}

/// Numbers of nodes, and how many of them can be gone so that a majority is left.
pub const MAJORITIES: [(usize, usize); 2] = [(3, 1), (5, 2)];

/// Partitions, cuts in one direction, kills, pauses and losses of power that come and go every 2 s,
/// no more than `budget` nodes at once; some messages lost and doubled, and exponential latency.
pub fn many_faults(settings: &mut Settings, budget: usize) {
    exponential(settings, 10.0);
    lossy(settings, 0.03);
    settings.nemesis =
        [Nemesis::Partition, Nemesis::OneWay, Nemesis::Kill, Nemesis::Pause, Nemesis::Power].into();
    settings.nemesis_interval = 2.0;
    settings.fault_budget = Some(budget);
}

/// Partitions, one message in twenty lost and one in twenty doubled, and exponential latency with
/// this mean, in milliseconds.
pub fn all_at_once(settings: &mut Settings, latency: f64) {
    exponential(settings, latency);
    partitions(settings);
    lossy(settings, 0.05);
}
