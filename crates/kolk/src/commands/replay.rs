//! `kolk replay`.

use std::path::Path;

use kolk_history::Plan;
use kolk_history::plan::NodeSpec;
use kolk_report::Role;
use kolk_report::style::Style;

use crate::args::ReplayArgs;
use crate::progress::Bar;
use crate::runner::{self, Finished, Watch};
use crate::status::{Status, Stop};
use crate::{commands, program, request, stored, terminal};

/// Runs a stored plan again, and says whether the run is the same.
pub fn run(args: &ReplayArgs) -> Result<Status, Stop> {
    let plan = request::stored_plan(&args.run)?;
    let stored = stored_digest(&args.run);
    let is_changed = program_changed(&plan)?;
    let mut bar = Bar::new(plan.workload.name.clone(), args.output.quiet);
    let watch = Watch { room: args.room.into(), ..Watch::default() };
    let finished = runner::run(plan, &args.output.store, watch, &mut bar)?;
    bar.finish();
    commands::show(&finished, &args.output);
    // Where JSON is wanted, standard output holds nothing else.
    let (style, print): (Style, fn(&str)) = if args.output.json {
        (terminal::error_style(), terminal::print_error)
    } else {
        (terminal::out_style(), terminal::print)
    };
    print(&comparison(&finished, stored.as_deref(), is_changed, style));
    Ok(finished.status())
}

/// The digest of the run that is repeated, if its results are there.
fn stored_digest(run: &Path) -> Option<String> {
    let text = stored::text(run, "results.json").ok()?;
    let results: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(results.get("run")?.get("digest")?.as_str()?.to_owned())
}

/// Whether the program under test is another one than when the plan was made.
fn program_changed(plan: &Plan) -> Result<bool, Stop> {
    match &plan.node {
        NodeSpec::Program { path, sha256, .. } => {
            Ok(program::find(Path::new(path))?.sha256 != *sha256)
        }
        NodeSpec::BuiltIn { .. } => Ok(plan.kolk_version != env!("CARGO_PKG_VERSION")),
    }
}

fn comparison(finished: &Finished, stored: Option<&str>, is_changed: bool, style: Style) -> String {
    let mut out = String::from("\n");
    let doubtful = style.paint(Role::Doubtful, "!").to_string();
    if is_changed {
        out.push_str(&format!("  {doubtful} the node has changed since the plan was made\n"));
    }
    let line = match stored {
        _ if !runner::is_deterministic(&finished.plan) => format!(
            "{doubtful} repeated: the same operations, faults and latencies; the order in which \
             things happened is the operating system's"
        ),
        None => return String::new(),
        Some(digest) if digest == finished.facts.digest => {
            let mark = style.paint(Role::Good, "✓");
            format!("{mark} the same run, byte for byte (digest {digest})")
        }
        Some(_) if !finished.run.summary.unrepeatable.is_empty() => format!(
            "{doubtful} repeated, and not exactly: some of it was left to the operating system's \
             timing, as is said above"
        ),
        Some(digest) => {
            let mark = style.paint(Role::Bad, "✗");
            let digests = format!("digest {digest} then, {} now", finished.facts.digest);
            let why = if finished.plan.is_traced() && !is_changed {
                "\n    The program takes something from outside of the run that kolk cannot see: \
                 files, the\n    network, the processor's random numbers. That it is called \
                 deterministic above is wrong."
            } else {
                ""
            };
            format!("{mark} another run than the stored one: {digests}{why}")
        }
    };
    out.push_str(&format!("  {line}\n"));
    out
}
