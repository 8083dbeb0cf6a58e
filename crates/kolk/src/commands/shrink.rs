//! `kolk shrink`.

use std::path::{Path, PathBuf};

use kolk_explore::{run_all, shrink};
use kolk_history::plan::ClockKind;
use kolk_report::explore::sizes;
use kolk_report::failure::{Failure, Trouble};
use kolk_report::{Role, sanitize::sanitize};

use super::explore::bench::Bench;
use super::explore::{keep, step_text};
use crate::args::{OutputArgs, ShrinkArgs};
use crate::progress::Bar;
use crate::status::{Status, Stop};
use crate::{commands, request, signals, terminal};

/// Makes a stored run that fails small, and stores what is left beside it.
pub fn run(args: &ShrinkArgs) -> Result<Status, Stop> {
    let plan = request::stored_plan(&args.run)?;
    let bar = Bar::new("shrinking", args.output.quiet || args.output.json);
    let bench = Bench::of_plan(&bar, args.patience, Some(args.time), &plan);
    let seen =
        run_all(&bench, std::slice::from_ref(&plan), false, |_| true).map_err(|stop| *stop)?;
    let Some((_, seen)) = seen.into_iter().next() else { return Ok(Status::Interrupted) };
    let named = |class: &&kolk_explore::Class| {
        args.class.as_ref().is_none_or(|name| class.to_string() == *name || class.kind == *name)
    };
    let Some(class) = seen.classes.iter().find(named) else {
        bar.finish();
        return holds(args, &seen, plan.clock);
    };
    let shrunk = shrink(&bench, &plan, class, &mut |what, size| bar.tell(&step_text(what, size)));
    let Some(shrunk) = shrunk.map_err(|stop| *stop)? else {
        bar.finish();
        return holds(args, &seen, plan.clock);
    };
    bar.finish();
    let output =
        OutputArgs { store: store_of(&args.run, &args.output.store), ..args.output.clone() };
    let original = args.run.display().to_string();
    let kept = keep(&shrunk, &plan, &class.to_string(), &original, &bench, &output)?;
    let (small, finished) = kept;
    if args.output.json {
        terminal::print(&small.json());
        return Ok(Status::Invalid);
    }
    commands::show(&finished, &args.output);
    if !args.output.quiet {
        let style = terminal::out_style();
        let mut text = format!("\n  shrunk  {}\n", sanitize(&sizes(&small)));
        for step in &small.steps {
            text += &format!("          {}\n", style.paint(Role::Faint, sanitize(step)));
        }
        if let Some(holds) = &small.holds {
            text += &format!("          {}\n", sanitize(holds));
        }
        if signals::stop_wanted() || !small.is_least {
            text += "          there was no time to look for less: --for gives more\n";
        }
        terminal::print(&text);
    }
    Ok(Status::Invalid)
}

/// There is nothing to make small.
fn holds(
    args: &ShrinkArgs,
    seen: &kolk_explore::Observation,
    clock: ClockKind,
) -> Result<Status, Stop> {
    if signals::stop_wanted() {
        return Ok(Status::Interrupted);
    }
    if let (Some(class), false) = (&args.class, seen.classes.is_empty()) {
        let found: Vec<String> = seen.classes.iter().map(ToString::to_string).collect();
        let failure = Failure::new(Trouble::Arguments, format!("the run shows no `{class}`"));
        return Err(Stop::user(failure.advice(format!("it shows {}", found.join(", ")))));
    }
    let run = args.run.display();
    let why = match clock {
        ClockKind::Virtual => "",
        ClockKind::Real => " (on the machine's clock it may another time)",
    };
    terminal::print(&format!("{} does not fail: there is nothing to shrink{why}\n", run));
    Ok(Status::from(seen.validity))
}

/// The store that a run lies in, or the one that was named.
fn store_of(run: &Path, named: &Path) -> PathBuf {
    let folder = std::fs::canonicalize(run).ok().filter(|path| path.is_dir());
    let store = folder.as_deref().and_then(Path::parent).and_then(Path::parent);
    let store = store.filter(|store| store.join("latest").is_symlink());
    // What is named as a path from here is shown so, too.
    let here = std::env::current_dir().ok().and_then(|here| std::fs::canonicalize(here).ok());
    match (store, here) {
        (Some(store), Some(here)) => store.strip_prefix(&here).unwrap_or(store).to_owned(),
        (Some(store), None) => store.to_owned(),
        (None, _) => named.to_owned(),
    }
}
