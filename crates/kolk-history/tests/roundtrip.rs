//! What is written is read back, in both formats; and nothing that is read makes a reader panic.

use kolk_history::{Event, EventKind, FaultEvent, Function, History, Outcome, Phase, Value};
use kolk_history::{edn, jepsen, jsonl};
use kolk_protocol::Time;
use proptest::prelude::*;

/// Values that both formats can say and tell apart.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (i64::MAX as u64 + 1..).prop_map(|int| Value::from_json(&int.to_string()).unwrap()),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::Float),
        any::<String>().prop_map(Value::text),
        proptest::collection::vec(any::<i64>(), 0..8).prop_map(Value::ints),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let entry = (any::<String>().prop_map(Value::text), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::list),
            proptest::collection::vec(entry, 0..6).prop_map(Value::map),
        ]
    })
}

/// What happens in one step of a generated history.
#[derive(Clone, Debug)]
struct Step {
    process: u32,
    gap: u64,
    fault: bool,
    function: Function,
    outcome: Outcome,
    phase: Phase,
    node: Option<u16>,
    value: Value,
    result: Value,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = (0..4_u32, 0..u64::MAX / 1000, prop::bool::weighted(0.1));
    let what = (
        prop::sample::select(Function::ALL),
        prop::sample::select(&[Outcome::Ok, Outcome::Fail, Outcome::Info][..]),
        prop::sample::select(&[Phase::Load, Phase::Final, Phase::Convergence][..]),
        prop::option::of(0..3_u16),
    );
    let step = (who, what, values(), values()).prop_map(
        |((process, gap, fault), (function, outcome, phase, node), value, result)| Step {
            process,
            gap,
            fault,
            function,
            outcome,
            phase,
            node,
            value,
            result,
        },
    );
    proptest::collection::vec(step, 0..24)
}

fn nodes() -> Vec<String> {
    ["n0", "n\"1", "n2"].map(str::to_owned).to_vec()
}

/// A history in which each step of a process invokes, or completes what it had invoked.
fn build(steps: Vec<Step>) -> History {
    let mut history = History::new(nodes());
    let mut open = [None; 4];
    let mut time = 0;
    for (index, step) in steps.into_iter().enumerate() {
        let index = index as u32;
        time += step.gap;
        let now = Time::from_nanos(time);
        let slot = &mut open[step.process as usize];
        if step.fault {
            let function = "start-partition".to_owned();
            history.faults.push(FaultEvent { index, time: now, function, value: step.value });
        } else if let Some(position) = slot.take() {
            history.complete(position, index, now, step.outcome, step.result);
        } else {
            *slot = Some(history.invoke(Event {
                index,
                time: now,
                kind: EventKind::Invoke,
                process: step.process,
                function: step.function,
                value: step.value,
                error: Value::Null,
                phase: step.phase,
                node: step.node,
            }));
        }
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_survive_json_and_edn(value in values()) {
        let json = value.to_string();
        prop_assert_eq!(&Value::from_json(&json).unwrap(), &value);
        for width in [0, 40, usize::MAX] {
            let mut text = Vec::new();
            edn::write_pretty(&mut text, &value, width);
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(&edn::read(&text).unwrap(), &value, "{}", text);
        }
    }

    #[test]
    fn histories_survive(steps in steps()) {
        let history = build(steps);
        let mut stored = Vec::new();
        jsonl::write(&mut stored, &history);
        prop_assert_eq!(&jsonl::read(stored.as_slice(), nodes()).unwrap(), &history);
        stored.clear();
        jepsen::write(&mut stored, &history);
        prop_assert_eq!(&jepsen::read(stored.as_slice(), nodes()).unwrap(), &history);
        stored.clear();
        jepsen::write_text(&mut stored, &history);
        let lines = stored.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(lines, history.events().count());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = jepsen::read(bytes.as_slice(), Vec::new());
        let _ = jsonl::read(bytes.as_slice(), Vec::new());
    }

    /// Bytes that look like EDN get deeper than any bytes.
    #[test]
    fn no_edn_makes_the_reader_panic(
        text in r#"([\[\](){}"\\#:^;,_ \n]|[0-9NM./+e-]{1,3}|nil|:f|:process|#_|##|\\u[0-9d]{0,4}|é){0,40}"#
    ) {
        let _ = jepsen::read(text.as_bytes(), Vec::new());
        if let Ok(value) = edn::read(&text) {
            let mut again = Vec::new();
            edn::write(&mut again, &value);
            prop_assert!(edn::read(std::str::from_utf8(&again).unwrap()).is_ok());
        }
    }
}

/// Where nothing was ever invoked, no event is written that nobody had told.
#[test]
fn histories_without_invocations_survive() {
    for indices in [["", "", ""], ["\"index\":0,", "\"index\":1,", "\"index\":7,"]] {
        let [first, second, third] = indices;
        let text = format!(
            "{{{first}\"process\":1,\"type\":\"ok\",\"f\":\"txn\",\"value\":[[\"r\",\"y\",3]]}}\n\
             {{{second}\"process\":0,\"type\":\"ok\",\"f\":\"txn\",\"value\":[[\"w\",\"y\",3]]}}\n\
             {{{third}\"process\":1,\"type\":\"info\",\"f\":\"txn\",\"value\":[[\"w\",\"y\",4]]}}\n"
        );
        let history = jsonl::read(text.as_bytes(), Vec::new()).unwrap();
        assert!(history.bare && history.untimed);
        assert_eq!(history.events().count(), 3);
        let mut lines = Vec::new();
        jsonl::write(&mut lines, &history);
        assert_eq!(jsonl::read(lines.as_slice(), Vec::new()).unwrap(), history);
        let mut edn = Vec::new();
        jepsen::write(&mut edn, &history);
        let again = jepsen::read(edn.as_slice(), Vec::new()).unwrap();
        assert_eq!(again.operations, history.operations);
    }
}
