//! What the tests of the replicated store share.

use std::time::Duration;

use kolk_history::Outcome;
use kolk_node::Machine;
use kolk_sweep::{Judged, judge, load};
use kolk_workload::Settings;
use kolk_workload::planner::{Concurrency, Kind, Outage};

/// The node, in this process.
pub fn store(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_lin_kv::factory(args).expect("arguments"))
}

/// 5 nodes with 6 clients each, and 10 ms between nodes.
pub fn goal(args: &str, seed: u64, rate: f64, time_limit: f64) -> Settings {
    let mut settings = load("lin-kv", args, seed, 5, rate);
    settings.concurrency = Concurrency::PerNode(6);
    settings.latency = 10.0;
    settings.time_limit = time_limit;
    settings
}

/// So much of them lies below; not a number if there are none.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// How long operations took that were answered, in milliseconds, by the node that was asked.
pub fn latencies(judged: &Judged) -> Vec<(u16, Vec<f64>)> {
    let mut found: Vec<(u16, Vec<f64>)> = (0..5).map(|node| (node, Vec::new())).collect();
    for operation in judged.run.history.counted() {
        let Some(node) = operation.node else { continue };
        if operation.outcome != Outcome::Info {
            let took = operation.completed.since(operation.invoked).as_secs_f64() * 1e3;
            found[usize::from(node)].1.push(took);
        }
    }
    found
}

/// What makes a leader go.
#[derive(Clone, Copy, Debug)]
pub enum Gone {
    Killed,
    Powerless,
    Paused,
    CutOff,
}

/// When the leader goes, from the beginning of the load, and for how long.
const GOES: Duration = Duration::from_secs(3);
const AWAY: Duration = Duration::from_secs(2);

/// How long it takes until something is done that was asked for after the leader had gone, at
/// another node, in milliseconds.
pub fn gap(seed: u64, gone: Gone) -> f64 {
    let mut settings = goal("", seed, 500.0, GOES.as_secs_f64());
    // Until then the same happens as will below: who leads answers fastest.
    let before = judge(&settings, store);
    let medians = latencies(&before).into_iter().map(|(node, all)| (quantile(&all, 0.5), node));
    let (_, leader) = medians.min_by(|one, other| one.0.total_cmp(&other.0)).expect("a node");
    let (begin, end) = (GOES.as_secs(), (GOES + AWAY).as_secs());
    let asked = format!("n{leader}@{begin}..{end}");
    settings.time_limit += AWAY.as_secs_f64();
    let outage = |kind| Outage::read(kind, &asked).expect("an outage");
    match gone {
        Gone::Killed => settings.outages.push(outage(Kind::Kill)),
        Gone::Powerless => settings.outages.push(outage(Kind::Power)),
        Gone::Paused => settings.outages.push(outage(Kind::Pause)),
        Gone::CutOff => settings.cuts.push(asked.parse().expect("a cut")),
    }
    let judged = judge(&settings, store);
    judged.measured().assert_valid(&format!("{gone:?}"));
    let from = judged.run.load_began + GOES;
    let after = judged.run.history.counted().filter(|operation| {
        operation.invoked >= from && operation.node != Some(leader) && operation.is_ok()
    });
    let first = after.map(|operation| operation.completed).min().expect("something is done");
    let gap = first.since(from).as_secs_f64() * 1e3;
    assert!(gap > 60.0, "seed {seed}: {gap} ms without n{leader}, which cannot have led");
    gap
}
