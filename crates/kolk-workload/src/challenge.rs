//! The Gossip Glomers challenges as data: what is run, what must hold, and what others reached.
//!
//! Flags and limits are those of <https://fly.io/dist-sys/>. A challenge is a list of runs; each
//! has the limits that its measurements are held to. A limit names what is measured, what the
//! challenge asks for, what we hold our own node to, and the best figure that we found published.

use kolk_check::Verdict;
use kolk_history::plan::{LatencyDistribution, NodeSpec};
use kolk_history::{Function, History, Summary};

use crate::planner::{Availability, Concurrency, Group, Nemesis, Nodes, Settings};

/// The seed that challenges are run with unless another is given.
pub const SEED: u64 = 0x6b6f_6c6b_2d67_6c6f;

/// One challenge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Challenge {
    /// What one types: `3d`.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What must hold, in a line.
    pub condition: &'static str,
    /// What is run; the challenge is passed if all of it passes.
    pub runs: &'static [ChallengeRun],
}

/// One run of a challenge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChallengeRun {
    /// What it is for, where a challenge has several: `speed`, `partitions`.
    pub name: &'static str,
    /// The workload.
    pub workload: &'static str,
    /// The node that is part of kolk and passes it.
    pub node: &'static str,
    /// What that node is told.
    pub node_args: &'static [&'static str],
    /// `--node-count`.
    pub node_count: usize,
    /// How many workers a node has: `--concurrency`, as `2n` for two.
    pub workers_per_node: u32,
    /// `--rate`.
    pub rate: f64,
    /// `--time-limit`, in seconds.
    pub time_limit: f64,
    /// `--latency`, in milliseconds.
    pub latency: f64,
    /// `--latency-dist`.
    pub latency_dist: LatencyDistribution,
    /// `--loss`: how likely it is that a message between servers is lost.
    pub loss: f64,
    /// True with `--nemesis partition`.
    pub partitions: bool,
    /// True with `--nemesis rolling`.
    pub rolling: bool,
    /// True with `--nemesis coup`.
    pub coups: bool,
    /// True with `--nemesis kill`.
    pub kills: bool,
    /// True with `--nemesis power` that hits all nodes at once.
    pub power: bool,
    /// `--nemesis-interval`, in seconds.
    pub nemesis_interval: f64,
    /// True with `--availability total`.
    pub total_availability: bool,
    /// `--consistency-models`; empty for a workload without transactions.
    pub consistency_models: &'static str,
    /// What is measured and held against limits, beside the verdict.
    pub limits: &'static [Limit],
}

/// What is measured, and how large it may be. Lower is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// What.
    pub measure: Measure,
    /// What the challenge asks for: the value must be below it.
    pub below: Option<f64>,
    /// What we hold our own node to: the value must not be above it.
    pub goal: Option<f64>,
    /// The best that others published.
    pub record: Option<Record>,
}

/// What others reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// The figure.
    pub value: f64,
    /// What is to be said about it, if anything.
    pub note: &'static str,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Messages with no client at either end, per operation invoked.
    ServerMessagesPerOperation,
    /// The same per `broadcast` operation invoked; reads need no messages.
    ServerMessagesPerBroadcast,
    /// The median of stable latencies, in milliseconds.
    StableLatencyMedian,
    /// The greatest of stable latencies, in milliseconds.
    StableLatencyMax,
}

