//! The messages of a run: who sent what to whom, when it came, and what it came of.

use std::collections::BTreeMap;

use kolk_engine::{Run, Trace, Traced};
use kolk_history::journal::DropReason;
use kolk_protocol::Time;

/// A message whose fate is decided by the network: between nodes and services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the run.
    pub id: u64,
    /// The sender's name.
    pub src: String,
    /// The receiver's name.
    pub dest: String,
    /// How many went before it on its link.
    pub nth: u64,
    /// Its type.
    pub kind: String,
    /// When it was sent.
    pub sent: Time,
    /// When it arrived, or would have: a partition stops it in the end only.
    pub arrived: Vec<Time>,
    /// The network lost it.
    pub lost: bool,
    /// It was sent twice over.
    pub duplicated: bool,
    /// A partition stopped it, or its receiver was not there.
    pub stopped: bool,
    /// The message whose handling sent it.
    pub cause: Option<u64>,
    /// The index of the invocation that it serves.
    pub op: Option<u32>,
}

/// An operation of the load that was acknowledged and is more than a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The event index of its invocation.
    pub index: u32,
    /// The node that served it.
    pub node: Option<String>,
    /// When it was invoked, in nanoseconds from the start of the load.
    pub invoked: u64,
}

/// What is known of the messages of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    /// Those between nodes and services, in the order of sending.
    pub servers: Vec<Message>,
    /// For messages with a client at an end: what caused each.
    pub causes: BTreeMap<u64, Option<u64>>,
    /// The updates that were acknowledged, in the order of their invocations.
    pub updates: Vec<Update>,
    /// The event indices of the load's invocations, in their order.
    pub invocations: Vec<u32>,
    /// The processes that invoked them, likewise.
    pub processes: Vec<u32>,
    /// When the load began.
    pub load_began: Time,
    /// When the run ended.
    pub ended: Time,
    /// When anything came to a node: its name, and the time from the start of the load in
    /// nanoseconds. Sorted and without repetition.
    pub arrivals: Vec<(String, u64)>,
}

impl Messages {
    /// Those of a run.
    pub fn of(trace: &Trace, run: &Run) -> Messages {
        let mut servers: Vec<Message> = Vec::new();
        // Of each message its place among the servers' ones.
        let mut places: Vec<Option<usize>> = Vec::new();
        let mut sent: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        let mut causes = BTreeMap::new();
        let mut arrivals = Vec::new();
        for event in &trace.events {
            if let (Traced::Received, true) = (event.what, trace.is_node(event.dest)) {
                let since = event.time.as_nanos().checked_sub(run.load_began.as_nanos());
                let name = trace.name(event.dest).unwrap_or_default();
                arrivals.extend(since.map(|since| (name.to_owned(), since)));
            }
            if let Traced::Sent { kind, op, cause } = event.what {
                let (Some(src), Some(dest)) = (trace.name(event.src), trace.name(event.dest))
                else {
                    causes.insert(event.id, cause);
                    places.push(None);
                    continue;
                };
                let nth = sent.entry((event.src, event.dest)).or_default();
                places.push(Some(servers.len()));
                servers.push(Message {
                    id: event.id,
                    src: src.to_owned(),
                    dest: dest.to_owned(),
                    nth: *nth,
                    kind: trace.kinds[kind as usize].clone(),
                    sent: event.time,
                    arrived: Vec::new(),
                    lost: false,
                    duplicated: false,
                    stopped: false,
                    cause,
                    op,
                });
                *nth += 1;
                continue;
            }
            let Some(place) = places[event.id as usize] else { continue };
            let message = &mut servers[place];
            match event.what {
                Traced::Received => message.arrived.push(event.time),
                Traced::Duplicated => message.duplicated = true,
                Traced::Dropped(DropReason::Loss) => message.lost = true,
                Traced::Dropped(_) => {
                    message.stopped = true;
                    message.arrived.push(event.time);
                }
                Traced::Sent { .. } => {}
            }
        }
        arrivals.sort_unstable();
        arrivals.dedup();
        let (invocations, processes) = invocations(run).into_iter().unzip();
        Messages {
            servers,
            causes,
            updates: updates(run),
            invocations,
            processes,
            load_began: run.load_began,
            ended: run.ended,
            arrivals,
        }
    }

    /// When a message arrives that comes just behind whatever comes next to its receiver; `None` if
    /// nothing does.
    pub(crate) fn behind(&self, dest: &str, arrived: Time) -> Option<Time> {
        let since = arrived.as_nanos().checked_sub(self.load_began.as_nanos())?;
        let of = |(name, at): &(String, u64)| (name.as_str(), *at) <= (dest, since);
        let place = self.arrivals.partition_point(of);
        let (name, next) = self.arrivals.get(place)?;
        (name == dest).then(|| Time::from_nanos(self.load_began.as_nanos() + next + 1))
    }

    /// The message between servers with this number.
    pub fn find(&self, id: u64) -> Option<&Message> {
        let place = self.servers.binary_search_by_key(&id, |message| message.id).ok()?;
        Some(&self.servers[place])
    }
}

/// Where the load's operations begin, and the processes that invoke them.
fn invocations(run: &Run) -> Vec<(u32, u32)> {
    let operations = run.history.operations.iter();
    let load = operations.filter(|op| op.phase == kolk_history::Phase::Load);
    let mut invocations: Vec<(u32, u32)> = load.map(|op| (op.index, op.process)).collect();
    invocations.sort_unstable();
    invocations
}

/// The updates that were acknowledged.
fn updates(run: &Run) -> Vec<Update> {
    use kolk_history::{Function, Phase};
    let reads = [Function::Read, Function::Poll, Function::Echo, Function::Generate];
    let operations = run
        .history
        .operations
        .iter()
        .filter(|op| op.phase == Phase::Load && op.is_ok() && !reads.contains(&op.function));
    let update = |op: &kolk_history::Operation| Update {
        index: op.index,
        node: op.node.map(|node| run.history.nodes[usize::from(node)].clone()),
        invoked: op.invoked.since(run.load_began).as_nanos() as u64,
    };
    operations.map(update).collect()
}
