//! All workloads by name. Under the same name [`kolk_check::check_run`] judges them.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_check::Options;
use kolk_check::models::{Model, Models, UnknownModel};
use kolk_engine::Workload;
use kolk_history::Plan;
use kolk_history::plan::{Fault, LatencyDistribution, WorkloadSpec};

use crate::broadcast::Broadcast;
use crate::counter::Counter;
use crate::echo::Echo;
use crate::g_set::GSet;
use crate::kafka::Kafka;
use crate::key_value::lin_kv::{self, LinKv};
use crate::key_value::seq_kv::SeqKv;
use crate::shared::ChangeAndRead;
use crate::topology::{Topology, UnknownTopology};
use crate::txn::{Txn, Writes};
use crate::unique_ids::UniqueIds;

/// What one can know of a workload without making one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The name that `-w` accepts.
    pub name: &'static str,
    /// What is asked of a node, in a line.
    pub about: &'static str,
    /// The settings it knows (flags' names without dashes), each with its default.
    pub settings: &'static [(&'static str, &'static str)],
    /// The node that is part of kolk and passes it.
    pub node: &'static str,
}

impl Info {
    /// How many workers a node it needs: the concurrency is a multiple of so many a node, and is so
    /// many by default. Where that is 1, any other concurrency does as well.
    pub fn workers_per_node(&self) -> u32 {
        if self.name == "lin-kv" { lin_kv::WORKERS_PER_NODE } else { 1 }
    }
}

/// All workloads.
pub const WORKLOADS: &[Info] = &[
    Info {
        name: "broadcast",
        about: "a value told to one node comes to all",
        settings: &[("topology", "grid")],
        node: "broadcast",
    },
    Info {
        name: "echo",
        about: "what a client says comes back unchanged",
        settings: &[],
        node: "echo",
    },
    Info {
        name: "g-counter",
        about: "a sum that only grows, and is the same everywhere in the end",
        settings: &[],
        node: "g-counter",
    },
    Info {
        name: "g-set",
        about: "a set that only grows, and is the same everywhere in the end",
        settings: &[],
        node: "g-set",
    },
    Info {
        name: "kafka",
        about: "logs that clients append to and poll",
        settings: &[("key-count", "10"), ("max-writes-per-key", "16")],
        node: "kafka",
    },
    Info {
        name: "lin-kv",
        about: "keys that are read, written and set, as if there were one copy of each",
        settings: &[],
        node: "lin-kv",
    },
    Info {
        name: "pn-counter",
        about: "a sum that goes up and down, and is the same everywhere in the end",
        settings: &[],
        node: "pn-counter",
    },
    Info {
        name: "seq-kv",
        about: "keys that are read, written and set, in one order that all agree on",
        settings: &[("key-count", "5")],
        node: "seq-kv",
    },
    Info {
        name: "txn-list-append",
        about: "transactions that append to lists and read them",
        settings: TXN_SETTINGS,
        node: "txn-list-append",
    },
    Info {
        name: "txn-rw-register",
        about: "transactions that set registers and read them",
        settings: TXN_SETTINGS,
        node: "txn-rw-register",
    },
    Info {
        name: "unique-ids",
        about: "every answer is an id that nobody got before",
        settings: &[],
        node: "unique-ids",
    },
];

/// What both workloads of transactions can be told.
const TXN_SETTINGS: &[(&str, &str)] = &[
    ("consistency-models", "strict-serializable"),
    ("key-count", "10"),
    ("max-txn-length", "4"),
    ("max-writes-per-key", "16"),
];

/// The settings that some workload of Maelstrom knows. Given to a workload that does not know
/// them they are ignored, as there.
const FOREIGN_SETTINGS: &[&str] =
    &["topology", "consistency-models", "key-count", "max-txn-length", "max-writes-per-key"];

/// Why there is no such workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// No workload has this name.
    #[error("unknown workload `{0}`; known are {known}", known = names())]
    UnknownWorkload(String),
    /// No workload knows this setting.
    #[error("workload `{workload}` has no setting `{setting}`; \
             {known}", known = known_settings(.workload))]
    UnknownSetting {
        /// The workload.
        workload: &'static str,
        /// What it does not know.
        setting: String,
    },
    /// A setting's value that is no count.
    #[error("`{setting}` must be an integer from 1 to {max}, not `{value}`")]
    NotACount {
        /// The setting.
        setting: &'static str,
        /// The most that it may be.
        max: u32,
        /// Its value.
        value: String,
    },
    /// A consistency model that is none.
    #[error("{0}; known are {known}", known = known_models())]
    ConsistencyModel(#[from] UnknownModel),
    /// A topology that is none.
    #[error(transparent)]
    Topology(#[from] UnknownTopology),
}

fn names() -> String {
    let names: Vec<&str> = WORKLOADS.iter().map(|info| info.name).collect();
    names.join(", ")
}

fn known_models() -> String {
    let names: Vec<&str> = Model::ALL.iter().map(|model| model.name()).collect();
    names.join(", ")
}

fn known_settings(workload: &str) -> String {
    let settings = info(workload).map_or(&[][..], |info| info.settings);
    if settings.is_empty() {
        return "it has none".to_owned();
    }
    let names: Vec<&str> = settings.iter().map(|(name, _)| *name).collect();
    format!("it has {}", names.join(", "))
}

/// What there is to know of the workload with this name.
///
/// # Errors
///
/// [`WorkloadError::UnknownWorkload`].
pub fn info(name: &str) -> Result<&'static Info, WorkloadError> {
    WORKLOADS
        .iter()
        .find(|info| info.name == name)
        .ok_or_else(|| WorkloadError::UnknownWorkload(name.to_owned()))
}

