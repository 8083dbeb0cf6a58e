//! Sweeps: the runs of many seeds, on many machines, as lines of JSON that can be put together.
//!
//! A sweep is a range of seeds and what every run has in common. Its file has a line of its own,
//! the [`Header`], and one line for each run. A line names the sweep by a digest of the node, the
//! versions of plans and draws, and everything else that was asked for, so that lines of different
//! sweeps are never put together. Which run has which conditions is a function of the seed alone; a
//! line has no wall-clock time; so whatever ran where, the same lines come out, and one report.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kolk_check::Validity;
use kolk_history::Plan;
use kolk_history::plan::{DRAWS, FORMAT, NodeSpec, ThreadOrder, VirtualHost};
use kolk_workload::plan;
use kolk_workload::planner::{PlanError, Settings};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::swarm::of_seed;
use crate::{Class, Observation, Open, Trouble};

/// The version of these files.
pub const VERSION: u32 = 1;

/// What a sweep is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// [`VERSION`].
    pub kolk_sweep: u32,
    /// 32 hexadecimal digits for everything that all runs have in common.
    pub sweep: String,
    /// The version of kolk.
    pub kolk_version: String,
    /// The version of plans.
    pub format: u32,
    /// The version of draws.
    pub draws: u32,
    /// The workload.
    pub workload: String,
    /// What is under test, for people.
    pub node: String,
    /// Of the program, 64 hexadecimal digits; of a built-in node its version.
    pub node_digest: String,
    /// The seeds: `0..1000`, without the last.
    pub seeds: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// [`Header::sweep`].
    pub sweep: String,
    /// The seed.
    pub seed: u64,
    /// `valid`, `invalid`, or `unknown`; `error` if it could not be carried out.
    pub validity: String,
    /// The classes of its anomalies, the one first that explains most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
    /// The first anomaly, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub claim: String,
    /// The order of deliveries, in short: 16 hexadecimal digits.
    pub timeline: String,
    /// Types of message that came one after the other at a node.
    pub pairs: BTreeSet<(String, String)>,
    /// Types of message that came to a node.
    pub kinds: BTreeSet<String>,
    /// The trouble that was in store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
    /// Operations of the load.
    pub operations: u64,
    /// Messages between nodes and services.
    pub messages: u64,
    /// Why it could not be carried out. Then there is no result, and the next process tries again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The plan of a run that fails. Where a program lies is that of the machine it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
}

impl Line {
    /// True if it says how the run was judged.
    pub fn is_result(&self) -> bool {
        self.error.is_empty()
    }

    /// True if two lines say the same of a run. Of the plan only the program's place can differ.
    fn agrees(&self, other: &Line) -> bool {
        let without = |line: &Line| Line { plan: None, ..line.clone() };
        without(self) == without(other)
    }
}

/// The runs of many seeds.
#[derive(Clone, Debug)]
pub struct Sweep {
    asked: Settings,
    open: Open,
    seeds: Range<u64>,
    header: Header,
}

impl Sweep {
    /// One of these seeds.
    ///
    /// # Errors
    ///
    /// If what was asked for makes no plan.
    pub fn new(asked: Settings, open: Open, seeds: Range<u64>) -> Result<Sweep, PlanError> {
        let (node, node_digest) = match &asked.node {
            NodeSpec::BuiltIn { name, args, .. } => {
                (format!("node {name} {}", args.join(" ")), asked.kolk_version.clone())
            }
            NodeSpec::Program { path, args, sha256, .. } => {
                // Where a program lies differs from machine to machine.
                let name = path.rsplit('/').next().unwrap_or(path);
                (format!("{name} {}", args.join(" ")), sha256.clone())
            }
        };
        let node = node.trim_end().to_owned();
        let named = NodeSpec::Program {
            path: node.clone(),
            args: Vec::new(),
            sha256: node_digest.clone(),
            host: asked_host(&asked.node),
            threads: asked_threads(&asked.node),
        };
        let common = Settings { seed: 0, node: named, ..asked.clone() };
        // What is asked for shows in a plan, but for what plays no part under that seed.
        let settings = format!("{common:?}");
        let common = serde_json::to_string(&plan(&common)?).expect("a plan can be stored");
        let mut hasher = Sha256::new();
        for part in [&common, &settings, &format!("{open:?}"), &format!("{VERSION}")] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let sweep: String =
            hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let header = Header {
            kolk_sweep: VERSION,
            sweep,
            kolk_version: asked.kolk_version.clone(),
            format: FORMAT,
            draws: DRAWS,
            workload: asked.workload.clone(),
            node,
            node_digest,
            seeds: format!("{}..{}", seeds.start, seeds.end),
        };
        Ok(Sweep { asked, open, seeds, header })
    }

