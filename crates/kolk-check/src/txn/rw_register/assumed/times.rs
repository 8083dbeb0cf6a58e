//! The order of versions that real time tells, if keys are linearizable.
//!
//! A version was there by the time the first transaction that ended with it was acknowledged (*p*),
//! and still when the last that began with it was invoked (*q*). So one version comes before
//! another iff its *p* is earlier than the other's *q*. Where *p* is earlier than *q*, the time
//! between is the version's *forward zone*: no other version was there. Two forward zones that
//! overlap, or a version whose *q* and *p* both lie within the forward zone of another, come before
//! each other (Gibbons & Korach, *Testing shared memories*, SIAM Journal on Computing 26, 1997,
//! section 4).
//!
//! Where none do, the order of a key is a chain of hubs through time: each version leads to the hub
//! at its *p*, and the last hub before its *q* leads to it. A version with a forward zone would so
//! come before itself; it enters the chain behind its own *q* instead, and what the chain leads to
//! before that, within its zone, it leads to by a hub of its own.

use super::touched::Touched;
use crate::txn::graph::{Builder, Kinds};
use crate::txn::runs::Runs;
use crate::txn::rw_register::versions::Versions;
use crate::txn::table::{NONE, Table};

/// What happens to a version at a point of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// Its forward zone begins.
    Open(u32),
    /// All that was entered before comes before it.
    Arrive(u32),
    /// It comes before all that arrives later.
    Enter(u32),
}

/// The moments of each key, in their order.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By key; empty if nothing is concluded.
    moments: Vec<Vec<Moment>>,
}

/// A version in time.
#[derive(Clone, Copy, Debug)]
struct Zone {
    version: u32,
    /// When the first transaction that ended with it was acknowledged; [`NONE`] if none was.
    p: u32,
    /// When the last transaction that began with it was invoked, if one was.
    q: Option<u32>,
}

impl Zone {
    fn new(table: &Table, touched: &Touched, version: u32) -> Zone {
        let (ended, begun) = (touched.ended[version as usize], touched.begun[version as usize]);
        let p = table.transactions.get(ended as usize).map_or(NONE, |ended| ended.completion);
        let q = table.transactions.get(begun as usize).map(|begun| begun.index);
        Zone { version, p, q }
    }

    fn is_forward(&self) -> bool {
        self.q.is_some_and(|q| self.p < q)
    }

    fn is_before(&self, other: &Zone) -> bool {
        self.version != other.version && other.q.is_some_and(|q| self.p < q)
    }

    fn start(&self) -> u32 {
        self.q.map_or(self.p, |q| q.min(self.p))
    }
}

impl Times {
    /// What time tells of each key, and for each key where it contradicts itself, the key and two
    /// versions that come before each other.
    pub(super) fn new(table: &Table, touched: &Touched) -> (Times, Vec<(u32, [u32; 2])>) {
        let mut zones: Vec<Vec<Zone>> = vec![Vec::new(); table.keys.len()];
        for version in 0..touched.len() as u32 {
            let zone = Zone::new(table, touched, version);
            if zone.p != NONE || zone.q.is_some() {
                zones[touched.key(table, version) as usize].push(zone);
            }
        }
        let mut conflicts = Vec::new();
        let mut moments = Vec::with_capacity(zones.len());
        for (key, mut zones) in (0..).zip(zones) {
            zones.sort_unstable_by_key(Zone::start);
            if let Some(conflict) = conflict(touched, &zones) {
                conflicts.push((key, conflict));
                zones.clear();
            }
            moments.push(of_zones(touched, &zones));
        }
        (Times { moments }, conflicts)
    }

    /// Forgets what was concluded of these keys.
    pub(super) fn forget(&mut self, keys: &[u32]) {
        for key in keys {
            self.moments[*key as usize].clear();
        }
    }

    /// Whether time puts one version of a key before another.
    pub(super) fn is_before(&self, table: &Table, touched: &Touched, one: u32, other: u32) -> bool {
        let key = touched.key(table, one);
        let is_known = self.moments.get(key as usize).is_some_and(|moments| !moments.is_empty());
        let zone = |version| Zone::new(table, touched, version);
        is_known && zone(one).is_before(&zone(other))
    }

    /// Adds the order of versions to a graph whose vertices are versions.
    pub(super) fn order(&self, graph: &mut Builder) {
        for moments in &self.moments {
            thread(moments, graph, Some, |graph, version, to| {
                graph.edge(version, to, Kinds::REALTIME);
            });
        }
    }

    /// Adds what follows for transactions: who wrote or read a version comes before all who wrote
    /// later ones.
    pub(super) fn edges(
        &self,
        table: &Table,
        touched: &Touched,
        versions: &Versions,
        graph: &mut Builder,
    ) {
        let arrive = |version: u32| match touched.is_nothing(version) {
            true => None,
            false => versions.writer(table, version),
        };
        for moments in &self.moments {
            thread(moments, graph, arrive, |graph, version, to| {
                if touched.is_nothing(version) {
                    return;
                }
                if let Some(writer) = versions.writer(table, version) {
                    graph.edge(writer, to, Kinds::WW);
                }
                let mut updates = touched.updates_of(version).iter().peekable();
                for reader in versions.readers(version) {
                    if updates.next_if(|update| update.transaction == *reader).is_none() {
                        graph.edge(*reader, to, Kinds::RW);
                    }
                }
            });
            update_edges(table, touched, moments, arrive, graph);
        }
    }
}

