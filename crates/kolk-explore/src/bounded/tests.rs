use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use kolk_history::plan::{FateOverride, Fault, FaultKind, Targets};
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

/// Where a fault stands in a plan: of those that begin together cuts come first, and then it goes
/// by nodes, in whatever order they came together.
fn place(fault: &Fault) -> (u64, bool, String) {
    let nodes = |kind: &FaultKind| kind.nodes().map(|nodes| nodes[0].clone());
    let cut = |kind: &FaultKind| {
        let most = kind.blocked()?.iter().max_by_key(|(_, senders)| senders.len())?;
        Some(most.0.clone())
    };
    let node = nodes(&fault.kind).or_else(|| cut(&fault.kind)).expect("it names a node");
    (fault.begin, fault.kind.blocked().is_none(), node)
}

/// All changes of a plan by one deviation, written down by themselves: what the search itself
/// makes of them has no part in it. Each is named by what no plan can have twice.
fn changes(plan: &Plan, messages: &crate::Messages, kinds: Deviations) -> Vec<(String, Plan)> {
    let mut found = Vec::new();
    let mut with = |name: String, change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plan.faults.sort_by_cached_key(place);
        plan.exceptions
            .fates
            .sort_by(|a, b| (&a.src, &a.dest, a.nth).cmp(&(&b.src, &b.dest, b.nth)));
        found.push((name, plan));
    };
    let began = messages.load_began.as_nanos();
    for message in messages.servers.iter().filter(|message| message.sent.as_nanos() >= began) {
        let (false, Some(arrived)) = (message.stopped, message.arrived.first()) else { continue };
        let (sent, arrived) = (message.sent.as_nanos(), arrived.as_nanos());
        let next = messages.arrivals.iter().filter(|(name, _)| *name == message.dest);
        let next = next.map(|(_, at)| began + at).filter(|at| *at > arrived).min();
        let behind = next.map(|at| at + 1 - sent);
        let fate = |lost, latency, duplicate| {
            let (src, dest) = (message.src.clone(), message.dest.clone());
            FateOverride { src, dest, nth: message.nth, lost, latency, duplicate }
        };
        let twice = fate(false, arrived - sent, Some(behind.unwrap_or(arrived - sent)));
        let late = behind.map(|behind| fate(false, behind, None));
        let name = format!("{} {} {}", message.src, message.dest, message.nth);
        for fate in [fate(true, 0, None), twice].into_iter().chain(late) {
            with(name.clone(), &|plan| plan.exceptions.fates.push(fate.clone()));
        }
    }
    for (place, node) in plan.nodes.iter().enumerate() {
        let came = messages.arrivals.iter().filter(|(name, _)| name == node).map(|(_, at)| at + 1);
        for begin in std::iter::once(0).chain(came).filter(|at| *at < plan.time_limit) {
            let others = plan.nodes.iter().enumerate().filter(|(other, _)| *other != place);
            let others: Vec<String> = others.map(|(_, name)| name.clone()).collect();
            let mut blocked = BTreeMap::from([(node.clone(), others.clone())]);
            blocked.extend(others.into_iter().map(|other| (other, vec![node.clone()])));
            let cut = FaultKind::Partition { shape: "cut".to_owned(), blocked };
            let cut = Fault::new(begin, plan.time_limit, cut);
            // Of two nodes both are cut off from each other, and once.
            let name = if plan.nodes.len() == 2 { "both" } else { node };
            with(format!("cut {name}"), &|plan| plan.faults.push(cut.clone()));
            let targets = || Targets::new("asked", vec![node.clone()]);
            for (is_meant, kind) in [
                (kinds.kill, FaultKind::Kill(targets())),
                (kinds.power, FaultKind::Power(targets())),
            ] {
                for end in [begin + 1, plan.time_limit] {
                    let fault = Fault::new(begin, end, kind.clone());
                    let push = |plan: &mut Plan| plan.faults.push(fault.clone());
                    if is_meant {
                        with(format!("down {node}"), &push);
                    }
                }
            }
        }
    }
    found
}

/// What a brute force sees.
#[derive(Default)]
struct Seen {
    plans: BTreeSet<String>,
    outcomes: BTreeSet<String>,
    orders: BTreeSet<u64>,
}

