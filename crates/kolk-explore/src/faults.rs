//! A plan's faults, whatever their kinds: what they are called, whom they touch, whether they did.
//!
//! Nothing here knows a kind of fault by name. What a fault says is read from the form in which
//! plans store it, so that kinds yet to come are explored and shrunk like those there are.

use std::collections::BTreeSet;

use kolk_engine::{Trace, Traced};
use kolk_history::Plan;
use kolk_history::plan::Fault;
use kolk_protocol::Time;
use serde_json::Value;

use crate::observation::{Trouble, is_loss};

/// A fault as a plan stores it.
fn stored(fault: &Fault) -> Value {
    serde_json::to_value(fault).expect("a fault can be stored")
}

/// What a fault is called: its kind, and its shape where it has one.
pub(crate) fn name(fault: &Fault) -> String {
    let stored = stored(fault);
    let text = |key: &str| stored.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    [text("fault"), text("shape")].join(" ").trim().to_owned()
}

/// The nodes that a fault names.
pub(crate) fn nodes(fault: &Fault, all: &[String]) -> BTreeSet<String> {
    fn walk(value: &Value, all: &[String], found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => found.extend(all.contains(text).then(|| text.clone())),
            Value::Array(items) => items.iter().for_each(|item| walk(item, all, found)),
            Value::Object(entries) => {
                for (key, value) in entries {
                    found.extend(all.contains(key).then(|| key.clone()));
                    walk(value, all, found);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(&stored(fault), all, &mut found);
    found
}

/// The fault without a node that is no longer there; `None` if nothing is left of it.
pub(crate) fn without_node(fault: &Fault, node: &str) -> Option<Fault> {
    /// False if the value is nothing without the node.
    fn keep(value: &mut Value, node: &str) -> bool {
        match value {
            Value::String(text) => text != node,
            Value::Array(items) => {
                let before = items.len();
                items.retain_mut(|item| keep(item, node));
                before == 0 || !items.is_empty()
            }
            Value::Object(entries) => {
                let before = entries.len();
                entries.retain(|key, _| key != node);
                entries.retain(|_, value| keep(value, node));
                before == 0 || !entries.is_empty()
            }
            _ => true,
        }
    }
    let mut value = stored(fault);
    let Value::Object(entries) = &mut value else { return None };
    if !entries.values_mut().all(|value| keep(value, node)) {
        return None;
    }
    serde_json::from_value(value).ok()
}

/// The trouble that a plan had in store, and whether it touched a message.
pub(crate) fn troubles(plan: &Plan, trace: &Trace, load_began: Time) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let (mut lost, mut duplicated, mut dropped) = (false, false, Vec::new());
    for event in &trace.events {
        match event.what {
            what if is_loss(what) => lost = true,
            Traced::Duplicated => duplicated = true,
            Traced::Dropped(_) => dropped.push(event),
            _ => {}
        }
    }
    if plan.network.loss > 0.0 {
        troubles.push(Trouble { name: "loss".to_owned(), struck: lost });
    }
    if plan.network.duplication > 0.0 {
        troubles.push(Trouble { name: "duplication".to_owned(), struck: duplicated });
    }
    for fault in &plan.faults {
        let window = load_began.as_nanos().saturating_add(fault.begin)
            ..=load_began.as_nanos().saturating_add(fault.end);
        let named = nodes(fault, &plan.nodes);
        let touches = |place: u32| trace.name(place).is_some_and(|name| named.contains(name));
        let struck = dropped.iter().any(|event| {
            window.contains(&event.time.as_nanos()) && (touches(event.src) || touches(event.dest))
        });
        let name = name(fault);
        match troubles.iter_mut().find(|known| known.name == name) {
            Some(known) => known.struck |= struck,
            None => troubles.push(Trouble { name, struck }),
        }
    }
    troubles
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolk_history::plan::FaultKind;

    fn partition(blocked: &[(&str, &[&str])]) -> Fault {
        let senders = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let blocked = blocked.iter().map(|(to, from)| ((*to).to_owned(), senders(from)));
        let kind = FaultKind::Partition { shape: "cut".to_owned(), blocked: blocked.collect() };
        Fault::new(1, 2, kind)
    }

    #[test]
    fn says_what_a_fault_is_and_whom_it_touches() {
        let fault = partition(&[("n0", &["n1", "n2"]), ("n1", &["n0"])]);
        let all = ["n0", "n1", "n2", "n3"].map(str::to_owned);
        assert_eq!(name(&fault), "partition cut");
        assert_eq!(nodes(&fault, &all).into_iter().collect::<Vec<_>>(), all[..3]);
    }

    #[test]
    fn forgets_a_node() {
        let fault = partition(&[("n0", &["n1", "n2"]), ("n1", &["n0"])]);
        for (node, left) in [
            ("n0", None),
            ("n1", Some(partition(&[("n0", &["n2"])]))),
            ("n2", Some(partition(&[("n0", &["n1"]), ("n1", &["n0"])]))),
            ("n3", Some(fault.clone())),
        ] {
            assert_eq!(without_node(&fault, node), left, "{node}");
        }
    }
}
