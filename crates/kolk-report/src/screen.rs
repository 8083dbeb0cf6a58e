//! The end of a run, as the terminal shows it.
//!
//! The order matters: the verdict, the smallest fact that proves it, what else was found, what was
//! measured, what was not exercised, how to see and repeat it.

mod disturbed;
mod hints;
mod limits;
mod next;
mod outputs;
mod struck;

use std::time::Duration;

use kolk_check::explain::Explanation;
use kolk_check::{Anomaly, Check, Finding, Kind, Measure, Validity, Verdict};
use kolk_history::plan::{ClockKind, NodeSpec, VirtualHost};
use kolk_history::summary::Unrepeatable;
use kolk_history::{History, Plan, Summary};
use kolk_protocol::Time;

use crate::facts::{Ending, Facts, Held};
use crate::numbers::{counted, duration, grouped, ratio};
use crate::sanitize::{excerpt, sanitize};
use crate::style::{Role, Style};
use crate::table::{self, Cell};
use crate::{operation, statistics, violation};

use disturbed::{Forgotten, Span};

/// How many operations are shown as evidence.
const EVIDENCE_MAX: usize = 8;

/// How many steps of a proof are shown.
const STEPS_MAX: usize = 24;

/// How many findings are shown beside the first.
const FINDINGS_MAX: usize = 8;

/// How many columns a finding gets, a few lines, before it is cut short.
const CLAIM_WIDTH: usize = 320;

/// How many notes are shown.
const NOTES_MAX: usize = 8;

/// The workloads that Maelstrom has too.
const MAELSTROMS: [&str; 10] = [
    "broadcast",
    "echo",
    "g-counter",
    "g-set",
    "kafka",
    "lin-kv",
    "pn-counter",
    "txn-list-append",
    "txn-rw-register",
    "unique-ids",
];

/// A run, as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What decided it.
    pub plan: &'a Plan,
    /// All its operations.
    pub history: &'a History,
    /// What the network saw.
    pub summary: &'a Summary,
    /// What the checkers say.
    pub verdict: &'a Verdict,
    /// How it ended.
    pub facts: &'a Facts,
    /// How long it took by the wall clock, if it has just been run.
    pub wall: Option<Duration>,
    /// The folder it is stored in, if it is.
    pub folder: Option<&'a str>,
    /// How kolk was called: `kolk`, or `cargo kolk`.
    pub program: &'a str,
}

/// A history and what the checkers say about it: what there is of any run, kolk's or not.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// All operations.
    pub history: &'a History,
    /// What the network saw, if that is known.
    pub summary: Option<&'a Summary>,
    /// What the checkers say.
    pub verdict: &'a Verdict,
    /// What availability was to be.
    pub availability: Option<f64>,
    /// The rate that was asked for.
    pub rate: Option<f64>,
    /// What decided the run and how it ended, if it was kolk's: without that nobody knows of
    /// faults.
    pub run: Option<(&'a Plan, &'a Facts)>,
}

/// Draws the whole screen.
pub fn draw(report: &Report<'_>, style: Style) -> String {
    let judged = report.judged();
    let mut out = header(report, style);
    out.push('\n');
    if report.facts.ending == Ending::Interrupted {
        let end = Time::from_nanos(report.facts.ended);
        out.push_str(&format!(
            "{} interrupted at {end}; so far:\n",
            style.paint(Role::Doubtful, "!")
        ));
    }
    if report.facts.ending == Ending::Silent {
        let end = Time::from_nanos(report.facts.ended);
        out.push_str(&format!(
            "{} ended early, at {end}: no operation was answered as it should be in ten seconds \
             without a fault; `--no-fail-fast` goes on\n",
            style.paint(Role::Bad, "!")
        ));
    }
    if let Some(room) = report.summary.full {
        let end = Time::from_nanos(report.facts.ended);
        out.push_str(&format!(
            "{} ended early, at {end}: journal and history have {} MiB, all the room there is; \
             `--run-max` gives more\n",
            style.paint(Role::Doubtful, "!"),
            room >> 20
        ));
    }
    if report.facts.ending == Ending::Full && report.summary.full.is_none() {
        let end = Time::from_nanos(report.facts.ended);
        out.push_str(&format!(
            "{} ended early, at {end}, as no more of it could be stored; so far:\n",
            style.paint(Role::Doubtful, "!")
        ));
    }
    out.push_str(&judged.verdict(style));
    out.push_str(&outputs::draw(report.summary, style));
    out.push_str(&judged.numbers(style));
    out.push('\n');
    out.push_str(&statistics::operations(report.history, 4, style));
    out.push('\n');
    out.push_str(&statistics::messages(report.history, report.summary, 4, style));
    let hints = struck::facts(report).into_iter().chain(hints::hints(report)).collect();
    out.push_str(&judged.notes(hints, style));
    out.push_str(&places(report, style));
    out
}

