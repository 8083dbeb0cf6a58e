//! Violations of a level in words.

use std::collections::VecDeque;

use super::facts::Facts;
use super::{Level, ReadOfNothing, Violation};
use crate::check::Anomaly;
use crate::txn::cycles::Step;
use crate::txn::graph::Kinds;
use crate::txn::table::{NONE, Table};

/// A read of a key that does not see what its own transaction wrote.
pub(super) fn not_its_own(table: &Table, reader: u32, operation: u32) -> Anomaly {
    let read = table.operations[operation as usize];
    let claim = format!(
        "{} read {} as {}, though it had written that key itself, otherwise",
        table.operation_text(reader),
        table.key_text(read.key()),
        table.read_text(read)
    );
    let kind = Level::ReadCommitted.violation(false);
    table.about(read.key(), &[], Anomaly::new(kind, claim, vec![table.index(reader)]))
}

/// How one transaction sees another: the steps from the seen to the one that sees. `read` is the
/// place of a read among the reader's, where the level asks what came before it.
pub(super) fn sight(
    facts: &Facts<'_>,
    level: Level,
    seen: u32,
    reader: u32,
    read: Option<usize>,
) -> Option<Vec<Step>> {
    let reads = facts.reads(reader);
    let one = |kind| Some(vec![Step { from: seen, kind }]);
    let from_it = |reads: &[super::facts::Read]| reads.iter().any(|read| read.from == seen);
    match level {
        Level::ReadCommitted => {
            let before = read.map_or(reads, |at| &reads[..at]);
            if from_it(before) { one(Kinds::WR) } else { None }
        }
        Level::ReadAtomic if from_it(reads) => one(Kinds::WR),
        Level::ReadAtomic => {
            let back = |transaction: &u32| facts.previous(*transaction);
            let mut session = std::iter::successors(facts.previous(reader), back);
            if session.any(|other| other == seen) { one(Kinds::PROCESS) } else { None }
        }
        Level::Causal => Reach::new(facts, seen, Some(reader)).path(reader),
    }
}

/// Whom a transaction leads to over reads and sessions, and how.
struct Reach {
    from: u32,
    entered: Vec<Option<Step>>,
}

impl Reach {
    /// Breadth first, until `to` is found if it is given.
    fn new(facts: &Facts<'_>, from: u32, to: Option<u32>) -> Reach {
        let graph = facts.known_graph();
        let mut entered: Vec<Option<Step>> = vec![None; graph.len()];
        let mut open = VecDeque::from([from]);
        while let Some(vertex) = open.pop_front() {
            if to == Some(vertex) {
                break;
            }
            for edge in graph.edges(vertex) {
                let next = &mut entered[edge.to() as usize];
                if next.is_none() && edge.to() != from {
                    *next = Some(Step { from: vertex, kind: edge.kind() });
                    open.push_back(edge.to());
                }
            }
        }
        Reach { from, entered }
    }

    /// A shortest path there.
    fn path(&self, to: u32) -> Option<Vec<Step>> {
        let mut steps = vec![self.entered[to as usize]?];
        while steps[steps.len() - 1].from != self.from {
            steps.push(self.entered[steps[steps.len() - 1].from as usize]?);
        }
        steps.reverse();
        Some(steps)
    }
}

/// Who shows that one transaction comes before another: a reader of the second that sees the first,
/// the key that both write, and how it sees it.
pub(super) fn witness(
    facts: &Facts<'_>,
    level: Level,
    before: u32,
    after: u32,
) -> Option<(u32, u32, Vec<Step>)> {
    let writes = facts.writes(before);
    let reach = (level == Level::Causal).then(|| Reach::new(facts, before, None));
    let mut reads = (0..facts.table.len() as u32).flat_map(|reader| {
        facts.reads(reader).iter().enumerate().map(move |(at, read)| (reader, at, read))
    });
    reads.find_map(|(reader, at, read)| {
        if read.from != after || !writes.contains(&read.key) {
            return None;
        }
        let path = match &reach {
            Some(reach) => reach.path(reader),
            None => sight(facts, level, before, reader, Some(at)),
        };
        Some((reader, read.key, path?))
    })
}

/// Names transactions as they are mentioned, and collects sentences.
struct Story<'a> {
    facts: &'a Facts<'a>,
    level: Level,
    names: Vec<u32>,
    sentences: Vec<String>,
}

