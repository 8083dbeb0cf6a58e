//! What breaks a history has the right name, and words that can be followed.

use kolk_history::{Function, History, Open, Outcome, Story, Value};

use crate::check::{Check, Validity};
use crate::linearizable::{Model, check, linearize};

/// A history of one register in few letters. Processes are letters; `a:r`, `a:w1`, `a:c1,2` begin
/// operations, `a=3` ends a read with what it saw (`a=_`: nothing), `a.` any other; `a!` failed,
/// and of `a?` nobody knows.
pub(super) fn told(text: &str) -> History {
    let mut story = Story::new(0);
    let mut open: Vec<(u32, Open)> = Vec::new();
    let int = |text: &str| match text {
        "_" => Value::Null,
        digits => Value::Int(digits.parse().expect("a number")),
    };
    for (millis, word) in (0..).zip(text.split_whitespace()) {
        let process = u32::from(word.as_bytes()[0] - b'a');
        let (what, rest) = (&word[1..2], &word[2..]);
        if what == ":" {
            let (function, value) = match (&rest[..1], rest[1..].split_once(',')) {
                ("r", _) => (Function::Read, Value::Null),
                ("w", _) => (Function::Write, int(&rest[1..])),
                (_, Some((from, to))) => (Function::Cas, Value::list(vec![int(from), int(to)])),
                _ => panic!("{word} begins nothing"),
            };
            open.push((process, story.invoke(millis, process, function, value)));
            continue;
        }
        let place = open.iter().position(|(other, _)| *other == process).expect("it is open");
        let (_, at) = open.remove(place);
        let (outcome, result) = match what {
            "=" => (Outcome::Ok, int(rest)),
            "." => (Outcome::Ok, story.operation(at).value.clone()),
            "!" => (Outcome::Fail, Value::Null),
            _ => (Outcome::Info, Value::Null),
        };
        story.end(millis, at, outcome, result);
    }
    story.history
}

fn kinds(check: &Check) -> Vec<&'static str> {
    check.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect()
}

#[test]
fn anomalies_are_found_and_named() {
    for (story, expected) in [
        ("", vec![]),
        ("a:r a=_ a:w1 b:r b=_ b:r b=1 a. b:c1,2 b. a:r a=2", vec![]),
        // Of a failed operation nothing is known but that it did not happen.
        ("a:w1 a. a:c2,3 a! a:r a=1", vec![]),
        ("a:w1 a? b:w2 b. b:r b=2 b:r b=1", vec![]),
        // A write that is overwritten at once, by one that began before.
        ("a:w1 b:w2 b. b:r b=1 a.", vec![]),
        ("a:w1 a. a:w2 a. b:r b=1 c:r c=2", vec!["stale-read"]),
        ("a:w1 b:r b=1 b:r b=_ a.", vec!["resurrected-value"]),
        ("a:w1 b:r b=1 b:r b=_ b:r b=1 a.", vec!["stale-read"]),
        ("a:w1 a. a:w2 a. b:r b=1 b:r b=1", vec!["lost-write"]),
        ("a:w1 a. b:r b=_", vec!["lost-write"]),
        ("a:w1 a. a:w2 a. b:r b=2 b:r b=1 b:r b=1", vec!["resurrected-value"]),
        ("a:w1 a? b:w2 b. b:r b=1 b:r b=2 b:r b=1", vec!["stale-read"]),
        ("a:w1 a. a:c1,2 a! b:r b=2", vec!["failed-write"]),
        ("a:w1 a! b:r b=1", vec!["failed-write"]),
        ("a:w2 a. a:w1 a. b:c1,2 b! b:r b=2", vec!["failed-write"]),
        ("a:w1 a. a:c1,2 b:c1,3 a. b.", vec!["non-atomic-cas"]),
        ("a:w1 a. a:w2 a. b:c1,3 b.", vec!["stale-cas"]),
        ("a:r a=7", vec!["never-written"]),
        ("a:c7,8 a. a:r a=8", vec!["never-written"]),
        ("a:r a=1 a:w1 a.", vec!["read-before-write"]),
    ] {
        let check = check(&told(story), Model::Register);
        assert_eq!(kinds(&check), expected, "{story}: {:#?}", check.anomalies);
        assert_eq!(check.validity, Validity::invalid_if(!expected.is_empty()), "{story}");
        assert!(check.anomalies.iter().all(|anomaly| !anomaly.operations.is_empty()), "{story}");
    }
}

