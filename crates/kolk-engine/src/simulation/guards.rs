//! Bounds on what nodes may do, so that every run ends and fits into memory: beyond them the run is
//! ended, and the node named.

use std::collections::BTreeMap;

use kolk_history::summary::{Excess, Growth, ViolationKind};
use kolk_protocol::message::Body;

use super::Simulation;
use crate::endpoint::Endpoint;
use crate::host::HostFailure;
use crate::traffic::Trouble;

/// How many events may happen at one instant of virtual time: nodes that keep each other busy
/// without latency would stop the clock for ever.
const EVENTS_PER_INSTANT_MAX: u64 = 2_000_000;

/// How often a node may be woken in a millisecond of virtual time: each time is a step, and costs
/// far more than the time that passes.
const WAKES_PER_MILLISECOND_MAX: u32 = 5_000;

/// How many messages a node may send to clients, and how many more for each operation: one is
/// meant.
const TO_CLIENTS_FREE: u64 = 250_000;
const TO_CLIENTS_EACH: u64 = 10;

impl Simulation<'_> {
    /// Ends the run because of a log that takes more room than it may, where nothing else helps.
    pub(crate) fn hold_logs(&mut self) {
        let Some((node, bytes)) = self.logs.beyond() else { return };
        if self.failed.is_none() {
            let problem = format!("wrote {} MiB to stderr", bytes >> 20);
            let advice = "That is more than a log may have (`--node-log-max`), and the store's \
                          file system cannot let go of a part of a file: log less, or choose \
                          another folder with `--store`.";
            let failure = HostFailure::plain(ViolationKind::Overrun, problem, advice.to_owned());
            self.fail_node(node, failure);
        }
    }

    /// Counts the events of an instant, and ends the run if they do not end.
    pub(crate) fn guard_instant(&mut self) {
        let now = self.now();
        if self.instant.0 != now {
            self.instant = (now, 0);
        }
        self.instant.1 += 1;
        if self.instant.1 == EVENTS_PER_INSTANT_MAX {
            self.end_standstill(&format!("{EVENTS_PER_INSTANT_MAX} events happened at {now}"));
        }
    }

    /// Ends the run because virtual time does not pass; names the node that acted last.
    pub(crate) fn end_standstill(&mut self, how: &str) {
        if self.failed.is_some() {
            return;
        }
        let problem = format!("keeps virtual time from passing: {how}");
        let advice = "Nodes that answer each other for ever, or ask to be woken at once, need a \
                      pause between, or `--latency`: on the virtual clock nothing else takes time."
            .to_owned();
        let failure = HostFailure::plain(ViolationKind::NeverIdle, problem, advice);
        self.fail_node(self.last_stepped, failure);
    }

    /// Names traffic that feeds itself, and ends the run if it is beyond all bounds.
    pub(super) fn traffic_trouble(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Grows { from, to, pair } => {
                let (time, mostly) = (self.now().as_nanos(), pair.named(&self.directory));
                self.recorder.growth(Growth { time, from, to, mostly });
            }
            Trouble::Exceeds { messages, operations, pair } => {
                let (time, mostly) = (self.now().as_nanos(), pair.named(&self.directory));
                self.recorder.excess(Excess { time, messages, operations, mostly });
            }
            Trouble::Beyond { messages, bound, pair } => {
                if self.failed.is_some() {
                    return;
                }
                // Few messages on their way, and all of them at once: time does not pass.
                let in_flight = self.flights.count();
                let (instant, events) = self.instant;
                if instant == self.now() && events > bound / 4 && in_flight < 1000 {
                    let how = format!("{events} events happened at {instant}");
                    return self.end_standstill(&how);
                }
                let ends = (pair.src, pair.dest);
                let problem = format!(
                    "floods the network: {messages} messages between servers for {} operations, {}",
                    self.course.invoked(),
                    pair.named(&self.directory).describe()
                );
                let advice = format!(
                    "Messages that beget more messages never end. Do not answer an answer, and \
                     pass a value on only the first time you see it. If so many are meant, raise \
                     the bound, which was {bound} here: `--max-messages`."
                );
                let node = match ends {
                    (Endpoint::Node(node), _) | (_, Endpoint::Node(node)) => node,
                    _ => self.last_stepped,
                };
                let failure = HostFailure::plain(ViolationKind::Storm, problem, advice);
                self.fail_node(node, failure);
            }
        }
    }

    /// Ends the run because of the node that has most messages on their way.
    pub(super) fn end_storm(&mut self) {
        let mut by_node = vec![0_u64; self.plan.nodes.len()];
        let mut by_type: BTreeMap<String, u64> = BTreeMap::new();
        for message in self.flights.iter() {
            let Endpoint::Node(node) = message.src else { continue };
            by_node[usize::from(node)] += 1;
            if let Ok(body) = Body::parse(&message.body) {
                *by_type.entry(body.kind.into_owned()).or_default() += 1;
            }
        }
        // The first of several, so that the same run blames the same node.
        let node = (0..by_node.len()).rev().max_by_key(|node| by_node[*node]).unwrap_or_default();
        let kind = by_type.iter().max_by_key(|(_, count)| **count);
        let problem = format!(
            "floods the network: {} messages ({} MiB) are on their way at once, {} of them \
             from it, most of them of type `{}`",
            self.flights.count(),
            self.flights.bytes() >> 20,
            by_node[node],
            kind.map_or("", |(kind, _)| kind),
        );
        let advice = "Messages that beget more messages never end. Pass a value on only the first \
                      time you see it, and do not answer an answer."
            .to_owned();
        self.fail_node(node as u16, HostFailure::plain(ViolationKind::Storm, problem, advice));
    }

    /// Ends the run because of a node that sends its clients far more than they ask for.
    pub(super) fn guard_clients(&mut self, node: u16, kind: &str) {
        let (sent, operations) = (self.recorder.to_clients(node), self.course.invoked());
        let bound = TO_CLIENTS_FREE.saturating_add(TO_CLIENTS_EACH.saturating_mul(operations));
        if sent <= bound || self.failed.is_some() {
            return;
        }
        let problem = format!(
            "floods its clients: {sent} messages for {operations} operations, the last of type \
             `{kind}`"
        );
        let advice = "A request is answered once, and clients are sent nothing else.".to_owned();
        self.fail_node(node, HostFailure::plain(ViolationKind::Storm, problem, advice));
    }

    /// Ends the run because of a node that is woken so often that virtual time hardly passes.
    pub(super) fn guard_wakes(&mut self, node: u16) {
        let now = self.now();
        let count = self.alarms[usize::from(node)].count(now);
        if count != WAKES_PER_MILLISECOND_MAX || self.failed.is_some() {
            return;
        }
        let problem = format!("asks to be woken {count} times in one millisecond of virtual time");
        let advice =
            "`wake_at` is in nanoseconds: was it counted in microseconds or milliseconds? A \
                      node that waits is woken when it is time, and need not look."
                .to_owned();
        self.fail_node(node, HostFailure::plain(ViolationKind::NeverIdle, problem, advice));
    }
}
