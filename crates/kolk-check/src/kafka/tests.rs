use kolk_history::{Event, EventKind, Phase};
use kolk_protocol::Time;

use super::*;
use crate::check::Validity;
use crate::kind::Kind;

mod oracle;

/// A history from a text, a line an operation:
///
/// - `0 send x 5 @3`: process 0 sends 5 to x and is told offset 3; `!` in place of the offset for a
///   send that failed, `?` for one of unknown outcome (with an offset behind it if it was told one)
/// - `1 poll x 3=5 4=6 y 0=1`: process 1 polls these offsets and values; `?` and `!` as above
/// - `1 assign x y`, `1 crash`, `1 final-assign x y`, `1 final-poll x 0=1`
/// - `2 txn send x 5 @3 poll x 3=5`
/// - a line that begins with `<` only begins an operation, one that begins with `>` and a process
///   ends it
///
/// The node is the process modulo ten.
#[derive(Default)]
pub(super) struct Tale {
    pub(super) history: History,
    events: u32,
    open: Vec<(u32, usize, Outcome, Value)>,
}

fn word(text: &'static &'static str) -> Value {
    Value::Keyword(text)
}

fn pair_of(text: &str) -> Value {
    let (offset, value) = text.split_once('=').expect("offset=value");
    let offset = offset.parse().map_or(Value::Null, Value::Int);
    Value::list(vec![offset, Value::from_json(value).expect("JSON")])
}

impl Tale {
    pub(super) fn new(text: &str) -> Tale {
        let mut tale = Tale::default();
        tale.history.nodes = (0..10).map(|node| format!("n{node}")).collect();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            match words[0] {
                "<" => tale.begin(&words[1..]),
                ">" => tale.end(words[1].parse().expect("a process")),
                _ => {
                    tale.begin(&words);
                    tale.end(words.remove(0).parse().expect("a process"));
                }
            }
        }
        tale
    }

    fn begin(&mut self, words: &[&str]) {
        let process: u32 = words[0].parse().expect("a process");
        let (phase, name) = match words[1].strip_prefix("final-") {
            Some(name) => (Phase::Final, name),
            None => (Phase::Load, words[1]),
        };
        let outcome = match () {
            () if name == "crash" || words.contains(&"?") => Outcome::Info,
            () if words.contains(&"!") => Outcome::Fail,
            () => Outcome::Ok,
        };
        let rest: Vec<&str> =
            words[2..].iter().copied().filter(|word| !matches!(*word, "?" | "!")).collect();
        let result = match name {
            "crash" => Value::Null,
            "assign" => Value::list(rest.iter().map(|key| Value::text(*key)).collect()),
            "txn" => micros(&rest),
            _ => micros(&[&[name], &rest[..]].concat()),
        };
        let event = Event {
            index: self.events,
            time: Time::from_millis(u64::from(self.events)),
            kind: EventKind::Invoke,
            process,
            function: name.parse().expect("a function"),
            value: if outcome == Outcome::Ok { Value::Null } else { result.clone() },
            error: Value::Null,
            phase,
            node: Some((process % 10) as u16),
        };
        self.events += 1;
        self.open.push((process, self.history.invoke(event), outcome, result));
    }

    fn end(&mut self, process: u32) {
        let place = self.open.iter().position(|open| open.0 == process).expect("open");
        let (_, position, outcome, result) = self.open.remove(place);
        let result = if outcome == Outcome::Ok { result } else { Value::text("timeout") };
        let time = Time::from_millis(u64::from(self.events));
        self.history.complete(position, self.events, time, outcome, result);
        self.events += 1;
    }
}

fn micros(words: &[&str]) -> Value {
    let starts = words.iter().enumerate().filter(|(_, word)| matches!(**word, "send" | "poll"));
    let mut starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    starts.push(words.len());
    let micro = |at: &[usize]| {
        let words = &words[at[0]..at[1]];
        if words[0] == "send" {
            let value = Value::from_json(words[2]).expect("JSON");
            let offset = words.get(3).and_then(|offset| offset[1..].parse().ok());
            let sent = match offset {
                Some(offset) => Value::list(vec![Value::Int(offset), value]),
                None => value,
            };
            return Value::list(vec![word(&"send"), Value::text(words[1]), sent]);
        }
        let mut logs: Vec<(Value, Vec<Value>)> = Vec::new();
        for word in &words[1..] {
            match logs.last_mut() {
                Some((_, pairs)) if word.contains('=') => pairs.push(pair_of(word)),
                _ => logs.push((Value::text(*word), Vec::new())),
            }
        }
        let logs = logs.into_iter().map(|(key, pairs)| (key, Value::list(pairs)));
        Value::list(vec![word(&"poll"), Value::map(logs.collect())])
    };
    Value::list(starts.windows(2).map(micro).collect())
}

