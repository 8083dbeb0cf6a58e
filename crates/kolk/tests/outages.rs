//! Nodes that are killed or stand still, in all kinds of node: what they get, what is kept for them
//! and what is lost, in which order; and what that does to nodes that remember and to those that do
//! not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use kolk_check::{Validity, Verdict};
use kolk_engine::{Ending, Flow, JournalSink, NodeSource, Patience, Progress, Run, Setup};
use kolk_history::Plan;
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_node::sync::Notify;
use kolk_node::workload::g_set::{Reply, Request};
use kolk_node::{Context, Input, Machine, Node, Outputs, RpcError, machine};
use kolk_protocol::Time;
use kolk_workload::planner::{Asked, Concurrency, Kind, Nodes, Other, Outage, Settings, plan};
use kolk_workload::registry;

#[path = "outages/effects.rs"]
mod effects;
#[path = "outages/events.rs"]
mod events;
#[path = "outages/network.rs"]
mod network;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kolk");

#[derive(Clone, Copy, Debug, PartialEq)]
enum Host {
    InProcess,
    Lockstep,
    Real,
}

const HOSTS: [Host; 3] = [Host::InProcess, Host::Lockstep, Host::Real];

fn settings(workload: &str, host: Host, faults: &[(Kind, &str)]) -> Settings {
    let separate = host != Host::InProcess;
    let node = NodeSpec::BuiltIn { name: workload.to_owned(), args: Vec::new(), separate };
    let clock = if host == Host::Real { ClockKind::Real } else { ClockKind::Virtual };
    let outage = |(kind, text): &(Kind, &str)| Outage::read(*kind, text).expect("an outage");
    Settings {
        nodes: Nodes::Count(2),
        clock,
        outages: faults.iter().map(outage).collect(),
        ..Settings::new(workload, node, 7)
    }
}

fn run(plan: &Plan, nodes: NodeSource<'_>, data: Option<PathBuf>) -> (Run, Verdict) {
    run_with_logs(plan, nodes, data, None)
}

/// The same, with what nodes write to their stderr in a folder.
fn run_with_logs(
    plan: &Plan,
    nodes: NodeSource<'_>,
    data: Option<PathBuf>,
    logs: Option<PathBuf>,
) -> (Run, Verdict) {
    let spec = &plan.workload;
    let run = kolk_engine::run(Setup {
        plan,
        nodes,
        workload: kolk_workload::by_name(&spec.name, &spec.settings, &plan.nodes).unwrap(),
        journal: JournalSink::Memory,
        history: None,
        logs,
        data,
        room: kolk_engine::Room::default(),
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    })
    .expect("a run");
    let options = registry::options(plan).expect("options");
    let verdict = kolk_check::check_run(&run.history, Some(&run.summary), &options);
    (run, verdict)
}

fn echo(host: Host, settings: &Settings) -> (Plan, Run) {
    let plan = plan(settings).expect("a plan");
    let make = |_: usize| machine(kolk_echo::factory(&[]).unwrap());
    let args = ["node", "echo"].map(str::to_owned).to_vec();
    let nodes = match host {
        Host::InProcess => NodeSource::InProcess(&make),
        _ => NodeSource::Program { path: PROGRAM.into(), args, patience: Patience::default() },
    };
    let (run, _) = run(&plan, nodes, None);
    assert_eq!(run.ending, Ending::Completed, "{host:?} {:?}", run.summary.violations);
    (plan, run)
}

/// A message to `n1`, as the journal has it.
#[derive(Debug)]
struct Sent {
    at: u64,
    kind: String,
    /// When it arrived, and as the how-many-th event of the journal.
    received: Option<(u64, usize)>,
    dropped: Option<String>,
}

fn sent_to(node: &str, run: &Run) -> Vec<Sent> {
    let journal = String::from_utf8(run.journal.clone().expect("a journal")).expect("text");
    let mut messages: BTreeMap<u64, Sent> = BTreeMap::new();
    for (number, line) in journal.lines().enumerate() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if line["dest"] != node {
            continue;
        }
        let (id, time) = (line["id"].as_u64().unwrap(), line["time"].as_u64().unwrap());
        if line["event"] == "send" {
            let kind = line["body"]["type"].as_str().unwrap().to_owned();
            messages.insert(id, Sent { at: time, kind, received: None, dropped: None });
            continue;
        }
        let message = messages.get_mut(&id).expect("it was sent");
        match line["event"].as_str() {
            Some("receive") => message.received = Some((time, number)),
            _ => message.dropped = line["reason"].as_str().map(str::to_owned),
        }
    }
    messages.into_values().collect()
}