/// Adds, for who read a version and wrote another, the writers of versions that come after the
/// first and not after the second: of these it is before by what it wrote. The chain would lead
/// such a transaction back to itself.
fn update_edges(
    table: &Table,
    touched: &Touched,
    moments: &[Moment],
    arrive: impl Fn(u32) -> Option<u32>,
    graph: &mut Builder,
) {
    let zone = |version: u32| Zone::new(table, touched, version);
    let arrivals: Vec<(u32, u32, u32)> = moments
        .iter()
        .filter_map(|moment| match *moment {
            Moment::Arrive(version) => Some((zone(version).q?, version, arrive(version)?)),
            Moment::Open(_) | Moment::Enter(_) => None,
        })
        .collect();
    let mut runs = Runs::new(arrivals.iter().map(|(_, _, writer)| *writer).collect());
    let entered = moments.iter().filter_map(|moment| match *moment {
        Moment::Enter(version) => Some(version),
        Moment::Open(_) | Moment::Arrive(_) => None,
    });
    for update in entered.flat_map(|version| touched.updates_of(version)) {
        let place = |time: u32| arrivals.partition_point(|(q, _, _)| *q < time);
        let end = place(zone(update.written).p);
        let mut begin = place(zone(update.read).p).min(end);
        let run = begin..end;
        // Neither of the two versions comes after the first.
        let mut own = [update.read, update.written].map(|version| {
            let at = place(zone(version).q.unwrap_or(NONE));
            arrivals.get(at).filter(|arrival| arrival.1 == version).map_or(end, |_| at)
        });
        own.sort_unstable();
        for own in own.into_iter().filter(|own| run.contains(own)).chain([end]) {
            runs.lead(graph, update.transaction, begin..own, Kinds::RW);
            begin = own + 1;
        }
    }
}

/// Two versions of a key that come before each other by time alone.
fn conflict(touched: &Touched, zones: &[Zone]) -> Option<[u32; 2]> {
    // Everything comes after nothing.
    if let Some(nothing) = zones.iter().find(|zone| touched.is_nothing(zone.version)) {
        let earlier = zones.iter().filter(|zone| zone.is_before(nothing));
        let first = earlier.min_by_key(|zone| zone.p);
        return first.map(|first| [first.version, nothing.version]).or_else(|| overlap(zones));
    }
    overlap(zones)
}

/// Two versions of which each comes before the other, of zones in the order of their starts.
fn overlap(zones: &[Zone]) -> Option<[u32; 2]> {
    let mut last: Option<&Zone> = None;
    for zone in zones {
        if let Some(last) = last.filter(|last| zone.is_before(last) && last.is_before(zone)) {
            return Some([last.version, zone.version]);
        }
        if zone.is_forward() {
            last = Some(zone);
        }
    }
    None
}

/// The moments of zones none of which contradicts another.
fn of_zones(touched: &Touched, zones: &[Zone]) -> Vec<Moment> {
    let mut moments = Vec::with_capacity(zones.len() * 2);
    for zone in zones.iter().filter(|zone| !touched.is_nothing(zone.version)) {
        let version = zone.version;
        moments.extend(zone.q.map(|q| (q, Moment::Arrive(version))));
        if zone.is_forward() {
            moments.push((zone.p, Moment::Open(version)));
        }
        if zone.p != NONE {
            moments.push((zone.q.map_or(zone.p, |q| q.max(zone.p)), Moment::Enter(version)));
        }
    }
    moments.sort_unstable();
    moments.into_iter().map(|(_, moment)| moment).collect()
}

/// Leads each version to those that come after it. `arrive` tells which vertex is led to for a
/// version, `leave` adds the edges from a version to such a vertex or to a hub.
fn thread(
    moments: &[Moment],
    graph: &mut Builder,
    arrive: impl Fn(u32) -> Option<u32>,
    mut leave: impl FnMut(&mut Builder, u32, u32),
) {
    let mut chain: Option<u32> = None;
    let mut is_interrupted = true;
    // The version whose forward zone it is, and the hub for what arrives within.
    let mut open: Option<(u32, Option<u32>)> = None;
    let arrives =
        |moment: &Moment| matches!(moment, Moment::Arrive(version) if arrive(*version).is_some());
    // Who comes before nobody is no edge.
    let end = moments.iter().rposition(arrives).map_or(0, |last| last + 1);
    for moment in &moments[..end] {
        match *moment {
            Moment::Open(version) => open = Some((version, None)),
            Moment::Arrive(version) => {
                let Some(vertex) = arrive(version) else { continue };
                if let Some(hub) = chain {
                    graph.edge(hub, vertex, Kinds::FREE);
                    is_interrupted = true;
                }
                if let Some((_, within)) = open.as_mut().filter(|(open, _)| *open != version) {
                    let hub = *within.get_or_insert_with(|| graph.hub());
                    graph.edge(hub, vertex, Kinds::FREE);
                }
            }
            Moment::Enter(version) => {
                let hub = match chain {
                    Some(hub) if !is_interrupted => hub,
                    _ => graph.hub(),
                };
                if let Some(before) = chain.filter(|before| *before != hub) {
                    graph.edge(before, hub, Kinds::FREE);
                }
                (chain, is_interrupted) = (Some(hub), false);
                let own = open.take_if(|(open, _)| *open == version).and_then(|(_, within)| within);
                if let Some(own) = own {
                    graph.edge(own, hub, Kinds::FREE);
                }
                leave(graph, version, own.unwrap_or(hub));
            }
        }
    }
    if let Some((version, Some(within))) = open {
        leave(graph, version, within);
    }
}
