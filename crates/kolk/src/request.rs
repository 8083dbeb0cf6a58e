//! From flags to a plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

use kolk_check::models::{Model, UnknownModel};
use kolk_engine::Patience;
use kolk_history::Plan;
use kolk_history::plan::{ClockKind, LatencyDistribution, NodeSpec, ThreadOrder, VirtualHost};
use kolk_protocol::lockstep::Acceptance;
use kolk_report::Role;
use kolk_report::failure::{Failure, Trouble};
use kolk_workload::planner::{
    self, Asked, Flag, Kind, LinkFault, LinkKind, Nemesis, NemesisTargets, Nodes, OnEvent, Other,
    Outage, PlanError, Settings,
};
use kolk_workload::topology::{Topology, UnknownTopology};
use kolk_workload::{WorkloadError, plan, registry};

use crate::args::{ChanceArg, ClockArg, HostArg, JudgeArg, LatencyArg, RunArgs, ThreadsArg, Words};
use crate::status::Stop;
use crate::suggest::did_you_mean;
use crate::{nodes, program, signals, stored, terminal};

/// A fresh seed. It has 32 bits, so that people can copy it.
pub fn fresh_seed() -> Result<u64, Stop> {
    let mut bytes = [0; 4];
    #[expect(clippy::disallowed_methods, reason = "the one place where a new seed comes from")]
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| {
        Stop::internal(Failure::new(Trouble::System, "cannot draw a seed").cause(error.to_string()))
    })?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}

/// The plan that these flags ask for.
pub fn plan_of(args: &RunArgs, seed: u64) -> Result<Plan, Stop> {
    let plan = plan(&settings(args, seed)?).map_err(bad_plan)?;
    Ok(reaching_files(plan, args.host))
}

/// The plan with its program traced in place of in lockstep, if its faults reach only so what the
/// program stores, and nobody insists on a host. Where nothing can be traced, that is said.
pub fn reaching_files(mut plan: Plan, insisted: Option<HostArg>) -> Plan {
    let faults = kolk_engine::faults::storage_faults(&plan);
    let NodeSpec::Program { host: Some(host @ VirtualHost::Lockstep), path, args, .. } =
        &mut plan.node
    else {
        return plan;
    };
    if faults.is_empty() || insisted.is_some() {
        return plan;
    }
    static SAID: Once = Once::new();
    match accepted(Path::new(path), args) {
        Ok(Some(accepted)) if faults.iter().all(|fault| accepted.storage.contains(fault)) => {}
        Ok(_) => *host = VirtualHost::Traced,
        Err(error) => SAID.call_once(|| {
            note(&format!(
                "the program cannot be traced, so its disk is only told of what happens to it if \
                 it keeps to kolk's rules for disks: {error}"
            ));
        }),
    }
    plan
}

/// A program under test as a plan names it.
pub fn program_spec(
    path: &Path,
    args: &[String],
    clock: ClockKind,
    host: Option<HostArg>,
    threads: Option<ThreadsArg>,
) -> Result<NodeSpec, Stop> {
    let program = program::find(path)?;
    let host = match (clock, host) {
        (ClockKind::Real, None) => None,
        (ClockKind::Real, Some(_)) => {
            let failure = Failure::new(
                Trouble::Arguments,
                "--host says how a program runs on the virtual clock",
            )
            .advice("add --clock virtual");
            return Err(Stop::user(failure));
        }
        (ClockKind::Virtual, Some(host)) => Some(host.into()),
        (ClockKind::Virtual, None) => Some(host_of(&program.path, args)),
    };
    if threads.is_some() && host != Some(VirtualHost::Traced) {
        let failure = Failure::new(
            Trouble::Arguments,
            "--threads says how the threads of a traced program go on",
        )
        .advice("add --clock virtual --host traced");
        return Err(Stop::user(failure));
    }
    Ok(NodeSpec::Program {
        host,
        threads: threads.map(ThreadOrder::from).unwrap_or_default(),
        path: program.path.to_string_lossy().into_owned(),
        args: args.to_vec(),
        sha256: program.sha256,
    })
}

