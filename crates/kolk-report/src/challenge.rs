//! Challenges: a line for each run as it ends, and a table of what was measured in the end.

use kolk_check::Validity;

use crate::numbers::ratio;
use crate::sanitize::sanitize;
use crate::screen::symbol;
use crate::style::{Role, Style};
use crate::table::{self, Cell};

/// One run of a challenge.
#[derive(Clone, Debug, PartialEq)]
pub struct ChallengeRun {
    /// The challenge: `3d`.
    pub id: String,
    /// True if it is no challenge of the Gossip Glomers but kolk's own.
    pub is_ours: bool,
    /// What the run is for: `partitions`.
    pub name: String,
    /// What the checkers say.
    pub validity: Validity,
    /// Why it is not valid, in a sentence.
    pub claim: Option<String>,
    /// What was measured and is held to something.
    pub measures: Vec<Measured>,
    /// How long it took, simulated and real, for people.
    pub time: String,
    /// Where it is stored.
    pub folder: String,
    /// How many seeds it was run under, if it was more than one.
    pub seeds: Option<Seeds>,
}

/// One run under many seeds: it is as valid as the worst of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// How many were run.
    pub run: u32,
    /// How many of these were valid and within the limits.
    pub held: u32,
    /// The first that was not, if there is one.
    pub first_failed: Option<u64>,
}

/// A measure, and what it is held to. Lower is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What: `server messages per operation`.
    pub name: String,
    /// The unit; empty if there is none.
    pub unit: String,
    /// The value, if it could be measured; over many seeds the worst.
    pub value: Option<f64>,
    /// The mean over many seeds.
    pub mean: Option<f64>,
    /// What the challenge asks for: the value must be below it.
    pub below: Option<f64>,
    /// What a built-in node is held to: at most.
    pub goal: Option<f64>,
    /// The best that others published.
    pub record: Option<f64>,
    /// What is to be said about that.
    pub note: String,
}

impl Measured {
    /// True if the challenge's limit holds.
    pub fn holds(&self) -> bool {
        match (self.value, self.below) {
            (_, None) => true,
            (Some(value), Some(below)) => value < below,
            (None, Some(_)) => false,
        }
    }

    /// True if the goal is reached, or there is none. Over many seeds it is the mean's.
    pub fn reaches_goal(&self) -> bool {
        let value = self.mean.or(self.value);
        self.goal.is_none_or(|goal| value.is_some_and(|value| value <= goal))
    }

    fn text(&self) -> Option<String> {
        let value = self.shown(self.value?);
        Some(match self.mean {
            Some(mean) => format!("{}, worst {value}", ratio(mean)),
            None => value,
        })
    }

    fn shown(&self, value: f64) -> String {
        match self.unit.as_str() {
            "" => ratio(value),
            unit => format!("{} {unit}", ratio(value)),
        }
    }
}

impl ChallengeRun {
    /// True if the run is valid and every limit holds.
    pub fn holds(&self) -> bool {
        self.validity == Validity::Valid && self.measures.iter().all(Measured::holds)
    }

    /// The id, with a star if the challenge is kolk's own.
    fn marked_id(&self) -> String {
        format!("{}{}", self.id, if self.is_ours { "*" } else { "" })
    }

    fn outcome(&self) -> String {
        match self.seeds {
            Some(Seeds { run, held, .. }) => format!("{held} of {run}"),
            None => self.validity.name().to_owned(),
        }
    }
}

/// A challenge as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What one types: `3d`.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What must hold, in a line.
    pub condition: &'static str,
    /// True if it is no challenge of the Gossip Glomers but kolk's own.
    pub is_ours: bool,
    /// Its runs: what each is for, and its flags of `test`.
    pub runs: Vec<(&'static str, String)>,
}

/// The list of challenges: for each what must hold, and with which flags it is run.
pub fn list(challenges: &[Described], style: Style) -> String {
    let mut out = String::new();
    for challenge in challenges {
        let ours = if challenge.is_ours { "  (kolk's own, for the built-in node)" } else { "" };
        out.push_str(&format!(
            "{} {}{}\n",
            style.paint(Role::Strong, format!("{:<15}", challenge.id)),
            challenge.title,
            style.paint(Role::Faint, ours)
        ));
        out.push_str(&format!("{:16}{}\n", "", challenge.condition));
        for (_, flags) in &challenge.runs {
            out.push_str(&format!("{:16}{}\n", "", style.paint(Role::Faint, flags)));
        }
    }
    out
}