/// The times of the fault events with this name.
fn times(run: &Run, function: &str) -> Vec<u64> {
    let of_name = run.history.faults.iter().filter(|fault| fault.function == function);
    of_name.map(|fault| fault.time.as_nanos()).collect()
}

/// The oldest ten are kept and come in their order when the node runs again, behind its `init` if
/// it was killed; all others are dropped, and counted.
#[test]
fn what_is_kept_and_what_is_dropped() {
    for (kind, names, reason) in [
        (Kind::Kill, ["kill", "start"], "dead-node"),
        (Kind::Pause, ["pause", "resume"], "paused-node"),
    ] {
        for host in HOSTS {
            let settings = Settings {
                concurrency: Concurrency::PerNode(30),
                rate: 60.0,
                time_limit: 2.5,
                ..settings("echo", host, &[(kind, "n1@0.5..1.7")])
            };
            let (_, run) = echo(host, &settings);
            let what = format!("{kind:?} {host:?}");
            let [begin, end] = names.map(|name| times(&run, name)[0]);
            let all = sent_to("n1", &run);
            let meanwhile: Vec<&Sent> =
                all.iter().filter(|sent| begin <= sent.at && sent.at < end).collect();
            assert!(meanwhile.len() > 15, "{what}: {}", meanwhile.len());
            let (kept, beyond) = meanwhile.split_at(10);
            let arrivals: Vec<(u64, usize)> =
                kept.iter().filter_map(|sent| sent.received).collect();
            assert_eq!(arrivals.len(), 10, "{what}: {kept:?}");
            assert!(arrivals.is_sorted_by_key(|(_, number)| *number), "{what}: {arrivals:?}");
            assert!(arrivals[0].0 >= end, "{what}: {arrivals:?}");
            for sent in beyond {
                assert_eq!(sent.received, None, "{what}: {sent:?}");
                assert_eq!(sent.dropped.as_deref(), Some(reason), "{what}: {sent:?}");
            }
            let inits: Vec<&Sent> = all.iter().filter(|sent| sent.kind == "init").collect();
            let restarts = usize::from(kind == Kind::Kill);
            assert_eq!(inits.len(), 1 + restarts, "{what}");
            if let Some(again) = inits.get(1) {
                let (_, number) = again.received.expect("it comes");
                assert!(number < arrivals[0].1, "{what}: `init` comes first");
            }
            let summary = &run.summary;
            let counts = [summary.dead_count, summary.paused_count];
            let dropped = beyond.len() as u64;
            let expected = if kind == Kind::Kill { [dropped, 0] } else { [0, dropped] };
            assert_eq!(counts, expected, "{what}");
            // What came while it started waited too.
            assert!(summary.kept_count >= 10, "{what}: {}", summary.kept_count);
            // Nobody else was kept waiting.
            let others = sent_to("n0", &run);
            assert!(others.iter().all(|sent| {
                sent.received.is_some_and(|(at, _)| host == Host::Real || at == sent.at)
            }));
        }
    }
}

/// As Jepsen has it: first what is asked for, then what became of each node.
#[test]
fn histories_record_faults_as_jepsen_does() {
    let faults = [
        (Kind::Pause, "n0@0.1..0.6"),
        (Kind::Kill, "n0+n1@0.2..0.4"),
        (Kind::Pause, "n1@0.5..0.7"),
    ];
    for host in HOSTS {
        let settings = Settings { time_limit: 0.8, ..settings("echo", host, &faults) };
        let (_, run) = echo(host, &settings);
        let mut edn = Vec::new();
        kolk_history::jepsen::write(&mut edn, &run.history);
        let edn = String::from_utf8(edn).expect("text");
        let shown: Vec<String> = edn
            .lines()
            .filter(|line| line.contains(":nemesis"))
            .map(|line| line.split_once(":process ").expect("a process").1.to_owned())
            .collect();
        assert_eq!(
            shown,
            [
                r#":nemesis, :f :pause, :value ["n0"]}"#,
                r#":nemesis, :f :pause, :value {"n0" :paused}}"#,
                r#":nemesis, :f :kill, :value ["n0" "n1"]}"#,
                r#":nemesis, :f :kill, :value {"n0" :killed, "n1" :killed}}"#,
                r#":nemesis, :f :start, :value ["n0" "n1"]}"#,
                r#":nemesis, :f :start, :value {"n0" :started, "n1" :started}}"#,
                r#":nemesis, :f :pause, :value ["n1"]}"#,
                r#":nemesis, :f :pause, :value {"n1" :paused}}"#,
                r#":nemesis, :f :resume, :value ["n0"]}"#,
                r#":nemesis, :f :resume, :value {"n0" :resumed}}"#,
                r#":nemesis, :f :resume, :value ["n1"]}"#,
                r#":nemesis, :f :resume, :value {"n1" :resumed}}"#,
            ],
            "{host:?}"
        );
    }
}