/// Each kind with how often it was found, stronger ones with a `+`, sorted.
fn kinds(check: &Check) -> Vec<String> {
    let is_stronger = |kind: &Kind| check.stronger.iter().any(|anomaly| anomaly.kind == *kind);
    let mut kinds: Vec<String> = check
        .counts
        .iter()
        .map(|(kind, count)| format!("{}{kind} {count}", if is_stronger(kind) { "+" } else { "" }))
        .collect();
    kinds.sort();
    kinds
}

/// Which operations, counted from 0 in the order of the text, prove the first anomaly of a kind.
fn proof(tale: &Tale, check: &Check, kind: &str) -> Vec<usize> {
    let mut all = check.anomalies.iter().chain(&check.stronger);
    let anomaly = all.find(|anomaly| anomaly.kind == kind).expect("found");
    let operations = &tale.history.operations;
    let place = |index: &u32| operations.iter().position(|op| op.index == *index).expect("there");
    anomaly.operations.iter().map(place).collect()
}

/// What a story must be found to be: kinds with counts, and for the first kind the proof.
struct Row {
    what: &'static str,
    story: &'static str,
    kinds: &'static [&'static str],
    proof: &'static [usize],
}

/// A row for a valid story.
const fn valid(what: &'static str, story: &'static str) -> Row {
    Row { what, story, kinds: &[], proof: &[] }
}

const fn row(
    what: &'static str,
    story: &'static str,
    kinds: &'static [&'static str],
    proof: &'static [usize],
) -> Row {
    Row { what, story, kinds, proof }
}

