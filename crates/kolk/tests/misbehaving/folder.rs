//! Run folders can be read, however the run ended.

use std::fs;
use std::path::Path;

use kolk_history::Plan;
use serde_json::Value;

/// Fails unless the folder holds what it must after a run that ended with this status.
pub fn check(run: &Path, status: i32) {
    let read = |name: &str| {
        fs::read_to_string(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let plan: Plan = serde_json::from_str(&read("plan.json")).expect("a plan");
    for node in &plan.nodes {
        assert!(run.join("node-logs").join(format!("{node}.log")).exists(), "{node}'s log");
    }
    for name in ["journal.jsonl", "history.jsonl"] {
        for line in read(name).lines() {
            // A node may write numbers that no float holds.
            let event = kolk_history::Value::from_json(line);
            let is_map = event.is_ok_and(|event| matches!(event, kolk_history::Value::Map(_)));
            assert!(is_map, "{name}: {line}");
        }
    }
    // A run that never began has no results.
    if status != 254 {
        let results: Value = serde_json::from_str(&read("results.json")).expect("results");
        let valid = match status {
            0 => Value::Bool(true),
            1 => Value::Bool(false),
            2 => Value::String("unknown".into()),
            _ => results["valid"].clone(),
        };
        assert_eq!(results["valid"], valid, "{results}");
        assert!(read("results.edn").starts_with('{'), "results.edn");
        assert!(run.join("history.txt").exists() && run.join("history.edn").exists());
    }
}
