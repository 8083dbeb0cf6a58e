//! The node in a test cluster, on the virtual clock.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::counter::{Reply, Request};

const NODES: [&str; 5] = ["n0", "n1", "n2", "n3", "n4"];

fn cluster(options: ClusterOptions, args: &str) -> Cluster {
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    let factory = kolk_pn_counter::factory(&args).expect("arguments");
    Cluster::new(ClusterOptions { nodes: 5, latency_ms: 50.0, ..options }, |_| {
        kolk_node::machine(factory.clone())
    })
}

fn add(cluster: &mut Cluster, node: &str, delta: i64) {
    let reply: Reply = cluster.call(node, &Request::Add { delta }).expect("answered");
    assert_eq!(reply, Reply::AddOk {});
}

fn read(cluster: &mut Cluster, node: &str) -> i64 {
    match cluster.call(node, &Request::Read {}) {
        Ok(Reply::ReadOk { value }) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn counts_join_after_a_partition() {
    for args in ["", "--direct", "--at-once", "--full-state-ms 500"] {
        for seed in 0..10 {
            let options =
                ClusterOptions { loss: 0.1, duplication: 0.1, seed, ..ClusterOptions::default() };
            let mut cluster = cluster(options, args);
            cluster.cut(&["n0", "n3"]);
            for nth in 0..50 {
                add(&mut cluster, NODES[nth % 5], nth as i64 - 20);
                cluster.run_for(Duration::from_millis(40));
            }
            // The others' adds, and one's own, which are there at once.
            assert!(NODES.iter().any(|node| read(&mut cluster, node) != 225));
            cluster.heal();
            cluster.run_for(Duration::from_secs(10));
            for node in NODES {
                assert_eq!(read(&mut cluster, node), 225, "{args} seed {seed} {node}");
            }
        }
    }
}

/// A node is away for 10 000 adds and comes back: it gets a few messages, not a log.
#[test]
fn whoever_was_away_gets_an_entry_a_node() {
    let mut cluster = cluster(ClusterOptions::default(), "");
    cluster.run_for(Duration::from_secs(1));
    cluster.cut(&["n3"]);
    for nth in 0..10_000 {
        add(&mut cluster, NODES[nth % 3], 1);
        cluster.run_for(Duration::from_millis(2));
    }
    cluster.heal();
    let before = cluster.journal().len();
    cluster.run_for(Duration::from_secs(5));
    assert_eq!(read(&mut cluster, "n3"), 10_000);
    let bytes = cluster.journal().len() - before;
    assert!(bytes < 10_000, "{bytes} bytes of journal");
}

#[test]
fn what_changes_nothing_is_not_told() {
    let mut cluster = cluster(ClusterOptions::default(), "");
    add(&mut cluster, "n1", 0);
    cluster.run_for(Duration::from_secs(100));
    assert_eq!(cluster.server_messages(), 0);
    add(&mut cluster, "n1", -3);
    cluster.run_for(Duration::from_secs(10));
    let sent = cluster.server_messages();
    // To the hub, from there to three others, and four acknowledgements.
    assert_eq!(sent, 8);
    cluster.run_for(Duration::from_secs(100));
    assert_eq!(cluster.server_messages(), sent);
}

#[test]
fn a_share_that_does_not_fit_is_refused() {
    let mut cluster = cluster(ClusterOptions::default(), "");
    add(&mut cluster, "n0", i64::MAX);
    add(&mut cluster, "n0", i64::MAX);
    let refused: Result<Reply, _> = cluster.call("n0", &Request::Add { delta: i64::MAX });
    let refused = refused.expect_err("too large");
    assert!(refused.is_definite(), "{refused}");
    // The sum is what does not fit now, until somebody takes something away.
    let unreadable: Result<Reply, _> = cluster.call("n0", &Request::Read {});
    assert!(unreadable.is_err());
    add(&mut cluster, "n1", i64::MIN);
    cluster.run_for(Duration::from_secs(5));
    assert_eq!(read(&mut cluster, "n2"), i64::MAX - 1);
}
