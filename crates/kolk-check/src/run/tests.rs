use kolk_history::summary::{MessageCounts, UnexpectedReply, Violation, ViolationKind};
use kolk_history::{Outcome, Phase, edn};
use proptest::prelude::*;

use super::*;
use crate::testing::Story;

fn options(workload: &str) -> Options<'_> {
    Options { workload, ..Options::default() }
}

fn pretty(value: &Value) -> String {
    let mut text = Vec::new();
    edn::write_pretty(&mut text, value, 100);
    String::from_utf8(text).unwrap()
}

fn violation(kind: ViolationKind) -> Violation {
    Violation {
        node: "n1".to_owned(),
        time: 5,
        kind,
        problem: "wrote a line that is no JSON".to_owned(),
        advice: "Write logs to stderr.".to_owned(),
        line: "hello".to_owned(),
        line_bytes: 5,
        span: Some((0, 5)),
        op: None,
        stderr: Vec::new(),
        stdout: Vec::new(),
    }
}

/// 205 operations with the counts that stand in Jepsen's documentation of this shape.
fn broadcast_of_205() -> (Story, Summary) {
    let mut story = Story::new(5);
    for value in 0..102 {
        story.add(value * 100, (value % 5) as u32, value as i64);
    }
    let all: Vec<i64> = (0..102).collect();
    for read in 0..103_u64 {
        let node = (read % 5) as u32;
        if read < 98 {
            story.read(20_000 + read, node, &all);
        } else {
            story.read_in(Phase::Final, 40_000 + read, node, &all);
        }
    }
    let counts = |count| MessageCounts { send_count: count, recv_count: count, msg_count: count };
    let summary = Summary {
        all: counts(3694),
        clients: counts(430),
        servers: counts(3264),
        ..Summary::default()
    };
    (story, summary)
}

#[test]
fn results_have_jepsens_shape() {
    let (story, summary) = broadcast_of_205();
    let verdict = check_run(&story.history, Some(&summary), &options("broadcast"));
    assert_eq!(verdict.validity, Validity::Valid);
    insta::assert_snapshot!(pretty(&verdict.results()), @r#"
    {:perf {:valid? true,
            :latencies {:broadcast {0 1.0, 0.5 1.0, 0.95 1.0, 0.99 1.0, 1 1.0},
                        :read {0 1.0, 0.5 1.0, 0.95 1.0, 0.99 1.0, 1 1.0}}},
     :timeline {:valid? true},
     :exceptions {:valid? true},
     :stats {:valid? true,
             :count 205,
             :ok-count 205,
             :fail-count 0,
             :info-count 0,
             :by-f {:broadcast {:valid? true, :count 102, :ok-count 102, :fail-count 0, :info-count 0},
                    :read {:valid? true, :count 103, :ok-count 103, :fail-count 0, :info-count 0}}},
     :availability {:valid? true, :ok-fraction 1.0},
     :net {:valid? true,
           :all {:send-count 3694, :recv-count 3694, :msg-count 3694, :msgs-per-op 18.019512},
           :clients {:send-count 430, :recv-count 430, :msg-count 430},
           :servers {:send-count 3264, :recv-count 3264, :msg-count 3264, :msgs-per-op 15.921951}},
     :protocol {:valid? true, :violation-count 0, :unexpected-reply-count 0},
     :workload {:valid? true,
                :lost-count 0,
                :lost (),
                :stable-count 102,
                :stale-count 0,
                :stale (),
                :worst-stale (),
                :never-read-count 0,
                :never-read (),
                :attempt-count 102,
                :stable-latencies {0 0, 0.5 0, 0.95 0, 0.99 0, 1 0},
                :duplicated-count 0,
                :duplicated {}},
     :valid? true}
    "#);
    assert_eq!(verdict.measure("server-messages-per-operation"), Some(3264.0 / 205.0));
    assert_eq!(verdict.measure("availability"), Some(1.0));
    assert_eq!(verdict.measure("no-such-thing"), None);
}

#[test]
fn json_keys_have_no_question_mark() {
    let (story, summary) = broadcast_of_205();
    let json =
        check_run(&story.history, Some(&summary), &options("broadcast")).results().to_string();
    let tree: Value = Value::from_json(&json).unwrap();
    assert_eq!(tree.get("valid"), Some(&Value::Bool(true)));
    let net = tree.get("net").unwrap().get("all").unwrap();
    assert_eq!(net.get("msgs-per-op"), Some(&Value::Float(18.019512)));
    assert!(!json.contains('?'));
}

#[test]
fn strict_makes_stronger_findings_count() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.read(10, 0, &[1, 1]);
    for (strict, validity, count) in [(false, Validity::Valid, 0), (true, Validity::Invalid, 1)] {
        let options = Options { strict, ..options("broadcast") };
        let verdict = check_run(&story.history, None, &options);
        assert_eq!(verdict.validity, validity);
        assert_eq!(verdict.anomalies().len(), count);
        let tree = verdict.results();
        let workload = tree.get("workload").unwrap();
        assert_eq!(workload.get("valid?"), Some(&validity.value()));
        assert_eq!(
            workload.get("stronger").unwrap().to_string(),
            r#"[{"type":"duplicate","claim":"a read by n0 at 0.010 s holds value 1 not once but 2 times","operations":[2],"values":[1]}]"#
        );
    }
}

