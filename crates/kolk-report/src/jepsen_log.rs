//! The last line that Maelstrom prints of a run, and `jepsen.log`, for scripts that look for them.
//!
//! Jepsen logs every operation while the test lasts; those are in `history.txt`. What scripts
//! search its log for is the results and the last line, and what went wrong between a node and the
//! network.

use kolk_check::{Validity, Verdict};
use kolk_history::{Plan, Summary};

use crate::facts::{Ending, Facts};
use crate::results;
use crate::sanitize::sanitize;
use crate::violation;

/// Jepsen's closing line for a verdict (`log-results` in `jepsen/src/jepsen/core.clj`), to the
/// letter: scripts compare it.
pub const fn closing(validity: Validity) -> &'static str {
    match validity {
        Validity::Valid => "Everything looks good! ヽ(‘ー`)ノ",
        Validity::Invalid => "Analysis invalid! (ﾉಥ益ಥ）ﾉ ┻━┻",
        Validity::Unknown => "Errors occurred during analysis, but no anomalies found. ಠ~ಠ",
    }
}

/// The closing line of a run: one that was interrupted never looks good.
pub const fn closing_of(verdict: Validity, ending: &Ending) -> &'static str {
    match (verdict, ending) {
        (Validity::Valid, Ending::Interrupted) => closing(Validity::Unknown),
        (verdict, _) => closing(verdict),
    }
}

/// The log of a finished run.
pub fn draw(plan: &Plan, summary: &Summary, verdict: &Verdict, facts: &Facts) -> String {
    let workload = sanitize(&plan.workload.name);
    let nodes: Vec<String> = plan.nodes.iter().map(|node| format!("{node:?}")).collect();
    let mut out = format!(
        "INFO kolk {}\nINFO Test options:\n{{:name \"{workload}\", :workload :{workload}, :nodes \
         [{}], :concurrency {}, :rate {}, :latency {}, :time-limit {}, :seed \"{:#018x}\"}}\n",
        sanitize(&plan.kolk_version),
        nodes.join(" "),
        plan.concurrency,
        plan.rate,
        plan.network.latency,
        plan.time_limit as f64 / 1e9,
        plan.seed,
    );
    out.push_str(
        "INFO every operation is in history.txt, what nodes wrote to stderr in node-logs\n",
    );
    for violation in &summary.violations {
        out.push_str(&format!(
            "ERROR {} {}: {}\n",
            sanitize(&violation.node),
            violation::title(violation.kind),
            sanitize(&violation.problem)
        ));
        if !violation.line.is_empty() {
            out.push_str(&format!("  {}\n", sanitize(&violation.line)));
        }
    }
    out.push('\n');
    out.push_str(&String::from_utf8_lossy(&results::edn(verdict)));
    out.push_str(&format!("\n{}\n", closing_of(verdict.validity, &facts.ending)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_run_never_looks_good() {
        for (validity, ending, begin) in [
            (Validity::Valid, Ending::Completed, "Everything"),
            (Validity::Invalid, Ending::Completed, "Analysis invalid!"),
            (Validity::Unknown, Ending::Completed, "Errors occurred during analysis"),
            (Validity::Valid, Ending::Interrupted, "Errors occurred during analysis"),
            (Validity::Invalid, Ending::Interrupted, "Analysis invalid!"),
        ] {
            assert!(closing_of(validity, &ending).starts_with(begin), "{validity:?} {ending:?}");
        }
    }
}
