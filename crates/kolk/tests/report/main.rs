//! The report in a real browser: it opens without complaints, shows what the run left, and nothing
//! that a node printed acts.

mod browser;
mod pictures;
mod serve;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use browser::Browser;
use serde_json::json;
use support::tests;
use tempfile::TempDir;

tests! {
    is_drawn_again_from_the_folder_alone: [];
    a_valid_run_opens_and_is_explored: [CHROMIUM];
    what_a_node_prints_does_nothing: [CHROMIUM];
    an_invalid_run_of_each_workload_opens: [CHROMIUM, PYTHON];
    what_is_dense_is_counted: [CHROMIUM];
    the_longest_order_is_shown: [CHROMIUM];
    lost_values_are_followed: [CHROMIUM];
    values_are_followed_under_any_key_on_the_real_clock: [CHROMIUM, PYTHON];
    cycles_are_rings: [CHROMIUM];
    logs_are_in_step_with_time: [CHROMIUM];
    states_are_lanes: [CHROMIUM, PYTHON];
    restarts_and_disks_are_shown: [CHROMIUM];
    a_small_run_opens_with_what_leads_to_the_failure: [CHROMIUM, PYTHON];
    keys_paper_and_the_dark: [CHROMIUM];
    serve::it_ends_with_ctrl_c_and_says_what_is_wrong: [];
    serve::runs_are_listed_compared_and_opened: [CHROMIUM];
    serve::a_run_that_goes_on_is_followed: [CHROMIUM];
    pictures::pictures_are_those_of_this_version: [PYTHON];
    pictures::base64_is_read: [];
    a_million_messages: [CHROMIUM] = "half a minute, and figures mean something in a release build only";
}

/// A run in a folder of its own.
struct Run {
    folder: TempDir,
}

impl Run {
    /// Runs `kolk` with these words and a store in a fresh folder.
    fn of(words: &str, status: i32) -> Run {
        let folder = tempfile::tempdir().expect("a folder");
        Run::in_folder(folder, words, status)
    }

    fn in_folder(folder: TempDir, words: &str, status: i32) -> Run {
        let output = kolk(folder.path(), words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{text}\n{errors}");
        Run { folder }
    }

    fn latest(&self) -> PathBuf {
        self.folder.path().join("store/latest")
    }

    fn page(&self) -> PathBuf {
        self.latest().join("report.html")
    }
}

fn kolk(folder: &Path, words: &str) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(words.split_whitespace())
        .current_dir(folder)
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("kolk runs")
}

const BROADCAST: &str = "test -w broadcast --node broadcast --node-count 4 --latency 50 --rate 20 \
                         --time-limit 4 --seed 7 --loss 0.1 --duplication 0.1 --nemesis partition \
                         --nemesis-interval 1";

/// A node that says yes to everything and prints what might hurt a page wherever it can: in types,
/// in keys, in values, on stderr.
const HOSTILE: &str = r#"#!/bin/sh
bad='</script><img src=x onerror=\"document.title=1;window.hurt=1\"><script>window.hurt=1</script><!--'
while read -r line; do
  id=$(expr "$line" : '.*"msg_id":\([0-9]*\)')
  src=$(expr "$line" : '.*"src":"\([^"]*\)"')
  kind=$(expr "$line" : '.*"type":"\([^"]*\)"')
  printf '%b\n' "$bad \033[31m" >&2
  case $kind in
    init) me=$(expr "$line" : '.*"node_id":"\([^"]*\)"')
      echo "{\"src\":\"$me\",\"dest\":\"$src\",\"body\":{\"type\":\"init_ok\",\"in_reply_to\":$id}}" ;;
    echo)
      echo "{\"src\":\"$me\",\"dest\":\"$me\",\"body\":{\"type\":\"$bad\",\"$bad\":\"$bad\"}}"
      echo "{\"src\":\"$me\",\"dest\":\"$src\",\"body\":{\"type\":\"echo_ok\",\"in_reply_to\":$id,\"echo\":\"$bad\"}}" ;;
  esac
done
"#;

/// The page holds the run, and is the same each time it is drawn.
fn is_drawn_again_from_the_folder_alone() {
    let run = Run::of(BROADCAST, 0);
    let first = fs::read(run.page()).expect("a page");
    let before = kolk(run.folder.path(), "report store/latest");
    fs::remove_file(run.page()).expect("removed");
    let after = kolk(run.folder.path(), "report store/latest/plan.json");
    assert_eq!(fs::read(run.page()).expect("a page"), first);
    assert_eq!((before.status.code(), after.status.code()), (Some(0), Some(0)));
    let names = fs::read_dir(run.latest())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    assert!(!names.into_iter().any(|name| name.ends_with(".new")));
}

