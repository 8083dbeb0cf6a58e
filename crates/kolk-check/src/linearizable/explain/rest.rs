//! Where the longest linearizable beginning ends: what is there, and why nothing that is left
//! helps.

use kolk_history::Value;
use rustc_hash::FxHashSet;

use super::Words;
use crate::linearizable::frontier::Stuck;
use crate::linearizable::problem::{Effect, INITIAL, Op};
use crate::linearizable::{Counterexample, Remaining};
use crate::tree::{count, key as word, list, text};

/// How many operations of an order, of what remains, and of the smallest part stand in the results;
/// beside them stands how many there are.
const SHOWN_MAX: usize = 200;

impl Words<'_> {
    /// What the register can hold, in words.
    pub(super) fn values(&self, stuck: &Stuck) -> Vec<String> {
        let setter = |op: &Option<u32>| op.map(|op| &self.whole.ops[op as usize]);
        let mut values: Vec<String> =
            stuck.states.iter().map(|op| self.left_by(setter(op))).collect();
        values.dedup();
        values
    }

    /// The operations that had begun, and have no place in the order; first the one that breaks.
    pub(super) fn remaining(&self, stuck: &Stuck) -> Vec<Remaining> {
        let ops = &self.whole.ops;
        let breaking = ops[stuck.op as usize];
        let placed: FxHashSet<u32> = stuck.longest.iter().copied().collect();
        let others = (0..)
            .zip(ops)
            .filter(|(at, op)| *at != stuck.op && op.call < breaking.ret && !placed.contains(at));
        let first = Remaining {
            operation: breaking.call,
            why: format!("{} must come before it ends, and does not fit", self.what(breaking.at)),
        };
        let others = others.map(|(_, op)| Remaining {
            operation: op.call,
            why: self.why_it_does_not_help(stuck, op),
        });
        std::iter::once(first).chain(others).collect()
    }

    fn why_it_does_not_help(&self, stuck: &Stuck, op: &Op) -> String {
        let value = |state: &Option<u32>| match state {
            Some(setter) => self.whole.ops[*setter as usize].effect.set(),
            None => Some(INITIAL),
        };
        let mut states = stuck.states.iter().map(value);
        // What an append left is known by its text alone: then it may fit.
        let fits = states
            .any(|value| value.is_none_or(|value| self.whole.next(op.effect, value).is_some()));
        let what = self.what(op.at);
        match op.effect {
            _ if !fits => format!("{what} does not fit either"),
            Effect::Read(_) => format!("{what} fits, and changes nothing"),
            _ => format!("{what} fits, and leaves {}: that does not help", self.left_by(Some(op))),
        }
    }
}

/// A counterexample as it stands in the results: operations are event indices of invocations.
pub(in crate::linearizable) fn tree(of: &Value, counterexample: &Counterexample) -> Value {
    let indices = |indices: &[u32]| {
        let last = &indices[indices.len().saturating_sub(SHOWN_MAX)..];
        Value::ints(last.iter().map(|index| i64::from(*index)).collect())
    };
    let Counterexample { operation, longest, values, remaining, minimal, .. } = counterexample;
    let rest = remaining.iter().take(SHOWN_MAX).map(|remaining| {
        Value::map(vec![
            (word(&"operation"), count(remaining.operation)),
            (word(&"why"), text(&remaining.why)),
        ])
    });
    Value::map(vec![
        (word(&"key"), of.clone()),
        (word(&"operation"), count(*operation)),
        (word(&"order"), indices(longest)),
        (word(&"order-count"), count(longest.len())),
        (word(&"values"), list(values.iter().map(text))),
        (word(&"remaining"), list(rest)),
        (word(&"remaining-count"), count(remaining.len())),
        (word(&"minimal"), indices(minimal)),
        (word(&"minimal-count"), count(minimal.len())),
    ])
}
