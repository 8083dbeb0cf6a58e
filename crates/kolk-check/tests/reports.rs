//! Small histories that were told of in public, each with what is true of it.
//!
//! Each was typed anew from an issue, a test or a text of the project that its file is named after;
//! `expected.json` says which models it has, by trying all orders, and whether it is valid at all.

use std::fs;
use std::path::{Path, PathBuf};

use kolk_check::models::Models;
use kolk_check::txn::Levels;
use kolk_check::{Options, Validity, check_run};
use kolk_history::{ReadError, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports")
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(entries) = value else { return None };
    entries.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

fn judge(file: &str, workload: &str, model: &str) -> Result<Validity, ReadError> {
    let text = fs::read(folder().join(file)).expect("a history");
    let history = kolk_history::read(text.as_slice(), Vec::new())?;
    let consistency_models: Models = model.parse().expect("a model");
    let (levels, strict) = (Levels::Exact, true);
    let options = Options { workload, consistency_models, levels, strict, ..Options::default() };
    Ok(check_run(&history, None, &options).validity)
}

#[test]
fn public_reports_are_judged_as_is_true() {
    let expected = fs::read_to_string(folder().join("expected.json")).expect("the answers");
    let Ok(Value::Map(reports)) = Value::from_json(&expected) else { panic!("no answers") };
    for (file, report) in reports.iter() {
        let file = file.as_str().expect("a file");
        let workload = field(report, "workload").and_then(Value::as_str).expect("a workload");
        if field(report, "error").is_some() {
            assert!(judge(file, workload, "").is_err(), "{file}");
            continue;
        }
        let one = [(Value::text(""), field(report, "valid").cloned().unwrap_or(Value::Null))];
        let answers = match field(report, "models") {
            Some(Value::Map(models)) => models.to_vec(),
            _ => one.to_vec(),
        };
        for (model, holds) in answers {
            let model = model.as_str().unwrap_or_default();
            let validity = judge(file, workload, model).expect("a history");
            assert_eq!(validity.value(), holds, "{file}, {model}: {validity:?}");
        }
    }
}
