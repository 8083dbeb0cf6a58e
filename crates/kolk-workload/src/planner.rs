//! From what somebody asked for to a plan.
//!
//! Pure: the seed is given, and everything that can be wrong with the settings is found here,
//! before any node starts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use kolk_engine::faults::{self, Cut, FaultError, Groups, OverBudget};
use kolk_history::Plan;
use kolk_history::node_names::{NODES_MAX, NodeNames, NodeNamesError};
use kolk_history::plan::{
    ClockKind, DRAWS, Exceptions, FORMAT, LatencyDistribution, Limits, NetworkSpec, NodeSpec,
};

use crate::registry::{self, WorkloadError};

pub use kolk_engine::faults::{
    Asked, Flag, Group, Kind, LinkFault, LinkKind, OnEvent, Other, Outage,
};

pub mod bounds;

pub use bounds::{TIME_LIMIT_MAX, check};

/// Everything that decides a run, as somebody asks for it. [`Settings::new`] has the defaults of
/// Maelstrom's `test`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The workload's name: `-w`.
    pub workload: String,
    /// What workloads can be told: flags' names without dashes, and their values.
    pub workload_settings: BTreeMap<String, String>,
    /// What is under test.
    pub node: NodeSpec,
    /// Which nodes there are: `--node-count` or `--nodes`.
    pub nodes: Nodes,
    /// How many workers there are: `--concurrency`.
    pub concurrency: Concurrency,
    /// Operations a second, in all: `--rate`.
    pub rate: f64,
    /// How long the load lasts, in seconds: `--time-limit`.
    pub time_limit: f64,
    /// The mean latency in milliseconds: `--latency`.
    pub latency: f64,
    /// How latencies are spread: `--latency-dist`.
    pub latency_dist: LatencyDistribution,
    /// The probability that a message is lost: `--loss`.
    pub loss: f64,
    /// The probability that a message arrives twice: `--duplication`.
    pub duplication: f64,
    /// Which faults are drawn: `--nemesis`.
    pub nemesis: Vec<Nemesis>,
    /// The mean gap between a fault's beginning and its end, and its end and the next one's
    /// beginning, in seconds: `--nemesis-interval`.
    pub nemesis_interval: f64,
    /// Whom drawn kills and pauses may hit: `--nemesis-targets`.
    pub nemesis_targets: NemesisTargets,
    /// How many nodes may be down, paused or cut off at once: `--fault-budget`.
    pub fault_budget: Option<usize>,
    /// Partitions asked for: `--cut`.
    pub cuts: Vec<Cut>,
    /// Kills, pauses and losses of power asked for: `--kill`, `--pause`, `--power`.
    pub outages: Vec<Outage>,
    /// Slow links and cuts in one direction asked for: `--slow`, `--cut n1>n2@5..7`.
    pub links: Vec<LinkFault>,
    /// What else was asked for: `--loss 0.3@5..10`, `--duplication 0.3@5..10`, `--clog`, `--skew`.
    pub asked: Vec<Asked>,
    /// Faults that wait for an event: `--kill 'on stderr /became leader/'`.
    pub on_events: Vec<OnEvent>,
    /// What availability must be, if it is more than measured: `--availability`.
    pub availability: Option<Availability>,
    /// Whether the stronger checks count: `--strict`.
    pub strict: bool,
    /// Whether Maelstrom's checks alone count: `--as maelstrom`.
    pub lenient: bool,
    /// What ends the run before its time: `--max-messages`, `--no-fail-fast`.
    pub limits: Limits,
    /// Which clock: `--clock`.
    pub clock: ClockKind,
    /// What every random decision is drawn from: `--seed`.
    pub seed: u64,
    /// The version of kolk.
    pub kolk_version: String,
}

