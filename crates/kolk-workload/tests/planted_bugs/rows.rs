//! The tables of planted bugs: for the tests here, and for those that look for them by exploring.

use kolk_sweep::built_in;
use kolk_workload::Settings;

/// A node with or without a bug, and where to look for it.
pub struct Row<B: 'static> {
    /// The bug.
    pub bug: B,
    /// What the run is like.
    pub place: Place,
    /// The anomaly that must be found.
    pub named: &'static str,
    /// What may be found beside it.
    pub beside: &'static [&'static str],
}

/// What a run is like beside the workload's own settings.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Nothing goes wrong.
    Calm,
    /// Nodes are cut off from each other now and then.
    Partitions,
    /// One node is cut off for the whole load.
    Cut,
    /// One message in ten is lost.
    Loss,
    /// One message in five arrives twice.
    Duplication,
}

/// All of them.
pub const PLACES: [Place; 5] =
    [Place::Calm, Place::Partitions, Place::Cut, Place::Loss, Place::Duplication];

/// What every run of a node with a bug is asked.
pub fn asked(workload: &str, seed: u64) -> Settings {
    let mut settings = Settings::new(workload, built_in("planted", ""), seed);
    settings.strict = true;
    if workload == "txn-rw-register" {
        // What can be had with total availability.
        let models = "read-atomic".to_owned();
        settings.workload_settings.insert("consistency-models".to_owned(), models);
    }
    settings
}