impl Measure {
    /// What it is, for people.
    pub const fn text(self) -> &'static str {
        match self {
            Measure::ServerMessagesPerOperation => "server messages per operation",
            Measure::ServerMessagesPerBroadcast => "server messages per broadcast",
            Measure::StableLatencyMedian => "median stable latency",
            Measure::StableLatencyMax => "maximum stable latency",
        }
    }

    /// Its value in a finished run; `None` if there was nothing to measure it on.
    pub fn value(self, verdict: &Verdict, history: &History, summary: &Summary) -> Option<f64> {
        match self {
            Measure::ServerMessagesPerOperation => verdict.measure("server-messages-per-operation"),
            Measure::ServerMessagesPerBroadcast => {
                let is_broadcast = |function| function == Function::Broadcast;
                let count = history.counted().filter(|op| is_broadcast(op.function)).count();
                (count > 0).then(|| summary.servers.msg_count as f64 / count as f64)
            }
            Measure::StableLatencyMedian => verdict.measure("stable-latency-median"),
            Measure::StableLatencyMax => verdict.measure("stable-latency-max"),
        }
    }

    /// Its unit; empty if it has none.
    pub const fn unit(self) -> &'static str {
        match self {
            Measure::ServerMessagesPerOperation | Measure::ServerMessagesPerBroadcast => "",
            Measure::StableLatencyMedian | Measure::StableLatencyMax => "ms",
        }
    }
}

impl Limit {
    /// True if the value is what the challenge asks for.
    pub fn holds(&self, value: f64) -> bool {
        self.below.is_none_or(|below| value < below)
    }

    /// True if the value is what we hold our own node to.
    pub fn reaches_goal(&self, value: f64) -> bool {
        self.goal.is_none_or(|goal| value <= goal)
    }
}

impl ChallengeRun {
    /// What decides the run, with this node under test. The clock is the node's own: the virtual
    /// one for a built-in node, the real one for a program. The stronger checks count.
    pub fn settings(&self, node: NodeSpec, seed: u64) -> Settings {
        let mut settings = Settings::new(self.workload, node, seed);
        settings.nodes = Nodes::Count(self.node_count);
        settings.concurrency = Concurrency::PerNode(self.workers_per_node);
        settings.rate = self.rate;
        settings.time_limit = self.time_limit;
        settings.latency = self.latency;
        settings.latency_dist = self.latency_dist;
        settings.loss = self.loss;
        settings.strict = true;
        settings.nemesis.extend(self.nemeses());
        if self.power {
            settings.nemesis_targets.power = Some(vec![Group::All]);
        }
        settings.nemesis_interval = self.nemesis_interval;
        if self.total_availability {
            settings.availability = Some(Availability::Total);
        }
        if !self.consistency_models.is_empty() {
            let (flag, models) = ("consistency-models", self.consistency_models);
            settings.workload_settings.insert(flag.to_owned(), models.to_owned());
        }
        settings
    }

    /// The faults that are drawn.
    fn nemeses(&self) -> impl Iterator<Item = Nemesis> {
        let faults = [
            (Nemesis::Kill, self.kills),
            (Nemesis::Power, self.power),
            (Nemesis::Partition, self.partitions),
            (Nemesis::Rolling, self.rolling),
            (Nemesis::Coup, self.coups),
        ];
        faults.into_iter().filter_map(|(nemesis, is_wanted)| is_wanted.then_some(nemesis))
    }

    /// The node that is part of kolk, as it passes this run.
    pub fn built_in(&self) -> NodeSpec {
        NodeSpec::BuiltIn {
            name: self.node.to_owned(),
            args: self.node_args.iter().map(|arg| (*arg).to_owned()).collect(),
            separate: false,
        }
    }

    /// The flags of `test` that make the same run, as the challenge's page has them.
    pub fn flags(&self) -> String {
        let mut flags = format!(
            "-w {} --node-count {} --time-limit {}",
            self.workload, self.node_count, self.time_limit
        );
        if self.workers_per_node != BASE.workers_per_node {
            flags.push_str(&format!(" --concurrency {}n", self.workers_per_node));
        }
        if self.rate != BASE.rate {
            flags.push_str(&format!(" --rate {}", self.rate));
        }
        if self.latency > 0.0 {
            flags.push_str(&format!(" --latency {}", self.latency));
        }
        let spread = match self.latency_dist {
            LatencyDistribution::Constant => "",
            LatencyDistribution::Uniform => " --latency-dist uniform",
            LatencyDistribution::Exponential => " --latency-dist exponential",
        };
        flags.push_str(spread);
        if self.loss > 0.0 {
            flags.push_str(&format!(" --loss {}", self.loss));
        }
        if !self.consistency_models.is_empty() {
            flags.push_str(&format!(" --consistency-models {}", self.consistency_models));
        }
        if self.total_availability {
            flags.push_str(" --availability total");
        }
        let faults: Vec<&str> = self.nemeses().map(Nemesis::name).collect();
        if !faults.is_empty() {
            flags.push_str(&format!(" --nemesis {}", faults.join(",")));
        }
        if self.nemesis_interval != BASE.nemesis_interval {
            flags.push_str(&format!(" --nemesis-interval {}", self.nemesis_interval));
        }
        if self.power {
            flags.push_str(" --nemesis-targets power=all");
        }
        flags
    }
}