impl Settings {
    /// This workload and this node, and else the defaults: five nodes, a worker each or as many as
    /// the workload needs, 5 operations a second for 60 s, a network without latency or faults, the
    /// virtual clock for a built-in node and the real one for a program.
    pub fn new(workload: impl Into<String>, node: NodeSpec, seed: u64) -> Settings {
        let clock = match node {
            NodeSpec::BuiltIn { .. } => ClockKind::Virtual,
            NodeSpec::Program { .. } => ClockKind::Real,
        };
        let workload = workload.into();
        let concurrency = registry::info(&workload)
            .map_or(Concurrency::default(), |info| Concurrency::PerNode(info.workers_per_node()));
        Settings {
            workload,
            workload_settings: BTreeMap::new(),
            node,
            nodes: Nodes::Default,
            concurrency,
            rate: 5.0,
            time_limit: 60.0,
            latency: 0.0,
            latency_dist: LatencyDistribution::Constant,
            loss: 0.0,
            duplication: 0.0,
            nemesis: Vec::new(),
            nemesis_interval: 10.0,
            nemesis_targets: NemesisTargets::default(),
            fault_budget: None,
            cuts: Vec::new(),
            outages: Vec::new(),
            links: Vec::new(),
            asked: Vec::new(),
            on_events: Vec::new(),
            availability: None,
            strict: false,
            lenient: false,
            limits: Limits::default(),
            clock,
            seed,
            kolk_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Which nodes there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Nodes {
    /// `n1` to `n5`.
    #[default]
    Default,
    /// So many: `n0`, `n1`, …
    Count(usize),
    /// These.
    Names(Vec<String>),
}

impl Nodes {
    /// Their names.
    ///
    /// # Errors
    ///
    /// If there is none, or too many, or a name is not fit for one or comes twice.
    pub fn names(&self) -> Result<NodeNames, PlanError> {
        let names: Vec<String> = match self {
            Nodes::Default => (1..=5).map(|n| format!("n{n}")).collect(),
            Nodes::Count(count) => {
                (0..(*count).min(NODES_MAX + 1)).map(|n| format!("n{n}")).collect()
            }
            Nodes::Names(names) => names.clone(),
        };
        Ok(NodeNames::try_from(names)?)
    }
}

/// How many workers there are: so many, or so many a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// So many in all.
    Workers(u32),
    /// So many times the number of nodes.
    PerNode(u32),
}

impl Default for Concurrency {
    fn default() -> Concurrency {
        Concurrency::PerNode(1)
    }
}

impl Concurrency {
    /// How many workers that is.
    pub fn workers(self, nodes: usize) -> u32 {
        match self {
            Concurrency::Workers(workers) => workers,
            Concurrency::PerNode(times) => {
                times.saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX))
            }
        }
    }
}

/// `10`, or `2n` for two a node.
impl FromStr for Concurrency {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Concurrency, PlanError> {
        let parsed = match text.strip_suffix('n') {
            Some("") => Some(Concurrency::PerNode(1)),
            Some(times) => times.parse().ok().map(Concurrency::PerNode),
            None => text.parse().ok().map(Concurrency::Workers),
        };
        parsed.ok_or_else(|| PlanError::Concurrency(text.to_owned()))
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Concurrency::Workers(workers) => write!(f, "{workers}"),
            Concurrency::PerNode(times) => write!(f, "{times}n"),
        }
    }
}

/// What availability must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Availability {
    /// At least this fraction of all operations is ok.
    AtLeast(f64),
    /// Every operation is ok.
    Total,
}

impl Availability {
    /// The fraction.
    pub fn fraction(self) -> f64 {
        match self {
            Availability::AtLeast(fraction) => fraction,
            Availability::Total => 1.0,
        }
    }
}

/// `total`, or a fraction.
impl FromStr for Availability {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Availability, PlanError> {
        if text == "total" {
            return Ok(Availability::Total);
        }
        text.parse().map(Availability::AtLeast).map_err(|_| PlanError::Availability)
    }
}

/// Faults that are drawn from the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nemesis {
    /// Nodes are cut off from each other.
    Partition,
    /// Nodes are killed, and started again.
    Kill,
    /// Nodes stand still.
    Pause,
    /// Nodes lose their power.
    Power,
    /// Each node in turn is cut off, without a pause between them.
    Rolling,
    /// Whoever begins to lead is cut off, and at that moment the others lose their power.
    Coup,
    /// Nodes are cut off in one direction.
    OneWay,
    /// Links are slow.
    Slow,
    /// Messages are lost.
    Loss,
    /// Messages arrive twice.
    Duplication,
    /// Links stand still, and what is on them comes in waves.
    Clog,
    /// Clocks are wrong.
    Clock,
    /// Disks are at fault.
    Disk,
}

impl Nemesis {
    /// All of them.
    pub const ALL: [Nemesis; 13] = [
        Nemesis::Kill,
        Nemesis::Pause,
        Nemesis::Power,
        Nemesis::Partition,
        Nemesis::Rolling,
        Nemesis::Coup,
        Nemesis::OneWay,
        Nemesis::Slow,
        Nemesis::Loss,
        Nemesis::Duplication,
        Nemesis::Clog,
        Nemesis::Clock,
        Nemesis::Disk,
    ];

