//! What a user sees when something could not be done.

use kolk_report::Style;
use kolk_report::failure::{Failure, Trouble};

#[test]
fn failures() {
    let drawn: Vec<String> = [
        Failure::new(Trouble::Arguments, "there is no workload `ecko`")
            .advice("did you mean `echo`?"),
        Failure::new(Trouble::Start, "node n0 did not answer `init` within 10 s")
            .cause("it printed nothing on stdout")
            .output("n0's stderr", &["waiting for\x1b[5m input".to_owned()])
            .output("n0's stdout", &[])
            .advice("answer `init` with `init_ok` before anything else")
            .advice(""),
    ]
    .iter()
    .map(|failure| failure.draw(Style::PLAIN))
    .collect();
    insta::assert_snapshot!(drawn.join("\n"));
}