impl Challenge {
    /// True if it is no challenge of the Gossip Glomers but ours.
    pub fn is_ours(&self) -> bool {
        is_ours(self.id)
    }

    /// The one that comes after it in the Gossip Glomers.
    pub fn next(&self) -> Option<&'static Challenge> {
        let place = CHALLENGES.iter().position(|challenge| challenge.id == self.id)?;
        CHALLENGES[place + 1..].iter().find(|challenge| !challenge.is_ours())
    }
}

/// True if the challenge with this id is none of the Gossip Glomers but ours: the same flags as
/// another, passed by the built-in node in another way, which asks nothing else of a program; or a
/// stage of the course.
pub fn is_ours(id: &str) -> bool {
    id.contains('-') || find(id).is_none()
}

/// True if a run of the challenge or stage with this id is none of the Gossip Glomers but ours, as
/// are those that a stage of the course has beside a challenge's.
pub fn is_our_run(id: &str, run: &ChallengeRun) -> bool {
    // What is asked for may change a challenge's run, but not its name.
    let is_theirs = |challenge: &Challenge| challenge.runs.iter().any(|one| one.name == run.name);
    is_ours(id) || !find(id).is_some_and(is_theirs)
}

/// The challenge with this id, whatever its case and with or without a leading `#`.
pub fn find(id: &str) -> Option<&'static Challenge> {
    let id = id.trim_start_matches('#');
    CHALLENGES.iter().find(|challenge| challenge.id.eq_ignore_ascii_case(id))
}

/// Defaults, to be changed.
pub(crate) const BASE: ChallengeRun = ChallengeRun {
    name: "",
    workload: "echo",
    node: "echo",
    node_args: &[],
    node_count: 1,
    workers_per_node: 1,
    rate: 5.0,
    time_limit: 10.0,
    latency: 0.0,
    latency_dist: LatencyDistribution::Constant,
    loss: 0.0,
    partitions: false,
    rolling: false,
    coups: false,
    kills: false,
    power: false,
    nemesis_interval: 10.0,
    total_availability: false,
    consistency_models: "",
    limits: &[],
};

const BROADCAST: ChallengeRun = ChallengeRun {
    workload: "broadcast",
    node: "broadcast",
    node_count: 5,
    rate: 10.0,
    time_limit: 20.0,
    ..BASE
};

/// 3d and 3e.
const LARGE: ChallengeRun =
    ChallengeRun { node_count: 25, rate: 100.0, latency: 100.0, ..BROADCAST };

/// The built-in broadcast node's arguments for 3e: fewer messages, more latency.
const FEW_MESSAGES: &[&str] = &["--flush-ms", "1500"];

/// The built-in broadcast node's arguments for one hop's latency.
const LOW_LATENCY: &[&str] = &["--direct"];

/// 4.
const COUNTER: ChallengeRun = ChallengeRun {
    workload: "g-counter",
    node: "g-counter",
    node_count: 3,
    rate: 100.0,
    time_limit: 20.0,
    partitions: true,
    ..BASE
};

/// 5a to 5c.
pub(crate) const LOG: ChallengeRun = ChallengeRun {
    workload: "kafka",
    node: "kafka",
    node_count: 2,
    workers_per_node: 2,
    rate: 1000.0,
    time_limit: 20.0,
    ..BASE
};

