//! Histories in Jepsen's own formats: `history.edn` and `history.txt`.
//!
//! `history.edn` holds one operation map a line, as Jepsen's and Elle's tools read it:
//! `{:index 4, :time 1000000, :type :ok, :process 0, :f :read, :value [1 2], :node "n1"}`, with
//! `:final? true`, `:convergence? true` and `:error` where they apply; faults are the process
//! `:nemesis`. `history.txt` is for people and `grep`: process, type, function, value and error,
//! with tabs between.

use std::io::Read;

use kolk_protocol::Time;

use crate::builder::{HistoryBuilder, Record};
use crate::edn::{self, EdnError, Parser};
use crate::error::ReadError;
use crate::history::{AnyEvent, Event, EventKind, FaultEvent, History};
use crate::micro_ops::Packer;
use crate::{Phase, Value, jsonl};

/// Appends a client's event as one line of `history.edn`. `nodes` are the names that
/// [`Event::node`] points into.
pub fn write_event(out: &mut Vec<u8>, event: &Event, nodes: &[String]) {
    begin(out, event.index, event.time, event.kind.name());
    out.extend_from_slice(b", :process ");
    out.extend_from_slice(itoa::Buffer::new().format(event.process).as_bytes());
    out.extend_from_slice(b", :f :");
    out.extend_from_slice(event.function.name().as_bytes());
    out.extend_from_slice(b", :value ");
    edn::write(out, &event.value);
    match event.phase {
        Phase::Load => {}
        Phase::Final => out.extend_from_slice(b", :final? true"),
        Phase::Convergence => out.extend_from_slice(b", :convergence? true"),
    }
    if !event.error.is_null() {
        out.extend_from_slice(b", :error ");
        edn::write(out, &event.error);
    }
    if let Some(name) = event.node.and_then(|node| nodes.get(usize::from(node))) {
        out.extend_from_slice(b", :node ");
        edn::write(out, &Value::text(name.as_str()));
    }
    out.extend_from_slice(b"}\n");
}

/// Appends a fault's event as one line of `history.edn`.
pub fn write_fault(out: &mut Vec<u8>, event: &FaultEvent) {
    begin(out, event.index, event.time, "info");
    out.extend_from_slice(b", :process :nemesis, :f ");
    write_name(out, &event.function);
    out.extend_from_slice(b", :value ");
    edn::write(out, &event.value);
    out.extend_from_slice(b"}\n");
}

/// Appends a fault's name as a keyword, or as a string if it cannot be one.
fn write_name(out: &mut Vec<u8>, name: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.is_empty() && name.bytes().all(plain) {
        out.push(b':');
        out.extend_from_slice(name.as_bytes());
    } else {
        edn::write(out, &Value::text(name));
    }
}

fn begin(out: &mut Vec<u8>, index: u32, time: Time, kind: &str) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"{:index ");
    out.extend_from_slice(digits.format(index).as_bytes());
    out.extend_from_slice(b", :time ");
    out.extend_from_slice(digits.format(time.as_nanos()).as_bytes());
    out.extend_from_slice(b", :type :");
    out.extend_from_slice(kind.as_bytes());
}

/// Appends a whole history as `history.edn`.
pub fn write(out: &mut Vec<u8>, history: &History) {
    for event in history.events() {
        match event {
            AnyEvent::Client(event) => write_event(out, &event, &history.nodes),
            AnyEvent::Fault(fault) => write_fault(out, fault),
        }
    }
}

/// Appends a whole history as `history.txt`.
pub fn write_text(out: &mut Vec<u8>, history: &History) {
    for event in history.events() {
        let (value, error) = match &event {
            AnyEvent::Client(event) => {
                out.extend_from_slice(itoa::Buffer::new().format(event.process).as_bytes());
                out.extend_from_slice(b"\t:");
                out.extend_from_slice(event.kind.name().as_bytes());
                out.extend_from_slice(b"\t:");
                out.extend_from_slice(event.function.name().as_bytes());
                (&event.value, Some(&event.error).filter(|error| !error.is_null()))
            }
            AnyEvent::Fault(fault) => {
                out.extend_from_slice(b":nemesis\t:info\t");
                write_name(out, &fault.function);
                (&fault.value, None)
            }
        };
        out.push(b'\t');
        edn::write(out, value);
        if let Some(error) = error {
            out.push(b'\t');
            edn::write(out, error);
        }
        out.push(b'\n');
    }
}

/// Reads `history.edn`: operation maps one after another, or in one vector or list, tagged or not.
/// A missing `:index` or `:time` is filled in: the next one, and the time of the event before. A
/// process that is no number and not `:nemesis` is passed over, and so are keys that are not known.
/// A `:key` beside the `:value` makes the value `[key value]`; `:get` is another word for `:read`, and
/// `:put` for `:write`.
/// Nodes get their positions from `nodes`; a name that is not among them is appended.
///
/// # Errors
///
/// If `input` cannot be read, is not EDN, or an event does not follow those before it.
pub fn read(mut input: impl Read, nodes: Vec<String>) -> Result<History, ReadError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| ReadError::at(&bytes, error.valid_up_to(), "not UTF-8"))?;
    let mut builder = HistoryBuilder::new(nodes);
    operations(&mut Parser::new(text), &mut builder)
        .map_err(|error| ReadError::at(&bytes, error.offset, error.problem))?;
    Ok(builder.finish())
}

