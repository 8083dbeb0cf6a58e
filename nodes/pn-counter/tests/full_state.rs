//! Deltas against whole states, for the counter and for the set: what they cost, and how soon nodes
//! agree again when one was cut off. The tables of the README:
//!
//! ```text
//! KOLK_SEEDS=10 cargo test --release -p kolk-pn-counter --test full_state -- --ignored --nocapture
//! ```

use std::io::BufReader;
use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_history::journal::JournalReader;
use kolk_node::workload::{counter, g_set};
use kolk_node::{Machine, machine};
use kolk_sweep::{Spread, for_seeds, seeds};

const MODES: [(&str, &str); 5] = [
    ("deltas, default", ""),
    ("deltas, `--flush-ms 1000`", "--flush-ms 1000"),
    ("deltas, `--direct`", "--direct"),
    ("full state every 220 ms", "--full-state-ms 220"),
    ("full state every second", "--full-state-ms 1000"),
];

/// A node under test: how it is made, told the `n`-th change, and read.
struct Kind {
    name: &'static str,
    make: fn(&[String]) -> Box<dyn Machine>,
    change: fn(&mut Cluster, &str, i64),
    read: fn(&mut Cluster, &str) -> Vec<i64>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "pn-counter",
        make: |args| machine(kolk_pn_counter::factory(args).expect("arguments")),
        change: |cluster, node, n| {
            let add = counter::Request::Add { delta: n % 10 - 5 };
            cluster.call::<counter::Reply>(node, &add).expect("answered");
        },
        read: |cluster, node| match cluster.call(node, &counter::Request::Read {}) {
            Ok(counter::Reply::ReadOk { value }) => vec![value],
            other => panic!("{other:?}"),
        },
    },
    Kind {
        name: "g-set",
        make: |args| machine(kolk_g_set::factory(args).expect("arguments")),
        change: |cluster, node, n| {
            let add = g_set::Request::Add { element: n };
            cluster.call::<g_set::Reply>(node, &add).expect("answered");
        },
        read: |cluster, node| match cluster.call(node, &g_set::Request::Read {}) {
            Ok(g_set::Reply::ReadOk { value }) => value,
            other => panic!("{other:?}"),
        },
    },
];

fn cluster(kind: &Kind, args: &str, nodes: usize, seed: u64) -> Cluster {
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    let options = ClusterOptions { nodes, seed, latency_ms: 100.0, ..ClusterOptions::default() };
    Cluster::new(options, |_| (kind.make)(&args))
}

/// A change every 20 ms, at one node after another. Gives how many.
fn load(cluster: &mut Cluster, kind: &Kind, nodes: usize, seed: u64, seconds: u64) -> u64 {
    let changes = seconds * 50;
    for n in 0..changes {
        (kind.change)(cluster, &format!("n{}", (seed + n * 7) as usize % nodes), n as i64);
        cluster.run_for(Duration::from_millis(20));
    }
    changes
}

/// Messages between servers, and the bytes of their bodies.
fn sent(cluster: &mut Cluster) -> (u64, u64) {
    let journal = cluster.journal();
    let mut lines = JournalReader::new(BufReader::new(&*journal));
    let (mut messages, mut bytes) = (0, 0);
    while let Some(line) = lines.next() {
        let line = line.expect("a line");
        if let (Some(body), false) =
            (line.body, line.src.starts_with('c') || line.dest.starts_with('c'))
        {
            (messages, bytes) = (messages + 1, bytes + body.get().len() as u64);
        }
    }
    (messages, bytes)
}

/// Messages and bytes for a change, under a load of 20 s and 10 s of silence; with none lost.
fn cost(kind: &Kind, args: &str, nodes: usize, seed: u64) -> (f64, f64) {
    let mut cluster = cluster(kind, args, nodes, seed);
    let changes = load(&mut cluster, kind, nodes, seed, 20);
    cluster.run_for(Duration::from_secs(10));
    assert!(agree(&mut cluster, kind, nodes), "{args}");
    let (messages, bytes) = sent(&mut cluster);
    (messages as f64 / changes as f64, bytes as f64 / changes as f64)
}

fn agree(cluster: &mut Cluster, kind: &Kind, nodes: usize) -> bool {
    let first = (kind.read)(cluster, "n0");
    (1..nodes).all(|node| (kind.read)(cluster, &format!("n{node}")) == first)
}

/// A node, never the hub, is cut off for the 10 s of a load. Milliseconds until all agree after
/// that, and the bytes that took.
fn catch_up(kind: &Kind, args: &str, nodes: usize, seed: u64) -> (f64, f64) {
    let mut cluster = cluster(kind, args, nodes, seed);
    cluster.run_for(Duration::from_millis(seed * 37));
    cluster.cut(&[&format!("n{}", 1 + seed as usize % (nodes - 1))]);
    load(&mut cluster, kind, nodes, seed, 10);
    let (_, before) = sent(&mut cluster);
    cluster.heal();
    let healed = cluster.now();
    while !agree(&mut cluster, kind, nodes) {
        cluster.run_for(Duration::from_millis(5));
        assert!(cluster.now() < healed + Duration::from_secs(20), "{args}: they do not agree");
    }
    let took = cluster.now() - healed;
    let (_, after) = sent(&mut cluster);
    (took.as_secs_f64() * 1e3, (after - before) as f64)
}

#[test]
fn deltas_cost_less() {
    for kind in &KINDS {
        // In the same rhythm.
        let [(messages, bytes), (all_messages, all_bytes)] =
            ["", "--full-state-ms 220"].map(|args| cost(kind, args, 5, 1));
        assert!(messages * 3.0 < all_messages, "{}: {messages}, {all_messages}", kind.name);
        assert!(bytes * 3.0 < all_bytes, "{}: {bytes}, {all_bytes}", kind.name);
        for seed in 0..3 {
            let (took, _) = catch_up(kind, "", 5, seed);
            assert!(took < 2000.0, "{}: {took} ms", kind.name);
        }
    }
}

#[test]
#[ignore = "minutes long: the tables of the README"]
fn table() {
    let seeds = 0..seeds(10);
    println!(
        "| type | nodes | mode | messages a change | bytes a change \
         | ms to agree after a cut: least / median / greatest | bytes for it |"
    );
    println!("|---|---|---|---|---|---|---|");
    for kind in &KINDS {
        for nodes in [5, 25] {
            for (mode, args) in MODES {
                let costs = for_seeds(seeds.clone(), |seed| cost(kind, args, nodes, seed));
                let cuts = for_seeds(seeds.clone(), |seed| catch_up(kind, args, nodes, seed));
                let of = |pairs: &[(f64, f64)]| {
                    let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
                    (Spread::of(left), Spread::of(right))
                };
                let ((messages, bytes), (took, cut_bytes)) = (of(&costs), of(&cuts));
                println!(
                    "| {} | {nodes} | {mode} | {:.2} | {:.0} | {:.0} / {:.0} / {:.0} | {:.0} |",
                    kind.name,
                    messages.mean,
                    bytes.mean,
                    took.least,
                    took.median,
                    took.greatest,
                    cut_bytes.median,
                );
            }
        }
    }
}
