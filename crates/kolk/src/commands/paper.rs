//! `kolk completions` and `kolk man`: the command line, written down for shells and for `man`.

use std::fs;

use anyhow::Context;
use clap::{Command, CommandFactory};
use kolk_report::failure::{Failure, Trouble};

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::terminal;

/// Prints a shell's completions.
pub fn completions(args: &CompletionsArgs) -> Status {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kolk", &mut script);
    terminal::print(&String::from_utf8_lossy(&script));
    Status::Valid
}

/// Prints a manual page, or writes all of them.
pub fn man(args: &ManArgs) -> Result<Status, Stop> {
    let mut root = Cli::command();
    root.build();
    let pages = pages(&root);
    if let Some(folder) = &args.output {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        for (name, command) in &pages {
            let path = folder.join(format!("{name}.1"));
            fs::write(&path, page(name, command)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
            terminal::print(&format!("wrote {}\n", path.display()));
        }
        return Ok(Status::Valid);
    }
    let wanted = args.command.as_ref().map_or("kolk".to_owned(), |name| format!("kolk-{name}"));
    let Some((name, command)) = pages.iter().find(|(name, _)| *name == wanted) else {
        let known: Vec<&str> =
            pages.iter().filter_map(|(name, _)| name.strip_prefix("kolk-")).collect();
        let word = args.command.as_deref().unwrap_or_default();
        let failure = Failure::new(Trouble::Arguments, format!("kolk has no command `{word}`"))
            .advice(did_you_mean(word, known.iter().copied()))
            .advice(format!("there are {}", known.join(", ")));
        return Err(Stop::user(failure));
    };
    terminal::print(&String::from_utf8_lossy(&page(name, command)?));
    Ok(Status::Valid)
}

/// Every command that has a page, by the page's name.
fn pages(root: &Command) -> Vec<(String, &Command)> {
    let mut pages = vec![("kolk".to_owned(), root)];
    let mut at = 0;
    while let Some((name, command)) = pages.get(at).cloned() {
        let is_shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
        pages.extend(
            command
                .get_subcommands()
                .filter(is_shown)
                .map(|command| (format!("{name}-{}", command.get_name()), command)),
        );
        at += 1;
    }
    pages
}

fn page(name: &str, command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .manual("kolk")
        .render(&mut page)
        .context("cannot draw a manual page")?;
    Ok(page)
}
