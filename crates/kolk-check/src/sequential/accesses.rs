//! From operations to what they saw and set.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome, Value};

use crate::check::{Anomaly, Check, Validity};
use crate::kind::Kind;
use crate::said::{Said, said};
use crate::search::{Effect, Problem, Step};
use crate::values;

/// An operation on one key.
pub(super) struct Access<'a> {
    pub(super) operation: &'a Operation,
    pub(super) step: Step,
    /// False if nobody knows whether it happened.
    pub(super) is_certain: bool,
}

/// What matters of a history. Values are numbered over all keys: first those that say that a key is
/// not there, one a key.
#[derive(Default)]
pub(super) struct Accesses<'a> {
    /// In the order of their invocations.
    pub(super) all: Vec<Access<'a>>,
    /// How many keys there are.
    pub(super) keys: usize,
    /// How many values there are.
    values: usize,
}

impl<'a> Accesses<'a> {
    /// Those of a history; what cannot be, and what cannot be read, goes into `check`.
    pub(super) fn new(history: &'a History, check: &mut Check) -> Accesses<'a> {
        let mut all = Vec::new();
        let mut unreadable = 0;
        let functions = [Function::Read, Function::Write, Function::Cas];
        for operation in history.counted().filter(|op| functions.contains(&op.function)) {
            match said(operation) {
                Ok(said) => all.extend(said),
                Err(()) => unreadable += 1,
            }
        }
        if unreadable > 0 {
            check.validity = Validity::Unknown;
            check.notes.push(format!("operations that cannot be read were left out: {unreadable}"));
        }
        Numbering::new(&all).accesses(history, all, check)
    }

    /// Each process's operations in their order.
    pub(super) fn in_process_order(&self) -> Problem {
        self.problem(|_| true)
    }

    fn problem(&self, is_wanted: impl Fn(&Access<'_>) -> bool) -> Problem {
        let mut problem = Problem {
            steps: self.all.iter().map(|access| access.step).collect(),
            optional: self.all.iter().map(|access| !access.is_certain).collect(),
            after: vec![Vec::new(); self.all.len()],
            initial: (0..self.keys as u32).collect(),
            values: self.values,
            chains: Vec::new(),
        };
        let mut processes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut alone = Vec::new();
        for (step, access) in (0..).zip(&self.all) {
            let process = processes.entry(access.operation.process).or_default();
            if !is_wanted(access) {
                // It keeps its number, but does nothing and stands by itself.
                problem.steps[step as usize].effect = Effect::Nothing;
                alone.push(vec![step]);
            } else if access.is_certain {
                process.push(step);
            } else {
                problem.after[step as usize].extend(process.last());
                alone.push(vec![step]);
            }
        }
        problem.chains = processes.into_values().chain(alone).collect();
        problem
    }

    /// The updates, and the reads that are wanted, each process's in their order; and updates in
    /// their order in real time: whatever was acknowledged before another began comes before it.
    /// Behind the accesses come steps that do nothing, marks in time.
    pub(super) fn with_updates_in_real_time(
        &self,
        is_read_wanted: impl Fn(&Access<'_>) -> bool,
    ) -> Problem {
        let is_update = |access: &Access<'_>| access.step.set().is_some();
        let mut problem = self.problem(|access| is_update(access) || is_read_wanted(access));
        // The moments that matter: an update begins, or is acknowledged.
        let mut moments = Vec::new();
        for (step, access) in (0_u32..).zip(&self.all).filter(|(_, access)| is_update(access)) {
            moments.push((access.operation.index, true, step));
            if access.operation.is_ok() {
                moments.push((access.operation.completion_or_end(), false, step));
            }
        }
        moments.sort_unstable();
        let (mut marks, mut acknowledged) = (Vec::new(), Vec::new());
        for (_, is_begin, step) in moments {
            if !is_begin {
                acknowledged.push(step);
                continue;
            }
            if !acknowledged.is_empty() {
                marks.push(problem.steps.len() as u32);
                problem.steps.push(Step { key: 0, effect: Effect::Nothing });
                problem.optional.push(false);
                problem.after.push(std::mem::take(&mut acknowledged));
            }
            problem.after[step as usize].extend(marks.last());
        }
        problem.chains.push(marks);
        problem
    }
}

/// Keys and values in order, so that each has a number.
struct Numbering {
    keys: Vec<Value>,
    /// Without nulls.
    values: Vec<(u32, Value)>,
}

impl Numbering {
    fn new(all: &[Said<'_>]) -> Numbering {
        let mut keys: Vec<Value> = all.iter().map(|said| said.key.clone()).collect();
        keys.sort_by(values::order);
        keys.dedup_by(|a, b| values::order(a, b).is_eq());
        let mut numbering = Numbering { keys, values: Vec::new() };
        let mut pairs = Vec::new();
        for said in all {
            let key = numbering.key(&said.key);
            let values = said.seen.iter().chain(&said.set).filter(|value| !value.is_null());
            pairs.extend(values.map(|value| (key, value.clone())));
        }
        let order = |a: &(u32, Value), b: &(u32, Value)| {
            a.0.cmp(&b.0).then_with(|| values::order(&a.1, &b.1))
        };
        pairs.sort_by(order);
        pairs.dedup_by(|a, b| order(a, b).is_eq());
        numbering.values = pairs;
        numbering
    }

    fn key(&self, key: &Value) -> u32 {
        self.keys.partition_point(|other| values::order(other, key).is_lt()) as u32
    }

    fn value(&self, key: u32, value: &Value) -> u32 {
        if value.is_null() {
            return key;
        }
        let place = self.values.partition_point(|(other, known)| {
            other.cmp(&key).then_with(|| values::order(known, value)).is_lt()
        });
        (self.keys.len() + place) as u32
    }

    fn step(&self, said: &Said<'_>) -> Step {
        let key = self.key(&said.key);
        let number = |value: &Value| self.value(key, value);
        let effect = match (&said.seen, &said.set) {
            (Some(seen), None) => Effect::Read(number(seen)),
            (None, Some(set)) => Effect::Write(number(set)),
            (Some(from), Some(to)) => Effect::Swap { from: number(from), to: number(to) },
            (None, None) => Effect::Nothing,
        };
        Step { key, effect }
    }

    /// Leaves out what did not happen, or need not have, and what nobody can have seen.
    fn accesses<'a>(
        &self,
        history: &History,
        all: Vec<Said<'a>>,
        check: &mut Check,
    ) -> Accesses<'a> {
        let values = self.keys.len() + self.values.len();
        let steps: Vec<Step> = all.iter().map(|said| self.step(said)).collect();
        let failed =
            |at: usize| all[at].operation.outcome == Outcome::Fail && steps[at].set().is_some();
        let writers = {
            let mut writers = vec![0_usize; values];
            let alive = (0..steps.len()).filter(|at| !failed(*at));
            alive.filter_map(|at| steps[at].set()).for_each(|set| writers[set as usize] += 1);
            writers
        };
        let is_impossible =
            |seen: u32| seen as usize >= self.keys.len() && writers[seen as usize] == 0;
        let is_certain = |at: usize| all[at].operation.outcome != Outcome::Info;
        let is_sole = |at: usize| {
            let set = steps[at].set().filter(|set| *set as usize >= self.keys.len());
            set.is_some_and(|set| writers[set as usize] == 1)
        };
        let alive: Vec<usize> = (0..steps.len()).filter(|at| !failed(*at)).collect();
        // What nobody can have seen need not have happened; and what was surely seen and only one
        // can have set was surely set.
        let may_have_happened = with_seen(&steps, &alive, values, is_certain, |_| true);
        let has_happened = with_seen(&steps, &alive, values, is_certain, is_sole);
        let mut accesses = Accesses { all: Vec::new(), keys: self.keys.len(), values };
        for at in alive.into_iter().filter(|at| may_have_happened[*at]) {
            let (mut step, operation, is_certain) =
                (steps[at], all[at].operation, has_happened[at]);
            if let Some(seen) = step.seen().filter(|seen| is_impossible(*seen)) {
                // A swap from what never was there has not happened.
                if !is_certain {
                    continue;
                }
                let write =
                    (0..steps.len()).find(|at| failed(*at) && steps[*at].set() == Some(seen));
                report_impossible(check, history, operation, write.map(|at| all[at].operation));
                // What it set was set, whatever it says that it saw.
                let Some(to) = step.set() else { continue };
                step.effect = Effect::Write(to);
            }
            accesses.all.push(Access { operation, step, is_certain });
        }
        accesses
    }
}

/// Which steps are certain, or may have set what one of these saw, if they are `eligible`.
fn with_seen(
    steps: &[Step],
    alive: &[usize],
    values: usize,
    is_certain: impl Fn(usize) -> bool,
    is_eligible: impl Fn(usize) -> bool,
) -> Vec<bool> {
    let mut is_in = vec![false; steps.len()];
    let mut is_seen = vec![false; values];
    let mut open = alive.to_vec();
    loop {
        let before = open.len();
        open.retain(|at| {
            let was_seen = steps[*at].set().is_some_and(|set| is_seen[set as usize]);
            let joins = is_certain(*at) || (was_seen && is_eligible(*at));
            if joins {
                is_in[*at] = true;
                // A swap that was seen has itself seen something.
                steps[*at].seen().into_iter().for_each(|seen| is_seen[seen as usize] = true);
            }
            !joins
        });
        if open.len() == before {
            return is_in;
        }
    }
}

fn report_impossible(
    check: &mut Check,
    history: &History,
    read: &Operation,
    write: Option<&Operation>,
) {
    let by = history.node_name(read).map_or(String::new(), |node| format!(" by {node}"));
    let saw =
        if read.is_ok() && read.function == Function::Read { &read.result } else { &read.value };
    let what = format!("{} {saw}{by} at {}", read.function, read.invoked);
    match write {
        Some(write) => check.anomaly(Kind::FailedWrite, || {
            let claim = format!("{what} saw a value whose {} had failed", write.function);
            Anomaly::new(Kind::FailedWrite, claim, vec![write.index, read.index])
        }),
        None => check.anomaly(Kind::NeverWritten, || {
            let claim = format!("{what} saw a value that nobody wrote");
            Anomaly::new(Kind::NeverWritten, claim, vec![read.index])
        }),
    }
}
