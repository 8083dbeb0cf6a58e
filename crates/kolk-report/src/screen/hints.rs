//! Where a run proves less than it seems, and what to try.
//!
//! A valid verdict says that nothing went wrong, not that much was tried. Each hint is a sentence
//! about this run alone, with the flags that would make it try more.

use kolk_check::Validity;
use kolk_history::{Operation, Phase, Value};
use kolk_protocol::Time;

use super::Report;
use crate::facts::Ending;
use crate::numbers::counted;

/// Below this many operations a run says little.
const OPERATIONS_MIN: usize = 20;

/// Beyond this part of the latency, what comes late is told.
const LATE_SHARE_MAX: f64 = 0.1;

/// Below this part of the rate asked for, the workers were too few.
const RATE_SHARE_MIN: f64 = 0.9;

/// Beyond this part of the operations, those that nobody answers are what keeps the load small.
const UNANSWERED_SHARE_MAX: f64 = 0.1;

/// The workloads whose promise is about the order of operations: it is only tried where operations
/// overlap.
const ORDERED: [&str; 5] = ["lin-kv", "seq-kv", "kafka", "txn-list-append", "txn-rw-register"];

/// The workloads in which nodes need not know of each other.
const SOLITARY: [&str; 2] = ["echo", "unique-ids"];

/// What is to be said of a run, the most important first.
pub fn hints(report: &Report<'_>) -> Vec<String> {
    if report.facts.ending != Ending::Completed {
        return late(report).into_iter().chain(unread(report)).collect();
    }
    if report.verdict.validity == Validity::Invalid {
        // It has proved enough.
        return [late(report), default_model(report), silent(report)]
            .into_iter()
            .flatten()
            .collect();
    }
    let all = [
        late(report),
        few_operations(report),
        busy(report),
        lonely(report),
        orderly(report),
        silent(report),
        calm(report),
    ];
    all.into_iter().flatten().collect()
}

/// The machine had no time for what was due, so that latencies are longer than the plan says.
fn late(report: &Report<'_>) -> Option<String> {
    let late = report.summary.lateness?;
    let millis = |nanos: u64| nanos as f64 / 1e6;
    let latency = report.plan.network.latency;
    (latency > 0.0 && millis(late.p99) > latency * LATE_SHARE_MAX).then(|| {
        format!(
            "the machine was busy: one message of a hundred came more than {} ms too late (the \
             median {} ms, the latest {} ms), beside a latency of {latency} ms; a limit in \
             milliseconds may be missed for that alone",
            round(millis(late.p99)),
            round(millis(late.median)),
            round(millis(late.max)),
        )
    })
}

/// Two digits that matter.
fn round(millis: f64) -> String {
    if millis < 1.0 { format!("{millis:.2}") } else { format!("{millis:.0}") }
}

/// The run came to no end, and so not to its last reads.
fn unread(report: &Report<'_>) -> Option<String> {
    let reads_last = !SOLITARY.contains(&workload(report)) && !ORDERED.contains(&workload(report));
    let is_final = |operation: &Operation| operation.phase != Phase::Load;
    let has_final = report.history.operations.iter().any(is_final);
    (reads_last && !has_final)
        .then(|| "the run ended before its last reads, so what was lost cannot be told".to_owned())
}

/// Strict serializability is what transactions are held to unless something else is said, and far
/// more than a node promises that answers in a partition.
fn default_model(report: &Report<'_>) -> Option<String> {
    let is_asked = report.plan.workload.settings.contains_key("consistency-models");
    (workload(report).starts_with("txn-") && !is_asked).then(|| {
        "held to strict-serializable, as no model was named; a node that promises less is tested \
         with --consistency-models, such as read-committed"
            .to_owned()
    })
}

fn few_operations(report: &Report<'_>) -> Option<String> {
    let count = report.history.counted().count();
    (count < OPERATIONS_MIN).then(|| {
        let all = counted(count as u64, "operation", "operations");
        match unanswered(report) {
            Some(1) => format!("{all} in all, of which 1 was not answered in time"),
            Some(count) => format!("{all} in all, of which {count} were not answered in time"),
            None => format!("{all} in all: try a higher --rate or --time-limit"),
        }
    })
}

