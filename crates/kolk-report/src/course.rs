//! The course: where one is, a task, and what came of a check, for people, as JSON and as JUnit's
//! XML.

use serde_json::{Value, json};

use crate::challenge::{ChallengeRun, Measured, Seeds};
use crate::sanitize::sanitize;
use crate::style::{Role, Style};
use crate::xml::xml;

/// A stage as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What one types.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// True if its limits are kolk's own.
    pub is_ours: bool,
    /// True once it was passed.
    pub is_passed: bool,
    /// How many hints were given, and how many there are.
    pub hints: (usize, usize),
}

/// A task as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The stage's id.
    pub id: &'static str,
    /// The stage's title.
    pub title: &'static str,
    /// What is to be done.
    pub text: &'static str,
    /// Lines behind it: what each is, and it.
    pub lines: Vec<(&'static str, String)>,
}

/// What came of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The stage's id.
    pub id: &'static str,
    /// The stage's title.
    pub title: &'static str,
    /// Its runs, those that were carried out.
    pub runs: Vec<ChallengeRun>,
    /// Why it could not be carried out.
    pub trouble: Option<String>,
}

impl Checked {
    /// True if all of it holds.
    pub fn holds(&self) -> bool {
        self.trouble.is_none() && self.runs.iter().all(ChallengeRun::holds)
    }

    /// Why it does not hold.
    fn reason(&self) -> Option<String> {
        let failed = self.runs.iter().find(|run| !run.holds());
        let reason =
            |run: &ChallengeRun| match (&run.claim, run.measures.iter().find(|one| !one.holds())) {
                (Some(claim), _) => claim.clone(),
                (None, Some(measured)) => format!("{} is beyond the limit", measured.name),
                (None, None) => run.validity.name().to_owned(),
            };
        self.trouble.clone().or_else(|| failed.map(reason))
    }
}

/// How many columns a text has.
const WIDTH: usize = 96;

/// A text in lines, each behind a blank margin.
pub fn wrapped(text: &str, margin: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > margin && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(&" ".repeat(margin));
            column = margin;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}

/// All stages, with a mark for those that were passed, and for the next.
pub fn list(stages: &[Stage], next: Option<&str>, style: Style) -> String {
    let passed = stages.iter().filter(|stage| stage.is_passed).count();
    let mut out = format!(
        "{}\n\n",
        style.paint(
            Role::Strong,
            format!("the course · {passed} of {} stages passed", stages.len())
        )
    );
    // The longest name has a star and a blank behind it.
    let width = stages.iter().map(|stage| stage.id.len()).max().unwrap_or_default() + 2;
    for stage in stages {
        let (role, mark) = match (stage.is_passed, next == Some(stage.id)) {
            (true, _) => (Role::Good, "✓"),
            (false, true) => (Role::Strong, "→"),
            (false, false) => (Role::Faint, " "),
        };
        let star = if stage.is_ours { "*" } else { "" };
        let line = format!("  {mark} {:<width$}{}", format!("{}{star}", stage.id), stage.title);
        out.push_str(&format!("{}\n", style.paint(role, line)));
    }
    out.push_str(&format!(
        "    {}\n",
        style.paint(Role::Faint, "* kolk's own, with limits of its own")
    ));
    out
}

/// A stage's task.
pub fn task(task: &Task, style: Style) -> String {
    let heading = style.paint(Role::Strong, format!("{} · {}", task.id, task.title));
    let mut out = format!("{heading}\n{}\n", wrapped(task.text, 2));
    for (what, line) in &task.lines {
        let what = style.paint(Role::Faint, format!("{what:<8}")).to_string();
        out.push_str(&format!("  {what} {}\n", sanitize(line)));
    }
    out
}

/// A hint, and how many there are.
pub fn hint(id: &str, number: usize, count: usize, text: &str, style: Style) -> String {
    let heading = style.paint(Role::Strong, format!("{id} · hint {number} of {count}"));
    format!("{heading}\n{}", wrapped(text, 2))
}

/// Where one is, as JSON with an end of line.
pub fn progress_json(stages: &[Stage], next: Option<&str>) -> String {
    let shown = |stage: &Stage| {
        json!({
            "id": stage.id,
            "title": stage.title,
            "kolks-own": stage.is_ours,
            "passed": stage.is_passed,
            "hints-given": stage.hints.0,
            "hints": stage.hints.1,
        })
    };
    let passed = stages.iter().filter(|stage| stage.is_passed).count();
    let stages: Vec<Value> = stages.iter().map(shown).collect();
    format!("{:#}\n", json!({"passed": passed, "next": next, "stages": stages}))
}