/// What a node says of its state counts, but where Maelstrom's checks alone do.
#[test]
fn a_term_has_one_leader() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    let summary = Summary {
        violations: vec![violation(ViolationKind::TwoLeaders)],
        violation_kinds: vec![(ViolationKind::TwoLeaders, 1)],
        violation_count: 1,
        ..Summary::default()
    };
    for (lenient, expected) in [(false, Validity::Invalid), (true, Validity::Valid)] {
        let options = Options { lenient, ..options("broadcast") };
        let verdict = check_run(&story.history, Some(&summary), &options);
        assert_eq!(verdict.validity, expected, "{lenient}");
        let finding = &verdict.findings()[0];
        assert_eq!((finding.anomaly.kind.as_str(), finding.counts), ("two-leaders", !lenient));
    }
}

/// Faults that wait for a leader show nothing if none says so.
#[test]
fn a_run_without_a_leader_to_unseat_is_unknown() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    for (unseats, leader_count, expected) in
        [(false, 0, Validity::Valid), (true, 1, Validity::Valid), (true, 0, Validity::Unknown)]
    {
        let summary = Summary { leader_count, ..Summary::default() };
        let options = Options { unseats, ..options("broadcast") };
        let verdict = check_run(&story.history, Some(&summary), &options);
        assert_eq!(verdict.validity, expected, "{unseats} {leader_count}");
    }
}

/// What counts, in which order, and what Maelstrom does not ask for: reports only read it.
#[test]
fn findings_are_decided_once() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.read(10, 0, &[1, 1]);
    let open = story.invoke(20, 1, Function::Broadcast, 2);
    story.end(5020, open, Outcome::Info, Value::text("timeout"));
    story.read_in(Phase::Final, 6000, 1, &[]);
    story.read_in(Phase::Final, 6010, 0, &[1]);
    let summary = Summary {
        violations: vec![violation(ViolationKind::NotAMessage)],
        violation_count: 1,
        ..Summary::default()
    };
    let told = |strict: bool, summary: Option<&Summary>| {
        let options = Options { strict, calm: true, ..options("broadcast") };
        let verdict = check_run(&story.history, summary, &options);
        let findings = verdict.findings();
        let told = |finding: &crate::Finding<'_>| (finding.anomaly.kind.as_str(), finding.counts);
        let told: Vec<_> = findings.iter().map(told).collect();
        (told, verdict.validity, verdict.lenient, verdict.promises().len())
    };
    // Where so many messages are lost that nobody may have heard of anything, nobody is asked to.
    let options = Options { strict: true, calm: true, lossy: true, ..options("broadcast") };
    let verdict = check_run(&story.history, None, &options);
    let kinds: Vec<_> = verdict.findings().iter().map(|found| found.anomaly.kind).collect();
    assert_eq!(kinds, [Kind::Duplicate, Kind::Unanswered]);
    use Validity::{Invalid, Valid};
    let stronger = |counts| [("duplicate", counts), ("diverged", counts), ("unanswered", counts)];
    let protocol = [("not-a-message", true)];
    for (strict, summary, expected) in [
        (false, None, (stronger(false).to_vec(), Valid, Valid, 0)),
        (true, None, (stronger(true).to_vec(), Invalid, Valid, 3)),
        (false, Some(&summary), ([&protocol[..], &stronger(false)].concat(), Invalid, Invalid, 0)),
        (true, Some(&summary), ([&protocol[..], &stronger(true)].concat(), Invalid, Invalid, 3)),
    ] {
        assert_eq!(told(strict, summary), expected);
    }
}

