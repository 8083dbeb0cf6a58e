//! From anomalies and cycles to a verdict on the models asked for.
//!
//! What is found is collected here, and sorted into what the models asked for forbid and what they
//! allow: [circles] by what they surely are. From that, and from what was decided beside, follows
//! what is [proved](proof), and from all together the [verdict].

mod circles;
mod proof;
mod verdict;

use super::cycles::Scope;
use super::levels;
use super::table::Table;
use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::models::{self, Model, Models};
pub(crate) use circles::{Explain, describe};
use proof::Decided;

/// Collects what is found.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub table: &'a Table,
    requested: Models,
    pub check: Check,
    /// The types found, whether forbidden or not.
    found: Vec<Kind>,
    /// The types Elle would have found.
    types: Vec<&'static str>,
    /// Models that the anomalies of this workload can rule out.
    decidable: Models,
    /// Models that violations of levels rule out.
    violated: Models,
    /// The orders of which it is known whether [overwrites](super::overwrites) go round.
    looked_at: Vec<Scope>,
    decided: Decided,
}

impl<'a> Findings<'a> {
    /// Nothing found yet.
    pub(crate) fn new(table: &'a Table, requested: Models, decidable: Models) -> Findings<'a> {
        Findings {
            table,
            requested,
            check: Check::new("workload"),
            found: Vec::new(),
            types: Vec::new(),
            decidable,
            violated: Models::default(),
            looked_at: Vec::new(),
            decided: Decided::default(),
        }
    }

    /// True if there is nothing to report, forbidden or not.
    pub(crate) fn has_none(&self) -> bool {
        self.found.is_empty()
    }

    /// True if the models asked for forbid anomalies of this type.
    fn forbids(&self, kind: Kind) -> bool {
        // What sessions alone speak against is told where a level is named, even if it does not
        // count.
        let is_named = self.requested.overlaps(levels::all());
        models::exactly(kind, self.table.in_sessions || is_named).overlaps(self.requested)
    }

    /// Adds the violation of a level. It is told only if the level was asked for by name, or if
    /// nothing else speaks against the models asked for: whatever breaks a level mostly makes a
    /// cycle that was told already.
    pub(crate) fn violation(&mut self, kind: Kind, anomaly: impl FnOnce() -> Anomaly) {
        self.violated = self.violated.and(models::exactly(kind, self.table.in_sessions));
        if self.check.anomalies.is_empty() || self.requested.overlaps(levels::all()) {
            self.stronger(kind, anomaly);
        }
    }

    /// True if something that was found rules out a model.
    pub(crate) fn rules_out(&self, model: Model) -> bool {
        let exactly = |kind: &Kind| models::exactly(*kind, self.table.in_sessions).contains(model);
        self.violated.contains(model) || self.found.iter().any(exactly)
    }

    /// True if something rules out a model, other than that values are not known to have been
    /// written.
    pub(crate) fn is_settled(&self, model: Model) -> bool {
        self.violated.contains(model) || self.found.iter().any(|kind| self.settles(*kind, model))
    }

    /// True if what was found rules out a model. That values are not known to have been written is
    /// so of every part of a history, and says nothing of the order of its transactions.
    fn settles(&self, kind: Kind, model: Model) -> bool {
        kind != Kind::GarbageRead && models::exactly(kind, self.table.in_sessions).contains(model)
    }

    /// Adds an anomaly that Elle finds.
    pub(crate) fn anomaly(&mut self, kind: Kind, anomaly: impl FnOnce() -> Anomaly) {
        self.add(kind, kind, false, anomaly);
    }

    /// Adds an anomaly that Elle overlooks.
    pub(crate) fn stronger(&mut self, kind: Kind, anomaly: impl FnOnce() -> Anomaly) {
        self.add(kind, kind, true, anomaly);
    }

    /// Adds an anomaly of that kind, which counts as `claim`.
    fn add(
        &mut self,
        kind: Kind,
        claim: Kind,
        is_stronger: bool,
        anomaly: impl FnOnce() -> Anomaly,
    ) {
        self.find(claim);
        if !self.forbids(claim) {
            return;
        }
        if is_stronger || !models::ruled_out(claim).overlaps(self.requested) {
            self.check.stronger(kind, anomaly);
        } else {
            if !self.types.contains(&kind.as_str()) {
                self.types.push(kind.as_str());
            }
            self.check.anomaly(kind, anomaly);
        }
    }

    /// Takes note of a type, whether it counts or not.
    fn find(&mut self, claim: Kind) {
        if !self.found.contains(&claim) {
            self.found.push(claim);
        }
    }
}

#[cfg(test)]
mod tests;
