//! `kolk store prune`: a store does not grow for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use kolk_report::failure::{Failure, Trouble};
use kolk_report::numbers::{bytes, counted};

use crate::args::PruneArgs;
use crate::status::{Status, Stop};
use crate::store::{self, StoredRun};
use crate::terminal;

/// Removes runs, and says which.
pub fn run(args: &PruneArgs) -> Result<Status, Stop> {
    if !args.store.is_dir() {
        let failure = Failure::new(
            Trouble::RunFolder,
            format!("there is no folder {}", args.store.display()),
        )
        .advice("name the folder that runs are stored in with --store");
        return Err(Stop::user(failure));
    }
    let runs = store::runs(&args.store).map_err(|error| {
        let problem = format!("cannot read the store {}", args.store.display());
        Stop::user(Failure::new(Trouble::RunFolder, problem).cause(error.to_string()))
    })?;
    let linked = linked(&args.store);
    let age_min = args.older_than.map(|days| Duration::from_secs_f64(days * 86_400.0));
    let is_old = |run: &StoredRun| age_min.is_none_or(|least| run.age > least);
    let (mut removed, mut freed, mut kept) = (0_u64, 0, 0_u64);
    let (mut workload, mut newer) = (String::new(), 0);
    // The newest of each workload come first.
    for run in &runs {
        if run.workload != workload {
            (workload, newer) = (run.workload.clone(), 0);
        }
        newer += 1;
        let stays = newer <= args.keep || !is_old(run) || linked.contains(&run.path);
        if stays || store::goes_on(&run.path) {
            kept += 1;
            continue;
        }
        let size = store::size(&run.path);
        if !args.dry_run {
            fs::remove_dir_all(&run.path)
                .with_context(|| format!("cannot remove {}", run.path.display()))?;
        }
        let verb = if args.dry_run { "would remove" } else { "removed" };
        terminal::print(&format!("{verb} {} ({})\n", run.path.display(), bytes(size)));
        removed += 1;
        freed += size;
    }
    let verb = if args.dry_run { "would go" } else { "gone" };
    terminal::print(&format!(
        "{}: {} {verb}, {}; {} kept\n",
        args.store.display(),
        counted(removed, "run", "runs"),
        bytes(freed),
        counted(kept, "run", "runs"),
    ));
    Ok(Status::Valid)
}

/// The runs that a link of the store leads to.
fn linked(store: &Path) -> BTreeSet<PathBuf> {
    let workloads = fs::read_dir(store).into_iter().flatten().filter_map(Result::ok);
    let folders = workloads.map(|entry| entry.path()).chain([store.to_owned()]);
    let links = folders.flat_map(|folder| ["latest", "current"].map(|link| folder.join(link)));
    let target = |link: PathBuf| {
        let target = fs::read_link(&link).ok()?;
        Some(link.parent()?.join(target))
    };
    links.filter_map(target).collect()
}