    /// All that there are on this clock, with this latency in milliseconds: `--nemesis all`. Some
    /// have to be asked for: faults of disks, because what a single disk has is gone with a sector
    /// of it, whatever the algorithm; rolling cuts, which beside partitions leave no majority; and
    /// coups, for which nodes must say who leads.
    pub fn all_on(clock: ClockKind, latency: f64) -> impl Iterator<Item = Nemesis> {
        Nemesis::ALL.into_iter().filter(move |nemesis| match nemesis {
            Nemesis::Power | Nemesis::Clock => clock == ClockKind::Virtual,
            Nemesis::Slow => latency > 0.0,
            Nemesis::Disk | Nemesis::Rolling | Nemesis::Coup => false,
            _ => true,
        })
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Nemesis::Partition => "partition",
            Nemesis::Kill => "kill",
            Nemesis::Pause => "pause",
            Nemesis::Power => "power",
            Nemesis::Rolling => "rolling",
            Nemesis::Coup => "coup",
            Nemesis::OneWay => "one-way",
            Nemesis::Slow => "slow",
            Nemesis::Loss => "loss",
            Nemesis::Duplication => "duplication",
            Nemesis::Clog => "clog",
            Nemesis::Clock => "clock",
            Nemesis::Disk => "disk",
        }
    }
}

/// The name.
impl FromStr for Nemesis {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Nemesis, PlanError> {
        let found = Nemesis::ALL.into_iter().find(|nemesis| nemesis.name() == text);
        found.ok_or_else(|| PlanError::Nemesis(text.to_owned()))
    }
}

/// Whom kills and pauses may hit that are drawn: all groups, if none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NemesisTargets {
    /// By kills.
    pub kill: Option<Vec<Group>>,
    /// By pauses.
    pub pause: Option<Vec<Group>>,
    /// By losses of power.
    pub power: Option<Vec<Group>>,
}

impl NemesisTargets {
    /// Adds what a flag says: `kill=one,minority`.
    ///
    /// # Errors
    ///
    /// If it says something else.
    pub fn add(&mut self, text: &str) -> Result<(), PlanError> {
        let error = |problem: String| PlanError::Targets { text: text.to_owned(), problem };
        let (kind, groups) = text.split_once('=').ok_or_else(|| error("there is no `=`".into()))?;
        let groups = groups.split(',').map(|group| group.trim().parse());
        let groups = groups.collect::<Result<Vec<Group>, String>>().map_err(|unknown| {
            let known: Vec<&str> = Group::asked().map(Group::name).collect();
            error(format!("unknown targets `{unknown}`; known are {}", known.join(", ")))
        })?;
        match kind.trim() {
            "kill" => self.kill = Some(groups),
            "pause" => self.pause = Some(groups),
            "power" => self.power = Some(groups),
            kind => {
                let problem = format!("`{kind}` has no targets: it is `kill`, `pause` or `power`");
                return Err(error(problem));
            }
        }
        Ok(())
    }

