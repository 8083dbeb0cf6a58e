//! Commands that Maelstrom or Jepsen have and kolk has not: what serves in their place.

use kolk_report::failure::{Failure, Trouble};

use crate::status::Stop;

fn elsewhere(command: &str, advice: &[&str]) -> Stop {
    let failure = Failure::new(Trouble::Arguments, format!("kolk has no command `{command}`"));
    Stop::user(advice.iter().fold(failure, |failure, line| failure.advice(*line)))
}

/// Maelstrom's `demo` runs the nodes of its own repository.
pub fn demo() -> Stop {
    elsewhere(
        "demo",
        &[
            "kolk challenge all runs the built-in nodes through every challenge",
            "kolk node --list shows them; kolk test -w echo --node echo tests one",
        ],
    )
}

/// Maelstrom's `doc` writes its pages on workloads and services.
pub fn doc() -> Stop {
    elsewhere(
        "doc",
        &[
            "kolk help protocol, kolk help workload, kolk help service and kolk help error print \
             the same pages",
            "kolk help COMMAND shows every flag with examples, and kolk man makes manual pages",
        ],
    )
}

/// Jepsen's `analyze` judges a stored test again.
pub fn analyze() -> Stop {
    elsewhere(
        "analyze",
        &[
            "kolk check store/latest/history.jsonl -w WORKLOAD judges a stored history again",
            "kolk report store/latest draws a stored run again",
        ],
    )
}