/// More than a message takes in the run below, slow links included, in nanoseconds.
const LATENCY_MAX: u64 = 1_000_000_000;

/// Drawn faults end for all nodes, and all have ended before the final phase begins.
#[test]
fn all_run_again_at_the_end() {
    for seed in 0..20 {
        let mut settings = settings("g-set", Host::InProcess, &[]);
        settings.nemesis = kolk_workload::planner::Nemesis::ALL.to_vec();
        settings.latency = 10.0;
        settings.nemesis_interval = 1.0;
        settings.nodes = Nodes::Count(5);
        settings.time_limit = 10.0;
        settings.rate = 50.0;
        settings.seed = seed;
        let plan = plan(&settings).expect("a plan");
        let make = |_: usize| machine(kolk_g_set::factory(&[]).unwrap());
        let (run, _) = run(&plan, NodeSource::InProcess(&make), None);
        assert_eq!(run.ending, Ending::Completed, "{seed}");
        let last = |function: &str| {
            let mut of_name = run.history.faults.iter().filter(|fault| fault.function == function);
            of_name.next_back().map(|fault| fault.index)
        };
        for (begin, end) in [("kill", "start"), ("power", "start"), ("pause", "resume")] {
            assert!(last(end) > last(begin) || last(begin).is_none(), "{seed}");
        }
        let after = run.load_ended.as_nanos();
        // What is on its way when the run is over comes to nobody, and nothing else is lost.
        let ended = run.ended.as_nanos();
        let is_lost = |sent: &Sent| {
            let is_under_way = sent.dropped.is_none() && sent.at + LATENCY_MAX > ended;
            sent.at > after && sent.received.is_none() && !is_under_way
        };
        let lost: Vec<Sent> =
            (0..5).flat_map(|n| sent_to(&format!("n{n}"), &run)).filter(is_lost).collect();
        assert!(lost.is_empty(), "{seed}: {lost:?}");
    }
}

/// Numbers its ids from memory.
#[derive(Default)]
struct Forgetful {
    name: String,
    next: u64,
}

impl Machine for Forgetful {
    fn step(&mut self, _: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if let Input::Message { src, body } = input {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let reply = if body["type"] == "init" {
                self.name = body["node_id"].to_string();
                r#"{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}"#.to_owned()
            } else {
                self.next += 1;
                let (to, name, next) = (&body["msg_id"], &self.name, self.next);
                format!(r#"{{"type":"generate_ok","in_reply_to":{to},"id":[{name},{next}]}}"#)
            };
            outputs.push(src, reply.as_bytes());
        }
        None
    }
}

#[test]
fn ids_from_memory_are_unique_until_a_node_is_killed() {
    let kill = [(Kind::Kill, "n1@2..2.5")];
    for (faults, valid) in [(&[][..], Validity::Valid), (&kill[..], Validity::Invalid)] {
        let settings =
            Settings { time_limit: 5.0, ..settings("unique-ids", Host::InProcess, faults) };
        let plan = plan(&settings).expect("a plan");
        let make = |_: usize| Box::new(Forgetful::default()) as Box<dyn Machine>;
        let (_, verdict) = run(&plan, NodeSource::InProcess(&make), None);
        assert_eq!(verdict.validity, valid, "{faults:?}");
    }
}

/// How a node keeps a set on its disk.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Keeping {
    /// In memory alone.
    Nowhere,
    /// In a log, some time after it has answered.
    Later,
    /// In a log, which it never syncs.
    Unsynced,
    /// In a log, which it syncs, and answers meanwhile.
    Syncing,
    /// In a log that it syncs before it answers.
    First,
    /// In a file that it writes anew for each element.
    Overwritten,
    /// In a file under another name that it renames without a sync.
    Renamed,
    /// In one that it syncs before it renames it, and the names after that.
    Replaced,
}

