//! Failures: what went wrong, why, what to do.

use kolk_check::Kind;
use kolk_history::summary::Violation;

use crate::sanitize::{excerpt, sanitize};
use crate::style::{Role, Style};
use crate::violation;

pub mod trouble;

pub use trouble::Trouble;

/// How many lines of a node's output are shown, of each kind.
const TAIL_LINES: usize = 16;

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind of trouble it is: the book has a section on each.
    pub trouble: Trouble,
    /// What could not be done, as a lower-case sentence fragment.
    pub problem: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do, sentences.
    pub advice: Vec<String>,
    /// What a program printed before it failed: a name and its last lines, oldest first.
    pub output: Vec<(String, Vec<String>)>,
    /// A line that a node should not have written.
    pub violation: Option<Box<Violation>>,
}

impl Failure {
    /// A failure without a cause beyond itself.
    pub fn new(trouble: Trouble, problem: impl Into<String>) -> Failure {
        Failure {
            trouble,
            problem: problem.into(),
            causes: Vec::new(),
            advice: Vec::new(),
            output: Vec::new(),
            violation: None,
        }
    }

    /// The same failure with a line of advice; nothing if it is empty.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Failure {
        let advice = advice.into();
        if !advice.is_empty() {
            self.advice.push(advice);
        }
        self
    }

    /// The same failure with another cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Failure {
        self.causes.push(cause.into());
        self
    }

    /// The same failure with what a program printed; nothing if it printed nothing.
    #[must_use]
    pub fn output(mut self, name: impl Into<String>, lines: &[String]) -> Failure {
        if !lines.is_empty() {
            self.output.push((name.into(), lines.to_vec()));
        }
        self
    }

    /// The same failure with the line that is at fault, if one is.
    #[must_use]
    pub fn violation(mut self, violation: Option<Box<Violation>>) -> Failure {
        self.violation = violation;
        self
    }

    /// Draws it.
    pub fn draw(&self, style: Style) -> String {
        let mut out = match &self.violation {
            Some(found) => {
                violation::draw_under(Some(&self.problem), found, None, style).trim_end().to_owned()
                    + "\n"
            }
            None => format!("{} {}\n", style.paint(Role::Bad, "error:"), sanitize(&self.problem)),
        };
        for cause in &self.causes {
            let mut lines = cause.lines();
            out.push_str(&format!("  because {}\n", sanitize(lines.next().unwrap_or_default())));
            lines.for_each(|line| out.push_str(&format!("  {}\n", sanitize(line))));
        }
        for (name, lines) in &self.output {
            let shown = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            out.push_str(&format!("  {}:\n", style.paint(Role::Faint, sanitize(name))));
            for line in shown {
                let line = excerpt(line, None, style.width.saturating_sub(6));
                out.push_str(&format!("    {} {}\n", style.paint(Role::Faint, "|"), line.text));
            }
        }
        for advice in &self.advice {
            out.push_str(&format!(
                "  {} {}\n",
                style.paint(Role::Command, "help:"),
                sanitize(advice)
            ));
        }
        if let Some(page) = self.page() {
            out.push_str(&format!("  {} {page}\n", style.paint(Role::Command, "more:")));
        }
        out
    }

    /// The command that prints the section of the book about it. What is wrong with arguments is
    /// said whole by the message.
    fn page(&self) -> Option<String> {
        match (&self.violation, self.trouble) {
            (Some(found), _) => Some(format!("kolk help anomaly {}", Kind::Protocol(found.kind))),
            (None, Trouble::Arguments) => None,
            (None, trouble) => Some(format!("kolk help trouble {trouble}")),
        }
    }
}