/// To Maelstrom a reply that does not fit is an exception; what ends its reading of a node counts.
#[test]
fn by_maelstroms_checks_alone_replies_need_not_fit() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    use Validity::{Invalid, Valid};
    use ViolationKind::{MalformedReply, NotAMessage};
    for (kinds, many, expected) in [
        (&[MalformedReply][..], 0, [Invalid, Valid]),
        (&[MalformedReply, NotAMessage], 0, [Invalid, Invalid]),
        (&[MalformedReply], 30, [Invalid, Valid]),
        (&[MalformedReply, NotAMessage], 30, [Invalid, Invalid]),
    ] {
        let kept = if many == 0 { kinds } else { &kinds[..1] };
        let summary = Summary {
            violations: kept.iter().map(|kind| violation(*kind)).collect(),
            violation_count: kinds.len() as u64 + many,
            violation_kinds: kinds.iter().map(|kind| (*kind, 1 + many)).collect(),
            ..Summary::default()
        };
        let validities = [false, true].map(|lenient| {
            let options = Options { lenient, ..options("broadcast") };
            check_run(&story.history, Some(&summary), &options).validity
        });
        assert_eq!(validities, expected, "{kinds:?} {many}");
    }
}

#[test]
fn a_checker_that_panics_gives_unknown() {
    let check = guarded("workload", || panic!("value {} is odd", 3));
    assert_eq!(check.validity, Validity::Unknown);
    let [note] = check.notes.as_slice() else { panic!("one note: {check:?}") };
    assert!(note.contains("value 3 is odd. Please send the history to https://"), "{note}");
    assert_eq!(guarded("x", || Check::unknown("x", is_checking().to_string())).notes, ["true"]);
    let verdict = check_run(&History::default(), None, &options("flying"));
    assert_eq!(verdict.validity, Validity::Unknown);
    let workload = verdict.check("workload").unwrap();
    assert_eq!(workload.notes, ["there is no checker for the workload `flying`"]);
}

#[test]
fn known_workloads_have_checkers() {
    for workload in crate::WORKLOADS {
        let verdict = check_run(&History::default(), None, &options(workload));
        let notes = &verdict.check("workload").unwrap().notes;
        assert!(!notes.iter().any(|note| note.contains("no checker")), "{workload}");
    }
}

