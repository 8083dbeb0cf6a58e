//! `kolk verify`: the same plan gives the same run, byte for byte.

use kolk_engine::{Ending, Flow, Observer, Progress, Run};
use kolk_history::Plan;
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::numbers::{counted, grouped};
use kolk_report::{Role, difference};
use kolk_workload::registry;

use crate::args::{ChanceArg, ClockArg, LatencyArg, PatienceArgs, RunArgs, VerifyArgs, Words};
use crate::progress::Bar;
use crate::status::{Status, Stop};
use crate::{commands, nodes, request, runner, signals, terminal};

/// Verifies one plan, or one for each of many seeds. If nothing is named: all built-in nodes in all
/// their modes, under every kind of fault, against themselves and against lockstep.
pub fn run(args: &VerifyArgs) -> Result<Status, Stop> {
    let is_named = args.stored.is_some() || args.run.bin.is_some() || args.run.node.is_some();
    if is_named || args.run.workload.is_some() {
        return verify(args);
    }
    let workloads = registry::WORKLOADS.iter().map(|info| (info.node, info.name, &[] as &[&str]));
    let modes = workloads.chain(nodes::MODES.iter().copied());
    for (node, workload, node_args) in modes.filter(|(node, ..)| nodes::find(node).is_ok()) {
        let mut args = args.clone();
        args.run.workload = Some(workload.to_owned());
        args.run.node = Some(node.to_owned());
        args.args.extend(node_args.iter().map(|arg| (*arg).to_owned()));
        stormy(&mut args.run);
        for lockstep in [false, true] {
            args.lockstep = lockstep;
            let status = verify(&args)?;
            if status != Status::Valid {
                return Ok(status);
            }
        }
    }
    Ok(Status::Valid)
}

/// Fills in what was not given so that everything random happens in a short run.
fn stormy(run: &mut RunArgs) {
    run.time_limit.get_or_insert(10.0);
    run.rate.get_or_insert(50.0);
    run.latency.get_or_insert(20.0);
    run.latency_dist.get_or_insert(LatencyArg::Exponential);
    ChanceArg::or_always(&mut run.loss, 0.05);
    ChanceArg::or_always(&mut run.duplication, 0.05);
    run.nemesis_interval.get_or_insert(2.0);
    run.nemesis.get_or_insert_with(|| Words(vec!["all".to_owned(), "disk".to_owned()]));
    run.strict = true;
}

fn verify(args: &VerifyArgs) -> Result<Status, Stop> {
    let first = first_plan(args)?;
    let count = args.seeds.unwrap_or(1);
    let style = terminal::out_style();
    let (mut events, mut digest) = (0, String::new());
    for number in 0..count {
        let plan = Plan { seed: first.seed.wrapping_add(u64::from(number)), ..first.clone() };
        let plan = reseeded(args, plan)?;
        let pair = [plan.clone(), second_plan(args, &plan)];
        let label = format!("{} seed {} of {count}", title(&plan), number + 1);
        match compare(&pair, args.patience, &label)? {
            Outcome::Same { event_count, digest: same } => {
                events += event_count;
                digest = same;
            }
            Outcome::Interrupted => return Ok(Status::Interrupted),
            Outcome::Different(picture) => {
                let mark = style.paint(Role::Bad, "✗");
                terminal::print(&format!(
                    "{mark} {}: seed {:#x} gives two different runs; {picture}\n  again  {}\n",
                    title(&plan),
                    plan.seed,
                    style.paint(Role::Command, again(args, &plan))
                ));
                return Ok(Status::Invalid);
            }
        }
    }
    let mark = style.paint(Role::Good, "✓");
    let [one, other] = names(args, &first);
    let what = match count {
        1 => format!("seed {:#x}, digest {digest}", first.seed),
        count => counted(u64::from(count), "seed", "seeds"),
    };
    terminal::print(&format!(
        "{mark} {}: the same run {one} and {other}, byte for byte · {} · {what} · {} events\n",
        title(&first),
        counted(first.nodes.len() as u64, "node", "nodes"),
        grouped(events)
    ));
    Ok(Status::Valid)
}

/// What is asked for, with the arguments of the node.
fn asked(args: &VerifyArgs) -> RunArgs {
    RunArgs { node_args: args.args.clone(), ..args.run.clone() }
}

fn first_plan(args: &VerifyArgs) -> Result<Plan, Stop> {
    let plan = match &args.stored {
        Some(run) => request::stored_plan(run)?,
        None => {
            let mut run = asked(args);
            run.clock = Some(run.clock.unwrap_or(ClockArg::Virtual));
            request::plan_of(&run, args.run.seed.unwrap_or(1))?
        }
    };
    if plan.clock != ClockKind::Virtual {
        let failure =
            Failure::new(Trouble::Arguments, "on the real clock no two runs are the same")
                .advice("verify a run on the virtual clock: --clock virtual");
        return Err(Stop::user(failure));
    }
    Ok(plan)
}

