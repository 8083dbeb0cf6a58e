//! `kolk merge`.

use std::collections::BTreeSet;
use std::path::Path;

use kolk_explore::sweep::Results;
use kolk_report::failure::{Failure, Trouble};

use super::explore::{sweep, tell};
use crate::args::MergeArgs;
use crate::status::{Status, Stop};

/// Puts together what several processes of a sweep found: one report, as of one process.
pub fn run(args: &MergeArgs) -> Result<Status, Stop> {
    let mut results = Results::default();
    for path in &args.files {
        let text = std::fs::read(path).map_err(|error| {
            let failure = Failure::new(Trouble::Sweep, format!("cannot read {}", path.display()));
            Stop::user(failure.cause(error.to_string()))
        })?;
        sweep::take(&mut results, path, &text)?;
    }
    if results.sweep().is_none() {
        let failure = Failure::new(Trouble::Sweep, "there are no results in these files");
        return Err(Stop::user(failure.advice("`kolk explore --seeds A..B` writes them")));
    }
    if let Some(folder) = &args.plans {
        write_plans(&results, folder).map_err(|error| {
            let failure =
                Failure::new(Trouble::Files, format!("cannot write plans to {}", folder.display()));
            Stop::internal(failure.cause(error.to_string()))
        })?;
    }
    let explored = sweep::explored(&results, None);
    tell(args.json, &args.formats, &explored)?;
    Ok(sweep::status(&explored))
}

/// The plan of the smallest seed of each class.
fn write_plans(results: &Results, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut written = BTreeSet::new();
    for line in results.lines().values() {
        let (Some(class), Some(plan)) = (line.classes.first(), &line.plan) else { continue };
        if written.insert(class) {
            // Of a class like `protocol/storm` no folder is made.
            let name = class.to_string().replace('/', "-");
            let json = serde_json::to_string_pretty(plan).expect("a plan can be stored");
            std::fs::write(folder.join(format!("{name}-{}.json", line.seed)), json + "\n")?;
        }
    }
    Ok(())
}
