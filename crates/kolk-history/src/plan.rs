//! Plans: everything a run was decided by.
//!
//! Seed → plan → run. The fate of messages and the operations are redrawn from the seed, so a plan
//! stays small; faults are written out with their beginning and end, because they are what people
//! look at and change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::node_names::NodeNames;

/// The version of this format. Since 2 there are more faults than partitions, since 3 more than
/// those of nodes and cut links, and since 4 faults may wait for a leader and hit all others; what
/// stands in a plan of an older version means the same in this one, but that a fault which waits
/// for a line on stderr now counts lines under load alone, and matches them without their ends.
pub const FORMAT: u32 = 4;

/// The version of everything drawn from the seed: the keyed generator, the network's fates, the
/// workloads' generators, the services' choices. Any change to what an old seed means raises it,
/// and a plan of another version is refused.
pub const DRAWS: u32 = 4;

/// Everything a run was decided by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// [`DRAWS`].
    pub draws: u32,
    /// The version of kolk that made it.
    pub kolk_version: String,
    /// What every random decision is drawn from, as `0x` and 16 hexadecimal digits.
    #[serde(with = "seed_text")]
    pub seed: u64,
    /// Which clock.
    pub clock: ClockKind,
    /// What is under test.
    pub node: NodeSpec,
    /// The nodes' names.
    pub nodes: NodeNames,
    /// How many workers invoke operations.
    pub concurrency: u32,
    /// Operations a second, in all.
    pub rate: f64,
    /// How long the load lasts, in nanoseconds.
    pub time_limit: u64,
    /// The workload, and what it was told.
    pub workload: WorkloadSpec,
    /// The network.
    pub network: NetworkSpec,
    /// All faults, in the order in which they begin. Times count from the start of the load.
    pub faults: Vec<Fault>,
    /// What is different from what the seed says.
    #[serde(default, skip_serializing_if = "Exceptions::is_empty")]
    pub exceptions: Exceptions,
    /// When it is ended before its time.
    #[serde(default)]
    pub limits: Limits,
    /// Whether the stronger checks count, and every node is read at the end.
    pub strict: bool,
    /// Whether Maelstrom's checks alone count. A reply that does not fit is an exception there, and
    /// makes no run invalid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lenient: bool,
    /// What availability must be: a fraction, or 1 for `total`. `None` if it is only measured.
    pub availability: Option<f64>,
}

impl Plan {
    /// Whether its nodes are programs that are traced.
    pub fn is_traced(&self) -> bool {
        let is_program =
            matches!(self.node, NodeSpec::Program { host: Some(VirtualHost::Traced), .. });
        self.clock == ClockKind::Virtual && is_program
    }
}

/// What ends a run before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Limits {
    /// How many messages there may be between servers; `None` for a bound that grows with nodes,
    /// operations and time.
    pub max_messages: Option<u64>,
    /// Whether a load that nobody has answered in ten seconds without a fault is ended.
    pub fail_fast: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_messages: None, fail_fast: true }
    }
}

/// The two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// The machine's: any program runs, and the operating system interleaves.
    Real,
    /// Simulated: a pure function of the plan.
    Virtual,
}

/// What is under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum NodeSpec {
    /// A node that is part of kolk.
    BuiltIn {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Vec<String>,
        /// True to run it as a separate program rather than in this process.
        #[serde(default)]
        separate: bool,
    },
    /// A program.
    Program {
        /// Where it lies.
        path: String,
        /// Its arguments.
        args: Vec<String>,
        /// Of the file, 64 hexadecimal digits.
        sha256: String,
        /// How it is run on the virtual clock; in lockstep if nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<VirtualHost>,
        /// In which order its threads go on, if it is traced.
        #[serde(default, skip_serializing_if = "ThreadOrder::is_fair")]
        threads: ThreadOrder,
    },
}

/// How a program of its own is run on the virtual clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VirtualHost {
    /// It says itself when it is idle, and when it wants to be woken.
    Lockstep,
    /// It knows nothing of virtual time: its system calls are answered in the kernel's place.
    Traced,
}