/// The plan for its seed: faults are drawn from it too.
fn reseeded(args: &VerifyArgs, plan: Plan) -> Result<Plan, Stop> {
    if args.stored.is_some() {
        return Ok(plan);
    }
    let mut run = asked(args);
    run.clock = Some(ClockArg::Virtual);
    if let NodeSpec::Program { host: Some(host), .. } = &plan.node {
        // The program has been asked already.
        run.host = Some((*host).into());
    }
    let fresh = request::plan_of(&run, plan.seed)?;
    Ok(Plan { node: plan.node, ..fresh })
}

/// What the first run is held against: itself, or with `--lockstep` the same nodes as programs.
fn second_plan(args: &VerifyArgs, plan: &Plan) -> Plan {
    let mut second = plan.clone();
    if let NodeSpec::BuiltIn { separate, .. } = &mut second.node
        && args.lockstep
    {
        *separate = true;
    }
    second
}

/// The workload, and in which mode its node is.
fn title(plan: &Plan) -> String {
    let args = match &plan.node {
        NodeSpec::BuiltIn { args, .. } => args.join(" "),
        NodeSpec::Program { .. } => String::new(),
    };
    format!("{} {args}", plan.workload.name).trim_end().to_owned()
}

fn names(args: &VerifyArgs, plan: &Plan) -> [&'static str; 2] {
    match (&plan.node, args.lockstep) {
        (NodeSpec::BuiltIn { separate: false, .. }, true) => ["in this process", "in lockstep"],
        _ => ["once", "again"],
    }
}

/// The flags that [`stormy`] fills in.
fn flags(run: &RunArgs) -> String {
    let numbers = [
        ("time-limit", run.time_limit),
        ("rate", run.rate),
        ("latency", run.latency),
        ("loss", ChanceArg::always(&run.loss)),
        ("duplication", ChanceArg::always(&run.duplication)),
        ("nemesis-interval", run.nemesis_interval),
    ];
    let numbers =
        numbers.iter().filter_map(|(name, value)| Some(format!("--{name} {}", (*value)?)));
    let words = ["--latency-dist exponential", "--nemesis all", "--strict"];
    numbers.chain(words.map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

/// The line that verifies one seed alone: what was typed, with that seed.
fn again(args: &VerifyArgs, plan: &Plan) -> String {
    let mut kept: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in std::env::args().skip(2) {
        let is_flag = matches!(word.as_str(), "--seeds" | "--seed");
        if !is_flag && !is_value && !word.starts_with("--seeds=") && !word.starts_with("--seed=") {
            kept.push(word);
        }
        is_value = is_flag;
    }
    let mut chosen = vec![commands::program().to_owned(), "verify".to_owned()];
    if args.stored.is_none() {
        chosen.push(format!("--seed {:#x}", plan.seed));
        if let (NodeSpec::BuiltIn { name, .. }, false) =
            (&plan.node, kept.iter().any(|word| word.starts_with("--node")))
        {
            chosen.push(format!("-w {} --node {name}", plan.workload.name));
            chosen.push(flags(&args.run));
            chosen.extend(args.lockstep.then(|| "--lockstep".to_owned()));
        }
    }
    chosen.extend(kept);
    chosen.join(" ")
}

enum Outcome {
    Same { event_count: u64, digest: String },
    Different(String),
    Interrupted,
}

fn compare(plans: &[Plan; 2], patience: PatienceArgs, label: &str) -> Result<Outcome, Stop> {
    let digests =
        [one_run(&plans[0], patience, false, label)?, one_run(&plans[1], patience, false, label)?];
    if digests.iter().any(|run| run.ending == Ending::Interrupted) || signals::stop_wanted() {
        return Ok(Outcome::Interrupted);
    }
    if digests[0].digest == digests[1].digest {
        let event_count = digests[0].event_count;
        return Ok(Outcome::Same { event_count, digest: digests[0].digest.to_string() });
    }
    // Journals are kept only now: a sweep over many seeds should not pay for them.
    let journals =
        [one_run(&plans[0], patience, true, label)?, one_run(&plans[1], patience, true, label)?]
            .map(|run| run.journal.unwrap_or_default());
    let separate = matches!(&plans[1].node, NodeSpec::BuiltIn { separate: true, .. });
    let was_separate = matches!(&plans[0].node, NodeSpec::BuiltIn { separate: true, .. });
    let names = if separate && !was_separate {
        ["in this process", "in lockstep"]
    } else {
        ["the first run", "the second run"]
    };
    let picture = if difference::first(&journals[0], &journals[1]).is_some() {
        difference::draw(&journals[0], &journals[1], names, terminal::out_style())
    } else {
        "their journals are the same, so their histories differ\n".to_owned()
    };
    Ok(Outcome::Different(picture))
}

fn one_run(
    plan: &Plan,
    patience: PatienceArgs,
    keep_journal: bool,
    label: &str,
) -> Result<Run, Stop> {
    let mut bar = Bar::new(label, false);
    let mut observer = |progress: &Progress<'_>| -> Flow { bar.progress(progress) };
    runner::run_in_memory(plan, keep_journal, patience.into(), &mut observer)
}
