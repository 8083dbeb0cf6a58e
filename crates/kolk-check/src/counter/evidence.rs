//! What may explain a sum that cannot be: the moment of which it would be right, the adds that may
//! have been lost, counted twice, or done though they were refused, and what of other nodes is
//! missing.
//!
//! None of this is proof of the cause; the sum alone is proof that something is wrong.

use kolk_history::{History, Operation, Outcome};

use super::{Acceptable, Adds, by, delta};
use crate::check::{Anomaly, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::some_of;

pub(super) fn wrong_total(
    history: &History,
    adds: &Adds,
    acceptable: &Acceptable,
    read: &Operation,
    sum: i128,
    what: &str,
) -> Anomaly {
    let by = by(history, read);
    let mut claim = format!("the {what}{by} at {} is {sum}, but ", read.invoked);
    claim += &if adds.pending.is_empty() {
        format!("acknowledged adds come to {}", adds.definite)
    } else {
        format!(
            "acknowledged adds come to {}, and with any of {} adds of unknown outcome to {}",
            adds.definite,
            adds.pending.len(),
            acceptable.text()
        )
    };
    let nodes = by_node(history, adds);
    if nodes.len() > 1 {
        let nodes = nodes.iter().map(|(node, sum)| format!("{sum} at {node}"));
        claim += &format!(" ({})", some_of(nodes, PROOF_MAX));
    }
    let difference = sum - acceptable.nearest(sum);
    let mut operations = vec![read.index];
    let mut steps = vec![match difference {
        ..0 => format!("{} is missing", -difference),
        _ => format!("{difference} is too much"),
    }];
    let mut suspicions: Vec<Suspicion<'_>> =
        stale(history, read, sum, adds.definite).into_iter().collect();
    suspicions.extend(single_adds(history, read, difference));
    suspicions.extend(elsewhere(history, read, difference));
    if suspicions.is_empty() {
        suspicions.extend(last_of_a_node(history, read, difference));
    }
    if suspicions.is_empty() {
        suspicions = timing(history, read, difference).into_iter().collect();
    }
    for (step, suspects) in suspicions {
        steps.push(step);
        operations.extend(suspects.iter().map(|add| add.index));
    }
    if operations.len() == 1 {
        // Any of the last adds may be at fault: of those that are missing, one that is large enough
        // to be among them, and that the node which was read has not taken itself.
        let may_be = |(add, delta): &(&Operation, i128)| match difference {
            ..0 => add.is_ok() && add.node != read.node && *delta > 0 && *delta <= -difference,
            _ => add.outcome != Outcome::Fail,
        };
        let last = before(history, read).rev().filter(may_be);
        operations.extend(last.map(|(add, _)| add.index).take(PROOF_MAX));
    }
    operations.truncate(PROOF_MAX + 1);
    Anomaly {
        node: history.node_name(read).map(str::to_owned),
        steps,
        ..Anomaly::new(Kind::WrongTotal, claim, operations)
    }
}

/// What was acknowledged at each node.
fn by_node<'a>(history: &'a History, adds: &Adds) -> Vec<(&'a str, i128)> {
    let sums = adds.by_node.iter();
    sums.filter_map(|(node, sum)| Some((&**history.nodes.get(usize::from((*node)?))?, *sum)))
        .collect()
}

/// The adds invoked before a read, but for those of nothing.
fn before<'a>(
    history: &'a History,
    read: &'a Operation,
) -> impl DoubleEndedIterator<Item = (&'a Operation, i128)> {
    let earlier = history.operations.iter().filter(|op| op.index < read.index);
    earlier.filter_map(|op| Some((op, delta(op)?))).filter(|(_, delta)| *delta != 0)
}

/// A sentence, and the operations that it is about.
type Suspicion<'a> = (String, Vec<&'a Operation>);

/// When and where these adds were invoked.
fn places(history: &History, adds: &[&Operation]) -> String {
    let shown = adds.iter().map(|add| format!("{}{}", add.invoked, by(history, add)));
    some_of(shown, PROOF_MAX)
}

/// The adds each of which explains the difference on its own, most suspicious first; and all that
/// were refused, if something is too much.
fn single_adds<'a>(
    history: &'a History,
    read: &'a Operation,
    difference: i128,
) -> Vec<Suspicion<'a>> {
    let of = |outcome: Outcome, wanted: &dyn Fn(i128) -> bool| -> Vec<&Operation> {
        let all = before(history, read).rev();
        all.filter(|(op, delta)| op.outcome == outcome && wanted(*delta))
            .map(|(op, _)| op)
            .collect()
    };
    let is_twice = |delta: i128| delta == difference;
    let is_lost = |delta: i128| delta == -difference;
    let is_alike = |delta: i128| delta.signum() == difference.signum();
    let unknown = format!("adds of {difference} of unknown outcome, perhaps counted twice");
    let lost = format!("acknowledged adds of {}, one perhaps lost", -difference);
    let twice = format!("acknowledged adds of {difference}, one perhaps counted twice");
    let suspicions = [
        (
            of(Outcome::Fail, &is_alike),
            "adds that were refused, and perhaps done all the same".into(),
        ),
        (of(Outcome::Info, &is_twice), unknown),
        (of(Outcome::Ok, &is_lost), lost),
        (of(Outcome::Ok, &is_twice), twice),
    ];
    let suspicions = suspicions.into_iter().filter(|(suspects, _)| !suspects.is_empty());
    suspicions
        .map(|(suspects, what)| (format!("{what}: at {}", places(history, &suspects)), suspects))
        .collect()
}

