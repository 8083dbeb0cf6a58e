//! Faults that wait for an event, and those that are meant for the leader: they hit whom the event
//! names, as long after it as was asked for, and in all kinds of node.

use super::*;
use kolk_history::plan::FaultKind;
use kolk_history::summary::ViolationKind;
use kolk_workload::planner::{Flag, Group, Nemesis, OnEvent};

fn on_event(kind: Kind, text: &str) -> Vec<OnEvent> {
    vec![OnEvent::read(Flag::Outage(kind), text).expect("a fault")]
}

/// The nodes that a run's faults that waited have hit.
fn hit(run: &Run) -> Vec<String> {
    let nodes = run.triggered.iter().filter_map(|came| match &came.kind {
        FaultKind::Kill(targets) | FaultKind::Pause(targets) => Some(targets.nodes.clone()),
        _ => None,
    });
    nodes.flatten().collect()
}

#[test]
fn a_fault_comes_after_a_message() {
    for (kind, text, victim) in [
        (Kind::Kill, "on message echo#5 to n1 after 100ms for 300ms", "n1"),
        (Kind::Pause, "on message echo_ok#5 from n1 after 100ms for 300ms", "n1"),
        (Kind::Kill, "n0 on message echo#5 to n1 after 100ms for 300ms", "n0"),
    ] {
        for host in HOSTS {
            let what = format!("{host:?} {text}");
            let settings = Settings {
                rate: 40.0,
                time_limit: 2.0,
                on_events: on_event(kind, text),
                ..settings("echo", host, &[])
            };
            let (_, run) = echo(host, &settings);
            assert_eq!(hit(&run), [victim], "{what}");
            let came = &run.triggered[0];
            assert_eq!(came.end - came.begin, 300_000_000, "{what}");
            let fifth = sent_to("n1", &run)
                .into_iter()
                .filter(|sent| sent.kind == "echo" && sent.at >= run.load_began.as_nanos())
                .nth(4)
                .expect("five");
            // The answer comes at once but on the real clock, where machines are late.
            let late = if host == Host::Real { 500_000_000 } else { 1 };
            let [begin, end] = [0, 100_000_000].map(|after| fifth.at + after);
            assert!(begin <= came.begin && came.begin < end + late, "{what}: {came:?}");
            let begun = times(&run, kind.name())[0];
            assert!(came.begin <= begun && begun < came.begin + late, "{what}");
        }
    }
}

#[test]
fn a_fault_comes_with_a_sync_in_process_and_in_lockstep_alike() {
    let run_on = |host: Host| {
        let settings = Settings {
            rate: 40.0,
            time_limit: 3.0,
            on_events: on_event(Kind::Power, "on sync#7 of n1 for 500ms"),
            ..settings("g-set", host, &[])
        };
        let plan = plan(&settings).expect("a plan");
        let durable = ["--durable".to_owned()];
        let make = |_: usize| machine(kolk_g_set::factory(&durable).unwrap());
        let args = ["node", "g-set", "--durable"].map(str::to_owned).to_vec();
        let nodes = match host {
            Host::InProcess => NodeSource::InProcess(&make),
            _ => NodeSource::Program { path: PROGRAM.into(), args, patience: Patience::default() },
        };
        run(&plan, nodes, None).0
    };
    let [one, other] = [Host::InProcess, Host::Lockstep].map(run_on);
    assert_eq!((one.triggered.len(), times(&one, "power").len()), (1, 2));
    assert_eq!((one.triggered, one.digest), (other.triggered, other.digest));
}

/// Says that it leads when it gives out its third id, in words or as its state.
#[derive(Default)]
struct Ambitious(Forgetful, bool);

impl Machine for Ambitious {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        let deadline = self.0.step(now, input, outputs);
        if self.0.next == 3 {
            let words = ["term 1: became leader", r#"state {"term":1,"role":"leader"}"#];
            outputs.log(words[usize::from(self.1)]);
        }
        deadline
    }
}

/// A run of such nodes.
fn ambitious(tells_state: bool, change: &dyn Fn(&mut Settings)) -> Run {
    let mut settings = settings("unique-ids", Host::InProcess, &[]);
    (settings.rate, settings.time_limit) = (40.0, 4.0);
    change(&mut settings);
    let plan = plan(&settings).expect("a plan");
    let make =
        |_: usize| Box::new(Ambitious(Forgetful::default(), tells_state)) as Box<dyn Machine>;
    run(&plan, NodeSource::InProcess(&make), None).0
}

