//! What struck and how hard: which kills and pauses hit a node that ran, how long a majority was
//! out of reach, how long nothing succeeded though it was not, and what could not succeed.

use kolk_history::{History, Operation, Phase};
use kolk_protocol::Time;

use super::Report;
use crate::effects;
use crate::faults::{Period, periods};
use crate::numbers::{counted, duration, ratio};
use crate::sanitize::sanitize;

/// What is to be said, a sentence each: what struck, and which faults that were asked for did not.
pub fn facts(report: &Report<'_>) -> Vec<String> {
    let in_vain = effects::in_vain(report.plan, report.summary);
    outages(report).into_iter().chain(missed(report)).chain(in_vain).collect()
}

/// Nothing of a run without kills and pauses.
fn outages(report: &Report<'_>) -> Vec<String> {
    let periods = periods(report.plan, report.facts);
    let is_outage = |period: &Period<'_>| period.fault.targets().is_some();
    if !periods.iter().any(is_outage) {
        return Vec::new();
    }
    let stretches = stretches(report, &periods);
    let all = [
        hits(report.history, "kill", "killed", ["kill", "kills"]),
        hits(report.history, "pause", "paused", ["pause", "pauses"]),
        hits(report.history, "power", "killed", ["loss of power", "losses of power"]),
        out_of_reach(&stretches),
        longest_silence(report.history, &stretches),
        hopeless(report.history, &periods),
    ];
    all.into_iter().flatten().collect()
}

/// The faults that never came: what they waited for did not happen. Of those that wait for a node
/// to lead it is told how many came, if any did: how many leaders there will be nobody knows
/// before.
fn missed(report: &Report<'_>) -> Vec<String> {
    let came =
        |number: usize| report.facts.triggered.iter().any(|came| came.number as usize == number);
    let faults = || report.plan.faults.iter().enumerate();
    let of_leaders = || faults().filter(|(_, fault)| fault.waits_for_leader());
    let led = of_leaders().filter(|(number, _)| came(*number)).count();
    let missed = faults().filter(|(number, _)| !came(*number)).filter_map(|(_, fault)| {
        let is_for_leader = fault.kind.targets().is_some_and(|targets| targets.targets == "leader");
        let what = match &fault.on {
            Some(_) if fault.waits_for_leader() && led > 0 => return None,
            // Somebody led, and it was not the node, or the time, that was asked for.
            Some(on) if !fault.waits_for_leader() || report.summary.leader_count > 0 => {
                on.to_string()
            }
            None if !is_for_leader => return None,
            _ => "a node that says on its stderr that it leads".to_owned(),
        };
        Some((fault.kind.name(), what))
    });
    let mut counts: Vec<((&str, String), u64)> = Vec::new();
    for one in missed {
        match counts.iter_mut().find(|(known, _)| *known == one) {
            Some((_, count)) => *count += 1,
            None => counts.push((one, 1)),
        }
    }
    let in_vain = counts.into_iter().map(|((name, what), count)| {
        let times = counted(count, "time", "times");
        format!("{name} waited in vain for {}, {times}", sanitize(&what))
    });
    let all = of_leaders().count();
    let some = (0 < led && led < all)
        .then(|| format!("{led} of {all} faults that waited for a node to lead came"));
    some.into_iter().chain(in_vain).collect()
}

/// How many of the faults hit a node that ran.
fn hits(history: &History, function: &str, what: &str, words: [&str; 2]) -> Option<String> {
    let of_name = history.faults.iter().filter(|fault| fault.function == function);
    let hit = of_name.filter_map(|fault| Some(fault.nodes_that_were(what)?.count() as u64));
    let hits: Vec<u64> = hit.collect();
    let count = hits.len() as u64;
    if count == 0 {
        return None;
    }
    let faults = counted(count, words[0], words[1]);
    Some(match (hits.iter().filter(|hit| **hit > 0).count() as u64, hits.iter().sum::<u64>()) {
        (0, _) => format!("{faults}, none of which hit a node that ran"),
        (_, nodes) => format!("{faults} hit a running node {}", counted(nodes, "time", "times")),
    })
}

/// A part of the load in which the same faults were open.
struct Stretch {
    from: Time,
    to: Time,
    /// A majority of the nodes ran and could talk with each other.
    is_able: bool,
}

