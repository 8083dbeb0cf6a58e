//! The node in a test cluster, on the virtual clock.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::g_set::{Reply, Request};

fn cluster(options: ClusterOptions, args: &[&str]) -> Cluster {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let factory = kolk_g_set::factory(&args).expect("arguments");
    Cluster::new(options, |_| kolk_node::machine(factory.clone()))
}

fn add(cluster: &mut Cluster, node: &str, element: i64) {
    let reply: Reply = cluster.call(node, &Request::Add { element }).expect("answered");
    assert_eq!(reply, Reply::AddOk {});
}

fn read(cluster: &mut Cluster, node: &str) -> Vec<i64> {
    match cluster.call(node, &Request::Read {}) {
        Ok(Reply::ReadOk { value }) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sets_join_after_a_partition() {
    for args in [&[][..], &["--direct"], &["--at-once"], &["--full-state-ms", "500"]] {
        for seed in 0..20 {
            let options = ClusterOptions {
                nodes: 5,
                latency_ms: 50.0,
                loss: 0.1,
                duplication: 0.1,
                seed,
                ..ClusterOptions::default()
            };
            let mut cluster = cluster(options, args);
            cluster.cut(&["n0", "n3"]);
            for element in 0..50 {
                add(&mut cluster, &format!("n{}", element % 5), element);
                cluster.run_for(Duration::from_millis(40));
            }
            cluster.heal();
            cluster.run_for(Duration::from_secs(10));
            for node in ["n0", "n1", "n2", "n3", "n4"] {
                let expected: Vec<i64> = (0..50).collect();
                assert_eq!(read(&mut cluster, node), expected, "{args:?} seed {seed} {node}");
            }
        }
    }
}

#[test]
fn an_element_is_in_once() {
    let mut cluster = cluster(ClusterOptions::default(), &[]);
    for node in ["n0", "n1", "n1", "n2"] {
        add(&mut cluster, node, 7);
    }
    cluster.run_for(Duration::from_secs(5));
    for node in ["n0", "n1", "n2"] {
        assert_eq!(read(&mut cluster, node), [7], "{node}");
    }
    let sent = cluster.server_messages();
    cluster.run_for(Duration::from_secs(100));
    assert_eq!(cluster.server_messages(), sent);
}
