use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use kolk_history::plan::NetworkSpec;
use kolk_node::{Context, Machine, Node, RpcError, machine};

use super::*;
use crate::testing::{Bench, Reply, Request, Tell, asked};
use crate::{Ended, Open, Options, Swarm, Tally, Without, explore, nearest};

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

/// Without the loss that is left nothing else is missing either, and what differs is that message
/// and what came of it.
#[test]
fn the_nearest_run_that_holds_loses_nothing() {
    for seed in 1..5 {
        let (_, small) = found_and_shrunk(seed * 1000, 1);
        let lab = Bench { make, cores: 1 };
        let Ok(found) = nearest(&lab, &small.plan, &small.seen);
        let found = found.expect("a run holds");
        assert_eq!(found.plan.exceptions.fates, [], "{seed}");
        assert_eq!(found.plan.faults, [], "{seed}");
        let first = &found.differences[0];
        let ends = [&first.small, &first.holds].map(|fate| fate.as_ref().map(|fate| fate.end));
        match &found.without {
            Without::Message { src, dest, nth, id: Some(id), fate: "lost", .. } => {
                assert_eq!((&first.src, &first.dest, &first.nth), (src, dest, nth), "{seed}");
                assert_eq!(ends, [Some("lost"), Some("arrived")], "{seed}");
                assert_eq!(first.small.as_ref().map(|fate| fate.id), Some(*id), "{seed}");
                let text = found.without.text();
                assert!(text.starts_with("if message `tell` n"), "{text}");
            }
            Without::Fault { number: 0, .. } => {
                assert_eq!(ends, [Some("stopped"), Some("arrived")], "{seed}");
            }
            other => panic!("{seed}: {other:?}"),
        }
    }
}

/// Of two causes of which each is enough neither can stay away alone; and where nothing goes wrong
/// it is an operation.
#[test]
fn the_nearest_run_that_holds_goes_without_more_than_that_where_it_must() {
    let lab = Bench { make, cores: 1 };
    let (_, small) = found_and_shrunk(1000, 1);
    let mut twice = small.plan.clone();
    let cut = kolk_engine::faults::Cut {
        nodes: vec![twice.nodes[0].clone()],
        when: kolk_engine::faults::Window { begin: std::time::Duration::ZERO, end: None },
    };
    let load = std::time::Duration::from_nanos(twice.time_limit);
    twice.faults.extend(cut.fault(&twice.nodes, load));
    let Ok(seen) = crate::Lab::run(&lab, &twice, true) else { panic!("it runs") };
    assert!(seen.fails());
    let Ok(found) = nearest(&lab, &twice, &seen);
    let without = found.expect("a run holds").without;
    assert_eq!(without.text(), "without any fault, the run holds");
    let lossy = Plan { network: NetworkSpec { loss: 1.0, ..small.plan.network }, ..small.plan };
    let mut lossy = Plan { faults: Vec::new(), ..lossy };
    lossy.exceptions.fates.clear();
    let Ok(seen) = crate::Lab::run(&lab, &lossy, true) else { panic!("it runs") };
    let Ok(found) = nearest(&lab, &lossy, &seen);
    assert_eq!(found.expect("a run holds").without, Without::Loss);
}

/// A broadcast that takes its time.
struct Slow(Once);

impl Node for Slow {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        cx.sleep(Duration::from_millis(20)).await;
        self.0.handle(cx, request).await
    }
}

/// A worker that is free because its operation was left out could be given that of another one.
#[test]
fn operations_stay_with_their_workers() {
    let make = || machine(|_| Slow(Once { kept: RefCell::default() }));
    let lab = Bench { make, cores: 1 };
    let mut settings = asked(1);
    (settings.rate, settings.time_limit) = (100.0, 0.2);
    let plan = kolk_workload::plan(&settings).expect("a plan");
    let processes = |plan: &Plan| -> Vec<u32> {
        let Ok(seen) = crate::Lab::run(&lab, plan, true) else { panic!("it runs") };
        seen.detail.expect("it was asked for").processes
    };
    let Ok(whole) = crate::Lab::run(&lab, &plan, true) else { panic!("it runs") };
    let whole = whole.detail.expect("it was asked for");
    let mut others = 0;
    for number in 0..whole.processes.len() as u64 {
        let mut without = plan.clone();
        without.exceptions.skipped_operations = vec![number];
        let mut expected = whole.processes.clone();
        expected.remove(number as usize);
        let drawn = processes(&without);
        without.exceptions.workers = steps::workers(&plan, &whole, |other| other != number);
        assert_eq!(processes(&without), expected, "without {number}");
        others += usize::from(drawn != expected);
    }
    assert!(others > 0, "it makes a difference");
}

#[test]
fn how_many_at_once_makes_no_difference() {
    for seed in [3, 4] {
        let (one, two) = (found_and_shrunk(seed, 1), found_and_shrunk(seed, 4));
        assert_eq!((one.0.runs, one.0.failures), (two.0.runs, two.0.failures));
        assert_eq!((one.1.plan, one.1.steps), (two.1.plan, two.1.steps));
    }
}