struct Keeper {
    keeping: Keeping,
    elements: RefCell<Option<Vec<i64>>>,
    read: Notify,
    /// True while an element is being kept; others wait.
    busy: Cell<bool>,
    free: Notify,
}

impl Keeper {
    fn new(keeping: Keeping) -> Keeper {
        let elements = RefCell::default();
        let (read, busy, free) = (Notify::new(), Cell::default(), Notify::new());
        Keeper { keeping, elements, read, busy, free }
    }

    /// All elements and another as they stand in a file, each with a mark behind it.
    fn text(&self, another: i64) -> String {
        let elements = self.elements.borrow();
        let lines = elements.iter().flatten().chain([&another]);
        lines.map(|element| format!("{element}.\n")).collect()
    }

    async fn keep(&self, cx: &Context, element: i64) -> Result<(), RpcError> {
        let (disk, line) = (cx.storage(), format!("{element}.\n"));
        let text = self.text(element);
        match self.keeping {
            Keeping::Nowhere => {}
            Keeping::Later => {
                let cx = cx.clone();
                cx.clone().spawn(async move {
                    cx.sleep(Duration::from_millis(200)).await;
                    cx.storage().append("log", line.as_bytes()).await
                });
            }
            Keeping::Unsynced => disk.append("log", line.as_bytes()).await?,
            Keeping::Syncing => {
                disk.append("log", line.as_bytes()).await?;
                let cx = cx.clone();
                cx.clone().spawn(async move { cx.storage().sync("log").await });
            }
            Keeping::First => {
                disk.append("log", line.as_bytes()).await?;
                disk.sync("log").await?;
            }
            Keeping::Overwritten => {
                disk.write("log", text.as_bytes()).await?;
                disk.sync("log").await?;
            }
            Keeping::Renamed => {
                disk.write("new", text.as_bytes()).await?;
                disk.rename("new", "log").await?;
            }
            Keeping::Replaced => {
                disk.write("new", text.as_bytes()).await?;
                disk.sync("new").await?;
                disk.rename("new", "log").await?;
                disk.sync_names().await?;
            }
        }
        Ok(())
    }
}

impl Node for Keeper {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        let (keeper, cx) = (Rc::clone(self), cx.clone());
        cx.clone().spawn(async move {
            let bytes = cx.storage().read("log").await.expect("it can be read").unwrap_or_default();
            let lines = bytes.split(|byte| *byte == b'\n');
            let element =
                |line: &[u8]| std::str::from_utf8(line).ok()?.strip_suffix('.')?.parse().ok();
            *keeper.elements.borrow_mut() = Some(lines.filter_map(element).collect());
            if !bytes.is_empty() && !bytes.ends_with(b"\n") {
                cx.storage().append("log", b"\n").await.expect("it can be written");
            }
            keeper.read.notify_all();
        });
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        while self.elements.borrow().is_none() {
            self.read.notified().await;
        }
        Ok(match request {
            Request::Add { element } => {
                while self.busy.replace(true) {
                    self.free.notified().await;
                }
                let kept = self.keep(cx, element).await;
                // Reads show it once it is kept: what was read must not be lost either.
                if kept.is_ok() {
                    self.elements.borrow_mut().as_mut().expect("it was read").push(element);
                }
                self.busy.set(false);
                self.free.notify_one();
                kept?;
                Reply::AddOk {}
            }
            Request::Read {} => {
                Reply::ReadOk { value: self.elements.borrow().clone().expect("it was read") }
            }
        })
    }
}

