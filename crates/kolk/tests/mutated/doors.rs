//! Everything that reads what somebody else may have written. Each takes any bytes and comes back:
//! with what they say, or with an error. The fuzz targets go through the same doors.

use std::io;

use kolk_check::models::{Model, Models};
use kolk_check::{Options, check_run, workloads};
use kolk_engine::{Flow, JournalSink, NodeSource, Progress, Room, Setup};
use kolk_history::journal::JournalReader;
use kolk_history::plan::{ClockKind, DRAWS, FORMAT};
use kolk_history::{History, Plan, awdit, columns, edn, format, jepsen, jsonl, log_times};
use kolk_node::{Input, Machine, Outputs};
use kolk_protocol::Time;
use kolk_protocol::message::{Body, Line};
use kolk_report::html::{self, Stored};
use kolk_report::screen::{self, Report};
use kolk_report::style::Style;
use kolk_report::{results, stored};
use kolk_workload::planner;

/// A door: its name, what goes through it, and whether something came out.
pub type Door = (&'static str, fn(&[u8]) -> bool);

/// All doors.
pub const DOORS: &[Door] = &[
    ("message", message),
    ("json-lines", json_lines),
    ("edn", edn_history),
    ("columns", columns_history),
    ("awdit", awdit_history),
    ("any-history", any_history),
    ("journal", journal),
    ("log-times", times),
    ("plan", plan),
    ("results", stored_results),
    ("check", check),
];

/// A line of a node.
fn message(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if let Ok((line, rest)) = Line::parse_first(&text) {
        assert!(rest <= text.len(), "{line:?}");
    }
    if let Ok(body) = Body::parse(&text) {
        let _ = (body.answers(), body.field("type"), body.field(""));
    }
    match Line::parse(bytes) {
        Ok(line) => {
            let again = Body::parse(line.body.json).expect("a body that was read can be read");
            assert_eq!(again, line.body);
            true
        }
        Err(error) => {
            assert!(error.offset().is_none_or(|offset| offset <= bytes.len()), "{error}");
            false
        }
    }
}

/// What a reader has understood can be written.
fn written(history: &History) -> Vec<u8> {
    let mut out = Vec::new();
    jepsen::write(&mut out, history);
    jepsen::write_text(&mut out, history);
    out.clear();
    jsonl::write(&mut out, history);
    out
}

fn json_lines(bytes: &[u8]) -> bool {
    let _ = jsonl::read_array(bytes, Vec::new());
    jsonl::read(bytes, Vec::new()).is_ok_and(|history| {
        let again = jsonl::read(written(&history).as_slice(), history.nodes.clone());
        assert_eq!(again.expect("what was written").operations, history.operations);
        true
    })
}

fn edn_history(bytes: &[u8]) -> bool {
    if let Ok(value) = edn::read(&String::from_utf8_lossy(bytes)) {
        let mut out = Vec::new();
        edn::write_pretty(&mut out, &value, 80);
    }
    jepsen::read(bytes, Vec::new()).is_ok_and(|history| !written(&history).is_empty())
}

fn columns_history(bytes: &[u8]) -> bool {
    columns::read(bytes, Vec::new()).is_ok()
}

fn awdit_history(bytes: &[u8]) -> bool {
    awdit::read(bytes).is_ok_and(|history| {
        awdit::write(&mut Vec::new(), &history);
        true
    })
}

fn any_history(bytes: &[u8]) -> bool {
    format::read(bytes, Vec::new()).is_ok()
}

fn journal(bytes: &[u8]) -> bool {
    let mut heads = JournalReader::new(bytes);
    while let Some(head) = heads.next_head() {
        if head.is_err() {
            break;
        }
        let _ = heads.current();
    }
    let mut lines = JournalReader::new(bytes);
    while let Some(line) = lines.next() {
        if line.is_err() {
            return false;
        }
    }
    true
}

fn times(bytes: &[u8]) -> bool {
    log_times::read(bytes).is_ok()
}

/// Answers `init`, and says nothing more.
struct Mute;

impl Machine for Mute {
    fn step(&mut self, _: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if let Input::Message { src, body } = input
            && body.contains("\"type\":\"init\"")
        {
            outputs.push(src, br#"{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}"#);
        }
        None
    }
}

/// A plan that is let in can be carried out, for a while.
fn plan(bytes: &[u8]) -> bool {
    let Ok(mut plan) = serde_json::from_slice::<Plan>(bytes) else { return false };
    if planner::check(&plan).is_err() {
        return false;
    }
    let _ = results::plan_json(&plan);
    plan.clock = ClockKind::Virtual;
    // Those of other versions are refused before anything runs.
    (plan.format, plan.draws) = (FORMAT, DRAWS);
    let workload = &plan.workload;
    let mut looks = 0;
    // Whatever it says, it is carried out or refused.
    let _ = kolk_engine::run(Setup {
        plan: &plan,
        nodes: NodeSource::InProcess(&|_| Box::new(Mute)),
        workload: kolk_workload::by_name(&workload.name, &workload.settings, &plan.nodes)
            .expect("a workload that was checked"),
        journal: JournalSink::Digest,
        history: None,
        logs: None,
        data: None,
        room: Room::default(),
        observer: &mut |_: &Progress<'_>| {
            looks += 1;
            if looks > 4 { Flow::Stop } else { Flow::Continue }
        },
    });
    true
}

/// Results of a run whose plan and history are as they were.
fn stored_results(bytes: &[u8]) -> bool {
    let json = String::from_utf8_lossy(bytes);
    let json = stored::current(&json);
    let Ok(read) = stored::read(&json) else { return false };
    let plan: Plan = serde_json::from_slice(include_bytes!("corpus/plan.json")).expect("a plan");
    let history = include_bytes!("corpus/txn-rw-register.jsonl");
    let history = jsonl::read(&history[..], plan.nodes.to_vec()).expect("a history");
    let report = Report {
        plan: &plan,
        history: &history,
        summary: &read.summary,
        verdict: &read.verdict,
        facts: &read.facts,
        wall: None,
        folder: Some("store/latest"),
        program: "kolk",
    };
    let screen = screen::draw(&report, Style::PLAIN);
    assert!(!screen.contains('\u{1b}'), "an escape sequence: {screen:?}");
    let run = Stored { plan: &plan, results: &json, history: &history };
    let no_file = |_: &str| -> io::Result<io::Empty> { Err(io::ErrorKind::NotFound.into()) };
    let _ = html::write_from(&mut io::sink(), &run, no_file);
    true
}

/// A history of any format under the checks of all workloads that it may be one of.
fn check(bytes: &[u8]) -> bool {
    let Ok(history) = format::read(bytes, Vec::new()) else { return false };
    let fitting = workloads::fitting(&history);
    fitting.iter().for_each(|workload| judge(workload, &history));
    !fitting.is_empty()
}

/// A history of any format under the check of one workload.
pub fn checked(workload: &str, bytes: &[u8]) -> bool {
    format::read(bytes, Vec::new()).is_ok_and(|history| {
        judge(workload, &history);
        true
    })
}

/// A checker that panics would be told as a mistake in kolk.
fn judge(workload: &str, history: &History) {
    let models = [Model::StrictSerializable, Model::SnapshotIsolation, Model::ReadAtomic];
    for (strict, models) in [(false, &models[..0]), (true, &models[..])] {
        let consistency_models = Models::new(models);
        let options = Options { workload, strict, consistency_models, ..Options::default() };
        let verdict = check_run(history, None, &options);
        for note in verdict.checks.iter().flat_map(|check| &check.notes) {
            assert!(!note.contains("mistake in kolk"), "{workload}: {note}");
        }
        let _ = results::edn(&verdict);
    }
}