/// How a program runs on the virtual clock: in lockstep if it accepts that when asked, else traced.
/// Where nothing can be traced only lockstep is left, and the reason is said: a program that does
/// not accept it will fail.
fn host_of(path: &Path, args: &[String]) -> VirtualHost {
    match ask(path, args) {
        Ok(None) => VirtualHost::Traced,
        Ok(Some(_)) => VirtualHost::Lockstep,
        Err(error) => {
            if kolk_engine::can_trace() {
                note(&format!(
                    "the program cannot be traced, so it has to speak lockstep: {error}"
                ));
            }
            VirtualHost::Lockstep
        }
    }
}

/// What a program accepts when lockstep is offered to it, if it does, or why it cannot be asked.
type Answer = Result<Option<Acceptance>, String>;

/// What programs have answered.
static ANSWERS: Mutex<BTreeMap<(PathBuf, Vec<String>), Answer>> = Mutex::new(BTreeMap::new());

/// Offers lockstep to a program.
fn ask(path: &Path, args: &[String]) -> Answer {
    let patience = Patience { stop_wanted: signals::stop_wanted, ..Patience::default() };
    let answer = kolk_engine::speaks_lockstep(path, args, patience);
    let answer = answer.map_err(|error| error.to_string());
    let mut answers = ANSWERS.lock().expect("nothing panics while it is held");
    answers.insert((path.to_owned(), args.to_vec()), answer.clone());
    answer
}

/// What the program answered when it was last asked.
fn accepted(path: &Path, args: &[String]) -> Answer {
    let answers = ANSWERS.lock().expect("nothing panics while it is held");
    let known = answers.get(&(path.to_owned(), args.to_vec())).cloned();
    drop(answers);
    known.unwrap_or_else(|| ask(path, args))
}

fn note(text: &str) {
    let mark = terminal::error_style().paint(Role::Doubtful, "note:");
    terminal::print_error(&format!("{mark} {text}\n"));
}

/// A built-in node under test as a plan names it; on the real clock it is a program of its own.
pub fn built_in_spec(
    name: &str,
    args: &[String],
    clock: Option<ClockArg>,
) -> Result<NodeSpec, Stop> {
    drop(nodes::find(name)?.maker(args).map_err(|problem| bad_node_arguments(name, &problem))?);
    Ok(NodeSpec::BuiltIn {
        name: name.to_owned(),
        args: args.to_vec(),
        separate: clock == Some(ClockArg::Real),
    })
}

/// A node does not like its arguments.
pub fn bad_node_arguments(name: &str, problem: &str) -> Stop {
    let failure =
        Failure::new(Trouble::Arguments, format!("the node `{name}` refused its arguments"))
            .cause(problem);
    Stop::user(failure)
}

/// What these flags ask for, with defaults for the rest.
pub fn settings(args: &RunArgs, seed: u64) -> Result<Settings, Stop> {
    let workload = args.workload.clone().or_else(|| workload_of(args));
    let workload = workload.unwrap_or_else(|| DEFAULT_WORKLOAD.to_owned());
    settings_on(args, |node| Settings::new(workload, node, seed))
}

