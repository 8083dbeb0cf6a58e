use std::cell::RefCell;
use std::collections::BTreeSet;

use kolk_check::Validity;
use kolk_node::{Context, Machine, Node, Retry, RpcError, machine};
use kolk_workload::planner::{Nodes, Settings};

use super::*;
use crate::testing::{self, Bench, Reply, Request, Tell};
use crate::{Bounded, Ended, Open, Options, Swarm, Tally, explore, quiet};

/// A broadcast that tells again until it is answered, but for one value and one receiver: that one
/// it tells only once. So a run fails only if that very message is lost.
struct Rare {
    kept: RefCell<BTreeSet<i64>>,
}

impl Node for Rare {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Broadcast { message } => {
                self.kept.borrow_mut().insert(message);
                for peer in cx.peers() {
                    let tell = Tell::Tell { message };
                    if message == 1 && *peer == cx.peers()[0] {
                        cx.send_to_all([peer], &tell);
                    } else {
                        cx.spawn(until_answered(cx.clone(), peer.clone(), tell));
                    }
                }
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

async fn until_answered(cx: Context, peer: String, tell: Tell) {
    let told: Result<Reply, RpcError> = cx.rpc_retry(&Retry::forever(), &peer, &tell).await;
    drop(told);
}

fn make() -> Box<dyn Machine> {
    machine(|_| Rare { kept: RefCell::default() })
}

fn asked(seed: u64) -> Settings {
    let mut settings = testing::asked(seed);
    settings.nodes = Nodes::Count(3);
    // What is asked of the search: one message in 20 000 is lost, and so is the one that matters in
    // one run of 20 000.
    settings.loss = 0.00005;
    settings.duplication = 0.0;
    settings.rate = 10.0;
    settings.time_limit = 1.0;
    settings.latency = 10.0;
    settings
}

const GIVEN: Open = Open {
    nodes: false,
    concurrency: false,
    rate: false,
    time_limit: false,
    latency: false,
    latency_dist: false,
    loss: false,
    duplication: false,
    nemesis: false,
    nemesis_interval: false,
};

fn quiet_plan(seed: u64) -> Plan {
    let settings = Settings { loss: 0.0, ..quiet(&asked(seed), GIVEN) };
    kolk_workload::plan(&settings).expect("a plan")
}

fn kinds() -> Deviations {
    Deviations::of(&asked(1), GIVEN)
}

fn runs(mut strategy: impl Strategy, most: u64) -> (Ended, u64) {
    let lab = Bench { make, cores: 2 };
    let mut tally = Tally::default();
    let options = Options { keep_going: false, runs_max: Some(most) };
    let Ok(ended) = explore(&lab, &mut strategy, &mut tally, options);
    (ended, tally.runs)
}

/// Of runs that lose a message in 20 000 few lose the one that matters; whoever looks at what a
/// result hung on needs a handful.
#[test]
fn a_rare_bug_is_found_by_lineage_and_bounded() {
    let swarm = Swarm::new(asked(1), GIVEN).expect("a plan");
    let (ended, _) = runs(swarm, 2000);
    assert_eq!(ended, Ended::Budget, "it is rare");
    let mut places = 0;
    for seed in 1..10 {
        let lab = Bench { make, cores: 1 };
        let Ok(seen) = crate::Lab::run(&lab, &quiet_plan(seed), true) else { panic!("it runs") };
        // Without a second value there is no place for the bug.
        if seen.detail.expect("asked for").updates.len() < 2 {
            continue;
        }
        places += 1;
        let (ended, count) = runs(Lineage::new(quiet_plan(seed), kinds()), 2000);
        assert_eq!(ended, Ended::Failure, "lineage, seed {seed}: {count} runs");
        assert!(count <= 200, "lineage, seed {seed}: {count} runs");
        let (ended, count) = runs(Bounded::new(quiet_plan(seed), kinds(), 1), 2000);
        assert_eq!(ended, Ended::Failure, "bounded, seed {seed}: {count} runs");
        assert!(count <= 2000, "bounded, seed {seed}: {count} runs");
    }
    assert!(places >= 4, "{places}");
}

#[test]
fn a_good_run_holds() {
    let lab = Bench { make, cores: 1 };
    let Ok(seen) = crate::Lab::run(&lab, &quiet_plan(1), true) else { panic!("it runs") };
    assert_eq!(seen.validity, Validity::Valid, "{}", seen.claim);
    assert!(!seen.detail.expect("asked for").updates.is_empty());
}

/// When nothing is left to lose of a run that holds, the next one comes.
#[test]
fn the_next_quiet_run_comes_when_nothing_is_left_of_one() {
    let make = || machine(kolk_broadcast::factory(&[]).expect("the default settings are valid"));
    let of = |strategy: &mut Lineage, runs_max| {
        let mut tally = Tally::default();
        let options = Options { keep_going: false, runs_max };
        let Ok(_) = explore(&Bench { make, cores: 1 }, strategy, &mut tally, options);
        (tally.runs, strategy.proved())
    };
    // Without a bound on what is lost this would take long.
    let lineage = |seed| {
        let kinds = Deviations { lost: false, cut_off: true, ..kinds() };
        Lineage::new(quiet_plan(seed), kinds)
    };
    let alone = |seed| of(&mut lineage(seed), None).0;
    let said = |quiet: &str, runs: u64| {
        format!(
            "no result{quiet} breaks without the messages that it hung on, up to {LOST_MAX} of \
             them at a time: {runs} runs hold"
        )
    };
    let (first, second) = (alone(1), alone(2));
    assert_eq!(of(&mut lineage(1), None), (first, Some(said("", first))));
    let mut both = lineage(1).then(std::iter::once(quiet_plan(2)));
    let all = first + second;
    assert_eq!(of(&mut both, None), (all, Some(said(" of 2 quiet runs", all))));
    let mut stopped = lineage(1).then((2..).map(quiet_plan));
    assert_eq!(of(&mut stopped, Some(first + 1)), (first + 1, Some(said("", first))));
}