/// What came of a check, as JSON with an end of line.
pub fn json(checked: &[Checked]) -> String {
    let measure = |measured: &Measured| {
        json!({
            "name": measured.name,
            "unit": measured.unit,
            "value": measured.value,
            "below": measured.below,
        })
    };
    let seeds = |seeds: Seeds| {
        let first_failed = seeds.first_failed.map(|seed| format!("{seed:#x}"));
        json!({"run": seeds.run, "held": seeds.held, "first-failed": first_failed})
    };
    let run = |run: &ChallengeRun| {
        json!({
            "name": run.name,
            "holds": run.holds(),
            "valid": run.validity.name(),
            "claim": run.claim,
            "measures": run.measures.iter().map(measure).collect::<Vec<_>>(),
            "seeds": run.seeds.map(seeds),
            "folder": run.folder,
        })
    };
    let stage = |stage: &Checked| {
        json!({
            "id": stage.id,
            "title": stage.title,
            "holds": stage.holds(),
            "reason": stage.reason(),
            "runs": stage.runs.iter().map(run).collect::<Vec<_>>(),
        })
    };
    let held = checked.iter().filter(|stage| stage.holds()).count();
    let stages: Vec<Value> = checked.iter().map(stage).collect();
    format!("{:#}\n", json!({"held": held, "checked": checked.len(), "stages": stages}))
}

/// What came of a check, as a file of JUnit's: a test case for each stage.
pub fn junit(checked: &[Checked]) -> String {
    let failed = checked.iter().filter(|stage| !stage.holds()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"kolk \
         learn\" tests=\"{}\" failures=\"{failed}\">\n",
        checked.len()
    );
    for stage in checked {
        let name = xml(&format!("{} {}", stage.id, stage.title));
        out += &format!("    <testcase classname=\"kolk learn\" name=\"{name}\"");
        out += &match stage.reason() {
            None => "/>\n".to_owned(),
            Some(reason) => {
                format!(">\n      <failure message=\"{}\"/>\n    </testcase>\n", xml(&reason))
            }
        };
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// How many hold, in a line.
pub fn held(checked: &[Checked]) -> String {
    let failed = checked.iter().filter(|stage| !stage.holds()).count();
    match (failed, checked.len()) {
        (0, 1) => "it holds".to_owned(),
        (0, count) => format!("all {count} stages hold"),
        (_, 1) => "it does not hold".to_owned(),
        (failed, count) => format!("{failed} of {count} stages do not hold"),
    }
}

#[cfg(test)]
mod tests {
    use kolk_check::Validity;

    use super::*;

    fn run(validity: Validity, claim: Option<&str>) -> ChallengeRun {
        ChallengeRun {
            id: "1".to_owned(),
            is_ours: false,
            name: "echo".to_owned(),
            validity,
            claim: claim.map(str::to_owned),
            measures: Vec::new(),
            time: String::new(),
            folder: String::new(),
            seeds: None,
        }
    }

    #[test]
    fn texts_are_wrapped() {
        let text = "word ".repeat(30);
        let wrapped = wrapped(&text, 2);
        assert!(wrapped.lines().all(|line| line.starts_with("  word") && line.len() <= WIDTH));
        assert_eq!(wrapped.split_whitespace().count(), 30);
    }

    #[test]
    fn what_came_of_a_check_is_told_to_programs() {
        let stage = |runs, trouble: Option<&str>| Checked {
            id: "1",
            title: "Echo",
            runs,
            trouble: trouble.map(str::to_owned),
        };
        let checked = [
            stage(vec![run(Validity::Valid, None)], None),
            stage(vec![run(Validity::Invalid, Some("a < b & \"c\""))], None),
            stage(Vec::new(), Some("there is no program")),
        ];
        let text = junit(&checked);
        assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
        assert!(text.contains("tests=\"3\" failures=\"2\""), "{text}");
        let json: Value = serde_json::from_str(&json(&checked)).expect("JSON");
        assert_eq!((&json["held"], &json["checked"]), (&json!(1), &json!(3)));
        assert_eq!(json["stages"][2]["reason"], "there is no program");
        assert_eq!(held(&checked), "2 of 3 stages do not hold");
        assert_eq!(held(&checked[..1]), "it holds");
    }
}
