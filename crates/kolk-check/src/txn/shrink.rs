//! The smallest part of a history of transactions that still shows an anomaly.
//!
//! Who reads a value whose writer was left out, read it from somebody: what is looked for is the
//! anomaly alone. All others hold of the whole if they hold of a part: leaving out transactions
//! takes away dependencies and adds none, but that orders go on through what was left out.
//!
//! A beginning is made with the anomaly's own transactions; if these do not show it alone, with
//! those too that what is known of the versions of their keys rests on, and then with all that
//! touch these keys. From there by [delta debugging](crate::shrink).

use super::table::{Builder, Datatype, Read, Table};
use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::shrink::{Tried, minimize};
use crate::tree::some_of;

/// How many transactions are looked at in all, over all attempts and all types of anomalies: some
/// tenths of a second.
const LOOKED_AT_MAX: usize = 1 << 18;

/// How many transactions are named.
const NAMED_MAX: usize = 16;

/// How many are shown that the proof does not show.
const SHOWN_MAX: usize = 8;

/// Adds, to one anomaly of each type, a smallest part of the history that shows it: to that which
/// is proved by the fewest transactions. `check` judges a part.
pub(super) fn add(table: &Table, found: &mut Check, check: impl Fn(&Table) -> Check) {
    let mut shrinker = Shrinker { table, check, budget: LOOKED_AT_MAX, longest: None };
    let mut kinds: Vec<Kind> = Vec::new();
    let all = || found.anomalies.iter().chain(&found.stronger);
    for anomaly in all() {
        // Some come with it.
        if anomaly.smallest.is_empty() && !kinds.contains(&anomaly.kind) {
            kinds.push(anomaly.kind);
        }
    }
    for kind in kinds {
        let all = found.anomalies.iter_mut().chain(&mut found.stronger);
        let of_kind = all.filter(|anomaly| anomaly.kind == kind);
        let Some(anomaly) = of_kind.min_by_key(|anomaly| anomaly.operations.len()) else {
            continue;
        };
        shrinker.explain(anomaly);
    }
}

struct Shrinker<'a, C> {
    table: &'a Table,
    check: C,
    /// How many transactions may still be looked at.
    budget: usize,
    /// Lists: for each key, the first that read all there is.
    longest: Option<Vec<Option<u32>>>,
}

impl<C: Fn(&Table) -> Check> Shrinker<'_, C> {
    fn explain(&mut self, anomaly: &mut Anomaly) {
        let numbers = self.numbers(&anomaly.operations);
        let Some(smallest) = self.shrink(anomaly.kind, numbers) else { return };
        let table = self.table;
        anomaly.smallest = smallest.iter().map(|number| table.index(*number)).collect();
        anomaly.smallest.sort_unstable();
        let is_new = |number: &&u32| !anomaly.operations.contains(&table.index(**number));
        let new: Vec<u32> = smallest.iter().filter(is_new).copied().collect();
        // Where the proof is the smallest part already, that is not worth a sentence.
        let is_proof = anomaly.steps.is_empty() || smallest.len() == anomaly.operations.len();
        if new.is_empty() && is_proof {
            return;
        }
        anomaly.steps.extend(new.iter().take(SHOWN_MAX).map(|number| {
            format!("{}: {}", table.operation_text(*number), table.transaction_text(*number))
        }));
        let least = match self.budget {
            0 => "",
            _ => ", and none of them can be left out",
        };
        anomaly.steps.push(format!(
            "checked alone, operations {} still show it{least}",
            some_of(anomaly.smallest.iter(), NAMED_MAX)
        ));
        anomaly.operations.extend(new.iter().map(|number| table.index(*number)));
    }

    /// The numbers of transactions with these indices, in ascending order.
    fn numbers(&self, indices: &[u32]) -> Vec<u32> {
        let transactions = (0..).zip(&self.table.transactions);
        let known = transactions.filter(|(_, transaction)| indices.contains(&transaction.index));
        known.map(|(number, _)| number).collect()
    }

    fn shrink(&mut self, kind: Kind, own: Vec<u32>) -> Option<Vec<u32>> {
        if kind == Kind::GarbageRead {
            // Without its writer every value is garbage; this one has none.
            return Some(own);
        }
        let mut tried = 0;
        let mut kept = own;
        for widening in [Widening::None, Widening::Longest, Widening::Keys] {
            match widening {
                Widening::None => {}
                Widening::Longest => self.add_longest(&mut kept),
                Widening::Keys => self.add_keys(&mut kept),
            }
            if kept.len() == tried {
                continue;
            }
            tried = kept.len();
            if self.shows(kind, &kept) {
                return Some(minimize(kept, |part| match self.shows(kind, &part) {
                    true => Tried::Shows(part),
                    false if self.budget == 0 => Tried::Spent,
                    false => Tried::Not,
                }));
            }
            if self.budget == 0 {
                return None;
            }
        }
        None
    }

    fn shows(&mut self, kind: Kind, kept: &[u32]) -> bool {
        if self.budget < kept.len() + 1 {
            self.budget = 0;
            return false;
        }
        self.budget -= kept.len() + 1;
        let check = (self.check)(&part(self.table, kept));
        check.anomalies.iter().chain(&check.stronger).any(|anomaly| anomaly.kind == kind)
    }

    fn add_longest(&mut self, kept: &mut Vec<u32>) {
        let table = self.table;
        if table.kind == Datatype::Register {
            return;
        }
        let longest = self.longest.get_or_insert_with(|| longest(table));
        let micro_ops = kept.iter().flat_map(|number| table.micro_ops(*number));
        let more: Vec<u32> =
            micro_ops.filter_map(|micro_op| longest[micro_op.key() as usize]).collect();
        kept.extend(more);
        kept.sort_unstable();
        kept.dedup();
    }

    fn add_keys(&mut self, kept: &mut Vec<u32>) {
        let table = self.table;
        let mut is_touched = vec![false; table.keys.len()];
        for micro_op in kept.iter().flat_map(|number| table.micro_ops(*number)) {
            is_touched[micro_op.key() as usize] = true;
        }
        let touches = |number: &u32| {
            table.micro_ops(*number).iter().any(|micro_op| is_touched[micro_op.key() as usize])
        };
        *kept = (0..table.len() as u32).filter(touches).collect();
    }
}