#[test]
fn a_fault_comes_after_a_line_on_stderr_or_hits_the_leader() {
    let run_with = |change: &dyn Fn(&mut Settings)| ambitious(false, change);
    let first = run_with(&|settings| {
        settings.on_events = on_event(Kind::Kill, "on stderr /became (the )?leader/ for 500ms");
    });
    assert_eq!(hit(&first).len(), 1);
    let other = run_with(&|settings| {
        settings.on_events = on_event(Kind::Kill, "on stderr /leader/#2 of n1 for 500ms");
    });
    assert!(hit(&other).is_empty() || hit(&other) == ["n1"], "{:?}", other.triggered);
    let never = run_with(&|settings| {
        settings.on_events = on_event(Kind::Kill, "on stderr /follower/ for 500ms");
    });
    assert_eq!((never.triggered.len(), times(&never, "kill").len()), (0, 0));
    let drawn = run_with(&|settings| {
        settings.nemesis = vec![Nemesis::Kill];
        settings.nemesis_targets.kill = Some(vec![Group::Leader]);
        settings.nemesis_interval = 0.5;
    });
    assert!(!hit(&drawn).is_empty(), "{:?}", drawn.triggered);
}

/// Whether a node says so in words or as its state; and who says so as its state is held to it.
#[test]
fn a_fault_comes_when_a_node_begins_to_lead_and_a_term_has_one_leader() {
    for tells_state in [false, true] {
        let run_with = |text: &str| {
            let on_events = on_event(Kind::Kill, text);
            ambitious(tells_state, &|settings| {
                settings.nodes = Nodes::Count(3);
                settings.on_events.clone_from(&on_events);
            })
        };
        let own = run_with("on leader for 500ms");
        let others = run_with("others on leader for 500ms");
        let mut all = hit(&own);
        assert_eq!(all.len(), 1, "{all:?}");
        all.extend(hit(&others));
        all.sort();
        assert_eq!(all, ["n0", "n1", "n2"]);
        // Each node leads once; words are only read where somebody waits for them.
        let calm = ambitious(tells_state, &|settings| settings.nodes = Nodes::Count(3));
        assert_eq!(calm.summary.leader_count, if tells_state { 3 } else { 0 });
        let twice = [(ViolationKind::TwoLeaders, 2)];
        assert_eq!(calm.summary.violation_kinds, if tells_state { &twice[..] } else { &[] });
        assert_eq!(calm.ending, Ending::Completed);
    }
}

/// A node that leads before the load begins, and says so once, is the first leader of the load.
#[test]
fn whoever_leads_when_the_load_begins_is_its_first_leader() {
    struct Early(Forgetful);
    impl Machine for Early {
        fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
            if matches!(input, Input::Message { body, .. } if body.contains(r#""init""#)) {
                outputs.log(r#"state {"role":"leader"}"#);
            }
            self.0.step(now, input, outputs)
        }
    }
    let settings = Settings {
        nodes: Nodes::Count(1),
        rate: 10.0,
        time_limit: 2.0,
        on_events: on_event(Kind::Kill, "on leader for 100ms"),
        ..settings("unique-ids", Host::InProcess, &[])
    };
    let plan = plan(&settings).expect("a plan");
    let make = |_: usize| Box::new(Early(Forgetful::default())) as Box<dyn Machine>;
    let (run, _) = run(&plan, NodeSource::InProcess(&make), None);
    // It says so again when it was started again.
    assert_eq!((hit(&run), run.summary.leader_count), (vec!["n0".to_owned()], 2));
}

/// On the machine's clock a line on stderr can set off a fault between two events, and the last
/// lines of a run count as the others do.
#[test]
fn nodes_that_lead_are_hit_on_the_machines_clock() {
    let mut settings = settings("lin-kv", Host::Real, &[]);
    settings.nodes = Nodes::Count(3);
    (settings.rate, settings.time_limit) = (20.0, 3.0);
    settings.on_events = on_event(Kind::Kill, "on leader for 100ms");
    settings.on_events.extend(on_event(Kind::Pause, "on leader#2 for 100ms"));
    let plan = plan(&settings).expect("a plan");
    let args = ["node", "lin-kv"].map(str::to_owned).to_vec();
    let nodes = NodeSource::Program { path: PROGRAM.into(), args, patience: Patience::default() };
    let logs = tempfile::tempdir().expect("a folder");
    let (run, _) = run_with_logs(&plan, nodes, None, Some(logs.path().to_owned()));
    assert_eq!(run.ending, Ending::Completed, "{:?}", run.summary.violations);
    assert!(!hit(&run).is_empty(), "{} leaders", run.summary.leader_count);
    let told = |node: &String| {
        let log = std::fs::read_to_string(logs.path().join(format!("{node}.log")));
        log.unwrap_or_default().matches(r#""role":"leader""#).count() > 0
    };
    assert!(plan.nodes.iter().any(told));
}
