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

/// Partitions, one message in twenty lost and one in twenty doubled, and exponential latency with
/// this mean, in milliseconds.
pub fn all_at_once(settings: &mut Settings, latency: f64) {
    exponential(settings, latency);
    partitions(settings);
    lossy(settings, 0.05);
}