/// In which order the threads of a traced program that can go on do so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThreadOrder {
    /// Who could go on first goes on first.
    #[default]
    Fair,
    /// Drawn from the seed.
    Shuffled,
}

impl ThreadOrder {
    /// True for the order that need not be named.
    pub fn is_fair(&self) -> bool {
        *self == ThreadOrder::Fair
    }
}

/// The workload, and what it was told. Keys that a workload does not know are not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WorkloadSpec {
    /// `echo`, `broadcast`, …
    pub name: String,
    /// Its settings, as their flags' names and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

/// The network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkSpec {
    /// The mean latency between nodes, and between a node and a service, in milliseconds.
    pub latency: f64,
    /// How latencies are spread around it.
    pub latency_dist: LatencyDistribution,
    /// The probability that a message is lost.
    #[serde(default)]
    pub loss: f64,
    /// The probability that a message arrives twice.
    #[serde(default)]
    pub duplication: f64,
}

/// How latencies are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatencyDistribution {
    /// Always the mean.
    #[default]
    Constant,
    /// Evenly over `[0, 2·mean]`.
    Uniform,
    /// Exponentially.
    Exponential,
}

/// A fault, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fault {
    /// When it begins, in nanoseconds from the start of the load.
    pub begin: u64,
    /// When it ends, in nanoseconds from the start of the load; at its end at the latest.
    pub end: u64,
    /// What it waits for, if it does: its beginning and its end count from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Trigger>,
    /// What it is.
    #[serde(flatten)]
    pub kind: FaultKind,
}

impl Fault {
    /// A fault with a time.
    pub const fn new(begin: u64, end: u64, kind: FaultKind) -> Fault {
        Fault { begin, end, on: None, kind }
    }

    /// True if it waits for a node to lead.
    pub fn waits_for_leader(&self) -> bool {
        self.on.as_ref().is_some_and(|on| matches!(on.event, TriggerEvent::Leader { .. }))
    }
}

/// What a fault waits for: the how-many-th event of a kind under load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trigger {
    /// The event.
    #[serde(flatten)]
    pub event: TriggerEvent,
    /// The how-many-th, from 1.
    pub nth: u64,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum TriggerEvent {
    /// A message is sent.
    Message {
        /// Its body's `type`.
        message: String,
        /// By whom, if not by anybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// To whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A node writes a line to its stderr.
    Stderr {
        /// A regular expression that the line matches somewhere.
        pattern: String,
        /// Which node, if not any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
    /// A node says on its stderr that it leads from now on, in words or as its
    /// [state](crate::NodeState).
    Leader {
        /// Which node, if not any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
    /// A sync of a node's disk has ended, on the virtual clock.
    Sync {
        /// Whose, if not anybody's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
}

impl TriggerEvent {
    /// The nodes, clients and services that it names.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let (one, other) = match self {
            TriggerEvent::Message { from, to, .. } => (from, to),
            TriggerEvent::Stderr { node, .. }
            | TriggerEvent::Leader { node }
            | TriggerEvent::Sync { node } => (node, &None),
        };
        one.iter().chain(other)
    }
}

/// `message append#3 from n1`, `stderr /became leader/`, `sync#5 of n2`: as it is typed.
impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nth = if self.nth == 1 { String::new() } else { format!("#{}", self.nth) };
        let part = |word: &str, name: &Option<String>| {
            name.as_ref().map_or_else(String::new, |name| format!(" {word} {name}"))
        };
        match &self.event {
            TriggerEvent::Message { message, from, to } => {
                write!(f, "message {message}{nth}{}{}", part("from", from), part("to", to))
            }
            TriggerEvent::Stderr { pattern, node } => {
                write!(f, "stderr /{pattern}/{nth}{}", part("of", node))
            }
            TriggerEvent::Leader { node } => write!(f, "leader{nth}{}", part("of", node)),
            TriggerEvent::Sync { node } => write!(f, "sync{nth}{}", part("of", node)),
        }
    }
}