fn stretches(report: &Report<'_>, periods: &[Period<'_>]) -> Vec<Stretch> {
    let (began, ended) = (
        Time::from_nanos(report.facts.load_began),
        Time::from_nanos(report.facts.load_ended.min(report.facts.ended)),
    );
    let mut bounds: Vec<Time> =
        periods.iter().flat_map(|period| [period.begin, period.end]).collect();
    bounds.extend([began, ended]);
    bounds.retain(|time| (began..=ended).contains(time));
    bounds.sort_unstable();
    bounds.dedup();
    let stretch = |pair: &[Time]| {
        let open = periods.iter().filter(|period| period.begin <= pair[0] && pair[1] <= period.end);
        let open: Vec<&Period<'_>> = open.collect();
        Stretch { from: pair[0], to: pair[1], is_able: is_able(&open, &report.plan.nodes) }
    };
    bounds.windows(2).map(stretch).collect()
}

/// True if some node runs and talks with a majority of nodes that run, itself among them.
fn is_able(open: &[&Period<'_>], nodes: &[String]) -> bool {
    let runs = |node: &String| {
        let hits = |period: &&Period<'_>| {
            period.fault.targets().is_some_and(|targets| targets.nodes.contains(node))
        };
        !open.iter().any(hits)
    };
    let hears = |receiver: &String, sender: &String| {
        open.iter()
            .filter_map(|period| period.fault.unheard())
            .all(|blocked| blocked.get(receiver).is_none_or(|deaf_to| !deaf_to.contains(sender)))
    };
    let running: Vec<&String> = nodes.iter().filter(|node| runs(node)).collect();
    let talks = |node: &&String| {
        running.iter().filter(|other| hears(node, other) && hears(other, node)).count()
    };
    running.iter().any(|node| talks(node) > nodes.len() / 2)
}

fn out_of_reach(stretches: &[Stretch]) -> Option<String> {
    let long = |able: Option<bool>| -> f64 {
        let of_kind = stretches.iter().filter(|part| able.is_none_or(|able| part.is_able == able));
        of_kind.map(|part| part.to.since(part.from).as_secs_f64()).sum()
    };
    let (out, all) = (long(Some(false)), long(None));
    (out > 0.0).then(|| {
        let percent = ratio(100.0 * out / all);
        format!("no majority ran and was connected for {} s, {percent} % of the load", ratio(out))
    })
}

/// The longest time without an ok while a majority ran and was connected: bugs hide there behind
/// valid verdicts.
fn longest_silence(history: &History, stretches: &[Stretch]) -> Option<String> {
    let mut oks: Vec<Time> =
        history.counted().filter(|op| op.is_ok()).map(|op| op.completed).collect();
    oks.sort_unstable();
    let mut parts: Vec<(Time, Time)> = Vec::new();
    for part in stretches.iter().filter(|part| part.is_able) {
        match parts.last_mut().filter(|last| last.1 == part.from) {
            Some(last) => last.1 = part.to,
            None => parts.push((part.from, part.to)),
        }
    }
    let mut longest = (Time::ZERO, Time::ZERO);
    for (from, to) in parts {
        let within = oks.partition_point(|at| *at < from)..oks.partition_point(|at| *at <= to);
        let mut since = from;
        for at in oks[within].iter().copied().chain([to]) {
            if at.since(since) > longest.1.since(longest.0) {
                longest = (since, at);
            }
            since = at;
        }
    }
    let long = longest.1.since(longest.0);
    (!long.is_zero()).then(|| {
        format!(
            "the longest time without an ok while a majority ran and was connected: {}, from {} on",
            duration(long),
            longest.0
        )
    })
}

/// Operations whose node was down or stood still as long as somebody waited for the answer.
fn hopeless(history: &History, periods: &[Period<'_>]) -> Option<String> {
    let is_hopeless = |operation: &&Operation| {
        let Some(node) = history.node_name(operation) else { return false };
        let end =
            if operation.completion_index.is_some() { operation.completed } else { Time::MAX };
        periods.iter().any(|period| {
            period.fault.targets().is_some()
                && period.touches(node)
                && period.begin <= operation.invoked
                && end <= period.end
        })
    };
    let failed = history.counted().filter(|op| op.phase == Phase::Load && !op.is_ok());
    let count = failed.filter(is_hopeless).count() as u64;
    (count > 0).then(|| {
        let operations = counted(count, "operation", "operations");
        format!("{operations} could not succeed: the node was down or stood still all the time")
    })
}
