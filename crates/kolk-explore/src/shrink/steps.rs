//! The reductions, each by itself.

use kolk_history::Plan;
use kolk_history::node_names::NodeNames;
use kolk_history::plan::{
    ClockKind, Exceptions, FateOverride, Fault, LatencyDistribution, WorkerOverride,
};
use kolk_workload::registry;

use super::Shrinker;
use crate::messages::{Message, Messages};
use crate::{Lab, faults};

/// A run of so many operations is small.
const FEW: u64 = 4;

/// How many other seeds are tried until there is none with fewer operations.
const SEEDS: u64 = 64;

/// What a message is given as its latency that never arrived.
const NEVER: u64 = 3_000_000_000_000;

impl<L: Lab> Shrinker<'_, L> {
    /// A shorter load: cut after the failure, or anywhere before.
    pub(super) fn end_sooner(&mut self) -> Result<(), L::Error> {
        loop {
            let limit = self.plan.time_limit;
            let mut ends: Vec<u64> = [16, 8, 4, 2].into_iter().map(|part| limit / part).collect();
            ends.extend([limit / 4 * 3, limit / 8 * 7]);
            // A millisecond more, so that the operation at fault is within it.
            ends.extend(self.seen.failed_at.map(|at| at + 1_000_000));
            ends.retain(|end| *end >= 1_000_000 && *end < limit);
            // Whole milliseconds can be read.
            ends.iter_mut().for_each(|end| *end -= *end % 1_000_000);
            ends.sort_unstable();
            let plans = ends.iter().map(|end| ended(&self.plan, *end)).collect();
            if self.first("a shorter load", plans)?.is_none() {
                return Ok(());
            }
        }
    }

    /// Fewer nodes.
    pub(super) fn nodes(&mut self) -> Result<(), L::Error> {
        let all = self.plan.nodes.to_vec();
        self.subset("nodes", all, |plan, messages, nodes| {
            let mut plan = plan.clone();
            if let Some(messages) = messages {
                plan.exceptions.workers = workers(&plan, messages, |_| true);
            }
            with_nodes(&plan, nodes.to_vec())
        })
    }

    /// Fewer workers.
    pub(super) fn workers(&mut self) -> Result<(), L::Error> {
        loop {
            let (now, group) = (self.plan.concurrency, group(&self.plan));
            let mut counts = vec![group, now / 4 / group * group, now / 2 / group * group];
            counts.push(now.saturating_sub(group));
            counts.retain(|count| *count > 0 && *count < now);
            counts.dedup();
            let with = |count: &u32| {
                let mut plan = Plan { concurrency: *count, ..self.plan.clone() };
                plan.exceptions.workers.retain(|given| given.worker < *count);
                plan
            };
            let plans = counts.iter().map(with).collect();
            if self.first("fewer workers", plans)?.is_none() {
                return Ok(());
            }
        }
    }

    /// Fewer keys, and shorter transactions.
    pub(super) fn keys(&mut self) -> Result<(), L::Error> {
        for (key, what) in [("key-count", "fewer keys"), ("max-txn-length", "shorter transactions")]
        {
            let value = self.plan.workload.settings.get(key).and_then(|value| value.parse().ok());
            let Some(now): Option<u32> = value else { continue };
            let mut counts = vec![1, 2, now / 2];
            counts.retain(|count| *count > 0 && *count < now);
            let with = |count: &u32| {
                let mut plan = self.plan.clone();
                plan.workload.settings.insert(key.to_owned(), count.to_string());
                plan
            };
            let plans = counts.iter().map(with).collect();
            self.first(what, plans)?;
        }
        Ok(())
    }

    /// Operations left out. The others stay with their workers: more of them are free then to
    /// choose from, and who has an operation decides what it is. Fates that are set stay with the
    /// messages that they were set for.
    pub(super) fn operations(&mut self) -> Result<(), L::Error> {
        let skipped = &self.plan.exceptions.skipped_operations;
        let all = invoked(self.seen.operations, skipped);
        let left: Vec<u64> = (0..all).filter(|number| !skipped.contains(number)).collect();
        self.subset("operations", left, move |plan, messages, left| {
            let mut plan = plan.clone();
            if let Some(messages) = messages {
                plan.exceptions.fates = without_operations(&plan.exceptions, messages, left);
                plan.exceptions.workers =
                    workers(&plan, messages, |number| left.binary_search(&number).is_ok());
            }
            plan.exceptions.skipped_operations =
                (0..all).filter(|number| left.binary_search(number).is_err()).collect();
            Some(plan)
        })?;
        let mut drawn = self.plan.clone();
        drawn.exceptions.workers.clear();
        self.first("", vec![drawn]).map(|_| ())
    }

    /// Fewer operations under another seed, where many are left: what a node or a service draws can
    /// depend on how often it was asked, and then hardly any of them can be left out.
    pub(super) fn seeds(&mut self) -> Result<(), L::Error> {
        // On the machine's clock each takes as long as the load.
        while self.plan.clock == ClockKind::Virtual && self.seen.operations > FEW {
            let plans = (1..=SEEDS).map(|number| self.with_seed(number)).collect();
            let what = "fewer operations under another seed";
            if self.first_within(what, plans, self.seen.operations - 1)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The plan with one of the seeds that follow, and with a load that is long enough for one to
    /// six sixths of the operations that are left; faults are shorter by as much.
    fn with_seed(&self, number: u64) -> Plan {
        let operations = (self.seen.operations * (1 + number % 6)).div_ceil(6).max(2);
        // Whole milliseconds can be read.
        let millis = (operations as f64 * 1e3 / self.plan.rate).ceil() as u64;
        let before = self.plan.time_limit;
        let end = millis.saturating_mul(1_000_000).min(before);
        let scaled = |at: u64| (u128::from(at) * u128::from(end) / u128::from(before)) as u64;
        let seed = self.plan.seed.wrapping_add(number);
        let mut plan = Plan { seed, time_limit: end, ..self.plan.clone() };
        for fault in &mut plan.faults {
            (fault.begin, fault.end) = (scaled(fault.begin), scaled(fault.end));
        }
        plan.exceptions.skipped_operations.clear();
        plan.exceptions.workers.clear();
        plan
    }

    /// Fewer faults.
    pub(super) fn faults(&mut self) -> Result<(), L::Error> {
        let all = self.plan.faults.clone();
        self.subset("faults", all, |plan, _, faults| {
            Some(Plan { faults: faults.to_vec(), ..plan.clone() })
        })
    }

    /// Shorter faults: from either side.
    pub(super) fn fault_times(&mut self) -> Result<(), L::Error> {
        for place in 0..self.plan.faults.len() {
            loop {
                let Fault { begin, end, .. } = self.plan.faults[place];
                let half = (end - begin) / 2;
                if half < 1_000_000 {
                    break;
                }
                let quarter = half / 2;
                let times = [
                    (begin, end - half),
                    (begin + half, end),
                    (begin, end - quarter),
                    (begin + quarter, end),
                ];
                let with = |(begin, end): &(u64, u64)| {
                    let mut plan = self.plan.clone();
                    (plan.faults[place].begin, plan.faults[place].end) = (*begin, *end);
                    plan
                };
                let plans = times.iter().map(with).collect();
                if self.first("a shorter fault", plans)?.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// No chance of loss or duplication: gone altogether, or set for those messages that it
    /// touched.
    pub(super) fn chances(&mut self) -> Result<(), L::Error> {
        let network = self.plan.network;
        if network.loss > 0.0 {
            let mut without = self.plan.clone();
            without.network.loss = 0.0;
            let fixed = self.fixed(&without, |message| message.lost);
            self.first("no loss but that of single messages", vec![without, fixed])?;
        }
        if network.duplication > 0.0 {
            let mut without = self.plan.clone();
            without.network.duplication = 0.0;
            let fixed = self.fixed(&without, |message| message.duplicated);
            self.first("no duplication but that of single messages", vec![without, fixed])?;
        }
        Ok(())
    }

    /// A constant latency, and at best none; where only the jitter of single messages matters, that
    /// is set.
    pub(super) fn latencies(&mut self) -> Result<(), L::Error> {
        let network = self.plan.network;
        if network.latency_dist != LatencyDistribution::Constant {
            let mut constant = self.plan.clone();
            constant.network.latency_dist = LatencyDistribution::Constant;
            let fixed = self.fixed(&constant, |_| true);
            self.first("a constant latency", vec![constant, fixed])?;
        }
        let network = self.plan.network;
        if network.latency > 0.0 && network.latency_dist == LatencyDistribution::Constant {
            let mut without = self.plan.clone();
            without.network.latency = 0.0;
            self.first("no latency", vec![without])?;
        }
        Ok(())
    }

    /// Fewer messages whose fate is set.
    pub(super) fn fates(&mut self) -> Result<(), L::Error> {
        let all = self.plan.exceptions.fates.clone();
        self.subset("single messages' fates", all, |plan, _, fates| {
            let mut plan = plan.clone();
            plan.exceptions.fates = fates.to_vec();
            Some(plan)
        })
    }

    /// A plan in which the fates of these messages are what they were in the last run, beside those
    /// that are set already.
    fn fixed(&self, plan: &Plan, which: impl Fn(&Message) -> bool) -> Plan {
        let mut plan = plan.clone();
        let Some(messages) = self.messages() else { return plan };
        let latency = (plan.network.latency * 1e6) as u64;
        for message in messages.servers.iter().filter(|message| which(message)) {
            let fate = fate(message);
            let is_plain = !fate.lost && fate.duplicate.is_none() && fate.latency == latency;
            let same = |known: &FateOverride| {
                (&known.src, &known.dest, known.nth) == (&fate.src, &fate.dest, fate.nth)
            };
            if !is_plain && !plan.exceptions.fates.iter().any(same) {
                plan.exceptions.fates.push(fate);
            }
        }
        plan
    }
}

/// The fates that are set, where of a run's operations only these are left: those of messages that
/// serve others go with them, and the messages behind them on their links move up.
fn without_operations(now: &Exceptions, messages: &Messages, left: &[u64]) -> Vec<FateOverride> {
    let numbers = (0..).filter(|number| !now.skipped_operations.contains(number));
    let gone: Vec<u32> = numbers
        .zip(&messages.invocations)
        .filter(|(number, _)| left.binary_search(number).is_err())
        .map(|(_, index)| *index)
        .collect();
    let goes = |message: &&Message| message.op.is_some_and(|op| gone.contains(&op));
    let of_link = |fate: &FateOverride| {
        let same = (fate.src.clone(), fate.dest.clone());
        messages
            .servers
            .iter()
            .filter(move |message| message.src == same.0 && message.dest == same.1)
    };
    let mut fates = Vec::new();
    for fate in &now.fates {
        let before = of_link(fate).filter(|message| message.nth < fate.nth).filter(goes).count();
        let is_gone = of_link(fate).any(|message| message.nth == fate.nth && goes(&message));
        if !is_gone {
            fates.push(FateOverride { nth: fate.nth - before as u64, ..fate.clone() });
        }
    }
    fates
}

/// Who had those of a run's operations that are left.
pub(super) fn workers(
    plan: &Plan,
    messages: &Messages,
    is_left: impl Fn(u64) -> bool,
) -> Vec<WorkerOverride> {
    let numbers = (0..).filter(|number| !plan.exceptions.skipped_operations.contains(number));
    // A worker's next process has a number that is larger by how many workers there are.
    let workers = messages.processes.iter().map(|process| process % plan.concurrency);
    let had = numbers.zip(workers).filter(|(operation, _)| is_left(*operation));
    had.map(|(operation, worker)| WorkerOverride { operation, worker }).collect()
}

/// What became of a message.
fn fate(message: &Message) -> FateOverride {
    let latency = |place: usize| {
        let arrived = message.arrived.get(place);
        arrived.map_or(NEVER, |at| at.as_nanos() - message.sent.as_nanos())
    };
    FateOverride {
        src: message.src.clone(),
        dest: message.dest.clone(),
        nth: message.nth,
        lost: message.lost,
        latency: if message.lost { 0 } else { latency(0) },
        duplicate: message.duplicated.then(|| latency(1)),
    }
}

/// The plan with a load that ends sooner, and faults that end with it.
fn ended(plan: &Plan, end: u64) -> Plan {
    let mut plan = Plan { time_limit: end, ..plan.clone() };
    plan.faults.retain(|fault| fault.begin < end);
    plan.faults.iter_mut().for_each(|fault| fault.end = fault.end.min(end));
    plan
}

/// How many workers a group has.
fn group(plan: &Plan) -> u32 {
    let per_node = registry::info(&plan.workload.name).map_or(1, |info| info.workers_per_node());
    if per_node == 1 { 1 } else { per_node * plan.nodes.len() as u32 }
}

/// The plan among these nodes alone; `None` if there are none. There are as many workers a node as
/// before, and faults, fates and operations forget the nodes that are gone.
fn with_nodes(plan: &Plan, left: Vec<String>) -> Option<Plan> {
    let before = plan.nodes.len() as u32;
    let gone: Vec<&String> = plan.nodes.iter().filter(|node| !left.contains(node)).collect();
    let mut smaller = plan.clone();
    for node in &gone {
        let faults = smaller.faults.iter();
        smaller.faults = faults.filter_map(|fault| faults::without_node(fault, node)).collect();
    }
    let is_gone = |name: &String| gone.contains(&name);
    let Exceptions { fates, .. } = &mut smaller.exceptions;
    fates.retain(|fate| !is_gone(&fate.src) && !is_gone(&fate.dest));
    // A node's workers are numbered in turns with those of the others.
    let place = |node: u32| left.iter().position(|left| *left == plan.nodes[node as usize]);
    let now = left.len() as u32;
    smaller.exceptions.workers.retain_mut(|given| {
        let Some(place) = place(given.worker % before) else { return false };
        given.worker = given.worker / before * now + place as u32;
        true
    });
    smaller.nodes = NodeNames::try_from(left).ok()?;
    smaller.concurrency = (plan.concurrency * now / before).max(1);
    let group = group(&smaller);
    smaller.concurrency = (smaller.concurrency / group * group).max(group);
    Some(smaller)
}

/// How many operations were due, where so many were invoked and these left out.
fn invoked(done: u64, skipped: &[u64]) -> u64 {
    let mut all = done;
    loop {
        let left_out = skipped.iter().filter(|number| **number < all).count() as u64;
        if done + left_out == all {
            // Those that were left out behind the last one that was invoked.
            let behind = (all..).take_while(|number| skipped.contains(number)).count() as u64;
            return all + behind;
        }
        all = done + left_out;
    }
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Time;

    use super::*;

    /// Of operations 0, 2 and 3, which begin at events 0, 2 and 4, only 2 is left: the message that
    /// serves it is the first on its link then, and so is its fate; that of another one is gone.
    #[test]
    fn fates_stay_with_their_messages() {
        let message = |dest: &str, nth, op| Message {
            id: 0,
            src: "n0".to_owned(),
            dest: dest.to_owned(),
            nth,
            kind: "tell".to_owned(),
            sent: Time::ZERO,
            arrived: Vec::new(),
            lost: false,
            duplicated: false,
            stopped: false,
            cause: None,
            op,
        };
        let messages = Messages {
            servers: vec![
                message("n1", 0, Some(0)),
                message("n2", 0, Some(0)),
                message("n1", 1, None),
                message("n1", 2, Some(2)),
                message("n2", 1, Some(4)),
            ],
            causes: Default::default(),
            updates: Vec::new(),
            invocations: vec![0, 2, 4],
            processes: vec![0, 5, 1],
            load_began: Time::ZERO,
            ended: Time::ZERO,
            arrivals: Vec::new(),
        };
        let fate = |dest: &str, nth| FateOverride {
            src: "n0".to_owned(),
            dest: dest.to_owned(),
            nth,
            lost: true,
            latency: 0,
            duplicate: None,
        };
        let fates = vec![fate("n1", 0), fate("n1", 1), fate("n1", 2), fate("n2", 1), fate("n2", 2)];
        let now = Exceptions { skipped_operations: vec![1], fates, workers: Vec::new() };
        let left = without_operations(&now, &messages, &[2]);
        assert_eq!(left, [fate("n1", 0), fate("n1", 1), fate("n2", 0)]);
        assert_eq!(without_operations(&now, &messages, &[0, 2, 3]), now.fates);
    }

    #[test]
    fn operations_stay_with_the_nodes_that_are_left() {
        let mut plan = kolk_workload::plan(&crate::testing::asked(1)).expect("a plan");
        plan.nodes = ["n0", "n1", "n2"].map(str::to_owned).to_vec().try_into().expect("names");
        plan.concurrency = 6;
        let given = |given: &[(u64, u32)]| -> Vec<WorkerOverride> {
            let given = given.iter();
            given
                .map(|(operation, worker)| WorkerOverride {
                    operation: *operation,
                    worker: *worker,
                })
                .collect()
        };
        plan.exceptions.workers = given(&[(0, 1), (1, 5), (2, 0), (4, 2)]);
        let left = with_nodes(&plan, vec!["n1".to_owned(), "n2".to_owned()]).expect("two nodes");
        assert_eq!((left.nodes.len(), left.concurrency), (2, 4));
        assert_eq!(left.exceptions.workers, given(&[(0, 0), (1, 3), (4, 1)]));
    }

    #[test]
    fn counts_what_was_left_out() {
        for (done, skipped, expected) in [
            (5, &[][..], 5),
            (3, &[0, 1], 5),
            (3, &[1, 3], 5),
            (2, &[2, 3, 4], 5),
            (0, &[0, 1], 2),
            (1, &[7], 1),
        ] {
            assert_eq!(invoked(done, skipped), expected, "{done} {skipped:?}");
        }
    }
}