/// Draws the verdict with its evidence, and nothing else.
pub fn draw_verdict(report: &Report<'_>, style: Style) -> String {
    report.judged().verdict(style)
}

/// Draws what the checkers say about a history of unknown origin, which came from `source`.
pub fn draw_judged(judged: &Judged<'_>, workload: &str, source: &str, style: Style) -> String {
    let dot = style.paint(Role::Faint, " · ").to_string();
    let count = counted(judged.history.operations.len() as u64, "operation", "operations");
    let workload = style.paint(Role::Strong, workload).to_string();
    let mut out = format!("{}\n\n", [workload, count, sanitize(source).into_owned()].join(&dot));
    out.push_str(&judged.verdict(style));
    out.push_str(&judged.numbers(style));
    out.push('\n');
    out.push_str(&statistics::operations(judged.history, 4, style));
    out.push_str(&judged.notes(Vec::new(), style));
    out
}

/// Draws what a verdict rests on.
pub fn draw_explanation(explanation: &Explanation, style: Style) -> String {
    let Explanation { checked, assumed, strongest } = explanation;
    let mut out = String::new();
    for (title, told) in [("checked", checked), ("assumed", assumed), ("what is so", strongest)] {
        out.push_str(&format!("\n  {}\n", style.paint(Role::Strong, title)));
        for sentence in told {
            out.push_str(&format!("    {}\n", sanitize(sentence)));
        }
    }
    out
}

impl<'a> Report<'a> {
    /// The history and the verdict.
    pub fn judged(&self) -> Judged<'a> {
        Judged {
            history: self.history,
            summary: Some(self.summary),
            verdict: self.verdict,
            availability: self.plan.availability,
            rate: Some(self.plan.rate),
            run: Some((self.plan, self.facts)),
        }
    }
}

/// `broadcast · 25 nodes · 31.0 s virtual in 0.1 s · deterministic · seed 0x5f3a9c21`.
pub fn header(report: &Report<'_>, style: Style) -> String {
    let plan = report.plan;
    let dot = style.paint(Role::Faint, " · ").to_string();
    let ended = Time::from_nanos(report.facts.ended).as_secs_f64();
    let (time, kind) = match plan.clock {
        ClockKind::Virtual => {
            let wall = report.wall.map(|wall| format!(" in {}", duration(wall)));
            let kind = match report.summary.unrepeatable.as_slice() {
                [] => "deterministic".to_owned(),
                found => not_repeatable(found),
            };
            (format!("{ended:.1} s virtual{}", wall.unwrap_or_default()), kind)
        }
        ClockKind::Real => (format!("{ended:.1} s"), "paced".to_owned()),
    };
    let node = match &plan.node {
        NodeSpec::BuiltIn { name, args, separate } => {
            let separate = if *separate { " as a program" } else { "" };
            let args: Vec<String> = args.iter().map(|arg| format!(" {}", sanitize(arg))).collect();
            format!("built-in {name}{}{separate}", args.concat())
        }
        NodeSpec::Program { path, host, threads, .. } => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let traced = if *host == Some(VirtualHost::Traced) { " traced" } else { "" };
            let shuffled = if threads.is_fair() { "" } else { ", threads shuffled" };
            format!("{}{traced}{shuffled}", sanitize(name))
        }
    };
    let parts = [
        style.paint(Role::Strong, &plan.workload.name).to_string(),
        node,
        counted(plan.nodes.len() as u64, "node", "nodes"),
        time,
        kind,
        format!("seed {:#x}", plan.seed),
    ];
    parts.join(&dot) + "\n"
}

