//! What shell is too slow for: nodes in this process that keep each other busy for ever, and a
//! panic while programs run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use kolk_engine::{Ending, Flow, JournalSink, NodeSource, Patience, Progress, Run, Setup};
use kolk_history::plan::NodeSpec;
use kolk_history::summary::ViolationKind;
use kolk_node::{Input, Machine, Outputs};
use kolk_protocol::Time;
use kolk_report::{Style, violation};
use kolk_workload::planner::{Nodes, Settings, plan};

use crate::node::Home;

/// Answers `init` alone. Whatever else it hears, it sends as gossip to these nodes.
struct Gossip(&'static [&'static str]);

impl Machine for Gossip {
    fn step(&mut self, _: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        match input {
            Input::Message { src, body } if body.contains("\"type\":\"init\"") => {
                outputs.push(src, br#"{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}"#)
            }
            _ => self.0.iter().for_each(|dest| outputs.push(dest, br#"{"type":"gossip"}"#)),
        }
        None
    }
}

/// Answers `init` at once and all else six seconds later: nobody waits so long.
#[derive(Default)]
struct Late(Vec<(Time, String, String)>);

impl Machine for Late {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if let Input::Message { src, body } = input {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let (id, echo) = (&body["msg_id"], &body["echo"]);
            match body["type"].as_str() {
                Some("init") => outputs
                    .push(src, br#"{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}"#),
                _ => {
                    let reply = format!(r#"{{"type":"echo_ok","in_reply_to":{id},"echo":{echo}}}"#);
                    self.0.push((now + Duration::from_secs(6), src.to_owned(), reply));
                }
            }
        }
        let due = self.0.iter().take_while(|(at, _, _)| *at <= now).count();
        for (_, dest, reply) in self.0.drain(..due) {
            outputs.push(&dest, reply.as_bytes());
        }
        self.0.first().map(|(at, _, _)| *at)
    }
}

/// Maelstrom would not hear a node again that answers a client which is gone; the run says so.
#[test]
fn answers_too_late_for_maelstrom() {
    let make = |_| Box::new(Late::default()) as Box<dyn Machine>;
    let run = run(&settings(0.0), NodeSource::InProcess(&make), &mut |_| Flow::Continue);
    let gone = &run.summary.gone_clients;
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(gone.iter().all(|gone| gone.op.is_some() && gone.time > 5_000_000_000), "{gone:?}");
}

fn settings(latency: f64) -> Settings {
    let node = NodeSpec::BuiltIn { name: "gossip".to_owned(), args: Vec::new(), separate: false };
    Settings { nodes: Nodes::Count(2), latency, time_limit: 10.0, ..Settings::new("echo", node, 7) }
}

fn run(
    settings: &Settings,
    nodes: NodeSource<'_>,
    observer: &mut dyn FnMut(&Progress<'_>) -> Flow,
) -> Run {
    let plan = plan(settings).expect("a plan");
    let workload = &plan.workload;
    kolk_engine::run(Setup {
        plan: &plan,
        nodes,
        workload: kolk_workload::by_name(&workload.name, &workload.settings, &plan.nodes)
            .expect("a workload"),
        journal: JournalSink::Digest,
        history: None,
        logs: None,
        data: None,
        room: kolk_engine::Room::default(),
        observer: &mut |progress: &Progress<'_>| observer(progress),
    })
    .expect("a run")
}

#[test]
fn messages_without_end() {
    let cases: &[(_, f64, &'static [&'static str], _)] = &[
        ("ping_pong_at_once", 0.0, &["n0"], ViolationKind::NeverIdle),
        ("storm_at_once", 0.0, &["n0", "n1"], ViolationKind::Storm),
        ("storm_with_latency", 100.0, &["n0", "n1"], ViolationKind::Storm),
    ];
    for (name, latency, dests, kind) in cases {
        let make = |_| Box::new(Gossip(dests)) as Box<dyn Machine>;
        let run = run(&settings(*latency), NodeSource::InProcess(&make), &mut |_| Flow::Continue);
        assert!(matches!(run.ending, Ending::NodeFailed { .. }), "{name}: {:?}", run.ending);
        let found = run.summary.violations.last().expect("a violation");
        assert_eq!(found.kind, *kind, "{name}: {}", found.problem);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(*name, violation::draw(found, None, Style::PLAIN));
        });
    }
}

/// A panic in kolk unwinds past the programs, and ends them.
#[test]
fn a_panic_leaves_no_process() {
    let home = Home::new("init; serve");
    let nodes = NodeSource::Program {
        path: home.path().join("node.sh"),
        args: Vec::new(),
        patience: Patience::default(),
    };
    let mut settings = settings(0.0);
    settings.clock = kolk_history::plan::ClockKind::Real;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(&settings, nodes, &mut |progress| match progress.stage {
            "load" => panic!("a mistake in kolk"),
            _ => Flow::Continue,
        })
    }));
    assert!(ended.is_err(), "it panicked");
    assert_eq!(home.pids().len(), 2);
    home.assert_no_process_left();
}
