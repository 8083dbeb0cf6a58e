//! How fast the engine is: `engine virtual`, `engine lockstep PROGRAM`, `engine echo PROGRAM`,
//! `engine relay PROGRAM`.
//!
//! - `virtual`: challenge 3d in-process, and network messages a second over a relay;
//! - `lockstep`: the same with a separate program on the virtual clock;
//! - `echo`: one echo node on the real clock, 20 clients, `--rate 1000000`: operations a second;
//! - `relay`: 25 nodes on the real clock that each pass a value on: messages a second.
//!
//! PROGRAM is the `kolk` program, which holds the nodes (`kolk node echo`), or this one
//! (`engine node`), which holds the relay.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use kolk_benches::relay::Relay;
use kolk_engine::{Flow, JournalSink, NodeSource, Patience, Progress, Run, Setup};
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_node::{Machine, machine};
use kolk_workload::planner::{Concurrency, Nodes, Settings, plan};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

fn settings(workload: &str, nodes: usize, clock: ClockKind) -> Settings {
    let node = NodeSpec::BuiltIn { name: "bench".into(), args: Vec::new(), separate: false };
    Settings { nodes: Nodes::Count(nodes), clock, ..Settings::new(workload, node, 1) }
}

/// Where nodes come from, so that a run can be begun several times.
enum Source<'a> {
    InProcess(&'a dyn Fn(usize) -> Box<dyn Machine>),
    Program(PathBuf, Vec<String>),
}

/// A run with its journal in memory on the virtual clock, in a file on the real one.
fn run(settings: &Settings, source: &Source<'_>) -> Run {
    let plan = plan(settings).expect("the settings make a plan");
    let workload =
        kolk_workload::by_name(&plan.workload.name, &plan.workload.settings, &plan.nodes)
            .expect("the workload is there");
    let file = tempfile::tempfile().expect("a file for the journal");
    let mut file = std::io::BufWriter::new(file);
    let setup = Setup {
        plan: &plan,
        nodes: match source {
            Source::InProcess(make) => NodeSource::InProcess(make),
            Source::Program(path, args) => NodeSource::Program {
                path: path.clone(),
                args: args.clone(),
                patience: Patience::default(),
            },
        },
        workload,
        journal: match plan.clock {
            ClockKind::Virtual => JournalSink::Memory,
            ClockKind::Real => JournalSink::Write(&mut file),
        },
        history: None,
        logs: None,
        data: None,
        room: kolk_engine::Room::default(),
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    };
    kolk_engine::run(setup).expect("the run begins")
}

fn relay_settings(clock: ClockKind, time_limit: f64, rate: f64) -> Settings {
    Settings {
        rate,
        time_limit,
        latency: if clock == ClockKind::Virtual { 10.0 } else { 0.0 },
        concurrency: Concurrency::Workers(25),
        ..settings("broadcast", 25, clock)
    }
}

fn challenge_3d(clock: ClockKind) -> Settings {
    Settings { rate: 100.0, time_limit: 20.0, latency: 100.0, ..settings("broadcast", 25, clock) }
}

fn report(what: &str, run: &Run, wall: Duration) {
    let seconds = wall.as_secs_f64();
    let messages = run.summary.all.send_count;
    println!(
        "{what:<28} {:>9.3} s wall  {:>8.1} simulated s/s  {:>9.0} messages/s ({messages})  \
         {:>9.0} operations/s ({})",
        seconds,
        run.ended.as_secs_f64() / seconds,
        messages as f64 / seconds,
        run.history.operations.len() as f64 / seconds,
        run.history.operations.len(),
    );
}

fn virtual_clock() {
    let relay = |_| -> Box<dyn Machine> { machine(Relay::new) };
    let broadcast = |_| -> Box<dyn Machine> {
        machine(kolk_broadcast::factory(&[]).expect("the default settings are valid"))
    };
    for _ in 0..3 {
        let settings = challenge_3d(ClockKind::Virtual);
        let (done, wall) = timed(|| run(&settings, &Source::InProcess(&broadcast)));
        report("3d, in-process", &done, wall);
    }
    for _ in 0..3 {
        let settings = relay_settings(ClockKind::Virtual, 5.0, 2000.0);
        let (done, wall) = timed(|| run(&settings, &Source::InProcess(&relay)));
        report("relay, in-process", &done, wall);
    }
}

fn lockstep(program: PathBuf) {
    let args = ["node", "broadcast"].map(str::to_owned).to_vec();
    let source = Source::Program(program, args);
    let (done, wall) = timed(|| run(&challenge_3d(ClockKind::Virtual), &source));
    report("3d, lockstep", &done, wall);
}

fn lockstep_relay() {
    let program = std::env::current_exe().expect("this program has a path");
    let source = Source::Program(program, ["node", "bench-relay"].map(str::to_owned).to_vec());
    let settings = relay_settings(ClockKind::Virtual, 5.0, 1000.0);
    let (done, wall) = timed(|| run(&settings, &source));
    report("relay, lockstep", &done, wall);
}

fn real(what: &str, settings: &Settings, path: PathBuf, args: &[&str]) {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let (done, wall) = timed(|| run(settings, &Source::Program(path, args)));
    report(what, &done, wall);
    let load = done.load_ended.since(done.load_began).as_secs_f64();
    println!(
        "  {:.0} messages a second of load; {:?}",
        done.summary.all.send_count as f64 / load,
        done.ending
    );
    assert!(done.summary.violations.is_empty());
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["node", "bench-relay"] => return kolk_node::run(Relay::new),
        ["virtual"] => virtual_clock(),
        ["lockstep", program] => lockstep(program.into()),
        ["lockstep-relay"] => lockstep_relay(),
        ["echo", program] => {
            let settings = Settings {
                rate: 1e6,
                time_limit: 10.0,
                concurrency: Concurrency::Workers(20),
                ..settings("echo", 1, ClockKind::Real)
            };
            real("echo, real clock", &settings, program.into(), &["node", "echo"]);
        }
        ["relay"] => {
            let program = std::env::current_exe().expect("this program has a path");
            let settings = relay_settings(ClockKind::Real, 5.0, 20_000.0);
            real("relay, real clock", &settings, program, &["node", "bench-relay"]);
        }
        _ => {
            eprintln!("usage: engine virtual | lockstep KOLK | echo KOLK | relay");
            return ExitCode::from(254);
        }
    }
    ExitCode::SUCCESS
}