const ROWS: &[Row] = &[
    valid("nothing", ""),
    valid("all is well", "0 send x 1 @0\n 0 send x 2 @1\n 1 assign x\n 1 poll x 0=1 1=2\n 1 poll"),
    valid(
        "holes",
        "0 send x 1 @5\n 0 send x 2 @9007199254740992\n 1 poll x 5=1 9007199254740992=2",
    ),
    valid("two keys", "0 send x 1 @0\n 0 send y 1 @0\n 1 poll x 0=1 y 0=1"),
    valid(
        "other JSON",
        "0 send x {\"a\":[1]} @0\n 0 send x \"b\" @1\n 1 poll x 0={\"a\":[1]} 1=\"b\"",
    ),
    valid(
        "the greatest and the least offsets that fit",
        "0 send x 1 @-9223372036854775807\n 0 send x 2 @-1\n 0 send x 3 @9223372036854775807
         1 poll x -9223372036854775807=1 -1=2 9223372036854775807=3",
    ),
    row(
        "a skip among offsets that are far apart",
        "0 send x 1 @0\n 0 send x 2 @9007199254740993\n 0 send x 3 @9223372036854775807
         1 poll x 0=1 9223372036854775807=3\n 2 poll x 9007199254740993=2",
        &["int-poll-skip 1"],
        &[3, 1],
    ),
    valid(
        "offsets beyond 64 bits have no known place",
        "0 send x 1 @0\n 0 send x 2\n 1 poll x 0=1 9223372036854775808=2\n 2 poll x null=2",
    ),
    // ---- offsets ----
    row(
        "two values at an offset, one from a send",
        "0 send x 1 @0\n 1 send x 2 @0\n 2 poll x 0=1",
        &["inconsistent-offsets 1", "lost-write 1", "unseen 1"],
        &[0, 1],
    ),
    row(
        "two values at an offset, both polled",
        "0 send x 1 ?\n 1 send x 2 ?\n 2 poll x 0=1\n 3 poll x 0=2",
        &["inconsistent-offsets 1"],
        &[2, 3],
    ),
    valid(
        "an unknown send without effect has no offset",
        "0 send x 1 @0 ?\n 1 send x 2 @0\n 2 poll x 0=2",
    ),
    row(
        "an unknown send that was seen has one",
        "0 send x 1 @0 ?\n 1 send x 2 @0\n 2 poll x 1=1\n 3 poll x 0=2",
        &["duplicate 1", "inconsistent-offsets 1"],
        &[0, 2],
    ),
    row(
        "a value at two offsets",
        "0 send x 1 @0\n 1 poll x 0=1\n 2 poll x 7=1",
        &["duplicate 1"],
        &[0, 2],
    ),
    // ---- reads of what is not there ----
    row("a failed send is seen", "0 send x 1 !\n 1 poll x 0=1", &["G1a 1"], &[0, 1]),
    row(
        "an offset used again after a failure",
        "0 send x 1 @0 !\n 0 send x 2 @0\n 1 poll x 0=1\n 2 poll x 0=2",
        &["G1a 1", "inconsistent-offsets 1"],
        &[0, 2],
    ),
    row("nobody sent it", "1 poll x 0=1", &["garbage-read 1"], &[0]),
    row("polled before it was sent", "1 poll x 0=1\n 0 send x 1 @0", &["G1c-realtime 1"], &[0, 1]),
    row(
        "polled by the same process before it was sent",
        "0 poll x 0=1\n 0 send x 1 @0",
        &["G1c-process 1"],
        &[0, 1],
    ),
    valid("polled while it is being sent", "< 0 send x 1 @0\n 1 poll x 0=1\n > 0"),
    // ---- losses ----
    row(
        "a write before one that was polled",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 1=2",
        &["lost-write 1", "unseen 1"],
        &[0, 2],
    ),
    row(
        "a write behind all that was polled",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1",
        &["unseen 1"],
        &[1],
    ),
    row("writes that nobody polled", "0 send x 1 @0\n 0 send y 2 @0", &["unseen 2"], &[0]),
    row("values of a key count together", "0 send x 1 @0\n 0 send x 2 @1", &["unseen 1"], &[0, 1]),
    row(
        "a poll of unknown outcome proves nothing",
        "0 send x 1 @0\n 1 poll x 0=1 ?",
        &["unseen 1"],
        &[0],
    ),
    valid("an unknown send is not missed", "0 send x 1 ?\n 0 send x 2 !\n 1 assign x\n 1 poll"),
    row(
        "the bound is where the greatest first place is",
        // 3 is at offsets 0 and 2; its first place is what bounds.
        "0 send x 3 @0\n 5 send x 1 @1\n 1 poll x 0=3\n 2 poll x 2=3",
        &["duplicate 1", "unseen 1"],
        &[0, 3],
    ),
    // ---- order of polls ----
    row(
        "a skip inside a poll",
        "0 send x 1 @0\n 0 send x 2 @1\n 0 send x 3 @2\n 1 poll x 0=1 2=3\n 2 poll x 1=2",
        &["int-poll-skip 1"],
        &[3, 1],
    ),
    row(
        "a step back inside a poll",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 1=2 0=1",
        &["int-nonmonotonic-poll 1"],
        &[2],
    ),
    row(
        "the same value twice in a poll",
        "0 send x 1 @0\n 1 poll x 0=1 0=1",
        &["int-nonmonotonic-poll 1"],
        &[1],
    ),
    row(
        "a skip between polls",
        "0 send x 1 @0\n 0 send x 2 @1\n 0 send x 3 @2\n 1 poll x 0=1\n 1 poll y\n 1 poll x 2=3\n 2 poll x 1=2",
        &["poll-skip 1"],
        &[3, 5, 1],
    ),
    row(
        "polling again what was polled",
        "0 send x 1 @0\n 1 poll x 0=1\n 1 poll x 0=1",
        &["nonmonotonic-poll 1"],
        &[1, 2],
    ),
    valid(
        "a poll that failed leaves the position alone",
        "0 send x 1 @0\n 1 poll x 0=1 !\n 1 poll x 0=1",
    ),
    valid(
        "another process may poll again",
        "0 send x 1 @0\n 1 poll x 0=1\n 2 poll x 0=1\n 1 crash\n 11 poll x 0=1",
    ),
    valid(
        "an assignment without the key forgets it",
        "0 send x 1 @0\n 1 poll x 0=1\n 1 assign y\n 1 assign x\n 1 poll x 0=1",
    ),
    row(
        "an assignment with the key keeps it",
        "0 send x 1 @0\n 1 poll x 0=1\n 1 assign x y\n 1 poll x 0=1",
        &["nonmonotonic-poll 1"],
        &[1, 3],
    ),
    row(
        "an assignment that failed keeps it",
        "0 send x 1 @0\n 1 poll x 0=1\n 1 assign y !\n 1 poll x 0=1",
        &["nonmonotonic-poll 1"],
        &[1, 3],
    ),
    // ---- order of sends ----
    row(
        "a process's sends go backwards",
        "0 send x 1 @1\n 0 send x 2 @0\n 1 poll x 0=2 1=1",
        &["+nonmonotonic-offset 1", "nonmonotonic-send 1"],
        &[0, 1],
    ),
    valid(
        "a failed send is not a send",
        "0 send x 1 @1\n 0 send x 9 !\n 0 send x 2 @2\n 1 poll x 1=1 2=2",
    ),
    row(
        "a later send of another process has an earlier place",
        "0 send x 1 @1\n 1 send x 2 @0\n 2 poll x 0=2 1=1",
        &["+nonmonotonic-offset 1"],
        &[0, 1],
    ),
    valid(
        "sends that overlap have no order",
        "< 1 send x 2 @0\n 0 send x 1 @1\n > 1\n 2 poll x 0=2 1=1",
    ),
    // ---- transactions ----
    row(
        "a transaction polls what it sends",
        "0 txn send x 1 @0 poll x 0=1",
        &["precommitted-read 1"],
        &[0],
    ),
    row(
        "two transactions poll each other's sends",
        "< 0 txn send x 1 @0 poll y 0=2\n < 1 txn send y 2 @0 poll x 0=1\n > 0\n > 1",
        &["G1c 1"],
        &[0, 1],
    ),
    row(
        "sends of a transaction go backwards",
        "0 txn send x 1 @1 send x 2 @0\n 1 poll x 0=2 1=1",
        &["int-nonmonotonic-send 1"],
        &[0],
    ),
    valid(
        "sends of transactions may be interleaved",
        "< 0 txn send x 1 @0 send x 3 @2\n 1 send x 2 @1\n > 0\n 2 poll x 0=1 1=2 2=3",
    ),
    row(
        "a longer cycle through real time",
        "< 0 txn send x 1 @0 poll y 0=2\n 1 poll x 0=1\n 2 send y 2 @0\n > 0",
        &["G1c-realtime 1"],
        &[0, 1, 2],
    ),
    // ---- stronger ----
    row(
        "a commit that went back",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 11 assign x\n 11 poll x 0=1 1=2",
        &["+nonmonotonic-commit 1"],
        &[2, 3, 4],
    ),
    valid(
        "a new client begins where the last one stopped",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 11 assign x\n 11 poll x 1=2",
    ),
    valid(
        "another node may not know of a commit yet",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 2 assign x\n 2 poll x 0=1 1=2",
    ),
    valid(
        "a commit during the assignment may come too late",
        "0 send x 1 @0\n 0 send x 2 @1\n < 11 assign x\n 1 poll x 0=1 1=2\n > 11\n 11 poll x 0=1 1=2",
    ),
    valid(
        "a node keeps the last offset it was told",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 21 poll x 0=1\n 11 assign x\n 11 poll x 0=1 1=2",
    ),
    valid(
        "a smaller commit was under way beside the greater one",
        "0 send x 1 @0\n 0 send x 2 @1\n < 21 poll x 0=1\n 1 poll x 0=1 1=2\n > 21\n 11 assign x\n 11 poll x 0=1 1=2",
    ),
    valid(
        "a poll of unknown outcome may have committed a smaller one",
        "0 send x 1 @0\n 0 send x 2 @1\n 21 assign x\n < 21 poll ?\n 1 poll x 0=1 1=2\n > 21\n 11 assign x\n 11 poll x 0=1 1=2",
    ),
    row(
        "a smaller commit came first",
        "0 send x 1 @0\n 0 send x 2 @1\n 21 poll x 0=1\n 1 poll x 0=1 1=2\n 11 assign x\n 11 poll x 0=1 1=2",
        &["+nonmonotonic-commit 1"],
        &[3, 4, 5],
    ),
    row(
        "a smaller commit of another node came first",
        "0 send x 1 @0\n 0 send x 2 @1\n 2 poll x 0=1\n 1 poll x 0=1 1=2\n 11 assign x\n 11 poll x 0=1 1=2",
        &["+nonmonotonic-commit 1"],
        &[3, 4, 5],
    ),
    valid(
        "at the end all is read from the beginning",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 11 final-assign x\n 11 final-poll x 0=1 1=2",
    ),
    row(
        "a node lacks a value in the end",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 2 final-assign x\n 2 final-poll x 0=1",
        &["+diverged 1"],
        &[4, 1],
    ),
    row(
        "a node answers no poll at the end",
        "0 send x 1 @0\n 1 poll x 0=1\n 2 final-assign x\n 2 final-poll x ?\n 12 final-assign x\n 12 final-poll x ?",
        &["+silent 1"],
        &[5],
    ),
    valid(
        "a last look that was cut short proves nothing",
        "0 send x 1 @0\n 0 send x 2 @1\n 1 poll x 0=1 1=2\n 2 final-assign x\n 2 final-poll x 0=1\n 2 final-poll x ?",
    ),
];

