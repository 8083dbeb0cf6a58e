//! For how long a run did nothing.

use std::time::Duration;

use kolk_history::Plan;
use kolk_node::Time;

use crate::Judged;

/// For how long at most nothing may be done while a majority is connected.
pub(crate) const SERVICE: Duration = Duration::from_secs(5);

/// The longest time of a run's load in which nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    /// Of all of it.
    pub all: Duration,
    /// While there was a majority of the nodes that all ran and heard each other. One node that
    /// hears a majority is not enough: in a ring of five in which one is down two of the others
    /// do not hear each other, whichever three one takes, and if the one between them lacks an
    /// entry that one of them has, nobody can be elected.
    pub connected: Duration,
}

impl Silence {
    /// What it is in a run.
    pub fn of(judged: &Judged) -> Silence {
        let (run, plan) = (&judged.run, &judged.plan);
        let oks = run.history.counted().filter(|operation| operation.is_ok());
        let oks: Vec<Time> = oks.map(|operation| operation.completed).collect();
        silence(&oks, plan, run.load_began, run.load_ended)
    }
}

fn silence(oks: &[Time], plan: &Plan, began: Time, ended: Time) -> Silence {
    let at = |nanos: u64| began + Duration::from_nanos(nanos);
    let faults: Vec<(Time, Time)> =
        plan.faults.iter().map(|fault| (at(fault.begin), at(fault.end))).collect();
    let mut bounds: Vec<Time> = faults.iter().flat_map(|(begin, end)| [*begin, *end]).collect();
    bounds.extend([began, ended]);
    bounds.extend(oks);
    bounds.retain(|at| (began..=ended).contains(at));
    bounds.sort_unstable();
    bounds.dedup();
    let mut longest = Silence { all: Duration::ZERO, connected: Duration::ZERO };
    let (mut since, mut connected_since) = (began, began);
    for pair in bounds.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if oks.contains(&from) {
            (since, connected_since) = (from, from);
        }
        let open = faults.iter().zip(&plan.faults);
        let open = open.filter(|((begin, end), _)| *begin <= from && to <= *end);
        let open: Vec<_> = open.map(|(_, fault)| &fault.kind).collect();
        let hears = |receiver: &String, sender: &String| {
            open.iter()
                .filter_map(|kind| kind.unheard())
                .all(|deaf| deaf.get(receiver).is_none_or(|senders| !senders.contains(sender)))
        };
        let runs = |node: &&String| {
            !open.iter().any(|kind| kind.targets().is_some_and(|hit| hit.nodes.contains(node)))
        };
        let running: Vec<&String> = plan.nodes.iter().filter(runs).collect();
        let majority = plan.nodes.len() / 2 + 1;
        let is_connected = (0_u32..1 << running.len()).any(|set| {
            let chosen = running.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
            let chosen: Vec<&String> = chosen.map(|(_, node)| *node).collect();
            let all = |one: &&String| chosen.iter().all(|other| one == other || hears(one, other));
            chosen.len() >= majority && chosen.iter().all(all)
        });
        if !is_connected {
            connected_since = to;
        }
        longest.all = longest.all.max(to.since(since));
        longest.connected = longest.connected.max(to.since(connected_since));
    }
    longest
}

#[cfg(test)]
mod tests {
    use kolk_workload::planner::Kind;
    use kolk_workload::{Settings, plan};

    use super::*;
    use crate::built_in;

    #[test]
    fn only_a_majority_that_hears_each_other_counts() {
        let millis = Time::from_millis;
        let silences = |cuts: &[&str], kills: &[&str]| {
            let mut settings = Settings::new("echo", built_in("echo", ""), 1);
            settings.nodes = kolk_workload::planner::Nodes::Count(3);
            settings.time_limit = 10.0;
            let read = |asked: &&str| asked.parse().expect("a cut");
            settings.cuts = cuts.iter().map(read).collect();
            let read = |asked: &&str| {
                kolk_workload::planner::Outage::read(Kind::Kill, asked).expect("an outage")
            };
            settings.outages = kills.iter().map(read).collect();
            let plan = plan(&settings).expect("a plan");
            let oks = [millis(2_000), millis(3_000), millis(8_000)];
            let found = silence(&oks, &plan, millis(1_000), millis(11_000));
            [found.all, found.connected].map(|longest| longest.as_secs_f64())
        };
        for (cuts, kills, expected) in [
            (&[][..], &[][..], [5.0, 5.0]),
            // One of three is cut off, or another is down: two are left.
            (&["n1@3..6"], &[], [5.0, 5.0]),
            (&[], &["n1@3..6"], [5.0, 5.0]),
            // Together they leave one.
            (&["n1@3..8"], &["n2@3..8"], [5.0, 2.0]),
            (&["n1@2..7"], &["n2@2..7"], [5.0, 3.0]),
            (&["n1@1..6.5"], &["n2@1..6.5"], [5.0, 3.0]),
        ] {
            assert_eq!(silences(cuts, kills), expected, "{cuts:?} {kills:?}");
        }
    }
}
