//! What faults did is counted for each, in all kinds of node: those that met something, and those
//! that were asked for in vain.

use super::*;
use kolk_engine::faults::Cut;
use kolk_workload::planner::{LinkFault, LinkKind};

/// The four kinds of node. Programs can be traced on Linux on x86-64 alone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum On {
    Host(Host),
    Traced,
}

const ON: &[On] = &[
    On::Host(Host::InProcess),
    On::Host(Host::Lockstep),
    On::Host(Host::Real),
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    On::Traced,
];

fn outage(settings: &mut Settings, kind: Kind, text: &str) {
    settings.outages.push(Outage::read(kind, text).expect("an outage"));
}

fn other(settings: &mut Settings, kind: Other, text: &str) {
    settings.asked.push(Asked::read(kind, text).expect("a fault"));
}

fn link(settings: &mut Settings, kind: LinkKind, text: &str) {
    settings.links.push(LinkFault::read(kind, text).expect("links"));
}

fn cut(settings: &mut Settings, text: &str) {
    settings.cuts.push(text.parse::<Cut>().expect("a cut"));
}

type Ask = fn(&mut Settings, &str);

/// Every kind of fault: its name, the flag and what else asks for it, what of, whether it is there
/// on the virtual clock alone, and whether it finds nothing where nodes say nothing to each other
/// and keep nothing.
const KINDS: [(&str, &str, Ask, &str, bool, bool); 13] = [
    ("kill", "--kill", |to, text| outage(to, Kind::Kill, text), "n1", false, false),
    ("pause", "--pause", |to, text| outage(to, Kind::Pause, text), "n1", false, false),
    ("power", "--power", |to, text| outage(to, Kind::Power, text), "n1", true, false),
    ("partition", "--cut", cut, "n1", false, true),
    ("one-way", "--cut", |to, text| link(to, LinkKind::OneWay, text), "n1>n0", false, true),
    ("slow", "--slow", |to, text| link(to, LinkKind::Slow, text), "n1>n0*3", false, true),
    ("clog", "--clog", |to, text| other(to, Other::Clog, text), "n1", false, true),
    ("loss", "--loss", |to, text| other(to, Other::Loss, text), "1", false, true),
    (
        "duplication",
        "--duplication",
        |to, text| other(to, Other::Duplication, text),
        "1",
        false,
        true,
    ),
    ("clock", "--skew", |to, text| other(to, Other::Clock, text), "n1:1", true, false),
    ("failing disk", "--disk", |to, text| other(to, Other::Disk, text), "n1:failing", false, true),
    ("full disk", "--disk", |to, text| other(to, Other::Disk, text), "n1:full", false, true),
    ("corrupt disk", "--disk", |to, text| other(to, Other::Disk, text), "n1:corrupt", false, true),
];

/// How often each fault of a run did something, by its kind; all of them are asked for, one after
/// the other.
fn strikes(on: On, node: &str, args: &[&str], in_vain: bool) -> Vec<(&'static str, u64)> {
    let host = match on {
        On::Host(host) => host,
        On::Traced => Host::Lockstep,
    };
    let mut settings = settings(node, host, &[]);
    (settings.rate, settings.latency) = (30.0, 5.0);
    let mut begin = 0.1;
    let (mut asked, mut flags) = (Vec::new(), Vec::new());
    for (name, flag, ask, what, is_virtual, is_idle) in KINDS {
        if (is_virtual && host == Host::Real) || (in_vain && !is_idle) {
            continue;
        }
        // Nodes tell each other everything twice a second.
        let text = format!("{what}@{begin:.1}..{:.1}", begin + 0.6);
        ask(&mut settings, &text);
        flags.extend([flag.to_owned(), text]);
        asked.push(name);
        begin += 0.7;
    }
    settings.time_limit = begin;
    let counts = match on {
        On::Host(host) => strikes_on(host, node, args, &settings),
        On::Traced => strikes_traced(node, args, &settings, &flags),
    };
    assert_eq!(counts.len(), asked.len(), "{on:?}");
    // A plan has its faults in the order of their beginnings.
    asked.into_iter().zip(counts).collect()
}

fn strikes_on(host: Host, node: &str, args: &[&str], settings: &Settings) -> Vec<u64> {
    let plan = plan(settings).expect("a plan");
    let own: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let make = |_: usize| match node {
        "echo" => machine(kolk_echo::factory(&own).unwrap()),
        _ => machine(kolk_g_set::factory(&own).unwrap()),
    };
    let words = ["node", node].into_iter().chain(args.iter().copied()).map(str::to_owned).collect();
    let patience = Patience { init: Duration::from_secs(60), ..Patience::default() };
    let nodes = match host {
        Host::InProcess => NodeSource::InProcess(&make),
        _ => NodeSource::Program { path: PROGRAM.into(), args: words, patience },
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (run, _) = run(&plan, nodes, Some(folder.path().join("data")));
    assert_eq!(run.ending, Ending::Completed, "{host:?} {:?}", run.summary.violations);
    run.summary.strikes
}

/// Only the program itself can trace: it is its own launcher.
fn strikes_traced(node: &str, args: &[&str], settings: &Settings, flags: &[String]) -> Vec<u64> {
    let home = tempfile::tempdir().expect("a folder");
    let line = format!(
        "test -w {node} --bin {PROGRAM} --clock virtual --host traced --node-count 2 --rate {} \
         --latency {} --time-limit {:.1} --seed 7",
        settings.rate, settings.latency, settings.time_limit
    );
    let output = std::process::Command::new(PROGRAM)
        .args(line.split(' '))
        .args(flags)
        .args(["--", "node", node])
        .args(args)
        .current_dir(home.path())
        .output()
        .expect("kolk runs");
    let screen = String::from_utf8_lossy(&output.stdout);
    assert!(screen.contains("traced"), "{screen}{}", String::from_utf8_lossy(&output.stderr));
    let results = home.path().join("store/latest/results.json");
    let results = std::fs::read_to_string(results).expect("results");
    kolk_report::stored::read(&results).expect("results").summary.strikes
}

#[test]
fn faults_are_known_to_have_struck_or_not_in_all_kinds_of_node() {
    std::thread::scope(|scope| {
        for on in ON {
            scope.spawn(move || {
                for (name, count) in strikes(*on, "g-set", &["--durable"], false) {
                    assert!(count > 0, "{on:?}: {name} did nothing");
                }
            });
            scope.spawn(move || {
                for (name, count) in strikes(*on, "echo", &[], true) {
                    assert_eq!(count, 0, "{on:?}: {name}");
                }
            });
        }
    });
}
