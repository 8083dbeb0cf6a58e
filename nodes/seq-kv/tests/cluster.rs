//! The node in a test cluster, on the virtual clock.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::key_value::{Reply, Request};
use serde_json::{Value, json};

fn cluster(options: ClusterOptions) -> Cluster {
    let factory = kolk_seq_kv::factory(&[]).expect("no arguments");
    Cluster::new(options, |_| kolk_node::machine(factory.clone()))
}

/// What a node answers: the reply, or the error's code.
fn ask(
    cluster: &mut Cluster,
    node: &str,
    request: Request<Value, Value>,
) -> Result<Reply<Value>, u32> {
    cluster.call(node, &request).map_err(|error| error.code.0)
}

fn read(cluster: &mut Cluster, node: &str) -> Option<i64> {
    match ask(cluster, node, Request::Read { key: json!("k") }) {
        Ok(Reply::ReadOk { value }) => value.as_i64(),
        Err(20) => None,
        other => panic!("{other:?}"),
    }
}

fn write(cluster: &mut Cluster, node: &str, value: i64) -> Result<Reply<Value>, u32> {
    ask(cluster, node, Request::Write { key: json!("k"), value: json!(value) })
}

fn cas(key: Value, from: Value, to: Value, create_if_not_exists: bool) -> Request<Value, Value> {
    Request::Cas { key, from, to, create_if_not_exists }
}

/// The same questions and answers as the services', for clients of which it is a store like theirs.
#[test]
fn answers_as_the_services_do() {
    let mut cluster = cluster(ClusterOptions::default());
    let (key, value) = (json!({"b": [1, null], "a": 2.50}), json!(["x", 1.5]));
    let same_key = json!({"a": 2.5, "b": [1, null]});
    for (node, request, expected) in [
        ("n0", Request::Read { key: key.clone() }, Err(20)),
        ("n1", cas(key.clone(), json!(1), json!(2), false), Err(20)),
        ("n1", cas(key.clone(), json!(1), json!(2), true), Ok(Reply::CasOk {})),
        ("n2", cas(key.clone(), json!(1), json!(3), true), Err(22)),
        ("n2", cas(key.clone(), json!(2.0), json!(3), true), Err(22)),
        ("n0", cas(key.clone(), json!(2), value.clone(), false), Ok(Reply::CasOk {})),
        ("n0", Request::Read { key: same_key }, Ok(Reply::ReadOk { value })),
        ("n2", Request::Write { key: key.clone(), value: json!(0) }, Ok(Reply::WriteOk {})),
        ("n2", Request::Read { key }, Ok(Reply::ReadOk { value: json!(0) })),
    ] {
        assert_eq!(ask(&mut cluster, node, request), expected, "{node}");
    }
}

/// Two messages an update, none for the primary's own, none for reads; and whoever has not asked is
/// told once.
#[test]
fn messages_are_few() {
    let options = ClusterOptions { nodes: 5, latency_ms: 10.0, ..ClusterOptions::default() };
    let mut cluster = cluster(options);
    assert_eq!(write(&mut cluster, "n0", 1), Ok(Reply::WriteOk {}));
    assert_eq!(cluster.server_messages(), 0);
    assert_eq!(read(&mut cluster, "n1"), None, "an old state");
    let began = cluster.now();
    assert_eq!(write(&mut cluster, "n1", 2), Ok(Reply::WriteOk {}));
    assert_eq!((cluster.now() - began).as_millis(), 20);
    assert_eq!(cluster.server_messages(), 2);
    assert_eq!(read(&mut cluster, "n1"), Some(2), "its own update");
    assert_eq!(read(&mut cluster, "n4"), None);
    cluster.run_for(Duration::from_millis(600));
    for node in ["n0", "n1", "n2", "n3", "n4"] {
        assert_eq!(read(&mut cluster, node), Some(2), "{node}");
    }
    cluster.run_for(Duration::from_secs(100));
    assert_eq!(cluster.server_messages(), 2 + 4 * 2, "then it is quiet");
}

#[test]
fn cut_off_from_the_primary_a_node_reads_and_says_what_it_did_not_do() {
    let mut cluster = cluster(ClusterOptions { latency_ms: 10.0, ..ClusterOptions::default() });
    assert_eq!(write(&mut cluster, "n1", 1), Ok(Reply::WriteOk {}));
    cluster.cut(&["n1"]);
    assert_eq!(write(&mut cluster, "n2", 2), Ok(Reply::WriteOk {}), "the others go on");
    assert_eq!(read(&mut cluster, "n1"), Some(1), "reads are answered");
    // Sent and not answered: nobody knows.
    assert_eq!(write(&mut cluster, "n1", 3), Err(0));
    // By now the primary is known to be silent: nothing is sent.
    assert_eq!(write(&mut cluster, "n1", 4), Err(11));
    cluster.heal();
    cluster.run_for(Duration::from_secs(2));
    assert_eq!(read(&mut cluster, "n1"), Some(2), "what was given up is not sent any more");
    assert_eq!(write(&mut cluster, "n1", 5), Ok(Reply::WriteOk {}));
    cluster.run_for(Duration::from_secs(1));
    assert_eq!(read(&mut cluster, "n0"), Some(5));
}

/// What is lost is sent again, what arrives twice is performed once: a compare-and-set that is
/// acknowledged was performed, and its like cannot be performed from the same value.
#[test]
fn every_update_is_performed_once() {
    for seed in 0..20 {
        let options = ClusterOptions {
            latency_ms: 20.0,
            loss: 0.2,
            duplication: 0.2,
            seed,
            ..ClusterOptions::default()
        };
        let mut cluster = cluster(options);
        assert_eq!(write(&mut cluster, "n0", 0), Ok(Reply::WriteOk {}));
        for value in 0..30 {
            let node = ["n0", "n1", "n2"][value as usize % 3];
            let request = cas(json!("k"), json!(value), json!(value + 1), false);
            assert_eq!(ask(&mut cluster, node, request), Ok(Reply::CasOk {}), "seed {seed}");
            assert_eq!(read(&mut cluster, node), Some(value + 1), "seed {seed}");
        }
        cluster.run_for(Duration::from_secs(20));
        for node in ["n0", "n1", "n2"] {
            assert_eq!(read(&mut cluster, node), Some(30), "seed {seed} {node}");
        }
        let sent = cluster.server_messages();
        cluster.run_for(Duration::from_secs(100));
        assert_eq!(cluster.server_messages(), sent, "seed {seed}: then it is quiet");
    }
}
