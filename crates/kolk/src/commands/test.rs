//! `kolk test`.

use std::fs::File;
use std::io::{BufRead, BufReader};

use kolk_report::Role;
use kolk_report::sanitize::sanitize;

use crate::args::TestArgs;
use crate::progress::Bar;
use crate::runner::{self, Finished, Watch};
use crate::status::{Status, Stop};
use crate::{commands, request, terminal};

/// Runs the tests; the first that is not valid ends them, as in the original.
pub fn run(args: &TestArgs) -> Result<Status, Stop> {
    note_ignored(args);
    let watch = Watch {
        sends: args.log_net_send,
        receives: args.log_net_recv,
        patience: args.patience.into(),
        challenge: None,
    };
    let mut status = Status::Valid;
    for number in 0..args.test_count {
        let seed = match args.run.seed {
            Some(seed) => seed.wrapping_add(u64::from(number)),
            None => request::fresh_seed()?,
        };
        let plan = request::plan_of(&args.run, seed)?;
        let mut bar = Bar::new(plan.workload.name.clone(), watch.sends || watch.receives);
        let finished = runner::run(plan, &args.output.store, watch, &mut bar)?;
        bar.finish();
        if args.log_stderr {
            show_logs(&finished);
        }
        if args.test_count > 1 && !args.output.json {
            let style = terminal::out_style();
            let count = format!("test {} of {}", number + 1, args.test_count);
            terminal::print(&format!("{}\n", style.paint(Role::Faint, count)));
        }
        commands::show(&finished, args.output.json);
        status = finished.status();
        if status != Status::Valid {
            break;
        }
        if number + 1 < args.test_count && !args.output.json {
            terminal::print("\n");
        }
    }
    Ok(status)
}

fn note_ignored(args: &TestArgs) {
    let given = args.ignored.given();
    if !given.is_empty() {
        let style = terminal::error_style();
        let note = style.paint(Role::Doubtful, "note:");
        let verb = if given.len() == 1 { "has" } else { "have" };
        terminal::print_error(&format!("{note} {} {verb} no meaning here\n", given.join(", ")));
    }
}

/// What the nodes wrote to stderr, line by line, with their names.
fn show_logs(finished: &Finished) {
    for node in &finished.plan.nodes {
        let Ok(file) = File::open(finished.folder.join("node-logs").join(format!("{node}.log")))
        else {
            continue;
        };
        for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            terminal::print_error(&format!("{node} | {}\n", sanitize(line.trim_end_matches('\r'))));
        }
    }
}
