//! What was wrong with the network while the operations that prove an anomaly ran.

use kolk_history::plan::FaultKind;
use kolk_history::{History, Operation, Plan};
use kolk_protocol::Time;

use crate::facts::Facts;
use crate::faults::{Period, periods};
use crate::numbers::{counted, duration, ratio};
use crate::style::{Role, Style};

/// How many faults are shown.
const FAULTS_MAX: usize = 4;

/// The time an operation took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span<'a> {
    index: u32,
    from: Time,
    to: Time,
    /// The node that acknowledged it, and when that was killed next.
    killed: Option<(&'a str, Time)>,
}

impl<'a> Span<'a> {
    /// One that never completed goes on to the end.
    pub fn new(history: &'a History, operation: &Operation) -> Span<'a> {
        let to = if operation.completion_index.is_some() { operation.completed } else { Time::MAX };
        let killed = history.killed_after(operation);
        let killed = history.node_name(operation).zip(killed.map(|killed| killed.time));
        Span { index: operation.index, from: operation.invoked, to, killed }
    }
}

/// The faults that were open during any of the operations, each on a line, and before them those
/// with which a node forgot what it had acknowledged; then those that came and went in between;
/// else that there was none.
pub fn lines(spans: &[Span<'_>], plan: &Plan, facts: &Facts, style: Style) -> String {
    let (Some(first), Some(last)) =
        (spans.iter().map(|span| span.from).min(), spans.iter().map(|span| span.to).max())
    else {
        return String::new();
    };
    let periods = periods(plan, facts).into_iter();
    let near = periods.filter(|period| period.was_open(first, last));
    let (mut open, between): (Vec<_>, Vec<_>) =
        near.map(|period| (met(&period, spans), period)).partition(|(met, _)| !met.is_empty());
    open.sort_by_key(|(_, period)| after(period, spans).is_none());
    let dot = style.paint(Role::Faint, "·").to_string();
    let mut out = String::new();
    if open.is_empty() {
        out.push_str(&format!("    {dot} no fault was open then\n"));
    }
    for (met, period) in open.iter().chain(&between).take(FAULTS_MAX) {
        let (mark, met) = match met.as_str() {
            "" => (dot.clone(), "in between".to_owned()),
            met => (style.paint(Role::Doubtful, "!").to_string(), met.to_owned()),
        };
        let (name, words) = (period.name(), period.words(&plan.nodes));
        out.push_str(&format!("    {mark} {name}: {words}; open {}, {met}\n", times(period)));
    }
    if let Some(more @ 1..) = (open.len() + between.len()).checked_sub(FAULTS_MAX) {
        let more = counted(more as u64, "more fault", "more faults");
        out.push_str(&format!("    {dot} and {more}, in plan.json\n"));
    }
    if let Some(always) = always(plan) {
        out.push_str(&format!("    {dot} {always}\n"));
    }
    out
}

/// What a fault had to do with operations: `during op 3, 5 and 7`, `after n1 acknowledged op 3`;
/// empty if nothing.
fn met(period: &Period<'_>, spans: &[Span<'_>]) -> String {
    let met = spans.iter().filter(|span| period.was_open(span.from, span.to));
    let mut met: Vec<String> = met.map(|span| span.index.to_string()).collect();
    let during = match met.pop() {
        Some(last) if !met.is_empty() => Some(format!("during op {} and {last}", met.join(", "))),
        last => last.map(|last| format!("during op {last}")),
    };
    let after =
        after(period, spans).map(|(node, index)| format!("after {node} acknowledged op {index}"));
    after.into_iter().chain(during).collect::<Vec<_>>().join(", ")
}

/// The node that a fault killed next after it had acknowledged one of these operations, and that
/// operation's index.
fn after<'a>(period: &Period<'_>, spans: &[Span<'a>]) -> Option<(&'a str, u32)> {
    let last = spans.iter().map(|span| span.from).max()?;
    spans.iter().find_map(|span| {
        let (node, killed) = span.killed.filter(|(_, killed)| *killed <= last)?;
        let is_it = matches!(period.fault, FaultKind::Kill(_) | FaultKind::Power(_))
            && period.touches(node)
            && (period.begin..=period.end).contains(&killed);
        is_it.then_some((node, span.index))
    })
}

/// `0.000 … 4.100 s (4.1 s)`.
fn times(period: &Period<'_>) -> String {
    let begin = period.begin.to_string();
    let long = duration(period.end - period.begin);
    format!("{} … {} ({long})", begin.trim_end_matches(" s"), period.end)
}

/// What the network did all the time.
fn always(plan: &Plan) -> Option<String> {
    let percent = |share: f64| format!("{} %", ratio(share * 100.0));
    let (loss, duplication) = (plan.network.loss, plan.network.duplication);
    let parts: Vec<String> = [(loss, "were lost"), (duplication, "arrived twice")]
        .iter()
        .filter(|(share, _)| *share > 0.0)
        .map(|(share, what)| format!("{} of the messages between servers {what}", percent(*share)))
        .collect();
    (!parts.is_empty()).then(|| format!("all the time, {}", parts.join(", ")))
}