    /// The groups that a kind may hit, of so many nodes.
    fn groups(&self, kind: Kind, is_drawn: bool, count: usize) -> Result<Vec<Group>, PlanError> {
        let asked = match kind {
            Kind::Kill => &self.kill,
            Kind::Pause => &self.pause,
            Kind::Power => &self.power,
        };
        let name = kind.name();
        let names = |groups: &[Group]| {
            groups.iter().map(|group| group.name()).collect::<Vec<_>>().join(",")
        };
        let error = |problem: String| PlanError::Targets {
            text: format!("{name}={}", names(asked.as_deref().unwrap_or_default())),
            problem,
        };
        match asked {
            Some(_) if !is_drawn => Err(error(format!("`--nemesis` does not ask for `{name}`"))),
            Some(groups) if !groups.iter().any(|group| group.hits_any(count)) => {
                Err(error(format!("of {count} nodes that is none")))
            }
            Some(groups) => Ok(groups.clone()),
            None if is_drawn => Ok(Group::ALL.to_vec()),
            None => Ok(Vec::new()),
        }
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The workload or its settings.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// Nodes that a run cannot have.
    #[error(transparent)]
    Nodes(#[from] NodeNamesError),
    /// No number of workers.
    #[error("`{0}` is no concurrency: write a number of workers, or `2n` for two a node")]
    Concurrency(String),
    /// No workers, or too many.
    #[error("concurrency must be 1 to {max} workers", max = bounds::WORKERS_MAX)]
    ConcurrencyRange,
    /// No whole number of groups of workers.
    #[error(
        "workload `{workload}` has groups of {group} workers, {per_node} a node: concurrency must \
         be a multiple of that (`{per_node}n` is the least), not {concurrency}"
    )]
    ConcurrencyGroups {
        /// The workload.
        workload: &'static str,
        /// How many workers of a group a node has.
        per_node: u32,
        /// How many workers a group has.
        group: u32,
        /// How many there would be.
        concurrency: u32,
    },
    /// A number out of its range.
    #[error("{flag} must be {range}, not {value}")]
    Range {
        /// The flag.
        flag: &'static str,
        /// What it must be.
        range: &'static str,
        /// What it is.
        value: f64,
    },
    /// No availability.
    #[error("availability is `total`, or a fraction from 0 to 1")]
    Availability,
    /// No such nemesis.
    #[error(
        "unknown nemesis `{0}`; known are kill, pause, power, partition, rolling, coup, one-way, \
         slow, loss, duplication, clog, clock, disk and all"
    )]
    Nemesis(String),
    /// A fault that was asked for and cannot be.
    #[error(transparent)]
    Asked(#[from] FaultError),
    /// Links without latency.
    #[error("there is nothing to make slower: `slow` needs a `--latency`")]
    NoLatency,
    /// A loss of power on the real clock.
    #[error(
        "`power` is on the virtual clock only: what a real disk has not synced can not be taken \
         away"
    )]
    RealPower,
    /// Wrong clocks on the real clock.
    #[error("`clock` is on the virtual clock only: there each node has a clock of its own")]
    RealClocks,
    /// Faults of disks where a majority could not survive them.
    #[error(
        "`disk` hits fewer than a half of the nodes, which of {0} is none: it needs three nodes, \
         or `--disk`"
    )]
    FewDisks(usize),
    /// Targets that are none.
    #[error("`{text}` names no targets ({problem}): write it like kill=one,minority")]
    Targets {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More faults than there may be at once.
    #[error(transparent)]
    Budget(#[from] OverBudget),
    /// A fault of a stored plan that no run has.
    #[error("its fault {number} {problem}")]
    Fault {
        /// Its place among the faults, from 0.
        number: usize,
        /// What is wrong with it, as a verb phrase.
        problem: String,
    },
    /// An exception of a stored plan that means nothing.
    #[error("its exceptions {0}")]
    Exceptions(String),
}

/// Makes a plan.
///
/// # Errors
///
/// [`PlanError`], for the first thing that is wrong with the settings.
pub fn plan(settings: &Settings) -> Result<Plan, PlanError> {
    let workload = registry::spec(&settings.workload, &settings.workload_settings)?;
    let nodes = settings.nodes.names()?;
    let load = load(settings.time_limit)?;
    let plan = Plan {
        format: FORMAT,
        draws: DRAWS,
        kolk_version: settings.kolk_version.clone(),
        seed: settings.seed,
        clock: settings.clock,
        node: settings.node.clone(),
        concurrency: settings.concurrency.workers(nodes.len()),
        rate: settings.rate,
        time_limit: u64::try_from(load.as_nanos()).unwrap_or(u64::MAX),
        workload,
        network: NetworkSpec {
            latency: settings.latency,
            latency_dist: settings.latency_dist,
            loss: settings.loss,
            duplication: settings.duplication,
        },
        faults: faults(settings, &nodes, load)?,
        nodes,
        exceptions: Exceptions::default(),
        limits: settings.limits,
        strict: settings.strict,
        lenient: settings.lenient,
        availability: settings.availability.map(Availability::fraction),
    };
    bounds::check(&plan)?;
    Ok(plan)
}

fn load(limit: f64) -> Result<Duration, PlanError> {
    let fits = (1e-9..=TIME_LIMIT_MAX).contains(&limit);
    let limit = bounds::in_range("--time-limit", bounds::TIME_LIMIT, limit, fits)?;
    Ok(Duration::from_nanos((limit * 1e9).round() as u64))
}

/// Drawn faults and those asked for, in the order in which they begin.
fn faults(
    settings: &Settings,
    nodes: &[String],
    load: Duration,
) -> Result<Vec<kolk_history::plan::Fault>, PlanError> {
    let draws = |nemesis| settings.nemesis.contains(&nemesis);
    let (mut drawn, mut waiting) = (Vec::new(), Vec::new());
    let groups = |kind, nemesis| settings.nemesis_targets.groups(kind, draws(nemesis), nodes.len());
    let groups = Groups {
        kill: groups(Kind::Kill, Nemesis::Kill)?,
        pause: groups(Kind::Pause, Nemesis::Pause)?,
        power: groups(Kind::Power, Nemesis::Power)?,
    };
    let waits = |flag| settings.on_events.iter().any(|event| event.flag == flag);
    let is_powered = draws(Nemesis::Power)
        || settings.outages.iter().any(|outage| outage.kind == Kind::Power)
        || waits(Flag::Outage(Kind::Power));
    if is_powered && settings.clock == ClockKind::Real {
        return Err(PlanError::RealPower);
    }
    let is_skewed = draws(Nemesis::Clock)
        || settings.asked.iter().any(|asked| asked.kind == Other::Clock)
        || waits(Flag::Other(Other::Clock));
    if is_skewed && settings.clock == ClockKind::Real {
        return Err(PlanError::RealClocks);
    }
    if draws(Nemesis::Disk) && nodes.len() < 3 {
        return Err(PlanError::FewDisks(nodes.len()));
    }
    let is_slow = draws(Nemesis::Slow)
        || settings.links.iter().any(|links| links.factor.is_some())
        || waits(Flag::Slow);
    if is_slow && settings.latency == 0.0 {
        return Err(PlanError::NoLatency);
    }
    if !settings.nemesis.is_empty() {
        let interval = settings.nemesis_interval;
        // A lower bound, so that a plan stays small: a day of a fault each millisecond would not.
        let fits = (0.001..=TIME_LIMIT_MAX).contains(&interval);
        let interval = bounds::in_range("--nemesis-interval", "0.001 to 131072 s", interval, fits)?;
        let interval = Duration::from_nanos((interval * 1e9).round() as u64);
        if draws(Nemesis::Partition) {
            drawn.extend(faults::partitions(settings.seed, nodes, interval, load));
        }
        if draws(Nemesis::Rolling) {
            drawn.extend(faults::rolling(settings.seed, nodes, interval, load));
        }
        if draws(Nemesis::Coup) {
            let has_power = settings.clock == ClockKind::Virtual;
            waiting.extend(faults::coups(nodes, interval, load, has_power));
        }
        for (nemesis, kind) in
            [(Nemesis::OneWay, LinkKind::OneWay), (Nemesis::Slow, LinkKind::Slow)]
        {
            if draws(nemesis) {
                drawn.extend(faults::link_faults(settings.seed, nodes, interval, load, kind));
            }
        }
        for (nemesis, kind) in [
            (Nemesis::Loss, Other::Loss),
            (Nemesis::Duplication, Other::Duplication),
            (Nemesis::Clog, Other::Clog),
            (Nemesis::Clock, Other::Clock),
            (Nemesis::Disk, Other::Disk),
        ] {
            if draws(nemesis) {
                drawn.extend(faults::others(settings.seed, nodes, interval, load, kind));
            }
        }
        drawn.extend(faults::outages(settings.seed, nodes, interval, load, &groups));
    }
    drawn.sort_by_key(|fault| fault.begin);
    let mut all = Vec::new();
    for cut in &settings.cuts {
        all.push(cut.fault(nodes, load)?);
    }
    for links in &settings.links {
        all.push(links.fault(nodes, load)?);
    }
    for asked in &settings.asked {
        all.push(asked.fault(nodes, load)?);
    }
    for event in &settings.on_events {
        waiting.push(event.fault(nodes, load)?);
    }
    for outage in &settings.outages {
        all.push(outage.fault(nodes, load, &settings.outages)?);
    }
    if let Some(budget) = settings.fault_budget {
        drawn = faults::within_budget(settings.seed, nodes, budget, &all, drawn)?;
    }
    all.extend(drawn);
    all.sort_by_key(|fault| fault.begin);
    // Nobody knows when these come: they stand behind the others.
    all.extend(waiting);
    Ok(all)
}

#[cfg(test)]
#[path = "planner/tests.rs"]
mod tests;
