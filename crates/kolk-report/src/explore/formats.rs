//! The same for programs: JSON, JUnit's XML, and annotations of GitHub.

use serde_json::{Value, json as object};

use super::{Explored, Failed, Small};
use crate::xml::xml;

/// How often a fault was planned, and how often it met somebody.
fn trouble((name, planned, struck): &(String, u64, u64)) -> Value {
    object!({ "name": name, "planned": planned, "struck": struck })
}

/// The results as JSON, with an end of line.
pub fn json(explored: &Explored) -> String {
    let failures: Vec<Value> = explored.failures.iter().map(failure).collect();
    let pair = |(a, b): &(String, String)| object!([a, b]);
    let valid = match (explored.failures.is_empty(), explored.valid) {
        (false, _) => object!(false),
        (true, 0) => object!("unknown"),
        (true, _) if !explored.missing.is_empty() => object!("unknown"),
        (true, _) => object!(true),
    };
    let all = object!({
        "format": 1,
        "valid": valid,
        "workload": explored.workload,
        "node": explored.node,
        "strategy": explored.strategy,
        "deterministic": !explored.paced,
        "seed": explored.seeds.is_none().then(|| hex(explored.seed)),
        "seeds": explored.seeds,
        "shard": explored.shard.map(|(shard, of)| format!("{shard}/{of}")),
        "runs": explored.runs,
        "runs-valid": explored.valid,
        "runs-unknown": explored.unknown,
        "runs-error": explored.errors,
        "first-error": explored
            .first_error
            .as_ref()
            .map(|(seed, why)| object!({ "seed": hex(*seed), "why": why })),
        "chance": explored.chance,
        "earlier-failures": { "run": explored.earlier.0, "failed": explored.earlier.1 },
        "seconds": explored.wall.map(|wall| wall.as_secs_f64()),
        "operations": explored.operations,
        "messages": explored.messages,
        "timelines": explored.timelines,
        "last-new-timeline": explored.last_new,
        "pairs": explored.pairs,
        "pairs-never-seen": explored.unseen.iter().map(pair).collect::<Vec<_>>(),
        "troubles": explored.troubles.iter().map(trouble).collect::<Vec<_>>(),
        "ending": explored.ending,
        "failures": failures,
        "missing-seeds": explored.missing,
    });
    format!("{all:#}\n")
}

fn hex(seed: u64) -> String {
    format!("{seed:#x}")
}

fn failure(failed: &Failed) -> Value {
    object!({
        "class": failed.class,
        "runs": failed.count,
        "smallest-seed": hex(failed.seed),
        "run": failed.run,
        "claim": failed.claim,
        "original": failed.original,
        "shrunk": failed.shrunk.as_ref().map(small),
    })
}

/// A run made small, as JSON.
pub(super) fn small(small: &Small) -> Value {
    let size = |which: fn(&(u64, u64)) -> u64| {
        let [nodes, workers, operations, faults, messages] = small.sizes;
        object!({
            "nodes": which(&nodes),
            "workers": which(&workers),
            "operations": which(&operations),
            "faults": which(&faults),
            "messages": which(&messages),
        })
    };
    let folder = (!small.folder.is_empty()).then_some(&small.folder);
    object!({
        "folder": folder,
        "before": size(|(before, _)| *before),
        "after": size(|(_, after)| *after),
        "steps": small.steps,
        "runs": small.runs,
        "least": small.is_least,
        "nearest-holds": small.holds,
        "repeated": small.repeated.map(|(failed, of)| object!({ "failed": failed, "of": of })),
    })
}

impl Small {
    /// As JSON, with an end of line.
    pub fn json(&self) -> String {
        format!("{:#}\n", small(self))
    }
}

/// The results as a file of JUnit's: one test case for each class of failure, or one that passed.
pub fn junit(explored: &Explored) -> String {
    let name = xml(&format!("{} {} ({})", explored.workload, explored.node, explored.strategy));
    let tests = explored.failures.len().max(1);
    let seconds = explored.wall.map_or(0.0, |wall| wall.as_secs_f64());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites>\n  <testsuite name=\"kolk explore {name}\" tests=\"{tests}\" \
         failures=\"{}\" time=\"{seconds:.3}\">\n",
        explored.failures.len()
    );
    if explored.failures.is_empty() {
        let text = xml(&format!("{} runs: {}", explored.runs, explored.ending));
        out += &format!(
            "    <testcase classname=\"{name}\" name=\"holds\" time=\"{seconds:.3}\">\n\
             \x20     <system-out>{text}</system-out>\n    </testcase>\n"
        );
    }
    for failed in &explored.failures {
        let folder = failed.shrunk.as_ref().map(|small| &small.folder);
        let folder = folder.or(failed.original.as_ref()).map_or("", String::as_str);
        out += &format!(
            "    <testcase classname=\"{name}\" name=\"{class}\">\n      \
             <failure type=\"{class}\" message=\"{claim}\">{text}</failure>\n    </testcase>\n",
            class = xml(&failed.class),
            claim = xml(&failed.claim),
            text = xml(&format!(
                "{} of {} runs, smallest seed {:#x}; {folder}",
                failed.count, explored.runs, failed.seed
            )),
        );
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// A line for each class of failure that GitHub shows beside a change.
pub fn github(explored: &Explored) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let title = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let line = |failed: &Failed| {
        let heading = title(&format!("kolk {}: {}", explored.workload, failed.class));
        let small = failed.shrunk.as_ref().map(|small| format!(" ({})", small.folder));
        let text = escape(&format!(
            "{}; {} of {} runs, smallest seed {:#x}{}",
            failed.claim,
            failed.count,
            explored.runs,
            failed.seed,
            small.unwrap_or_default()
        ));
        format!("::error title={heading}::{text}\n")
    };
    explored.failures.iter().map(line).collect()
}