impl Story<'_> {
    fn name(&mut self, transaction: u32) -> String {
        let at = self.names.iter().position(|known| *known == transaction).unwrap_or_else(|| {
            self.names.push(transaction);
            self.names.len() - 1
        });
        format!("T{}", at + 1)
    }

    fn write_of(&self, writer: u32, key: u32) -> String {
        let table = self.facts.table;
        let write =
            table.micro_ops(writer).iter().rev().find(|op| op.is_write() && op.key() == key);
        let value = write.map(|write| table.value_text(write.element())).unwrap_or_default();
        format!("{} {} {value}", table.kind.function(), table.key_text(key))
    }

    /// Why a transaction comes before another by what is known.
    fn known(&mut self, step: Step, to: u32) -> String {
        let (one, other) = (self.name(step.from), self.name(to));
        let table = self.facts.table;
        match step.kind {
            Kinds::PROCESS => {
                let process = table.transactions[step.from as usize].process;
                format!("process {process} ran {one} before {other}")
            }
            Kinds::WR => {
                let read = self.facts.reads(to).iter().find(|read| read.from == step.from);
                let key = read.map_or(NONE, |read| read.key);
                let is_it = |op: &&crate::txn::table::MicroOp| {
                    !op.is_write() && op.key() == key && self.facts.reads_from(**op) == step.from
                };
                let read = table.micro_ops(to).iter().find(is_it);
                let value = read.map(|read| table.read_text(*read)).unwrap_or_default();
                format!("{other} read {} as {value}, from {one}", table.key_text(key))
            }
            _ => format!("{one}'s write stands directly before {other}'s"),
        }
    }

    /// How a reader sees somebody, in one sentence or several.
    fn sight(&mut self, path: &[Step], reader: u32) -> String {
        let reasons: Vec<String> = path
            .iter()
            .enumerate()
            .map(|(at, step)| {
                let to = path.get(at + 1).map_or(reader, |next| next.from);
                self.known(*step, to)
            })
            .collect();
        reasons.join(", ")
    }

    /// Why a transaction comes before another by what somebody read.
    fn inferred(&mut self, before: u32, after: u32) -> String {
        let Some((reader, key, path)) = witness(self.facts, self.level, before, after) else {
            return format!("{} before {}", self.name(before), self.name(after));
        };
        let (one, other) = (self.name(before), self.name(after));
        let seer = self.name(reader);
        let sight = self.sight(&path, reader);
        let table = self.facts.table;
        let (first, second) = (self.write_of(before, key), self.write_of(after, key));
        format!(
            "{seer} sees {one} ({sight}), which did {first}, and yet it read {} from {other}, \
             which did {second}",
            table.key_text(key)
        )
    }

    fn cycle(&mut self, steps: &[Step]) -> String {
        let names: Vec<String> = steps
            .iter()
            .map(|step| {
                let name = self.name(step.from);
                format!("{name} ({})", self.facts.table.operation_text(step.from))
            })
            .collect();
        for (at, step) in steps.iter().enumerate() {
            let to = steps[(at + 1) % steps.len()].from;
            let reason = match step.kind {
                Kinds::COMMIT => self.inferred(step.from, to),
                _ => self.known(*step, to),
            };
            let (one, other) = (self.name(step.from), self.name(to));
            self.sentences.push(format!("{one} before {other}: {reason}"));
        }
        match names.as_slice() {
            [one, other] => format!("{one} and {other} would each have to commit before the other"),
            _ => format!(
                "{} would have to commit before one another in a circle",
                crate::tree::some_of(names.iter(), 8)
            ),
        }
    }

    fn nothing(&mut self, read: ReadOfNothing) -> String {
        let table = self.facts.table;
        let (seer, one) = (self.name(read.reader), self.name(read.writer));
        let is_it = |r: &super::facts::Read| r.key == read.key && r.from == NONE;
        let reads = self.facts.reads(read.reader);
        let path = (0..reads.len())
            .filter(|at| is_it(&reads[*at]))
            .find_map(|at| sight(self.facts, self.level, read.writer, read.reader, Some(at)));
        let sight = self.sight(&path.unwrap_or_default(), read.reader);
        let write = self.write_of(read.writer, read.key);
        self.sentences.push(format!("{seer} sees {one}: {sight}"));
        format!(
            "{seer} ({}) read {} as nothing, though it sees {one} ({}), which did {write}",
            table.operation_text(read.reader),
            table.key_text(read.key),
            table.operation_text(read.writer)
        )
    }
}

/// A violation in words: the transactions, then why each comes before the next.
pub(super) fn violation(
    facts: &Facts<'_>,
    level: Level,
    needs_sessions: bool,
    violation: &Violation,
) -> Anomaly {
    let mut story = Story { facts, level, names: Vec::new(), sentences: Vec::new() };
    let claim = match violation {
        Violation::Cycle(steps) => story.cycle(steps),
        Violation::Nothing(read) => story.nothing(*read),
    };
    let table = facts.table;
    let listed =
        story.names.iter().enumerate().map(|(at, transaction)| {
            format!("T{}: {}", at + 1, table.transaction_text(*transaction))
        });
    let steps = listed.chain(story.sentences.iter().cloned()).collect();
    let operations = story.names.iter().map(|transaction| table.index(*transaction)).collect();
    Anomaly { steps, ..Anomaly::new(level.violation(needs_sessions), claim, operations) }
}