/// Who stores before it answers holds; who answers before it has stored is caught by a kill, and
/// who answers before it has synced by a loss of power.
#[test]
fn what_was_acknowledged_is_kept_by_those_who_store_first() {
    use Keeping::{First, Later, Nowhere, Overwritten, Renamed, Replaced, Syncing, Unsynced};
    let caught = |keeping: Keeping, kind: Kind| {
        let is_caught = |seed: &u64| {
            let faults = ["n0@0.5..0.6", "n0@1..1.1", "n0@1.5..1.6", "n0@2..2.1"];
            let faults = faults.map(|text| (kind, text));
            let mut settings = settings("g-set", Host::InProcess, &faults);
            settings.nodes = Nodes::Count(1);
            // Each kill leaves clients waiting: some must be left.
            settings.concurrency = Concurrency::PerNode(8);
            (settings.rate, settings.time_limit, settings.seed) = (150.0, 2.5, *seed);
            let plan = plan(&settings).expect("a plan");
            let make = |_: usize| machine(move |_| Keeper::new(keeping));
            let (run, verdict) = run(&plan, NodeSource::InProcess(&make), None);
            assert_eq!(run.ending, Ending::Completed);
            let killed = run.history.faults.iter().filter(|fault| fault.function == kind.name());
            assert_eq!(killed.count(), 8);
            verdict.validity == Validity::Invalid
        };
        (0..20).filter(is_caught).count()
    };
    for (keeping, by_kill, by_power) in [
        (Nowhere, true, true),
        (Later, true, true),
        (Unsynced, false, true),
        (Syncing, false, true),
        (First, false, false),
        (Overwritten, false, true),
        (Renamed, false, true),
        (Replaced, false, false),
    ] {
        for (kind, expected) in [(Kind::Kill, by_kill), (Kind::Power, by_power)] {
            let count = caught(keeping, kind);
            let fits = if expected { count > 0 } else { count == 0 };
            assert!(fits, "{keeping:?} under {kind:?}: {count} of 20 runs are invalid");
        }
    }
}

/// What a service answers to a life before this one is no answer to what this one asks.
#[test]
fn answers_to_an_earlier_life_are_not_taken() {
    let args = ["--service", "lin-kv"].map(str::to_owned);
    for seed in 1..=12 {
        let mut settings = settings("lin-kv", Host::InProcess, &[(Kind::Kill, "n0@0.05..0.1")]);
        settings.seed = seed;
        settings.concurrency = Concurrency::PerNode(4);
        (settings.rate, settings.time_limit, settings.latency) = (60.0, 5.0, 100.0);
        let plan = plan(&settings).expect("a plan");
        let make = |_: usize| machine(kolk_lin_kv::factory(&args).unwrap());
        let (_, verdict) = run(&plan, NodeSource::InProcess(&make), None);
        assert_eq!(verdict.validity, Validity::Valid, "seed {seed}");
    }
}

/// A run of a program that others could have written, and what it has stored afterwards.
fn counted(host: Host, mode: &str, disk: Option<&str>) -> (Run, Verdict, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/outages/counter.py");
    let kills = [(Kind::Kill, "n0@1..1.2"), (Kind::Kill, "n0@2..2.2")];
    let mut settings = settings("g-counter", host, if disk.is_none() { &kills } else { &[] });
    settings.nodes = Nodes::Count(1);
    settings.time_limit = 3.0;
    settings.rate = 50.0;
    settings.asked.extend(disk.map(|text| Asked::read(Other::Disk, text).expect("a fault")));
    let plan = plan(&settings).expect("a plan");
    let folder = tempfile::tempdir().expect("a folder");
    let nodes = NodeSource::Program {
        path: path.into(),
        args: vec![mode.to_owned()],
        patience: Patience { init: std::time::Duration::from_secs(60), ..Patience::default() },
    };
    let data = folder.path().join("data");
    let (run, verdict) = run(&plan, nodes, Some(data.clone()));
    assert_eq!(run.ending, Ending::Completed, "{host:?} {mode}: {:?}", run.summary.violations);
    let stored = std::fs::read(data.join("n0/adds")).expect("it stays");
    (run, verdict, String::from_utf8_lossy(&stored).into_owned())
}

#[test]
fn a_counter_survives_in_its_folder_if_it_writes_first() {
    std::thread::scope(|scope| {
        for host in [Host::Lockstep, Host::Real] {
            for (mode, expected) in [("first", Validity::Valid), ("later", Validity::Invalid)] {
                scope.spawn(move || {
                    let (_, verdict, stored) = counted(host, mode, None);
                    assert!(stored.lines().count() > 5, "{host:?} {mode}: {stored}");
                    assert_eq!(verdict.validity, expected, "{host:?} {mode}");
                });
            }
        }
    });
}

/// A sector of a file is overwritten, whoever wrote it.
#[test]
fn sectors_of_any_programs_files_are_overwritten() {
    std::thread::scope(|scope| {
        for host in [Host::Lockstep, Host::Real] {
            scope.spawn(move || {
                let (run, _, stored) = counted(host, "first", Some("n0:corrupt@2.."));
                assert_eq!(run.summary.strikes, [1], "{host:?}");
                let is_whole = |line: &str| line.parse::<u32>().is_ok();
                assert!(!stored.lines().all(is_whole), "{host:?}: {stored}");
            });
        }
    });
}
