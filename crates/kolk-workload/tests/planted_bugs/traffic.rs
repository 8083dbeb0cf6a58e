//! Nodes that answer answers, whose traffic is named; and nodes that talk much and are right, whose
//! traffic is not.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use kolk_history::Summary;
use kolk_node::{Context, Machine, Node, RpcError, machine};
use kolk_sweep::{built_in, judge};
use kolk_workload::Settings;
use kolk_workload::planner::Nodes;
use serde::{Deserialize, Serialize};

use crate::unique_ids::raise_by_cas;

#[derive(Clone, Copy, Debug)]
enum Talk {
    /// Answers what its peer answers, so many microseconds later: once begun it never ends.
    AnswersAnswers(u64),
    /// Tells all its peers everything every so many milliseconds, and is answered.
    Gossips(u64),
    /// Raises a counter in `lin-kv` for each request, and tries again until nobody was faster.
    Contends,
    /// Reads a key of `seq-kv` every so many milliseconds.
    Polls(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Echo { echo: String },
    Tell {},
    Told {},
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    EchoOk { echo: String },
}

struct Talker {
    talk: Talk,
    has_begun: Cell<bool>,
}

impl Node for Talker {
    type Request = Request;
    type Reply = Option<Reply>;

    fn start(self: &Rc<Self>, cx: &Context) {
        let (Talk::Gossips(pause) | Talk::Polls(pause)) = self.talk else { return };
        let (node, cx) = (Rc::clone(self), cx.clone());
        cx.clone().spawn(async move {
            loop {
                cx.sleep(Duration::from_millis(pause)).await;
                match node.talk {
                    Talk::Polls(_) => drop(cx.seq_kv().read::<i64>("key").await),
                    _ => cx.send_to_all(cx.peers(), &Request::Tell {}),
                }
            }
        });
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Option<Reply>, RpcError> {
        match (request, self.talk) {
            (Request::Echo { echo }, Talk::AnswersAnswers(_)) => {
                if !self.has_begun.replace(true) && cx.node_id() == "n0" {
                    cx.send_to_all(cx.peers(), &Request::Tell {});
                }
                Ok(Some(Reply::EchoOk { echo }))
            }
            (Request::Echo { echo }, Talk::Contends) => {
                raise_by_cas(cx, "lin-kv").await?;
                Ok(Some(Reply::EchoOk { echo }))
            }
            (Request::Echo { echo }, _) => Ok(Some(Reply::EchoOk { echo })),
            (Request::Tell {}, Talk::AnswersAnswers(pause)) => {
                cx.sleep(Duration::from_micros(pause)).await;
                cx.send(cx.src(), &Request::Told {});
                Ok(None)
            }
            (Request::Told {}, Talk::AnswersAnswers(pause)) => {
                cx.sleep(Duration::from_micros(pause)).await;
                cx.send(cx.src(), &Request::Tell {});
                Ok(None)
            }
            (Request::Tell {}, _) => {
                cx.send(cx.src(), &Request::Told {});
                Ok(None)
            }
            (Request::Told {}, _) => Ok(None),
        }
    }
}

fn make(talk: Talk) -> Box<dyn Machine> {
    machine(move |_| Talker { talk, has_begun: Cell::new(false) })
}

fn summary(talk: Talk, nodes: usize, rate: f64, latency: f64) -> Summary {
    let mut settings = Settings::new("echo", built_in("planted", ""), 7);
    settings.nodes = Nodes::Count(nodes);
    (settings.rate, settings.latency, settings.time_limit) = (rate, latency, 10.0);
    judge(&settings, |_| make(talk)).run.summary
}

/// Two nodes that answer each other ten thousand times a second: no more in the end than when it
/// began.
#[test]
fn answers_to_answers_are_named() {
    let summary = summary(Talk::AnswersAnswers(100), 2, 5.0, 0.0);
    assert_eq!(summary.growth, None);
    let excess = summary.excess.expect("it is named");
    let said = "traffic between servers is more than the load explains: 10000 messages a second \
                beside 5 operations a second, most of it `tell` from n0 to n1 and `told` back";
    let told = excess.describe();
    assert!(told.starts_with(said), "{told}");
}

/// Whoever talks much for good reasons is not told off.
#[test]
fn talk_that_the_load_explains_is_not_named() {
    for (talk, nodes, rate, latency) in [
        (Talk::Gossips(2), 2, 5.0, 0.0),
        (Talk::Gossips(5), 5, 20.0, 0.0),
        (Talk::Gossips(50), 25, 100.0, 10.0),
        (Talk::Polls(1), 1, 5.0, 0.0),
        (Talk::Polls(2), 5, 5.0, 0.0),
        (Talk::Contends, 1, 500.0, 1.0),
        (Talk::Contends, 3, 100.0, 10.0),
        (Talk::Contends, 5, 500.0, 1.0),
        (Talk::AnswersAnswers(1000), 2, 5.0, 0.0),
    ] {
        let summary = summary(talk, nodes, rate, latency);
        let named = (summary.growth, summary.excess);
        assert_eq!(named, (None, None), "{talk:?}, {nodes} nodes, {rate} /s, {latency} ms");
    }
}