/// The kinds of fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum FaultKind {
    /// Nodes are cut off from each other.
    Partition {
        /// What shape: `isolated-node`, `majority`, `third`, `ring`, `one-way`, or `cut`.
        shape: String,
        /// For each receiver the senders it hears nothing from.
        blocked: BTreeMap<String, Vec<String>>,
    },
    /// Nodes are killed when it begins, and started again when it ends.
    Kill(Targets),
    /// Nodes stand still from its beginning to its end.
    Pause(Targets),
    /// Nodes are killed, and lose of what they stored what was not synced; they are started again
    /// when it ends.
    Power(Targets),
    /// Links are slow.
    Slow {
        /// For each receiver the senders from whom messages take longer.
        links: BTreeMap<String, Vec<String>>,
        /// How many times longer.
        factor: u32,
    },
    /// Messages between servers are lost, beside those that the network loses anyway: of all
    /// probabilities the highest counts.
    Loss {
        /// With this probability.
        probability: Millionths,
    },
    /// Messages between servers arrive twice, beside those that the network doubles anyway: of all
    /// probabilities the highest counts.
    Duplication {
        /// With this probability.
        probability: Millionths,
    },
    /// Links stand still, and what is on them arrives in waves, each all at once.
    Clog {
        /// For each receiver the senders whose messages wait.
        links: BTreeMap<String, Vec<String>>,
        /// The time from one wave to the next, in nanoseconds; the last one comes at the end.
        every: u64,
    },
    /// The clocks of nodes are wrong, on the virtual clock. Afterwards one that is late is set
    /// right at once, and one that is early runs at half its speed until it is right: none goes
    /// back.
    Clock {
        /// Whose.
        #[serde(flatten)]
        targets: Targets,
        /// How.
        change: ClockChange,
    },
    /// The disks of nodes are at fault.
    Disk {
        /// Whose.
        #[serde(flatten)]
        targets: Targets,
        /// How.
        harm: DiskHarm,
    },
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskHarm {
    /// Every other change and sync fails, drawn by its number.
    Failing,
    /// Nothing can be added.
    Full,
    /// A sector of what is stored is overwritten with something else when the fault begins, and
    /// stays so.
    Corrupt,
}

impl DiskHarm {
    /// All of them.
    pub const ALL: [DiskHarm; 3] = [DiskHarm::Failing, DiskHarm::Full, DiskHarm::Corrupt];

    /// The name in plans, and in `--disk`.
    pub const fn name(self) -> &'static str {
        match self {
            DiskHarm::Failing => "failing",
            DiskHarm::Full => "full",
            DiskHarm::Corrupt => "corrupt",
        }
    }
}

/// What is wrong with a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockChange {
    /// It jumps ahead by so many nanoseconds.
    Jump(u64),
    /// It runs so many times as fast as it should.
    Speed(Millionths),
}

/// A number of 0 or more with six decimals, as millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Millionths(pub u32);

impl From<Millionths> for f64 {
    fn from(number: Millionths) -> f64 {
        f64::from(number.0) / 1e6
    }
}

/// The nearest one.
///
/// # Errors
///
/// If the number is below 0 or above 4294.
impl TryFrom<f64> for Millionths {
    type Error = String;

    fn try_from(number: f64) -> Result<Millionths, String> {
        if (0.0..=4294.0).contains(&number) {
            return Ok(Millionths((number * 1e6).round() as u32));
        }
        Err(format!("{number} is not from 0 to 4294"))
    }
}

impl std::fmt::Display for Millionths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f64::from(*self).fmt(f)
    }
}

impl FaultKind {
    /// The nodes that are down or stand still meanwhile, if that is what it does.
    pub fn targets(&self) -> Option<&Targets> {
        match self {
            FaultKind::Kill(targets) | FaultKind::Pause(targets) | FaultKind::Power(targets) => {
                Some(targets)
            }
            _ => None,
        }
    }

