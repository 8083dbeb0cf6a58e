//! The orders that do not follow from the data: each process's own, and real time.

use rustc_hash::FxHashMap;

use super::graph::{Builder, Kinds};
use super::table::Table;

/// Adds an edge between each two consecutive acknowledged transactions of a process.
pub(crate) fn process(table: &Table, graph: &mut Builder) {
    let mut last: FxHashMap<u32, u32> = FxHashMap::default();
    for (number, transaction) in table.transactions.iter().enumerate() {
        if table.is_ok(number as u32)
            && let Some(before) = last.insert(transaction.process, number as u32)
        {
            graph.edge(before, number as u32, Kinds::PROCESS);
        }
    }
}

/// Adds the order of real time: an acknowledged transaction comes before every one that was invoked
/// after its completion.
///
/// Time is a chain of hubs, one for each stretch of completions that no invocation interrupts. A
/// transaction leads to the hub of its completion, and the last hub before its invocation leads to
/// it: three edges each, however many run at once, where the order's transitive reduction (what
/// Elle keeps, by a frontier) has as many as there are processes.
pub(crate) fn realtime(table: &Table, graph: &mut Builder) {
    realtime_between(table, graph, |transaction| transaction);
}

/// The same where the end of a transaction is a vertex of its own.
pub(crate) fn realtime_between(table: &Table, graph: &mut Builder, end: impl Fn(u32) -> u32) {
    if table.untimed {
        return;
    }
    let possible = || (0..table.len() as u32).filter(|number| table.is_possible(*number));
    let mut invocations: Vec<(u32, u32)> =
        possible().map(|number| (table.transactions[number as usize].index, number)).collect();
    invocations.sort_unstable();
    let mut invocations = invocations.into_iter().peekable();
    let mut last_hub = None;
    for number in possible().filter(|number| table.is_ok(*number)) {
        let completion = table.transactions[number as usize].completion;
        let mut is_interrupted = last_hub.is_none();
        while let Some((_, invoked)) = invocations.next_if(|(index, _)| *index < completion) {
            if let Some(hub) = last_hub {
                graph.edge(hub, invoked, Kinds::FREE);
            }
            is_interrupted = true;
        }
        let hub = match last_hub {
            Some(hub) if !is_interrupted => hub,
            _ => {
                let hub = graph.hub();
                if let Some(before) = last_hub {
                    graph.edge(before, hub, Kinds::FREE);
                }
                hub
            }
        };
        graph.edge(end(number), hub, Kinds::REALTIME);
        last_hub = Some(hub);
    }
    if let Some(hub) = last_hub {
        for (_, invoked) in invocations {
            graph.edge(hub, invoked, Kinds::FREE);
        }
    }
}

/// True if real time puts the first before the second.
pub(crate) fn is_before(table: &Table, first: u32, second: u32) -> bool {
    let (a, b) = (&table.transactions[first as usize], &table.transactions[second as usize]);
    !table.untimed && table.is_ok(first) && a.completion < b.index
}
