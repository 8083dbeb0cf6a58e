//! The proxy in a test cluster: what passes through, and what comes back when something goes wrong.

use kolk_engine::{Cluster, ClusterOptions};
use kolk_node::workload::key_value::{Reply, Request};
use kolk_node::{ErrorCode, RpcError};
use serde_json::{Value, json};

fn cluster(options: ClusterOptions, args: &[&str]) -> Cluster {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let factory = kolk_lin_kv::factory(&args).expect("arguments");
    Cluster::new(options, |_| kolk_node::machine(factory.clone()))
}

fn ask(
    cluster: &mut Cluster,
    node: &str,
    request: Request<Value, Value>,
) -> Result<Reply<Value>, RpcError> {
    cluster.call(node, &request)
}

fn cas(key: Value, from: Value, to: Value, create_if_not_exists: bool) -> Request<Value, Value> {
    Request::Cas { key, from, to, create_if_not_exists }
}

#[test]
fn requests_and_answers_pass_through() {
    let mut cluster = cluster(ClusterOptions::default(), &["--service", "lin-kv"]);
    let (key, value) = (json!({"a": [1, null]}), json!(["x", 1.5]));
    for (node, request, expected) in [
        ("n0", Request::Read { key: key.clone() }, Err(20)),
        ("n0", cas(key.clone(), json!(1), json!(2), false), Err(20)),
        ("n1", cas(key.clone(), json!(1), json!(2), true), Ok(Reply::CasOk {})),
        ("n2", cas(key.clone(), json!(1), json!(3), true), Err(22)),
        ("n0", cas(key.clone(), json!(2), value.clone(), false), Ok(Reply::CasOk {})),
        ("n2", Request::Read { key: key.clone() }, Ok(Reply::ReadOk { value })),
        ("n2", Request::Write { key: key.clone(), value: json!(0) }, Ok(Reply::WriteOk {})),
        ("n1", Request::Read { key }, Ok(Reply::ReadOk { value: json!(0) })),
    ] {
        let answer = ask(&mut cluster, node, request).map_err(|error| error.code.0);
        assert_eq!(answer, expected, "{node}");
    }
    // One request and one answer between node and service for each.
    assert_eq!(cluster.server_messages(), 16);
}

#[test]
fn what_got_no_answer_is_indefinite() {
    let options = ClusterOptions { loss: 1.0, ..ClusterOptions::default() };
    let mut cluster = cluster(options, &["--service", "lin-kv"]);
    let error = ask(&mut cluster, "n0", Request::Read { key: json!(1) }).expect_err("lost");
    assert_eq!((error.code, error.is_definite()), (ErrorCode::TIMEOUT, false));
}

#[test]
fn arguments_choose_the_service() {
    for args in [&["--service", "seq-kv"][..], &["--service=lww-kv"]] {
        let mut cluster = cluster(ClusterOptions::default(), args);
        let request = Request::Write { key: json!(1), value: json!(1) };
        assert_eq!(ask(&mut cluster, "n0", request), Ok(Reply::WriteOk {}), "{args:?}");
    }
    for (args, expected) in [
        (&["--fast"][..], "unknown argument `--fast`"),
        (&["--service"], "--service must be lin-kv, seq-kv or lww-kv"),
        (&["--service=lin-tso"], "--service must be lin-kv, seq-kv or lww-kv"),
        (
            &["--service=lin-kv", "--batch-ms=1"],
            "--batch-ms is for a store of its own: not with --service",
        ),
    ] {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let error = kolk_lin_kv::factory(&args).err().expect("refused");
        assert_eq!(error.lines().next(), Some(expected), "{args:?}");
    }
}
