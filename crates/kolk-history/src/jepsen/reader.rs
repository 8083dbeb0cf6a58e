//! Reading `history.edn`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;

use crate::Value;
use crate::batch::Batch;
use crate::builder::{BuildError, HistoryBuilder};
use crate::edn::{EdnError, Parser};
use crate::error::ReadError;
use crate::fields::{Fields, Process};
use crate::history::History;
use crate::in_order::in_order;
use crate::micro_ops::Packer;

/// Reads `history.edn`: operation maps one after another, or in one vector or list, tagged or not.
/// A missing `:index` or `:time` is filled in: the next one, and the time of the event before. A
/// process that is no number and not `:nemesis` is passed over, and so are keys that are not known.
/// A `:key` beside the `:value` makes the value `[key value]`; `:get` is another word for `:read`,
/// and `:put` for `:write`. An echo's whole reply is its payload. Nodes get their positions from
/// `nodes`; a name that is not among them is appended. Where maps begin lines, they are understood
/// on all cores. A last map that breaks off is left out, which [`History::cut`] says.
///
/// # Errors
///
/// If `input` cannot be read, is not EDN, or an event does not follow those before it.
pub fn read(mut input: impl Read, nodes: Vec<String>) -> Result<History, ReadError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| ReadError::at(&bytes, error.valid_up_to(), "not UTF-8"))?;
    read_parts(text, PART_LENGTH, nodes)
        .map_err(|error| ReadError::at(&bytes, error.offset, error.problem))
}

/// How many bytes a part of a text has, about: it fits a processor's cache.
const PART_LENGTH: usize = 1 << 18;

pub(crate) fn read_parts(
    text: &str,
    length: usize,
    nodes: Vec<String>,
) -> Result<History, EdnError> {
    let mut builder = HistoryBuilder::new(nodes);
    let mut begun = 0;
    let mut done = 0;
    // What was taken is used again for what comes.
    let used: RefCell<Vec<Part<'_>>> = RefCell::default();
    let next = || {
        let start = begun;
        (start < text.len()).then(|| {
            let end = part_end(text, start, length);
            begun = end.unwrap_or(text.len());
            Part {
                start,
                text: end.map(|end| &text[..end]),
                ..used.borrow_mut().pop().unwrap_or_default()
            }
        })
    };
    let ended = in_order(next, Part::read, |mut part| {
        let Some(read) = part.text.filter(|_| part.is_understood) else { return Err(None) };
        part.batch.add(&mut builder).map_err(|error| Some(does_not_follow(error)))?;
        done = read.len();
        used.borrow_mut().push(part);
        Ok(())
    });
    match ended {
        Ok(()) => {}
        // What is not understood by parts, or is wrong, is read from there on as a whole.
        Err(None) => {
            let mut batch = Batch::default();
            let mut parser = Parser::starting_at(text, done);
            let read = operations(&mut parser, &mut Packer::default(), |place, map| {
                map.add(place, &mut batch)?;
                batch.add(&mut builder).map_err(does_not_follow)
            });
            // Whoever was stopped while writing left the beginning of a map, and no map after it.
            let is_last = |error: &EdnError| {
                let rest = text.get(error.offset..).unwrap_or_default();
                !rest.lines().skip(1).any(|line| line.trim_start().starts_with(['{', '#']))
            };
            match read {
                Err(error) if parser.has_run_out() && !builder.is_empty() && is_last(&error) => {
                    let before = &text.as_bytes()[..error.offset.min(text.len())];
                    let lines = before.iter().filter(|byte| **byte == b'\n').count();
                    builder.cut(lines as u64 + 1);
                }
                read => read?,
            }
        }
        Err(Some(error)) => return Err(error),
    }
    Ok(builder.finish())
}

fn does_not_follow((offset, error): (usize, BuildError)) -> EdnError {
    EdnError { offset, problem: error.to_string().into() }
}

/// Where a part of a text ends that begins at `start`: before a line that begins with a map. `None`
/// if there is none for long.
///
/// Whatever stands before such a place, nothing in it can go on beyond but what makes it end too
/// early: a bracket ends all words, and the end of the line all comments.
fn part_end(text: &str, start: usize, length: usize) -> Option<usize> {
    const LINES_MAX: usize = 16;
    let bytes = &text.as_bytes()[start..];
    if bytes.len() <= length {
        return Some(text.len());
    }
    let beyond = &bytes[length..bytes.len().min(length.saturating_mul(LINES_MAX))];
    let at = beyond.windows(2).position(|pair| pair == b"\n{")?;
    Some(start + length + at + 1)
}

/// A part of a text that begins outside of all brackets, and what it means.
#[derive(Debug, Default)]
struct Part<'a> {
    start: usize,
    /// The text up to the part's end.
    text: Option<&'a str>,
    batch: Batch,
    packer: Packer,
    /// Whether it ends outside of all brackets too, and nothing is wrong in it.
    is_understood: bool,
}

impl Part<'_> {
    fn read(mut self) -> Self {
        if let Some(text) = self.text {
            let mut parser = Parser::starting_at(text, self.start);
            let add = |place, map: Map| map.add(place, &mut self.batch);
            self.is_understood = operations(&mut parser, &mut self.packer, add).is_ok();
        }
        self
    }
}

/// Takes operations up to the end of the text, and calls `each` with the place and map of each.
fn operations(
    parser: &mut Parser<'_>,
    packer: &mut Packer,
    mut each: impl FnMut(usize, Map) -> Result<(), EdnError>,
) -> Result<(), EdnError> {
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
                each(offset, operation(parser, packer)?)?;
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
    /// Adds the event that this is, at its place, to a batch.
    fn add(self, place: usize, batch: &mut Batch) -> Result<(), EdnError> {
        fn word(value: &Value) -> Option<Cow<'_, str>> {
            value.as_str().map(Cow::Borrowed)
        }
        let process = match &self.process {
            Value::Int(process) => Some(Process::Client(*process)),
            Value::Null => None,
            other => Some(other.as_str().map_or(Process::Other, Process::named)),
        };
        let is_reply = self.function.as_str() == Some("echo")
            && self.kind.as_str() == Some("ok")
            && self.value.get("type").is_some_and(|kind| kind.as_str() == Some(super::ECHO_OK));
        let value = match self.value.get("echo") {
            Some(payload) if is_reply => payload.clone(),
            _ => self.value,
        };
        let fields = Fields {
            index: self.index,
            time: self.time.map(|time| u64::try_from(time).unwrap_or(0)),
            kind: word(&self.kind),
            process,
            function: word(&self.function),
            key: self.key,
            value,
            error: self.error,
            is_final: self.is_final,
            convergence: self.convergence,
            node: word(&self.node),
        };
        let added = fields.add(place, batch);
        added.map_err(|problem| EdnError { offset: place, problem: problem.into() })
    }
}
