//! What is explored: what the flags give, and what they leave open.

use kolk_explore::Open;
use kolk_report::failure::{Failure, Trouble};
use kolk_workload::challenge::{self, CHALLENGES, ChallengeRun};
use kolk_workload::course::{self, STAGES};
use kolk_workload::planner::{Nemesis, Settings};

use crate::args::{ClockArg, ExploreArgs, JudgeArg, RunArgs};
use crate::request;
use crate::status::Stop;
use crate::suggest::did_you_mean;

/// What is explored.
pub struct Asked {
    /// What the flags give, and defaults for the rest.
    pub settings: Settings,
    /// What every run draws for itself.
    pub open: Open,
}

/// What these flags ask for. Without `--clock` time is simulated, for programs too.
pub fn asked(args: &ExploreArgs) -> Result<Asked, Stop> {
    let clock = args.run.clock.unwrap_or(ClockArg::Virtual);
    let mut run = RunArgs { node_args: args.args.clone(), clock: Some(clock), ..args.run.clone() };
    let seed = match run.seed {
        Some(seed) => seed,
        None => request::fresh_seed()?,
    };
    let lenient = run.judge == Some(JudgeArg::Maelstrom);
    let Some(id) = &args.challenge else {
        let mut settings = request::settings(&run, seed)?;
        (settings.strict, settings.lenient) = (!lenient, lenient);
        return Ok(Asked { settings: reaching_files(settings, &run), open: open(&run) });
    };
    let conditions = conditions(id)?;
    run.workload = Some(conditions.workload.to_owned());
    if run.bin.is_none() && run.node.is_none() {
        run.node = Some(conditions.node.to_owned());
        run.node_args = conditions.node_args.iter().map(|arg| (*arg).to_owned()).collect();
    }
    let mut settings = request::settings_on(&run, |node| conditions.settings(node, seed))?;
    (settings.strict, settings.lenient) = (!lenient, lenient);
    let all = open(&run);
    let is_open = Open {
        time_limit: all.time_limit,
        nemesis_interval: all.nemesis_interval,
        ..Open::CHALLENGE
    };
    Ok(Asked { settings: reaching_files(settings, &run), open: is_open })
}

/// The run of this challenge, or of this stage of the course, whose conditions are explored: of
/// several the first with partitions, since most others ask the same of a node, and less. Faults
/// that only others have can be asked for beside it.
fn conditions(id: &str) -> Result<&'static ChallengeRun, Stop> {
    let runs = match (challenge::find(id), course::find(id)) {
        (Some(challenge), _) => challenge.runs,
        (None, Some(stage)) => stage.own(),
        (None, None) => &[],
    };
    runs.iter().find(|run| run.partitions).or_else(|| runs.first()).ok_or_else(|| {
        let ids = CHALLENGES.iter().map(|challenge| challenge.id);
        let all = ids.chain(STAGES.iter().map(|stage| stage.id));
        let problem = format!("there is no challenge and no stage `{id}`");
        let failure = Failure::new(Trouble::Arguments, problem)
            .advice(did_you_mean(id, all))
            .advice("`kolk challenge --list` shows the challenges, and `kolk learn` all stages");
        Stop::user(failure)
    })
}

/// The settings with their program hosted so that the faults that are asked for reach its files.
/// No run draws such faults for itself.
fn reaching_files(mut settings: Settings, run: &RunArgs) -> Settings {
    // Other faults may need what each run draws for itself, such as a latency.
    let mut of_storage = settings.clone();
    of_storage.nemesis.retain(|drawn| matches!(drawn, Nemesis::Power | Nemesis::Disk));
    // What is wrong with the rest is told when runs are made of it.
    if let Ok(plan) = kolk_workload::plan(&of_storage) {
        settings.node = request::reaching_files(plan, run.host).node;
    }
    settings
}

/// What these flags leave open.
fn open(run: &RunArgs) -> Open {
    let faults = [&run.cut, &run.kill, &run.pause, &run.power, &run.slow, &run.clog]
        .into_iter()
        .chain([&run.skew, &run.disk]);
    let asks = faults.into_iter().any(|asked| !asked.is_empty());
    let names = run.nodes.is_some() || run.nodes_file.is_some() || !run.more_nodes.is_empty();
    Open {
        // A fault that is asked for names nodes and times, which must be there.
        nodes: run.node_count.is_none() && !names && !asks,
        concurrency: run.concurrency.is_none(),
        rate: run.rate.is_none(),
        time_limit: run.time_limit.is_none() && !asks,
        latency: run.latency.is_none(),
        latency_dist: run.latency_dist.is_none(),
        loss: run.loss.is_empty(),
        duplication: run.duplication.is_empty(),
        nemesis: run.nemesis.is_none() && !asks,
        nemesis_interval: run.nemesis_interval.is_none(),
    }
}