/// That a run on the virtual clock cannot be repeated exactly, because something was left to the
/// operating system's timing; what that was, and by whom: as much as fits a line.
pub fn not_repeatable(found: &[Unrepeatable]) -> String {
    const SHOWN: usize = 2;
    let shown = found.iter().take(SHOWN);
    let mut parts: Vec<String> =
        shown.map(|Unrepeatable { node, what }| format!("{what} by {node}")).collect();
    if found.len() > SHOWN {
        parts.push(format!("and {} more", found.len() - SHOWN));
    }
    format!("virtual time, not exactly repeatable: {}", sanitize(&parts.join(", ")))
}

/// The symbol of a validity, in its colour.
pub fn symbol(validity: Validity, style: Style) -> String {
    let (role, symbol) = match validity {
        Validity::Valid => (Role::Good, "✓"),
        Validity::Unknown => (Role::Doubtful, "?"),
        Validity::Invalid => (Role::Bad, "✗"),
    };
    style.paint(role, symbol).to_string()
}

/// The first of each kind.
fn first_of_each_kind<'a>(all: impl Iterator<Item = Finding<'a>>) -> Vec<Finding<'a>> {
    let mut found: Vec<Finding<'a>> = Vec::new();
    for finding in all {
        let is_known = |known: &Finding<'_>| {
            known.check.name == finding.check.name && known.anomaly.kind == finding.anomaly.kind
        };
        if !found.iter().any(is_known) {
            found.push(finding);
        }
    }
    found
}

/// True for what Maelstrom overlooks and every run counts that is not held to Maelstrom's checks
/// alone.
fn counts_by_default(kind: Kind) -> bool {
    matches!(kind, Kind::Protocol(kind) if kind.is_overlooked_by_maelstrom())
}

/// The claim, with its type, under which the book has it, and how many there are of that.
fn claim(Finding { check, anomaly, .. }: &Finding<'_>) -> String {
    // A node can make a claim as long as it likes; the whole of it is in results.json.
    let claim = excerpt(&anomaly.claim, None, CLAIM_WIDTH).text;
    let kind = anomaly.kind;
    match check.count_of(kind) {
        0 | 1 => format!("{claim} [{kind}]"),
        count => format!("{claim} [{kind}, {} in all]", grouped(count)),
    }
}