/// The last moment at which all that had been acknowledged came to just this sum, if it is not long
/// ago: that is what a stale read sees.
fn stale<'a>(
    history: &'a History,
    read: &'a Operation,
    sum: i128,
    definite: i128,
) -> Option<Suspicion<'a>> {
    let mut acknowledged: Vec<(&Operation, i128)> =
        before(history, read).filter(|(op, _)| op.is_ok()).collect();
    acknowledged.sort_unstable_by_key(|(add, _)| add.completion_or_end());
    let mut total = definite;
    let later = acknowledged.iter().rev().take(PROOF_MAX).position(|(_, delta)| {
        total -= delta;
        total == sum
    })?;
    let later: Vec<&Operation> = acknowledged.iter().rev().take(later + 1).map(|a| a.0).collect();
    let at = later[later.len() - 1].completed;
    Some((
        format!("{sum} was right until {at}; {} acknowledged later", adds_are(later.len())),
        later,
    ))
}

fn adds_are(count: usize) -> String {
    if count == 1 { "one add was".to_owned() } else { format!("{count} adds were") }
}

/// What was added, taken away, or both, elsewhere than at the node that was read, if the difference
/// is as if nothing of it were there; or all that was acknowledged at one node. With these adds,
/// the last first.
fn elsewhere<'a>(
    history: &'a History,
    read: &'a Operation,
    difference: i128,
) -> Option<Suspicion<'a>> {
    let acknowledged = || before(history, read).rev().filter(|(op, _)| op.is_ok());
    let others = || acknowledged().filter(|(op, _)| op.node != read.node);
    let added: i128 = others().map(|(_, delta)| delta.max(0)).sum();
    let removed: i128 = others().map(|(_, delta)| (-delta).max(0)).sum();
    let node = history.node_name(read)?;
    let cases: [(i128, &str, fn(i128) -> bool); 3] = [
        (removed, "taken away", |delta| delta < 0),
        (-added, "added", |delta| delta > 0),
        (removed - added, "added and taken away", |_| true),
    ];
    for (amount, what, is_meant) in cases {
        if amount == difference && amount != 0 {
            let adds = others().filter(|(_, delta)| is_meant(*delta)).map(|(op, _)| op);
            let text = format!("that is all that was {what} at other nodes than {node}");
            return Some((text, adds.collect()));
        }
    }
    let mut nodes = (0..).zip(&history.nodes);
    let of_node = |place: u16| acknowledged().filter(move |(op, _)| op.node == Some(place));
    let (place, silent) = nodes
        .find(|(place, _)| of_node(*place).map(|(_, delta)| delta).sum::<i128>() == -difference)?;
    let adds = of_node(place).map(|(op, _)| op).collect();
    Some((format!("that is all that was acknowledged at {silent}"), adds))
}

/// The last adds of one other node, if they come to what is missing.
fn last_of_a_node<'a>(
    history: &'a History,
    read: &'a Operation,
    difference: i128,
) -> Option<Suspicion<'a>> {
    (0..).zip(&history.nodes).filter(|(place, _)| Some(*place) != read.node).find_map(
        |(place, name)| {
            let mut total = 0;
            let mut adds = Vec::new();
            let of_node = before(history, read).rev().filter(|(op, _)| op.node == Some(place));
            for (add, delta) in of_node.filter(|(op, _)| op.is_ok()) {
                total += delta;
                adds.push(add);
                if total == -difference {
                    let count = adds.len();
                    let text = format!("that is what the last {count} adds at {name} come to");
                    return (count > 1).then_some((text, adds));
                }
            }
            None
        },
    )
}

/// Where nothing else stands out: too much may come of adds that were tried again, which take long;
/// too little of two that were under way at the same time, of which one overwrote the other.
fn timing<'a>(
    history: &'a History,
    read: &'a Operation,
    difference: i128,
) -> Option<Suspicion<'a>> {
    let mut adds: Vec<&Operation> =
        before(history, read).filter(|(op, _)| op.is_ok()).map(|(op, _)| op).collect();
    let took = |add: &Operation| add.completed - add.invoked;
    adds.retain(|add| !took(add).is_zero());
    if difference > 0 {
        adds.sort_by_key(|add| std::cmp::Reverse(took(add)));
        adds.truncate(PROOF_MAX / 2);
        let longest = took(adds.first()?).as_millis();
        let text = format!(
            "the adds that took longest, up to {longest} ms, and may have been tried again"
        );
        return Some((format!("{text}: at {}", places(history, &adds)), adds));
    }
    let overlaps =
        |pair: &&[&Operation]| pair[1].invoked < pair[0].completed && pair[0].node != pair[1].node;
    let count = adds.windows(2).filter(overlaps).count();
    let first = adds.windows(2).find(overlaps)?.to_vec();
    let text = format!("adds that began while one at another node was under way: {count}");
    Some((format!("{text}, the first two at {}", places(history, &first)), first))
}
