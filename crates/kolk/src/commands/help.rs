//! `kolk help`: of commands, and of what nodes must know.

use anyhow::Context;
use clap::Parser;
use kolk_check::guide::GUIDES;
use kolk_engine::run::{Flow, Progress};
use kolk_engine::{Patience, services};
use kolk_history::journal::JournalReader;
use kolk_history::plan::NodeSpec;
use kolk_protocol::message::{Body, Line};
use kolk_protocol::{Key, write_line};
use kolk_report::failure::{Failure, Trouble, trouble};
use kolk_workload::planner::{Nodes, Settings};
use kolk_workload::reference::{self, ServiceDoc, WorkloadDoc, markdown};
use kolk_workload::registry;
use serde_json::value::RawValue;

use crate::args::{Cli, HelpArgs};
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::{runner, terminal};

/// The subjects that are no commands, each with what it is about.
const SUBJECTS: [&str; 6] = ["protocol", "workload", "service", "error", "anomaly", "trouble"];

/// Prints what there is to know of a subject, or a command's help.
pub fn run(args: &HelpArgs) -> Result<Status, Stop> {
    let mut words = args.subject.iter().map(String::as_str);
    let (subject, name) = (words.next(), words.next());
    let text = match (subject, name) {
        (Some("protocol"), None) => protocol()?,
        (Some("workload" | "workloads"), None) => workloads()?,
        (Some("workload" | "workloads"), Some(name)) => {
            let names = || reference::WORKLOADS.iter().map(|doc| doc.name);
            let doc = reference::workloads::workload(name);
            let doc = doc.ok_or_else(|| unknown("workload", name, names()))?;
            markdown::workload(doc, &workload_transcript(doc)?)
        }
        (Some("service" | "services"), None) => markdown::services(service_transcript),
        (Some("service" | "services"), Some(name)) => {
            let names = || reference::SERVICES.iter().map(|doc| doc.name);
            let doc = reference::services::service(name);
            let doc = doc.ok_or_else(|| unknown("service", name, names()))?;
            markdown::service(doc, &service_transcript(doc))
        }
        (Some("error" | "errors"), None) => markdown::errors(),
        (Some("error" | "errors"), Some(code)) => {
            let names = || reference::ERRORS.iter().map(|doc| doc.name);
            match (reference::errors::error(code), code.parse::<u32>()) {
                (Some(doc), _) => markdown::error(doc),
                (None, Ok(number)) => markdown::unnamed_error(number),
                (None, Err(_)) => return Err(unknown("error", code, names())),
            }
        }
        (Some("anomaly" | "anomalies"), None) => markdown::anomalies(),
        (Some("anomaly" | "anomalies"), Some(kind)) => {
            let mut names: Vec<&str> = GUIDES.iter().map(|guide| guide.name).collect();
            names.dedup();
            let unknown = || unknown("anomaly", kind, names.iter().copied());
            markdown::anomaly(kind).ok_or_else(unknown)?
        }
        (Some("trouble" | "troubles"), None) => trouble::page(),
        (Some("trouble" | "troubles"), Some(name)) => {
            let names = || Trouble::ALL.iter().map(|trouble| trouble.name());
            let trouble = Trouble::named(name);
            trouble.ok_or_else(|| unknown("trouble", name, names()))?.section()
        }
        _ => return of_command(&args.subject),
    };
    // The comment at the top is for those who would change the book's page.
    let undrawn = |text: &str| {
        let drawn = [markdown::DRAWN, trouble::DRAWN];
        drawn.iter().find_map(|drawn| text.strip_prefix(drawn)).map(str::to_owned)
    };
    let text = undrawn(&text).filter(|_| !args.page).unwrap_or(text);
    terminal::print(&text);
    Ok(Status::Valid)
}

/// What `COMMAND --help` prints.
fn of_command(words: &[String]) -> Result<Status, Stop> {
    let arguments = std::iter::once("kolk").chain(words.iter().map(String::as_str));
    let Err(help) = Cli::try_parse_from(arguments.chain(["--help"])) else {
        return Ok(Status::Valid);
    };
    if !help.use_stderr() {
        terminal::note(help.print());
        return Ok(Status::Valid);
    }
    let word = words.first().map_or("", String::as_str);
    let commands = <Cli as clap::CommandFactory>::command();
    let names: Vec<&str> = commands
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
        .chain(SUBJECTS)
        .collect();
    Err(Stop::user(
        Failure::new(Trouble::Arguments, format!("there is no help on `{}`", words.join(" ")))
            .advice(did_you_mean(word, names.iter().copied()))
            .advice(format!("there is help on {}", names.join(", "))),
    ))
}

fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Stop {
    let known: Vec<&str> = names.clone().collect();
    Stop::user(
        Failure::new(Trouble::Arguments, format!("there is no {what} `{name}`"))
            .advice(did_you_mean(name, names))
            .advice(format!("there are {}", known.join(", "))),
    )
}

