//! A budget of faults: how many nodes may be out of reach at once.

use std::collections::BTreeSet;

use kolk_history::plan::{Fault, FaultKind};
use kolk_protocol::Key;

use super::{Blocked, Group, draw};

/// How often a partition is drawn again that is beyond the budget.
const TRIES: u64 = 16;

/// Faults that somebody asked for put more nodes out of reach than the budget allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the faults asked for keep {count} nodes out of reach at once, and the budget is {budget}: \
     {nodes}"
)]
pub struct OverBudget {
    /// How many.
    pub count: usize,
    /// How many there may be.
    pub budget: usize,
    /// Their names.
    pub nodes: String,
}

/// Holds faults to a budget: no more than so many nodes are down, paused or cut off at once, where
/// a node is cut off that hears, and is heard by, less than a majority. Drawn faults give way to
/// those asked for, and later ones to earlier ones: they hit fewer nodes, or are drawn again, or
/// are left out.
///
/// # Errors
///
/// If those asked for are beyond it by themselves.
pub fn within_budget(
    seed: u64,
    nodes: &[String],
    budget: usize,
    asked: &[Fault],
    drawn: Vec<Fault>,
) -> Result<Vec<Fault>, OverBudget> {
    let mut kept: Vec<Fault> = Vec::new();
    for fault in asked {
        let hit = hit_beside(&kept, fault, nodes);
        if hit.len() > budget {
            let names: Vec<&str> = hit.iter().map(|node| nodes[*node].as_str()).collect();
            return Err(OverBudget { count: hit.len(), budget, nodes: names.join(", ") });
        }
        kept.push(fault.clone());
    }
    let domain = Key::new(seed).with_name("budget");
    for (number, fault) in drawn.into_iter().enumerate() {
        kept.extend(smaller(&kept, fault, nodes, budget, domain.with(number as u64)));
    }
    Ok(kept.split_off(asked.len()))
}

/// The fault, or as much of it as fits.
fn smaller(
    kept: &[Fault],
    mut fault: Fault,
    nodes: &[String],
    budget: usize,
    key: Key,
) -> Option<Fault> {
    let fits = |fault: &Fault| hit_beside(kept, fault, nodes).len() <= budget;
    if fits(&fault) {
        return Some(fault);
    }
    if let FaultKind::Clog { .. } = fault.kind {
        return None;
    }
    if let FaultKind::Partition { shape, .. } = &fault.kind {
        if shape == super::links::ONE_WAY {
            return None;
        }
        return (0..TRIES).find_map(|again| {
            let (shape, blocked) = draw(nodes, &mut key.with(again).random());
            let kind = FaultKind::Partition { shape: shape.name().to_owned(), blocked };
            let drawn = Fault::new(fault.begin, fault.end, kind);
            fits(&drawn).then_some(drawn)
        });
    }
    // Nodes are let off until it fits, which some always are.
    loop {
        let (FaultKind::Kill(targets) | FaultKind::Pause(targets) | FaultKind::Power(targets)) =
            &mut fault.kind
        else {
            return None;
        };
        if targets.nodes.is_empty() {
            return None;
        }
        let place = key.with(targets.nodes.len() as u64).random().index(targets.nodes.len());
        targets.nodes.remove(place);
        Group::Some.name().clone_into(&mut targets.targets);
        let is_empty = targets.nodes.is_empty();
        if !is_empty && fits(&fault) {
            return Some(fault);
        }
    }
}

/// All nodes that are out of reach at some time while this fault is open.
fn hit_beside(kept: &[Fault], fault: &Fault, nodes: &[String]) -> BTreeSet<usize> {
    let overlaps = |other: &&Fault| other.begin < fault.end && fault.begin < other.end;
    let all = kept.iter().filter(overlaps).chain([fault]);
    all.flat_map(|fault| out_of_reach(&fault.kind, nodes)).collect()
}

fn out_of_reach(kind: &FaultKind, nodes: &[String]) -> Vec<usize> {
    // Whoever it will be: it counts as one more.
    if kind.targets().is_some_and(|targets| targets.targets == Group::Leader.name()) {
        return vec![nodes.len()];
    }
    match (kind.targets(), kind.unheard()) {
        (Some(targets), _) => {
            (0..nodes.len()).filter(|node| targets.nodes.contains(&nodes[*node])).collect()
        }
        (None, Some(blocked)) => cut_off(blocked, nodes),
        // Slow links and wrong clocks keep nobody out of reach.
        (None, None) => Vec::new(),
    }
}

/// The nodes that have no majority to talk with, themselves included.
fn cut_off(blocked: &Blocked, nodes: &[String]) -> Vec<usize> {
    let hears = |receiver: &String, sender: &String| {
        blocked.get(receiver).is_none_or(|deaf_to| !deaf_to.contains(sender))
    };
    let majority = nodes.len() / 2 + 1;
    let is_cut_off = |node: &usize| {
        let node = &nodes[*node];
        let mutual = nodes.iter().filter(|other| hears(node, other) && hears(other, node));
        mutual.count() < majority
    };
    (0..nodes.len()).filter(is_cut_off).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::faults::{Groups, LinkKind, Other, link_faults, others, outages, partitions};

    /// At any time no more nodes are hit than there may be, and something still is.
    #[test]
    fn no_more_are_out_of_reach_than_the_budget() {
        let (interval, load) = (Duration::from_secs(2), Duration::from_secs(60));
        for count in 2..=7 {
            let nodes: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
            for budget in 0..=count {
                let mut left = 0;
                for seed in 0..20 {
                    let mut drawn = partitions(seed, &nodes, interval, load);
                    let all = || Group::ALL.to_vec();
                    let groups = Groups { kill: all(), pause: all(), power: all() };
                    drawn.extend(outages(seed, &nodes, interval, load, &groups));
                    drawn.extend(link_faults(seed, &nodes, interval, load, LinkKind::OneWay));
                    drawn.extend(others(seed, &nodes, interval, load, Other::Clog));
                    drawn.sort_by_key(|fault| fault.begin);
                    let all = drawn.len();
                    let kept = within_budget(seed, &nodes, budget, &[], drawn.clone()).unwrap();
                    for fault in &kept {
                        let open = kept
                            .iter()
                            .filter(|other| (other.begin..other.end).contains(&fault.begin));
                        let hit: BTreeSet<usize> =
                            open.flat_map(|open| out_of_reach(&open.kind, &nodes)).collect();
                        assert!(hit.len() <= budget, "{budget} of {count}: {kept:?}");
                    }
                    if budget == count {
                        assert_eq!(kept, drawn);
                    }
                    left += kept.len() * 8 / all.max(1);
                }
                assert!(budget == 0 || left > 0, "{budget} of {count}");
            }
        }
    }

    #[test]
    fn what_was_asked_for_is_kept_or_refused() {
        let nodes: Vec<String> = ["n0", "n1", "n2"].map(str::to_owned).to_vec();
        let cut = |text: &str| {
            let cut: crate::faults::Cut = text.parse().unwrap();
            cut.fault(&nodes, Duration::from_secs(10)).unwrap()
        };
        let asked = [cut("n0@0..5"), cut("n1@5..6")];
        assert_eq!(within_budget(1, &nodes, 1, &asked, Vec::new()), Ok(Vec::new()));
        let asked = [cut("n0@0..5"), cut("n1@4..6")];
        let error = within_budget(1, &nodes, 1, &asked, Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the faults asked for keep 2 nodes out of reach at once, and the budget is 1: n0, n1"
        );
    }
}
