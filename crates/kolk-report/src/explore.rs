//! Many runs at once: what they showed, for people, for programs, and for CI.

mod formats;

use crate::numbers::{counted, duration, grouped, ratio};
use crate::sanitize::sanitize;
use crate::style::{Role, Style};
use std::time::Duration;

pub use formats::{github, json, junit};

/// How many pairs of types are named that were never seen.
const PAIRS_MAX: usize = 6;

/// How many ranges of missing seeds are named.
const MISSING_MAX: usize = 100;

/// What many runs showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explored {
    /// The workload.
    pub workload: String,
    /// What is under test, for people.
    pub node: String,
    /// How runs were chosen.
    pub strategy: String,
    /// True if runs were on the machine's clock: none of them can be repeated exactly.
    pub paced: bool,
    /// The first seed.
    pub seed: u64,
    /// The seeds of a sweep: `0..1000`, without the last.
    pub seeds: Option<String>,
    /// Which share of these, from 1, and of how many.
    pub shard: Option<(u64, u64)>,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them hold.
    pub valid: u64,
    /// How many could not be judged.
    pub unknown: u64,
    /// How many could not be carried out.
    pub errors: u64,
    /// The seed of the first of those, and why.
    pub first_error: Option<(u64, String)>,
    /// How likely each run shows what it was chosen for, in words, if that is known.
    pub chance: Option<String>,
    /// How many runs of the store that failed before were run first, and how many still fail.
    pub earlier: (u64, u64),
    /// How long it took; `None` where it should not show.
    pub wall: Option<Duration>,
    /// Operations, in all runs.
    pub operations: u64,
    /// Messages between nodes and services, in all runs.
    pub messages: u64,
    /// How many orders of deliveries there were.
    pub timelines: u64,
    /// The number of the run that had the last new one; `None` where runs have no order.
    pub last_new: Option<u64>,
    /// How many pairs of types came one after the other at a node.
    pub pairs: u64,
    /// Those that could have and never did.
    pub unseen: Vec<(String, String)>,
    /// Each kind of trouble, in how many runs it was in store, and in how many it struck.
    pub troubles: Vec<(String, u64, u64)>,
    /// What was proved or not, in words.
    pub ending: String,
    /// The failures by class.
    pub failures: Vec<Failed>,
    /// Seeds that are missing, of a sweep that is not whole.
    pub missing: Vec<String>,
}

/// A class of failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failed {
    /// The class.
    pub class: String,
    /// How many runs failed so.
    pub count: u64,
    /// The smallest seed.
    pub seed: u64,
    /// That one's number among all runs; `None` where runs have no order.
    pub run: Option<u64>,
    /// What is wrong with it.
    pub claim: String,
    /// Where that run is stored.
    pub original: Option<String>,
    /// The run made small.
    pub shrunk: Option<Small>,
}

/// A run made small.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Small {
    /// Where it is stored.
    pub folder: String,
    /// What it was, and what is left: nodes, workers, operations, faults, messages between servers.
    pub sizes: [(u64, u64); 5],
    /// The steps that were kept.
    pub steps: Vec<String>,
    /// How many runs it took.
    pub runs: u64,
    /// True if nothing smaller was found in the end.
    pub is_least: bool,
    /// What the nearest run that holds goes without, as a sentence, if there is one.
    pub holds: Option<String>,
    /// In how many of how many repetitions it failed, if it cannot be repeated exactly.
    pub repeated: Option<(u64, u64)>,
}

