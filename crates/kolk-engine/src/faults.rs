//! Faults drawn from a seed, and faults that people ask for.
//!
//! Partitions come and go as Jepsen's partition nemesis makes them
//! (<https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/nemesis/combined.clj>): the
//! first begins with the load, from then on they end and begin after gaps that are uniform on
//! `[0, 2 × interval]`. Each is drawn by its number alone, so that taking one out of a plan leaves
//! the others as they are.

mod asked;
mod budget;
mod event;
mod links;
mod others;
mod outages;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kolk_history::plan::{DiskHarm, Fault, FaultKind, Plan, Trigger, TriggerEvent};
use kolk_protocol::lockstep::StorageFault;
use kolk_protocol::{Key, Random};

pub use asked::{Asked, Cut, FaultError, LinkFault, Outage, Window};
pub use budget::{OverBudget, within_budget};
pub use event::{Flag, OnEvent};
pub use links::{LinkKind, link_faults};
pub use others::{CLOCK_SPEEDS, Other, others};
pub use outages::{Group, Groups, Kind, outages};

/// For each receiver the senders it hears nothing from; receivers that hear everybody are not in
/// it.
pub type Blocked = BTreeMap<String, Vec<String>>;

/// What a plan does to nodes' storage that reaches a program's files only if it is known when they
/// are written and synced. A sector that is overwritten is not among it: that can be done to any.
pub fn storage_faults(plan: &Plan) -> BTreeSet<StorageFault> {
    let of = |fault: &Fault| match (&fault.kind, &fault.on) {
        (FaultKind::Disk { harm: DiskHarm::Failing | DiskHarm::Full, .. }, _) => {
            Some(StorageFault::Disk)
        }
        (FaultKind::Power(_), _) => Some(StorageFault::Power),
        (_, Some(Trigger { event: TriggerEvent::Sync { .. }, .. })) => Some(StorageFault::Sync),
        _ => None,
    };
    plan.faults.iter().filter_map(of).collect()
}

/// The kinds of partition that are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One node is cut off from all others.
    IsolatedNode,
    /// A clean split into two halves, the smaller one a minority if the number of nodes is odd.
    Majority,
    /// A clean split that takes away as many nodes as are less than a third: none of three.
    Third,
    /// Nodes in a ring, each of which hears itself and its nearest neighbours, just enough for a
    /// majority; no two hear the same one. Who hears whom is mutual, but among three nodes: there
    /// each hears one other, round in a circle.
    Ring,
}

impl Shape {
    /// All of them, in the order of their numbers.
    pub const ALL: [Shape; 4] = [Shape::IsolatedNode, Shape::Majority, Shape::Third, Shape::Ring];

    /// The name in plans.
    pub const fn name(self) -> &'static str {
        match self {
            Shape::IsolatedNode => "isolated-node",
            Shape::Majority => "majority",
            Shape::Third => "third",
            Shape::Ring => "ring",
        }
    }

    /// Draws a partition of this kind.
    pub fn draw(self, nodes: &[String], random: &mut Random) -> Blocked {
        let count = nodes.len();
        let mut order: Vec<usize> = (0..count).collect();
        random.shuffle(&mut order);
        match self {
            Shape::IsolatedNode => split(nodes, &order[..count.min(1)]),
            Shape::Majority => split(nodes, &order[..count / 2]),
            Shape::Third => split(nodes, &order[..count.saturating_sub(1) / 3]),
            Shape::Ring => ring(nodes, &order),
        }
    }
}

/// No message passes between the nodes at these places and the others.
fn split(nodes: &[String], group: &[usize]) -> Blocked {
    blocked(nodes, |receiver, sender| group.contains(&receiver) == group.contains(&sender))
}

/// The ring in which the nodes stand in this order.
///
/// Jepsen draws the graph at random when there are more than five nodes; here it is a circulant
/// one, which keeps the promise of different majorities for any number.
fn ring(nodes: &[String], order: &[usize]) -> Blocked {
    let count = order.len();
    let mut place = vec![0; count];
    for (at, node) in order.iter().enumerate() {
        place[*node] = at;
    }
    let majority = count / 2 + 1;
    let reach = (majority - 1) / 2;
    blocked(nodes, |receiver, sender| {
        let (receiver, sender) = (place[receiver], place[sender]);
        if count == 3 {
            return (sender + 1) % count == receiver;
        }
        let apart = receiver.abs_diff(sender);
        // An even majority is an odd number of others: one more than on both sides equally far.
        // It is found across the ring; if the number of nodes is odd, one node has two there.
        let across = majority.is_multiple_of(2) && apart == count / 2;
        apart.min(count - apart) <= reach || across
    })
}

fn blocked(nodes: &[String], hears: impl Fn(usize, usize) -> bool) -> Blocked {
    let deaf_to = |receiver: usize| -> Vec<String> {
        let unheard = |sender: &usize| *sender != receiver && !hears(receiver, *sender);
        (0..nodes.len()).filter(unheard).map(|sender| nodes[sender].clone()).collect()
    };
    (0..nodes.len())
        .map(|receiver| (nodes[receiver].clone(), deaf_to(receiver)))
        .filter(|(_, senders)| !senders.is_empty())
        .collect()
}

