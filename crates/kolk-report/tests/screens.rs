//! The screens at the end of a run, and what `challenge` and `verify` show, drawn from made-up
//! runs.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_check::{Options, Validity, Verdict, check_run};
use kolk_history::plan::{
    ClockChange, ClockKind, DRAWS, DiskHarm, Exceptions, FORMAT, Fault, FaultKind,
    LatencyDistribution, Millionths, NetworkSpec, NodeSpec, Targets, ThreadOrder, Trigger,
    TriggerEvent, VirtualHost, WorkloadSpec,
};
use kolk_history::summary::{MessageCounts, Triggered, Unrepeatable};
use kolk_history::{History, Plan, Summary, jepsen};
use kolk_report::challenge::{self, ChallengeRun, Measured, Seeds};
use kolk_report::facts::{Ending, Facts, Held, HeldLimit};
use kolk_report::screen::{self, Report};
use kolk_report::{Style, difference, results, stored};

/// A run of the workload `broadcast` on three nodes.
struct Made {
    plan: Plan,
    history: History,
    summary: Summary,
    verdict: Verdict,
    facts: Facts,
}

fn made(events: &str, change: impl FnOnce(&mut Plan, &mut Facts)) -> Made {
    let names: Vec<String> = ["n0", "n1", "n2"].map(str::to_owned).to_vec();
    let node = NodeSpec::Program {
        threads: ThreadOrder::default(),
        host: None,
        path: "/home/ada/\u{1b}[1mbroadcast.py".to_owned(),
        args: Vec::new(),
        sha256: "0".repeat(64),
    };
    let mut plan = Plan {
        format: FORMAT,
        draws: DRAWS,
        kolk_version: "0.1.0".to_owned(),
        seed: 0x5f3a_9c21,
        clock: ClockKind::Real,
        node,
        nodes: names.clone().try_into().expect("names that fit"),
        concurrency: 3,
        rate: 5.0,
        time_limit: 10_000_000_000,
        workload: WorkloadSpec { name: "broadcast".to_owned(), settings: BTreeMap::new() },
        network: NetworkSpec {
            latency: 100.0,
            latency_dist: LatencyDistribution::Constant,
            loss: 0.1,
            duplication: 0.0,
        },
        faults: Vec::new(),
        exceptions: Exceptions::default(),
        limits: kolk_history::plan::Limits::default(),
        strict: false,
        lenient: false,
        availability: None,
    };
    let mut facts = Facts {
        digest: "0123456789abcdef".repeat(2),
        ending: Ending::Completed,
        load_began: 0,
        load_ended: 10_000_000_000,
        ended: 20_500_000_000,
        event_count: 1234,
        challenge: None,
        triggered: Vec::new(),
    };
    change(&mut plan, &mut facts);
    let history = jepsen::read(events.as_bytes(), names).expect("a history");
    let counts = |count| MessageCounts { send_count: count, recv_count: count, msg_count: count };
    let summary = Summary {
        all: counts(3694),
        clients: counts(12),
        servers: counts(3682),
        lost_count: 3,
        ..Summary::default()
    };
    let options = Options {
        workload: &plan.workload.name,
        strict: plan.strict,
        availability: plan.availability,
        rate: Some(plan.rate),
        load: Some(Duration::from_secs(10)),
        calm: plan.faults.is_empty() && plan.network.loss == 0.0,
        ..Options::default()
    };
    let verdict = check_run(&history, Some(&summary), &options);
    Made { plan, history, summary, verdict, facts }
}

fn drawn(made: &Made, style: Style) -> String {
    let report = Report {
        plan: &made.plan,
        history: &made.history,
        summary: &made.summary,
        verdict: &made.verdict,
        facts: &made.facts,
        wall: Some(Duration::from_millis(900)),
        folder: Some("store/broadcast/20261121T101502.123"),
        program: "kolk",
    };
    screen::draw(&report, style)
}