    /// What it is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The seeds of one of several processes, round robin; `shard` counts from 1.
    pub fn seeds(&self, shard: u64, of: u64) -> impl Iterator<Item = u64> + use<> {
        share(self.seeds.clone(), shard, of)
    }

    /// The plan of a seed.
    ///
    /// # Errors
    ///
    /// If what is drawn makes no plan.
    pub fn plan(&self, seed: u64) -> Result<Plan, PlanError> {
        of_seed(&self.asked, self.open, seed)
    }

    /// The line of a run.
    pub fn line(&self, plan: &Plan, seen: &Observation) -> Line {
        let validity = if seen.error.is_some() { "error" } else { seen.validity.name() };
        Line {
            sweep: self.header.sweep.clone(),
            seed: plan.seed,
            validity: validity.to_owned(),
            classes: seen.classes.clone(),
            claim: seen.claim.clone(),
            timeline: format!("{:016x}", seen.timeline),
            pairs: seen.pairs.clone(),
            kinds: seen.kinds.clone(),
            troubles: seen.troubles.clone(),
            operations: seen.operations,
            messages: seen.messages,
            error: seen.error.clone().unwrap_or_default(),
            plan: seen.fails().then(|| Box::new(plan.clone())),
        }
    }
}

/// One of several equal shares of these seeds, round robin; `shard` counts from 1.
fn share(seeds: Range<u64>, shard: u64, of: u64) -> impl Iterator<Item = u64> + use<> {
    let step = usize::try_from(of).unwrap_or(usize::MAX).max(1);
    (seeds.start.saturating_add(shard - 1)..seeds.end).step_by(step)
}

/// Why files cannot be read, or put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A line is none of a sweep's.
    #[error("line {line} is no line of a sweep: {problem}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Another version's file.
    #[error("the file is of version {0}, and this kolk knows {VERSION}")]
    Version(u32),
    /// There is no header.
    #[error("no line says which sweep it is")]
    NoHeader,
    /// Two sweeps.
    #[error("there are results of two sweeps: {0} and {1}")]
    Mixed(String, String),
    /// One seed, two results.
    #[error("seed {0} has two results that differ: not everything that decides a run is the same")]
    Contradiction(u64),
}

/// The lines of one sweep, from one file or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    header: Option<Header>,
    lines: BTreeMap<u64, Line>,
}

impl Results {
    /// Takes the lines of a file. What follows the last line end was being written when a process
    /// ended, and is left out; returns how many bytes are whole.
    ///
    /// # Errors
    ///
    /// If a line is none, or is one of another sweep.
    pub fn take(&mut self, text: &str) -> Result<usize, SweepError> {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for (number, line) in text[..whole].lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let bad = |error: serde_json::Error| SweepError::Line {
                line: number + 1,
                problem: error.to_string(),
            };
            if line.starts_with("{\"kolk-sweep\"") {
                self.header(serde_json::from_str(line).map_err(bad)?)?;
            } else {
                self.line(serde_json::from_str(line).map_err(bad)?)?;
            }
        }
        Ok(whole)
    }

    /// Takes what says which sweep it is.
    ///
    /// # Errors
    ///
    /// If it is another sweep than that of what is here, or of another version.
    pub fn header(&mut self, header: Header) -> Result<(), SweepError> {
        if header.kolk_sweep != VERSION {
            return Err(SweepError::Version(header.kolk_sweep));
        }
        match &self.header {
            Some(known) if *known != header => {
                let name = |header: &Header| {
                    format!(
                        "{} {} {} ({}, draws {}, seeds {})",
                        header.workload,
                        header.node,
                        header.node_digest.get(..12).unwrap_or(&header.node_digest),
                        header.sweep.get(..8).unwrap_or(&header.sweep),
                        header.draws,
                        header.seeds
                    )
                };
                return Err(SweepError::Mixed(name(known), name(&header)));
            }
            _ => self.header = Some(header),
        }
        Ok(())
    }

    /// Takes a run.
    ///
    /// # Errors
    ///
    /// If it is of another sweep, or differs from what is here of the same seed.
    pub fn line(&mut self, line: Line) -> Result<(), SweepError> {
        let header = self.header.as_ref().ok_or(SweepError::NoHeader)?;
        if header.sweep != line.sweep {
            return Err(SweepError::Mixed(header.sweep.clone(), line.sweep));
        }
        if let Some(known) = self.lines.get(&line.seed) {
            let is_better = match (known.is_result(), line.is_result()) {
                (true, true) if !known.agrees(&line) => {
                    return Err(SweepError::Contradiction(line.seed));
                }
                (true, _) => false,
                (false, true) => true,
                // Which file is read first makes no difference.
                (false, false) => line.error < known.error,
            };
            if !is_better {
                return Ok(());
            }
        }
        self.lines.insert(line.seed, line);
        Ok(())
    }

    /// True if it is known how this seed's run was judged.
    pub fn has(&self, seed: u64) -> bool {
        self.lines.get(&seed).is_some_and(Line::is_result)
    }

    /// Which sweep it is, if anything says so.
    pub fn sweep(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The runs by their seeds.
    pub fn lines(&self) -> &BTreeMap<u64, Line> {
        &self.lines
    }

    /// The seeds of the whole sweep, or of one of several shares, counted from 1; none where
    /// nothing says which.
    pub fn seeds(&self, shard: Option<(u64, u64)>) -> impl Iterator<Item = u64> + use<> {
        let seeds = self.header.as_ref().and_then(|header| parse_seeds(&header.seeds));
        let (shard, of) = shard.unwrap_or((1, 1));
        share(seeds.unwrap_or(0..0), shard, of)
    }

    /// Those of these seeds that have no result, as ranges without their last: `7..9`.
    pub fn missing(&self, seeds: impl Iterator<Item = u64>) -> Vec<String> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for seed in seeds.filter(|seed| !self.has(*seed)) {
            match ranges.last_mut() {
                Some(last) if last.end == seed => last.end += 1,
                _ => ranges.push(seed..seed + 1),
            }
        }
        ranges.iter().map(|range| format!("{}..{}", range.start, range.end)).collect()
    }

    /// What the runs showed together.
    pub fn tally(&self) -> Merged {
        let mut merged = Merged::default();
        for line in self.lines.values() {
            merged.add(line);
        }
        merged
    }
}

