use kolk_node::{Context, Node, RpcError, machine};
use kolk_protocol::Key;

use super::*;
use crate::testing::{Bench, Reply, Request, asked};

/// Answers, and forgets.
struct Forgets;

impl Node for Forgets {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Broadcast { .. } => Reply::BroadcastOk {},
            Request::Tell { .. } => Reply::TellOk {},
            Request::Heard {} => Reply::HeardOk {},
            Request::Read {} => Reply::ReadOk { messages: Vec::new() },
        })
    }
}

fn sweep(seeds: Range<u64>) -> Sweep {
    Sweep::new(asked(0), Open::ALL, seeds).expect("a plan")
}

/// Appends the runs of these seeds to a file.
fn run(sweep: &Sweep, seeds: impl Iterator<Item = u64>, file: &mut String) {
    let lab = Bench { make: || machine(|_| Forgets), cores: 1 };
    if file.is_empty() {
        *file += &(serde_json::to_string(sweep.header()).expect("it can be stored") + "\n");
    }
    for seed in seeds {
        let plan = sweep.plan(seed).expect("a plan");
        let Ok(seen) = crate::Lab::run(&lab, &plan, false) else { panic!("it runs") };
        let line = sweep.line(&plan, &seen);
        *file += &(serde_json::to_string(&line).expect("it can be stored") + "\n");
    }
}

fn merged(files: &[String]) -> Results {
    let mut results = Results::default();
    for file in files {
        results.take(file).expect("lines of one sweep");
    }
    results
}

/// However many processes there are, and wherever they were killed, the results are the same.
#[test]
fn shards_put_together_are_the_whole() {
    let sweep = sweep(100..130);
    let mut whole = String::new();
    run(&sweep, sweep.seeds(1, 1), &mut whole);
    let whole = merged(&[whole]);
    assert_eq!(whole.lines().len(), 30);
    assert!(whole.tally().failures.keys().any(|class| class.kind == "lost"));
    for shards in [1, 2, 3, 7] {
        let mut random = Key::new(shards).random();
        let mut files: Vec<String> = Vec::new();
        for shard in 1..=shards {
            let mut file = String::new();
            let seeds: Vec<u64> = sweep.seeds(shard, shards).collect();
            // It is killed in the midst of a line, and resumed.
            run(&sweep, seeds.iter().copied().take(seeds.len() / 2), &mut file);
            let cut = file.len() - random.index(20);
            file.truncate(cut);
            let mut known = Results::default();
            let end = known.take(&file).expect("lines of one sweep");
            file.truncate(end);
            let left = seeds.iter().copied().filter(|seed| !known.lines().contains_key(seed));
            run(&sweep, left, &mut file);
            files.push(file);
        }
        files.reverse();
        let results = merged(&files);
        assert_eq!(results, whole, "{shards} shards");
        assert_eq!(results.tally(), whole.tally());
        assert_eq!(results.missing(results.seeds(None)), [""; 0]);
        files.pop();
        let missing = merged(&files[..files.len().min(1)]);
        assert_eq!(missing.lines().is_empty(), shards == 1);
    }
}

#[test]
fn what_is_missing_is_listed() {
    let sweep = sweep(0..10);
    let mut file = String::new();
    run(&sweep, [0, 3, 4, 9].into_iter(), &mut file);
    assert_eq!(merged(&[file]).missing(0..10), ["1..3", "5..9"]);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (one, other) = (sweep(0..3), sweep(0..4));
    let (mut a, mut b) = (String::new(), String::new());
    run(&one, 0..1, &mut a);
    run(&other, 0..1, &mut b);
    let mut results = Results::default();
    results.take(&a).expect("lines of one sweep");
    assert!(matches!(results.take(&b), Err(SweepError::Mixed(..))));
    let changed = a.replace("\"operations\":", "\"operations\":1");
    assert!(matches!(results.take(&changed), Err(SweepError::Contradiction(0))));
    let line = a.lines().nth(1).expect("a run").to_owned() + "\n";
    assert_eq!(Results::default().take(&line), Err(SweepError::NoHeader));
    let newer = a.replace("{\"kolk-sweep\":1", "{\"kolk-sweep\":2");
    assert_eq!(Results::default().take(&newer), Err(SweepError::Version(2)));
    assert!(matches!(
        Results::default().take(&format!("{a}what\n")),
        Err(SweepError::Line { line: 3, .. })
    ));
}

/// A run that could not be carried out is no result: it is missing, and a result takes its place,
/// whichever is read first.
#[test]
fn an_error_gives_way_to_a_result() {
    let sweep = sweep(0..2);
    let mut file = String::new();
    run(&sweep, 0..2, &mut file);
    let good = merged(std::slice::from_ref(&file));
    let plan = sweep.plan(1).expect("a plan");
    let why = |text: &str| sweep.line(&plan, &Observation::error(text.to_owned()));
    let error = |text: &str| serde_json::to_string(&why(text)).expect("it can be stored") + "\n";
    let (b, a) = (error("b"), error("a"));
    let header = file.lines().next().expect("a header").to_owned() + "\n";
    for order in [[&file, &b], [&b, &file]] {
        let results = merged(&[header.clone() + order[0], header.clone() + order[1]]);
        assert_eq!(results, good);
    }
    for order in [[&a, &b], [&b, &a]] {
        let results = merged(&[header.clone() + order[0] + order[1]]);
        assert_eq!(results.missing(results.seeds(None)), ["0..2"]);
        let tally = results.tally();
        assert_eq!((tally.runs, tally.errors), (0, 1));
        assert_eq!(tally.first_error, Some((1, "a".to_owned())));
    }
}

#[test]
fn reads_seeds() {
    for (text, seeds) in [
        ("0..10", Some(0..10)),
        (" 3 .. 4", Some(3..4)),
        ("4..4", None),
        ("x", None),
        ("1..", None),
    ] {
        assert_eq!(parse_seeds(text), seeds, "{text}");
    }
}