/// Whom a beginning is made with, beside the anomaly's own transactions.
enum Widening {
    None,
    /// Lists: who read most of each key that these touch, which is where its order comes from.
    Longest,
    /// All that touch a key that these touch.
    Keys,
}

fn longest(table: &Table) -> Vec<Option<u32>> {
    let mut longest: Vec<Option<u32>> = vec![None; table.keys.len()];
    for number in 0..table.len() as u32 {
        for micro_op in table.micro_ops(number).iter().filter(|micro_op| !micro_op.is_write()) {
            let key = micro_op.key();
            let length = table.spine(key).len() as u32;
            if longest[key as usize].is_none() && table.read(*micro_op) == Read::Prefix(length) {
                longest[key as usize] = Some(number);
            }
        }
    }
    longest
}

/// As few as can be of these transactions such that what is left still `shows` something. `budget`
/// is how many transactions may be looked at, over all trials.
pub(super) fn least(
    table: &Table,
    kept: Vec<u32>,
    budget: &mut usize,
    shows: impl Fn(&Table) -> bool,
) -> Vec<u32> {
    minimize(kept, |kept| {
        if *budget < kept.len() + 1 {
            return Tried::Spent;
        }
        *budget -= kept.len() + 1;
        match shows(&part(table, &kept)) {
            true => Tried::Shows(kept),
            false => Tried::Not,
        }
    })
}

/// The history of these transactions alone.
pub(super) fn part(table: &Table, kept: &[u32]) -> Table {
    let mut builder = Builder::new(table.kind);
    let code = |element: u32| table.elements.code(element);
    for number in kept {
        builder.begin(table.transactions[*number as usize]);
        for micro_op in table.micro_ops(*number) {
            let key = table.keys[micro_op.key() as usize];
            if micro_op.is_write() {
                builder.write(key, code(micro_op.element()));
            } else if let Some(list) = table.list(*micro_op) {
                let list: Vec<i64> = list.iter().map(|element| code(*element)).collect();
                builder.read_list(key, &list);
            } else if let Some(element) = table.last_read(*micro_op) {
                builder.read_register(key, element.map(code));
            } else {
                builder.read_unknown(key);
            }
        }
    }
    let mut part = builder.finish();
    (part.untimed, part.in_sessions) = (table.untimed, table.in_sessions);
    part
}

#[cfg(test)]
mod tests;