/// 6a to 6c.
const TRANSACTIONS: ChallengeRun = ChallengeRun {
    workload: "txn-rw-register",
    node: "txn-rw-register",
    node_count: 2,
    workers_per_node: 2,
    rate: 1000.0,
    time_limit: 20.0,
    total_availability: true,
    consistency_models: "read-uncommitted",
    ..BASE
};

/// What is measured in 6b and 6c, with what we measured of others: nobody published anything.
const fn transactions_limits(value: f64) -> [Limit; 1] {
    [Limit {
        measure: Measure::ServerMessagesPerOperation,
        below: None,
        goal: Some(0.2),
        record: Some(Record { value, note: "none published; measured by us 0.75 and 1.2–1.4" }),
    }]
}

const fn limit(
    measure: Measure,
    below: f64,
    goal: Option<f64>,
    value: f64,
    note: &'static str,
) -> Limit {
    Limit { measure, below: Some(below), goal, record: Some(Record { value, note }) }
}

/// All challenges, in their order.
pub const CHALLENGES: &[Challenge] = &[
    Challenge {
        id: "1",
        title: "Echo",
        condition: "every echo is answered with the same payload",
        runs: &[ChallengeRun { name: "echo", ..BASE }],
    },
    Challenge {
        id: "2",
        title: "Unique ids",
        condition: "ids are unique and every request is answered, under partitions as well",
        runs: &[ChallengeRun {
            name: "partitions",
            workload: "unique-ids",
            node: "unique-ids",
            node_count: 3,
            rate: 1000.0,
            time_limit: 30.0,
            partitions: true,
            total_availability: true,
            ..BASE
        }],
    },
    Challenge {
        id: "3a",
        title: "Broadcast on a single node",
        condition: "all values can be read",
        runs: &[ChallengeRun { name: "single node", node_count: 1, ..BROADCAST }],
    },
    Challenge {
        id: "3b",
        title: "Broadcast on several nodes",
        condition: "all values come to all nodes within seconds",
        runs: &[ChallengeRun { name: "five nodes", ..BROADCAST }],
    },
    Challenge {
        id: "3c",
        title: "Fault-tolerant broadcast",
        condition: "all values come to all nodes in the end, partitions or not",
        runs: &[ChallengeRun { name: "partitions", partitions: true, ..BROADCAST }],
    },
    Challenge {
        id: "3d",
        title: "Efficient broadcast, part I",
        condition: "below 30 messages an operation, 400 ms median and 600 ms maximum latency; \
                    safe under partitions",
        runs: &[
            ChallengeRun {
                name: "speed",
                limits: &[
                    limit(
                        Measure::ServerMessagesPerOperation,
                        30.0,
                        Some(1.7),
                        7.75,
                        "4.6 is the best we measured, at 278 and 601 ms",
                    ),
                    limit(Measure::StableLatencyMedian, 400.0, Some(300.0), 333.0, ""),
                    limit(Measure::StableLatencyMax, 600.0, Some(450.0), 533.0, ""),
                ],
                ..LARGE
            },
            ChallengeRun { name: "partitions", partitions: true, ..LARGE },
        ],
    },
    Challenge {
        id: "3d-low-latency",
        title: "Efficient broadcast, part I, for latency",
        condition: "the limits of 3d, and every value everywhere after one hop; safe under \
                    partitions",
        runs: &[
            ChallengeRun {
                name: "speed",
                node_args: LOW_LATENCY,
                limits: &[
                    limit(
                        Measure::ServerMessagesPerOperation,
                        30.0,
                        None,
                        11.8,
                        "loses values under partitions; the safest needs about 23",
                    ),
                    Limit {
                        measure: Measure::ServerMessagesPerBroadcast,
                        below: None,
                        goal: Some(24.6),
                        record: None,
                    },
                    limit(
                        Measure::StableLatencyMedian,
                        400.0,
                        None,
                        84.0,
                        "loses values under partitions; the safest has 175",
                    ),
                    limit(
                        Measure::StableLatencyMax,
                        600.0,
                        Some(105.0),
                        105.0,
                        "loses values under partitions; the safest has 207",
                    ),
                ],
                ..LARGE
            },
            ChallengeRun { name: "partitions", node_args: LOW_LATENCY, partitions: true, ..LARGE },
        ],
    },
    Challenge {
        id: "3e",
        title: "Efficient broadcast, part II",
        condition: "below 20 messages an operation, 1 s median and 2 s maximum latency; safe under \
                    partitions",
        runs: &[
            ChallengeRun {
                name: "speed",
                node_args: FEW_MESSAGES,
                limits: &[
                    limit(
                        Measure::ServerMessagesPerOperation,
                        20.0,
                        Some(0.5),
                        1.92,
                        "at 764 and 1087 ms; 1.99 at 339 and 678 ms has a single point of failure",
                    ),
                    limit(Measure::StableLatencyMedian, 1000.0, None, 764.0, ""),
                    limit(Measure::StableLatencyMax, 2000.0, None, 1087.0, ""),
                ],
                ..LARGE
            },
            ChallengeRun { name: "partitions", node_args: FEW_MESSAGES, partitions: true, ..LARGE },
        ],
    },
    Challenge {
        id: "4",
        title: "Grow-only counter",
        condition: "after the partitions each node reads the exact sum; every add is in seq-kv \
                    before it is acknowledged",
        runs: &[ChallengeRun {
            name: "partitions",
            limits: &[Limit {
                measure: Measure::ServerMessagesPerOperation,
                below: None,
                goal: Some(0.8),
                record: Some(Record { value: 0.72, note: "by gossip; over seq-kv 2.8" }),
            }],
            ..COUNTER
        }],
    },
    Challenge {
        id: "4-write-behind",
        title: "Grow-only counter, stored later",
        condition: "the same, but adds are acknowledged before they are stored",
        runs: &[ChallengeRun {
            name: "partitions",
            node_args: &["--write-behind-ms", "1000"],
            limits: &[Limit {
                measure: Measure::ServerMessagesPerOperation,
                below: None,
                goal: Some(0.3),
                record: Some(Record { value: 0.72, note: "by gossip, not over seq-kv" }),
            }],
            ..COUNTER
        }],
    },
    Challenge {
        id: "5a",
        title: "Single-node log",
        condition: "no acknowledged write is lost, and offsets increase",
        runs: &[ChallengeRun { name: "single node", node_count: 1, ..LOG }],
    },
    Challenge {
        id: "5b",
        title: "Multi-node log",
        condition: "the same on two nodes",
        runs: &[ChallengeRun {
            name: "two nodes",
            limits: &[Limit {
                measure: Measure::ServerMessagesPerOperation,
                below: None,
                goal: Some(4.0),
                record: Some(Record { value: 12.0, note: "" }),
            }],
            ..LOG
        }],
    },
    Challenge {
        id: "5c",
        title: "Efficient log",
        condition: "the same with fewer messages",
        runs: &[ChallengeRun {
            name: "two nodes",
            limits: &[Limit {
                measure: Measure::ServerMessagesPerOperation,
                below: None,
                goal: Some(1.0),
                record: Some(Record { value: 1.37, note: "in memory, unreplicated" }),
            }],
            ..LOG
        }],
    },
    Challenge {
        id: "6a",
        title: "Single-node, totally available transactions",
        condition: "reads see what was written",
        runs: &[ChallengeRun { name: "single node", node_count: 1, ..TRANSACTIONS }],
    },
    Challenge {
        id: "6b",
        title: "Totally available, read uncommitted transactions",
        condition: "writes come to all nodes, and those of two transactions are never interleaved; \
                    partitions or not",
        runs: &[
            ChallengeRun { name: "two nodes", limits: &transactions_limits(0.75), ..TRANSACTIONS },
            ChallengeRun {
                name: "partitions",
                partitions: true,
                limits: &transactions_limits(0.75),
                ..TRANSACTIONS
            },
        ],
    },
    Challenge {
        id: "6c",
        title: "Totally available, read committed transactions",
        condition: "nothing is read that did not happen, or not yet, or only in part",
        runs: &[ChallengeRun {
            name: "partitions",
            partitions: true,
            consistency_models: "read-committed",
            limits: &transactions_limits(1.2),
            ..TRANSACTIONS
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan, registry};

    #[test]
    fn every_run_has_a_plan() {
        for challenge in CHALLENGES {
            assert!(!challenge.runs.is_empty(), "{}", challenge.id);
            for run in challenge.runs {
                let made = plan(&run.settings(run.built_in(), SEED)).expect(challenge.id);
                assert!(made.strict);
                assert_eq!(made.nodes.len(), run.node_count);
                assert_eq!(made.faults.is_empty(), !run.partitions);
                assert_eq!(registry::info(run.workload).map(|info| info.node), Ok(run.node));
            }
        }
    }

    /// As on the challenges' pages.
    #[test]
    fn flags_are_the_official_ones() {
        let flags: Vec<(&str, String)> = CHALLENGES
            .iter()
            .flat_map(|challenge| challenge.runs.iter().map(|run| (challenge.id, run.flags())))
            .collect();
        let large = "-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100";
        let cut = format!("{large} --nemesis partition");
        let counter = "-w g-counter --node-count 3 --time-limit 20 --rate 100 --nemesis partition";
        let transactions = |nodes: u32, models: &str| {
            format!(
                "-w txn-rw-register --node-count {nodes} --time-limit 20 --concurrency 2n \
                 --rate 1000 --consistency-models {models} --availability total"
            )
        };
        let (single, several) =
            (transactions(1, "read-uncommitted"), transactions(2, "read-uncommitted"));
        let several_cut = format!("{several} --nemesis partition");
        let committed_cut = format!("{} --nemesis partition", transactions(2, "read-committed"));
        let expected = [
            ("1", "-w echo --node-count 1 --time-limit 10"),
            (
                "2",
                "-w unique-ids --node-count 3 --time-limit 30 --rate 1000 --availability total \
                 --nemesis partition",
            ),
            ("3a", "-w broadcast --node-count 1 --time-limit 20 --rate 10"),
            ("3b", "-w broadcast --node-count 5 --time-limit 20 --rate 10"),
            ("3c", "-w broadcast --node-count 5 --time-limit 20 --rate 10 --nemesis partition"),
            ("3d", large),
            ("3d", &cut),
            ("3d-low-latency", large),
            ("3d-low-latency", &cut),
            ("3e", large),
            ("3e", &cut),
            ("4", counter),
            ("4-write-behind", counter),
            ("5a", "-w kafka --node-count 1 --time-limit 20 --concurrency 2n --rate 1000"),
            ("5b", "-w kafka --node-count 2 --time-limit 20 --concurrency 2n --rate 1000"),
            ("5c", "-w kafka --node-count 2 --time-limit 20 --concurrency 2n --rate 1000"),
            ("6a", &single),
            ("6b", &several),
            ("6b", &several_cut),
            ("6c", &committed_cut),
        ];
        assert_eq!(flags, expected.map(|(id, flags)| (id, flags.to_owned())));
    }

    #[test]
    fn ids_are_found() {
        for (id, found) in [
            ("3d", Some("3d")),
            ("3D", Some("3d")),
            ("#1", Some("1")),
            ("3d-low-latency", Some("3d-low-latency")),
            ("9", None),
        ] {
            assert_eq!(find(id).map(|challenge| challenge.id), found, "{id}");
        }
    }

    #[test]
    fn limits_are_strict_and_goals_are_not() {
        let limit = limit(Measure::StableLatencyMax, 600.0, Some(450.0), 533.0, "");
        for (value, holds, reaches) in
            [(450.0, true, true), (451.0, true, false), (600.0, false, false)]
        {
            assert_eq!((limit.holds(value), limit.reaches_goal(value)), (holds, reaches));
        }
    }
}