/// Reads of what is not there: always believed as in Maelstrom, exact when it is strict.
#[test]
fn absence_is_a_stronger_finding() {
    let text = |end: &str| {
        format!(
            "{{:process 0 :type :invoke :f :write :value [1 5]}}
             {{:process 0 :type :ok :f :write :value [1 5]}}
             {{:process 1 :type :invoke :f :read :value [1 nil]}}
             {{:process 1 :f :read {end}}}"
        )
    };
    for (end, is_absent) in [
        (":type :ok :value [1 nil]", true),
        (":type :fail :error [20 \"gone\"]", true),
        (":type :fail :error [11 \"try again\"]", false),
        (":type :ok :value [1 5]", false),
        (":type :info :error \"timeout\"", false),
    ] {
        let history = kolk_history::read(text(end).as_bytes(), Vec::new()).unwrap();
        let check = check(&history, Model::LinKv);
        assert_eq!((check.validity, kinds(&check)), (Validity::Valid, vec![]), "{end}");
        assert_eq!(check.validity(true), Validity::invalid_if(is_absent), "{end}");
        let stronger: Vec<_> = check.stronger.iter().map(|anomaly| anomaly.kind.as_str()).collect();
        assert_eq!(stronger, ["lost-write"][..usize::from(is_absent)], "{end}");
    }
}

#[test]
fn a_proof_can_be_followed() {
    // What matters among much that does not.
    let story =
        "a:w5 a. a:r a=5 b:c5,6 b. b:c6,1 b. c:r c=1 a:w2 a. d:w3 d? c:r c=2 b:r b=1 a:r a=2";
    let history = told(story);
    let check = check(&history, Model::Register);
    let [anomaly] = check.anomalies.as_slice() else { panic!("one anomaly: {check:?}") };
    assert_eq!(anomaly.kind, "stale-read");
    assert_eq!(
        anomaly.claim,
        "the register is not linearizable: read 1 of process 1 (operation 16) is stale: write 2 of \
         process 0 (operation 10) had been acknowledged before it began"
    );
    assert_eq!(anomaly.operations, [16, 10]);
    insta::assert_snapshot!(anomaly.steps.join("\n"), @r"
    write 2 of process 0 (operation 10): from 0.010 s, until 0.011 s
    read 1 of process 1 (operation 16): from 0.016 s, until 0.017 s
    what comes before operation 16 can be in this order: 10
    what is there then is 2, and read 1 needs something else
    cas 6 to 1 of process 1 (operation 6) was the last to set that; it had ended before operation 10 began
    of all 9 operations here, the 7 that ended before operation 16 did can be put in order; then 2 is there
    ");
    let linearization = &linearize(&history, Model::Register)[0];
    let crate::linearizable::Outcome::None(counterexample) = &linearization.outcome else {
        panic!("it is broken: {linearization:?}")
    };
    assert_eq!((counterexample.operation, &counterexample.states), (16, &vec![Some(10)]));
    assert_eq!(counterexample.longest, [0, 2, 4, 6, 8, 10, 14]);
}

#[test]
fn limits_make_it_unknown() {
    use super::super::{Decision, Limits, decide, registers};
    // Many writes of few values at once, and reads that tell little.
    let mut story = String::new();
    for process in 'a'..='p' {
        story += &format!("{process}:w{} ", process as u32 % 3);
    }
    for process in 'a'..='p' {
        story += &format!("{process}. ");
    }
    let mut check = Check::new("workload");
    let story = format!("x:r y:r z:r {story} x=0 y=1 z=2");
    let keys =
        registers::keys(&told(&story), Model::Register, &kolk_history::Value::Null, &mut check);
    let tight = Limits { width: 1, total: 0 };
    assert_eq!(decide(&keys[0].problem, tight), Decision::GaveUp);
    assert_ne!(decide(&keys[0].problem, Limits::default()), Decision::GaveUp);
}

/// Where an order ends: what is there, and why nothing that is left helps.
#[test]
fn what_is_left_is_told() {
    let history = told("a:w1 a. b:w2 c:w3 d:c7,8 e:r a:r a=9 b. c.");
    let check = check(&history, Model::Register);
    assert_eq!(check.anomalies.len(), 1, "{:?}", check.anomalies);
    let found = check.results.iter().find(|(key, _)| key.as_str() == Some("counterexamples"));
    assert_eq!(found, None, "a value that nobody set needs no order");

    let history = told("a:w2 a. a:w1 a. b:w5 c:c5,6 a:r a=2 b. c.");
    let check = crate::linearizable::check(&history, Model::Register);
    let found = check.results.iter().find(|(key, _)| key.as_str() == Some("counterexamples"));
    let found = found.map(|(_, list)| list.as_list().expect("a list")[0].clone());
    insta::assert_snapshot!(found.expect("a counterexample").to_string().replace(",\"", "\n,\""));
}