#[test]
fn every_anomaly_is_found_and_proved() {
    let mut wrong = Vec::new();
    for Row { what, story, kinds: expected, proof: proved } in ROWS {
        let tale = Tale::new(story);
        let check = check(&tale.history);
        let fatal = expected.iter().any(|kind| !kind.starts_with('+'));
        let found = kinds(&check);
        let kind = found.first().and_then(|kind| kind.trim_start_matches('+').split(' ').next());
        let proof = kind.map_or(Vec::new(), |kind| proof(&tale, &check, kind));
        let right = found == *expected
            && (check.validity == Validity::Invalid) == fatal
            && (check.validity(true) == Validity::Invalid) != expected.is_empty()
            && proof == *proved;
        if !right {
            wrong.push(format!("{what}: {found:?} {proof:?} {:?}", check.anomalies));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_no_place_is_noted() {
    let tale = Tale::new(
        "0 send x 1 @0\n 0 send x 2\n 0 send x 3\n 1 poll x 0=1 9223372036854775808=2 null=3",
    );
    let check = check(&tale.history);
    assert_eq!(check.validity(true), Validity::Valid);
    let note =
        "polled messages without an offset of 64 bits, whose place in the log is not known: 2";
    assert!(check.notes.iter().any(|known| known == note), "{:?}", check.notes);
}

/// One log of very many messages, and very many logs of one: with gaps, and all is well until
/// somebody skips.
#[test]
fn long_logs_and_many_of_them() {
    for logs in [1, 20_000] {
        let length = 20_000 / logs;
        let offset = |nth: i64| nth * (1 << 38) + nth % 7;
        let mut lines: Vec<String> = Vec::new();
        for log in 0..logs {
            for nth in 0..length {
                lines.push(format!("{} send {log} {nth} @{}", nth % 3, offset(nth)));
            }
            let polled = (0..length).map(|nth| format!(" {}={nth}", offset(nth)));
            lines.push(format!("5 poll {log}{}", polled.collect::<String>()));
        }
        let tale = Tale::new(&lines.join("\n"));
        let found = check(&tale.history);
        assert_eq!(found.counts, [], "{logs} logs");
        let measure = |name: &str| found.measures.iter().find(|measure| measure.name == name);
        assert_eq!(measure("messages").map(|measure| measure.value), Some(20_000.0));
        let last = lines.pop().expect("a poll");
        let (until, after) = last.rsplit_once(' ').expect("pairs");
        lines.push(until.to_owned());
        lines.push(format!("6 poll {} {after}", logs - 1));
        lines.push(format!("7 poll {0} 0=0 {after}", logs - 1));
        let tale = Tale::new(&lines.join("\n"));
        let expected: &[&str] =
            if logs == 1 { &["int-poll-skip 1"] } else { &["int-nonmonotonic-poll 1"] };
        assert_eq!(kinds(&check(&tale.history)), expected, "{logs} logs");
    }
}

/// Jepsen's own client fills in what a transaction did before it failed to commit.
#[test]
fn completions_of_any_type_say_what_was_seen() {
    let text = "
        {:process 0 :type :invoke :f :send :value [[:send x 1]]}
        {:process 0 :type :ok :f :send :value [[:send x [0 1]]]}
        {:process 1 :type :invoke :f :send :value [[:send x 2]]}
        {:process 1 :type :info :f :send :value [[:send x [1 2]]] :error :timeout}
        {:process 2 :type :invoke :f :poll :value [[:poll]]}
        {:process 2 :type :info :f :poll :value [[:poll {x [[0 2] [1 1]]}]] :error :timeout}
        {:process 3 :type :invoke :f :poll :value [[:poll]]}
        {:process 3 :type :ok :f :poll :value [[:poll {x [[0 1] [1 2]]}]]}";
    let history = kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("EDN");
    assert_eq!(kinds(&check(&history)), ["duplicate 2", "inconsistent-offsets 2"]);
    let without = text.replace("[[:poll {x [[0 2] [1 1]]}]]", "nil");
    let history = kolk_history::jepsen::read(without.as_bytes(), Vec::new()).expect("EDN");
    assert_eq!(check(&history).counts, []);
}

#[test]
fn claims_can_be_read() {
    let story = "0 send x 1 @0
        0 send x 2 @1
        0 send x 3 @2
        3 send x 9 !
        1 poll x 0=1 2=3
        1 poll x 2=3 7=9
        1 poll y 0=5
        2 poll x 2=3 0=1
        2 send x 4 @3";
    let mut check = check(&Tale::new(story).history);
    let claims: Vec<String> = check
        .anomalies
        .iter()
        .map(|anomaly| format!("{}: {}", anomaly.kind, anomaly.claim))
        .collect();
    insta::assert_snapshot!(claims.join("\n"), @r"
    lost-write: value 2 of key x was acknowledged by n0 at offset 1 and never polled, though value 9 at offset 7 was
    lost-write: value 4 of key x was acknowledged by n2 at offset 3 and never polled, though value 9 at offset 7 was
    unseen: key x: no poll ever returned the acknowledged values 2, 4
    G1a: a poll by n1 returned value 9 of key x, whose send had failed
    garbage-read: a poll by n1 returned value 5 of key y at offset 0, which nobody sent
    int-poll-skip: a poll by n1 of key x goes from value 1 (offset 0) straight to value 3 (offset 2): it skipped 2
    nonmonotonic-poll: key x: value 3 (offset 2) is polled by n1 again, right after itself
    int-poll-skip: a poll by n1 of key x goes from value 3 (offset 2) straight to value 9 (offset 7): it skipped 4
    int-nonmonotonic-poll: key x: value 1 (offset 0) is polled by n2 after value 3 (offset 2)
    ");
    // Only what Maelstrom has.
    check.anomalies.clear();
    check.counts.clear();
    check.notes.clear();
    let mut text = Vec::new();
    kolk_history::edn::write_pretty(&mut text, &check.tree(false), 100);
    insta::assert_snapshot!(String::from_utf8(text).expect("text"), @r#"
    {:valid? false,
     :worst-realtime-lag {:time 0.014, :process 2, :key "x", :lag 0.003},
     :info-txn-causes (),
     :bad-error-types (:G1a
                       :int-nonmonotonic-poll
                       :int-poll-skip
                       :lost-write
                       :nonmonotonic-poll
                       :unseen),
     :error-types (:G1a :int-nonmonotonic-poll :int-poll-skip :lost-write :nonmonotonic-poll :unseen),
     :G1a {:count 1, :errs ({:key "x", :value 9, :writer 6, :reader 10})},
     :int-nonmonotonic-poll {:count 1, :errs ({:key "x", :values (3 1), :delta -2, :ops (14)})},
     :int-poll-skip {:count 2,
                     :errs ({:key "x", :values (1 3), :delta 2, :ops (8), :skipped (2)}
                            {:key "x", :values (3 9), :delta 2, :ops (10), :skipped (4)})},
     :lost-write {:count 2,
                  :errs ({:key "x", :value 2, :index 1, :max-read-index 4, :writer 2, :max-read 10}
                         {:key "x", :value 4, :index 3, :max-read-index 4, :writer 16, :max-read 10})},
     :nonmonotonic-poll {:count 1, :errs ({:key "x", :values (3 3), :delta 0, :ops (8 10)})},
     :unseen {:unseen {"x" 2}, :messages {"x" (2 4)}}}
    "#);
}
