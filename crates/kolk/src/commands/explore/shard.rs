//! Which share of a sweep this process takes: as it was told, or as its surroundings say.

use kolk_report::failure::{Failure, Trouble};

use crate::args::ShardArg;
use crate::status::Stop;

/// How a system tells each process of a group which one it is.
struct System {
    name: &'static str,
    /// The variable with a process's number.
    number: &'static str,
    /// The first number, and the variable with it if it can be another.
    first: (u64, Option<&'static str>),
    /// The variable with how far numbers are apart, if they can be.
    step: Option<&'static str>,
    /// The variable with how many there are, if any says so.
    count: Option<&'static str>,
}

/// From the systems' own manuals.
const SYSTEMS: [System; 8] = [
    System {
        name: "a Slurm array",
        number: "SLURM_ARRAY_TASK_ID",
        first: (0, Some("SLURM_ARRAY_TASK_MIN")),
        step: Some("SLURM_ARRAY_TASK_STEP"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    // How many there are stands in the job alone.
    System { count: None, ..plain("a Kubernetes indexed Job", "JOB_COMPLETION_INDEX", 0, "") },
    plain("GitLab", "CI_NODE_INDEX", 1, "CI_NODE_TOTAL"),
    plain("CircleCI", "CIRCLE_NODE_INDEX", 0, "CIRCLE_NODE_TOTAL"),
    plain("Buildkite", "BUILDKITE_PARALLEL_JOB", 0, "BUILDKITE_PARALLEL_JOB_COUNT"),
    plain("Bitbucket", "BITBUCKET_PARALLEL_STEP", 0, "BITBUCKET_PARALLEL_STEP_COUNT"),
    plain("Semaphore", "SEMAPHORE_JOB_INDEX", 1, "SEMAPHORE_JOB_COUNT"),
    plain("Azure Pipelines", "SYSTEM_JOBPOSITIONINPHASE", 1, "SYSTEM_TOTALJOBSINPHASE"),
];

const fn plain(
    name: &'static str,
    number: &'static str,
    first: u64,
    count: &'static str,
) -> System {
    System { name, number, first: (first, None), step: None, count: Some(count) }
}

/// The share, from 1, and how many there are; `None` if the sweep is not shared. `variable` gives
/// what the surroundings say.
pub fn share(
    asked: Option<ShardArg>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(u64, u64)>, Stop> {
    match asked {
        None => Ok(None),
        Some(ShardArg::Given(shard, of)) => Ok(Some((shard, of))),
        Some(ShardArg::Auto(of)) => surroundings(of, variable).map(Some).map_err(|problem| {
            let failure = Failure::new(
                Trouble::Sweep,
                "cannot tell which share of the seeds this process takes",
            );
            Stop::user(failure.cause(problem).advice("say it yourself: --shard 2/7"))
        }),
    }
}

fn surroundings(
    of: Option<u64>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(u64, u64), String> {
    let mut told = SYSTEMS.iter().filter(|system| variable(system.number).is_some());
    let Some(system) = told.next() else {
        let names = SYSTEMS.map(|system| system.number).join(", ");
        return Err(format!("none of these variables is set: {names}"));
    };
    if let Some(other) = told.next() {
        return Err(format!("two systems say so: {} and {}", system.name, other.name));
    }
    let number = |name: &str| -> Result<u64, String> {
        let text = variable(name).ok_or_else(|| format!("{name} is not set"))?;
        text.parse().map_err(|_| format!("{name} is no number: {text}"))
    };
    let place = number(system.number)?;
    let first = system.first.1.map_or(Ok(system.first.0), number)?;
    let step = system.step.filter(|name| variable(name).is_some()).map_or(Ok(1), number)?;
    let count = match (of, system.count) {
        (Some(of), _) => of,
        (None, Some(name)) => number(name)?,
        (None, None) => {
            let name = system.name;
            return Err(format!("{name} does not say how many there are: --shard auto/N does"));
        }
    };
    let shard = place.checked_sub(first).filter(|past| step > 0 && past.is_multiple_of(step));
    let shard = shard.map(|past| past / step + 1).filter(|shard| *shard <= count);
    shard.map(|shard| (shard, count)).ok_or_else(|| {
        format!(
            "{} is {place}, and {} has {count} of them in steps of {step} from {first} on, without \
             gaps",
            system.number, system.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_systems_say() {
        for (asked, variables, found) in [
            ("2/3", "", Some((2, 3))),
            ("auto", "", None),
            (
                "auto",
                "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=8",
                Some((8, 8)),
            ),
            (
                "auto",
                "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=7",
                Some((7, 7)),
            ),
            (
                "auto",
                "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=4 \
                 SLURM_ARRAY_TASK_STEP=2",
                Some((3, 4)),
            ),
            // An array with gaps.
            ("auto", "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=3", None),
            ("auto", "SLURM_ARRAY_TASK_ID=9", None),
            ("auto/7", "JOB_COMPLETION_INDEX=0", Some((1, 7))),
            ("auto/7", "JOB_COMPLETION_INDEX=6", Some((7, 7))),
            ("auto/7", "JOB_COMPLETION_INDEX=7", None),
            ("auto", "JOB_COMPLETION_INDEX=0", None),
            ("auto", "CI_NODE_INDEX=1 CI_NODE_TOTAL=2", Some((1, 2))),
            ("auto", "CI_NODE_INDEX=0 CI_NODE_TOTAL=2", None),
            ("auto", "CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=2", Some((2, 2))),
            ("auto", "BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=5", Some((1, 5))),
            ("auto", "BITBUCKET_PARALLEL_STEP=4 BITBUCKET_PARALLEL_STEP_COUNT=5", Some((5, 5))),
            ("auto", "SEMAPHORE_JOB_INDEX=2 SEMAPHORE_JOB_COUNT=3", Some((2, 3))),
            ("auto", "SYSTEM_JOBPOSITIONINPHASE=3 SYSTEM_TOTALJOBSINPHASE=3", Some((3, 3))),
            ("auto", "CI_NODE_INDEX=1 CI_NODE_TOTAL=2 JOB_COMPLETION_INDEX=0", None),
            ("auto", "CI_NODE_INDEX=one CI_NODE_TOTAL=2", None),
        ] {
            let variable = |name: &str| {
                let set = variables.split_whitespace().filter_map(|one| one.split_once('='));
                set.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next()
            };
            let asked = asked.parse().expect("a share");
            let share = share(Some(asked), &variable).ok().flatten();
            assert_eq!(share, found, "{asked:?} {variables}");
        }
    }
}
