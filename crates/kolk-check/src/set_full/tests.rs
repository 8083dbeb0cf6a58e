use std::collections::{BTreeMap, BTreeSet};

use kolk_history::{AnyEvent, EventKind, Outcome as Ending, Phase};
use proptest::prelude::*;

use super::*;
use crate::kind::Kind;
use crate::testing::Story;

fn broadcast(story: &Story) -> Check {
    check(&story.history, Function::Broadcast)
}

fn result<'a>(check: &'a Check, name: &str) -> &'a Value {
    let entry = check.results.iter().find(|(key, _)| key.as_str() == Some(name));
    entry.map_or(&Value::Null, |(_, value)| value)
}

fn kinds(anomalies: &[Anomaly]) -> Vec<&'static str> {
    anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect()
}

/// One line for each sentence of the definition.
#[test]
fn fates_of_one_element() {
    use Validity::{Invalid, Unknown, Valid};
    type Tell = fn(&mut Story);
    let cases: &[(&str, Tell, Validity, &str, u64)] = &[
        ("nothing happens", |_| {}, Unknown, "none", 0),
        (
            "acknowledged, never read",
            |s| {
                s.add(0, 0, 1);
            },
            Unknown,
            "never-read",
            0,
        ),
        (
            "acknowledged, read",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[1]);
            },
            Valid,
            "stable",
            0,
        ),
        (
            "absent from a read after its acknowledgement, then present",
            |s| {
                s.add(0, 0, 1);
                s.read(51, 0, &[]);
                s.read(60, 0, &[1]);
            },
            Valid,
            "stable",
            50,
        ),
        (
            "absent after it was present",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[1]);
                s.read(20, 0, &[]);
            },
            Invalid,
            "lost",
            9,
        ),
        (
            "acknowledged and always absent",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[]);
            },
            Invalid,
            "lost",
            0,
        ),
        (
            "never acknowledged and never read",
            |s| {
                let add = s.invoke(0, 0, Function::Broadcast, 1);
                s.end(5, add, Ending::Info, Value::Null);
                s.read(10, 0, &[]);
            },
            Unknown,
            "never-read",
            0,
        ),
        (
            "never acknowledged, but read: it is known from then on",
            |s| {
                s.invoke(0, 0, Function::Broadcast, 1);
                s.read(10, 1, &[1]);
                s.read(20, 1, &[]);
            },
            Invalid,
            "lost",
            0,
        ),
        (
            "a read that began before the acknowledgement may miss it",
            |s| {
                let add = s.invoke(0, 0, Function::Broadcast, 1);
                let read = s.invoke(1, 1, Function::Read, Value::Null);
                s.end(2, add, Ending::Ok, Value::Null);
                s.end(3, read, Ending::Ok, Value::ints(vec![]));
            },
            Unknown,
            "never-read",
            0,
        ),
        (
            "reads count by their invocation, not by their completion",
            |s| {
                s.add(0, 0, 1);
                let late = s.invoke(10, 1, Function::Read, Value::Null);
                s.read(20, 0, &[1]);
                s.end(30, late, Ending::Ok, Value::ints(vec![]));
            },
            Valid,
            "stable",
            9,
        ),
        (
            "a read completed before the add was invoked says nothing",
            |s| {
                s.read(0, 0, &[]);
                s.add(10, 0, 1);
                s.read(20, 0, &[1]);
            },
            Valid,
            "stable",
            0,
        ),
        (
            "reads that failed say nothing",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[1]);
                let read = s.invoke(20, 0, Function::Read, Value::Null);
                s.end(25, read, Ending::Fail, Value::Null);
            },
            Valid,
            "stable",
            0,
        ),
        (
            "a second add starts the value afresh",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[]);
                s.add(20, 0, 1);
                s.read(30, 0, &[1]);
            },
            Valid,
            "stable",
            0,
        ),
        (
            "convergence reads count in no statistic",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[1]);
                s.read_in(Phase::Convergence, 20, 0, &[]);
            },
            Valid,
            "stable",
            0,
        ),
        (
            "final reads do",
            |s| {
                s.add(0, 0, 1);
                s.read(10, 0, &[1]);
                s.read_in(Phase::Final, 20, 0, &[]);
            },
            Invalid,
            "lost",
            9,
        ),
    ];
    for (name, tell, validity, outcome, latency) in cases {
        let mut story = Story::new(2);
        tell(&mut story);
        let check = broadcast(&story);
        assert_eq!(check.validity, *validity, "{name}");
        for counted in ["stable", "lost", "never-read"] {
            let count = result(&check, &format!("{counted}-count"));
            assert_eq!(count, &Value::Int(i64::from(counted == *outcome)), "{name}: {counted}");
        }
        let latencies = result(&check, &format!("{outcome}-latencies"));
        if let Value::Map(entries) = latencies {
            assert_eq!(entries[0].1, Value::Int(*latency as i64), "{name}");
        }
        let stale = i64::from(*outcome == "stable" && *latency > 0);
        assert_eq!(result(&check, "stale-count"), &Value::Int(stale), "{name}");
    }
}