fn protocol() -> Result<String, Stop> {
    let lines = lines_of("echo", "echo", 1)?;
    let start = lines.iter().filter(|line| line.to_or_from("n0")).take(4);
    Ok(markdown::protocol(&markdown::transcript(start.map(|l| (l.src == "n0", &*l.text)))))
}

fn workloads() -> Result<String, Stop> {
    let transcripts: Vec<String> =
        reference::WORKLOADS.iter().map(workload_transcript).collect::<Result<_, _>>()?;
    let of = |doc: &WorkloadDoc| {
        let at = reference::WORKLOADS.iter().position(|other| other.name == doc.name);
        transcripts[at.expect("one of them")].clone()
    };
    Ok(markdown::workloads(of))
}

/// A message as a node reads or writes it.
struct MessageLine {
    text: String,
    src: String,
    dest: String,
    kind: String,
    msg_id: Option<String>,
    in_reply_to: Option<String>,
}

impl MessageLine {
    fn to_or_from(&self, node: &str) -> bool {
        self.src == node || self.dest == node
    }
}

/// The messages between clients and nodes of a short run of a built-in node, as sent.
fn lines_of(workload: &str, node: &str, seed: u64) -> Result<Vec<MessageLine>, Stop> {
    let spec = NodeSpec::BuiltIn { name: node.to_owned(), args: Vec::new(), separate: false };
    let mut settings = Settings::new(workload.to_owned(), spec, seed);
    settings.nodes = Nodes::Count(2);
    settings.rate = 100.0;
    settings.time_limit = 2.0;
    let plan = kolk_workload::plan(&settings)
        .map_err(|error| Stop::internal(Failure::new(Trouble::Kolk, error.to_string())))?;
    let mut observer = |_: &Progress<'_>| Flow::Continue;
    let run = runner::run_in_memory(&plan, true, Patience::default(), &mut observer)?;
    let mut reader = JournalReader::new(run.journal.as_deref().unwrap_or_default());
    let mut lines = Vec::new();
    while let Some(event) = reader.next() {
        let event = event.context("cannot read back a journal")?;
        let Some(body) = event.body.map(RawValue::get) else { continue };
        if !event.src.starts_with('c') && !event.dest.starts_with('c') {
            continue;
        }
        let parsed = Body::parse(body).context("a message that was sent cannot be read")?;
        let mut line = Vec::new();
        write_line(&mut line, None, None, &event.src, &event.dest, body.as_bytes());
        lines.push(MessageLine {
            text: String::from_utf8_lossy(line.trim_ascii_end()).into_owned(),
            src: event.src.into_owned(),
            dest: event.dest.into_owned(),
            kind: parsed.kind.to_string(),
            msg_id: parsed.msg_id.map(str::to_owned),
            in_reply_to: parsed.in_reply_to.map(str::to_owned),
        });
    }
    Ok(lines)
}

/// Of each kind of request one with the answer that its kind of reply is, as they came in a run.
fn workload_transcript(doc: &WorkloadDoc) -> Result<String, Stop> {
    let node = registry::info(doc.name).expect("every workload is documented").node;
    let lines = lines_of(doc.name, node, 1)?;
    let mut shown: Vec<(bool, &str)> = Vec::new();
    for exchange in doc.exchanges {
        let pairs =
            lines.iter().filter(|line| line.kind == exchange.request.kind).filter_map(|request| {
                let reply = lines.iter().find(|reply| {
                    reply.kind == exchange.reply.kind
                        && reply.dest == request.src
                        && reply.in_reply_to == request.msg_id
                })?;
                Some((request, reply))
            });
        // What shows most, but for what fills the screen.
        let best = pairs.max_by_key(|(_, reply)| {
            let length = reply.text.len();
            if length <= 160 { length } else { 0 }
        });
        if let Some((request, reply)) = best {
            shown.extend([(false, &*request.text), (true, &*reply.text)]);
        }
    }
    Ok(markdown::transcript(shown.into_iter()))
}

/// The example of a service, answered by the service itself.
fn service_transcript(doc: &ServiceDoc) -> String {
    let mut all = services::all();
    let service = all.iter_mut().find(|service| service.name() == doc.name).expect("a service");
    let mut lines = Vec::new();
    for (number, request) in (1..).zip(doc.example) {
        let fields = request.strip_suffix('}').expect("an object");
        let body = format!("{fields},\"msg_id\":{number}}}");
        let mut reply = Vec::new();
        let parsed = Body::parse(&body).expect("a body");
        let mut random = Key::new(0).with(number).random();
        service.handle("n0", &parsed, &mut random, &mut reply);
        for (writes, src, dest, body) in
            [(true, "n0", doc.name, body.as_bytes()), (false, doc.name, "n0", &*reply)]
        {
            let mut line = Vec::new();
            write_line(&mut line, None, None, src, dest, body);
            debug_assert!(Line::parse(&line).is_ok());
            lines.push((writes, String::from_utf8_lossy(line.trim_ascii_end()).into_owned()));
        }
    }
    markdown::transcript(lines.iter().map(|(writes, line)| (*writes, &**line)))
}
