//! Dirty writes: two transactions that take turns in writing a key.
//!
//! Who reads a value and then sets the key put its own after the other, whether or not that one's
//! writer sets the key again. So what transactions tell of single writes, and not only of the last
//! one of each transaction, can put each of two transactions before the other (Berenson et al., *A
//! Critique of ANSI SQL Isolation Levels*, SIGMOD 1995: P0). Only acknowledged transactions are
//! looked at: no other is known to have written for good.

use crate::txn::cycles::{self, Cycle, CycleType, Scope, Shape};
use crate::txn::findings::{Explain, Findings};
use crate::txn::graph::{Builder, Kinds};
use crate::txn::same_key::SameKey;
use crate::txn::table::{NONE, Table};

/// A write that was read and then written over: by position, the read and the write after it.
#[derive(Clone, Copy)]
struct Turn {
    from: u32,
    to: u32,
    read: u32,
    write: u32,
}

/// Reports a circle of transactions that write over one another, if there is one.
pub(super) fn find(findings: &mut Findings<'_>) {
    let table = findings.table;
    let turns = turns(table);
    let mut graph = Builder::new(table.len());
    for turn in &turns {
        graph.edge(turn.from, turn.to, Kinds::WW);
    }
    let Some(mut steps) = cycles::shortest(&graph.finish(), Kinds::WW) else { return };
    let first = (0..steps.len()).min_by_key(|at| steps[*at].from).unwrap_or(0);
    steps.rotate_left(first);
    let cycle = Cycle { kind: CycleType { scope: Scope::Data, shape: Shape::G0 }, steps };
    let explain: &Explain<'_> = &|_, (from, one), (to, other)| {
        let turn = turns.iter().find(|turn| (turn.from, turn.to) == (from, to))?;
        let (read, write) =
            (table.operations[turn.read as usize], table.operations[turn.write as usize]);
        Some(format!(
            "{other} read {one}'s {} of {} and then set it to {}",
            table.read_text(read),
            table.key_text(read.key()),
            table.value_text(write.element())
        ))
    };
    findings.stronger_cycles(&[cycle], explain);
}

fn turns(table: &Table) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut same_key = SameKey::new(table);
    for to in (0..table.len() as u32).filter(|number| table.is_ok(*number)) {
        same_key.enter(table, to);
        for at in table.range(to) {
            let write = at as u32;
            if !table.operations[at].is_write() {
                continue;
            }
            let Some(read) = same_key.before(write) else { continue };
            let from = table.operations[read as usize];
            let from = if from.is_write() { NONE } else { from.origin().writer() };
            if from != NONE && from != to && table.is_ok(from) {
                turns.push(Turn { from, to, read, write });
            }
        }
    }
    turns
}
