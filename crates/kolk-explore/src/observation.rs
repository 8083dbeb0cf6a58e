//! What is kept of a run: how it was judged, and what it covered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kolk_check::{Kind, Validity, Verdict};
use kolk_engine::{Ending, Run, Trace, Traced};
use kolk_history::journal::DropReason;
use kolk_history::{Phase, Plan};
use serde::{Deserialize, Serialize};

use crate::faults;
use crate::messages::Messages;

/// A kind of operation that never succeeded: in a short run, or under a fault that lasts, that says
/// nothing about the node, so it counts for nothing here.
const NEVER_OK: Kind = Kind::NeverOk;

/// Comes to every node first, and once.
const INIT: &str = "init";

/// A class of anomaly: which check found it, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Class {
    /// The check: `workload`, `protocol`, `stats`, …
    pub check: String,
    /// The type of anomaly: `lost`, `diverged`, …
    pub kind: String,
}

/// `lost`; what the workload's own check did not find is named with its check, `protocol/storm`.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.check != "workload" {
            write!(f, "{}/", self.check)?;
        }
        f.write_str(&self.kind)
    }
}

/// A kind of trouble that a plan had in store, and whether it did anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// `loss`, `duplication`, `partition ring`, …
    pub name: String,
    /// True if a message was touched by it.
    pub struck: bool,
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// How it was judged, but for what a short run cannot tell.
    pub validity: Validity,
    /// The classes of its anomalies that count; the first explains most.
    pub classes: Vec<Class>,
    /// The first anomaly in words; empty if there is none.
    pub claim: String,
    /// The order of deliveries at every node, and of what clients asked and were told, in short.
    pub timeline: u64,
    /// Which types of message came one after the other at a node.
    pub pairs: BTreeSet<(String, String)>,
    /// Which types of message came to a node at all.
    pub kinds: BTreeSet<String>,
    /// The trouble that was in store.
    pub troubles: Vec<Trouble>,
    /// Operations of the load.
    pub operations: u64,
    /// Messages between nodes and services.
    pub messages: u64,
    /// When the first anomaly was complete, in nanoseconds from the start of the load, if that was
    /// within it.
    pub failed_at: Option<u64>,
    /// The messages, if they were asked for.
    pub detail: Option<Messages>,
    /// Why there is nothing to be seen of it: it could not be carried out.
    pub error: Option<String>,
}

impl Observation {
    /// True if there is an anomaly.
    pub fn fails(&self) -> bool {
        self.validity == Validity::Invalid
    }

    /// That of a run that could not be carried out, and why.
    pub fn error(why: String) -> Observation {
        Observation {
            validity: Validity::Unknown,
            classes: Vec::new(),
            claim: String::new(),
            timeline: 0,
            pairs: BTreeSet::new(),
            kinds: BTreeSet::new(),
            troubles: Vec::new(),
            operations: 0,
            messages: 0,
            failed_at: None,
            detail: None,
            error: Some(why),
        }
    }
}