fn a_valid_run_opens_and_is_explored() {
    let run = Run::of(BROADCAST, 0);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    assert_eq!(browser.eval("document.querySelector('.verdict').textContent"), json!("✓ valid"));
    // All messages of the journal, each with its end.
    let journal = fs::read_to_string(run.latest().join("journal.jsonl")).expect("a journal");
    let sent = journal.lines().filter(|line| line.starts_with(r#"{"event":"send""#)).count();
    assert_eq!(browser.eval("kolk.run.messages.count"), json!(sent));
    let dropped = journal.lines().filter(|line| line.starts_with(r#"{"event":"drop""#)).count();
    let counted = "kolk.run.messages.fate.filter((fate) => fate > 1).length + \
                   kolk.run.messages.copies.fate.filter((fate) => fate > 1).length";
    assert_eq!(browser.eval(counted), json!(dropped));

    // Each with the body it had, though most are stored as what differs from one before.
    let bodies: Vec<serde_json::Value> = journal
        .lines()
        .filter(|line| line.starts_with(r#"{"event":"send""#))
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["body"].take())
        .collect();
    let shown = browser.eval(
        "(async () => { const { bodies, messages } = kolk.run; const found = new Array(messages.count); \
           for (let i = messages.count - 1; i >= 0; i -= 2) found[i] = JSON.parse(await bodies.get(i)); \
           await bodies.scan(0, messages.count, (i) => !found[i], (i, text) => { found[i] = JSON.parse(text); }); \
           return found; })()",
    );
    assert_eq!(shown, json!(bodies));

    // The wheel zooms, the keys move; the fragment holds the window.
    let at = browser.eval("(() => { const box = document.querySelector('#diagram canvas').getBoundingClientRect(); return [box.left + 400, Math.min(box.top + 60, 880)]; })()");
    let (x, y) = (at[0].as_f64().expect("x"), at[1].as_f64().expect("y"));
    browser.wheel(x, y, -1500.0);
    let width = browser.eval("kolk.state.to - kolk.state.from").as_f64().expect("a width");
    let whole = browser.eval("kolk.run.ended").as_f64().expect("a time");
    assert!(width < whole * 0.2, "{width} of {whole}");
    let from = browser.eval("kolk.state.from").as_f64().expect("a place");
    browser.key("ArrowRight");
    assert!(browser.eval("kolk.state.from").as_f64().expect("a place") > from);

    // The next message is pinned; its causes are followed, and the fragment brings it all back.
    browser.key("n");
    assert_eq!(browser.eval("kolk.state.selection.kind"), json!("message"));
    browser.eval("kolk.state.select({ kind: 'message', place: kolk.run.messages.parent.findLastIndex((place) => place >= 0) })");
    browser.key("c");
    assert_eq!(browser.eval("kolk.state.selection.kind"), json!("chain"));
    let chain = browser.eval("kolk.state.selection.chain");
    assert!(chain.as_array().is_some_and(|chain| chain.len() >= 2), "{chain}");
    browser.eval("kolk.state.store()");
    let fragment = browser.eval("location.hash");
    let window = browser.eval("[Math.round(kolk.state.from), Math.round(kolk.state.to)]");
    browser.open(&run.page(), fragment.as_str().expect("a fragment"));
    assert_eq!(browser.eval("kolk.state.selection.chain"), chain);
    assert_eq!(browser.eval("[Math.round(kolk.state.from), Math.round(kolk.state.to)]"), window);

    // A click on an operation's bar selects it and its messages.
    browser.key("0");
    browser.key("Escape");
    assert_eq!(browser.eval("kolk.state.selection"), json!(null));
    let at = browser.eval(
        "(() => { const panel = kolk.drawings[2]; panel.canvas.scrollIntoView({ block: 'center' }); \
           panel.draw(); const [left, top, width, high] = panel.box(0); \
           const box = panel.canvas.getBoundingClientRect(); \
           return [box.left + left + width / 2, box.top + top + high / 2]; })()",
    );
    browser.click(at[0].as_f64().expect("x"), at[1].as_f64().expect("y"));
    assert_eq!(browser.eval("kolk.state.selection?.kind"), json!("operation"));
    assert_eq!(browser.eval("kolk.state.selection.messages.size >= 2"), json!(true));
    browser.key("Escape");

    // A type that is filtered out is not drawn.
    let drawn = "(() => { kolk.drawings[1].draw(); return kolk.drawings[1].inView; })()";
    assert_eq!(browser.eval(drawn), json!(sent));
    browser.eval("document.querySelector('#kinds [data-name=gossip]').click()");
    browser.settle();
    let gossip = browser.eval("kolk.run.kinds.find((kind) => kind.name === 'gossip').count");
    let others = sent as u64 - gossip.as_f64().expect("a count") as u64;
    assert_eq!(browser.eval(drawn), json!(others));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

fn what_a_node_prints_does_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("hostile.sh");
    fs::write(&program, HOSTILE).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let words = "test -w echo --bin ./hostile.sh --node-count 1 --rate 20 --time-limit 1 --seed 3";
    let run = Run::in_folder(folder, words, 1);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    assert_eq!(browser.eval("document.querySelector('.verdict').textContent"), json!("✗ invalid"));
    // Every message and operation is looked at, and so is the log.
    browser.eval(
        "(async () => { for (const kind of ['message', 'operation']) \
           for (let place = 0; place < kolk.run[`${kind}s`].count; place++) { \
             kolk.state.select({ kind, place }); \
             await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); } })()",
    );
    assert_eq!(
        browser.eval("[typeof window.hurt, document.images.length]"),
        json!(["undefined", 0])
    );
    let shown = browser.eval("document.querySelector('#logs .line').textContent");
    let shown = shown.as_str().expect("a line");
    assert!(shown.contains("</script><img src=x") && shown.contains("\\u{1b}[31m"), "{shown}");
    let kinds = browser.eval("document.querySelector('#kinds').textContent");
    assert!(kinds.as_str().expect("text").contains("</script><img"), "{kinds}");

    // The anomaly selects its operations and their messages.
    browser.eval("document.querySelector('.card .pick').click()");
    browser.settle();
    let chosen =
        browser.eval("[kolk.state.selection.operations.size, kolk.state.selection.messages.size]");
    assert!(chosen[0].as_u64() >= Some(1) && chosen[1].as_u64() >= Some(2), "{chosen}");
    assert_eq!(browser.eval("document.querySelectorAll('.card.selected').length"), json!(1));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// For every workload there is, a run that breaks its promise: the page opens, names anomalies, and
/// each selects its operations and their messages.
fn an_invalid_run_of_each_workload_opens() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/faulty.py");
    let mut browser = Browser::start();
    for workload in kolk_workload::registry::WORKLOADS {
        let name = workload.name;
        let words = format!(
            "test -w {name} --bin {} --clock virtual --node-count 2 --rate 30 --time-limit 2 \
             --seed 5 -- {name}",
            node.display()
        );
        let run = Run::of(&words, 1);
        browser.open(&run.page(), "");
        let verdict = browser.eval("document.querySelector('.verdict').textContent");
        assert_eq!(verdict, json!("✗ invalid"), "{name}");
        let selected = browser.eval(
            "(async () => { const found = []; \
               for (const button of document.querySelectorAll('.card > .pick')) { \
                 button.click(); \
                 await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); \
                 const { selection } = kolk.state; \
                 found.push([selection.operations.size, selection.messages.size, kolk.drawings[1].selectedDrawn]); \
               } return found; })()",
        );
        let selected = selected.as_array().expect("a list");
        assert!(!selected.is_empty(), "{name}");
        for counts in selected {
            let all_there =
                counts.as_array().expect("three counts").iter().all(|count| *count != json!(0));
            assert!(all_there, "{name}: {counts}");
        }
        // The log shows its offsets: here all values of a key stand at the same one.
        let cells = browser.eval("document.querySelectorAll('.key .cell.conflict').length");
        assert_eq!(cells.as_u64() > Some(1), name == "kafka", "{name}: {cells}");
        assert_eq!(browser.complaints, Vec::<String>::new(), "{name}");
    }
}

/// Where a window holds too much for single arrows, what is drawn instead is counted right, and
/// says that it is no arrows.
fn what_is_dense_is_counted() {
    let words = "test -w echo --node echo --node-count 3 --concurrency 20 --rate 3000 --time-limit 5 \
                 --latency 20 --seed 6";
    let run = Run::of(words, 0);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    // For windows of several widths, and both axes: how many messages and operations are in view,
    // and how many were sent in the columns, against counting them one by one.
    let wrong = browser.eval(
        "(async () => { const { state, run, drawings: [, diagram, operations] } = kolk; const wrong = []; \
           const byHand = ({ starts, ends }) => starts.reduce((sum, start, i) => sum + (start < state.to && ends[i] >= state.from), 0); \
           for (const isOrdinal of [false, true]) { \
             state.setOrdinal(isOrdinal); \
             const [, end] = state.whole(); \
             for (const part of [1, 0.5, 0.21, 0.1, 0.003]) { \
               state.show(end * 0.3, end * (0.3 + part)); \
               for (const drawing of [diagram, operations]) { drawing.isPrinting = true; drawing.draw(); } \
               const axis = isOrdinal ? 'orders' : 'times'; \
               const isDense = run.messages.spans[axis].starts.length > 0 && diagram.isDense; \
               if (part >= 0.1 !== isDense) wrong.push([part, 'dense', isDense]); \
               if (diagram.inView !== byHand(run.messages.spans[axis])) wrong.push([part, isOrdinal, diagram.inView, byHand(run.messages.spans[axis])]); \
               if (operations.inView !== byHand(run.operations.spans[axis])) wrong.push([part, isOrdinal, operations.inView]); \
               const columns = diagram.columnCounts(400); \
               const sent = columns.filter((_, row) => row % 3 === 0).reduce((sum, counts) => sum + counts.reduce((a, b) => a + b, 0), 0); \
               const { starts } = run.messages.spans[axis]; \
               const within = starts.filter((start) => start >= state.from && start < state.to).length; \
               if (Math.abs(sent - within) > within * 0.01 + 5) wrong.push([part, isOrdinal, sent, within]); \
             } } return wrong; })()",
    );
    assert_eq!(wrong, json!([]));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// What is not linearizable comes with its smallest part as a picture, and with the order that goes
/// furthest, whose numbers stand on the operations.
fn the_longest_order_is_shown() {
    let words = "test -w lin-kv --node seq-kv --node-count 3 --concurrency 6 --rate 100 \
                 --time-limit 3 --latency 20 --seed 3";
    let run = Run::of(words, 1);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    let results = fs::read_to_string(run.latest().join("results.json")).expect("results");
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    let found = &results["workload"]["counterexamples"][0];
    let minimal = found["minimal"].as_array().expect("a list").len();
    let order = found["order"].as_array().expect("a list").len();
    let left = found["remaining"].as_array().expect("a list").len();
    assert!(minimal >= 2 && order >= 2 && left >= 1, "{found}");
    let shown = browser.eval(
        "[document.querySelectorAll('.subhistory .bar').length, \
          document.querySelectorAll('.subhistory .bar.broken').length, \
          document.querySelectorAll('#evidence .order .pick').length, \
          document.querySelectorAll('#evidence .columns li').length, \
          (kolk.drawings[2].draw(), kolk.drawings[2].marks.size)]",
    );
    assert_eq!(shown, json!([minimal, 1, order, left, order + left]));
    browser.eval(
        "document.querySelector('.subhistory .bar.broken').dispatchEvent(new MouseEvent('click'))",
    );
    browser.settle();
    assert_eq!(browser.eval("kolk.state.selection.kind"), json!("operation"));
    assert_eq!(browser.eval("document.getElementById('evidence-panel').hidden"), json!(false));
    browser.key("Escape");
    assert_eq!(browser.eval("document.getElementById('evidence-panel').hidden"), json!(true));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// A value that was lost is followed from node to node, as far as it came: `flooding.py` tells
/// every value to its neighbours once, and a partition swallows some of that.
fn lost_values_are_followed() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/flooding.py");
    let words = format!(
        "test -w broadcast --bin {} --clock virtual --node-count 4 --topology line --rate 10 \
         --time-limit 4 --latency 30 --seed 4 --cut n2@0..4",
        node.display()
    );
    let run = Run::of(&words, 1);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    // n0 – n1 – n2 – n3, and n2 is cut off. Values added at n0 come to n1, and no further.
    let path = browser.eval(
        "(async () => { const { run, state } = kolk; const { operations, meta, messages } = run; \
           let place = 0; \
           while (meta.functions[operations.function[place]] !== 'broadcast' || meta.nodes[operations.node[place]] !== 'n0') place++; \
           const number = run.anomalies.findIndex((anomaly) => anomaly.type === 'lost' && anomaly.operations[0] === operations.index[place]); \
           if (state.selection?.number !== number) { \
             document.getElementById('evidence').replaceChildren(); \
             state.select({ kind: 'anomaly', number, anomaly: run.anomalies[number] }); \
           } \
           await new Promise((done) => { const look = () => document.querySelector('.path tr') ? done() : setTimeout(look, 5); look(); }); \
           const rows = [...document.querySelectorAll('.path tr')].map((row) => \
             [row.children[0].textContent, row.children[1].textContent === 'never', row.children[3].textContent.replace(/\\d+/g, '#')]); \
           document.querySelector('.path .tools .pick').click(); \
           return [rows, state.selection.kind, state.selection.chain.map((at) => messages.fate[at])]; })()",
    );
    let rows = json!([
        ["n0", false, "by broadcast from c#, message #"],
        ["n1", false, "by tell from n#, message #"],
        ["n2", true, "# message with it did not arrive: # cut off by a partition (message #)"],
        ["n3", true, "no message of another node reached it once a node had the value"],
    ]);
    assert_eq!(path, json!([rows, "path", [1, 1, 3]]));
    // One is led to where they are drawn.
    browser.wait_for(
        "Math.abs(document.getElementById('diagram-panel').getBoundingClientRect().top) < 200",
    );
    browser.eval("kolk.state.store()");
    let fragment = browser.eval("location.hash");
    browser.open(&run.page(), fragment.as_str().expect("a fragment"));
    let again = "new Promise((done) => { const look = () => kolk.state.selection?.kind === 'path' \
                 ? done(kolk.state.selection.chain.length) : setTimeout(look, 5); look(); })";
    assert_eq!(browser.eval(again), json!(3));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// The same under a key of one letter, on the machine's clock; and a value that travels in a shape
/// that is not recognised, of which nobody says that it was not sent.
fn values_are_followed_under_any_key_on_the_real_clock() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/flooding.py");
    for (shape, arrived) in [
        ("letter", "by tell from n#, message #"),
        ("bits", "its answer has it; no message that kolk recognises brought it there"),
    ] {
        let words = format!(
            "test -w broadcast --bin {} --node-count 3 --topology line --rate 20 --time-limit 2 \
             --init-timeout 60 --seed 4 -- {shape}",
            node.display()
        );
        let run = Run::of(&words, 1);
        let mut browser = Browser::start();
        browser.open(&run.page(), "");
        // n0 – n1 – n2, and n1 tells n2 nothing. Values added at n0 come to n1, and no further.
        let path = browser.eval(
            "(async () => { const { run, state } = kolk; const { operations, meta } = run; \
               let place = 0; \
               while (meta.functions[operations.function[place]] !== 'broadcast' || meta.nodes[operations.node[place]] !== 'n0') place++; \
               const number = run.anomalies.findIndex((anomaly) => anomaly.type === 'lost' && anomaly.operations[0] === operations.index[place]); \
               if (state.selection?.number !== number) { \
                 document.getElementById('evidence').replaceChildren(); \
                 state.select({ kind: 'anomaly', number, anomaly: run.anomalies[number] }); \
               } \
               await new Promise((done) => { const look = () => document.querySelector('.path tr') ? done() : setTimeout(look, 5); look(); }); \
               return [...document.querySelectorAll('.path tr')].map((row) => \
                 [row.children[0].textContent, row.children[3].textContent.replace(/\\d+/g, '#')]); })()",
        );
        let rows = json!([
            ["n0", "by broadcast from c#, message #"],
            ["n1", arrived],
            ["n2", "no message of another node reached it once a node had the value"],
        ]);
        assert_eq!(path, rows, "{shape}");
        assert_eq!(browser.complaints, Vec::<String>::new());
    }
}

/// A cycle of transactions is drawn as a ring, its arrows numbered like the sentences that explain
/// them: a store that promises read committed, held to strict serializability.
fn cycles_are_rings() {
    let words = "test -w txn-rw-register --node txn-rw-register --node-count 3 --concurrency 6 \
                 --rate 100 --time-limit 3 --latency 50 --seed 3 \
                 --consistency-models strict-serializable";
    let run = Run::of(words, 1);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    let ring = browser.eval(
        "(() => { const number = kolk.run.anomalies.findIndex((anomaly) => anomaly.type.startsWith('G')); \
           const anomaly = kolk.run.anomalies[number]; \
           kolk.state.select({ kind: 'anomaly', number, anomaly }); \
           return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done([ \
             anomaly.operations.length, \
             document.querySelectorAll('.ring .node').length, \
             document.querySelectorAll('.ring .edge').length])))); })()",
    );
    let count = ring[0].as_u64().expect("a cycle");
    assert!(count >= 2, "{ring}");
    assert_eq!(ring, json!([count, count, count]));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// The lines of a node's log have the time of the step that wrote them: `faulty.py` writes one for
/// every request it gets. The lists follow the selection, a click on a line moves the cursor.
fn logs_are_in_step_with_time() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/faulty.py");
    let words = format!(
        "test -w echo --bin {} --clock virtual --node-count 2 --rate 40 --time-limit 3 --seed 5 \
         -- echo",
        node.display()
    );
    let run = Run::of(&words, 1);
    let times = fs::read(run.latest().join("node-logs/times.jsonl")).expect("times");
    let again = Run::of(&words, 1);
    let again = fs::read(again.latest().join("node-logs/times.jsonl")).expect("times");
    assert_eq!(times, again, "the same plan, the same times");

    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    let same = browser.eval(
        "(async () => { const { messages, meta, logs } = kolk.run; const found = []; \
           for (const log of logs) { \
             const times = await log.times(); \
             const received = []; \
             for (let i = 0; i < messages.count; i++) \
               if (meta.actors[messages.dest[i]] === log.node) received.push(messages.end[i]); \
             found.push(times.length > 20 && times.length === received.length && \
               times.every((time, line) => time === received[line])); \
           } return found; })()",
    );
    assert_eq!(same, json!([true, true]));

    // The last request of n1: its line is in sight, highlighted, and stands beside the message.
    let chosen = browser.eval(
        "(() => { const { messages, meta } = kolk.run; \
           const place = messages.dest.findLastIndex((actor) => meta.actors[actor] === 'n1'); \
           kolk.state.select({ kind: 'message', place }); \
           document.getElementById('logs-panel').scrollIntoView(); return place; })()",
    );
    let near = "new Promise((done) => { const look = () => { \
                  const lines = document.querySelectorAll('#logs .line.near'); \
                  if (lines.length === 0 || !document.querySelector('#inspector .line.near')) return setTimeout(look, 5); \
                  const line = lines[lines.length - 1].getBoundingClientRect(); \
                  const pane = lines[lines.length - 1].closest('.scroll').getBoundingClientRect(); \
                  done([line.top >= pane.top && line.bottom <= pane.bottom, \
                        document.querySelector('#inspector .line.near').textContent]); }; look(); })";
    assert_eq!(browser.eval(near), json!([true, "thenanswering echo"]), "message {chosen}");

    // The first line was written when the run began.
    browser.eval("document.querySelector('#logs .scroll').scrollTop = 0");
    browser.settle();
    browser.eval(
        "new Promise((done) => { const look = () => { \
           const line = document.querySelector('#logs [data-place=\"0\"]'); \
           line ? done(line.click()) : setTimeout(look, 5); }; look(); })",
    );
    assert_eq!(browser.eval("kolk.state.timeAt(kolk.state.cursor.place)"), json!(0));

    // All nodes in one list, in the order of time.
    browser.eval("document.getElementById('merge').click()");
    let rising = browser.eval(
        "new Promise((done) => { const look = () => { \
           const lines = [...document.querySelectorAll('#logs .line .when')]; \
           if (document.querySelectorAll('#logs .scroll').length !== 1 || lines.length < 9) return setTimeout(look, 5); \
           const times = lines.map((line) => parseFloat(line.textContent)); \
           done(times.every((time, k) => k === 0 || time >= times[k - 1])); }; look(); })",
    );
    assert_eq!(rising, json!(true));
    assert_eq!(browser.complaints, Vec::<String>::new());

    // A run that does not say when is drawn all the same.
    fs::remove_file(run.latest().join("node-logs/times.jsonl")).expect("removed");
    kolk(run.folder.path(), "report store/latest");
    browser.open(&run.page(), "");
    let shown = browser.eval("document.querySelector('#logs').textContent");
    assert!(shown.as_str().is_some_and(|text| text.contains("does not say when")), "{shown}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// Everything can be done by keys, and the page can be printed and read in the dark.
/// Where nodes run again it is said what they were given, and what disks went through has a lane.
fn restarts_and_disks_are_shown() {
    let words = "test -w g-set --node g-set --node-count 3 --concurrency 40 --rate 300 --time-limit 4 \
                 --latency 5 --seed 5 --power n1@1..2 --pause n2@1..1.5 --disk n0:failing@2.5..3.5 -- --durable";
    let run = Run::of(words, 0);
    let events = fs::read_to_string(run.latest().join("node-logs/events.jsonl")).expect("events");
    let counted = |event: &str, node: &str| {
        let start = format!("\"node\":\"{node}\",\"event\":\"{event}\"");
        events.lines().filter(|line| line.contains(&start)).count()
    };
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    browser.eval("kolk.later");
    browser.settle();
    // A mark for each node that ran again, and each in a sentence.
    let marks = browser.eval("kolk.drawings[1].marks.map(({ node, how }) => [node, how])");
    assert_eq!(marks, json!([["n2", "paused"], ["n1", "power"]]));
    let told = browser.eval("document.getElementById('lives-words').textContent");
    let told = told.as_str().expect("text");
    for part in [
        "n1 lost its power at ",
        ", was started again at ",
        "n2 stood still from ",
        "10 messages that had been kept for it were delivered",
        " more were dropped",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // The disks have what the file has.
    let disks = browser.eval(
        "kolk.drawings.find(({ disks }) => disks).disks.map((disk) => \
           [disk.node, disk.writes.length, disk.syncs.length, disk.refusals.length, disk.losses.length])",
    );
    let expected: Vec<serde_json::Value> = ["n0", "n1", "n2"]
        .map(|node| {
            let all = |events: &[&str]| -> usize {
                events.iter().map(|event| counted(event, node)).sum()
            };
            json!([
                node,
                all(&["append", "write", "rename", "remove"]),
                all(&["sync", "sync-names"]),
                all(&["failed", "full"]),
                all(&["power"]),
            ])
        })
        .to_vec();
    assert_eq!(disks, json!(expected));
    assert!(expected[0][3].as_u64() > Some(0) && expected[1][4] == json!(1), "{disks}");
    let said = browser.eval(
        "[document.getElementById('disks-panel').hidden, \
          document.getElementById('disks-words').textContent]",
    );
    assert_eq!(said[0], json!(false));
    assert!(said[1].as_str().expect("text").contains("n1 lost its power at "), "{said}");
    assert_eq!(browser.complaints, Vec::<String>::new());

    // Where folders are the nodes' own there are no lanes, and the page says why.
    let words = "test -w echo --node echo --clock real --node-count 1 --rate 10 --time-limit 1 \
                 --disk n0:corrupt@0.2..0.4";
    let run = Run::of(words, 0);
    browser.open(&run.page(), "");
    browser.eval("kolk.later");
    let said = browser.eval(
        "[document.getElementById('disks-panel').hidden, document.getElementById('disks').hidden, \
          document.getElementById('disks-words').textContent]",
    );
    assert_eq!((&said[0], &said[1]), (&json!(false), &json!(true)));
    assert!(said[2].as_str().expect("text").starts_with("On the real clock"), "{said}");
}

/// The page of a run that was made small begins with the messages that lead to the failure, and
/// with what is different in the nearest run that holds.
fn a_small_run_opens_with_what_leads_to_the_failure() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/flooding.py");
    let words = format!(
        "test -w broadcast --bin {} --clock virtual --node-count 3 --topology line --rate 10 \
         --time-limit 2 --latency 30 --seed 4 --cut n2@0..2",
        node.display()
    );
    let run = Run::of(&words, 1);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    assert_eq!(browser.eval("document.getElementById('small-panel').hidden"), json!(true));
    let journal = fs::read_to_string(run.latest().join("journal.jsonl")).expect("a journal");
    let dropped = journal.lines().find(|line| line.contains("\"drop\"")).expect("one was dropped");
    let dropped: serde_json::Value = serde_json::from_str(dropped).expect("JSON");
    let (id, src, dest) = (&dropped["id"], &dropped["src"], &dropped["dest"]);
    let small = json!({
        "format": 2, "class": "lost", "original": "store/broadcast/first",
        "shrunk": {
            "before": {"nodes": 5, "workers": 5, "operations": 40, "faults": 3, "messages": 160},
            "after": {"nodes": 3, "workers": 1, "operations": 4, "faults": 1, "messages": 3},
            "steps": [], "runs": 91, "least": true, "repeated": null,
        },
        "nearest": {
            "without": {"kind": "fault", "number": 0, "name": "partition"},
            "text": "without the partition the run holds",
            "differences": [{
                "src": src, "dest": dest, "nth": 0, "type": "tell",
                "small": {"id": id, "sent": 1_000_000, "arrived": [], "end": "stopped"},
                "holds": {"id": id, "sent": 1_000_000, "arrived": [11_000_000], "end": "arrived"},
            }, {
                "src": "n0", "dest": "n1", "nth": 9, "type": "<b>", "small": null,
                "holds": {"id": 9000, "sent": 5, "arrived": [], "end": "lost"},
            }],
            "differences-more": 3,
        },
    });
    fs::write(run.latest().join("shrunk.json"), small.to_string()).expect("written");
    kolk(run.folder.path(), "report store/latest");
    browser.open(&run.page(), "");
    browser.eval("kolk.later");
    browser.settle();
    let said = browser.eval(
        "[document.getElementById('small-panel').hidden, \
          document.querySelectorAll('.slice .arrow').length, \
          document.querySelectorAll('#small .told li').length, \
          document.querySelectorAll('.slice .arrow.differs.dropped').length, \
          document.querySelectorAll('#small .differences tbody tr').length, \
          document.getElementById('small').textContent]",
    );
    let count = said[1].as_u64().expect("a count");
    assert!((3..=40).contains(&count), "{said}");
    assert_eq!(
        (&said[0], &said[2], &said[3], &said[4]),
        (&json!(false), &said[1], &json!(1), &json!(2))
    );
    let text = said[5].as_str().expect("text");
    for part in [
        "Of a run with 5 nodes, 40 operations, 3 faults, 160 messages (store/broadcast/first)",
        "3 nodes, 4 operations, 1 fault, 3 messages",
        "a partition stops it",
        "In the nearest run that holds: arrived 10 ms after it was sent",
        "n2 is cut off",
        "So: ",
        "Without the partition the run holds.",
        "3 messages more differ.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    browser.eval(
        "document.querySelector('.slice .arrow.differs').dispatchEvent(new MouseEvent('click'))",
    );
    browser.settle();
    let chosen = browser.eval("kolk.run.messages.id[kolk.state.selection.place]");
    assert_eq!(&chosen, id);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// What a node in any language says of its state, in lines of its log, is drawn over the diagram
/// and told in words.
fn states_are_lanes() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/stating.py");
    let words = format!(
        "test -w echo --bin {} --clock virtual --node-count 3 --rate 30 --time-limit 2 --latency 5 \
         --seed 4 --kill n1@0.5..1",
        node.display()
    );
    let run = Run::of(&words, 0);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    browser.eval("kolk.later");
    browser.settle();
    let said = browser.eval(
        "[document.getElementById('terms').hidden, \
          document.querySelector('#terms canvas').getAttribute('aria-label'), \
          document.querySelectorAll('#terms-words tbody tr').length, \
          document.querySelector('#terms-words tbody tr').textContent, \
          kolk.run.logs.map((log) => log.stateCount > 2)]",
    );
    assert_eq!(said[0], json!(false));
    let label = said[1].as_str().expect("a label");
    assert!(label.contains(" terms, from 0 to "), "{label}");
    assert!(label.contains("The first leader was there at"), "{label}");
    assert!(said[2].as_u64() > Some(3), "{said}");
    assert!(said[3].as_str().expect("text").starts_with("term 0"), "{said}");
    assert_eq!(said[4], json!([true, true, true]));
    // What a node said is over when it is killed, and begins with what it says when it is up again.
    let stretches = browser.eval(
        "(async () => { await kolk.later; const lanes = kolk.drawings.find(({ nodes }) => nodes); \
           const node = lanes.nodes.find(({ name }) => name === 'n1'); \
           const { begin, end } = kolk.run.faults[0]; \
           return [node.stretches.some(({ from, to }) => from < end && to > begin), \
             node.stretches.some(({ to }) => to === begin), \
             node.stretches.some(({ from, term }) => from >= end && term === 0)]; })()",
    );
    assert_eq!(stretches, json!([false, true, true]));
    let tip = browser.eval(
        "(() => { const lanes = kolk.drawings.find(({ nodes }) => nodes); lanes.draw(); \
           return lanes.saidAt(lanes.x(kolk.state.placeOf(kolk.run.ended)) - 1, lanes.y(0)); })()",
    );
    assert!(tip.as_str().is_some_and(|tip| tip.starts_with("n0: ")), "{tip}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

fn keys_paper_and_the_dark() {
    let run = Run::of(BROADCAST, 0);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    let width = "kolk.state.to - kolk.state.from";
    let number = |browser: &mut Browser, text: &str| browser.eval(text).as_f64().expect("a number");
    let whole = number(&mut browser, width);
    browser.key("+");
    let zoomed = number(&mut browser, width);
    assert!(zoomed < whole, "{zoomed} {whole}");
    browser.key("-");
    browser.key("0");
    assert_eq!(number(&mut browser, width), whole);
    browser.key("n");
    let first = number(&mut browser, "kolk.state.selection.place");
    browser.key("n");
    assert_eq!(number(&mut browser, "kolk.state.selection.place"), first + 1.0);
    browser.key("p");
    assert_eq!(number(&mut browser, "kolk.state.selection.place"), first);
    browser.key("e");
    assert_eq!(browser.eval("kolk.state.selection.direction"), json!("effects"));
    browser.key("f");
    let drawn = number(&mut browser, "kolk.drawings[1].inView");
    assert_eq!(drawn, number(&mut browser, "kolk.state.selection.messages.size"));
    browser.key("f");
    let axis = browser.eval("kolk.state.isOrdinal");
    browser.key("o");
    assert_ne!(browser.eval("kolk.state.isOrdinal"), axis);
    browser.key("z");
    assert!(number(&mut browser, width) < number(&mut browser, "kolk.run.events.count"));
    browser.key("?");
    assert_eq!(browser.eval("document.getElementById('help').open"), json!(true));
    browser.key("Escape");
    browser.eval("document.getElementById('help').close()");
    browser.key("Escape");
    assert_eq!(browser.eval("kolk.state.selection"), json!(null));

    // Nothing is wider than the window, in either colour scheme.
    let fits = "document.documentElement.scrollWidth <= 1280";
    assert_eq!(browser.eval(fits), json!(true));
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.eval(paper);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", dark);
    assert_ne!(browser.eval(paper), light);
    let printed = browser.call("Page.printToPDF", json!({"landscape": true}));
    assert!(printed["data"].as_str().is_some_and(|data| data.len() > 20_000));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// The goals for a million messages: `cargo test --release -p kolk --test report -- --ignored
/// --nocapture a_million`. Prints what was measured.
#[expect(clippy::disallowed_methods, reason = "how long drawing takes is what is measured")]
fn a_million_messages() {
    let run = Run::of(
        "test -w echo --node echo --node-count 5 --concurrency 100 --rate 50000 --time-limit 10 --seed 1",
        0,
    );
    let began = std::time::Instant::now();
    let output = kolk(run.folder.path(), "report store/latest");
    println!("drawn in {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(output.status.code(), Some(0));
    let bytes = fs::metadata(run.page()).expect("a page").len();
    println!("{:.1} MB", bytes as f64 / 1e6);
    assert!(bytes < 60_000_000);
    let mut browser = Browser::start();
    browser.open(&run.page(), "");
    println!("usable after {} ms", browser.eval("Math.round(performance.now())"));
    assert!(browser.eval("kolk.run.messages.count > 990_000").as_bool().expect("a truth"));
    let frames = browser.eval(
        "(async () => { document.getElementById('diagram-panel').scrollIntoView(); \
           const [, end] = kolk.state.whole(); const found = []; \
           for (const part of [0.9, 0.3, 0.05, 0.01, 0.001]) { \
             kolk.state.show(0, end * part); const times = []; let last = performance.now(); \
             for (let k = 0; k < 30; k++) { kolk.state.pan(0.02); \
               await new Promise(requestAnimationFrame); \
               const now = performance.now(); times.push(now - last); last = now; } \
             times.sort((a, b) => a - b); \
             found.push(`${part} of the run, ${kolk.drawings[1].inView} messages: median ${times[15].toFixed(0)} ms a frame, worst ${times[29].toFixed(0)}`); \
           } return found.join('\\n'); })()",
    );
    println!("{}", frames.as_str().expect("text"));
    assert_eq!(browser.complaints, Vec::<String>::new());
}