/// Of faults that wait for an event it is told which never came, and of those that wait for a
/// leader how many came, or that nobody led.
#[test]
fn faults_that_never_came_are_told() {
    let fault = |node: Option<&str>, nth| Fault {
        on: Some(Trigger { event: TriggerEvent::Leader { node: node.map(str::to_owned) }, nth }),
        ..Fault::new(0, 10, FaultKind::Kill(Targets::new(Targets::TRIGGER, Vec::new())))
    };
    let came = |number| Triggered {
        number,
        begin: 0,
        end: 10,
        kind: FaultKind::Kill(Targets::new(Targets::TRIGGER, vec!["n0".to_owned()])),
    };
    for (faults, triggered, leader_count, expected) in [
        (
            vec![fault(None, 1)],
            vec![],
            0,
            "kill waited in vain for a node that says on its stderr that it leads, 1 time",
        ),
        (vec![fault(Some("n2"), 9)], vec![], 3, "kill waited in vain for leader#9 of n2, 1 time"),
        (
            vec![fault(None, 1), fault(None, 2)],
            vec![came(0)],
            1,
            "1 of 2 faults that waited for a node to lead came",
        ),
    ] {
        let mut made = made(FINE, |plan, facts| {
            (plan.faults, facts.triggered) = (faults, triggered);
        });
        made.summary.leader_count = leader_count;
        let text = drawn(&made, Style::PLAIN);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// A run that asked for faults says of each kind that did nothing that it did not, and if none did
/// anything that nothing was shown; `results.json` has the numbers.
#[test]
fn faults_that_did_nothing_are_told() {
    let links = || BTreeMap::from([("n0".to_owned(), vec!["n1".to_owned()])]);
    let targets = || Targets::new("asked", vec!["n1".to_owned()]);
    let partition =
        |shape: &str| FaultKind::Partition { shape: shape.to_owned(), blocked: links() };
    let probability = Millionths(500_000);
    let of_nodes = "";
    let cases = [
        ("partition", partition("majority"), "the partitions swallowed no message"),
        ("one-way", partition("one-way"), "the cuts in one direction swallowed no message"),
        ("kill", FaultKind::Kill(targets()), of_nodes),
        ("pause", FaultKind::Pause(targets()), of_nodes),
        ("power", FaultKind::Power(targets()), of_nodes),
        (
            "slow",
            FaultKind::Slow { links: links(), factor: 3 },
            "no message went over a link while it was slow",
        ),
        ("loss", FaultKind::Loss { probability }, "the faults that lose messages lost none"),
        (
            "duplication",
            FaultKind::Duplication { probability },
            "the faults that double messages doubled none",
        ),
        (
            "clog",
            FaultKind::Clog { links: links(), every: 1 },
            "no message waited on a clogged link",
        ),
        (
            "clock",
            FaultKind::Clock { targets: targets(), change: ClockChange::Jump(1) },
            "no node did anything while its clock was wrong",
        ),
        (
            "disk",
            FaultKind::Disk { targets: targets(), harm: DiskHarm::Full },
            "the faults of disks had no call fail, and overwrote nothing",
        ),
    ];
    let nothing =
        "no fault that was asked for did anything: this run shows no more than one without";
    for (name, kind, sentence) in cases {
        // Of two faults of a kind one is enough.
        for (strikes, in_vain) in [([0, 0], true), ([0, 3], false)] {
            let mut made = made(FINE, |plan, _| {
                plan.network.loss = 0.0;
                plan.faults = vec![Fault::new(0, 1, kind.clone()), Fault::new(1, 2, kind.clone())];
            });
            (made.summary.strikes, made.summary.lost_count) = (strikes.to_vec(), 0);
            let screen = drawn(&made, Style::PLAIN);
            assert_eq!(screen.contains(nothing), in_vain, "{name}: {screen}");
            assert!(sentence.is_empty() || screen.contains(sentence) == in_vain, "{screen}");
            let json = results::json(&made.plan, &made.summary, &made.verdict, &made.facts);
            let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            let (effective, times) = if in_vain { (0, 0) } else { (1, 3) };
            let expected =
                serde_json::json!({"planned": 2, "effective": effective, "times": times});
            assert_eq!(json["faults"][name], expected, "{name}");
        }
    }
    // Loss and duplication of the whole run, with nothing else; and both, of which one struck.
    for (loss, duplication, lost, sentences) in [
        (0.1, 0.0, 0, &["no message was lost, though --loss asked for it", nothing][..]),
        (0.1, 0.0, 1, &[]),
        (0.1, 0.1, 1, &["no message was doubled, though --duplication asked for it"]),
    ] {
        let mut made = made(FINE, |plan, _| {
            (plan.network.loss, plan.network.duplication) = (loss, duplication);
        });
        made.summary.lost_count = lost;
        let screen = drawn(&made, Style::PLAIN);
        for sentence in sentences {
            assert!(screen.contains(sentence), "{sentence}: {screen}");
        }
        assert_eq!(screen.contains(nothing), sentences.contains(&nothing), "{screen}");
    }
    // A run of an earlier version did not count.
    let made = made(FINE, |plan, _| {
        plan.faults = vec![Fault::new(0, 1, partition("majority"))];
    });
    assert!(!drawn(&made, Style::PLAIN).contains("swallowed no message"));
}

/// What is stored is all that the screen is drawn from.
#[test]
fn a_stored_run_gives_the_same_screen() {
    for events in [LOST, FINE] {
        let mut made = made(events, |plan, _| plan.availability = Some(0.9));
        let json = results::json(&made.plan, &made.summary, &made.verdict, &made.facts);
        let stored = stored::read(&String::from_utf8(json).expect("UTF-8")).expect("results");
        let before = drawn(&made, Style::PLAIN);
        assert_eq!((&stored.facts, &stored.summary), (&made.facts, &made.summary));
        made.verdict = stored.verdict;
        assert_eq!(drawn(&made, Style::PLAIN), before);
    }
}

/// Results that are none, or of another version, are refused.
#[test]
fn other_results_are_refused() {
    for (json, problem) in [
        ("[", "EOF while parsing"),
        ("{}", "missing field `format`"),
        (r#"{"format":1}"#, "missing field `run`"),
    ] {
        let found = stored::read(json).expect_err(json).to_string();
        assert!(found.starts_with(problem), "{found}");
    }
}

/// Value 1 is read, and then by nobody any more; n2 knows nothing; value 7 comes from nowhere.
const LOST: &str = r#"
{:index 0, :time 1000000000, :type :invoke, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 1, :time 1010000000, :type :ok, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 2, :time 2000000000, :type :invoke, :process 1, :f :broadcast, :value 1, :node "n1"}
{:index 3, :time 2010000000, :type :ok, :process 1, :f :broadcast, :value 1, :node "n1"}
{:index 4, :time 3000000000, :type :invoke, :process 2, :f :broadcast, :value 2, :node "n2"}
{:index 5, :time 8000000000, :type :info, :process 2, :f :broadcast, :value 2, :node "n2", :error :timeout}
{:index 6, :time 9000000000, :type :invoke, :process 1, :f :read, :value nil, :node "n1"}
{:index 7, :time 9010000000, :type :ok, :process 1, :f :read, :value [0 1], :node "n1"}
{:index 8, :time 20000000000, :type :invoke, :process 0, :f :read, :value nil, :final? true, :node "n0"}
{:index 9, :time 20010000000, :type :ok, :process 0, :f :read, :value [0 7 7], :final? true, :node "n0"}
{:index 10, :time 20100000000, :type :invoke, :process 5, :f :read, :value nil, :final? true, :node "n2"}
{:index 11, :time 20110000000, :type :ok, :process 5, :f :read, :value [0], :final? true, :node "n2"}
"#;

const FINE: &str = r#"
{:index 0, :time 1000000000, :type :invoke, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 1, :time 1010000000, :type :ok, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 2, :time 2000000000, :type :invoke, :process 1, :f :read, :value nil, :final? true, :node "n1"}
{:index 3, :time 2010000000, :type :ok, :process 1, :f :read, :value [0], :final? true, :node "n1"}
"#;

/// n1 forgets value 0, and another node's read comes later.
const FORGOTTEN: &str = r#"
{:index 0, :time 1000000000, :type :invoke, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 1, :time 1010000000, :type :ok, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 2, :time 2000000000, :type :invoke, :process 1, :f :read, :value nil, :final? true, :node "n1"}
{:index 3, :time 2010000000, :type :ok, :process 1, :f :read, :value [], :final? true, :node "n1"}
{:index 4, :time 3000000000, :type :invoke, :process 0, :f :read, :value nil, :final? true, :node "n0"}
{:index 5, :time 3010000000, :type :ok, :process 0, :f :read, :value [0], :final? true, :node "n0"}
{:index 6, :time 4000000000, :type :invoke, :process 2, :f :broadcast, :value 1, :node "n2"}
{:index 7, :time 9000000000, :type :info, :process 2, :f :broadcast, :value 1, :node "n2", :error "timeout"}
"#;

const NOTHING_READ: &str = r#"
{:index 0, :time 1000000000, :type :invoke, :process 0, :f :broadcast, :value 0, :node "n0"}
{:index 1, :time 1010000000, :type :ok, :process 0, :f :broadcast, :value 0, :node "n0"}
"#;

#[test]
fn screens() {
    let virtually = |plan: &mut Plan, _: &mut Facts| {
        plan.clock = ClockKind::Virtual;
        plan.node =
            NodeSpec::BuiltIn { name: "broadcast".to_owned(), args: vec![], separate: false };
    };
    let strictly = |plan: &mut Plan, _: &mut Facts| {
        plan.strict = true;
        plan.availability = Some(1.0);
    };
    let interrupted = |_: &mut Plan, facts: &mut Facts| {
        facts.ending = Ending::Interrupted;
        facts.ended = 5_250_000_000;
    };
    let cut = |plan: &mut Plan, facts: &mut Facts| {
        plan.network.loss = 0.0;
        facts.load_began = 500_000_000;
        let seconds = |begin: f64, end: f64, blocked: &[(&str, &[&str])]| {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let blocked =
                blocked.iter().map(|(node, deaf)| ((*node).to_owned(), names(deaf))).collect();
            let kind = FaultKind::Partition { shape: "cut".to_owned(), blocked };
            Fault::new((begin * 1e9) as u64, (end * 1e9) as u64, kind)
        };
        let without_n1: &[(&str, &[&str])] =
            &[("n0", &["n1"]), ("n1", &["n0", "n2"]), ("n2", &["n1"])];
        plan.faults = vec![
            seconds(1.2, 6.0, without_n1),
            seconds(8.5, 9.25, &[("n2", &["n0"])]),
            seconds(9.3, 9.5, without_n1),
            seconds(9.6, 10.0, without_n1),
        ];
    };
    let held = |plan: &mut Plan, facts: &mut Facts| {
        plan.clock = ClockKind::Virtual;
        let limit = |name: &str, unit: &str, value, below: Option<f64>| HeldLimit {
            name: name.to_owned(),
            unit: unit.to_owned(),
            value,
            below,
            goal: None,
            holds: below.is_none_or(|below| value.is_some_and(|value| value < below)),
        };
        facts.challenge = Some(Held {
            id: "3d".to_owned(),
            name: "speed".to_owned(),
            limits: vec![
                limit("server messages per operation", "", Some(12.25), Some(30.0)),
                limit("median stable latency", "ms", Some(412.0), Some(400.0)),
                limit("maximum stable latency", "ms", None, Some(600.0)),
                limit("server messages per broadcast", "", Some(24.5), None),
            ],
        });
    };
    let of_challenge = |strict: bool| {
        move |plan: &mut Plan, facts: &mut Facts| {
            plan.strict = strict;
            plan.network.loss = 0.0;
            let (id, name) = ("3b".to_owned(), "five nodes".to_owned());
            facts.challenge = Some(Held { id, name, limits: Vec::new() });
        }
    };
    for (name, made) in [
        ("cut", made(LOST, cut)),
        ("beyond_maelstrom", made(FORGOTTEN, of_challenge(true))),
        ("as_maelstrom", made(FORGOTTEN, of_challenge(false))),
        ("limits", made(FINE, held)),
        ("valid", made(FINE, virtually)),
        ("invalid", made(LOST, |_, _| ())),
        ("strict", made(LOST, strictly)),
        ("unknown", made(NOTHING_READ, |_, _| ())),
        ("interrupted", made(NOTHING_READ, interrupted)),
    ] {
        insta::assert_snapshot!(format!("screen_{name}"), drawn(&made, Style::PLAIN));
    }
}

/// Where a run proves less than it seems, it says so, and only there.
#[test]
fn hints() {
    /// So many transactions, one every hundred milliseconds, each this long.
    fn transactions(count: u64, millis: u64) -> String {
        let events = |at: u64| [(at * 100, "invoke", at), (at * 100 + millis, "ok", at)];
        let mut events: Vec<_> = (0..count).flat_map(events).collect();
        events.sort_by_key(|(time, ..)| *time);
        let line = |(index, (time, kind, process)): (usize, (u64, &str, u64))| {
            format!(
                "{{:index {index}, :time {}, :type :{kind}, :process {process}, :f :txn, \
                 :value [[:append 1 {process}]], :node \"n0\"}}\n",
                time * 1_000_000
            )
        };
        events.into_iter().enumerate().map(line).collect()
    }
    type Change = fn(&mut Plan, &mut Facts);
    fn base(plan: &mut Plan, _: &mut Facts) {
        plan.workload.name = "txn-list-append".to_owned();
        plan.rate = 4.0;
    }
    let (apart, overlapping) = (transactions(40, 10), transactions(40, 150));
    let few = transactions(3, 10);
    // Every other one is not answered in time.
    let unheard = |events: &str| -> String {
        let line = |(number, line): (usize, &str)| match number % 4 {
            3 => line.replace(":type :ok", ":type :info, :error \"timeout\"") + "\n",
            _ => format!("{line}\n"),
        };
        events.lines().enumerate().map(line).collect()
    };
    let (few_unheard, many_unheard) = (unheard(&transactions(4, 10)), unheard(&apart));
    fn fast(plan: &mut Plan, facts: &mut Facts) {
        base(plan, facts);
        plan.rate = 100.0;
    }
    let cases: [(&str, Change, &[&str]); 9] = [
        (&overlapping, base, &["no partitions: try --nemesis partition"]),
        (&apart, base, &["no two operations overlapped", "no partitions"]),
        (&few, base, &["3 operations in all: try a higher --rate", "no partitions"]),
        (
            &few_unheard,
            fast,
            &["4 operations in all, of which 2 were not answered in time", "no partitions"],
        ),
        (
            &many_unheard,
            fast,
            &[
                "the workers waited for answers that did not come: 20 of 40 operations were not \
                 answered in time",
                "no two operations overlapped",
                "no partitions",
            ],
        ),
        (
            &overlapping,
            |plan, facts| {
                base(plan, facts);
                plan.nodes = vec!["n0".to_owned()].try_into().expect("a name that fits");
            },
            &["one node alone has nobody to disagree with: try --node-count 5"],
        ),
        (
            &overlapping,
            |plan, facts| {
                base(plan, facts);
                plan.rate = 100.0;
                plan.network.loss = 0.0;
                plan.network.latency = 0.0;
            },
            &[
                "the workers were busy waiting for answers: try --concurrency 2n",
                "no latency, no partitions and no lost messages: try --latency 100 \
                 --nemesis partition --loss 0.1",
            ],
        ),
        // A challenge's flags are not one's own to choose.
        (
            &overlapping,
            |plan, facts| {
                base(plan, facts);
                let (id, name) = ("6a".to_owned(), "single node".to_owned());
                facts.challenge = Some(Held { id, name, limits: Vec::new() });
                plan.nodes = vec!["n0".to_owned()].try_into().expect("a name that fits");
            },
            &[],
        ),
        (
            &apart,
            |plan, facts| {
                base(plan, facts);
                facts.ending = Ending::Interrupted;
            },
            &[],
        ),
    ];
    for (number, (events, change, expected)) in cases.into_iter().enumerate() {
        let made = made(events, change);
        let screen = drawn(&made, Style::PLAIN);
        // Notes of checkers stand before the hints.
        let noted = |line: &&str| {
            line.starts_with("  · ")
                && !line.contains("not checked")
                && !line.contains("lighter than")
        };
        let below = screen.split("messages ").last().expect("a part");
        let hints: Vec<&str> =
            below.lines().filter(noted).map(|line| line.trim_start_matches("  · ")).collect();
        assert_eq!(hints.len(), expected.len(), "{number}: {screen}");
        for (hint, expected) in hints.iter().zip(expected) {
            assert!(hint.starts_with(expected), "{number}: {hint}");
        }
    }
}

/// Colours add escape sequences and change nothing else.
/// A traced run is called deterministic only if nothing was left to the kernel's timing.
#[test]
fn what_is_not_repeatable_is_said() {
    let mut made = made("", |plan, _| {
        plan.clock = ClockKind::Virtual;
        if let NodeSpec::Program { host, .. } = &mut plan.node {
            *host = Some(VirtualHost::Traced);
        }
    });
    let header = |made: &Made| drawn(made, Style::PLAIN).lines().next().map(str::to_owned);
    let json = |made: &Made| {
        String::from_utf8(results::json(&made.plan, &made.summary, &made.verdict, &made.facts))
    };
    let expected = "broadcast.py traced · 3 nodes · 20.5 s virtual in 0.9 s · deterministic ·";
    assert!(header(&made).is_some_and(|header| header.contains(expected)));
    assert!(json(&made).is_ok_and(|json| json.contains("\"deterministic\": true")));
    for (node, what) in [("n0", "3 waits in msgrcv"), ("n1", "1 wait in flock"), ("n2", "more")] {
        let (node, what) = (node.to_owned(), what.to_owned());
        made.summary.unrepeatable.push(Unrepeatable { node, what });
    }
    let header = header(&made).unwrap_or_default();
    let said = "· virtual time, not exactly repeatable: 3 waits in msgrcv by n0, 1 wait in flock by \
                n1, and 1 more ·";
    assert!(header.contains(said), "{header}");
    assert!(json(&made).is_ok_and(|json| json.contains("\"deterministic\": false")));
}

#[test]
fn colors_change_no_text() {
    let made = made(LOST, |_, _| ());
    let colored = drawn(&made, Style { color: true, width: 100 });
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').expect("a colour").1;
    }
    plain.push_str(rest);
    assert_eq!(plain, drawn(&made, Style::PLAIN));
    assert_ne!(plain, colored);
}

#[test]
fn results_files() {
    let made = made(LOST, |_, _| ());
    let json = results::json(&made.plan, &made.summary, &made.verdict, &made.facts);
    let text = String::from_utf8(json).expect("UTF-8");
    let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["workload"]["lost-count"], 1);
    assert_eq!(read["run"]["digest"], made.facts.digest.as_str());
    insta::assert_snapshot!("results_json", text);
    let edn = String::from_utf8(results::edn(&made.verdict)).expect("UTF-8");
    insta::assert_snapshot!("results_edn", edn);
}

fn measured(name: &str, unit: &str, value: f64, below: f64, goal: Option<f64>) -> Measured {
    Measured {
        name: name.to_owned(),
        unit: unit.to_owned(),
        value: Some(value),
        mean: None,
        below: Some(below),
        goal,
        record: Some(7.75),
        note: String::new(),
    }
}

#[test]
fn challenges() {
    let run = |id: &str, name: &str, validity, measures| ChallengeRun {
        id: id.to_owned(),
        is_ours: id.contains('-'),
        name: name.to_owned(),
        validity,
        claim: (validity != Validity::Valid).then(|| "3 values were lost".to_owned()),
        measures,
        time: "30.0 s in 0.2 s".to_owned(),
        folder: "store/broadcast/20261121T101502.123".to_owned(),
        seeds: None,
    };
    let good = vec![
        measured("server messages per operation", "", 1.47, 30.0, Some(1.7)),
        measured("median stable latency", "ms", 287.9, 400.0, None),
    ];
    let slow = vec![measured("median stable latency", "ms", 400.0, 400.0, Some(300.0))];
    let many = measured("server messages per operation", "", 1.21, 12.0, Some(1.0));
    let many = vec![Measured { mean: Some(0.987), ..many }];
    let far = vec![measured("server messages per operation", "", 2.5, 20.0, Some(0.5))];
    let runs = [
        run("1", "echo", Validity::Valid, vec![]),
        run("3d", "speed", Validity::Valid, good),
        run("3d", "slow", Validity::Valid, slow),
        run("3d", "partitions", Validity::Invalid, vec![]),
        run("3d-low-latency", "partitions", Validity::Valid, vec![]),
        run("3e", "speed", Validity::Valid, far),
        run("3e", "nothing", Validity::Unknown, vec![]),
        ChallengeRun {
            seeds: Some(Seeds { run: 200, held: 200, first_failed: None }),
            ..run("5b", "", Validity::Valid, many)
        },
        ChallengeRun {
            seeds: Some(Seeds { run: 5, held: 4, first_failed: Some(0x2a) }),
            ..run("raft", "kills, partitions", Validity::Invalid, vec![])
        },
    ];
    assert_eq!(
        runs.iter().map(ChallengeRun::holds).collect::<Vec<_>>(),
        [true, true, false, false, true, true, false, true, false]
    );
    let mut text: String = runs.iter().map(|run| challenge::line(run, 12, Style::PLAIN)).collect();
    text.push('\n');
    text.push_str(&challenge::table(&runs, Style::PLAIN));
    text.push('\n');
    text.push_str(&challenge::table(&runs[..1], Style::PLAIN));
    insta::assert_snapshot!(text);
}

#[test]
fn differences() {
    let one = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4,\"body\":{\"n\":1}}\n";
    let other = "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4,\"body\":{\"n\":2}}\n";
    let names = ["in this process", "in lockstep"];
    let draw =
        |other: &str| difference::draw(one.as_bytes(), other.as_bytes(), names, Style::PLAIN);
    insta::assert_snapshot!([draw(other), draw("{\"id\":1}\n"), draw(one)].join("\n"));
}
