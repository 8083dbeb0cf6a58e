//! `kolk check-node`.

use std::time::Duration;

use anyhow::Context;
use kolk_report::failure::{Failure, Trouble};
use kolk_report::sanitize::sanitize;
use kolk_report::style::{Role, Style};

use crate::args::CheckNodeArgs;
use crate::probes::{self, Finding, Mark, Patience};
use crate::status::{Status, Stop};
use crate::{program, runner, terminal};

/// Tries a program by itself and prints what was found.
pub fn run(args: &CheckNodeArgs) -> Result<Status, Stop> {
    let Some(bin) = &args.bin else {
        let failure = Failure::new(Trouble::Program, "no program is named")
            .advice("name it: kolk check-node ./my-node")
            .advice("or have a kolk.toml name it in this folder: bin = \"./my-node\"");
        return Err(Stop::user(failure));
    };
    let program = program::find(bin)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let patience = Patience {
        init: Duration::from_secs_f64(args.init_timeout),
        reply: Duration::from_secs_f64(args.reply_timeout),
    };
    let found = probes::all(&program.path, &args.args, patience, folder.path())
        .map_err(|error| runner::engine_failure(error, None))?;
    let style = terminal::out_style();
    let mut out = String::new();
    for finding in &found {
        draw(&mut out, finding, args.verbose, style);
    }
    let count = |mark| found.iter().filter(|finding| finding.mark == mark).count();
    let (broken, notes) = (count(Mark::Broken), count(Mark::Note));
    let (mark, role, verdict) = match (broken, notes) {
        (0, 0) => ("✓", Role::Good, "all probes hold"),
        (0, _) => ("✓", Role::Good, "it keeps to the protocol; see the notes"),
        (_, _) => ("✗", Role::Bad, "it would fail runs: see what to do"),
    };
    out.push_str(&format!("\n{} {verdict}\n", style.paint(role, mark)));
    terminal::print(&out);
    let fails = broken > 0 || (args.strict && notes > 0);
    Ok(if fails { Status::Invalid } else { Status::Valid })
}

fn draw(out: &mut String, finding: &Finding, verbose: bool, style: Style) {
    let (mark, role) = match finding.mark {
        Mark::Holds => ('✓', Role::Good),
        Mark::Broken => ('✗', Role::Bad),
        Mark::Note => ('!', Role::Doubtful),
        Mark::Skipped => ('-', Role::Faint),
    };
    out.push_str(&format!("{} {}\n", style.paint(role, mark), finding.name));
    if finding.mark == Mark::Holds && !verbose {
        return;
    }
    let mut say = |what: &str, text: &str| {
        let what = style.paint(Role::Faint, format!("{what:<5}")).to_string();
        out.push_str(&format!("    {what} {}\n", sanitize(text)));
    };
    for (what, lines) in [("sent", &finding.sent), ("heard", &finding.heard)] {
        for (number, line) in lines.iter().enumerate() {
            say(if number == 0 { what } else { "" }, line);
        }
    }
    if finding.mark != Mark::Holds {
        say("do", finding.advice);
    }
}
