use kolk_protocol::Key;
use kolk_protocol::random::Random;

use super::*;

fn history(text: &str) -> History {
    kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history")
}

/// A queue that three processes use, in events; some answers are then changed.
fn story(random: &mut Random, unique: bool, ordered: bool) -> String {
    let mut text = String::new();
    let mut open: [Option<(bool, i64)>; 3] = [None; 3];
    let mut queue: Vec<i64> = Vec::new();
    let mut next = 0;
    for _ in 0..6 + random.index(10) {
        let process = random.index(3);
        match open[process].take() {
            None if random.chance(0.55) => {
                next += 1;
                let value = if unique { next } else { random.index(2) as i64 };
                text +=
                    &format!("{{:process {process} :type :invoke :f :enqueue :value {value}}}\n");
                open[process] = Some((true, value));
                if random.chance(0.5) {
                    queue.push(value);
                    open[process] = Some((true, -value - 1));
                }
            }
            None => {
                text += &format!("{{:process {process} :type :invoke :f :dequeue}}\n");
                open[process] = Some((false, 0));
            }
            Some((true, value)) => {
                let is_in = value < 0;
                let value = if is_in { -value - 1 } else { value };
                let kind = if random.chance(0.2) { "info" } else { "ok" };
                if !is_in && kind == "ok" {
                    queue.push(value);
                }
                text +=
                    &format!("{{:process {process} :type :{kind} :f :enqueue :value {value}}}\n");
            }
            Some((false, _)) if queue.is_empty() || random.chance(0.2) => {
                let kind = *random.choose(&["fail", "info"]).expect("one");
                text += &format!("{{:process {process} :type :{kind} :f :dequeue}}\n");
            }
            Some((false, _)) => {
                let at = if ordered && random.chance(0.8) { 0 } else { random.index(queue.len()) };
                let mut value = queue.remove(at);
                if random.chance(0.1) {
                    value =
                        if unique { 1 + random.index(next as usize + 1) as i64 } else { 1 - value };
                }
                text += &format!("{{:process {process} :type :ok :f :dequeue :value {value}}}\n");
            }
        }
    }
    text
}

/// Whether the operations can be put in an order that real time allows and that the queue can have.
fn by_definition(history: &History, ordered: bool) -> bool {
    fn go(left: &[&Operation], queue: &[i64], ordered: bool) -> bool {
        if left.iter().all(|op| op.outcome == Outcome::Info) {
            return true;
        }
        let is_first = |op: &Operation| {
            left.iter().all(|o| o.completion_or_end() > op.index || o.outcome == Outcome::Info)
        };
        (0..left.len()).filter(|at| is_first(left[*at])).any(|at| {
            let op = left[at];
            let rest: Vec<&Operation> = left
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, o)| *o)
                .collect();
            if op.function == Function::Enqueue {
                let mut next = queue.to_vec();
                next.push(op.value.as_int().unwrap_or_default());
                return go(&rest, &next, ordered);
            }
            let places = 0..if ordered { queue.len().min(1) } else { queue.len() };
            places.into_iter().any(|place| {
                let fits = !op.is_ok() || op.result.as_int() == Some(queue[place]);
                let mut next = queue.to_vec();
                next.remove(place);
                fits && go(&rest, &next, ordered)
            })
        })
    }
    let all: Vec<&Operation> =
        history.operations.iter().filter(|op| op.outcome != Outcome::Fail).collect();
    go(&all, &[], ordered)
}

#[test]
fn queues_are_judged_as_defined() {
    for (unique, ordered) in [(true, true), (false, true), (false, false)] {
        let mut seen = [0, 0];
        for seed in 0..1500 {
            let text = story(&mut Key::new(seed).random(), unique, ordered);
            let history = history(&text);
            let check = if ordered { fifo(&history) } else { unordered(&history) };
            let is_valid = by_definition(&history, ordered);
            assert_ne!(check.validity, Validity::Unknown, "{text}");
            let is_judged = check.validity == Validity::Valid;
            assert_eq!(is_judged, is_valid, "{seed}, {unique}, {ordered}: {check:?}\n{text}");
            seen[usize::from(is_valid)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 50), "{unique}, {ordered}: {seen:?}");
    }
}

#[test]
fn what_a_total_queue_gives_back() {
    let put = |value: i64, kind: &str| {
        format!(
            "{{:process 0 :type :invoke :f :enqueue :value {value}}} {{:process 0 :type :{kind} :f :enqueue :value {value}}} "
        )
    };
    let take = |value: i64| {
        format!(
            "{{:process 1 :type :invoke :f :dequeue}} {{:process 1 :type :ok :f :dequeue :value {value}}} "
        )
    };
    let drain =
        "{:process 1 :type :invoke :f :drain} {:process 1 :type :ok :f :drain :value [1 2]}";
    for (text, said) in [
        (put(1, "ok") + &take(1), "valid []"),
        (put(1, "ok") + &put(2, "ok") + &take(1), "invalid [\"lost\"]"),
        (put(1, "ok") + &put(2, "ok") + drain, "valid []"),
        (put(1, "ok") + &put(2, "info") + &take(1), "valid []"),
        (put(1, "ok") + &take(1) + &take(1), "valid []"),
        (put(1, "ok") + &take(1) + &take(3), "invalid [\"never-enqueued\"]"),
        (put(1, "fail") + &take(1), "invalid [\"never-enqueued\"]"),
    ] {
        let check = total(&history(&text));
        let kinds: Vec<&str> =
            check.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
        assert_eq!(format!("{} {kinds:?}", check.validity.name()), said, "{text}");
    }
}
