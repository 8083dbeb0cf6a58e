//! Convergence: after the faults have healed, every node comes to hold every acknowledged element.
//!
//! The original looks at the single latest read with and without an element, whichever node
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
use crate::tree::some_of;

/// How many missing values a sentence names, and how many of their adds are given as proof.
const NAMED_MAX: usize = 8;

/// A node, or a process that stands for one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    Node(u16),
    Process(u32),
}

/// Adds what does not converge to `check`.
pub(crate) fn check(check: &mut Check, history: &History, elements: &Elements<'_>) {
    let of = |phase: Phase| {
        let reads = history.operations.iter();
        reads.filter(move |read| read.function == Function::Read && read.phase == phase)
    };
    let phase =
        [Phase::Convergence, Phase::Final].into_iter().find(|phase| of(*phase).any(|_| true));
    let Some(phase) = phase else {
        check.notes.push("convergence was not checked: there are no reads at the end".to_owned());
        return;
    };
    // Each reader's last read that was answered, and the last that was not.
    let mut readers: BTreeMap<Reader, (Option<&Operation>, Option<&Operation>)> = BTreeMap::new();
    for read in of(phase) {
        let (answered, unanswered) = readers.entry(reader(read)).or_default();
        *(if read.is_ok() { answered } else { unanswered }) = Some(read);
    }
    for (reader, reads) in &readers {
        match reads {
            (Some(read), _) => compare(check, history, elements, *reader, read),
            (None, Some(read)) => check.stronger("silent", || {
                let who = name(history, *reader);
                let claim = format!("{who} answers no read after the faults have healed");
                Anomaly {
                    node: node(history, *reader),
                    ..Anomaly::new("silent", claim, vec![read.index])
                }
            }),
            (None, None) => {}
        }
    }
    let unread: Vec<&String> = (0..)
        .zip(&history.nodes)
        .filter(|(node, _)| !readers.contains_key(&Reader::Node(*node)))
        .map(|(_, name)| name)
        .collect();
    if !unread.is_empty() && readers.keys().any(|reader| matches!(reader, Reader::Node(_))) {
        let unread = some_of(unread.iter(), NAMED_MAX);
        check.notes.push(format!("convergence was not checked on nodes nobody read: {unread}"));
    }
}

fn reader(read: &Operation) -> Reader {
    read.node.map_or(Reader::Process(read.process), Reader::Node)
}

fn node(history: &History, reader: Reader) -> Option<String> {
    match reader {
        Reader::Node(node) => history.nodes.get(usize::from(node)).cloned(),
        Reader::Process(_) => None,
    }
}

fn name(history: &History, reader: Reader) -> String {
    match reader {
        Reader::Node(number) => node(history, reader).unwrap_or_else(|| format!("node {number}")),
        Reader::Process(process) => format!("the node of process {process}"),
    }
}

/// Compares a last read with what was acknowledged before it began.
fn compare(
    check: &mut Check,
    history: &History,
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
    check.stronger("diverged", || {
        let values = some_of(missing.iter().map(|element| element.value), NAMED_MAX);
        let claim = format!(
            "the last read by {}, at {}, lacks {} of {total} acknowledged values: {values}",
            name(history, reader),
            read.invoked,
            missing.len(),
        );
        let adds = missing.iter().take(NAMED_MAX).map(|element| element.start);
        let operations = std::iter::once(read.index).chain(adds).collect();
        Anomaly { node: node(history, reader), ..Anomaly::new("diverged", claim, operations) }
    });
}
