//! The node in a test cluster: what happens when, and that nothing happens when nothing must.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::broadcast::{Reply, Request};

const ALL: [&str; 5] = ["", "--at-once", "--flush-ms 1500", "--direct", "--topology"];

fn cluster(options: ClusterOptions, args: &str) -> Cluster {
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    let factory = kolk_broadcast::factory(&args).expect("arguments");
    let count = options.nodes;
    let mut cluster = Cluster::new(options, |_| kolk_node::machine(factory.clone()));
    let name = |node: usize| format!("n{node}");
    let ring = |node: usize| vec![name((node + 1) % count), name((node + count - 1) % count)];
    let topology = Request::Topology { topology: (0..count).map(|n| (name(n), ring(n))).collect() };
    for node in 0..count {
        let reply: Reply = cluster.call(&name(node), &topology).expect("answered");
        assert_eq!(reply, Reply::TopologyOk {});
    }
    cluster
}

fn of_25(seed: u64) -> ClusterOptions {
    ClusterOptions { nodes: 25, latency_ms: 100.0, seed, ..ClusterOptions::default() }
}

fn broadcast(cluster: &mut Cluster, node: usize, message: i64) {
    let request = Request::Broadcast { message };
    let reply: Reply = cluster.call(&format!("n{node}"), &request).expect("answered");
    assert_eq!(reply, Reply::BroadcastOk {});
}

fn read(cluster: &mut Cluster, node: usize) -> Vec<i64> {
    match cluster.call(&format!("n{node}"), &Request::Read {}) {
        Ok(Reply::ReadOk { mut messages }) => {
            messages.sort_unstable();
            messages
        }
        other => panic!("{other:?}"),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_idle_cluster_is_silent() {
    for args in ALL {
        let mut cluster = cluster(of_25(1), args);
        cluster.run_for(seconds(60));
        assert_eq!(cluster.server_messages(), 0, "{args}");
        for node in 0..25 {
            broadcast(&mut cluster, node, node as i64);
        }
        cluster.cut(&["n0", "n7"]);
        cluster.run_for(seconds(30));
        cluster.heal();
        cluster.run_for(seconds(30));
        let sent = cluster.server_messages();
        cluster.run_for(seconds(600));
        assert_eq!(cluster.server_messages(), sent, "{args}");
        for node in 0..25 {
            assert_eq!(read(&mut cluster, node), (0..25).collect::<Vec<i64>>(), "{args} n{node}");
        }
    }
}

#[test]
fn the_same_message_twice_is_one() {
    for args in ALL {
        let options = ClusterOptions { nodes: 5, latency_ms: 50.0, ..ClusterOptions::default() };
        let mut cluster = cluster(options, args);
        for node in [0, 1, 4, 4] {
            broadcast(&mut cluster, node, 7);
        }
        cluster.run_for(seconds(10));
        broadcast(&mut cluster, 3, 7);
        cluster.run_for(seconds(10));
        for node in 0..5 {
            assert_eq!(read(&mut cluster, node), [7], "{args} n{node}");
        }
    }
}

/// The hub never comes back, at whatever moment it goes, and messages get lost as well: the others
/// come to the same values all the same.
#[test]
fn the_hub_is_no_single_point_of_failure() {
    for args in ["", "--at-once", "--flush-ms 1500"] {
        for seed in 0..8 {
            let mut cluster = cluster(ClusterOptions { loss: 0.1, ..of_25(seed) }, args);
            for message in 0..100 {
                if message == 40 {
                    cluster.run_for(Duration::from_millis(seed * 37));
                    cluster.cut(&["n0"]);
                }
                broadcast(&mut cluster, 1 + message as usize % 24, message);
                cluster.run_for(Duration::from_millis(50));
            }
            cluster.run_for(seconds(20));
            for node in 1..25 {
                let read = read(&mut cluster, node);
                assert_eq!(read, (0..100).collect::<Vec<i64>>(), "{args} seed {seed} n{node}");
            }
        }
    }
}

/// Once they know that the hub is gone, it takes no longer than with it.
#[test]
fn a_deputy_is_as_quick_as_the_hub() {
    let mut cluster = cluster(of_25(3), "");
    let round = |cluster: &mut Cluster, first: i64| {
        for node in 1..25 {
            broadcast(cluster, node, first + node as i64);
        }
    };
    round(&mut cluster, 0);
    cluster.cut(&["n0"]);
    cluster.run_for(seconds(8));
    for moment in 1..5 {
        round(&mut cluster, moment * 100);
        cluster.run_for(Duration::from_millis(435));
        for node in 1..25 {
            let heard = read(&mut cluster, node).len() as i64;
            assert_eq!(heard, 24 * (moment + 1), "n{node} in round {moment}");
        }
    }
    let sent = cluster.server_messages();
    cluster.run_for(seconds(100));
    // Only whether it is back is asked, by its deputy every second, by others every eight.
    assert!(cluster.server_messages() - sent <= 100 + 24 * 13 + 100);
}

#[test]
fn wrong_arguments_are_explained() {
    let error = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kolk_broadcast::factory(&args).err().expect("an error")
    };
    assert!(error(&["--flush", "3"]).starts_with("unknown argument `--flush`\nsettings"));
    assert!(error(&["--direct", "--topology"]).starts_with("--direct and --topology do not go"));
}
