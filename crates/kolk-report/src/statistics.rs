//! What a run amounts to in numbers: operations by kind, messages by kind.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome, Summary};
use kolk_protocol::ErrorCode;

use crate::numbers::{grouped, ratio};
use crate::operation;
use crate::sanitize::excerpt;
use crate::style::{Role, Style};
use crate::table::{self, Cell};

/// How many reasons for not being ok are named.
const REASONS_MAX: usize = 5;

/// How many columns a reason gets.
const REASON_WIDTH: usize = 40;

/// The operations of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kind {
    counts: [u64; 3],
    /// Of those that ended ok, in nanoseconds, sorted.
    latencies: Vec<u64>,
}

/// Counts by kind, in the order in which kinds first appear.
fn kinds(history: &History) -> Vec<(Function, Kind)> {
    let mut kinds: Vec<(Function, Kind)> = Vec::new();
    for operation in history.counted() {
        let at = kinds.iter().position(|(function, _)| *function == operation.function);
        let at = at.unwrap_or_else(|| {
            kinds.push((operation.function, Kind::default()));
            kinds.len() - 1
        });
        let kind = &mut kinds[at].1;
        let outcome = match operation.outcome {
            Outcome::Ok => 0,
            Outcome::Fail => 1,
            Outcome::Info => 2,
        };
        kind.counts[outcome] += 1;
        if operation.is_ok() {
            kind.latencies.push((operation.completed - operation.invoked).as_nanos() as u64);
        }
    }
    for (_, kind) in &mut kinds {
        kind.latencies.sort_unstable();
    }
    kinds
}

fn header(names: &[&str]) -> Vec<Cell> {
    let cells = names.iter().enumerate().map(|(column, name)| {
        let cell = if column == 0 { Cell::left(*name) } else { Cell::right(*name) };
        cell.role(Role::Faint)
    });
    cells.collect()
}

/// Operations by kind: how they ended, and how long those that succeeded took.
pub fn operations(history: &History, indent: usize, style: Style) -> String {
    let mut rows =
        vec![header(&["operations", "count", "ok", "fail", "info", "median", "99 %", "max"])];
    for (function, kind) in kinds(history) {
        let [ok, fail, info] = kind.counts;
        // That a client gives up its state is part of the load, and no fault of a node.
        let (name, unknown) = match function {
            Function::Crash => ("crash (of a client, planned)", Role::Faint),
            function => (function.name(), Role::Doubtful),
        };
        let mut row = vec![
            Cell::left(name),
            Cell::right(grouped(ok + fail + info)),
            Cell::right(grouped(ok)),
            count(fail, Role::Bad),
            count(info, unknown),
        ];
        if kind.latencies.is_empty() {
            row.extend([Cell::right("–"), Cell::right("–"), Cell::right("–")]);
        }
        let last = kind.latencies.len().saturating_sub(1);
        for (numerator, denominator) in [(1, 2), (99, 100), (1, 1)] {
            let at = (kind.latencies.len() * numerator / denominator).min(last);
            row.extend(kind.latencies.get(at).map(|latency| Cell::right(milliseconds(*latency))));
        }
        rows.push(row);
    }
    let mut text = table::draw(&rows, indent, style);
    for (outcome, what) in [(Outcome::Fail, "failed"), (Outcome::Info, "unknown")] {
        if let Some(reasons) = reasons(history, outcome) {
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(&format!("{}\n", style.paint(Role::Faint, format!("{what}: {reasons}"))));
        }
    }
    text
}

/// Why operations did not end ok, most frequent first: `23 precondition-failed, 4 timeout`. A
/// client that gives up its state does so for no reason.
fn reasons(history: &History, outcome: Outcome) -> Option<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let of_outcome = |operation: &&Operation| {
        operation.outcome == outcome && operation.function != Function::Crash
    };
    for operation in history.counted().filter(of_outcome) {
        *counts.entry(reason(operation)).or_default() += 1;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let more: u64 = counts.iter().skip(REASONS_MAX).map(|(_, count)| count).sum();
    let shown = counts.iter().take(REASONS_MAX);
    let mut parts: Vec<String> =
        shown.map(|(reason, count)| format!("{} {reason}", grouped(*count))).collect();
    if more > 0 {
        parts.push(format!("{} others", grouped(more)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// An error's code by name, or what else the completion said.
fn reason(operation: &Operation) -> String {
    if operation.completion_index.is_none() {
        return "still open at the end".to_owned();
    }
    let code = operation.result.as_list().and_then(|error| error.first()?.as_int());
    match code.and_then(|code| u32::try_from(code).ok()).map(ErrorCode) {
        Some(code) => code.name().map_or_else(|| format!("error {code}"), str::to_owned),
        None if operation.result.is_null() => "without a reason".to_owned(),
        None => match operation.result.as_str() {
            Some(text) => excerpt(text, None, REASON_WIDTH).text,
            None => operation::value(&operation.result),
        },
    }
}

/// A count that is no news if it is zero.
fn count(count: u64, role: Role) -> Cell {
    Cell::right(grouped(count)).role(if count == 0 { Role::Faint } else { role })
}

fn milliseconds(nanos: u64) -> String {
    format!("{} ms", ratio(nanos as f64 / 1e6))
}

/// Messages by kind, and what the network did to them.
pub fn messages(history: &History, summary: &Summary, indent: usize, style: Style) -> String {
    let invoked = history.counted().count() as f64;
    let mut rows = vec![header(&["messages", "count", "per operation"])];
    for (name, counts) in [
        ("all", summary.all),
        ("with clients", summary.clients),
        ("between servers", summary.servers),
    ] {
        let per_operation = ratio(counts.msg_count as f64 / invoked);
        rows.push(vec![
            Cell::left(name),
            Cell::right(grouped(counts.msg_count)),
            Cell::right(per_operation),
        ]);
    }
    let mut text = table::draw(&rows, indent, style);
    let fates: Vec<String> = [
        (summary.lost_count, "lost"),
        (summary.cut_count, "swallowed by partitions"),
        (summary.kept_count, "kept until a node ran again"),
        (summary.dead_count, "sent to nodes that were down"),
        (summary.paused_count, "sent to nodes that stood still"),
        (summary.duplicated_count, "duplicated"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, fate)| format!("{} {fate}", grouped(count)))
    .collect();
    if !fates.is_empty() {
        let fates = style.paint(Role::Faint, fates.join(", ")).to_string();
        text.extend(std::iter::repeat_n(' ', indent));
        text.push_str(&fates);
        text.push('\n');
    }
    text
}
