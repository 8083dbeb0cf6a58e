//! The test cluster, with the reference echo node and one that talks to its peers.

use std::time::Duration;

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::{Context, Node, RpcError, machine};
use kolk_protocol::workload::{echo, key_value};
use serde::{Deserialize, Serialize};
use serde_json::json;

struct Echo;

impl Node for Echo {
    type Request = echo::Request;
    type Reply = echo::Reply;

    async fn handle(&self, _: &Context, request: Self::Request) -> Result<Self::Reply, RpcError> {
        let echo::Request::Echo { echo } = request;
        Ok(echo::Reply::EchoOk { echo })
    }
}

#[test]
fn answers() {
    let mut cluster = Cluster::new(ClusterOptions::default(), |_| machine(|_| Echo));
    let request = echo::Request::Echo { echo: json!({"deep": [1, 2, {"x": null}]}) };
    let echo::Reply::EchoOk { echo } = cluster.call("n1", &request).unwrap();
    assert_eq!(echo, json!({"deep": [1, 2, {"x": null}]}));
    let unknown: Result<echo::Reply, RpcError> = cluster.call("n1", &Other::Fly {});
    assert_eq!(unknown.unwrap_err().code.0, 10);
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Other {
    Fly {},
}

/// Asks a peer and answers with what it said.
struct Relay;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RelayRequest {
    Ask { peer: String },
    Who {},
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum RelayReply {
    AskOk { said: String },
    WhoOk { name: String },
}

impl Node for Relay {
    type Request = RelayRequest;
    type Reply = RelayReply;

    async fn handle(&self, cx: &Context, request: RelayRequest) -> Result<RelayReply, RpcError> {
        match request {
            RelayRequest::Who {} => Ok(RelayReply::WhoOk { name: cx.node_id().to_owned() }),
            RelayRequest::Ask { peer } => match cx.rpc(&peer, &RelayRequest::Who {}).await? {
                RelayReply::WhoOk { name } => Ok(RelayReply::AskOk { said: name }),
                RelayReply::AskOk { .. } => unreachable!("who is answered with its name"),
            },
        }
    }
}

#[test]
fn latency_is_paid_between_servers_only_and_cuts_cut() {
    let options = ClusterOptions { latency_ms: 100.0, ..ClusterOptions::default() };
    let mut cluster = Cluster::new(options, |_| machine(|_| Relay));
    let ask = RelayRequest::Ask { peer: "n2".into() };
    let before = cluster.now();
    let reply: RelayReply = cluster.call("n0", &ask).unwrap();
    assert_eq!(reply, RelayReply::AskOk { said: "n2".into() });
    assert_eq!(cluster.now() - before, Duration::from_millis(200));
    assert_eq!(cluster.server_messages(), 2);

    cluster.cut(&["n2"]);
    let error = cluster.call::<RelayReply>("n0", &ask).unwrap_err();
    assert!(!error.is_definite(), "{error}");
    assert_eq!(cluster.summary().cut_count, 1);
    cluster.heal();
    cluster.call::<RelayReply>("n0", &ask).unwrap();
}

/// Counts in `lin-kv`: adds by compare-and-set.
struct Counter;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CounterRequest {
    Add { delta: i64 },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
enum CounterReply {
    AddOk { sum: i64 },
}

impl Node for Counter {
    type Request = CounterRequest;
    type Reply = CounterReply;

    async fn handle(
        &self,
        cx: &Context,
        request: CounterRequest,
    ) -> Result<CounterReply, RpcError> {
        type KeyValue = key_value::Request<String, i64>;
        let CounterRequest::Add { delta } = request;
        let key = || "sum".to_owned();
        loop {
            let from = match cx.rpc("lin-kv", &KeyValue::Read { key: key() }).await {
                Ok(key_value::Reply::ReadOk { value }) => value,
                Ok(other) => panic!("{other:?}"),
                Err(error) if error.code.0 == 20 => 0,
                Err(error) => return Err(error),
            };
            let to = from + delta;
            let cas = KeyValue::Cas { key: key(), from, to, create_if_not_exists: true };
            match cx.rpc::<key_value::Reply<i64>>("lin-kv", &cas).await {
                Ok(_) => return Ok(CounterReply::AddOk { sum: to }),
                Err(error) if error.code.0 == 22 => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[test]
fn services_are_on_the_network() {
    let options = ClusterOptions { latency_ms: 10.0, ..ClusterOptions::default() };
    let mut cluster = Cluster::new(options, |_| machine(|_| Counter));
    let asked: Vec<i64> = (0..3)
        .map(|node| cluster.ask(&format!("n{node}"), &CounterRequest::Add { delta: 1 }))
        .collect();
    cluster.run_for(Duration::from_secs(1));
    let mut sums: Vec<i64> = asked
        .into_iter()
        .map(|msg_id| match cluster.reply(msg_id) {
            Some(Ok(CounterReply::AddOk { sum })) => sum,
            other => panic!("{other:?}"),
        })
        .collect();
    sums.sort_unstable();
    assert_eq!(sums, [1, 2, 3], "compare-and-set lets one through at a time");
}
