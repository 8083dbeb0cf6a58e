//! The node in a test cluster, on the virtual clock: what a send is answered when the other side
//! cannot be reached.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::{ErrorCode, RpcError};
use kolk_replica::ownership;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a> {
    Send { key: &'a str, msg: i64 },
    Poll { offsets: BTreeMap<&'a str, u64> },
    CommitOffsets { offsets: BTreeMap<&'a str, u64> },
    ListCommittedOffsets { keys: [&'a str; 1] },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    SendOk { offset: u64 },
    PollOk { msgs: BTreeMap<String, Vec<(u64, i64)>> },
    CommitOffsetsOk {},
    ListCommittedOffsetsOk { offsets: BTreeMap<String, u64> },
}

fn cluster(nodes: usize) -> Cluster {
    let options = ClusterOptions { nodes, ..ClusterOptions::default() };
    let factory = kolk_kafka::factory(&[]).expect("arguments");
    Cluster::new(options, |_| kolk_node::machine(factory.clone()))
}

/// A key that this of two nodes owns.
fn key_of(node: usize) -> String {
    let nodes = ["n0".to_owned(), "n1".to_owned()];
    let mut keys = (0..).map(|number: u32| number.to_string());
    keys.find(|key| ownership::owner(&nodes, key) == node).expect("endless")
}

fn send(cluster: &mut Cluster, node: &str, key: &str, msg: i64) -> Result<u64, RpcError> {
    match cluster.call(node, &Request::Send { key, msg })? {
        Reply::SendOk { offset } => Ok(offset),
        other => panic!("{other:?}"),
    }
}

fn poll(cluster: &mut Cluster, node: &str, key: &str) -> Vec<(u64, i64)> {
    let request = Request::Poll { offsets: BTreeMap::from([(key, 0)]) };
    match cluster.call(node, &request) {
        Ok(Reply::PollOk { mut msgs }) => msgs.remove(key).unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// Whoever the owner is: at first nobody knows whether the other side has it, and once the other
/// side is known to be silent nothing is taken that could not be made safe.
#[test]
fn cut_off_a_send_is_indefinite_at_first_and_then_refused() {
    for owner in 0..2 {
        let mut cluster = cluster(2);
        let key = key_of(owner);
        assert_eq!(send(&mut cluster, "n0", &key, 1), Ok(0));
        cluster.cut(&["n0"]);
        let error = send(&mut cluster, "n0", &key, 2).expect_err("nobody answers");
        assert!(!error.is_definite(), "it may have been taken: {error:?}");
        let error = send(&mut cluster, "n0", &key, 3).expect_err("it is cut off");
        assert_eq!(error.code, ErrorCode::TEMPORARILY_UNAVAILABLE);
        assert!(error.is_definite());
        cluster.heal();
        cluster.run_for(Duration::from_secs(5));
        // What was indefinite is there, once; what was refused is not, and never will be.
        for node in ["n0", "n1"] {
            assert_eq!(poll(&mut cluster, node, &key), [(0, 1), (1, 2)], "{node}, owner n{owner}");
        }
        assert_eq!(send(&mut cluster, "n0", &key, 4), Ok(2));
        assert_eq!(send(&mut cluster, "n1", &key, 5), Ok(3));
    }
}

/// A send is acknowledged when two nodes have it: the other one shows it, even if the two are
/// parted at that moment.
#[test]
fn what_is_acknowledged_is_on_two_nodes() {
    for owner in 0..2 {
        let mut cluster = cluster(2);
        let key = key_of(owner);
        for (msg, node) in [(1, "n0"), (2, "n1"), (3, "n0"), (4, "n1")] {
            assert_eq!(send(&mut cluster, node, &key, msg), Ok(msg as u64 - 1));
            cluster.cut(&["n0"]);
            for node in ["n0", "n1"] {
                assert_eq!(poll(&mut cluster, node, &key).len(), msg as usize, "{node}");
            }
            cluster.heal();
        }
    }
}

fn commit(cluster: &mut Cluster, node: &str, key: &str, offset: u64) {
    let request = Request::CommitOffsets { offsets: BTreeMap::from([(key, offset)]) };
    assert_eq!(cluster.call(node, &request), Ok(Reply::CommitOffsetsOk {}));
}

fn committed(cluster: &mut Cluster, node: &str, key: &str) -> Option<u64> {
    match cluster.call(node, &Request::ListCommittedOffsets { keys: [key] }) {
        Ok(Reply::ListCommittedOffsetsOk { offsets }) => offsets.get(key).copied(),
        other => panic!("{other:?}"),
    }
}

/// Messages between nodes that told of commits.
fn tellings(cluster: &mut Cluster) -> usize {
    let journal = String::from_utf8(cluster.journal()).expect("text");
    let sent = journal.lines().filter(|line| line.contains(r#""type":"exchange""#));
    sent.filter(|line| line.contains(r#""commits""#)).count()
}

/// However many sends pass by on which they could ride.
#[test]
fn commits_are_told_four_times_a_second_and_only_when_they_changed() {
    let mut cluster = cluster(2);
    let key = key_of(1);
    let mut seen = None;
    for offset in 0..100 {
        assert_eq!(send(&mut cluster, "n0", &key, 7), Ok(offset));
        commit(&mut cluster, "n0", &key, offset);
        cluster.run_for(Duration::from_millis(20));
        let now = committed(&mut cluster, "n1", &key);
        assert!(now >= seen, "from {seen:?} back to {now:?}");
        seen = now;
    }
    let told = tellings(&mut cluster);
    assert!((7..=9).contains(&told), "{told} times in two seconds");
    cluster.run_for(Duration::from_secs(2));
    assert_eq!(committed(&mut cluster, "n1", &key), Some(99));
    let (told, messages) = (tellings(&mut cluster), cluster.server_messages());
    for offset in [98, 99, 0] {
        commit(&mut cluster, "n0", &key, offset);
    }
    cluster.run_for(Duration::from_secs(5));
    assert_eq!((tellings(&mut cluster), cluster.server_messages()), (told, messages));
    assert_eq!(committed(&mut cluster, "n0", &key), Some(99));
}

#[test]
fn alone_it_needs_nobody() {
    let mut cluster = cluster(1);
    assert_eq!(send(&mut cluster, "n0", "k", 7), Ok(0));
    assert_eq!(send(&mut cluster, "n0", "k", 8), Ok(1));
    assert_eq!(poll(&mut cluster, "n0", "k"), [(0, 7), (1, 8)]);
    assert_eq!(cluster.server_messages(), 0);
}
