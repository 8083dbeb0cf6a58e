//! Nodes that do not come up again after they were killed: a verdict, and no crash of the tool.

use crate::folder;
use crate::node::{Home, screen};

/// Runs the first part when it is started for the first time, else the second.
fn twice(first: &str, again: &str) -> String {
    format!(
        "if test -e \"$KOLK_DATA_DIR/was\"; then {again}; else : >\"$KOLK_DATA_DIR/was\"; {first}; fi"
    )
}

#[test]
fn nodes_that_do_not_come_up_again() {
    let cases = [
        (
            "echo 'the log is torn' >&2; exit 3",
            &["n0 ended with exit status 3 [died]", "the log is torn"][..],
        ),
        (
            "hear; answer '\"type\":\"error\",\"code\":13,\"text\":\"my data is torn\"'; hear",
            &["was killed and did not come up again", "my data is torn", "[not-restarted]"],
        ),
        ("echo recovering; init; serve", &["[not-a-message]", "| recovering"]),
    ];
    for (again, expected) in cases {
        let home = Home::new(&twice("init; serve", again));
        let words = "test -w echo --bin ./node.sh --node-count 1 --rate 20 --time-limit 2 --seed 7 \
                     --kill n0@0.5..0.6";
        let output = home.kolk(words).output().expect("kolk runs");
        home.assert_no_process_left();
        let screen = screen(&output, &home, true);
        assert_eq!(output.status.code(), Some(1), "{again}: {screen}");
        for text in expected {
            assert!(screen.contains(text), "{again}: {text} is not in {screen}");
        }
        folder::check(&home.run_folder().expect("a run folder"), 1);
    }
}
