use std::cell::RefCell;
use std::collections::BTreeSet;

use kolk_node::{Context, Machine, Node, RpcError, machine};

use super::*;
use crate::testing::{Bench, Reply, Request, Tell, asked};
use crate::{Ended, Open, Options, Swarm, Tally, explore};

/// A broadcast that tells all others once, and never asks whether that arrived.
struct Once {
    kept: RefCell<BTreeSet<i64>>,
}

impl Node for Once {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Broadcast { message } => {
                self.kept.borrow_mut().insert(message);
                cx.send_to_all(cx.peers(), &Tell::Tell { message });
                Reply::BroadcastOk {}
            }
            Request::Tell { message } => {
                self.kept.borrow_mut().insert(message);
                Reply::TellOk {}
            }
            Request::Heard {} => Reply::HeardOk {},
            Request::Read {} => {
                Reply::ReadOk { messages: self.kept.borrow().iter().copied().collect() }
            }
        })
    }
}

fn make() -> Box<dyn Machine> {
    machine(|_| Once { kept: RefCell::default() })
}

/// What a swarm finds first from this seed on, and what is left of it.
fn found_and_shrunk(seed: u64, cores: usize) -> (Tally, Shrunk) {
    let lab = Bench { make, cores };
    let mut tally = Tally::default();
    let mut swarm = Swarm::new(asked(seed), Open::ALL).expect("a plan");
    let options = Options { keep_going: false, runs_max: Some(500) };
    let Ok(ended) = explore(&lab, &mut swarm, &mut tally, options);
    assert_eq!(ended, Ended::Failure);
    let (class, failure) = tally.failures.iter().next().expect("a failure");
    let Ok(shrunk) = shrink(&lab, &failure.plan, class, &mut |_, _| {});
    let shrunk = shrunk.expect("it fails again");
    assert!(shrunk.seen.classes.contains(class));
    (tally, shrunk)
}

#[test]
fn a_lost_message_is_all_that_is_left() {
    for seed in 1..9 {
        let (tally, shrunk) = found_and_shrunk(seed * 1000, 1);
        let size = Size::of(&shrunk.plan, &shrunk.seen);
        assert!(tally.runs < 100, "seed {seed}: {} runs", tally.runs);
        assert!(size.nodes == 2 && size.operations == 1 && size.faults == 1, "{seed}: {size:?}");
        assert!(size.messages <= 2, "{seed}: {size:?}");
    }
}

#[test]
fn how_many_at_once_makes_no_difference() {
    for seed in [3, 4] {
        let (one, two) = (found_and_shrunk(seed, 1), found_and_shrunk(seed, 4));
        assert_eq!((one.0.runs, one.0.failures), (two.0.runs, two.0.failures));
        assert_eq!((one.1.plan, one.1.steps), (two.1.plan, two.1.steps));
    }
}