#[test]
fn violations_make_a_run_invalid_and_come_first() {
    let (mut story, mut summary) = broadcast_of_205();
    story.read(90_000, 0, &[]);
    summary.violations = vec![violation(ViolationKind::NotAMessage), {
        let op = Some(4);
        Violation { op, ..violation(ViolationKind::MalformedReply) }
    }];
    summary.violation_count = 20;
    summary.unexpected_replies = vec![
        UnexpectedReply { node: "n2".to_owned(), id: 77, repeated: true },
        UnexpectedReply { node: "n3".to_owned(), id: 78, repeated: false },
    ];
    summary.unexpected_reply_count = 9;
    let verdict = check_run(&story.history, Some(&summary), &options("broadcast"));
    assert_eq!(verdict.validity, Validity::Invalid);
    let anomalies = verdict.anomalies();
    let kinds: Vec<_> = anomalies.iter().take(3).map(|(_, anomaly)| anomaly.kind).collect();
    assert_eq!(kinds, ["not-a-message", "malformed-reply", "lost"]);
    assert_eq!(anomalies[0].1.claim, "n1: wrote a line that is no JSON");
    assert_eq!(
        (anomalies[1].1.violation, anomalies[1].1.operations.as_slice()),
        (Some(1), &[4][..])
    );
    let protocol = verdict.check("protocol").unwrap();
    assert_eq!(
        protocol.notes,
        [
            "20 violations in all, of which the first 2 are shown",
            "replies that nobody waited for: 9; the first is message 77, in which n2 answers a \
             request a second time",
        ]
    );
    let exceptions = verdict.check("exceptions").unwrap();
    assert_eq!(exceptions.validity(true), Validity::Valid);
    insta::assert_snapshot!(pretty(&exceptions.tree(false)), @r#"
    {:valid? true,
     :exceptions ({:count 1,
                   :class "malformed-reply",
                   :example {:node "n1",
                             :time 5,
                             :problem "wrote a line that is no JSON",
                             :line "hello"}})}
    "#);
}

#[test]
fn availability_is_held_against_its_target() {
    let mut story = Story::new(1);
    for value in 0..19 {
        story.add(value * 10, 0, value as i64);
    }
    let late = story.invoke(500, 0, Function::Broadcast, 19);
    story.end(501, late, Outcome::Info, Value::Null);
    story.read_in(Phase::Convergence, 600, 0, &[]);
    for (target, validity) in [
        (None, Validity::Valid),
        (Some(0.0), Validity::Valid),
        (Some(0.95), Validity::Valid),
        (Some(0.951), Validity::Invalid),
        (Some(1.0), Validity::Invalid),
    ] {
        let check = availability::check(&story.history, target);
        assert_eq!(check.validity, validity, "{target:?}");
        assert_eq!(check.measures[0].value, 0.95);
    }
    let check = availability::check(&story.history, Some(1.0));
    let anomaly = &check.anomalies[0];
    assert_eq!(
        anomaly.claim,
        "availability is 0.9500, below 1: 1 of 20 operations did not succeed"
    );
    assert_eq!(anomaly.operations, [38]);
    assert_eq!(
        check.tree(false).to_string().split(",\"anomalies\"").next(),
        Some(r#"{"valid":false,"ok-fraction":0.95"#)
    );
    let nothing = availability::check(&History::default(), Some(1.0));
    assert_eq!(nothing.tree(false).to_string(), r#"{"valid":true,"ok-fraction":1}"#);
}

#[test]
fn stats_count_what_completed() {
    let mut story = Story::new(1);
    story.add(0, 0, 1);
    let add = story.invoke(10, 0, Function::Broadcast, 2);
    story.end(11, add, Outcome::Info, Value::Null);
    let read = story.invoke(20, 0, Function::Read, Value::Null);
    let error = Value::list(vec![Value::Int(11), Value::text("busy")]);
    story.end(21, read, Outcome::Fail, error);
    story.invoke(30, 0, Function::Broadcast, 3);
    story.read_in(Phase::Convergence, 40, 0, &[]);
    let check = stats::check(&story.history, None, None, true);
    assert_eq!(check.validity, Validity::Invalid);
    assert_eq!(check.anomalies[0].operations, [4]);
    assert_eq!(
        check.anomalies[0].claim,
        r#"no `read` succeeded: 1 failed, 0 unknown; the first error is [11,"busy"]"#
    );
    insta::assert_snapshot!(pretty(&check.tree(false)), @r#"
    {:valid? false,
     :count 3,
     :ok-count 1,
     :fail-count 1,
     :info-count 1,
     :by-f {:broadcast {:valid? true, :count 2, :ok-count 1, :fail-count 0, :info-count 1},
            :read {:valid? false, :count 1, :ok-count 0, :fail-count 1, :info-count 0}},
     :anomalies ({:type "never-ok",
                  :claim "no `read` succeeded: 1 failed, 0 unknown; the first error is [11,\"busy\"]",
                  :operations (4)}),
     :counts {"never-ok" 1},
     :notes ("operations still open at the end: 1")}
    "#);
    assert_eq!(stats::check(&History::default(), None, None, true).validity, Validity::Valid);
}

#[test]
fn crashes_need_not_succeed() {
    let mut story = Story::new(1);
    for function in [Function::Crash, Function::DebugTopicPartitions] {
        let open = story.invoke(0, 0, function, Value::Null);
        story.end(1, open, Outcome::Info, Value::Null);
    }
    assert_eq!(stats::check(&story.history, None, None, true).validity, Validity::Valid);
}

#[test]
fn a_lighter_load_is_told() {
    let mut story = Story::new(1);
    for value in 0..90 {
        story.add(value * 100, 0, value as i64);
    }
    story.read_in(Phase::Final, 60_000, 0, &[]);
    let load = Some(Duration::from_secs(10));
    let notes = |rate, load| stats::check(&story.history, Some(rate), load, true).notes;
    assert_eq!(notes(10.0, load), [""; 0]);
    assert_eq!(
        notes(10.1, load),
        ["the load was lighter than asked for: 9.0 operations a second instead of 10.1"]
    );
    assert_eq!(notes(10.1, None), [""; 0]);
    let check = stats::check(&story.history, None, load, true);
    assert_eq!(check.measures.last().unwrap().value, 9.0);
}

#[test]
fn latencies_are_measured() {
    let mut story = Story::new(1);
    for (begin, end) in [(0, 5), (10, 11), (20, 29)] {
        let open = story.invoke(begin, 0, Function::Read, Value::Null);
        story.end(end, open, Outcome::Ok, Value::Null);
    }
    let failed = story.invoke(30, 0, Function::Read, Value::Null);
    story.end(99, failed, Outcome::Fail, Value::Null);
    let check = perf::check(&story.history);
    assert_eq!(
        pretty(&check.tree(false)),
        "{:valid? true, :latencies {:read {0 1.0, 0.5 5.0, 0.95 9.0, 0.99 9.0, 1 9.0}}}"
    );
    let measures: Vec<f64> = check.measures.iter().map(|measure| measure.value).collect();
    assert_eq!(measures, [5.0, 9.0]);
}

#[test]
fn an_echo_must_be_the_same() {
    let json = |text| Value::from_json(text).unwrap();
    for (sent, outcome, got, validity, claim) in [
        (r#""hi""#, Outcome::Ok, r#""hi""#, Validity::Valid, ""),
        (r#""hi""#, Outcome::Ok, r#"{"type":"echo_ok","echo":"hi"}"#, Validity::Valid, ""),
        (
            r#""hi""#,
            Outcome::Ok,
            r#"{"echo":"ho"}"#,
            Validity::Invalid,
            r#"n0 was sent "hi" and echoes {"echo":"ho"}"#,
        ),
        (r#""hi""#, Outcome::Ok, "null", Validity::Invalid, r#"n0 was sent "hi" and echoes null"#),
        ("[1]", Outcome::Ok, "[1]", Validity::Valid, ""),
        ("1", Outcome::Ok, "1.0", Validity::Invalid, "n0 was sent 1 and echoes 1.0"),
        (r#""hi""#, Outcome::Info, "null", Validity::Valid, ""),
        (
            r#""hi""#,
            Outcome::Fail,
            r#"[11,"no"]"#,
            Validity::Invalid,
            r#"n0 answers "hi" with error [11,"no"]"#,
        ),
    ] {
        let mut story = Story::new(1);
        let open = story.invoke(0, 0, Function::Echo, json(sent));
        story.end(1, open, outcome, json(got));
        let check = echo::check(&story.history);
        assert_eq!(check.validity, validity, "{sent} {got}");
        let claims: Vec<&str> =
            check.anomalies.iter().map(|anomaly| anomaly.claim.as_str()).collect();
        let expected: Vec<&str> =
            Some(claim).filter(|claim| !claim.is_empty()).into_iter().collect();
        assert_eq!(claims, expected);
    }
    let never_answered = {
        let mut story = Story::new(1);
        story.invoke(0, 0, Function::Echo, 1);
        echo::check(&story.history)
    };
    assert_eq!(pretty(&never_answered.tree(false)), "{:valid? true, :errors ()}");
}

#[test]
fn ids_must_be_unique() {
    let json = |text: &str| Value::from_json(text).unwrap();
    for (ids, validity, results) in [
        (
            "[]",
            Validity::Valid,
            "{:valid? true, :attempted-count 1, :acknowledged-count 0, :duplicated-count 0, :duplicated {}}",
        ),
        (
            "[3,1,2]",
            Validity::Valid,
            "{:valid? true, :attempted-count 4, :acknowledged-count 3, :duplicated-count 0, :duplicated {}, :range (1 3)}",
        ),
        (
            "[7,8,7,9,9,7]",
            Validity::Invalid,
            "{:valid? false, :attempted-count 7, :acknowledged-count 6, :duplicated-count 2, :duplicated {7 3, 9 2}, :range (7 9)",
        ),
        (
            r#"[18446744073709551615,18446744073709551614,5]"#,
            Validity::Valid,
            "{:valid? true, :attempted-count 4, :acknowledged-count 3, :duplicated-count 0, :duplicated {}, :range (5 18446744073709551615N)}",
        ),
        (
            r#"["a",1,{"x":1,"y":[2]},null]"#,
            Validity::Valid,
            "{:valid? true, :attempted-count 5, :acknowledged-count 4, :duplicated-count 0, :duplicated {}, :notes (\"ids are of several types, so they have no range\")}",
        ),
        (
            r#"[{"x":1,"y":[2]},{"y":[2],"x":1}]"#,
            Validity::Invalid,
            r#"{:valid? false, :attempted-count 3, :acknowledged-count 2, :duplicated-count 1, :duplicated {{"x" 1, "y" (2)} 2}, :range ({"x" 1, "y" (2)} {"y" (2), "x" 1})"#,
        ),
    ] {
        let mut story = Story::new(2);
        for (place, id) in json(ids).as_list().unwrap().iter().enumerate() {
            story.ok(place as u64, place as u32 % 2, Function::Generate, Value::Null, id.clone());
        }
        let open = story.invoke(100, 0, Function::Generate, Value::Null);
        story.end(101, open, Outcome::Info, Value::Null);
        let check = unique_ids::check(&story.history);
        assert_eq!(check.validity, validity, "{ids}");
        let mut text = Vec::new();
        edn::write_pretty(&mut text, &check.tree(false), usize::MAX);
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with(results), "{text}");
    }
}

/// Against the definition: every pair of acknowledged operations looked at.
#[test]
fn duplicate_ids_are_those_of_some_pair() {
    let ids =
        r#"[0, 1, -1, 18446744073709551615, 0.5, "0", "1", "", null, true, [], [0], {"a": 0}]"#;
    let ids = Value::from_json(ids).unwrap();
    let ids = ids.as_list().unwrap();
    for seed in 0..2_000 {
        let mut random = kolk_protocol::Key::new(seed).random();
        let mut story = Story::new(2);
        let mut given: Vec<(u32, Value)> = Vec::new();
        for step in 0..random.index(12) as u64 {
            let open = story.invoke(step, 0, Function::Generate, Value::Null);
            let id = ids[random.index(ids.len())].clone();
            let outcome = [Outcome::Ok, Outcome::Ok, Outcome::Fail, Outcome::Info][random.index(4)];
            if outcome == Outcome::Ok {
                given.push((story.history.operations.last().unwrap().index, id.clone()));
            }
            story.end(step + 1, open, outcome, id);
        }
        let others = |id: &Value| {
            let same = given.iter().filter(|(_, other)| other.to_string() == id.to_string());
            same.map(|(index, _)| *index).collect::<Vec<_>>()
        };
        let mut expected: Vec<Vec<u32>> = given.iter().map(|(_, id)| others(id)).collect();
        expected.retain(|same| same.len() > 1);
        expected.sort();
        expected.dedup();
        let check = unique_ids::check(&story.history);
        let mut found: Vec<Vec<u32>> =
            check.anomalies.iter().map(|anomaly| anomaly.operations.clone()).collect();
        found.sort();
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(check.validity, Validity::invalid_if(!expected.is_empty()), "seed {seed}");
    }
}

#[test]
fn a_duplicate_id_is_named_with_its_proof() {
    let mut story = Story::new(3);
    for (place, (node, id)) in [(0, 5), (1, 6), (2, 5), (1, 6), (0, 5)].into_iter().enumerate() {
        story.ok(place as u64 * 2, node, Function::Generate, Value::Null, Value::Int(id));
    }
    let check = unique_ids::check(&story.history);
    let found: Vec<_> = check
        .anomalies
        .iter()
        .map(|anomaly| {
            (anomaly.claim.as_str(), anomaly.operations.clone(), anomaly.node.as_deref())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("id 5 is given out 3 times by n0, n2", vec![0, 4, 8], None),
            ("id 6 is given out 2 times by n1", vec![2, 6], Some("n1")),
        ]
    );
}

/// Any history at all, sensible or not.
fn nonsense() -> impl Strategy<Value = Story> {
    let values = || {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<f64>().prop_map(Value::Float),
            prop_oneof![-3..3_i64, any::<i64>()].prop_map(Value::Int),
            "[ab]{0,2}".prop_map(Value::text),
        ];
        leaf.prop_recursive(3, 16, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
                proptest::collection::vec((inner.clone(), inner), 0..3).prop_map(Value::map),
            ]
        })
    };
    let operation = (
        prop::sample::select(Function::ALL),
        prop::sample::select(&[Phase::Load, Phase::Final, Phase::Convergence][..]),
        prop::option::of(prop::sample::select(&[Outcome::Ok, Outcome::Fail, Outcome::Info][..])),
        (0..5_u32, values(), values()),
    );
    proptest::collection::vec(operation, 0..30).prop_map(|operations| {
        let mut story = Story::new(3);
        for (function, phase, outcome, (node, value, result)) in operations {
            let open = story.invoke_in(phase, 5, node, function, value);
            if let Some(outcome) = outcome {
                story.end(4, open, outcome, result);
            }
        }
        story
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_history_makes_a_checker_panic(story in nonsense()) {
        for workload in crate::WORKLOADS {
            let options = Options { strict: true, rate: Some(1e9), ..options(workload) };
            let verdict = check_run(&story.history, Some(&Summary::default()), &options);
            let mut notes = verdict.checks.iter().flat_map(|check| &check.notes);
            prop_assert!(!notes.any(|note| note.starts_with("the checker failed")));
            for (_, anomaly) in verdict.anomalies() {
                for index in &anomaly.operations {
                    prop_assert!(story.history.operations.iter().any(|op| op.index == *index));
                }
            }
            let text = pretty(&verdict.results());
            prop_assert!(edn::read(&text).is_ok());
        }
    }
}

/// A history that is valid, of each workload: `{process} {type} {function} {value}` with commas.
const HISTORIES: [(&str, &str); 24] = [
    (
        "bank",
        "0 invoke transfer {:from_0_:to_1_:amount_1}, 0 ok transfer {:from_0_:to_1_:amount_1}, \
         0 invoke read nil, 0 ok read {0_4_1_6}",
    ),
    ("broadcast", "0 invoke broadcast 1, 0 ok broadcast 1, 0 invoke read nil, 0 ok read [1]"),
    ("comments", "0 invoke write 1, 0 ok write 1, 0 invoke read nil, 0 ok read [1]"),
    ("counter", "0 invoke add 1, 0 ok add 1, 0 invoke read nil, 0 ok read 1"),
    ("echo", "0 invoke echo 1, 0 ok echo 1"),
    ("fifo-queue", "0 invoke enqueue 1, 0 ok enqueue 1, 0 invoke dequeue nil, 0 ok dequeue 1"),
    ("g-counter", "0 invoke add 1, 0 ok add 1, 0 invoke read nil final, 0 ok read 1 final"),
    ("g-set", "0 invoke add 1, 0 ok add 1, 0 invoke read nil, 0 ok read [1]"),
    (
        "kafka",
        "0 invoke send [[:send_9_1]], 0 ok send [[:send_9_[0_1]]], \
         0 invoke assign [9], 0 ok assign [9], \
         0 invoke poll [[:poll]], 0 ok poll [[:poll_{9_[[0_1]]}]]",
    ),
    (
        "kv",
        "0 invoke append [7_\"a\"], 0 ok append [7_\"a\"], 0 invoke read [7_nil], 0 ok read [7_\"a\"]",
    ),
    ("lin-kv", "0 invoke write [7_1], 0 ok write [7_1], 0 invoke read [7_nil], 0 ok read [7_1]"),
    (
        "long-fork",
        "0 invoke txn [[:w_x_1]], 0 ok txn [[:w_x_1]], \
         0 invoke txn [[:r_x_nil]_[:r_y_nil]], 0 ok txn [[:r_x_1]_[:r_y_nil]]",
    ),
    (
        "multi-register",
        "0 invoke txn [[:write_x_1]], 0 ok txn [[:write_x_1]], \
         0 invoke txn [[:read_x_nil]], 0 ok txn [[:read_x_1]]",
    ),
    ("mutex", "0 invoke acquire nil, 0 ok acquire nil, 0 invoke release nil, 0 ok release nil"),
    ("pn-counter", "0 invoke add -1, 0 ok add -1, 0 invoke read nil final, 0 ok read -1 final"),
    ("register", "0 invoke write 1, 0 ok write 1, 0 invoke read nil, 0 ok read 1"),
    ("seq-kv", "0 invoke write [7_1], 0 ok write [7_1], 0 invoke read [7_nil], 0 ok read [7_1]"),
    (
        "sequential",
        "0 invoke add [7_1], 0 ok add [7_1], 0 invoke read [7_nil], 0 ok read [7_[nil_1]]",
    ),
    ("set", "0 invoke add 1, 0 ok add 1, 0 invoke read nil, 0 ok read [1]"),
    ("total-queue", "0 invoke enqueue 1, 0 ok enqueue 1, 0 invoke drain nil, 0 ok drain [1]"),
    (
        "txn-list-append",
        "0 invoke txn [[:append_x_1]], 0 ok txn [[:append_x_1]], \
         0 invoke txn [[:r_x_nil]], 0 ok txn [[:r_x_[1]]]",
    ),
    (
        "txn-rw-register",
        "0 invoke txn [[:w_x_1]], 0 ok txn [[:w_x_1]], \
         0 invoke txn [[:r_x_nil]], 0 ok txn [[:r_x_1]]",
    ),
    ("unique-ids", "0 invoke generate nil, 0 ok generate 1"),
    ("unordered-queue", "0 invoke enqueue 1, 0 ok enqueue 1, 0 invoke dequeue nil, 0 ok dequeue 1"),
];

fn told(history: &str) -> History {
    let events = history.split(", ").map(|event| {
        let words: Vec<&str> = event.split_whitespace().collect();
        let mark = if words.len() > 4 { " :final? true" } else { "" };
        let value = words[3].replace('_', " ");
        format!(
            "{{:process {} :type :{} :f :{} :value {value}{mark}}}\n",
            words[0], words[1], words[2]
        )
    });
    kolk_history::jepsen::read(events.collect::<String>().as_bytes(), Vec::new())
        .expect("a history")
}

/// A workload's history is valid as its own, and as that of another only if both mean the same.
#[test]
fn another_workloads_history_is_never_valid() {
    let alike: [&[&str]; 5] = [
        &["counter", "g-counter", "pn-counter"],
        &["lin-kv", "seq-kv"],
        &["g-set", "set"],
        &["fifo-queue", "total-queue", "unordered-queue"],
        &["long-fork", "multi-register", "txn-rw-register"],
    ];
    let mut valid = Vec::new();
    for (of, history) in HISTORIES {
        let history = told(history);
        assert!(workloads::fitting(&history).contains(&of), "{of}");
        for workload in crate::WORKLOADS {
            let verdict = check_run(&history, None, &options(workload));
            let may_be =
                of == *workload || alike.iter().any(|a| a.contains(&of) && a.contains(workload));
            if verdict.validity == Validity::Valid {
                valid.push((of, *workload));
            }
            if of == *workload {
                assert_eq!(verdict.validity, Validity::Valid, "{of}: {verdict:?}");
            } else if !may_be {
                assert_ne!(verdict.validity, Validity::Valid, "{of} as {workload}: {verdict:?}");
            }
            let foreign = workloads::foreign(&history, workload);
            let notes = &verdict.check("workload").unwrap().notes;
            if let Some(function) = foreign.first() {
                assert_eq!(verdict.validity, Validity::Unknown);
                assert!(notes[0].contains(&format!("`{function}` is no function")), "{notes:?}");
            }
        }
    }
    assert_eq!(valid.len(), 24 + 17, "{valid:?}");
}

/// Nothing is not valid.
#[test]
fn a_history_of_nothing_is_unknown() {
    for workload in crate::WORKLOADS {
        let verdict = check_run(&History::default(), None, &options(workload));
        assert_eq!(verdict.validity, Validity::Unknown, "{workload}");
    }
}

/// Others' histories may be short: what never succeeded is measured, and not judged.
#[test]
fn only_runs_are_judged_by_how_much_succeeded() {
    let history = told("0 invoke read nil, 1 invoke write 3, 1 info write 3, 0 ok read 3");
    let verdict = check_run(&history, None, &options("register"));
    assert_eq!(verdict.validity, Validity::Valid, "{verdict:?}");
    assert_eq!(verdict.measure("availability"), Some(0.5));
    let of_a_run = check_run(&history, Some(&Summary::default()), &options("register"));
    assert_eq!(of_a_run.validity, Validity::Invalid);
    assert_eq!(of_a_run.anomalies()[0].1.kind, "never-ok");
}

/// What is acknowledged is what was done, in whichever words it was asked for.
#[test]
fn the_completions_value_counts() {
    for (workload, history, validity) in [
        (
            "register",
            "0 invoke write 1, 0 ok write 2, 1 invoke read nil, 1 ok read 2",
            Validity::Valid,
        ),
        (
            "register",
            "0 invoke write 1, 0 ok write 2, 1 invoke read nil, 1 ok read 1",
            Validity::Invalid,
        ),
        (
            "register",
            "0 invoke write 1, 0 ok write nil, 1 invoke read nil, 1 ok read 1",
            Validity::Valid,
        ),
        (
            "register",
            "0 invoke write 1, 0 ok write 1, 0 invoke cas [1_2], 0 ok cas [1_3], 1 invoke read nil, 1 ok read 3",
            Validity::Valid,
        ),
        (
            "register",
            "0 invoke write 1, 0 ok write 1, 0 invoke cas [1_2], 0 ok cas true, 1 invoke read nil, 1 ok read 2",
            Validity::Valid,
        ),
        (
            "lin-kv",
            "0 invoke write [7_1], 0 ok write [7_2], 1 invoke read [7_nil], 1 ok read [7_2]",
            Validity::Valid,
        ),
        (
            "seq-kv",
            "0 invoke write [7_1], 0 ok write [7_nil], 1 invoke read [7_nil], 1 ok read [7_1]",
            Validity::Valid,
        ),
        (
            "kv",
            "0 invoke write [7_\"a\"], 0 ok write [7_\"b\"], 1 invoke read [7_nil], 1 ok read [7_\"b\"]",
            Validity::Valid,
        ),
        ("g-set", "0 invoke add 1, 0 ok add 2, 0 invoke read nil, 0 ok read [2]", Validity::Valid),
        (
            "g-counter",
            "0 invoke add 1, 0 ok add 2, 0 invoke read nil final, 0 ok read 2 final",
            Validity::Valid,
        ),
    ] {
        let verdict = check_run(&told(history), None, &options(workload));
        assert_eq!(verdict.validity, validity, "{history}: {verdict:?}");
        assert!(!verdict.results().to_string().contains("never-added"), "{history}");
    }
}

/// What a register holds in the beginning may be said; and what failed later was not seen before.
#[test]
fn a_register_may_begin_with_a_value() {
    let history = told(
        "1 invoke read nil, 1 ok read 0, 2 invoke write 0, 2 fail write 0, 2 invoke write 1, 2 ok write 1",
    );
    let verdict = check_run(&history, None, &options("register"));
    assert_eq!(verdict.anomalies()[0].1.kind, "read-before-write");
    let zero = Value::Int(0);
    let options = Options { initial: Some(&zero), ..options("register") };
    assert_eq!(check_run(&history, None, &options).validity, Validity::Valid);
    let later = told("2 invoke write 1, 2 ok write 1, 1 invoke read nil, 1 ok read 0");
    let verdict = check_run(&later, None, &options);
    assert!(verdict.anomalies()[0].1.claim.contains("0"), "{verdict:?}");
    assert_eq!(verdict.validity, Validity::Invalid);
}