#[test]
fn latencies_are_floored_milliseconds() {
    for (absent_at, latency) in [(1_999_998, 0), (1_999_999, 1), (2_999_998, 1), (2_999_999, 2)] {
        let mut story = Story::new(1);
        story.add(0, 0, 1);
        story.read(1, 0, &[]);
        story.read(5, 0, &[1]);
        story.history.operations[1].invoked = Time::from_nanos(absent_at);
        let check = broadcast(&story);
        assert_eq!(check.measures[1].value, f64::from(latency), "{absent_at}");
    }
}

#[test]
fn names_what_was_lost_and_the_proof() {
    let mut story = Story::new(3);
    let first = story.add(0, 0, 7);
    story.add(5, 0, 8);
    let seen = story.read(10, 1, &[7, 8]);
    let gone = story.read(20, 2, &[8]);
    let check = broadcast(&story);
    assert_eq!(check.anomalies.len(), 1);
    assert_eq!(
        check.anomalies[0].claim,
        "value 7 is lost: acknowledged at 0.001 s, last read at 0.010 s, \
         absent from a read by n2 at 0.020 s"
    );
    assert_eq!(check.anomalies[0].operations, [first, seen, gone]);
}

#[test]
fn finds_what_jepsen_overlooks() {
    let mut story = Story::new(2);
    let early = story.read(0, 0, &[3]);
    let add = story.add(10, 0, 3);
    let failed = story.invoke(20, 0, Function::Broadcast, 4);
    story.end(21, failed, Ending::Fail, Value::Null);
    let odd = story.read(30, 1, &[3, 3, 3, 4, 99]);
    let check = broadcast(&story);
    assert_eq!(check.validity, Validity::Valid);
    assert_eq!(check.validity(true), Validity::Invalid);
    let claims: Vec<(&str, &[u32])> = check
        .stronger
        .iter()
        .map(|anomaly| (anomaly.claim.as_str(), anomaly.operations.as_slice()))
        .collect();
    assert_eq!(
        claims,
        [
            ("a read by n1 at 0.030 s holds value 3 not once but 3 times", &[odd][..]),
            ("a read by n1 at 0.030 s holds value 99, which nobody added", &[odd]),
            ("a read by n0 at 0.000 s holds value 3 before anybody added it", &[early, add]),
            ("a read by n1 at 0.030 s holds value 4, whose add had failed", &[add + 2, odd]),
        ]
    );
    assert_eq!(result(&check, "duplicated").to_string(), r#"{"3":3}"#);
    assert_eq!(result(&check, "duplicated-count"), &Value::Int(1));
}

#[test]
fn elements_may_be_any_json() {
    let json = |text| Value::from_json(text).unwrap();
    let mut story = Story::new(1);
    for value in [r#""a""#, r#"{"x":1,"y":2}"#, "-1", "1.0", "9223372036854775807"] {
        story.ok(0, 0, Function::Add, json(value), Value::Null);
    }
    let all = json(r#"[{"y":2,"x":1},"a",1.0,9223372036854775807,-1]"#);
    story.ok(10, 0, Function::Read, Value::Null, all);
    let check = check(&story.history, Function::Add);
    assert_eq!(check.validity(true), Validity::Valid, "{:?}", check.stronger);
    story.ok(20, 0, Function::Read, Value::Null, json(r#"["a",1,{"x":1}]"#));
    let check = super::check(&story.history, Function::Add);
    let lost = result(&check, "lost").to_string();
    assert_eq!(lost, r#"[-1,9223372036854775807,1.0,{"x":1,"y":2}]"#);
    assert_eq!(kinds(&check.stronger), ["never-added", "never-added"]);
}

#[test]
fn a_read_that_is_no_list_makes_it_unknown() {
    let mut story = Story::new(1);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    let read = story.ok(20, 0, Function::Read, Value::Null, Value::text("what"));
    let check = broadcast(&story);
    assert_eq!(check.validity, Validity::Unknown);
    assert_eq!(check.notes[0], format!("reads that gave no list were left out: {read}"));
}

/// What Jepsen called valid: a node that learned almost nothing, but is not the last to be
/// read.
#[test]
fn a_node_that_never_learns_is_named() {
    for phase in [Phase::Final, Phase::Convergence] {
        let mut story = Story::new(4);
        let adds: Vec<u32> = (0..50).map(|value| story.add(value as u64 * 2, 0, value)).collect();
        let all: Vec<i64> = (0..50).collect();
        story.read_in(Phase::Final, 200, 0, &all);
        let poor = story.read_in(phase, 210, 1, &[1, 2]);
        let silent = story.invoke_in(phase, 215, 3, Function::Read, Value::Null);
        story.end(216, silent, Ending::Fail, Value::Null);
        story.read_in(phase, 220, 0, &all);
        let check = broadcast(&story);
        assert_eq!(check.validity, Validity::Valid);
        assert_eq!(check.validity(true), Validity::Invalid);
        let [diverged, silent] = check.stronger.as_slice() else { panic!("{:?}", check.stronger) };
        assert_eq!(
            diverged.claim,
            "the last read by n1, at 0.210 s, lacks 48 of 50 acknowledged values: \
             0, 3, 4, 5, 6, 7, 8, 9 and 40 more"
        );
        assert_eq!((diverged.kind.as_str(), diverged.node.as_deref()), ("diverged", Some("n1")));
        let mut proof = vec![poor, adds[0]];
        proof.extend(&adds[3..10]);
        assert_eq!(diverged.operations, proof);
        assert_eq!(silent.claim, "n3 answers no read when the load is over");
        assert_eq!(check.notes, ["convergence was not checked on nodes nobody read: n2"]);
    }
}

#[test]
fn only_what_was_acknowledged_before_the_last_read_is_asked_of_it() {
    let mut story = Story::new(1);
    story.add(0, 0, 1);
    story.read_in(Phase::Final, 10, 0, &[]);
    let last = story.invoke_in(Phase::Final, 20, 0, Function::Read, Value::Null);
    let late = story.invoke(20, 0, Function::Broadcast, 2);
    story.end(21, late, Ending::Ok, Value::Null);
    let pending = story.invoke(21, 0, Function::Broadcast, 3);
    story.end(22, last, Ending::Ok, Value::ints(vec![1]));
    story.end(23, pending, Ending::Info, Value::Null);
    assert_eq!(kinds(&broadcast(&story).stronger), [""; 0]);
}

#[test]
fn without_nodes_each_process_stands_for_one() {
    let mut story = Story::new(0);
    story.add(0, 0, 1);
    story.read_in(Phase::Final, 10, 3, &[]);
    story.read_in(Phase::Final, 20, 0, &[1]);
    let check = broadcast(&story);
    assert_eq!(
        check.stronger[0].claim,
        "the last read by the node of process 3, at 0.010 s, lacks 1 of 1 acknowledged values: 1"
    );
    let mut story = Story::new(1);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    let note = "convergence was not checked: there are no reads at the end";
    assert_eq!(broadcast(&story).notes, [note]);
}

#[test]
fn the_results_have_jepsens_shape() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.add(2, 1, 2);
    story.read(40, 0, &[1]);
    story.read(50, 0, &[1, 2]);
    let mut text = Vec::new();
    kolk_history::edn::write_pretty(&mut text, &broadcast(&story).tree(false), 100);
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r#"
    {:valid? true,
     :lost-count 0,
     :lost (),
     :stable-count 2,
     :stale-count 1,
     :stale (2),
     :worst-stale ({:element 2,
                    :outcome :stable,
                    :stable-latency 37,
                    :lost-latency nil,
                    :known {:index 3, :time 3000000, :type :ok, :process 1, :f :broadcast, :value 2},
                    :last-absent {:index 4,
                                  :time 40000000,
                                  :type :invoke,
                                  :process 0,
                                  :f :read,
                                  :value nil}}),
     :never-read-count 0,
     :never-read (),
     :attempt-count 2,
     :stable-latencies {0 0, 0.5 37, 0.95 37, 0.99 37, 1 37},
     :duplicated-count 0,
     :duplicated {},
     :notes ("convergence was not checked: there are no reads at the end")}
    "#);
}

/// The definition, element by element and event by event.
#[derive(Default)]
struct Naive {
    known: Option<(u32, u64)>,
    present: Option<(u32, u64)>,
    absent: Option<(u32, u64)>,
}

/// What the results say, computed the slow way from the events.
fn naive(history: &History, add: Function) -> BTreeMap<&'static str, String> {
    let mut elements: BTreeMap<i64, Naive> = BTreeMap::new();
    let added: BTreeSet<i64> = history
        .counted()
        .filter(|operation| operation.function == add)
        .filter_map(|operation| operation.value.as_int())
        .collect();
    let mut duplicated: BTreeMap<i64, usize> = BTreeMap::new();
    let mut invocations = BTreeMap::new();
    for event in history.events() {
        let AnyEvent::Client(event) = event else { continue };
        if event.phase == Phase::Convergence {
            continue;
        }
        let at = (event.index, event.time.as_nanos());
        let invoked = *invocations.entry(event.process).or_insert(at);
        if event.kind != EventKind::Invoke {
            invocations.remove(&event.process);
        }
        match event.kind {
            EventKind::Invoke if event.function == add => {
                elements.insert(event.value.as_int().unwrap(), Naive::default());
            }
            EventKind::Complete(Ending::Ok) if event.function == add => {
                let operation = history
                    .operations
                    .iter()
                    .find(|operation| operation.completion_or_end() == event.index)
                    .unwrap();
                let element = elements.get_mut(&operation.value.as_int().unwrap()).unwrap();
                element.known.get_or_insert(at);
            }
            EventKind::Complete(Ending::Ok) => {
                let list = event.value.as_list().unwrap();
                let values: Vec<i64> = list.iter().map(|value| value.as_int().unwrap()).collect();
                let held: BTreeSet<i64> = values.iter().copied().collect();
                for value in held.intersection(&added) {
                    let times = values.iter().filter(|other| *other == value).count();
                    if times > 1 {
                        let most = duplicated.entry(*value).or_default();
                        *most = times.max(*most);
                    }
                }
                for (value, element) in &mut elements {
                    if held.contains(value) {
                        element.known.get_or_insert(at);
                        element.present = element.present.max(Some(invoked));
                    } else {
                        element.absent = element.absent.max(Some(invoked));
                    }
                }
            }
            EventKind::Invoke | EventKind::Complete(_) => {}
        }
    }
    let (mut lost, mut never_read, mut stale) = (vec![], vec![], vec![]);
    let (mut stable_latencies, mut lost_latencies) = (vec![], vec![]);
    for (value, Naive { known, present, absent }) in &elements {
        let index = |at: &Option<(u32, u64)>| at.map_or(-1, |(index, _)| i64::from(index));
        let latency = |end: &Option<(u32, u64)>| {
            let end = end.map_or(0, |(_, nanos)| nanos + 1);
            end.saturating_sub(known.unwrap().1) / 1_000_000
        };
        if present.is_some() && index(absent) < index(present) {
            let latency = latency(absent);
            if latency > 0 {
                stale.push(*value);
            }
            stable_latencies.push(latency);
        } else if known.is_some() && absent.is_some() && index(known) < index(absent) {
            lost.push(*value);
            lost_latencies.push(latency(present));
        } else {
            never_read.push(*value);
        }
    }
    let validity = match (lost.is_empty(), stable_latencies.is_empty()) {
        (false, _) => "invalid",
        (true, true) => "unknown",
        (true, false) => "valid",
    };
    let quantiles = |mut latencies: Vec<u64>| {
        latencies.sort_unstable();
        let at = |per_cent: usize| {
            let place = (latencies.len() * per_cent / 100).min(latencies.len() - 1);
            latencies[place]
        };
        if latencies.is_empty() {
            return "null".to_owned();
        }
        let points = [("0", 0), ("0.5", 50), ("0.95", 95), ("0.99", 99), ("1", 100)];
        let points = points.map(|(name, per_cent)| format!("\"{name}\":{}", at(per_cent)));
        format!("{{{}}}", points.join(","))
    };
    let duplicated_count = duplicated.len();
    let duplicated: Vec<String> =
        duplicated.iter().map(|(value, times)| format!("\"{value}\":{times}")).collect();
    BTreeMap::from([
        ("validity", validity.to_owned()),
        ("attempt-count", elements.len().to_string()),
        ("stable-count", stable_latencies.len().to_string()),
        ("lost-count", lost.len().to_string()),
        ("lost", Value::ints(lost).to_string()),
        ("never-read-count", never_read.len().to_string()),
        ("never-read", Value::ints(never_read).to_string()),
        ("stale-count", stale.len().to_string()),
        ("stale", Value::ints(stale).to_string()),
        ("stable-latencies", quantiles(stable_latencies)),
        ("lost-latencies", quantiles(lost_latencies)),
        ("duplicated-count", duplicated_count.to_string()),
        ("duplicated", format!("{{{}}}", duplicated.join(","))),
    ])
}

#[derive(Clone, Debug)]
struct Step {
    process: u32,
    gap: u64,
    add: Option<i64>,
    ending: Ending,
    phase: Phase,
    values: Vec<i64>,
}

/// Any interleaving of four processes that add 0..200 with repetitions, and read anything.
fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let endings = &[Ending::Ok, Ending::Ok, Ending::Ok, Ending::Fail, Ending::Info];
    let phases = &[Phase::Load, Phase::Load, Phase::Load, Phase::Final, Phase::Convergence];
    let step = (
        0..4_u32,
        0..5_u64,
        prop_oneof![Just(None), (0..200_i64).prop_map(Some), (0..8_i64).prop_map(Some)],
        prop::sample::select(&endings[..]),
        prop::sample::select(&phases[..]),
        prop_oneof![
            proptest::collection::vec(-2..210_i64, 0..60),
            proptest::collection::vec(0..8_i64, 0..12),
            Just((0..200).collect()),
        ],
    )
        .prop_map(|(process, gap, add, ending, phase, values)| Step {
            process,
            gap,
            add,
            ending,
            phase,
            values,
        });
    proptest::collection::vec(step, 0..most)
}

fn tell(steps: &[Step]) -> Story {
    let mut story = Story::new(4);
    let mut open = [None; 4];
    let mut now = 0;
    for step in steps {
        now += step.gap;
        let slot = &mut open[step.process as usize];
        if let Some((operation, is_read)) = slot.take() {
            let read = is_read && step.ending == Ending::Ok;
            let result = if read { Value::ints(step.values.clone()) } else { Value::Null };
            story.end(now, operation, step.ending, result);
            continue;
        }
        let (function, value) = match step.add {
            Some(value) => (Function::Broadcast, Value::Int(value)),
            None => (Function::Read, Value::Null),
        };
        let operation = story.invoke_in(step.phase, now, step.process, function, value);
        *slot = Some((operation, step.add.is_none()));
    }
    story
}

fn compare(steps: &[Step]) {
    let story = tell(steps);
    let check = broadcast(&story);
    for (name, expected) in naive(&story.history, Function::Broadcast) {
        let found = match name {
            "validity" => check.validity.name().to_owned(),
            _ => result(&check, name).to_string(),
        };
        assert_eq!(found, expected, "{name}");
    }
    let lost = result(&check, "lost-count").as_int().unwrap();
    assert_eq!(check.count_of(Kind::Lost), lost as u64);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// With more elements than fit into one word of the bitmaps.
    #[test]
    fn agrees_with_the_definition_on_many_elements(steps in steps(600)) {
        compare(&steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn agrees_with_the_definition(steps in steps(60)) {
        compare(&steps);
    }

    /// A set that works: adds take effect, reads see all of it, at their completion.
    #[test]
    fn a_working_set_is_valid(steps in steps(60)) {
        let mut story = Story::new(4);
        let mut open = [None; 4];
        let mut set = BTreeSet::new();
        for (now, step) in (0..).zip(&steps) {
            let slot = &mut open[step.process as usize];
            match slot.take() {
                Some((operation, Some(value))) => {
                    if step.ending != Ending::Fail {
                        set.insert(value);
                    }
                    story.end(now, operation, step.ending, Value::Null);
                }
                Some((operation, None)) => {
                    story.end(now, operation, Ending::Ok, Value::ints(set.iter().copied().collect()));
                }
                None => {
                    let (function, value) = match step.add {
                        Some(_) => (Function::Broadcast, Value::Int(now as i64)),
                        None => (Function::Read, Value::Null),
                    };
                    let operation = story.invoke(now, step.process, function, value);
                    *slot = Some((operation, step.add.map(|_| now as i64)));
                }
            }
        }
        let all: Vec<i64> = set.iter().copied().collect();
        for node in 0..4 {
            story.read_in(Phase::Final, 1000 + u64::from(node), node, &all);
        }
        let check = broadcast(&story);
        prop_assert!(check.anomalies.is_empty(), "{:?}", check.anomalies);
        prop_assert!(check.stronger.is_empty(), "{:?}", check.stronger);
        let expected = if set.is_empty() { Validity::Unknown } else { Validity::Valid };
        prop_assert_eq!(check.validity, expected);
        prop_assert!(check.notes.len() <= 1, "{:?}", check.notes);
    }
}
