use std::cell::RefCell;

use kolk_node::{Context, Machine, Node, RpcError, machine};

use super::*;
use crate::testing::{Bench, Reply, Request, Tell, asked};
use crate::{Ended, Options, Swarm, Tally, explore};

/// Deliveries of which each hangs on one earlier one, or on none.
fn forest(random: &mut Random) -> Vec<Option<usize>> {
    let count = 3 + random.index(5);
    let cause = |place: usize| (place > 0 && random.chance(0.6)).then(|| random.index(place));
    (0..count).map(cause).collect()
}

fn hangs_on(causes: &[Option<usize>], place: usize, other: usize) -> bool {
    let mut above = causes[place];
    while let Some(cause) = above {
        if cause == other {
            return true;
        }
        above = causes[cause];
    }
    false
}

/// All ways to choose so many places, in every order.
fn tuples(count: usize, length: usize) -> Vec<Vec<usize>> {
    if length == 0 {
        return vec![Vec::new()];
    }
    let longer = |tuple: Vec<usize>| {
        let fresh = (0..count).filter(|place| !tuple.contains(place)).collect::<Vec<_>>();
        fresh.into_iter().map(move |place| [&tuple[..], &[place]].concat())
    };
    tuples(count, length - 1).into_iter().flat_map(longer).collect()
}

/// True if these come in this order, each after all that can come before it: after all that hangs
/// neither on it nor on those that come later.
fn is_hit(causes: &[Option<usize>], order: &[usize], tuple: &[usize]) -> bool {
    let when = |place: usize| order.iter().position(|one| *one == place).expect("delivered");
    (0..tuple.len()).all(|number| {
        let at = when(tuple[number]);
        let later = &tuple[number..];
        order[at..]
            .iter()
            .all(|place| later.iter().any(|one| one == place || hangs_on(causes, *place, *one)))
    })
}

/// For every tuple of deliveries that can come in its order, that order comes as often as is
/// promised.
#[test]
fn the_probability_is_kept() {
    let mut tuples_tried = 0;
    for case in 0..12 {
        let causes = forest(&mut Key::new(case).with_name("forest").random());
        let chains = chains(&causes);
        let ends = (0..causes.len()).filter(|place| !causes.contains(&Some(*place))).count();
        assert_eq!(chains.len(), ends, "{causes:?}");
        for depth in 1..=DEPTH_MAX as usize {
            let one_in = chains.len() * causes.len().pow(depth as u32 - 1);
            let runs = one_in as u64 * 60;
            let draw = |run: u64| {
                let mut random = Key::new(case).with(depth as u64).with(run).random();
                order(&causes, &chains, depth, &mut random)
            };
            let orders: Vec<Vec<usize>> = (0..runs).map(draw).collect();
            for tuple in tuples(causes.len(), depth) {
                let can_be = (0..depth).all(|later| {
                    (0..later).all(|one| !hangs_on(&causes, tuple[one], tuple[later]))
                });
                if !can_be {
                    continue;
                }
                let hits = orders.iter().filter(|order| is_hit(&causes, order, &tuple)).count();
                // 60 are expected; fewer than 30 come once in twenty thousand tuples.
                assert!(hits >= 30, "{causes:?} {tuple:?}: {hits} of {runs}");
                tuples_tried += 1;
            }
        }
    }
    assert!(tuples_tried > 500, "{tuples_tried}");
}

/// Takes no value at n1 any more once the values 1 and 0 came, in this order.
struct Ordered {
    kept: RefCell<Vec<i64>>,
}

impl Node for Ordered {
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
                let mut kept = self.kept.borrow_mut();
                if !(message == 0 && kept.last() == Some(&2)) {
                    kept.push(message);
                }
                Reply::TellOk {}
            }
            Request::Heard {} => Reply::HeardOk {},
            Request::Read {} => Reply::ReadOk { messages: self.kept.borrow().clone() },
        })
    }
}

fn make() -> Box<dyn Machine> {
    machine(|_| Ordered { kept: RefCell::default() })
}

/// A bug that takes two messages in the wrong order is found, whatever the number of cores is, and
/// what is promised is told.
#[test]
fn an_order_is_found() {
    let found = |cores: usize, seed: u64| {
        let lab = Bench { make, cores };
        let mut tally = Tally::default();
        let mut strategy = Priorities::new(asked(seed), Open::ALL, None).expect("a plan");
        let options = Options { keep_going: false, runs_max: Some(2000) };
        let Ok(ended) = explore(&lab, &mut strategy, &mut tally, options);
        assert_eq!(ended, Ended::Failure, "seed {seed}");
        let plan = tally.failures.values().next().expect("a failure").plan.clone();
        (tally.runs, plan, strategy.chance())
    };
    for seed in [1, 2, 3] {
        let (runs, plan, chance) = found(1, seed);
        assert!(!plan.exceptions.fates.is_empty(), "no quiet run shows it");
        assert_eq!(found(4, seed), (runs, plan, chance.clone()));
        let chance = chance.expect("what is promised");
        assert!(chance.contains("of 1: 1 in ") && chance.contains("of 3: 1 in "), "{chance}");
    }
}

/// One kind of order alone is asked for.
#[test]
fn one_depth_is_kept_to() {
    let lab = Bench { make, cores: 1 };
    let mut tally = Tally::default();
    let mut strategy = Priorities::new(asked(1), Open::ALL, Some(2)).expect("a plan");
    let options = Options { keep_going: true, runs_max: Some(200) };
    let Ok(_) = explore(&lab, &mut strategy, &mut tally, options);
    assert_eq!(strategy.runs[0], 0);
    // Three quiet runs, or more where nothing was sent.
    assert!(strategy.runs[1] >= 190, "{:?}", strategy.runs);
    assert!(Swarm::new(asked(1), Open::ALL).expect("a plan").chance().is_none());
}
