//! What must arrive at a peer: when it leaves, together with what, and how often.

#[path = "../../kolk-node/tests/common/mod.rs"]
mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::Stepper;
use kolk_node::{Context, Node, RpcError};
use kolk_replica::outbox::Outbox;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Put { item: u64, delay_ms: u64 },
    Ask {},
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    Batch { items: Vec<u64> },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    BatchOk {},
    State { silent: bool, waiting: usize, done: Vec<u64> },
}

/// Puts what it is told into an outbox for `n2`.
struct Sender {
    outbox: Outbox<u64>,
    done: Rc<RefCell<Vec<u64>>>,
}

impl Sender {
    fn new(cx: &Context) -> Sender {
        let done: Rc<RefCell<Vec<u64>>> = Rc::default();
        let (context, ended) = (cx.clone(), Rc::clone(&done));
        let outbox = Outbox::new(cx, move |items: Rc<[u64]>, patience| {
            let (cx, done) = (context.clone(), Rc::clone(&ended));
            async move {
                let batch = Call::Batch { items: items.to_vec() };
                cx.rpc_within::<Reply>(patience, "n2", &batch).await?;
                done.borrow_mut().extend(items.iter());
                Ok(())
            }
        });
        Sender { outbox, done }
    }
}

impl Node for Sender {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Put { item, delay_ms } => {
                self.outbox.push(item, Duration::from_millis(delay_ms));
                Ok(Reply::BatchOk {})
            }
            Request::Ask {} => Ok(Reply::State {
                silent: self.outbox.is_silent(),
                waiting: self.outbox.len(),
                done: self.done.borrow().clone(),
            }),
        }
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn sender() -> Stepper {
    Stepper::new(Sender::new).0
}

/// Puts an item in, and gives what was sent to the peer: message ids and items.
fn put(node: &mut Stepper, item: u64, delay_ms: u64) -> Vec<String> {
    let body = format!(r#"{{"type":"put","item":{item},"delay_ms":{delay_ms}}}"#);
    batches(node.get("c1", &body))
}

/// Batches among what was sent, without what is the same in all: `[7,8] as 3`, with the time in
/// front if there is one.
fn batches(sent: Vec<String>) -> Vec<String> {
    let batch = |line: String| {
        let (before, body) = line.split_once("n2 {\"type\":\"batch\",\"msg_id\":")?;
        let (id, items) = body.strip_suffix('}')?.split_once(",\"items\":")?;
        Some(format!("{before}{items} as {id}"))
    };
    sent.into_iter().filter_map(batch).collect()
}

fn answer(node: &mut Stepper, id: u64) -> Vec<String> {
    batches(node.get("n2", &format!(r#"{{"type":"batch_ok","in_reply_to":{id}}}"#)))
}

fn refuse(node: &mut Stepper, id: u64) -> Vec<String> {
    let body = format!(r#"{{"type":"error","in_reply_to":{id},"code":11,"text":"busy"}}"#);
    batches(node.get("n2", &body))
}

/// Whether the peer counts as silent, how many items wait, and which were answered.
fn state(node: &mut Stepper) -> (bool, usize, Vec<u64>) {
    let answer = node.get("c1", r#"{"type":"ask","msg_id":1}"#);
    let (_, body) = answer[0].split_once(' ').expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let done = body["done"].as_array().expect("a list").iter();
    let done = done.map(|item| item.as_u64().expect("an item")).collect();
    let waiting = body["waiting"].as_u64().expect("a count") as usize;
    (body["silent"] == true, waiting, done)
}

#[test]
fn what_waits_leaves_together() {
    let mut node = sender();
    assert_eq!(put(&mut node, 1, 50), [""; 0]);
    assert_eq!(put(&mut node, 2, 80), [""; 0]);
    assert_eq!(state(&mut node), (false, 2, vec![]));
    // The first one's time has come.
    assert_eq!(batches(node.pass(ms(60))), ["50 [1,2] as 1"]);
    // What has no time to lose takes along what has.
    assert_eq!(put(&mut node, 3, 500), [""; 0]);
    assert_eq!(put(&mut node, 4, 0), ["[3,4] as 2"], "while the first is still under way");
    assert_eq!((answer(&mut node, 2), answer(&mut node, 1)), (vec![], vec![]));
    assert_eq!(state(&mut node), (false, 0, vec![3, 4, 1, 2]));
    assert_eq!(batches(node.pass(ms(5000))), [""; 0], "what was answered is not sent again");
}

#[test]
fn what_is_not_answered_leaves_again_with_what_has_come_since() {
    let mut node = sender();
    assert_eq!(put(&mut node, 1, 0), ["[1] as 1"]);
    assert_eq!(put(&mut node, 2, 10_000), [""; 0]);
    let again = batches(node.pass(ms(1500)));
    assert!(again[0].ends_with("[1,2] as 2"), "{again:?}");
    assert!(again.windows(2).all(|pair| pair[0] < pair[1] || pair[0].len() < pair[1].len()));
    // The late answer to the first one is nobody's; the last one's counts.
    assert_eq!(answer(&mut node, 1), [""; 0]);
    assert!(state(&mut node).2.is_empty());
    answer(&mut node, again.len() as u64 + 1);
    assert_eq!(state(&mut node), (false, 0, vec![1, 2]));
}

#[test]
fn a_refusal_is_repeated_but_not_at_once() {
    let mut node = sender();
    assert_eq!(put(&mut node, 1, 0), ["[1] as 1"]);
    assert_eq!(refuse(&mut node, 1), [""; 0], "a peer that is busy is left alone for a while");
    let again = batches(node.pass(ms(2000)));
    assert!(again[0].ends_with("[1] as 2"), "{again:?}");
}

#[test]
fn a_silent_peer_is_only_probed() {
    let mut node = sender();
    put(&mut node, 1, 0);
    node.pass(ms(999));
    assert!(!state(&mut node).0, "a second has not passed");
    node.pass(ms(1));
    assert!(state(&mut node).0);
    // One batch at a time, however much is put in.
    let mut probes = Vec::new();
    for item in 2..100 {
        probes.extend(put(&mut node, item, 0));
        probes.extend(batches(node.pass(ms(100))));
    }
    assert!((8..=11).contains(&probes.len()), "one a second, for 9.8 s: {probes:?}");
    let last = probes.last().and_then(|probe| probe.rsplit_once(" as ")).expect("a probe");
    let id: u64 = last.1.parse().expect("an id");
    let rest = answer(&mut node, id);
    assert!(!state(&mut node).0, "it has answered");
    // The rest follows at once.
    assert_eq!(rest.len(), 1, "{rest:?}");
    answer(&mut node, id + 1);
    let (silent, waiting, mut done) = state(&mut node);
    done.sort_unstable();
    assert_eq!((silent, waiting), (false, 0));
    assert_eq!(done, (1..100).collect::<Vec<u64>>());
}

#[test]
fn an_idle_outbox_is_silent_in_the_other_sense() {
    let mut node = sender();
    put(&mut node, 1, 0);
    answer(&mut node, 1);
    assert_eq!(node.pass(ms(60_000)), [""; 0]);
    assert_eq!(node.deadline, None, "no timer is left behind");
    assert!(!state(&mut node).0, "who owes nothing is not called silent");
}
