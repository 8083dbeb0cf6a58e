//! Transactions, reads and writes in words.

use kolk_history::Value;

use super::table::{Datatype, MicroOp, Table};
use crate::check::Anomaly;

/// How many elements of a list a sentence shows: the last ones.
const ELEMENTS_MAX: usize = 12;

/// How many micro-operations of a transaction are shown.
const MICRO_OPS_MAX: usize = 12;

/// A value as a sentence shows it: strings without quotes.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Table {
    /// A key's name in a sentence.
    pub(crate) fn key_text(&self, key: u32) -> String {
        plain(&self.key_name(key))
    }

    /// An element's value in a sentence.
    pub(crate) fn value_text(&self, element: u32) -> String {
        self.value(element).to_string()
    }

    /// A transaction by the event index of its invocation: `operation 12`.
    pub(crate) fn operation_text(&self, transaction: u32) -> String {
        format!("operation {}", self.index(transaction))
    }

    /// The event index of a transaction's invocation.
    pub(crate) fn index(&self, transaction: u32) -> u32 {
        self.transactions[transaction as usize].index
    }

    /// The anomaly, said to be about a key and, of that, about these values.
    pub(crate) fn about(&self, key: u32, elements: &[u32], anomaly: Anomaly) -> Anomaly {
        let values = elements.iter().map(|element| self.value(*element));
        anomaly.of_key(self.key_text(key)).of_values(values)
    }

    /// A list in a sentence: `[1 2 3]`.
    pub(crate) fn list_text(&self, elements: &[u32]) -> String {
        let hidden = elements.len().saturating_sub(ELEMENTS_MAX);
        let shown: Vec<String> =
            elements[hidden..].iter().map(|element| self.value_text(*element)).collect();
        match hidden {
            0 => format!("[{}]", shown.join(" ")),
            _ => format!("[({hidden} more) {}]", shown.join(" ")),
        }
    }

    /// What a read saw, in a sentence: `[1 2]`, `3`, `nothing`.
    pub(crate) fn read_text(&self, read: MicroOp) -> String {
        match (self.kind, self.list(read)) {
            (_, Some([])) => "nothing".to_owned(),
            (_, Some(list)) => self.list_text(list),
            (Datatype::List, None) => "something unknown".to_owned(),
            (Datatype::Register, None) => match self.last_read(read) {
                None => "something unknown".to_owned(),
                Some(None) => "nothing".to_owned(),
                Some(Some(element)) => self.value_text(element),
            },
        }
    }

    /// A transaction's micro-operations: `append x 1, r y [1 2]`.
    pub(crate) fn transaction_text(&self, transaction: u32) -> String {
        let micro_ops = self.micro_ops(transaction);
        let mut shown: Vec<String> = micro_ops
            .iter()
            .take(MICRO_OPS_MAX)
            .map(|micro_op| {
                let key = self.key_text(micro_op.key());
                if micro_op.is_write() {
                    let value = self.value_text(micro_op.element());
                    format!("{} {key} {value}", self.kind.function())
                } else if self.last_read(*micro_op).is_none() {
                    format!("r {key}")
                } else {
                    format!("r {key} {}", self.read_text(*micro_op))
                }
            })
            .collect();
        if micro_ops.len() > MICRO_OPS_MAX {
            shown.push(format!("and {} more", micro_ops.len() - MICRO_OPS_MAX));
        }
        shown.join(", ")
    }
}
