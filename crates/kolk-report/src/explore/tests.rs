use super::*;

fn explored() -> Explored {
    let small = Small {
        folder: "store/broadcast/2".to_owned(),
        sizes: [(5, 2), (10, 1), (40, 1), (3, 1), (120, 1)],
        steps: vec!["a shorter load".to_owned()],
        runs: 87,
        is_least: true,
        holds: Some("without loss of messages, the run holds".to_owned()),
        repeated: None,
    };
    Explored {
        workload: "broadcast".to_owned(),
        node: "./node.py".to_owned(),
        strategy: "swarm".to_owned(),
        seed: 42,
        runs: 812,
        valid: 800,
        unknown: 2,
        wall: Some(Duration::from_millis(1600)),
        operations: 12_345,
        messages: 6_789,
        timelines: 402,
        last_new: Some(811),
        pairs: 14,
        unseen: vec![("read".to_owned(), "to\u{7}ld".to_owned())],
        troubles: vec![("loss".to_owned(), 40, 39), ("partition third".to_owned(), 3, 0)],
        ending: "no failure in 812 runs: that is no proof".to_owned(),
        failures: vec![Failed {
            class: "lost".to_owned(),
            count: 10,
            seed: 43,
            run: Some(2),
            claim: "value <4> was \"lost\", & 50%\nof all".to_owned(),
            original: Some("store/broadcast/1".to_owned()),
            shrunk: Some(small),
        }],
        ..Explored::default()
    }
}

/// True if the text has all of these parts, in their order.
fn has(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part) else { panic!("`{part}` is not in its place in {text}") };
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn screens() {
    let holds = Explored { failures: Vec::new(), ..explored() };
    let paced = Explored { paced: true, valid: 0, earlier: (2, 1), ..holds.clone() };
    let draw = |one: &Explored| draw(one, "kolk", Style::PLAIN);
    has(
        &draw(&explored()),
        &[
            "swarm · broadcast · ./node.py · from seed 0x2a",
            "812 runs in 1.6 s, 508 a second · 800 hold, 2 too short to tell",
            "402 orders of deliveries, the last new one at run 811",
            "14 of 15 pairs",
            "loss 39 of 40, partition third never struck (3 runs)",
            "✗ lost  10 runs, smallest seed 0x2b, run 2",
            "store/broadcast/1",
            "nodes 5 → 2, workers 10 → 1, operations 40 → 1, faults 3 → 1, messages 120 → 1 · 87 runs",
            "kolk replay store/broadcast/2",
        ],
    );
    assert!(!draw(&explored()).contains('\u{7}'), "what a node prints is made harmless");
    has(&draw(&holds), &["✓ no failure in 812 runs: that is no proof"]);
    let sweep = Explored {
        seeds: Some("0..900".to_owned()),
        shard: Some((2, 3)),
        errors: 2,
        first_error: Some((77, "node n1 did not become idle".to_owned())),
        chance: Some("1 in 7".to_owned()),
        missing: (0..101).map(|range| format!("{range}..{range}")).collect(),
        ..explored()
    };
    has(
        &draw(&sweep),
        &[
            "share 2 of 3 of seeds 0..900",
            "2 could not be carried out",
            "node n1 did not become idle (seed 77, the first of these runs)",
            "1 in 7",
            "seeds 0..0, 1..1,",
            "99..99, and 1 range more",
            "smallest seed 43, run 2",
            "kolk merge FILES --plans DIR",
        ],
    );
    has(&draw(&paced), &["! on the machine's clock", "2 failures run first, 1 still fail", "? no"]);
}

#[test]
fn for_programs() {
    let failed = explored();
    let holds = Explored { failures: Vec::new(), ..explored() };
    let read: serde_json::Value = serde_json::from_str(&json(&failed)).expect("JSON");
    assert_eq!((&read["valid"], &read["runs"]), (&false.into(), &812.into()));
    assert_eq!(read["failures"][0]["shrunk"]["after"]["nodes"], 2);
    let text = junit(&failed);
    let document = roxmltree::Document::parse(&text).expect("XML");
    let found = document.descendants().find(|node| node.has_tag_name("failure"));
    let message = found.and_then(|node| node.attribute("message"));
    assert_eq!(message, Some("value <4> was \"lost\", & 50% of all"));
    assert!(roxmltree::Document::parse(&junit(&holds)).is_ok());
    assert_eq!(github(&holds), "");
    has(&github(&failed), &["::error title=kolk broadcast%3A lost::", "50%25%0Aof all; 10 of 812"]);
}