/// The line for a run that has just ended, with `width` columns for its name.
pub fn line(run: &ChallengeRun, width: usize, style: Style) -> String {
    let mark = if run.validity == Validity::Valid && !run.holds() {
        symbol(Validity::Invalid, style)
    } else {
        symbol(run.validity, style)
    };
    let outcome = run.outcome();
    let outcome_width = if run.seeds.is_some() { 12 } else { 8 };
    let (id, name) = (run.marked_id(), &run.name);
    let mut text = format!("{mark} {id:<15} {name:<width$} {outcome:<outcome_width$}");
    text.push_str(&style.paint(Role::Faint, &run.time).to_string());
    if let Some(seed) = run.seeds.and_then(|seeds| seeds.first_failed) {
        text.push_str(&format!(" · seed {seed:#x} fails"));
    }
    let first = run.measures.first().and_then(|measured| Some((measured.text()?, measured)));
    if let Some((value, measured)) = first {
        text.push_str(&format!(" · {value} {}", measured.name));
    }
    text.push('\n');
    if let Some(claim) = &run.claim {
        text.push_str(&format!("    {}\n", sanitize(claim)));
        text.push_str(&format!("    {}\n", style.paint(Role::Faint, sanitize(&run.folder))));
    }
    text
}

/// What was measured, with its limits, of those runs that have any; empty if none has.
pub fn measured(runs: &[&ChallengeRun], style: Style) -> String {
    let runs: Vec<&ChallengeRun> =
        runs.iter().copied().filter(|run| !run.measures.is_empty()).collect();
    if runs.is_empty() { String::new() } else { table::draw(&rows(&runs), 0, style) }
}

/// The rows of a table of runs.
fn rows(runs: &[&ChallengeRun]) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    if runs.iter().any(|run| !run.measures.is_empty()) {
        let heads = ["challenge", "", "measured", "", "limit", "", "published"];
        rows.push(heads.map(|head| Cell::left(head).role(Role::Faint)).to_vec());
    }
    for run in runs {
        let holds = run.holds();
        let (role, mark) = if holds { (Role::Good, "✓") } else { (Role::Bad, "✗") };
        let mut begin = vec![
            Cell::left(format!("{mark} {} {}", run.marked_id(), run.name)).role(role),
            Cell::left(run.outcome()),
        ];
        if run.measures.is_empty() {
            rows.push(begin.clone());
        }
        for measured in &run.measures {
            let mut row = std::mem::replace(&mut begin, vec![Cell::left(""), Cell::left("")]);
            row.extend(measured_cells(measured));
            rows.push(row);
        }
    }
    rows
}

/// The table of all runs, and a line on whether all hold.
pub fn table(runs: &[ChallengeRun], style: Style) -> String {
    let rows = rows(&runs.iter().collect::<Vec<_>>());
    let mut out = table::draw(&rows, 0, style);
    if runs.iter().any(|run| run.is_ours) {
        let words = "* kolk's own: a challenge of the Gossip Glomers, passed in another way";
        out.push_str(&format!("{}\n", style.paint(Role::Faint, words)));
    }
    out.push_str(&missed_goals(runs, style));
    let failed = runs.iter().filter(|run| !run.holds()).count();
    out.push('\n');
    let (good, bad) = (style.paint(Role::Good, "✓"), style.paint(Role::Bad, "✗"));
    out.push_str(&match (failed, runs.len()) {
        (0, 1) => format!("{good} it holds\n"),
        (0, count) => format!("{good} all {count} runs hold\n"),
        (_, 1) => format!("{bad} it does not hold\n"),
        (failed, count) => format!("{bad} {failed} of {count} runs do not hold\n"),
    });
    out
}

/// What kolk's own nodes fall short of. It stands by itself: the limits are the challenge's.
fn missed_goals(runs: &[ChallengeRun], style: Style) -> String {
    let mut lines = Vec::new();
    for run in runs {
        for measured in run.measures.iter().filter(|measured| !measured.reaches_goal()) {
            let Some((goal, value)) = measured.goal.zip(measured.text()) else { continue };
            let (id, name, goal) = (&run.id, &run.name, measured.shown(goal));
            lines.push(format!(
                "  {id} {name}: {value} {}; the goal is at most {goal}",
                measured.name
            ));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    lines.insert(0, "short of kolk's own goals for this node:".to_owned());
    lines.iter().map(|line| format!("{}\n", style.paint(Role::Faint, line))).collect()
}

fn measured_cells(measured: &Measured) -> [Cell; 5] {
    let value = measured.text().unwrap_or_else(|| "–".to_owned());
    let (role, mark) = match (measured.below, measured.holds()) {
        (None, _) => (Role::Faint, ""),
        (Some(_), true) => (Role::Good, "✓"),
        (Some(_), false) => (Role::Bad, "✗"),
    };
    let limit =
        measured.below.map_or(String::new(), |below| format!("< {}", measured.shown(below)));
    let record = measured.record.map_or(String::new(), |record| measured.shown(record));
    [
        Cell::right(value).role(Role::Strong),
        Cell::left(measured.name.as_str()),
        Cell::right(limit),
        Cell::left(mark).role(role),
        Cell::left(record).role(Role::Faint),
    ]
}