    /// The nodes that it is meant for, whatever becomes of them; `None` of a fault of links.
    pub fn nodes(&self) -> Option<&[String]> {
        match self {
            FaultKind::Clock { targets, .. } | FaultKind::Disk { targets, .. } => {
                Some(&targets.nodes)
            }
            _ => self.targets().map(|targets| targets.nodes.as_slice()),
        }
    }

    /// What it does to links: for each receiver the senders.
    pub fn links(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        match self {
            FaultKind::Partition { blocked: links, .. }
            | FaultKind::Slow { links, .. }
            | FaultKind::Clog { links, .. } => Some(links),
            _ => None,
        }
    }

    /// For each receiver the senders that it does not hear for a while: of a partition for as long
    /// as it is open, of a clog until the next wave.
    pub fn unheard(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        match self {
            FaultKind::Clog { links, .. } => Some(links),
            _ => self.blocked(),
        }
    }

    /// For each receiver the senders that it does not hear; nothing of a fault that cuts nobody
    /// off.
    pub fn blocked(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        match self {
            FaultKind::Partition { blocked, .. } => Some(blocked),
            _ => None,
        }
    }

    /// What it is called: `partition`, `kill`, `slow` and so on.
    pub const fn name(&self) -> &'static str {
        match self {
            FaultKind::Partition { .. } => "partition",
            FaultKind::Kill(_) => "kill",
            FaultKind::Pause(_) => "pause",
            FaultKind::Power(_) => "power",
            FaultKind::Slow { .. } => "slow",
            FaultKind::Loss { .. } => "loss",
            FaultKind::Duplication { .. } => "duplication",
            FaultKind::Clog { .. } => "clog",
            FaultKind::Clock { .. } => "clock",
            FaultKind::Disk { .. } => "disk",
        }
    }
}

/// The nodes that a fault is meant for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Targets {
    /// How they were chosen: `one`, `minority`, `minority-third`, `majority`, `all`, `some`, or
    /// `asked`. `leader` is the node that last said on its stderr that it leads, `trigger` the node
    /// of the event that the fault waits for, and `others` all other nodes: who that is shows when
    /// the fault begins.
    pub targets: String,
    /// Who they are, if that is known before.
    pub nodes: Vec<String>,
}

impl Targets {
    /// The node of the event which the fault waits for.
    pub const TRIGGER: &str = "trigger";

    /// All nodes but that of the event which the fault waits for.
    pub const OTHERS: &str = "others";

    /// These nodes, chosen in this way.
    pub fn new(targets: &str, nodes: Vec<String>) -> Targets {
        Targets { targets: targets.to_owned(), nodes }
    }
}

/// What is different from what the seed says: how a run is made smaller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Exceptions {
    /// Numbers of operations that are left out.
    pub skipped_operations: Vec<u64>,
    /// Messages whose fate is not drawn.
    pub fates: Vec<FateOverride>,
    /// Operations whose worker is not drawn, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerOverride>,
}

impl Exceptions {
    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.skipped_operations.is_empty() && self.fates.is_empty() && self.workers.is_empty()
    }
}

/// One message's fate, given instead of drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FateOverride {
    /// The sender.
    pub src: String,
    /// The receiver.
    pub dest: String,
    /// The how-many-th message on that link, from 0.
    pub nth: u64,
    /// True to lose it.
    #[serde(default)]
    pub lost: bool,
    /// Its latency in nanoseconds, if it is not lost.
    #[serde(default)]
    pub latency: u64,
    /// The latency of a second copy, if it is to arrive twice.
    #[serde(default)]
    pub duplicate: Option<u64>,
}

/// Who has an operation, given instead of drawn from those that are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WorkerOverride {
    /// The operation's number.
    pub operation: u64,
    /// The worker's. If it is not free then, another is drawn.
    pub worker: u32,
}

mod seed_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{seed:#018x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| serde::de::Error::custom("a seed is `0x` and hexadecimal digits"))
    }
}
