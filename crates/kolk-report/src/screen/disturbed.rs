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
pub struct Span {
    index: u32,
    from: Time,
    to: Time,
}

impl Span {
    /// One that never completed goes on to the end.
    pub fn new(operation: &Operation) -> Span {
        let to = if operation.completion_index.is_some() { operation.completed } else { Time::MAX };
        Span { index: operation.index, from: operation.invoked, to }
    }
}

/// A node that acknowledged an operation and was killed after it.
#[derive(Clone, Copy, Debug)]
pub struct Forgotten<'a> {
    node: &'a str,
    index: u32,
    killed: Time,
}

impl<'a> Forgotten<'a> {
    /// All of them among these operations: see [`History::forgotten`].
    pub fn among(history: &'a History, indices: &[u32]) -> Vec<Forgotten<'a>> {
        let forgotten = history.forgotten(indices);
        let with_nodes = forgotten.filter_map(|(operation, fault)| {
            let node = history.node_name(operation)?;
            Some(Forgotten { node, index: operation.index, killed: fault.time })
        });
        with_nodes.collect()
    }

    /// True if it was this fault that killed the node.
    fn is_by(&self, period: &Period<'_>) -> bool {
        matches!(period.fault, FaultKind::Kill(_) | FaultKind::Power(_))
            && period.touches(self.node)
            && (period.begin..=period.end).contains(&self.killed)
    }
}

/// The faults that were open during any of the operations, each on a line, and before them those
/// with which a node forgot what it had acknowledged; then those that came and went in between;
/// else that there was none.
pub fn lines(
    spans: &[Span],
    forgotten: &[Forgotten<'_>],
    (plan, facts): (&Plan, &Facts),
    style: Style,
) -> String {
    let (Some(first), Some(last)) =
        (spans.iter().map(|span| span.from).min(), spans.iter().map(|span| span.to).max())
    else {
        return String::new();
    };
    let periods = periods(plan, facts).into_iter();
    let near = periods.filter(|period| period.was_open(first, last));
    let (mut open, between): (Vec<_>, Vec<_>) = near
        .map(|period| {
            let after = forgotten.iter().find(|forgotten| forgotten.is_by(&period));
            (met(&period, spans, after), after.is_some(), period)
        })
        .partition(|(met, ..)| !met.is_empty());
    open.sort_by_key(|(_, is_after, _)| !is_after);
    let dot = style.paint(Role::Faint, "·").to_string();
    let mut out = String::new();
    if open.is_empty() {
        out.push_str(&format!("    {dot} no fault was open then\n"));
    }
    for (met, _, period) in open.iter().chain(&between).take(FAULTS_MAX) {
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
fn met(period: &Period<'_>, spans: &[Span], after: Option<&Forgotten<'_>>) -> String {
    let met = spans.iter().filter(|span| period.was_open(span.from, span.to));
    let mut met: Vec<String> = met.map(|span| span.index.to_string()).collect();
    let during = match met.pop() {
        Some(last) if !met.is_empty() => Some(format!("during op {} and {last}", met.join(", "))),
        last => last.map(|last| format!("during op {last}")),
    };
    let after = after.map(|after| format!("after {} acknowledged op {}", after.node, after.index));
    after.into_iter().chain(during).collect::<Vec<_>>().join(", ")
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