/// A workload's part of a plan: every setting it knows, as `given` or by default. Settings that
/// only other workloads know are left out.
///
/// # Errors
///
/// If there is no such workload, no workload knows a setting, or a setting's value is none.
pub fn spec(name: &str, given: &BTreeMap<String, String>) -> Result<WorkloadSpec, WorkloadError> {
    let info = info(name)?;
    if let Some(setting) = given.keys().find(|key| !FOREIGN_SETTINGS.contains(&key.as_str())) {
        let setting = setting.clone();
        return Err(WorkloadError::UnknownSetting { workload: info.name, setting });
    }
    for (key, value) in given {
        check_value(key, value)?;
    }
    let settings = info.settings.iter().map(|(key, default)| {
        let value = given.get(*key).map_or(*default, String::as_str);
        ((*key).to_owned(), value.to_owned())
    });
    let spec = WorkloadSpec { name: info.name.to_owned(), settings: settings.collect() };
    by_name(&spec.name, &spec.settings, &[])?;
    Ok(spec)
}

/// The workload with this name, told these settings, for these nodes. Settings that are missing
/// have their defaults.
///
/// # Errors
///
/// If there is no such workload, it does not know a setting, or a setting's value is none.
pub fn by_name(
    name: &str,
    settings: &BTreeMap<String, String>,
    nodes: &[String],
) -> Result<Box<dyn Workload>, WorkloadError> {
    let info = info(name)?;
    let is_known = |key: &str| info.settings.iter().any(|(known, _)| *known == key);
    if let Some(setting) = settings.keys().find(|key| !is_known(key)) {
        let setting = setting.clone();
        return Err(WorkloadError::UnknownSetting { workload: info.name, setting });
    }
    Ok(match info.name {
        "broadcast" => {
            let topology = settings.get("topology").map_or(Ok(Topology::Grid), |t| t.parse())?;
            Box::new(ChangeAndRead::new(Broadcast::new(topology, nodes)))
        }
        "echo" => Box::new(Echo::new()),
        "g-counter" => Box::new(ChangeAndRead::new(Counter::Growing)),
        "g-set" => Box::new(ChangeAndRead::new(GSet::default())),
        "kafka" => {
            let count = |key| count_setting(info, settings, key);
            Box::new(Kafka::new(count("key-count")?, count("max-writes-per-key")?))
        }
        "lin-kv" => Box::new(LinKv::new(nodes.len())),
        "pn-counter" => Box::new(ChangeAndRead::new(Counter::UpAndDown)),
        "seq-kv" => Box::new(SeqKv::new(count_setting(info, settings, "key-count")?)),
        "txn-list-append" => Box::new(txn(info, Writes::Append, settings)?),
        "txn-rw-register" => Box::new(txn(info, Writes::Set, settings)?),
        "unique-ids" => Box::new(UniqueIds),
        _ => return Err(WorkloadError::UnknownWorkload(name.to_owned())),
    })
}

fn txn(
    info: &Info,
    writes: Writes,
    settings: &BTreeMap<String, String>,
) -> Result<Txn, WorkloadError> {
    consistency_models(settings)?;
    let count = |key| count_setting(info, settings, key);
    let (keys, length) = (count("key-count")?, count("max-txn-length")?);
    Ok(Txn::new(writes, keys, length, count("max-writes-per-key")?))
}

/// What a workload's transactions are held to; nothing for a workload that has none.
fn consistency_models(settings: &BTreeMap<String, String>) -> Result<Models, WorkloadError> {
    let names = settings.get("consistency-models").map_or("", String::as_str);
    Ok(names.parse()?)
}

/// What the checkers are told of a plan's run; how long its load lasted is not known here.
///
/// # Errors
///
/// [`WorkloadError::ConsistencyModel`].
pub fn options(plan: &Plan) -> Result<Options<'_>, WorkloadError> {
    Ok(Options {
        workload: &plan.workload.name,
        strict: plan.strict,
        lenient: plan.lenient,
        availability: plan.availability,
        rate: Some(plan.rate),
        consistency_models: consistency_models(&plan.workload.settings)?,
        calm: is_calm(plan),
        lossy: plan.network.loss > LOSS_MAX,
        unseats: plan.faults.iter().any(Fault::waits_for_leader),
        ..Options::default()
    })
}

