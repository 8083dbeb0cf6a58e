use super::*;
use crate::registry;
use kolk_history::plan::{DiskHarm, FaultKind, Targets, ThreadOrder, Trigger, TriggerEvent};

fn settings() -> Settings {
    let node = NodeSpec::BuiltIn { name: "echo".to_owned(), args: Vec::new(), separate: false };
    Settings::new("echo", node, 7)
}

fn made(change: impl FnOnce(&mut Settings)) -> Result<Plan, PlanError> {
    let mut settings = settings();
    change(&mut settings);
    plan(&settings)
}

#[test]
fn defaults_are_maelstroms() {
    let plan = made(|_| {}).expect("a plan");
    assert_eq!(*plan.nodes, ["n1", "n2", "n3", "n4", "n5"]);
    assert_eq!((plan.concurrency, plan.rate, plan.time_limit), (5, 5.0, 60_000_000_000));
    assert_eq!((plan.clock, plan.strict, plan.availability), (ClockKind::Virtual, false, None));
    assert_eq!(
        (plan.network.latency, plan.network.loss, plan.network.duplication),
        (0.0, 0.0, 0.0)
    );
    assert!(plan.faults.is_empty() && plan.exceptions.is_empty());
    assert_eq!((plan.format, plan.draws, plan.seed), (FORMAT, DRAWS, 7));
}

#[test]
fn a_program_runs_on_the_real_clock() {
    let node = NodeSpec::Program {
        path: "a".to_owned(),
        args: Vec::new(),
        sha256: String::new(),
        threads: ThreadOrder::default(),
        host: None,
    };
    assert_eq!(Settings::new("echo", node, 0).clock, ClockKind::Real);
}

#[test]
fn plans_are_made() {
    let plan = made(|settings| {
        settings.workload = "broadcast".to_owned();
        settings.nodes = Nodes::Count(3);
        settings.concurrency = "2n".parse().expect("a concurrency");
        settings.time_limit = 20.5;
        settings.nemesis = vec![Nemesis::Partition];
        settings.nemesis_interval = 2.0;
        settings.cuts = vec!["n2@0.5..20".parse().expect("a cut")];
        settings.availability = Some("total".parse().expect("an availability"));
    })
    .expect("a plan");
    assert_eq!(*plan.nodes, ["n0", "n1", "n2"]);
    assert_eq!((plan.concurrency, plan.time_limit), (6, 20_500_000_000));
    assert_eq!(plan.workload.settings.get("topology").map(String::as_str), Some("grid"));
    assert_eq!(plan.availability, Some(1.0));
    assert!(plan.faults.is_sorted_by_key(|fault| fault.begin));
    let shapes = plan.faults.iter().map(|fault| match &fault.kind {
        FaultKind::Partition { shape, .. } => shape.as_str(),
        _ => panic!("nobody asked for that"),
    });
    assert_eq!(shapes.filter(|shape| *shape == "cut").count(), 1);
    assert!(plan.faults.len() > 3);
}

