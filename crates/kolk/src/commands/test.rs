//! `kolk test`.

use kolk_check::Validity;
use kolk_report::{Role, jepsen_log};

use crate::args::{RunArgs, TestArgs};
use crate::progress::Bar;
use crate::runner::{self, Watch};
use crate::status::{Status, Stop};
use crate::{commands, request, terminal};

/// Runs the tests; the first that is not valid ends them, as in Maelstrom.
pub fn run(args: &TestArgs) -> Result<Status, Stop> {
    note_ignored(args);
    let asked = RunArgs { node_args: args.args.clone(), ..args.run.clone() };
    let watch = Watch {
        sends: args.log_net_send,
        receives: args.log_net_recv,
        patience: args.patience.into(),
        room: args.room.into(),
        challenge: None,
        ..Watch::default()
    };
    let mut status = Status::Valid;
    for number in 0..args.test_count {
        let seed = match args.run.seed {
            Some(seed) => seed.wrapping_add(u64::from(number)),
            None => request::fresh_seed()?,
        };
        let plan = request::plan_of(&asked, seed)?;
        let is_hidden = watch.sends || watch.receives || args.output.quiet;
        let mut bar = Bar::new(plan.workload.name.clone(), is_hidden);
        let finished = runner::run(plan, &args.output.store, watch, &mut bar)?;
        bar.finish();
        if args.log_stderr {
            commands::show_logs(&finished);
        }
        if args.test_count > 1 && !args.output.json && !args.output.quiet {
            let style = terminal::out_style();
            let count = format!("test {} of {}", number + 1, args.test_count);
            terminal::print(&format!("{}\n", style.paint(Role::Faint, count)));
        }
        commands::show(&finished, &args.output);
        if !args.output.json {
            // Scripts read the last line of Maelstrom's with `tail -n 1`.
            let ending = &finished.facts.ending;
            let closing = if finished.is_torn {
                jepsen_log::closing(Validity::Unknown)
            } else {
                jepsen_log::closing_of(finished.verdict.validity, ending)
            };
            terminal::print(&format!("\n{closing}\n"));
        }
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
    if args.run.workload.is_none() && args.run.bin.is_some() && !args.output.quiet {
        let note = terminal::error_style().paint(Role::Doubtful, "note:").to_string();
        let workload = request::DEFAULT_WORKLOAD;
        terminal::print_error(&format!("{note} without -w the workload is {workload}\n"));
    }
}