impl Judged<'_> {
    /// The verdict in one line, with its evidence below.
    pub fn verdict(&self, style: Style) -> String {
        let verdict = self.verdict;
        let validity = verdict.validity;
        let role = match validity {
            Validity::Valid => Role::Good,
            Validity::Unknown => Role::Doubtful,
            Validity::Invalid => Role::Bad,
        };
        let mut out = format!("{} {}", symbol(validity, style), style.paint(role, validity.name()));
        let counting = verdict.findings().into_iter().filter(|finding| finding.counts);
        let findings = first_of_each_kind(counting);
        if let (Validity::Invalid, Some(first)) = (validity, findings.first()) {
            out.push_str(&format!(": {}\n", claim(first)));
            out.push_str(&self.causes(style));
            out.push_str(&self.evidence(first.anomaly, style));
            for finding in findings.iter().skip(1).take(FINDINGS_MAX) {
                let hint = match verdict.lenient {
                    Validity::Invalid if finding.is_stronger => " (Maelstrom overlooks it)",
                    _ => "",
                };
                let hint = style.paint(Role::Faint, hint);
                let mark = style.paint(Role::Bad, "✗");
                out.push_str(&format!("  {mark} {}{hint}\n", claim(finding)));
            }
            if let Some(more @ 1..) = findings.len().checked_sub(1 + FINDINGS_MAX) {
                out.push_str(&format!("    and {more} more kinds, in results.json\n"));
            }
        } else {
            match self.reason() {
                Some(reason) => out.push_str(&format!(": {}", sanitize(reason))),
                None => out.push_str(self.restriction()),
            }
            if let Some(broken) = self.held().and_then(limits::broken) {
                out.push_str(&format!(", but {}", style.paint(Role::Bad, broken)));
            }
            out.push('\n');
            out.push_str(&self.causes(style));
        }
        out.push_str(&self.overlooked(style));
        // What is proof stands apart from what was measured.
        if out.lines().count() > 1 {
            out.push('\n');
        }
        out
    }

    /// Whether Maelstrom would accept a run that is invalid here, and what lies behind the
    /// findings.
    fn causes(&self, style: Style) -> String {
        let mut out = String::new();
        if let Some(beyond) = self.beyond_maelstrom() {
            out.push_str(&format!("  {} {beyond}\n", style.paint(Role::Doubtful, "!")));
        }
        for cause in &self.verdict.causes {
            let mark = style.paint(Role::Strong, "likely cause:");
            out.push_str(&format!("  {mark} {}\n", excerpt(cause, None, CLAIM_WIDTH).text));
        }
        out
    }

    /// What to say if the run is invalid only because kolk asks more than Maelstrom does.
    fn beyond_maelstrom(&self) -> Option<String> {
        let verdict = self.verdict;
        if verdict.validity != Validity::Invalid || verdict.lenient == Validity::Invalid {
            return None;
        }
        let promises = verdict.promises().join("; ");
        if !MAELSTROMS.contains(&verdict.workload.as_str()) {
            return Some(format!("this run is invalid because of --strict alone: {promises}"));
        }
        let asks = match self.held() {
            Some(held) => format!("kolk asks more of challenge {}", sanitize(&held.id)),
            None => "kolk asks more with --strict".to_owned(),
        };
        let accepts = match verdict.lenient {
            Validity::Valid => "Maelstrom would accept this run",
            _ => "Maelstrom would find nothing wrong with this run",
        };
        Some(format!("{accepts}; {asks}: {promises}"))
    }

    /// True if everything counts unless `--as maelstrom` is given, as in challenges and where
    /// histories are judged; false where it counts only with `--strict`.
    fn asks_for_everything(&self) -> bool {
        self.run.is_none() || self.held().is_some()
    }

    /// True if a finding that does not count would count without `--as maelstrom`.
    fn counts_otherwise(&self, finding: &Finding<'_>) -> bool {
        self.asks_for_everything() || counts_by_default(finding.anomaly.kind)
    }

    /// What restricts a verdict that holds only because something does not count.
    fn restriction(&self) -> &'static str {
        let findings = self.verdict.findings();
        let mut uncounted = findings.iter().filter(|finding| !finding.counts).peekable();
        if uncounted.peek().is_none() {
            ""
        } else if uncounted.any(|finding| self.counts_otherwise(finding)) {
            " for Maelstrom, but not without --as maelstrom"
        } else if MAELSTROMS.contains(&self.verdict.workload.as_str()) {
            " for Maelstrom, but not with --strict"
        } else {
            ", but not with --strict"
        }
    }

    /// What Maelstrom would overlook, where that does not count.
    fn overlooked(&self, style: Style) -> String {
        let uncounted = self.verdict.findings().into_iter().filter(|finding| !finding.counts);
        let mut out = String::new();
        for finding in first_of_each_kind(uncounted) {
            let hint = if self.counts_otherwise(&finding) {
                "(Maelstrom overlooks it; it counts without --as maelstrom)"
            } else {
                "(counts with --strict)"
            };
            let hint = style.paint(Role::Faint, hint);
            let mark = style.paint(Role::Doubtful, "!");
            out.push_str(&format!("  {mark} {} {hint}\n", claim(&finding)));
        }
        out
    }

    /// Why nobody can tell.
    fn reason(&self) -> Option<&str> {
        let verdict = self.verdict;
        let undecided = |check: &&Check| check.validity(verdict.strict) == Validity::Unknown;
        let check = verdict.checks.iter().find(undecided)?;
        check.notes.first().map(String::as_str)
    }

    fn evidence(&self, anomaly: &Anomaly, style: Style) -> String {
        let found = anomaly.violation.and_then(|place| self.summary?.violations.get(place));
        if let Some(found) = found {
            return format!("\n{}\n\n", violation::draw(found, Some(self.history), style));
        }
        let operations: Vec<_> = anomaly
            .operations
            .iter()
            .filter_map(|index| self.history.operation_at(*index))
            .take(EVIDENCE_MAX)
            .collect();
        let mut out = operation::table(self.history, &operations, anomaly.into(), 4, style);
        if let Some(more @ 1..) = anomaly.operations.len().checked_sub(EVIDENCE_MAX) {
            out.push_str(&format!(
                "    and {}\n",
                counted(more as u64, "more operation", "more operations")
            ));
        }
        if let Some(run) = self.run {
            let spans: Vec<Span> = operations.iter().map(|shown| Span::new(shown)).collect();
            let forgotten = Forgotten::among(self.history, &anomaly.operations);
            out.push_str(&disturbed::lines(&spans, &forgotten, run, style));
        }
        for step in anomaly.steps.iter().take(STEPS_MAX) {
            let dash = style.paint(Role::Faint, "–");
            out.push_str(&format!("    {dash} {}\n", excerpt(step, None, CLAIM_WIDTH).text));
        }
        if let Some(more @ 1..) = anomaly.steps.len().checked_sub(STEPS_MAX) {
            let more = counted(more as u64, "more step", "more steps");
            out.push_str(&format!("    and {more}, in results.json\n"));
        }
        out
    }

    /// The challenge that the run was held to.
    fn held(&self) -> Option<&Held> {
        self.run?.1.challenge.as_ref()
    }

    /// Availability, the rate, the workload's own numbers, and what a challenge asks for.
    fn numbers(&self, style: Style) -> String {
        let mut rows = Vec::new();
        for check in &self.verdict.checks {
            for measure in
                check.measures.iter().filter(|measure| is_shown(check, measure, self.rate))
            {
                let wanted = match (measure.name, self.availability, self.rate) {
                    ("availability", Some(1.0), _) => "(wanted: total)".to_owned(),
                    ("availability", Some(fraction), _) => {
                        format!("(wanted ≥ {})", ratio(fraction))
                    }
                    ("rate", _, Some(rate)) => format!("(asked for {} /s)", ratio(rate)),
                    _ => String::new(),
                };
                let is_held = check.validity(self.verdict.strict) == Validity::Valid;
                let (role, mark) = match (measure.name, self.availability) {
                    ("availability", Some(_)) if is_held => (Role::Good, '✓'),
                    ("availability", Some(_)) => (Role::Bad, '✗'),
                    _ => (Role::Faint, '·'),
                };
                let value = match measure.unit {
                    "" => ratio(measure.value),
                    unit => format!("{} {unit}", ratio(measure.value)),
                };
                let name = measure.name.replace('-', " ");
                rows.push(vec![
                    Cell::left(name).mark(mark, role),
                    Cell::right(value),
                    Cell::left(wanted).role(Role::Faint),
                ]);
            }
        }
        rows.extend(self.held().map(limits::rows).unwrap_or_default());
        table::draw(&rows, 2, style)
    }

    /// What the checkers could not or did not check, and whatever else is to be said.
    fn notes(&self, hints: Vec<String>, style: Style) -> String {
        // The reason of an unknown verdict stands behind it already.
        let said = if self.verdict.validity == Validity::Unknown { self.reason() } else { None };
        let notes = self.verdict.checks.iter().flat_map(|check| &check.notes);
        let notes = notes.map(String::as_str).filter(|note| Some(*note) != said);
        let mut notes: Vec<String> = notes.map(|note| sanitize(note).into_owned()).collect();
        notes.extend(hints);
        let dot = style.paint(Role::Faint, "·").to_string();
        let mut out = String::new();
        if !notes.is_empty() {
            out.push('\n');
        }
        for note in notes.iter().take(NOTES_MAX) {
            out.push_str(&format!("  {dot} {note}\n"));
        }
        if let Some(more @ 1..) = notes.len().checked_sub(NOTES_MAX) {
            out.push_str(&format!("  {dot} and {more} more in results.json\n"));
        }
        out
    }
}

/// The measures that the tables below do not show. A rate says something only beside the one that
/// was asked for.
fn is_shown(check: &Check, measure: &Measure, rate: Option<f64>) -> bool {
    match (check.name, measure.name) {
        ("availability" | "workload", _) => true,
        (_, name) => name == "rate" && rate.is_some(),
    }
}

fn places(report: &Report<'_>, style: Style) -> String {
    let Some(folder) = report.folder else { return String::new() };
    let folder = sanitize(folder);
    let replay = format!("{} replay {folder}", report.program);
    let mut rows = next::rows(report, &folder, style);
    rows.extend([
        vec![Cell::left("report").role(Role::Faint), Cell::left(format!("{folder}/report.html"))],
        vec![Cell::left("again").role(Role::Faint), Cell::left(replay).role(Role::Command)],
    ]);
    format!("\n{}", table::draw(&rows, 2, style))
}