/// How many operations were not answered in time, if they are so many that they, and not the flags,
/// kept the load small.
fn unanswered(report: &Report<'_>) -> Option<usize> {
    let is_unanswered = |operation: &&Operation| operation.result == Value::text("timeout");
    let count = report.history.counted().filter(is_unanswered).count();
    let is_held_back = report.verdict.measure("rate")? < report.plan.rate * RATE_SHARE_MIN;
    let share = count as f64 / report.history.counted().count().max(1) as f64;
    (is_held_back && share > UNANSWERED_SHARE_MAX).then_some(count)
}

fn busy(report: &Report<'_>) -> Option<String> {
    let (rate, asked) = (report.verdict.measure("rate")?, report.plan.rate);
    (rate < asked * RATE_SHARE_MIN && is_large(report)).then(|| {
        if let Some(count) = unanswered(report) {
            let all = counted(report.history.counted().count() as u64, "operation", "operations");
            return format!(
                "the workers waited for answers that did not come: {count} of {all} were not \
                 answered in time"
            );
        }
        let per_node = report.plan.concurrency as usize / report.plan.nodes.len().max(1) + 1;
        format!("the workers were busy waiting for answers: try --concurrency {per_node}n")
    })
}

fn lonely(report: &Report<'_>) -> Option<String> {
    let is_alone = report.plan.nodes.len() == 1 && workload(report) != "echo";
    (is_alone && is_open(report))
        .then(|| "one node alone has nobody to disagree with: try --node-count 5".to_owned())
}

fn orderly(report: &Report<'_>) -> Option<String> {
    let is_silent = report.summary.servers.msg_count == 0;
    if !ORDERED.contains(&workload(report)) || !is_large(report) || !is_open(report) || is_silent {
        return None;
    }
    let flags = match report.plan.network.latency {
        0.0 => "--latency 10",
        _ => "a higher --rate or --concurrency",
    };
    (!overlaps(&report.history.operations)).then(|| {
        format!("no two operations overlapped, so any order was the right one: try {flags}")
    })
}

/// True if an operation began while another was open.
fn overlaps(operations: &[Operation]) -> bool {
    let mut open_until = Time::ZERO;
    operations.iter().any(|operation| {
        let overlaps = operation.invoked < open_until;
        let end =
            if operation.completion_index.is_some() { operation.completed } else { Time::MAX };
        open_until = open_until.max(end);
        overlaps
    })
}

fn silent(report: &Report<'_>) -> Option<String> {
    let is_silent = report.summary.servers.msg_count == 0 && report.plan.nodes.len() > 1;
    // Where something was found, it is told beside the verdict.
    (is_silent
        && report.verdict.causes.is_empty()
        && !SOLITARY.contains(&workload(report))
        && is_large(report))
    .then(|| "the nodes sent each other no message".to_owned())
}

/// What the network could have done to the messages between servers and was not asked to.
fn calm(report: &Report<'_>) -> Option<String> {
    let plan = report.plan;
    if report.summary.servers.msg_count == 0 || !is_open(report) {
        return None;
    }
    let mut calm = Vec::new();
    let mut flags = Vec::new();
    if plan.network.latency == 0.0 {
        calm.push("no latency");
        flags.push("--latency 100");
    }
    if plan.faults.is_empty() && plan.nodes.len() > 1 {
        calm.push("no partitions");
        flags.push("--nemesis partition");
    }
    if plan.network.loss == 0.0 {
        calm.push("no lost messages");
        flags.push("--loss 0.1");
    }
    let last = calm.pop()?;
    let calm =
        if calm.is_empty() { last.to_owned() } else { format!("{} and {last}", calm.join(", ")) };
    Some(format!("{calm}: try {}", flags.join(" ")))
}

fn workload<'a>(report: &Report<'a>) -> &'a str {
    &report.plan.workload.name
}

/// Whether there was more than a handful of operations; of fewer only that is said.
fn is_large(report: &Report<'_>) -> bool {
    report.history.counted().nth(OPERATIONS_MIN - 1).is_some()
}

/// Whether the run's flags are the user's to choose: a challenge prescribes them.
fn is_open(report: &Report<'_>) -> bool {
    report.facts.challenge.is_none()
}