/// What these flags ask for, on top of the settings that `base` makes for their node.
pub fn settings_on(
    args: &RunArgs,
    base: impl FnOnce(NodeSpec) -> Settings,
) -> Result<Settings, Stop> {
    let node = match (&args.bin, &args.node) {
        (Some(path), _) => {
            let clock = args.clock.map_or(ClockKind::Real, ClockKind::from);
            program_spec(path, &args.node_args, clock, args.host, args.threads)?
        }
        (None, Some(name)) => built_in_spec(name, &args.node_args, args.clock)?,
        (None, None) => return Err(nothing_under_test(args)),
    };
    let mut settings = base(node);
    env!("CARGO_PKG_VERSION").clone_into(&mut settings.kolk_version);
    let nodes = nodes_of(args)?;
    if nodes != Nodes::Default {
        settings.nodes = nodes;
    }
    let parsed = |problem: PlanError| bad_plan(problem);
    if let Some(concurrency) = &args.concurrency {
        settings.concurrency = concurrency.parse().map_err(parsed)?;
    }
    if let Some(availability) = &args.availability {
        settings.availability = Some(availability.parse().map_err(parsed)?);
    }
    if args.nemesis.is_some() {
        // Targets are of the faults that are drawn.
        settings.nemesis_targets = NemesisTargets::default();
    }
    for targets in &args.nemesis_targets {
        settings.nemesis_targets.add(targets).map_err(parsed)?;
    }
    settings.fault_budget = args.fault_budget;
    let with_time = |text: &&String| !OnEvent::is_meant(text);
    let refused = |error| bad_plan(PlanError::Asked(error));
    for (flag, text) in on_events(args) {
        let event = OnEvent::read(flag, text);
        settings.on_events.push(event.map_err(refused)?);
    }
    let outages =
        [(Kind::Kill, &args.kill), (Kind::Pause, &args.pause), (Kind::Power, &args.power)];
    for (kind, texts) in outages {
        for text in texts.iter().filter(with_time) {
            let outage = Outage::read(kind, text);
            settings.outages.push(outage.map_err(refused)?);
        }
    }
    let links = |kind, text: &String| LinkFault::read(kind, text).map_err(refused);
    for text in args.slow.iter().filter(with_time) {
        settings.links.push(links(LinkKind::Slow, text)?);
    }
    for text in args.cut.iter().filter(with_time).filter(|cut| cut.contains('>')) {
        settings.links.push(links(LinkKind::OneWay, text)?);
    }
    for cut in args.cut.iter().filter(with_time).filter(|cut| !cut.contains('>')) {
        settings.cuts.push(cut.parse().map_err(refused)?);
    }
    let others = [(Other::Clog, &args.clog), (Other::Clock, &args.skew), (Other::Disk, &args.disk)];
    let others = others.iter().flat_map(|(wanted, texts)| texts.iter().map(|text| (*wanted, text)));
    let chances = [(Other::Loss, &args.loss), (Other::Duplication, &args.duplication)];
    let chances = chances
        .iter()
        .flat_map(|(wanted, given)| ChanceArg::windows(given).map(|text| (*wanted, text)));
    for (wanted, text) in others.chain(chances).filter(|(_, text)| with_time(text)) {
        let asked = Asked::read(wanted, text);
        settings.asked.push(asked.map_err(refused)?);
    }
    let or = |given: Option<f64>, default: f64| given.unwrap_or(default);
    settings.rate = or(args.rate, settings.rate);
    settings.time_limit = or(args.time_limit, settings.time_limit);
    settings.latency = or(args.latency, settings.latency);
    settings.loss = or(ChanceArg::always(&args.loss), settings.loss);
    settings.duplication = or(ChanceArg::always(&args.duplication), settings.duplication);
    settings.nemesis_interval = or(args.nemesis_interval, settings.nemesis_interval);
    settings.latency_dist =
        args.latency_dist.map_or(settings.latency_dist, LatencyDistribution::from);
    settings.strict = args.strict || args.judge == Some(JudgeArg::Kolk);
    settings.lenient = args.judge == Some(JudgeArg::Maelstrom);
    settings.limits = args.limits.into();
    settings.clock = args.clock.map_or(settings.clock, ClockKind::from);
    settings.workload_settings.extend(workload_settings(args));
    if let Some(words) = &args.nemesis {
        settings.nemesis = nemesis_of(words, &settings)?;
    }
    Ok(settings)
}

/// The faults that are drawn, given by their names or as `all` that this clock and this latency
/// have; with `all` and another name both.
pub fn nemesis_of(Words(names): &Words, settings: &Settings) -> Result<Vec<Nemesis>, Stop> {
    let mut drawn = Vec::new();
    for name in names.iter().filter(|name| !matches!(name.as_str(), "" | "none")) {
        match name.as_str() {
            "all" => drawn.extend(Nemesis::all_on(settings.clock, settings.latency)),
            name => drawn.push(name.parse().map_err(bad_plan)?),
        }
    }
    Ok(drawn)
}

