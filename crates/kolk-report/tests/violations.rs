//! What a user sees when a node breaks the protocol: every kind, line by line.

use kolk_history::summary::{Violation, ViolationKind};
use kolk_report::{Style, violation};

fn found(kind: ViolationKind, line: &str, span: Option<(usize, usize)>) -> Violation {
    Violation {
        node: "n1".to_owned(),
        time: 1_234_000_000,
        kind,
        problem: String::new(),
        advice: String::new(),
        line: line.to_owned(),
        line_bytes: line.len() as u64,
        span,
        op: None,
        stderr: Vec::new(),
        stdout: Vec::new(),
    }
}

fn all() -> Vec<Violation> {
    use ViolationKind::*;
    let print = Violation {
        problem: "this is no JSON".to_owned(),
        advice: "print to stderr what is no message: stdout belongs to the protocol".to_owned(),
        ..found(NotAMessage, "starting up…", Some((0, 8)))
    };
    let hostile = Violation {
        problem: "this is no JSON".to_owned(),
        advice: "print to stderr what is no message: stdout belongs to the protocol".to_owned(),
        ..found(NotAMessage, "\u{1b}[2J\u{202e}gone\u{7}", Some((0, 4)))
    };
    let long = format!(
        "{{\"src\":\"n1\",\"dest\":\"n2\",\"body\":{{\"list\":[{}],\"oops\"}}}}",
        "7,".repeat(500)
    );
    let at = long.find("\"oops\"").unwrap();
    let long = Violation {
        problem: "expected `:` and a value after this key".to_owned(),
        advice: "write one whole JSON object a line".to_owned(),
        ..found(NotAMessage, &long, Some((at, at + 6)))
    };
    let foreign = Violation {
        problem: "this node is n1".to_owned(),
        advice: "put the id that `init` gave the node into `src`".to_owned(),
        ..found(ForeignSource, r#"{"src":"n7","dest":"c1","body":{}}"#, Some((7, 11)))
    };
    let died = Violation {
        problem: "ended with exit status 1".to_owned(),
        advice: "its whole stderr is in node-logs/n1.log".to_owned(),
        stderr: (0..12)
            .map(|n| format!("frame {n}"))
            .chain(["KeyError: 'x'\u{1b}[0m".to_owned()])
            .collect(),
        stdout: vec![
            r#"{"src":"n1","dest":"c1","body":{"type":"init_ok","in_reply_to":1}}"#.to_owned(),
        ],
        ..found(Died, "", None)
    };
    vec![print, hostile, long, foreign, died]
}

#[test]
fn violations() {
    let drawn: Vec<String> =
        all().iter().map(|found| violation::draw(found, None, Style::PLAIN)).collect();
    insta::assert_snapshot!(drawn.join("\n\n"));
}

/// With colours: the only escape sequences are kolk's own.
#[test]
fn colors_are_ours() {
    for found in all() {
        let drawn = violation::draw(&found, None, Style { color: true, width: 80 });
        for (at, _) in drawn.match_indices('\u{1b}') {
            let rest = &drawn[at + 1..];
            let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            assert!(rest.starts_with('[') && rest[end..].starts_with('m'), "{rest:?}");
        }
        assert!(!drawn.contains("\u{1b}[2J") && !drawn.contains('\u{202e}'));
    }
}
