//! Convergence: after the faults have healed, every node comes to hold every acknowledged element.
//!
//! Jepsen looks at the single latest read with and without an element, whichever node
//! answered: a node that never learned of most values goes unnoticed when another node's final
//! read comes later. Here each node's own last read counts (`diverged`), and a node that answers
//! none is named (`silent`). Both are stronger findings.
//!
//! The reads are those of the convergence phase if there was one, else the final ones. Where a
//! history does not say which node served an operation, each process stands for a node.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Phase};

use crate::check::{Anomaly, Check};
use crate::elements::{Elements, NONE};
use crate::kind::Kind;
use crate::tree::some_of;

/// How many missing values a sentence names, and how many of their adds are given as proof.
const NAMED_MAX: usize = 8;

/// A node, or a process that stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    Node(u16),
    Process(u32),
}

/// What the nodes were read as at the end.
pub(crate) struct LastReads<'a> {
    history: &'a History,
    /// Each reader's last read that was answered.
    answered: BTreeMap<Reader, &'a Operation>,
    /// Each reader's last read that was not.
    unanswered: BTreeMap<Reader, &'a Operation>,
}

impl<'a> LastReads<'a> {
    /// Finds the reads of the first of these phases that has any; `None`, with a note, if none has.
    pub(crate) fn find(
        check: &mut Check,
        history: &'a History,
        function: Function,
        phases: &[Phase],
    ) -> Option<LastReads<'a>> {
        let of = |phase: Phase| {
            let reads = history.operations.iter();
            reads.filter(move |read| read.function == function && read.phase == phase)
        };
        let phase = phases.iter().copied().find(|phase| of(*phase).next().is_some());
        let Some(phase) = phase else {
            let note = "convergence was not checked: there are no reads at the end";
            check.notes.push(note.to_owned());
            return None;
        };
        let (mut answered, mut unanswered) = (BTreeMap::new(), BTreeMap::new());
        for read in of(phase) {
            let reads = if read.is_ok() { &mut answered } else { &mut unanswered };
            reads.insert(reader(read), read);
        }
        Some(LastReads { history, answered, unanswered })
    }

    /// Reports who answers no read, and says whom nobody asked.
    pub(crate) fn report_silent(&self, check: &mut Check) {
        for (reader, read) in &self.unanswered {
            if !self.answered.contains_key(reader) {
                check.stronger(Kind::Silent, || {
                    let who = self.name(*reader);
                    let when = at_the_end(self.history);
                    let claim = format!("{who} answers no read {when}");
                    let anomaly = Anomaly::new(Kind::Silent, claim, vec![read.index]);
                    Anomaly { node: self.node(*reader), ..anomaly }
                });
            }
        }
        let was_asked = |reader: Reader| {
            self.answered.contains_key(&reader) || self.unanswered.contains_key(&reader)
        };
        let nodes = (0..).zip(&self.history.nodes);
        let unread: Vec<&String> = nodes
            .filter(|(node, _)| !was_asked(Reader::Node(*node)))
            .map(|(_, name)| name)
            .collect();
        if !unread.is_empty() && unread.len() < self.history.nodes.len() {
            let unread = some_of(unread.iter(), NAMED_MAX);
            check.notes.push(format!("convergence was not checked on nodes nobody read: {unread}"));
        }
    }

    /// Who answered, and what.
    pub(crate) fn answered(&self) -> impl Iterator<Item = (Reader, &'a Operation)> {
        self.answered.iter().map(|(reader, read)| (*reader, *read))
    }

    /// The node's name, if it is known.
    pub(crate) fn node(&self, reader: Reader) -> Option<String> {
        match reader {
            Reader::Node(node) => self.history.nodes.get(usize::from(node)).cloned(),
            Reader::Process(_) => None,
        }
    }

    /// The node in a sentence.
    pub(crate) fn name(&self, reader: Reader) -> String {
        match reader {
            Reader::Node(number) => self.node(reader).unwrap_or_else(|| format!("node {number}")),
            Reader::Process(process) => format!("the node of process {process}"),
        }
    }
}

/// When last reads are made, in a sentence.
pub(crate) fn at_the_end(history: &History) -> &'static str {
    if history.faults.is_empty() { "when the load is over" } else { "after the faults have healed" }
}

fn reader(read: &Operation) -> Reader {
    read.node.map_or(Reader::Process(read.process), Reader::Node)
}

/// Adds what does not converge to `check`.
pub(crate) fn check(check: &mut Check, history: &History, elements: &Elements<'_>) {
    let phases = [Phase::Convergence, Phase::Final];
    if let Some(reads) = LastReads::find(check, history, Function::Read, &phases) {
        for (reader, read) in reads.answered() {
            compare(check, &reads, elements, reader, read);
        }
        reads.report_silent(check);
    }
}

/// Compares a last read with what was acknowledged before it began.
fn compare(
    check: &mut Check,
    reads: &LastReads<'_>,
    elements: &Elements<'_>,
    reader: Reader,
    read: &Operation,
) {
    let mut held = vec![false; elements.len()];
    let is_list = elements.each(&read.result, |id, _| {
        if id != NONE {
            held[id as usize] = true;
        }
    });
    if !is_list {
        return;
    }
    let acknowledged = elements.all.iter().zip(&held).filter(|(element, _)| {
        element.acknowledged.is_some_and(|(completion, _)| completion < read.index)
    });
    let (mut total, mut missing) = (0_usize, Vec::new());
    for (element, held) in acknowledged {
        total += 1;
        if !held {
            missing.push(element);
        }
    }
    if missing.is_empty() {
        return;
    }
    check.stronger(Kind::Diverged, || {
        let values = some_of(missing.iter().map(|element| element.value), NAMED_MAX);
        let claim = format!(
            "the last read by {}, at {}, lacks {} of {total} acknowledged values: {values}",
            reads.name(reader),
            read.invoked,
            missing.len(),
        );
        let adds = missing.iter().take(NAMED_MAX).map(|element| element.start);
        let operations = std::iter::once(read.index).chain(adds).collect();
        let anomaly = Anomaly::new(Kind::Diverged, claim, operations)
            .of_values(missing.iter().map(|element| element.value.clone()));
        Anomaly { node: reads.node(reader), ..anomaly }
    });
}
