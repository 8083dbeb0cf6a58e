//! Where a text is cut shows in nothing: histories and errors are those of the text as a whole.

use proptest::prelude::*;

use crate::blocks::Blocks;
use crate::history::History;
use crate::{awdit, jepsen, jsonl};

type Reader = fn(&str, usize) -> Result<History, String>;

fn json_lines(text: &str, size: usize) -> Result<History, String> {
    let blocks = Blocks::of_lines(text.as_bytes()).with_size(size);
    jsonl::read_blocks(blocks, Vec::new()).map_err(|error| error.to_string())
}

fn awdit_text(text: &str, size: usize) -> Result<History, String> {
    awdit::read_blocks(awdit::blocks(text.as_bytes()).with_size(size))
        .map_err(|error| error.to_string())
}

fn edn(text: &str, size: usize) -> Result<History, String> {
    jepsen::read_parts(text, size, Vec::new()).map_err(|error| format!("{error:?}"))
}

fn check(read: Reader, text: &str) {
    let whole = read(text, usize::MAX);
    for size in [1, 5, 30, 64, 200, 1000] {
        assert_eq!(read(text, size), whole, "{size} bytes at a time: {text}");
    }
}

/// An invocation and its completion, as `%` the process, and other lines.
const JSON_PAIRS: [&str; 3] = [
    "{\"type\":\"invoke\",\"process\":%,\"f\":\"txn\",\"value\":[[\"r\",1,null]],\"node\":\"n1\"}\n\
     {\"type\":\"ok\",\"process\":%,\"f\":\"txn\",\"value\":[[\"r\",1,[7]]],\"node\":\"n1\"}\n",
    "{\"process\":%,\"type\":\"invoke\",\"f\":\"read\",\"node\":\"é\"}\r\n\n\
     {\"process\":%,\"type\":\"fail\",\"f\":\"read\",\"error\":[1,\"x\\ny\"],\"value\":[3]}\n",
    "{\"type\":\"invoke\",\"process\":%,\"f\":\"add\",\"value\":{\"k\":[[1,2]]},\"node\":\"n0\"}\n",
];
const JSON_OTHERS: [&str; 6] = [
    "\n",
    "{\"type\":\"info\",\"process\":\"nemesis\",\"f\":\"start\",\"value\":[\"n1\"]}\n",
    "{\"type\":\"info\",\"process\":\"logger\",\"f\":\"start\"}\n",
    "nonsense\n",
    "{\"type\":\"ok\",\"process\":77,\"f\":\"read\"}\n",
    "{\"type\":\"ok\",\"process\":1,\"f\":\"fly\"}\n",
];

const EDN_PAIRS: [&str; 4] = [
    "{:type :invoke, :process %, :f :txn, :value [[:r 1 nil]], :node \"n1\"}\n\
     {:type :ok, :process %, :f :txn, :value [[:r 1 [7]]], :node \"n1\"}\n",
    "{:process % :type :invoke :f :read :value \"a text\n{that looks like a map}\"}\n\
     #jepsen.history.Op{:process % :type :fail, :f :read :error [1 x]}\r\n",
    "{:type :invoke,\n{:a 1} :b, :process %\n{} {}\n :f :add :value {1\n{2 3}}} ; {\n",
    "#tag\n{:type :invoke :process % :f :write :value \\é} #_\n{:nonsense 1} {:type :info :f :write :process %}\n",
];
const EDN_OTHERS: [&str; 9] = [
    "\n, ",
    "{:type :info :process :nemesis :f :start :value nil}\n",
    "{:type :info :process :logger :f :start}\n",
    "[{:type :invoke :process 900 :f :read}\n{:type :ok :process 900 :f :read}]\n",
    "nonsense\n",
    "{:type :ok :process 77 :f :read}\n",
    "{:type :ok :process 1 :f :fly}\n",
    "#_ \\\nx\n",
    "{:value \"\n",
];

const AWDIT_PAIRS: [&str; 3] = ["w 1 %\nr 2 %\n-----\n", "w 3 %\n=====\n", "r 1 %\n\n  -----\r\n"];
const AWDIT_OTHERS: [&str; 4] = ["-----\n", "=====\n", "w 5 6\n", "nonsense\n"];

/// A text of many pairs and some other lines.
fn text(
    pairs: &'static [&'static str],
    others: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => prop::sample::select(pairs),
        1 => prop::sample::select(others),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| {
        let numbered = |(number, piece): (usize, &str)| piece.replace('%', &number.to_string());
        pieces.into_iter().enumerate().map(numbered).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_lines_are_read_alike(text in text(&JSON_PAIRS, &JSON_OTHERS)) {
        check(json_lines, &text);
    }

    #[test]
    fn edn_is_read_alike(text in text(&EDN_PAIRS, &EDN_OTHERS)) {
        check(edn, &text);
    }

    #[test]
    fn awdits_text_is_read_alike(text in text(&AWDIT_PAIRS, &AWDIT_OTHERS)) {
        check(awdit_text, &text);
    }
}

/// What each piece alone means is seen too: most of the texts above are right.
#[test]
fn texts_without_other_lines_are_histories() {
    for (read, pairs) in
        [(json_lines as Reader, &JSON_PAIRS[..]), (edn, &EDN_PAIRS), (awdit_text, &AWDIT_PAIRS)]
    {
        let all: String =
            pairs.iter().zip(0..).map(|(pair, n)| pair.replace('%', &format!("{n}"))).collect();
        assert_eq!(read(&all, 1).unwrap().operations.len(), pairs.len(), "{all}");
    }
}
