//! The node in a simulated cluster, on the virtual clock: milliseconds for any number of seconds.

use kolk_engine::{Cluster, ClusterOptions};
use kolkproject::{Echo, Reply, Request};
use serde_json::json;

#[test]
fn every_node_echoes() {
    let options = ClusterOptions {
        nodes: 3,
        latency_ms: 50.0,
        ..Default::default()
    };
    let mut cluster = Cluster::new(options, |_| kolk_node::machine(|_| Echo));
    for node in ["n0", "n1", "n2"] {
        for echo in [json!("hello"), json!(null), json!([1, { "a": 2.5 }])] {
            let request = Request::Echo { echo: echo.clone() };
            let reply = cluster.call(node, &request);
            assert_eq!(reply, Ok(Reply::EchoOk { echo }));
        }
    }
}
