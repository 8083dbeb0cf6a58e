//! The line beside the progress bar.

use std::time::Duration;

use crate::numbers::{counted, grouped, ratio};
use crate::sanitize::sanitize;

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The present instant.
    pub now: Duration,
    /// When the run will end, as far as is known.
    pub end: Duration,
    /// What goes on.
    pub stage: &'a str,
    /// Operations invoked.
    pub invoked: u64,
    /// Operations that ended well.
    pub ok: u64,
    /// Operations a second.
    pub rate: f64,
    /// The faults that are open, in words.
    pub faults: &'a [String],
}

/// `load 12.3 of 60 s · 5 012 operations, 4.9/s · partition: n1 | n2 n3`.
pub fn line(facts: &Facts<'_>) -> String {
    let mut text = format!(
        "{} {:.1} of {:.0} s · {}, {}/s",
        facts.stage,
        facts.now.as_secs_f64(),
        facts.end.as_secs_f64(),
        counted(facts.invoked, "operation", "operations"),
        ratio(facts.rate)
    );
    let unanswered = facts.invoked.saturating_sub(facts.ok);
    if unanswered > 0 {
        text.push_str(&format!(" · {} not ok", grouped(unanswered)));
    }
    for fault in facts.faults {
        text.push_str(" · ");
        text.push_str(&sanitize(fault));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_goes_on() {
        let faults = ["n1 cut off".to_owned()];
        let mut facts = Facts {
            now: Duration::from_millis(12_340),
            end: Duration::from_secs(60),
            stage: "load",
            invoked: 5012,
            ok: 5012,
            rate: 406.2,
            faults: &[],
        };
        assert_eq!(line(&facts), "load 12.3 of 60 s · 5 012 operations, 406/s");
        facts.ok = 5000;
        facts.faults = &faults;
        assert_eq!(
            line(&facts),
            "load 12.3 of 60 s · 5 012 operations, 406/s · 12 not ok · n1 cut off"
        );
    }
}