#[test]
fn plans_survive_their_file() {
    let plan = made(|settings| {
        settings.nemesis = vec![Nemesis::Partition];
        settings.seed = 0x0123_4567_89ab_cdef;
    })
    .expect("a plan");
    let text = serde_json::to_string(&plan).expect("JSON");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
    assert!(text.contains(r#""seed":"0x0123456789abcdef""#), "{text}");
}

#[test]
fn mistakes_are_named() {
    type Change = fn(&mut Settings);
    let cases: &[(Change, &str)] = &[
        (|s| s.nodes = Nodes::Count(0), "there must be 1 to 1000 nodes"),
        (|s| s.nodes = Nodes::Count(usize::MAX), "there must be 1 to 1000 nodes"),
        (
            |s| s.nodes = Nodes::Names(vec!["a".to_owned(), "b".to_owned(), "a".to_owned()]),
            "node name `a` comes twice",
        ),
        (|s| s.nodes = Nodes::Names(vec!["c12".to_owned()]), "node name `c12` is a client's name"),
        (
            |s| s.nodes = Nodes::Names(vec!["lin-kv".to_owned()]),
            "node name `lin-kv` is the name of something else",
        ),
        (
            |s| s.nodes = Nodes::Names(vec!["../n1".to_owned()]),
            "node name `../n1` may only hold letters, digits, `-`, `_` and `.`, and begin with \
             none of `-.`",
        ),
        (
            |s| s.nodes = Nodes::Names(vec![String::new()]),
            "node name `` must have 1 to 64 characters",
        ),
        (|s| s.concurrency = Concurrency::Workers(0), "concurrency must be 1 to 100000 workers"),
        (
            |s| s.concurrency = Concurrency::PerNode(u32::MAX),
            "concurrency must be 1 to 100000 workers",
        ),
        (
            |s| {
                s.workload = "lin-kv".to_owned();
                s.concurrency = Concurrency::Workers(15);
            },
            "workload `lin-kv` has groups of 10 workers, 2 a node: concurrency must be a multiple of \
             that (`2n` is the least), not 15",
        ),
        (|s| s.rate = -1.0, "--rate must be 0, or 0.000001 to 1e9, not -1"),
        (|s| s.rate = 1e-10, "--rate must be 0, or 0.000001 to 1e9, not 0.0000000001"),
        (|s| s.rate = f64::NAN, "--rate must be 0, or 0.000001 to 1e9, not NaN"),
        (|s| s.time_limit = -1.0, "--time-limit must be above 0 and at most 131072 s, not -1"),
        (|s| s.latency = f64::INFINITY, "--latency must be 0 to 3600000 ms, not inf"),
        (|s| s.loss = 1.5, "--loss must be 0 to 1, not 1.5"),
        (|s| s.duplication = -0.5, "--duplication must be 0 to 1, not -0.5"),
        (
            |s| {
                s.nemesis = vec![Nemesis::Partition];
                s.nemesis_interval = 0.0;
            },
            "--nemesis-interval must be 0.001 to 131072 s, not 0",
        ),
        (
            |s| s.cuts = vec!["n9@0..5".parse().expect("a cut")],
            "the cut names `n9`, which is no node; nodes are n1, n2, n3, n4, n5",
        ),
        (
            |s| s.availability = Some(Availability::AtLeast(1.5)),
            "availability is `total`, or a fraction from 0 to 1",
        ),
    ];
    for (change, expected) in cases {
        let error = made(change).expect_err(expected);
        assert_eq!(error.to_string(), *expected);
    }
    let error = made(|s| s.workload = "fly".to_owned()).expect_err("there is none");
    assert_eq!(error.to_string(), registry::info("fly").expect_err("there is none").to_string());
}

#[test]
fn lin_kv_has_two_workers_a_node_unless_told_otherwise() {
    let node = || NodeSpec::BuiltIn { name: "lin-kv".into(), args: Vec::new(), separate: false };
    let mut settings = Settings::new("lin-kv", node(), 0);
    settings.nodes = Nodes::Count(3);
    assert_eq!(plan(&settings).expect("a plan").concurrency, 6);
    settings.concurrency = Concurrency::Workers(18);
    assert_eq!(plan(&settings).expect("a plan").concurrency, 18);
}

#[test]
fn flags_are_read() {
    for (text, expected) in [
        ("10", Ok(Concurrency::Workers(10))),
        ("2n", Ok(Concurrency::PerNode(2))),
        ("n", Ok(Concurrency::PerNode(1))),
        ("2m", Err(PlanError::Concurrency("2m".to_owned()))),
        ("-1", Err(PlanError::Concurrency("-1".to_owned()))),
    ] {
        assert_eq!(text.parse(), expected, "{text}");
    }
    for (text, expected) in [
        ("total", Ok(Availability::Total)),
        ("0.5", Ok(Availability::AtLeast(0.5))),
        ("most", Err(PlanError::Availability)),
    ] {
        assert_eq!(text.parse(), expected, "{text}");
    }
    for nemesis in Nemesis::ALL {
        assert_eq!(nemesis.name().parse(), Ok(nemesis));
    }
    let error = "kil".parse::<Nemesis>().expect_err("not there");
    assert_eq!(
        error.to_string(),
        "unknown nemesis `kil`; known are kill, pause, power, partition, rolling, coup, one-way, \
         slow, loss, duplication, clog, clock, disk and all"
    );
}

/// Stored plans are held to the same bounds as flags, and to those that flags cannot break.
#[test]
fn stored_plans_are_checked() {
    type Change = fn(&mut Plan);
    let cases: &[(Change, &str)] = &[
        (|p| p.workload.name = "../../escape".to_owned(), "unknown workload `../../escape`"),
        (|p| p.workload.settings = [("x".to_owned(), "1".to_owned())].into(), "has no setting `x`"),
        (|p| p.concurrency = u32::MAX, "concurrency must be 1 to 100000 workers"),
        (|p| p.concurrency = 0, "concurrency must be 1 to 100000 workers"),
        (|p| p.rate = -0.5, "--rate must be"),
        (|p| p.rate = f64::INFINITY, "--rate must be"),
        (|p| p.time_limit = 0, "--time-limit must be"),
        (|p| p.time_limit = u64::MAX, "--time-limit must be"),
        (|p| p.network.latency = -1.0, "--latency must be"),
        (|p| p.network.loss = 5.0, "--loss must be"),
        (|p| p.network.duplication = -0.1, "--duplication must be"),
        (|p| p.availability = Some(2.0), "availability is"),
        (|p| p.faults = vec![fault(5, 4, "n1", "n2")], "its fault 0 ends before it begins"),
        (|p| p.faults = vec![fault(5, u64::MAX, "n1", "n2")], "its fault 0 ends after the load"),
        (|p| p.faults = vec![fault(0, 1, "n9", "n2")], "its fault 0 names `n9`, which is no node"),
        (|p| p.faults = vec![fault(0, 1, "n1", "../x")], "names `../x`, which is no node"),
        (
            |p| p.faults = vec![hitting(Targets::OTHERS, None)],
            "hits `others`, and waits for no event",
        ),
        (|p| p.faults = vec![hitting(Targets::TRIGGER, None)], "hits `trigger`, and waits for no"),
        (
            |p| {
                let targets = Targets::new(Targets::OTHERS, Vec::new());
                let kind = FaultKind::Disk { targets, harm: DiskHarm::Full };
                p.faults =
                    vec![kolk_history::plan::Fault { kind, ..hitting("leader", Some("n1")) }];
            },
            "hits `others`, and waits for no event",
        ),
        (
            |p| p.faults = vec![hitting(Targets::OTHERS, Some("n9"))],
            "waits for `n9`, which is no node",
        ),
    ];
    for (change, expected) in cases {
        let mut plan = made(|_| {}).expect("a plan");
        assert_eq!(check(&plan), Ok(()));
        change(&mut plan);
        let error = check(&plan).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// A kill of whom an event names: of that a node leads, if one is given.
fn hitting(targets: &str, leader: Option<&str>) -> kolk_history::plan::Fault {
    let kind = FaultKind::Kill(Targets::new(targets, Vec::new()));
    let event = |node: &str| TriggerEvent::Leader { node: Some(node.to_owned()) };
    let on = leader.map(|node| Trigger { event: event(node), nth: 1 });
    kolk_history::plan::Fault { on, ..kolk_history::plan::Fault::new(0, 1, kind) }
}

/// A run with coups shows nothing if no node leads, and its plan says so to who judges it.
#[test]
fn coups_ask_for_a_leader() {
    for (nodes, nemesis, unseats) in [
        (3, vec![Nemesis::Coup], true),
        (3, vec![Nemesis::Kill], false),
        (1, vec![Nemesis::Coup], false),
    ] {
        let plan = made(|settings| {
            settings.nodes = Nodes::Count(nodes);
            settings.nemesis.clone_from(&nemesis);
        });
        let plan = plan.expect("a plan");
        let options = registry::options(&plan).expect("options");
        assert_eq!(options.unseats, unseats, "{nodes} {nemesis:?}");
    }
}

fn kind(receiver: &str, sender: &str) -> FaultKind {
    let blocked = [(receiver.to_owned(), vec![sender.to_owned()])].into();
    FaultKind::Partition { shape: "cut".to_owned(), blocked }
}

fn fault(begin: u64, end: u64, receiver: &str, sender: &str) -> kolk_history::plan::Fault {
    kolk_history::plan::Fault::new(begin, end, kind(receiver, sender))
}

fn faults_of(change: impl FnOnce(&mut Settings)) -> Vec<kolk_history::plan::Fault> {
    made(change).expect("a plan").faults
}

#[test]
fn kills_and_pauses_are_planned() {
    let faults = faults_of(|settings| {
        settings.nemesis = vec![Nemesis::Kill, Nemesis::Pause, Nemesis::Partition];
        settings.nemesis_interval = 2.0;
        settings.outages = vec![Outage::read(Kind::Kill, "n1@3..5").expect("a kill")];
    });
    let of_kind =
        |wanted: fn(&FaultKind) -> bool| faults.iter().filter(|fault| wanted(&fault.kind)).count();
    assert!(of_kind(|kind| matches!(kind, FaultKind::Kill(_))) > 3);
    assert!(of_kind(|kind| matches!(kind, FaultKind::Pause(_))) > 3);
    assert!(of_kind(|kind| matches!(kind, FaultKind::Partition { .. })) > 3);
    let asked = |kind: &FaultKind| matches!(kind, FaultKind::Kill(Targets { targets, .. }) if targets == "asked");
    assert_eq!(of_kind(asked), 1);
    // Drawn kills are the same whatever else is asked for.
    let alone = faults_of(|settings| {
        settings.nemesis = vec![Nemesis::Partition];
        settings.nemesis_interval = 2.0;
    });
    assert!(alone.iter().all(|fault| faults.contains(fault)));
}

#[test]
fn targets_and_budgets() {
    let kills = |targets: &str, count: usize, budget: Option<usize>| {
        made(|settings| {
            settings.nemesis = vec![Nemesis::Kill];
            settings.nemesis_interval = 1.0;
            settings.nodes = Nodes::Count(count);
            settings.fault_budget = budget;
            settings.nemesis_targets.add(targets).expect("targets");
        })
    };
    let most = |plan: Result<Plan, PlanError>| {
        let faults = plan.expect("a plan").faults;
        let sizes = faults.iter().map(|fault| match &fault.kind {
            FaultKind::Kill(targets) => targets.nodes.len(),
            _ => 0,
        });
        sizes.max()
    };
    assert_eq!(most(kills("kill=one", 5, None)), Some(1));
    assert_eq!(most(kills("kill=one,majority", 5, None)), Some(3));
    assert_eq!(most(kills("kill=all", 5, Some(2))), Some(2));
    let error = kills("kill=minority-third", 3, None).expect_err("nobody");
    assert_eq!(
        error.to_string(),
        "`kill=minority-third` names no targets (of 3 nodes that is none): write it like \
         kill=one,minority"
    );
    let mut targets = NemesisTargets::default();
    for (text, problem) in [
        ("kill", "there is no `=`"),
        (
            "kill=most",
            "unknown targets `most`; known are some, one, minority-third, minority, majority, all, \
             leader",
        ),
        ("slow=one", "`slow` has no targets: it is `kill`, `pause` or `power`"),
    ] {
        let error = targets.add(text).expect_err(text).to_string();
        assert!(error.contains(problem), "{error}");
    }
    let error = made(|settings| settings.nemesis_targets.add("kill=one").expect("targets"));
    assert!(error.expect_err("not drawn").to_string().contains("does not ask for `kill`"));
}

/// What cannot bite is refused before the start.
#[test]
fn power_needs_a_simulated_disk_and_slow_links_latency() {
    let with = |latency: f64, clock, nemesis| {
        made(|settings| {
            settings.nemesis = vec![nemesis];
            (settings.latency, settings.clock) = (latency, clock);
        })
    };
    for (nemesis, latency, clock, expected) in [
        (Nemesis::Power, 0.0, ClockKind::Real, Err(PlanError::RealPower)),
        (Nemesis::Power, 0.0, ClockKind::Virtual, Ok("power")),
        (Nemesis::Slow, 0.0, ClockKind::Virtual, Err(PlanError::NoLatency)),
        (Nemesis::Slow, 1.0, ClockKind::Real, Ok("slow")),
        (Nemesis::OneWay, 0.0, ClockKind::Virtual, Ok("partition")),
        (Nemesis::Clock, 0.0, ClockKind::Real, Err(PlanError::RealClocks)),
        (Nemesis::Clock, 0.0, ClockKind::Virtual, Ok("clock")),
        (Nemesis::Disk, 0.0, ClockKind::Real, Ok("disk")),
        (Nemesis::Clog, 0.0, ClockKind::Real, Ok("clog")),
        (Nemesis::Loss, 0.0, ClockKind::Real, Ok("loss")),
        (Nemesis::Duplication, 0.0, ClockKind::Real, Ok("duplication")),
    ] {
        let found = with(latency, clock, nemesis);
        let found = found.map(|plan| plan.faults.first().expect("a fault").kind.name());
        assert_eq!(found, expected);
    }
    let all = |clock, latency| Nemesis::all_on(clock, latency).count();
    assert_eq!((all(ClockKind::Virtual, 1.0), all(ClockKind::Real, 0.0)), (10, 7));
    // A stored plan is held to the same.
    let mut plan = with(0.0, ClockKind::Virtual, Nemesis::Power).expect("a plan");
    plan.clock = ClockKind::Real;
    let error = check(&plan).expect_err("no such disk").to_string();
    assert!(error.contains("on the virtual clock only"), "{error}");
}