/// The screen of many runs.
pub fn draw(explored: &Explored, program: &str, style: Style) -> String {
    let mut out = String::new();
    let Explored { workload, node, strategy, seed, runs, .. } = explored;
    let seeds = match (&explored.seeds, explored.shard) {
        (Some(seeds), Some((shard, of))) => format!("share {shard} of {of} of seeds {seeds}"),
        (Some(seeds), None) => format!("seeds {seeds}"),
        (None, _) => format!("from seed {seed:#x}"),
    };
    let heading = format!("{strategy} · {workload} · {node} · {seeds}");
    out += &format!("{}\n", style.paint(Role::Faint, sanitize(&heading)));
    if explored.paced {
        let mark = style.paint(Role::Doubtful, "!");
        out += &format!(
            "{mark} on the machine's clock: runs are not repeatable, and what is not found may be \
             there\n"
        );
    }
    let mut line = |name: &str, text: String| out += &format!("  {name:<9} {text}\n");
    let rate = explored.wall.map(|wall| {
        let seconds = wall.as_secs_f64().max(1e-6);
        format!(" in {}, {} a second", duration(wall), ratio(*runs as f64 / seconds))
    });
    let mut judged = vec![format!("{} hold", grouped(explored.valid))];
    if explored.unknown > 0 {
        judged.push(format!("{} too short to tell", grouped(explored.unknown)));
    }
    if explored.errors > 0 {
        judged.push(format!("{} could not be carried out", grouped(explored.errors)));
    }
    let count = counted(*runs, "run", "runs");
    line("runs", format!("{count}{} · {}", rate.unwrap_or_default(), judged.join(", ")));
    if let Some((seed, why)) = &explored.first_error {
        let all = explored.errors;
        let first = if all > 1 { ", the first of these runs" } else { "" };
        let seed = seed_text(explored, *seed);
        line("error", format!("{} (seed {seed}{first})", sanitize(why)));
    }
    if explored.earlier.0 > 0 {
        let (tried, fail) = explored.earlier;
        let text =
            format!("{} run first, {fail} still fail", counted(tried, "failure", "failures"));
        line("earlier", text);
    }
    let last = match explored.last_new {
        Some(run) => format!(", the last new one at run {}", grouped(run)),
        None => String::new(),
    };
    line(
        "orders",
        format!("{} of deliveries{last}", counted(explored.timelines, "order", "orders")),
    );
    line("pairs", pairs(explored));
    if !explored.troubles.is_empty() {
        line("trouble", troubles(explored));
    }
    if let Some(chance) = &explored.chance {
        line("chance", chance.clone());
    }
    if !explored.missing.is_empty() {
        let seeds = explored.missing.iter().take(MISSING_MAX).cloned();
        let seeds = seeds.collect::<Vec<_>>().join(", ");
        let more = match explored.missing.len().saturating_sub(MISSING_MAX) {
            0 => String::new(),
            more => {
                format!(", and {} more; --json has all", counted(more as u64, "range", "ranges"))
            }
        };
        line("missing", format!("seeds {}{more}", sanitize(&seeds)));
    }
    out.push('\n');
    if explored.failures.is_empty() {
        let (role, mark) =
            if explored.valid > 0 { (Role::Good, "✓") } else { (Role::Doubtful, "?") };
        out += &format!("{} {}\n", style.paint(role, mark), explored.ending);
        return out;
    }
    for failed in &explored.failures {
        out += &failure(failed, &seed_text(explored, failed.seed), program, style);
    }
    if explored.seeds.is_some() {
        let command = style.paint(Role::Command, format!("{program} merge FILES --plans DIR"));
        out += &format!("  plans     {command} writes those of these seeds, to shrink or replay\n");
    }
    out
}

/// A seed as it is asked for: those of a sweep are decimal.
fn seed_text(explored: &Explored, seed: u64) -> String {
    match explored.seeds {
        Some(_) => seed.to_string(),
        None => format!("{seed:#x}"),
    }
}

fn pairs(explored: &Explored) -> String {
    let all = explored.pairs + explored.unseen.len() as u64;
    let mut text = format!("{} of {all} pairs of message types at a node", explored.pairs);
    if !explored.unseen.is_empty() {
        let named = explored.unseen.iter().take(PAIRS_MAX);
        let named = named.map(|(a, b)| format!("{} → {}", sanitize(a), sanitize(b)));
        let more = if explored.unseen.len() > PAIRS_MAX { ", …" } else { "" };
        text += &format!("; never {}{more}", named.collect::<Vec<_>>().join(", "));
    }
    text
}

fn troubles(explored: &Explored) -> String {
    let text = explored.troubles.iter().map(|(name, planned, struck)| match struck {
        0 => {
            let planned = counted(*planned, "run", "runs");
            format!("{} never struck ({planned})", sanitize(name))
        }
        _ => format!("{} {struck} of {planned}", sanitize(name)),
    });
    text.collect::<Vec<_>>().join(", ")
}

fn failure(failed: &Failed, seed: &str, program: &str, style: Style) -> String {
    let mark = style.paint(Role::Bad, "✗");
    let class = style.paint(Role::Strong, sanitize(&failed.class));
    let run = failed.run.map(|run| format!(", run {}", grouped(run))).unwrap_or_default();
    let count = counted(failed.count, "run", "runs");
    let mut out = format!(
        "{mark} {class}  {count}, smallest seed {seed}{run}\n  {}\n",
        sanitize(&failed.claim)
    );
    if let Some(original) = &failed.original {
        out += &format!("  original  {}\n", sanitize(original));
    }
    if let Some(small) = &failed.shrunk {
        out += &format!("  shrunk    {}\n", sanitize(&small.folder));
        out += &format!("            {}\n", sizes(small));
        if let Some(holds) = &small.holds {
            out += &format!("            {}\n", sanitize(holds));
        }
        let command = format!("{program} replay {}", small.folder);
        out += &format!("  again     {}\n", style.paint(Role::Command, sanitize(&command)));
    }
    out
}

/// What is left of a run, in a line.
pub fn sizes(small: &Small) -> String {
    let names = ["nodes", "workers", "operations", "faults", "messages"];
    let parts = names.iter().zip(small.sizes);
    let parts = parts.map(|(name, (before, after))| format!("{name} {before} → {after}"));
    let mut text = parts.collect::<Vec<_>>().join(", ");
    text += &format!(" · {}", counted(small.runs, "run", "runs"));
    if !small.is_least {
        text += ", stopped before the end";
    }
    if let Some((failed, of)) = small.repeated {
        text += &format!(", fails in {failed} of {of}");
    }
    text
}

#[cfg(test)]
mod tests;
