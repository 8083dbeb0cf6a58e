//! What the faults of the plan do, counted for each: a run whose faults met nothing shows no more
//! than one without.

use kolk_history::plan::FaultKind;

use super::Simulation;
use crate::endpoint::Endpoint;
use crate::network::ByFaults;

impl Simulation<'_> {
    /// Each open fault that it was has done something.
    fn strike_all(&mut self, is_it: impl Fn(&FaultKind) -> bool) {
        for (number, _) in &self.open_faults {
            let came = self.triggers.came(*number).map(|came| &came.kind);
            let kind = came.unwrap_or(&self.plan.faults[*number as usize].kind);
            if is_it(kind) {
                self.recorder.strike(*number, 1);
            }
        }
    }

    /// What faults made of a message when it was sent.
    pub(super) fn strike_sent(&mut self, ends: (Endpoint, Endpoint), by_faults: ByFaults) {
        if by_faults == ByFaults::default() {
            return;
        }
        let network = self.plan.network;
        if by_faults.lost {
            self.strike_all(|kind| match kind {
                FaultKind::Loss { probability } => f64::from(*probability) > network.loss,
                _ => false,
            });
        }
        if by_faults.doubled {
            self.strike_all(|kind| match kind {
                FaultKind::Duplication { probability } => {
                    f64::from(*probability) > network.duplication
                }
                _ => false,
            });
        }
        if by_faults.slowed {
            self.strike_link(ends, |kind| matches!(kind, FaultKind::Slow { .. }));
        }
    }

    /// Faults of this link have met a message.
    pub(super) fn strike_link(
        &mut self,
        (src, dest): (Endpoint, Endpoint),
        is_it: impl Fn(&FaultKind) -> bool,
    ) {
        if self.open_faults.is_empty() {
            return;
        }
        let (src, dest) =
            (self.directory.name(src).to_owned(), self.directory.name(dest).to_owned());
        self.strike_all(|kind| {
            let senders = kind.links().and_then(|links| links.get(&dest));
            is_it(kind) && senders.is_some_and(|senders| senders.contains(&src))
        });
    }

    /// A fault of a node's disk is about to begin.
    pub(super) fn open_harm(&mut self, number: u32, node: u16) {
        let before = self.hosts.host().harms(node);
        self.open_harms.push((number, node, before));
    }

    /// Counts what faults of disks did that have ended, or, without a number, all of them.
    pub(crate) fn close_harms(&mut self, number: Option<u32>) {
        let is_over = |open: &(u32, u16, u64)| number.is_none_or(|number| number == open.0);
        for (number, node, before) in self.open_harms.extract_if(.., |open| is_over(open)) {
            let harms = self.hosts.host().harms(node).saturating_sub(before);
            self.recorder.strike(number, harms);
        }
    }
}
