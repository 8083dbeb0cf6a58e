use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::kind::Kind;
use crate::testing::Story;

fn kinds(anomalies: &[Anomaly]) -> Vec<&'static str> {
    anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect()
}

fn result<'a>(check: &'a Check, name: &str) -> &'a Value {
    let entry = check.results.iter().find(|(key, _)| key.as_str() == Some(name));
    entry.map_or(&Value::Null, |(_, value)| value)
}

impl Story {
    fn count(&mut self, node: u32, delta: i64, outcome: Outcome) -> u32 {
        let open = self.invoke(0, node, Function::Add, delta);
        self.end(1, open, outcome, Value::Null);
        self.history.operations.last().expect("just invoked").index
    }

    fn sum(&mut self, phase: Phase, node: u32, sum: i64) -> u32 {
        let open = self.invoke_in(phase, 2, node, Function::Read, Value::Null);
        self.end(3, open, Outcome::Ok, Value::Int(sum));
        self.history.operations.last().expect("just invoked").index
    }
}

/// Acknowledged adds, adds of unknown outcome, the ranges they come to, and what is outside.
#[test]
fn what_is_acceptable() {
    type Case = (&'static [i64], &'static [i64], &'static [i64], &'static str, &'static [i64]);
    let cases: &[Case] = &[
        (&[], &[], &[0], "[[0,0]]", &[-1, 1]),
        (&[1, 2, 3], &[], &[6], "[[6,6]]", &[5, 7]),
        (&[3, -5], &[], &[-2], "[[-2,-2]]", &[0]),
        (&[1], &[4], &[1, 5], "[[1,1],[5,5]]", &[2, 3, 4, 6]),
        (&[1], &[1, 2], &[1, 2, 3, 4], "[[1,4]]", &[0, 5]),
        (&[0], &[2, 2], &[0, 2, 4], "[[0,0],[2,2],[4,4]]", &[1, 3]),
        (&[10], &[-4, 3], &[6, 9, 10, 13], "[[6,6],[9,10],[13,13]]", &[7, 8, 11]),
        (&[5], &[0, 0], &[5], "[[5,5]]", &[4, 6]),
    ];
    for (acknowledged, pending, sound, ranges, wrong) in cases {
        for (reads, is_sound) in [(sound, true), (wrong, false)] {
            for read in *reads {
                let mut story = Story::new(2);
                for delta in *acknowledged {
                    story.count(0, *delta, Outcome::Ok);
                }
                for delta in *pending {
                    story.count(1, *delta, Outcome::Info);
                }
                // What failed did not happen.
                story.count(1, 100, Outcome::Fail);
                story.sum(Phase::Final, 0, *read);
                let check = check(&story.history);
                assert_eq!(result(&check, "acceptable").to_string(), *ranges);
                assert_eq!(check.validity == Validity::Valid, is_sound, "{read} of {ranges}");
                assert_eq!(check.count_of(Kind::WrongTotal), u64::from(!is_sound));
            }
        }
    }
}

#[test]
fn names_the_adds_that_explain_the_difference() {
    let mut story = Story::new(2);
    story.count(0, 4, Outcome::Ok);
    let lost = story.count(1, 3, Outcome::Ok);
    story.count(0, 1, Outcome::Ok);
    let read = story.sum(Phase::Final, 1, 5);
    let check = check(&story.history);
    assert_eq!(
        check.anomalies[0].claim,
        "the final read by n1 at 0.002 s is 5, but acknowledged adds come to 8 (5 at n0, 3 at n1)"
    );
    assert_eq!(check.anomalies[0].operations, [read, lost]);
    assert_eq!(
        check.anomalies[0].steps,
        [
            "3 is missing",
            "acknowledged adds of 3, one perhaps lost: at 0.000 s by n1",
            "that is all that was acknowledged at n1"
        ]
    );
    assert_eq!(check.anomalies[0].node.as_deref(), Some("n1"));
    let errors = result(&check, "errors").to_string();
    assert_eq!(
        errors,
        r#"[{"index":7,"time":3000000,"type":"ok","process":1,"f":"read","final":true,"value":5}]"#
    );
    assert_eq!(result(&check, "final-reads"), &Value::ints(vec![5]));
}

#[test]
fn an_add_counted_twice_is_named() {
    let mut story = Story::new(2);
    let twice = story.count(0, 3, Outcome::Info);
    story.count(1, 1, Outcome::Ok);
    let read = story.sum(Phase::Final, 0, 7);
    let check = check(&story.history);
    assert_eq!(
        check.anomalies[0].claim,
        "the final read by n0 at 0.002 s is 7, but acknowledged adds come to 1, \
         and with any of 1 adds of unknown outcome to 1, 4"
    );
    assert_eq!(check.anomalies[0].operations, [read, twice]);
    assert_eq!(
        check.anomalies[0].steps,
        ["3 is too much", "adds of 3 of unknown outcome, perhaps counted twice: at 0.000 s by n0"]
    );
    assert_eq!(kinds(&check.stronger), ["too-high"]);
}

/// A sum that is no acceptable one, and what is said of it.
#[test]
fn what_may_explain_a_sum() {
    let refused = "adds that were refused, and perhaps done all the same: at 0.000 s by n2";
    let twice = "acknowledged adds of 4, one perhaps counted twice: at 0.000 s by n0";
    for (sum, expected) in [
        (12, &["2 is too much", refused][..]),
        (14, &["4 is too much", refused, twice]),
        (6, &["4 is missing", "acknowledged adds of 4, one perhaps lost: at 0.000 s by n0"]),
        (
            5,
            &[
                "5 is missing",
                "5 was right until 0.001 s; one add was acknowledged later",
                "acknowledged adds of 5, one perhaps lost: at 0.000 s by n0",
            ],
        ),
        (
            9,
            &[
                "1 is missing",
                "acknowledged adds of 1, one perhaps lost: at 0.000 s by n1",
                "that is all that was added at other nodes than n0",
            ],
        ),
        (
            7,
            &[
                "3 is missing",
                "adds that began while one at another node was under way: 1, \
                 the first two at 0.000 s by n1, 0.000 s by n0",
            ],
        ),
    ] {
        let mut story = Story::new(3);
        story.count(1, 1, Outcome::Ok);
        story.count(0, 4, Outcome::Ok);
        story.count(0, 5, Outcome::Ok);
        story.count(2, 2, Outcome::Fail);
        story.sum(Phase::Final, 0, sum);
        let check = check(&story.history);
        assert_eq!(check.anomalies[0].steps, expected, "{sum}");
        assert!(check.anomalies[0].operations.len() > 1);
    }
}

/// Reads that are not final: Maelstrom says nothing of them.
#[test]
fn what_a_read_must_and_can_have_seen() {
    type Tell = fn(&mut Story);
    let cases: &[(&str, Tell, &[&str])] = &[
        (
            "others' adds may be missing",
            |s| {
                s.count(0, 3, Outcome::Ok);
                s.sum(Phase::Load, 1, 0);
            },
            &[],
        ),
        (
            "one's own may not",
            |s| {
                s.count(0, 3, Outcome::Ok);
                s.sum(Phase::Load, 0, 2);
            },
            &["too-low"],
        ),
        (
            "unless its outcome is unknown",
            |s| {
                s.count(0, 3, Outcome::Info);
                s.sum(Phase::Load, 0, 0);
            },
            &[],
        ),
        (
            "others may have taken it away",
            |s| {
                s.count(0, 3, Outcome::Ok);
                s.count(1, -2, Outcome::Info);
                s.sum(Phase::Load, 0, 1);
            },
            &[],
        ),
        (
            "but no more than was there",
            |s| {
                s.count(0, 3, Outcome::Ok);
                s.count(1, -2, Outcome::Info);
                s.sum(Phase::Load, 0, 0);
            },
            &["too-low"],
        ),
        (
            "nobody sees more than was added",
            |s| {
                s.count(0, 3, Outcome::Ok);
                s.count(1, 2, Outcome::Info);
                s.sum(Phase::Load, 2, 6);
            },
            &["too-high"],
        ),
        (
            "nor what failed",
            |s| {
                s.count(0, 3, Outcome::Fail);
                s.sum(Phase::Load, 2, 3);
            },
            &["too-high"],
        ),
        (
            "nor what one took away oneself",
            |s| {
                s.count(0, 3, Outcome::Ok);
                s.count(2, -1, Outcome::Ok);
                s.sum(Phase::Load, 2, 3);
            },
            &["too-high"],
        ),
        (
            "an add that overlaps the read may be in it",
            |s| {
                let read = s.invoke(0, 0, Function::Read, Value::Null);
                s.count(1, 3, Outcome::Ok);
                s.end(2, read, Outcome::Ok, Value::Int(3));
            },
            &[],
        ),
        (
            "an add that begins after it may not",
            |s| {
                s.sum(Phase::Load, 0, 3);
                s.count(1, 3, Outcome::Ok);
            },
            &["too-high"],
        ),
    ];
    for (name, tell, expected) in cases {
        let mut story = Story::new(3);
        tell(&mut story);
        let check = check(&story.history);
        assert_eq!(kinds(&check.stronger), *expected, "{name}: {:?}", check.stronger);
        assert_eq!(check.validity, Validity::Valid, "{name}");
    }
}

#[test]
fn nodes_come_to_the_same_sum() {
    for (sums, expected) in [
        (&[5, 5, 5][..], &[][..]),
        (&[5, 4, 5], &["wrong-total", "diverged"]),
        (&[5, 7, 5], &["diverged"]),
        (&[7, 7, 7], &[]),
        (&[5, 5], &["silent"]),
    ] {
        let mut story = Story::new(3);
        story.count(0, 5, Outcome::Ok);
        story.count(1, 2, Outcome::Info);
        for (node, sum) in (0..).zip(sums) {
            story.sum(Phase::Convergence, node, *sum);
        }
        if sums.len() < 3 {
            let read = story.invoke_in(Phase::Convergence, 5, 2, Function::Read, Value::Null);
            story.end(6, read, Outcome::Info, Value::Null);
        }
        let check = check(&story.history);
        assert_eq!(kinds(&check.stronger), expected, "{sums:?}");
        assert_eq!(check.validity(false), Validity::Valid, "Maelstrom does not look");
    }
}

#[test]
fn what_is_no_integer_makes_it_unknown() {
    let mut story = Story::new(1);
    story.count(0, 5, Outcome::Ok);
    story.ok(0, 0, Function::Add, Value::text("five"), Value::Null);
    story.sum(Phase::Final, 0, 5);
    let mut checked = check(&story.history);
    assert_eq!(checked.validity, Validity::Unknown);
    assert_eq!(checked.notes, ["adds of what is no integer were left out: 1"]);
    story.history.operations.remove(1);
    story.history.operations[1].result = Value::Float(5.0);
    checked = check(&story.history);
    assert_eq!(checked.validity, Validity::Unknown);
    assert_eq!(checked.notes, ["final read 4 gave 5.0, which is no integer"]);
}

#[test]
fn too_many_sums_are_told() {
    let mut story = Story::new(1);
    for power in 0..30 {
        story.count(0, 3_i64.pow(power), Outcome::Info);
    }
    story.sum(Phase::Final, 0, 2);
    let most: i64 = (0..30).map(|power| 3_i64.pow(power)).sum();
    let inside = check(&story.history);
    assert_eq!(inside.validity, Validity::Unknown);
    assert!(inside.notes[0].starts_with("adds of unknown outcome come to too many"));
    story.sum(Phase::Final, 0, most + 1);
    assert_eq!(check(&story.history).validity, Validity::Invalid);
}

#[test]
fn large_numbers_do_not_overflow() {
    let mut story = Story::new(1);
    for _ in 0..3 {
        story.count(0, i64::MAX, Outcome::Ok);
        story.count(0, i64::MIN, Outcome::Info);
    }
    let sum = Value::from_json(&(i128::from(i64::MAX) * 3).to_string()).expect("an integer");
    let read = story.invoke_in(Phase::Final, 9, 0, Function::Read, Value::Null);
    story.end(9, read, Outcome::Ok, sum);
    assert_eq!(check(&story.history).validity, Validity::Valid);
}

/// An operation of a process that does one after another.
#[derive(Clone, Debug)]
struct Act {
    process: u32,
    /// Adds this, or reads and sees this.
    delta: Option<i64>,
    seen: i64,
    outcome: u8,
    is_final: bool,
}

fn act() -> impl Strategy<Value = Act> {
    (0..3_u32, proptest::option::of(-4..5_i64), -6..12_i64, 0..4_u8, prop::bool::weighted(0.3))
        .prop_map(|(process, delta, seen, outcome, is_final)| Act {
            process,
            delta,
            seen,
            outcome,
            is_final,
        })
}

/// Plays the acts: each begins when its process is free; an open one ends when it is its turn.
fn play(acts: &[Act]) -> History {
    let mut story = Story::new(3);
    let mut open: [Option<(crate::testing::Open, Act)>; 3] = [None, None, None];
    for (time, act) in (0..).zip(acts) {
        let place = act.process as usize;
        if let Some((running, was)) = open[place].take() {
            let outcome = match was.outcome {
                0 | 1 => Outcome::Ok,
                2 => Outcome::Fail,
                _ => Outcome::Info,
            };
            let result = if was.delta.is_none() && outcome == Outcome::Ok {
                Value::Int(was.seen)
            } else {
                Value::Null
            };
            story.end(time, running, outcome, result);
            continue;
        }
        let phase = if act.is_final { Phase::Final } else { Phase::Load };
        let (function, value) =
            act.delta.map_or((Function::Read, Value::Null), |d| (Function::Add, Value::Int(d)));
        let running = story.invoke_in(phase, time, act.process, function, value);
        open[place] = Some((running, act.clone()));
    }
    story.into_history()
}

proptest! {
    /// The definitions, word for word, with every subset tried.
    #[test]
    fn agrees_with_brute_force(acts in prop::collection::vec(act(), 0..40)) {
        let history = play(&acts);
        let check = check(&history);
        let adds: Vec<&Operation> =
            history.operations.iter().filter(|op| op.function == Function::Add).collect();
        let delta = |op: &Operation| i128::from(op.value.as_int().expect("an integer"));
        let definite: i128 = adds.iter().filter(|op| op.is_ok()).map(|op| delta(op)).sum();
        let mut sums = BTreeSet::from([definite]);
        for pending in adds.iter().filter(|op| op.outcome == Outcome::Info) {
            let more: Vec<i128> = sums.iter().map(|sum| sum + delta(pending)).collect();
            sums.extend(more);
        }
        let (mut wrong, mut low, mut high) = (0, 0, 0);
        let reads = history.operations.iter();
        for read in reads.filter(|op| op.function == Function::Read && op.is_ok()) {
            let sum = i128::from(read.result.as_int().expect("an integer"));
            wrong += u64::from(read.phase == Phase::Final && !sums.contains(&sum));
            let own = |op: &&&Operation| {
                op.process == read.process && op.is_ok() && op.completion_or_end() < read.index
            };
            let sure: BTreeSet<u32> = adds.iter().filter(own).map(|op| op.index).collect();
            let end = read.completion_or_end();
            let (mut least, mut most) = (0, 0);
            for add in adds.iter().filter(|op| op.outcome != Outcome::Fail && op.index < end) {
                let (is_sure, delta) = (sure.contains(&add.index), delta(add));
                least += if is_sure || delta < 0 { delta } else { 0 };
                most += if is_sure || delta > 0 { delta } else { 0 };
            }
            low += u64::from(sum < least);
            high += u64::from(sum > most);
        }
        prop_assert_eq!(check.count_of(Kind::WrongTotal), wrong);
        prop_assert_eq!((check.count_of(Kind::TooLow), check.count_of(Kind::TooHigh)), (low, high));
        prop_assert_eq!(check.validity, Validity::invalid_if(wrong > 0));
    }
}