/// What the runs of a sweep showed together. They have no order, so nothing is the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// How many runs.
    pub runs: u64,
    /// How many hold.
    pub valid: u64,
    /// How many could not be judged.
    pub unknown: u64,
    /// How many more could not be carried out.
    pub errors: u64,
    /// The smallest seed of those, and why.
    pub first_error: Option<(u64, String)>,
    /// Operations, in all.
    pub operations: u64,
    /// Messages between nodes and services, in all.
    pub messages: u64,
    /// Orders of deliveries.
    pub timelines: BTreeSet<String>,
    /// Types of message that came one after the other at a node.
    pub pairs: BTreeSet<(String, String)>,
    /// Types of message that came to a node.
    pub kinds: BTreeSet<String>,
    /// For each kind of trouble in how many runs it was in store, and in how many it struck.
    pub troubles: BTreeMap<String, (u64, u64)>,
    /// For each class how many runs failed so, the smallest seed, and what is wrong with it.
    pub failures: BTreeMap<Class, (u64, u64, String)>,
}

impl Merged {
    /// Lines come in the order of their seeds.
    fn add(&mut self, line: &Line) {
        if !line.is_result() {
            self.errors += 1;
            self.first_error.get_or_insert_with(|| (line.seed, line.error.clone()));
            return;
        }
        self.runs += 1;
        self.valid += u64::from(line.validity == Validity::Valid.name());
        self.unknown += u64::from(line.validity == Validity::Unknown.name());
        self.operations += line.operations;
        self.messages += line.messages;
        self.timelines.insert(line.timeline.clone());
        self.pairs.extend(line.pairs.iter().cloned());
        self.kinds.extend(line.kinds.iter().cloned());
        for trouble in &line.troubles {
            let (planned, struck) = self.troubles.entry(trouble.name.clone()).or_default();
            *planned += 1;
            *struck += u64::from(trouble.struck);
        }
        if let Some(class) = line.classes.first() {
            let fresh = || (0, line.seed, line.claim.clone());
            self.failures.entry(class.clone()).or_insert_with(fresh).0 += 1;
        }
    }

    /// The pairs of types that could come one after the other and never did.
    pub fn unseen_pairs(&self) -> Vec<(String, String)> {
        crate::tally::unseen(&self.kinds, &self.pairs)
    }
}

/// How a program runs on the virtual clock.
fn asked_host(node: &NodeSpec) -> Option<VirtualHost> {
    match node {
        NodeSpec::Program { host, .. } => *host,
        NodeSpec::BuiltIn { .. } => None,
    }
}

/// In which order the threads of a traced program go on.
fn asked_threads(node: &NodeSpec) -> ThreadOrder {
    match node {
        NodeSpec::Program { threads, .. } => *threads,
        NodeSpec::BuiltIn { .. } => ThreadOrder::default(),
    }
}

/// `0..1000`, without the last; `None` if it is no range, or an empty one.
pub fn parse_seeds(text: &str) -> Option<Range<u64>> {
    let (start, end) = text.split_once("..")?;
    let (start, end) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests;
