//! The same plan gives the same digest: twice in one process, in two processes, and in-process
//! against lockstep. The sweep over hundreds of seeds is `cargo kolk verify --seeds 200`.

use std::path::PathBuf;

use kolk_engine::{Flow, JournalSink, NodeSource, Patience, Progress, Run, Setup};
use kolk_history::plan::{LatencyDistribution, NodeSpec};
use kolk_history::{Plan, node_events};
use kolk_node::Machine;
use kolk_workload::planner::{Concurrency, Nemesis, Nodes, Settings, plan};
use kolk_workload::registry;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kolk");

#[expect(dead_code, reason = "the program uses all of it")]
#[path = "../src/nodes/linked.rs"]
mod linked;

/// Every workload with the built-in node for it, and the modes.
fn cases() -> Vec<(&'static str, &'static str, &'static [&'static str])> {
    let workloads = registry::WORKLOADS.iter().map(|info| (info.node, info.name, &[] as &[&str]));
    let cases: Vec<_> = workloads.chain(linked::MODES.iter().copied()).collect();
    for node in linked::ALL {
        assert!(cases.iter().any(|case| case.0 == node.name), "{} is not tried", node.name);
    }
    cases
}

fn make(name: &str, args: &[String]) -> Box<dyn Machine> {
    let node = linked::ALL.iter().find(|node| node.name == name).expect("a built-in node");
    node.maker(args).expect("its arguments")()
}

/// A short run in which everything random happens.
fn stormy(workload: &str, node: &str, args: &[&str], seed: u64) -> Plan {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let node = NodeSpec::BuiltIn { name: node.to_owned(), args, separate: false };
    let settings = Settings {
        nodes: Nodes::Count(5),
        rate: 50.0,
        time_limit: 4.0,
        latency: 20.0,
        latency_dist: LatencyDistribution::Exponential,
        loss: 0.05,
        duplication: 0.05,
        nemesis: Nemesis::ALL.to_vec(),
        nemesis_interval: 1.0,
        strict: true,
        ..Settings::new(workload, node, seed)
    };
    plan(&settings).unwrap()
}

/// A run, and what became of its nodes and their disks.
struct Ran {
    run: Run,
    events: String,
}

impl std::ops::Deref for Ran {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

fn run(plan: &Plan, nodes: NodeSource<'_>) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = &plan.workload;
    let setup = Setup {
        plan,
        nodes,
        workload: kolk_workload::by_name(&spec.name, &spec.settings, &plan.nodes).unwrap(),
        journal: JournalSink::Memory,
        history: None,
        logs: Some(folder.path().to_owned()),
        data: None,
        room: kolk_engine::Room::default(),
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    };
    let run = kolk_engine::run(setup).unwrap();
    let events = std::fs::read_to_string(folder.path().join(node_events::FILE));
    Ran { run, events: events.unwrap_or_default() }
}

fn in_process(plan: &Plan) -> Ran {
    let NodeSpec::BuiltIn { name, args, .. } = &plan.node else { panic!("a built-in node") };
    run(plan, NodeSource::InProcess(&|_| make(name, args)))
}

fn in_lockstep(plan: &Plan) -> Ran {
    let NodeSpec::BuiltIn { name, args, .. } = &plan.node else { panic!("a built-in node") };
    let mut words = vec!["node".to_owned(), name.clone()];
    words.extend(args.iter().cloned());
    let path = PathBuf::from(PROGRAM);
    run(plan, NodeSource::Program { path, args: words, patience: Patience::default() })
}

/// Fails with the first line of the journals that differs.
fn assert_same(left: &Ran, right: &Ran, what: &str) {
    for (number, (left, right)) in left.events.lines().zip(right.events.lines()).enumerate() {
        assert_eq!(left, right, "{what}: line {} of what became of the nodes", number + 1);
    }
    assert_eq!(left.events.len(), right.events.len(), "{what}");
    let lines = |run: &Run| String::from_utf8(run.journal.clone().unwrap()).unwrap();
    for (number, (left, right)) in lines(left).lines().zip(lines(right).lines()).enumerate() {
        assert_eq!(left, right, "{what}: line {} of the journals", number + 1);
    }
    assert_eq!(left.history, right.history, "{what}");
    assert_eq!(left.digest, right.digest, "{what}");
}

#[test]
fn the_same_plan_gives_the_same_run() {
    for (node, workload, args) in cases() {
        for seed in 0..4 {
            let plan = stormy(workload, node, args, seed);
            let run = in_process(&plan);
            let count = run.history.operations.len();
            // One a worker: whoever needs a majority waits while there is none.
            assert!(count > 5, "{node} {args:?}, seed {seed}: only {count} operations");
            assert_same(&run, &in_process(&plan), &format!("{node}, seed {seed}, twice"));
        }
    }
}

#[test]
fn in_process_and_lockstep_give_the_same_run() {
    let mut events = String::new();
    for (node, workload, args) in cases() {
        for seed in 0..2 {
            let plan = stormy(workload, node, args, seed);
            let what = format!("{node}, seed {seed}, in-process and lockstep");
            let run = in_process(&plan);
            assert_same(&run, &in_lockstep(&plan), &what);
            events.push_str(&run.events);
        }
    }
    // Of all that can become of nodes and disks there was something to compare.
    let has = |event: &str| events.contains(&format!("\"event\":\"{event}\""));
    for event in ["up", "resumed", "append", "write", "sync", "power"] {
        assert!(has(event), "{event}");
    }
}

/// What a loss of power leaves of the disks is the same.
#[test]
fn disks_fare_the_same() {
    let node = NodeSpec::BuiltIn { name: "lin-kv".to_owned(), args: vec![], separate: false };
    let settings = Settings {
        nodes: Nodes::Count(5),
        concurrency: Concurrency::Workers(20),
        rate: 400.0,
        time_limit: 6.0,
        latency: 5.0,
        nemesis: vec![Nemesis::Power],
        nemesis_interval: 0.5,
        ..Settings::new("lin-kv", node, 5)
    };
    let plan = plan(&settings).unwrap();
    let run = in_process(&plan);
    assert_same(&run, &in_lockstep(&plan), "lin-kv, power");
    let fates = ["kept", "lost", "torn", "empty", "gone"];
    let told = |fate: &&str| run.events.contains(&format!("\"event\":\"{fate}\""));
    assert!(fates.iter().any(told), "{}", run.events);
}

#[test]
fn another_seed_gives_another_run() {
    for (node, workload, args) in cases() {
        let digests = [0, 1].map(|seed| in_process(&stormy(workload, node, args, seed)).digest);
        assert_ne!(digests[0], digests[1], "{node}");
    }
}

#[test]
fn leaving_an_operation_out_leaves_the_others_alone() {
    let mut plan = stormy("echo", "echo", &[], 7);
    plan.network.loss = 0.0;
    let whole = in_process(&plan);
    plan.exceptions.skipped_operations = vec![10];
    let less = in_process(&plan);
    let values = |run: &Ran| -> Vec<_> {
        run.history.operations.iter().map(|op| (op.invoked, op.value.clone())).collect()
    };
    let mut expected = values(&whole);
    expected.remove(10);
    assert_eq!(values(&less), expected);
}