/// The faults that wait for an event in place of a time.
fn on_events(args: &RunArgs) -> impl Iterator<Item = (Flag, &String)> {
    let flags = [
        (Flag::Outage(Kind::Kill), &args.kill),
        (Flag::Outage(Kind::Pause), &args.pause),
        (Flag::Outage(Kind::Power), &args.power),
        (Flag::Cut, &args.cut),
        (Flag::Slow, &args.slow),
        (Flag::Other(Other::Clog), &args.clog),
        (Flag::Other(Other::Clock), &args.skew),
        (Flag::Other(Other::Disk), &args.disk),
    ];
    let given =
        flags.into_iter().flat_map(|(flag, texts)| texts.iter().map(move |text| (flag, text)));
    given.filter(|(_, text)| OnEvent::is_meant(text))
}

impl From<LatencyArg> for LatencyDistribution {
    fn from(kind: LatencyArg) -> LatencyDistribution {
        match kind {
            LatencyArg::Constant => LatencyDistribution::Constant,
            LatencyArg::Uniform => LatencyDistribution::Uniform,
            LatencyArg::Exponential => LatencyDistribution::Exponential,
        }
    }
}

/// Maelstrom's, where none is named.
pub const DEFAULT_WORKLOAD: &str = "lin-kv";

/// Which nodes there are. As in Maelstrom the count goes before the names, and names from all
/// sources come together.
fn nodes_of(args: &RunArgs) -> Result<Nodes, Stop> {
    if let Some(count) = args.node_count {
        return Ok(Nodes::Count(count as usize));
    }
    let mut names = Vec::new();
    if let Some(path) = &args.nodes_file {
        let text = stored::named_text(path).map_err(|error| {
            let failure = Failure::new(
                Trouble::Files,
                format!("cannot read the names in {}", path.display()),
            );
            Stop::user(failure.cause(error.to_string()).advice("it has one name a line"))
        })?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        names.extend(lines.map(str::to_owned));
    }
    names.extend(args.nodes.iter().flat_map(|Words(names)| names).cloned());
    names.extend(args.more_nodes.iter().cloned());
    let is_named = args.nodes_file.is_some() || args.nodes.is_some() || !names.is_empty();
    Ok(if is_named { Nodes::Names(names) } else { Nodes::Default })
}

/// The workload that a built-in node is for, where it is for one alone.
fn workload_of(args: &RunArgs) -> Option<String> {
    let node = args.node.as_deref()?;
    let mut fitting = registry::WORKLOADS.iter().filter(|info| info.node == node);
    match (fitting.next(), fitting.next()) {
        (Some(info), None) => Some(info.name.to_owned()),
        _ => None,
    }
}

fn workload_settings(args: &RunArgs) -> std::collections::BTreeMap<String, String> {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let models = args.consistency_models.as_ref().map(|Words(names)| names.join(","));
    [
        ("topology", args.topology.clone()),
        ("key-count", number(args.key_count)),
        ("max-txn-length", number(args.max_txn_length)),
        ("max-writes-per-key", number(args.max_writes_per_key)),
        ("consistency-models", models),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?)))
    .collect()
}

fn nothing_under_test(args: &RunArgs) -> Stop {
    let workload = args.workload.as_deref().unwrap_or("WORKLOAD");
    let info = registry::info(workload);
    if let (Some(_), Err(problem)) = (&args.workload, &info) {
        return bad_plan(PlanError::Workload(problem.clone()));
    }
    let failure = Failure::new(Trouble::Program, "nothing is under test")
        .advice(format!("a program of yours: kolk test -w {workload} --bin PATH"));
    let node = info.map_or("NAME", |info| info.node);
    // Not every workload has a node of ours yet.
    if node != "NAME" && nodes::find(node).is_err() {
        return Stop::user(failure);
    }
    Stop::user(failure.advice(format!("a built-in node: kolk test -w {workload} --node {node}")))
}

/// A plan that cannot be made, with the advice that fits.
pub fn bad_plan(error: PlanError) -> Stop {
    let failure = Failure::new(Trouble::Arguments, error.to_string());
    Stop::user(match &error {
        PlanError::Workload(WorkloadError::UnknownWorkload(name)) => {
            let known = registry::WORKLOADS.iter().map(|info| info.name);
            failure.advice(did_you_mean(name, known))
        }
        PlanError::Workload(WorkloadError::ConsistencyModel(UnknownModel(name))) => {
            failure.advice(did_you_mean(name, Model::ALL.iter().map(|model| model.name())))
        }
        PlanError::Nemesis(name) => {
            let known = Nemesis::ALL.iter().map(|nemesis| nemesis.name());
            failure.advice(did_you_mean(name, known))
        }
        PlanError::Workload(WorkloadError::Topology(UnknownTopology(name))) => {
            failure.advice(did_you_mean(name, Topology::NAMES.iter().copied()))
        }
        _ => failure,
    })
}