/// Checks the value of a setting that some workload knows, whoever it is given to: a slip is told
/// even where the setting makes no difference.
fn check_value(key: &str, value: &str) -> Result<(), WorkloadError> {
    match key {
        "topology" => drop(value.parse::<Topology>()?),
        "consistency-models" => drop(value.parse::<Models>()?),
        _ => {
            let setting = FOREIGN_SETTINGS.iter().find(|known| **known == key);
            if let Some(setting) = setting {
                count(setting, value)?;
            }
        }
    }
    Ok(())
}

/// The most that a setting may count: keys are held in memory, and a transaction in one message.
fn count_max(key: &str) -> u32 {
    match key {
        "key-count" => 100_000,
        "max-txn-length" => 10_000,
        _ => i32::MAX as u32,
    }
}

/// How many mean latencies a client must wait at least, so that nobody waits for its time to run
/// out where nothing else is in the way. A uniform latency is up to twice the mean; an exponential
/// one is thirty times the mean once in 10^13 messages.
fn calm_latencies(dist: LatencyDistribution) -> f64 {
    match dist {
        LatencyDistribution::Constant => 20.0,
        LatencyDistribution::Uniform => 40.0,
        LatencyDistribution::Exponential => 310.0,
    }
}

/// True if nothing stands in the way of a message: no fault, no loss, a network that is fast beside
/// the time that a client waits.
fn is_calm(plan: &Plan) -> bool {
    let network = &plan.network;
    let is_lossless = network.loss == 0.0 && plan.exceptions.fates.is_empty();
    let latency = network.latency * calm_latencies(network.latency_dist);
    plan.faults.is_empty() && is_lossless && latency <= client_timeout(plan).as_secs_f64() * 1e3
}

/// How long the clients of a plan's workload wait for a reply; of an unknown one, not at all.
fn client_timeout(plan: &Plan) -> Duration {
    let workload = by_name(&plan.workload.name, &plan.workload.settings, &plan.nodes);
    workload.map_or(Duration::ZERO, |mut workload| {
        workload.prepare(plan);
        workload.timeout()
    })
}

/// Of more than this part of all messages, what nodes tell each other in the ten seconds before the
/// last reads may all be lost: of ten tries, with an answer each, none succeeds in one run of a
/// thousand if three of ten messages are lost, and in one of twenty-seven thousand if two are.
const LOSS_MAX: f64 = 0.2;

/// A setting that counts something.
fn count_setting(
    info: &Info,
    settings: &BTreeMap<String, String>,
    key: &'static str,
) -> Result<u32, WorkloadError> {
    let default = info.settings.iter().find(|(known, _)| *known == key);
    let default = default.map_or("", |(_, default)| default);
    let value = settings.get(key).map_or(default, String::as_str);
    count(key, value)
}

fn count(key: &'static str, value: &str) -> Result<u32, WorkloadError> {
    let max = count_max(key);
    let count = value.parse().ok().filter(|count| (1..=max).contains(count));
    count.ok_or_else(|| WorkloadError::NotACount { setting: key, max, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_workload_is_found_under_its_name() {
        for info in WORKLOADS {
            let spec = spec(info.name, &settings(&[])).expect("known");
            assert_eq!(spec.settings, settings(info.settings));
            let workload = by_name(&spec.name, &spec.settings, &["n0".to_owned()]).expect("known");
            assert_eq!(workload.name(), info.name);
        }
    }

    #[test]
    fn every_workload_has_its_checker() {
        for info in WORKLOADS {
            assert!(kolk_check::WORKLOADS.contains(&info.name), "{}", info.name);
        }
    }

    #[test]
    fn errors_say_what_is_known() {
        for (name, given, expected) in [
            (
                "broadcast",
                settings(&[("topology", "ring")]),
                "unknown topology `ring`; known are grid, line, total, tree, tree2, tree3, tree4",
            ),
            (
                "broadcast",
                settings(&[("speed", "9")]),
                "workload `broadcast` has no setting `speed`; it has topology",
            ),
            (
                "echo",
                settings(&[("speed", "9")]),
                "workload `echo` has no setting `speed`; it has none",
            ),
            (
                "txn-rw-register",
                settings(&[("max-txn-length", "0")]),
                "`max-txn-length` must be an integer from 1 to 10000, not `0`",
            ),
        ] {
            let error = spec(name, &given).expect_err("wrong");
            assert_eq!(error.to_string(), expected);
        }
        let given = settings(&[("consistency-models", "read-committed,serialisable")]);
        let error = spec("txn-list-append", &given).expect_err("wrong").to_string();
        assert_eq!(
            error,
            format!("unknown consistency model `serialisable`; known are {}", known_models())
        );
        let error = spec("boardcast", &settings(&[])).expect_err("wrong").to_string();
        let names: Vec<&str> = WORKLOADS.iter().map(|info| info.name).collect();
        assert_eq!(error, format!("unknown workload `boardcast`; known are {}", names.join(", ")));
    }

    #[test]
    fn other_workloads_settings_are_left_out() {
        let given = settings(&[("topology", "line"), ("key-count", "3")]);
        assert_eq!(spec("echo", &given).expect("known").settings, settings(&[]));
        let broadcast = spec("broadcast", &given).expect("known");
        assert_eq!(broadcast.settings, settings(&[("topology", "line")]));
    }
}
