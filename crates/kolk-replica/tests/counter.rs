//! The example, a counter on all nodes, in a test cluster.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::counter::{Reply, Request};

#[path = "../examples/counter.rs"]
mod counter;

fn cluster(options: ClusterOptions) -> Cluster {
    Cluster::new(options, |_| kolk_node::machine(counter::make))
}

fn read(cluster: &mut Cluster, node: &str) -> i64 {
    match cluster.call(node, &Request::Read {}) {
        Ok(Reply::ReadOk { value }) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_node_counts_the_same() {
    for nodes in [1, 2, 3, 5] {
        let options = ClusterOptions { nodes, latency_ms: 10.0, ..ClusterOptions::default() };
        let mut cluster = cluster(options);
        let mut sum = 0;
        for step in 0..20_usize {
            let (node, delta) = (format!("n{}", step % nodes), step as i64 - 3);
            let reply = cluster.call(&node, &Request::Add { delta });
            assert_eq!(reply, Ok(Reply::AddOk {}), "{nodes} nodes");
            sum += delta;
            let reader = format!("n{}", (step + 1) % nodes);
            assert_eq!(read(&mut cluster, &reader), sum, "{nodes} nodes");
        }
    }
}

#[test]
fn each_request_counts_once_though_messages_are_lost_and_doubled() {
    for seed in 0..10 {
        let options = ClusterOptions {
            nodes: 3,
            seed,
            latency_ms: 10.0,
            loss: 0.1,
            duplication: 0.3,
            ..ClusterOptions::default()
        };
        let mut cluster = cluster(options);
        for step in 1..=20 {
            let node = format!("n{}", step % 3);
            let reply = cluster.call(&node, &Request::Add { delta: 1 });
            assert_eq!(reply, Ok(Reply::AddOk {}), "seed {seed}");
            assert_eq!(read(&mut cluster, &node), step, "seed {seed}");
        }
    }
}

#[test]
fn a_majority_goes_on_and_a_minority_does_not() {
    let options = ClusterOptions { latency_ms: 10.0, ..ClusterOptions::default() };
    let mut cluster = cluster(options);
    assert_eq!(cluster.call("n0", &Request::Add { delta: 1 }), Ok(Reply::AddOk {}));
    for cut in ["n0", "n1", "n2"] {
        let before = read(&mut cluster, "n0");
        cluster.cut(&[cut]);
        let alone = cluster.ask(cut, &Request::Add { delta: 100 });
        let others = ["n0", "n1", "n2"].into_iter().filter(|node| *node != cut);
        for node in others.clone() {
            assert_eq!(cluster.call(node, &Request::Add { delta: 1 }), Ok(Reply::AddOk {}));
        }
        for node in others {
            assert_eq!(read(&mut cluster, node), before + 2);
        }
        assert!(cluster.reply::<Reply>(alone).is_none());
        cluster.heal();
        cluster.run_for(Duration::from_secs(2));
        assert_eq!(cluster.reply(alone), Some(Ok(Reply::AddOk {})), "it was only late");
        assert_eq!(read(&mut cluster, cut), before + 102);
    }
}

#[test]
fn a_cluster_with_nothing_to_do_says_little() {
    for (nodes, most) in [(3, 10.0), (5, 20.0)] {
        let options = ClusterOptions { nodes, latency_ms: 10.0, ..ClusterOptions::default() };
        let mut cluster = cluster(options);
        assert_eq!(cluster.call("n0", &Request::Add { delta: 1 }), Ok(Reply::AddOk {}));
        cluster.run_for(Duration::from_secs(2));
        let before = cluster.server_messages();
        cluster.run_for(Duration::from_secs(60));
        let rate = (cluster.server_messages() - before) as f64 / 60.0;
        assert!((1.0..=most).contains(&rate), "{nodes} nodes: {rate} a second");
        // The first request finds it awake.
        let asked = cluster.now();
        assert_eq!(read(&mut cluster, "n1"), 1);
        assert!(cluster.now().since(asked) < Duration::from_millis(60));
    }
}
