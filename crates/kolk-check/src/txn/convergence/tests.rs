use kolk_history::{Event, EventKind};
use kolk_protocol::Time;

use super::*;
use crate::txn::testing;

/// A history of transactions as in [`testing::history`], and what each node is read as at the end:
/// `x12 y_` is x with 1 and 2 and y with nothing, `-` is no answer.
fn judged(kind: Datatype, transactions: &str, ends: &[&str], models: &str) -> Check {
    let mut history = match kind {
        Datatype::List => testing::history(transactions),
        Datatype::Register => testing::register_history(transactions),
    };
    history.nodes = (0..ends.len()).map(|node| format!("n{node}")).collect();
    let mut index = 1000;
    for (node, end) in ends.iter().enumerate() {
        let position = history.invoke(Event {
            index,
            time: Time::from_millis(u64::from(index)),
            kind: EventKind::Invoke,
            process: index,
            function: Function::Txn,
            value: Value::list(vec![]),
            error: Value::Null,
            phase: Phase::Convergence,
            node: Some(node as u16),
        });
        let outcome = if *end == "-" { Outcome::Info } else { Outcome::Ok };
        let reads = end.split_whitespace().filter(|word| *word != "-").map(|word| {
            let (key, values) = word.split_at(1);
            let values: Vec<Value> = values
                .chars()
                .filter_map(|c| c.to_digit(10))
                .map(|v| i64::from(v).into())
                .collect();
            let value = match kind {
                _ if values.is_empty() => Value::Null,
                Datatype::List => Value::list(values),
                Datatype::Register => values[0].clone(),
            };
            Value::list(vec![Value::Keyword(&"r"), key.into(), value])
        });
        let result = Value::list(reads.collect());
        history.complete(position, index + 1, Time::from_millis(9999), outcome, result);
        index += 2;
    }
    let mut found = Check::new("workload");
    check(&mut found, &history, kind, models.parse().expect("models"));
    assert_eq!(found.anomalies, [], "none of it counts in Elle");
    found
}

/// What is found whatever the models are.
fn findings(kind: Datatype, transactions: &str, ends: &[&str]) -> Vec<(&'static str, String)> {
    let found = judged(kind, transactions, ends, "");
    found.stronger.into_iter().map(|anomaly| (anomaly.kind.as_str(), anomaly.claim)).collect()
}

const LIST: Datatype = Datatype::List;
const REGISTER: Datatype = Datatype::Register;

#[test]
fn what_converges_passes() {
    for (kind, transactions, ends) in [
        (LIST, "ax1 ax2", &["x12", "x12"][..]),
        (LIST, "ax1 ax2 ay1? ay2!", &["x21 y_"]),
        (LIST, "ax1? ay1? ay2!", &["x1 y_", "x1 y_"]),
        // A key that nobody reads at the end says nothing.
        (LIST, "ax1 ay1", &["x1"]),
        // Whichever of several writes comes last, if nothing shows that it does not.
        (REGISTER, "wx1 / wx2", &["x1", "x1"]),
        (REGISTER, "wx1wx2", &["x2", "x2"]),
        (REGISTER, "wx1 wx2?", &["x2", "x2"]),
        (REGISTER, "wx1?", &["x_", "x_"]),
        (REGISTER, "wx1wy1 wx2 wy2", &["x2 y1", "x2 y1"]),
        (REGISTER, "rx_", &["x_", "x_"]),
        // Half of a pending transaction was overwritten, or is nowhere because it never happened.
        (REGISTER, "wx1wy1? wy2", &["x1 y2"]),
        (REGISTER, "wx1wy1? wy2", &["x_ y2"]),
    ] {
        assert_eq!(findings(kind, transactions, ends), [], "{transactions}: {ends:?}");
    }
}

#[test]
fn what_does_not_converge_is_named() {
    let acknowledged = "and was acknowledged, and in the end";
    for (kind, transactions, ends, expected) in [
        (
            REGISTER,
            "wx1 wx2",
            &["x1", "x2", "x1"][..],
            vec![(
                "diverged",
                "key x does not come to the same everywhere: it is 1 at n0, n2; 2 at n1".to_owned(),
            )],
        ),
        (
            LIST,
            "ax1",
            &["x1", "x_"],
            vec![(
                "diverged",
                "key x does not come to the same everywhere: it is [1] at n0; nothing at n1"
                    .to_owned(),
            )],
        ),
        (
            LIST,
            "ax1 ax2",
            &["x1", "x1"],
            vec![(
                "lost-write",
                format!(
                    "operation 1 appended 2 to key x {acknowledged} it is nowhere in the list of key x"
                ),
            )],
        ),
        (
            LIST,
            "ax1ay1?",
            &["x1 y_"],
            vec![(
                "lost-write",
                "operation 0 appended 1 to key y and happened, since its write of key x is there, \
                 and in the end it is nowhere in the list of key y"
                    .to_owned(),
            )],
        ),
        (
            REGISTER,
            "wx1 wy1?",
            &["x_ y_", "x_ y_"],
            vec![(
                "lost-write",
                format!("operation 0 set key x to 1 {acknowledged} there is nothing in key x"),
            )],
        ),
        (
            REGISTER,
            "wx1wx2",
            &["x1", "x1"],
            vec![(
                "lost-write",
                format!(
                    "operation 0 set key x to 2 {acknowledged} key x has 1, which it overwrote itself"
                ),
            )],
        ),
        (
            REGISTER,
            "wx1!",
            &["x1"],
            vec![(
                "aborted-write",
                "in the end key x has 1, but operation 0, which wrote that, failed (read at n0)"
                    .to_owned(),
            )],
        ),
        (
            LIST,
            "ax1",
            &["x1717"],
            vec![
                (
                    "garbage-read",
                    "in the end key x has 7, but nobody ever wrote that (read at n0)".to_owned(),
                ),
                ("duplicate-elements", "in the end key x contains 1 twice (read at n0)".to_owned()),
                ("duplicate-elements", "in the end key x contains 7 twice (read at n0)".to_owned()),
            ],
        ),
        (
            REGISTER,
            "wx1",
            &["x1", "-"],
            vec![("silent", "n1 answers no read when the load is over".to_owned())],
        ),
    ] {
        assert_eq!(findings(kind, transactions, ends), expected, "{transactions}: {ends:?}");
    }
}