/// Draws the partitions of a whole run, whose load lasts `load`; the last one ends with the load
/// at the latest. `interval` is the mean gap between a beginning and an end, either way. One that
/// cuts nobody off from anybody (a third of three nodes) is drawn again.
pub fn partitions(seed: u64, nodes: &[String], interval: Duration, load: Duration) -> Vec<Fault> {
    if nodes.len() < 2 {
        return Vec::new();
    }
    drawn(Key::new(seed).with_name("partition"), interval, load, |begin, end, random| {
        let (shape, blocked) = draw(nodes, random);
        partition(begin, end, shape.name(), blocked)
    })
}

/// Draws cuts that go round the nodes for a whole run, whose load lasts `load`: each node in turn
/// is cut off from all others, and the next one as soon as the one before it is back. The order is
/// drawn, and is the same in each round; how long a cut lasts is uniform on half of `interval` to
/// one and a half of it. The first begins with the load, and the last one ends with it.
///
/// A leader is so cut off with what only it has, another one is elected without it, and that one
/// is cut off when the first is back: what a later leader must not forget is put to the test each
/// time.
pub fn rolling(seed: u64, nodes: &[String], interval: Duration, load: Duration) -> Vec<Fault> {
    let interval = nanoseconds(interval);
    if nodes.len() < 2 || interval == 0 {
        return Vec::new();
    }
    let domain = Key::new(seed).with_name("rolling");
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    domain.random().shuffle(&mut order);
    let (load, mut begin) = (nanoseconds(load), 0_u64);
    let mut faults = Vec::new();
    for (number, place) in order.iter().cycle().enumerate() {
        if begin >= load {
            break;
        }
        let spread = domain.with(number as u64).random().below(interval.saturating_add(1));
        let end = begin.saturating_add((interval / 2).saturating_add(spread).max(1)).min(load);
        let shape = Shape::IsolatedNode.name();
        faults.push(partition(begin, end, shape, split(nodes, &[*place])));
        begin = end;
    }
    faults
}

/// How long nodes are down in a coup.
const COUP_OUTAGE: Duration = Duration::from_millis(10);

/// More leaders than these are left alone.
const COUPS_MAX: u64 = 1000;

/// Faults for a whole run, whose load lasts `load`, that turn against whoever begins to lead. The
/// first, third and so on to say that it leads is cut off for `interval`, and at that moment all
/// others lose their power, or are killed where nodes have none to lose, and are started again at
/// once. Each leader goes down itself two intervals after it began to lead, so that there is a next
/// one, also if none was elected while it was cut off. Nothing is drawn.
///
/// If those who voted do not know that any more they elect a second leader of the same term. Both
/// lead when the cut is over, and have an interval to show it.
pub fn coups(nodes: &[String], interval: Duration, load: Duration, has_power: bool) -> Vec<Fault> {
    let [interval, load, outage] = [interval, load, COUP_OUTAGE].map(nanoseconds);
    if nodes.len() < 2 || interval == 0 {
        return Vec::new();
    }
    // A leader and the next one take two intervals at the least.
    let count = (load / interval).saturating_add(2).min(COUPS_MAX);
    let on_leader = |nth, begin: u64, lasts: u64, kind| Fault {
        begin,
        end: begin.saturating_add(lasts).min(load),
        on: Some(Trigger { event: TriggerEvent::Leader { node: None }, nth }),
        kind,
    };
    let down = if has_power { Kind::Power } else { Kind::Kill };
    let later = interval.saturating_mul(2);
    let mut faults = Vec::new();
    for nth in 1..=count {
        if nth % 2 == 1 {
            faults.push(on_leader(nth, 0, interval, event::on_its_node(None)));
            faults.push(on_leader(nth, 0, outage, event::on_the_others(down)));
        }
        if later < load {
            faults.push(on_leader(nth, later, outage, event::on_its_node(Some(down))));
        }
    }
    faults
}

/// Draws faults one after the other: how long each lasts and how long none is open are uniform on
/// `[0, 2 × interval]`; the first begins at once.
fn drawn(
    domain: Key,
    interval: Duration,
    load: Duration,
    mut fault: impl FnMut(u64, u64, &mut Random) -> Fault,
) -> Vec<Fault> {
    let load = nanoseconds(load);
    let gap_max = nanoseconds(interval).saturating_mul(2);
    let mut faults = Vec::new();
    let mut healed = 0;
    for number in 0.. {
        let mut random = domain.with(number).random();
        let mut gap = || random.below(gap_max.saturating_add(1));
        let (pause, duration) = (gap(), gap());
        let begin: u64 = if number == 0 { 0 } else { healed + pause };
        if begin >= load {
            break;
        }
        let end = begin.saturating_add(duration).min(load);
        faults.push(fault(begin, end, &mut random));
        healed = end;
        if interval.is_zero() {
            break;
        }
    }
    faults
}

/// A partition of any kind that cuts somebody off, among at least two nodes.
fn draw(nodes: &[String], random: &mut Random) -> (Shape, Blocked) {
    loop {
        let shape = Shape::ALL[random.index(Shape::ALL.len())];
        let blocked = shape.draw(nodes, random);
        if !blocked.is_empty() {
            return (shape, blocked);
        }
    }
}

/// A node that hears nobody, and that nobody hears.
pub(crate) fn isolated(nodes: &[String], node: &str) -> Blocked {
    let place = nodes.iter().position(|other| other == node);
    split(nodes, &place.map_or_else(Vec::new, |place| vec![place]))
}

fn partition(begin: u64, end: u64, shape: &str, blocked: Blocked) -> Fault {
    Fault::new(begin, end, FaultKind::Partition { shape: shape.to_owned(), blocked })
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "faults/tests.rs"]
mod tests;
