//! A plan's faults, whatever their kinds: what they are called, what is left of them, whether they
//! did anything.
//!
//! What a fault says of nodes is read from the form in which plans store it, so that kinds yet to
//! come are explored and shrunk like those there are.

use kolk_engine::{Trace, Traced};
use kolk_history::Plan;
use kolk_history::plan::{Fault, FaultKind};
use serde_json::Value;

use crate::observation::{Trouble, is_loss};

/// What a fault is called: its kind, and its shape where it has one. Runs have up to thousands.
pub(crate) fn name(fault: &Fault) -> String {
    let kind = fault.kind.name();
    match &fault.kind {
        FaultKind::Partition { shape, .. } if !shape.is_empty() => format!("{kind} {shape}"),
        _ => kind.to_owned(),
    }
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
    let mut value = serde_json::to_value(fault).expect("a fault can be stored");
    let Value::Object(entries) = &mut value else { return None };
    if !entries.values_mut().all(|value| keep(value, node)) {
        return None;
    }
    serde_json::from_value(value).ok()
}

/// The trouble that a plan had in store, and whether it did anything; `strikes` says how often each
/// fault did.
pub(crate) fn troubles(plan: &Plan, trace: &Trace, strikes: &[u64]) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let lost = trace.events.iter().any(|event| is_loss(event.what));
    let duplicated = trace.events.iter().any(|event| matches!(event.what, Traced::Duplicated));
    if plan.network.loss > 0.0 {
        troubles.push(Trouble { name: "loss".to_owned(), struck: lost });
    }
    if plan.network.duplication > 0.0 {
        troubles.push(Trouble { name: "duplication".to_owned(), struck: duplicated });
    }
    for (number, fault) in plan.faults.iter().enumerate() {
        let struck = strikes.get(number).is_some_and(|times| *times > 0);
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
    use kolk_history::plan::NodeSpec;
    use kolk_workload::planner::{Flag, Kind, Nemesis, OnEvent, Settings, plan};

    fn partition(blocked: &[(&str, &[&str])]) -> Fault {
        let senders = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let blocked = blocked.iter().map(|(to, from)| ((*to).to_owned(), senders(from)));
        let kind = FaultKind::Partition { shape: "cut".to_owned(), blocked: blocked.collect() };
        Fault::new(1, 2, kind)
    }

    #[test]
    fn says_what_a_fault_is() {
        let fault = partition(&[("n0", &["n1", "n2"]), ("n1", &["n0"])]);
        assert_eq!(name(&fault), "partition cut");
    }

    /// A kind of fault has struck if one of that kind did anything, whatever it waited for.
    #[test]
    fn what_struck_is_what_did_something() {
        let node = NodeSpec::BuiltIn { name: "echo".to_owned(), args: Vec::new(), separate: false };
        let kill = |text| OnEvent::read(Flag::Outage(Kind::Kill), text).expect("a fault");
        let settings = Settings {
            nemesis: vec![Nemesis::Coup],
            on_events: vec![kill("on leader")],
            ..Settings::new("echo", node, 1)
        };
        let plan = plan(&settings).expect("a plan");
        let told = |strikes: &[u64]| -> Vec<(String, bool)> {
            let troubles = troubles(&plan, &Trace::default(), strikes);
            troubles.into_iter().map(|trouble| (trouble.name, trouble.struck)).collect()
        };
        let named = |struck: [bool; 3]| -> Vec<(String, bool)> {
            let names = ["partition trigger", "power", "kill"].map(str::to_owned);
            names.into_iter().zip(struck).collect()
        };
        let mut strikes = vec![0; plan.faults.len()];
        assert_eq!(told(&strikes), named([false; 3]));
        let is_cut = |fault: &Fault| fault.kind.name() == "partition";
        strikes[plan.faults.iter().rposition(is_cut).expect("a cut")] = 1;
        assert_eq!(told(&strikes), named([true, false, false]));
        *strikes.last_mut().expect("faults") = 2;
        assert_eq!(told(&strikes), named([true, false, true]));
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