/// The kinds that are found beyond the above, by the order that the end shows.
#[test]
fn the_end_shows_an_order() {
    for (kind, transactions, ends, models, expected) in [
        // Each overwrote the other.
        (REGISTER, "wx1wy1 wx2wy2", &["x1 y2", "x1 y2"][..], "read-uncommitted", &["G0"][..]),
        (REGISTER, "wx1wy1 wx2wy2", &["x2 y2"], "read-committed", &[]),
        (REGISTER, "wx1wy1 wx2wy2?", &["x2 y1"], "read-uncommitted", &["G0"]),
        (REGISTER, "wx1wy1 wx2wy2?", &["x1 y1"], "read-uncommitted", &[]),
        (REGISTER, "wx1wy1 wx2wy2!", &["x1 y1"], "read-uncommitted", &[]),
        (REGISTER, "wx1wy1 wx2wy2 wx3", &["x3 y2"], "read-uncommitted", &[]),
        (REGISTER, "wx1wy1 wx2wz2 wy3wz3 wx4", &["x1 y3 z2"], "read-uncommitted", &["G0"]),
        // What was read and overwritten is there at the end all the same.
        (REGISTER, "wx1 rx1wx2", &["x1"], "read-uncommitted", &["G0"]),
        (REGISTER, "wx1 rx1wx2 rx2wx3", &["x1"], "read-uncommitted", &["G0"]),
        (REGISTER, "wx1 rx1wx2", &["x2"], "read-uncommitted", &[]),
        // One saw what the other left, and was overwritten by it.
        (REGISTER, "wx1wy1 ry1wx2", &["x1 y1"], "read-committed", &["G1c"]),
        (REGISTER, "wx1wy1 ry1wx2", &["x1 y1"], "read-uncommitted", &[]),
        (REGISTER, "wx1wy1 ry1wx2", &["x2 y1"], "read-committed", &[]),
        // In the order of time or of a process, where the models speak of it.
        (REGISTER, "wx1 / wx2", &["x1"], "strict-serializable", &["G0-realtime"]),
        (REGISTER, "wx1 / wx2", &["x1"], "serializable", &[]),
        (REGISTER, "7:wx1 / 7:wx2", &["x1"], "strong-session-serializable", &["G0-process"]),
        (LIST, "ax1ay1 ax2ay2", &["x12 y21"], "read-uncommitted", &["G0"]),
        (LIST, "ax1ay1 ax2ay2", &["x12 y12"], "strict-serializable", &[]),
        (LIST, "ax1 / ax2", &["x21"], "strict-serializable", &["G0-realtime"]),
        (LIST, "ax1 / ax2", &["x21"], "serializable", &[]),
    ] {
        let found = judged(kind, transactions, ends, models);
        let kinds: Vec<&str> = found.stronger.iter().map(|anomaly| anomaly.kind.as_str()).collect();
        assert_eq!(kinds, expected, "{transactions}: {ends:?}, {models}");
    }
}

#[test]
fn the_order_is_explained() {
    for (transactions, ends, expected) in [
        (
            "wx1wy1 wx2wy2",
            "x1 y2",
            [
                "T1: w x 1, w y 1",
                "T2: w x 2, w y 2",
                "T1 before T2: y ends as 2, which T2 wrote, so T1's 1 was overwritten",
                "T2 before T1: x ends as 1, which T1 wrote, so T2's 2 was overwritten",
            ],
        ),
        (
            "wx1 rx1wx2",
            "x1",
            [
                "T1: w x 1",
                "T2: r x 1, w x 2",
                "T1 before T2: T2 read T1's 1 of x and overwrote it with 2",
                "T2 before T1: x ends as 1, which T1 wrote, so T2's 2 was overwritten",
            ],
        ),
        (
            "wx1wy1 ry1wx2",
            "x1 y1",
            [
                "T1: w x 1, w y 1",
                "T2: r y 1, w x 2",
                "T1 before T2: T2 read y as 1, which T1 wrote",
                "T2 before T1: x ends as 1, which T1 wrote, so T2's 2 was overwritten",
            ],
        ),
    ] {
        let found = judged(REGISTER, transactions, &[ends], "read-committed");
        assert_eq!(found.stronger[0].steps, expected, "{transactions}");
    }
}