fn operations(parser: &mut Parser<'_>, builder: &mut HistoryBuilder) -> Result<(), EdnError> {
    let mut packer = Packer::default();
    let mut closing = None;
    loop {
        match parser.peek()? {
            None if closing.is_none() => return Ok(()),
            None => return parser.error("the text ends within a list of operations"),
            Some(open @ (b'[' | b'(')) if closing.is_none() => {
                parser.take(open)?;
                closing = Some(if open == b'[' { b']' } else { b')' });
            }
            Some(close) if Some(close) == closing => {
                parser.take(close)?;
                closing = None;
            }
            // A tag says nothing that the map or vector after it does not say.
            Some(b'#') => {
                parser.tag()?;
            }
            Some(b'{') => {
                let offset = parser.offset();
                operation(parser, &mut packer)?
                    .add(builder)
                    .map_err(|problem| EdnError { offset, problem: problem.into() })?;
            }
            Some(_) => return parser.error("expected an operation: a map"),
        }
    }
}

/// An operation map, read and not yet understood.
#[derive(Default)]
struct Map {
    index: Option<i64>,
    time: Option<i64>,
    kind: Value,
    process: Value,
    function: Value,
    key: Option<Value>,
    value: Value,
    error: Value,
    is_final: bool,
    convergence: bool,
    node: Value,
}

fn operation(parser: &mut Parser<'_>, packer: &mut Packer) -> Result<Map, EdnError> {
    let mut map = Map::default();
    parser.entries(0, |parser| {
        if parser.peek()? != Some(b':') {
            parser.value(1)?;
            parser.map_value(0)?;
            return Ok(());
        }
        let name = parser.keyword()?;
        match name {
            "index" => map.index = integer(parser, "index")?,
            "time" => map.time = integer(parser, "time")?,
            "type" => map.kind = parser.map_value(0)?,
            "process" => map.process = parser.map_value(0)?,
            "f" => map.function = parser.map_value(0)?,
            "key" => map.key = Some(parser.map_value(0)?),
            "value" => {
                map.value = match parser.micro_ops(packer) {
                    Some(value) => value,
                    None => parser.map_value(0)?,
                }
            }
            "error" => map.error = parser.map_value(0)?,
            "final?" => map.is_final = parser.map_value(0)? == Value::Bool(true),
            "convergence?" => map.convergence = parser.map_value(0)? == Value::Bool(true),
            "node" => map.node = parser.map_value(0)?,
            _ => drop(parser.map_value(0)?),
        }
        Ok(())
    })?;
    Ok(map)
}

fn integer(parser: &mut Parser<'_>, key: &str) -> Result<Option<i64>, EdnError> {
    parser.peek()?;
    let offset = parser.offset();
    match parser.map_value(0)? {
        Value::Null => Ok(None),
        Value::Int(int) => Ok(Some(int)),
        other => {
            let problem = format!(":{key} {other} is not an integer of 64 bits").into();
            Err(EdnError { offset, problem })
        }
    }
}

impl Map {
    fn add(self, builder: &mut HistoryBuilder) -> Result<(), String> {
        // Jepsen writes -1 for an index that was never given.
        let index = self.index.filter(|index| *index >= 0).map(|index| {
            u32::try_from(index).map_err(|_| format!(":index {index} needs more than 32 bits"))
        });
        let index = index.transpose()?;
        let time = self.time.map(|time| Time::from_nanos(u64::try_from(time).unwrap_or(0)));
        let text = |error: crate::builder::BuildError| error.to_string();
        let function = self.function.as_str();
        let process = match &self.process {
            Value::Int(process) => u32::try_from(*process)
                .map_err(|_| format!(":process {process} is not an integer of 32 bits"))?,
            Value::Null => return Err("an operation without a :process".to_owned()),
            process if process.as_str() == Some("nemesis") => {
                let function = function.ok_or("an operation without an :f")?.to_owned();
                return builder.fault(index, time, function, self.value).map_err(text);
            }
            _ => return builder.skip(index, time).map_err(text),
        };
        let function = match function.ok_or("an operation without an :f")? {
            "get" => "read",
            "put" => "write",
            other => other,
        };
        let function = function
            .parse()
            .map_err(|error: crate::operation::UnknownFunction| error.to_string())?;
        let kind = self.kind.as_str().ok_or("an operation without a :type")?;
        let kind: EventKind = jsonl::kind(kind).ok_or_else(|| format!("unknown :type `{kind}`"))?;
        let record = Record {
            index,
            time,
            kind,
            process,
            function,
            value: match self.key {
                Some(key) => Value::list(vec![key, self.value]),
                None => self.value,
            },
            error: self.error,
            phase: jsonl::phase(self.is_final, self.convergence),
            node: self.node.as_str(),
        };
        builder.event(record).map_err(text)
    }
}
