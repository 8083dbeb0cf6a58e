use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use kolk_node::{Context, Machine, Node, RpcError, machine};
use kolk_protocol::Key;
use kolk_sweep::built_in;
use kolk_workload::planner::{Concurrency, Nodes, Settings};

use super::*;
use crate::testing::{Bench, Reply, Request, Tell};
use crate::{Options, Tally, explore};

/// A toy of a register: what is told last is kept, and some tell it on.
struct Toy {
    kept: RefCell<Vec<i64>>,
    heard: Cell<u64>,
    relays: bool,
    answers: bool,
}

impl Node for Toy {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Broadcast { message } => {
                self.kept.borrow_mut().push(message);
                cx.send_to_all(cx.peers(), &Tell::Tell { message });
                Reply::BroadcastOk {}
            }
            Request::Tell { message } => {
                self.kept.borrow_mut().push(message);
                let src = [cx.src().to_owned()];
                if self.answers {
                    cx.send_to_all(&src, &Tell::Heard {});
                }
                if self.relays && self.kept.borrow().len() == 1 && cx.node_id() == "n1" {
                    cx.send_to_all(["n2"], &Tell::Tell { message: message + 100 });
                }
                Reply::TellOk {}
            }
            Request::Heard {} => {
                self.heard.set(self.heard.get() + 1);
                if self.heard.get() == 2 {
                    self.kept.borrow_mut().push(1000);
                }
                Reply::HeardOk {}
            }
            Request::Read {} => Reply::ReadOk { messages: self.kept.borrow().clone() },
        })
    }
}

fn toy(relays: bool, answers: bool) -> Box<dyn Machine> {
    machine(move |_| Toy { kept: RefCell::default(), heard: Cell::new(0), relays, answers })
}

const TOYS: [fn() -> Box<dyn Machine>; 4] =
    [|| toy(false, false), || toy(false, true), || toy(true, false), || toy(true, true)];

fn quiet(seed: u64) -> Plan {
    let mut random = Key::new(seed).random();
    let mut settings = Settings::new("broadcast", built_in("toy", ""), seed);
    settings.nodes = Nodes::Count(2 + random.index(2));
    settings.concurrency = Concurrency::Workers(1 + random.below(2) as u32);
    settings.rate = 10.0;
    settings.time_limit = 0.15 + random.unit() * 0.2;
    settings.latency = [1.0, 30.0][random.index(2)];
    kolk_workload::plan(&settings).expect("a plan")
}

/// What nodes said of themselves and which classes of anomaly there were: all that can be told of
/// runs from outside.
fn outcomes(tally: &Tally) -> BTreeSet<String> {
    let failures =
        tally.failures.iter().map(|(class, failure)| format!("{class}: {}", failure.claim));
    failures.collect()
}

fn explored(make: fn() -> Box<dyn Machine>, mut strategy: Bounded) -> (Tally, Bounded) {
    let mut tally = Tally::default();
    let options = Options { keep_going: true, runs_max: None };
    let Ok(_) = explore(&Bench { make, cores: 1 }, &mut strategy, &mut tally, options);
    (tally, strategy)
}

/// Every set of deviations, one after the other, by plain recursion: nothing is left out because of
/// what was seen.
fn brute_force(
    lab: &Bench,
    plan: &Plan,
    left: usize,
    found: &mut BTreeSet<String>,
    orders: &mut BTreeSet<u64>,
) -> u64 {
    fn walk(
        lab: &Bench,
        quiet: &Plan,
        set: &[Deviation],
        left: usize,
        seen_sets: &mut BTreeSet<Vec<Deviation>>,
        found: &mut BTreeSet<String>,
        orders: &mut BTreeSet<u64>,
    ) -> u64 {
        if !seen_sets.insert(set.to_vec()) {
            return 0;
        }
        let plan = apply(quiet, set);
        let Ok(seen) = crate::Lab::run(lab, &plan, true) else { panic!("it runs") };
        orders.insert(seen.timeline);
        if let Some(class) = seen.classes.first() {
            found.insert(format!("{class}: {}", seen.claim));
        }
        let mut runs = 1;
        if left > 0 {
            for fresh in beside(&plan, seen.detail.as_ref().expect("asked for"), set) {
                let mut larger = set.to_vec();
                larger.push(fresh);
                larger.sort();
                runs += walk(lab, quiet, &larger, left - 1, seen_sets, found, orders);
            }
        }
        runs
    }
    walk(lab, plan, &[], left, &mut BTreeSet::new(), found, orders)
}

/// For 200 small cases nothing that can be reached with so many deviations is missed.
#[test]
fn nothing_is_missed() {
    let (mut failing, mut cases) = (0, 0);
    for seed in 0..50 {
        for make in TOYS {
            let plan = quiet(seed);
            let depth = 1 + usize::from(seed % 5 == 0);
            let (mut found, mut orders) = (BTreeSet::new(), BTreeSet::new());
            let lab = Bench { make, cores: 1 };
            let runs = brute_force(&lab, &plan, depth, &mut found, &mut orders);
            let (tally, strategy) = explored(make, Bounded::new(plan.clone(), depth));
            assert_eq!(tally.runs, runs, "seed {seed}");
            failing += usize::from(!found.is_empty());
            assert_eq!(tally.timelines(), orders.len() as u64, "seed {seed}");
            assert_eq!(kinds(&outcomes(&tally)), kinds(&found), "seed {seed}");
            assert_eq!(strategy.complete.map(|(level, _)| level), Some(depth));
            cases += 1;
        }
    }
    assert_eq!(cases, 200);
    assert!((20..200).contains(&failing), "{failing}");
}

/// Claims name operations and times; of several of a class only one is kept.
fn kinds(outcomes: &BTreeSet<String>) -> BTreeSet<String> {
    outcomes.iter().map(|text| text.split(':').next().unwrap_or_default().to_owned()).collect()
}