/// Every set of deviations, one after the other, by plain recursion: nothing is left out because of
/// what was seen.
fn brute_force(
    lab: &Bench,
    plan: &Plan,
    names: &[String],
    left: usize,
    kinds: Deviations,
    all: &mut Seen,
) {
    if !all.plans.insert(serde_json::to_string(plan).expect("JSON")) {
        return;
    }
    let Ok(seen) = crate::Lab::run(lab, plan, true) else { panic!("it runs") };
    all.orders.insert(seen.timeline);
    if let Some(class) = seen.classes.first() {
        all.outcomes.insert(format!("{class}: {}", seen.claim));
    }
    if left == 0 {
        return;
    }
    for (name, plan) in changes(plan, seen.detail.as_ref().expect("asked for"), kinds) {
        if !names.contains(&name) {
            let names = [names, &[name]].concat();
            brute_force(lab, &plan, &names, left - 1, kinds, all);
        }
    }
}

/// For 200 small cases nothing that can be reached with so many deviations is missed: each of them
/// is run, and no other, and what comes of them is the same.
#[test]
fn nothing_is_missed() {
    let (mut failing, mut cases, mut only_killed) = (0, 0, 0);
    for seed in 0..50 {
        for make in TOYS {
            let plan = quiet(seed);
            let depth = 1 + usize::from(seed % 5 == 0);
            let kill = depth == 1 || (seed % 20 == 0 && plan.nodes.len() == 2);
            let kinds = Deviations { kill, power: seed % 3 == 1 && depth == 1, ..Deviations::ALL };
            let lab = Bench { make, cores: 1 };
            let mut all = Seen::default();
            brute_force(&lab, &plan, &[], depth, kinds, &mut all);
            let (tally, strategy) = explored(make, Bounded::new(plan.clone(), kinds, depth));
            assert_eq!(tally.runs, all.plans.len() as u64, "seed {seed}");
            failing += usize::from(!all.outcomes.is_empty());
            assert_eq!(tally.timelines(), all.orders.len() as u64, "seed {seed}");
            assert_eq!(classes(&outcomes(&tally)), classes(&all.outcomes), "seed {seed}");
            assert_eq!(strategy.complete.map(|(level, _)| level), Some(depth));
            if kill && depth == 1 && seed < 12 {
                let mut without = Seen::default();
                let kinds = Deviations { kill: false, power: false, ..kinds };
                brute_force(&lab, &plan, &[], depth, kinds, &mut without);
                only_killed += usize::from(all.outcomes != without.outcomes);
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 200);
    assert!((20..=200).contains(&failing), "{failing}");
    assert!(only_killed >= 10, "{only_killed} show more if nodes are killed");
}

/// Claims name operations and times; of several of a class only one is kept.
fn classes(outcomes: &BTreeSet<String>) -> BTreeSet<String> {
    outcomes.iter().map(|text| text.split(':').next().unwrap_or_default().to_owned()).collect()
}

/// When nothing is left to try near a quiet run the next one comes, and it is said of how many
/// everything was tried.
#[test]
fn the_next_quiet_run_comes_when_nothing_is_left_of_one() {
    let kinds = Deviations { kill: false, power: false, ..Deviations::ALL };
    let of = |seed| explored(TOYS[1], Bounded::new(quiet(seed), kinds, 1));
    let runs: Vec<u64> = (0..3).map(|seed| of(seed).0.runs).collect();
    let (tally, strategy) = of(0);
    let proved = strategy.proved().expect("it is complete");
    let expected = format!("complete for one deviation: {} runs, ", tally.runs);
    assert!(proved.starts_with(&expected), "{proved}");
    let several = Bounded::new(quiet(0), kinds, 1).then((1..3).map(quiet));
    let (tally, strategy) = explored(TOYS[1], several);
    assert_eq!(tally.runs, runs.iter().sum::<u64>());
    let proved = strategy.proved().expect("they are complete");
    let all =
        format!("complete for one deviation from each of 3 quiet runs: {} runs, ", tally.runs);
    let orders = tally.timelines();
    assert_eq!(proved, format!("{all}{orders} orders of deliveries"));

    // What is under way is not counted.
    let mut strategy = Bounded::new(quiet(0), kinds, 1).then((1..).map(quiet));
    let options = Options { keep_going: true, runs_max: Some(runs[0] + runs[1] + 2) };
    let mut tally = Tally::default();
    let Ok(_) = explore(&Bench { make: TOYS[1], cores: 1 }, &mut strategy, &mut tally, options);
    assert_eq!(tally.runs, runs[0] + runs[1] + 2);
    let proved = strategy.proved().expect("two are complete");
    let of_two = format!("from each of 2 quiet runs: {} runs", runs[0] + runs[1]);
    assert!(proved.contains(&of_two), "{proved}");
}
