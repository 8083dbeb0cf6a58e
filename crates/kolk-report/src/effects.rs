//! What the faults of a run did: how many of each kind there were to be, and how many of them met
//! anything.

use kolk_history::plan::{Fault, FaultKind};
use kolk_history::{Plan, Summary, Value};

/// The faults of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Which kind: `partition`, `one-way`, `kill` and so on.
    pub kind: &'static str,
    /// How many the plan has.
    pub planned: u64,
    /// How many of them did something.
    pub effective: u64,
    /// How often they did, in all: see [`Summary::strikes`].
    pub times: u64,
}

/// The effects of a run's faults, a kind each, in the order in which the plan names them first.
/// Nothing if the plan has no faults, or if nobody counted: runs of earlier versions say nothing.
pub fn effects(plan: &Plan, summary: &Summary) -> Vec<Effect> {
    let mut effects: Vec<Effect> = Vec::new();
    if summary.strikes.len() != plan.faults.len() {
        return effects;
    }
    for (fault, times) in plan.faults.iter().zip(&summary.strikes) {
        let kind = kind(fault);
        let place = effects.iter().position(|effect| effect.kind == kind).unwrap_or_else(|| {
            effects.push(Effect { kind, planned: 0, effective: 0, times: 0 });
            effects.len() - 1
        });
        let effect = &mut effects[place];
        effect.planned += 1;
        effect.effective += u64::from(*times > 0);
        effect.times += times;
    }
    effects
}

/// A cut in one direction goes by the name that it is asked for with.
fn kind(fault: &Fault) -> &'static str {
    match &fault.kind {
        FaultKind::Partition { shape, .. } if shape == "one-way" => "one-way",
        kind => kind.name(),
    }
}

/// The effects as `results.json` has them, by kind.
pub fn value(plan: &Plan, summary: &Summary) -> Value {
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let entry = |effect: Effect| {
        let counts = vec![
            (Value::text("planned"), number(effect.planned)),
            (Value::text("effective"), number(effect.effective)),
            (Value::text("times"), number(effect.times)),
        ];
        (Value::text(effect.kind), Value::map(counts))
    };
    Value::map(effects(plan, summary).into_iter().map(entry).collect())
}

/// What is to be said of faults that did nothing, a sentence each.
pub fn in_vain(plan: &Plan, summary: &Summary) -> Vec<String> {
    let effects = effects(plan, summary);
    let idle = effects.iter().filter(|effect| effect.effective == 0);
    let mut told: Vec<String> = idle.filter_map(sentence).map(str::to_owned).collect();
    if plan.network.loss > 0.0 && summary.lost_count == 0 {
        told.push("no message was lost, though --loss asked for it".to_owned());
    }
    if plan.network.duplication > 0.0 && summary.duplicated_count == 0 {
        told.push("no message was doubled, though --duplication asked for it".to_owned());
    }
    let is_calm = plan.network.loss == 0.0 && plan.network.duplication == 0.0;
    let has_struck = summary.lost_count + summary.duplicated_count > 0;
    let is_in_vain = !effects.is_empty() || !is_calm;
    if is_in_vain && !has_struck && effects.iter().all(|effect| effect.effective == 0) {
        // Of several kinds that is more than the sum of the sentences.
        told.push(
            "no fault that was asked for did anything: this run shows no more than one without \
             faults"
                .to_owned(),
        );
    }
    told
}

/// What faults of a kind failed to do. Of what happens to nodes their part of the screen tells.
fn sentence(effect: &Effect) -> Option<&'static str> {
    Some(match effect.kind {
        "partition" => "the partitions swallowed no message",
        "one-way" => "the cuts in one direction swallowed no message",
        "slow" => "no message went over a link while it was slow, or none takes any time",
        "clog" => "no message waited on a clogged link",
        "loss" => "the faults that lose messages lost none",
        "duplication" => "the faults that double messages doubled none",
        "clock" => "no node did anything while its clock was wrong",
        "disk" => "the faults of disks had no call fail, and overwrote nothing",
        _ => return None,
    })
}