/// What is kept of a run; `detail` keeps its messages too.
///
/// # Panics
///
/// If the run was not traced.
pub fn observe(plan: &Plan, run: &Run, verdict: &Verdict, detail: bool) -> Observation {
    let trace = run.trace.as_ref().expect("a run that is explored is traced");
    let findings = verdict.findings();
    let counting = findings.iter().filter(|finding| finding.counts);
    let counting = counting.filter(|finding| finding.anomaly.kind != NEVER_OK);
    let mut classes: Vec<Class> = Vec::new();
    let mut first = None;
    for finding in counting {
        first = first.or(Some(finding.anomaly));
        let class =
            Class { check: finding.check.name.to_owned(), kind: finding.anomaly.kind.to_string() };
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    let validity = match verdict.validity {
        // What is invalid without an anomaly that is told is still invalid.
        Validity::Invalid if classes.is_empty() => untold(verdict, run),
        validity => validity,
    };
    // Where nothing ever succeeded, nothing was seen either.
    let nothing = !run.history.operations.iter().any(kolk_history::Operation::is_ok);
    let validity = match validity {
        Validity::Valid if nothing => Validity::Unknown,
        validity => validity,
    };
    if validity == Validity::Invalid && classes.is_empty() {
        let check = verdict.checks.iter().find(|check| {
            check.validity(verdict.strict) == Validity::Invalid && check.name != "stats"
        });
        let check = check.map_or("run", |check| check.name);
        classes.push(Class { check: check.to_owned(), kind: "invalid".to_owned() });
    }
    let (pairs, kinds) = pairs(trace);
    let load = |op: &&kolk_history::Operation| op.phase == Phase::Load;
    let failed_at = first.and_then(|anomaly| {
        let of = |index: &u32| run.history.operations.iter().find(|op| op.index == *index);
        let times = anomaly.operations.iter().filter_map(of).filter(load);
        times.map(|op| op.completed.since(run.load_began).as_nanos() as u64).max()
    });
    Observation {
        validity,
        claim: first.map(|anomaly| anomaly.claim.clone()).unwrap_or_default(),
        classes,
        timeline: timeline(trace),
        pairs,
        kinds,
        troubles: faults::troubles(plan, trace, &run.summary.strikes),
        operations: run.history.operations.iter().filter(load).count() as u64,
        messages: run.summary.servers.msg_count,
        failed_at,
        detail: detail.then(|| Messages::of(trace, run)),
        error: None,
    }
}

/// How a run is judged that is invalid, though no anomaly that counts here is told.
fn untold(verdict: &Verdict, run: &Run) -> Validity {
    if matches!(run.ending, Ending::NodeFailed { .. }) {
        return Validity::Invalid;
    }
    let others = verdict.checks.iter().filter(|check| check.name != "stats");
    others.map(|check| check.validity(verdict.strict)).max().unwrap_or_default()
}

/// Types of message that came one after the other at a node, and all types that came to one.
fn pairs(trace: &Trace) -> (BTreeSet<(String, String)>, BTreeSet<String>) {
    let count = trace.kinds.len();
    let mut kind_of: Vec<u32> = Vec::new();
    let mut last: Vec<Option<u32>> = vec![None; trace.nodes.len()];
    let (mut seen, mut came) = (vec![false; count * count], vec![false; count]);
    for event in &trace.events {
        match event.what {
            Traced::Sent { kind, .. } => kind_of.push(kind),
            Traced::Received if trace.is_node(event.dest) => {
                let kind = kind_of[event.id as usize];
                if trace.kinds[kind as usize] == INIT {
                    continue;
                }
                came[kind as usize] = true;
                if let Some(before) = last[event.dest as usize].replace(kind) {
                    seen[before as usize * count + kind as usize] = true;
                }
            }
            _ => {}
        }
    }
    let name = |kind: usize| trace.kinds[kind].clone();
    let pairs = (0..count * count).filter(|place| seen[*place]);
    let pairs = pairs.map(|place| (name(place / count), name(place % count)));
    (pairs.collect(), (0..count).filter(|kind| came[*kind]).map(name).collect())
}

/// The order in which messages came to each node, and of what went on between nodes and clients.
/// A message is told by its sender, its type and how many of its sender's to this receiver went
/// before it; times do not enter.
pub(crate) fn timeline(trace: &Trace) -> u64 {
    let nodes = trace.nodes.len();
    // One more for all clients together.
    let mut orders = vec![0x9e37_79b9_7f4a_7c15_u64; nodes + 1];
    let mut sent: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut of_message: Vec<u64> = Vec::new();
    let kinds: Vec<u64> = trace.kinds.iter().map(|kind| text(kind)).collect();
    for event in &trace.events {
        let with_client = !(trace.is_server(event.src) && trace.is_server(event.dest));
        match event.what {
            Traced::Sent { kind, .. } => {
                let nth = sent.entry((event.src, event.dest)).or_default();
                let token = mix(mix(kinds[kind as usize], u64::from(event.src)), *nth);
                *nth += 1;
                of_message.push(token);
                if with_client && !trace.is_server(event.src) {
                    orders[nodes] = mix(orders[nodes], mix(token, u64::from(event.dest)));
                }
            }
            Traced::Received => {
                let place = if trace.is_node(event.dest) { event.dest as usize } else { nodes };
                // What services are asked in which order decides what they answer.
                let token = mix(of_message[event.id as usize], u64::from(event.dest));
                orders[place] = mix(orders[place], token);
            }
            _ => {}
        }
    }
    orders.into_iter().fold(0, mix)
}

/// Takes one more number into a digest. It stands in stored results, so it may not change without a
/// new version of these.
fn mix(state: u64, word: u64) -> u64 {
    let mixed = (state.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn text(text: &str) -> u64 {
    text.bytes().fold(text.len() as u64, |state, byte| mix(state, u64::from(byte)))
}

/// Whether a message was lost at random.
pub(crate) fn is_loss(what: Traced) -> bool {
    what == Traced::Dropped(DropReason::Loss)
}