/// The plan of a stored run: a run folder, or a `plan.json`.
pub fn stored_plan(run: &Path) -> Result<Plan, Stop> {
    read_stored_plan(run, Purpose::Run)
}

/// Reads the plan of a run that is only to be shown: whatever its seed meant then, nothing is
/// drawn from it again.
pub fn stored_plan_to_show(run: &Path) -> Result<Plan, Stop> {
    read_stored_plan(run, Purpose::Show)
}

/// What a stored plan is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Run,
    Show,
}

fn read_stored_plan(run: &Path, purpose: Purpose) -> Result<Plan, Stop> {
    let (path, text) = if run.is_dir() {
        (run.join("plan.json"), stored::text(run, "plan.json"))
    } else {
        (run.to_owned(), stored::named_text(run))
    };
    let text = text.map_err(|error| {
        let failure =
            Failure::new(Trouble::Plan, format!("cannot read the plan {}", path.display()))
                .cause(error.to_string())
                .advice("name a run folder, such as store/latest, or a plan.json");
        Stop::user(failure)
    })?;
    read_plan(&text, purpose).map_err(|failure| {
        let place = Failure::new(Trouble::Plan, format!("cannot use the plan {}", path.display()));
        Stop::user(Failure { causes: vec![failure.problem], advice: failure.advice, ..place })
    })
}

/// Reads a plan of the versions that this kolk knows.
fn read_plan(text: &str, purpose: Purpose) -> Result<Plan, Failure> {
    /// What is looked at before the rest: another version may have another shape.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Versions {
        format: u32,
        draws: u32,
        #[serde(default)]
        kolk_version: String,
    }
    use kolk_history::plan::{DRAWS, FORMAT};
    let versions: Versions = serde_json::from_str(text)
        .map_err(|error| Failure::new(Trouble::Plan, format!("it is no plan: {error}")))?;
    let older = |what: &str, found: u32, known: u32| {
        let advice = match versions.kolk_version.as_str() {
            "" => "use the kolk that made it".to_owned(),
            version => format!("use the kolk that made it, {version}"),
        };
        Failure::new(
            Trouble::Plan,
            format!("its {what} are of version {found}, and this kolk knows {known}"),
        )
        .advice(advice)
    };
    // What stood in a plan of an older version means the same in this one.
    if !(1..=FORMAT).contains(&versions.format) {
        return Err(older("keys", versions.format, FORMAT));
    }
    if purpose == Purpose::Run && versions.draws != DRAWS {
        return Err(older("random draws", versions.draws, DRAWS));
    }
    let plan: Plan = serde_json::from_str(text)
        .map_err(|error| Failure::new(Trouble::Plan, format!("it is no plan: {error}")))?;
    let plan = Plan { format: FORMAT, ..plan };
    // Whoever wrote it: it is held to what a plan made from flags is held to.
    planner::check(&plan).map_err(|error| Failure::new(Trouble::Plan, error.to_string()))?;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_versions_are_refused() {
        for (text, problem) in [
            ("{}", "it is no plan: missing field `format`"),
            ("[", "it is no plan"),
            (r#"{"format":9,"draws":1}"#, "its keys are of version 9, and this kolk knows 4"),
            (r#"{"format":1,"draws":9}"#, "its random draws are of version 9"),
            (
                r#"{"format":1,"draws":1}"#,
                "its random draws are of version 1, and this kolk knows 4",
            ),
            (r#"{"format":1,"draws":4}"#, "it is no plan: missing field"),
        ] {
            let found = read_plan(text, Purpose::Run).expect_err(text).problem;
            assert!(found.starts_with(problem), "{text}: {found}");
        }
    }
}
