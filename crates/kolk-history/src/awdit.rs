//! Transactional histories in the text format of AWDIT (Møldrup & Pavlogiannis, PLDI 2025).
//!
//! `w KEY VALUE` writes a register and `r KEY VALUE` reads one, both integers. `-----` ends a
//! transaction, `=====` a session, as does the end of the text. The format knows no time: all
//! that is said is what each session did in which order.

use std::cell::RefCell;
use std::io::Read;

use kolk_protocol::Time;

use crate::blocks::Blocks;
use crate::builder::{BuildError, HistoryBuilder, Record};
use crate::error::ReadError;
use crate::history::{EventKind, History};
use crate::in_order::in_order;
use crate::micro_ops::{MicroFunction, Operand, Packer};
use crate::{Function, Outcome, Phase, Value};

/// True if a text is in this format, by its first line that is not blank.
pub fn is_awdit(text: &[u8]) -> bool {
    let first = text.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    parse(first).is_some_and(|line| line != Line::Blank)
}

/// A line of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    MicroOp(MicroFunction, i64, i64),
    EndTransaction,
    EndSession,
    Blank,
}

fn parse(line: &[u8]) -> Option<Line> {
    let line = line.trim_ascii();
    let function = match line.first() {
        None => return Some(Line::Blank),
        Some(b'w') => MicroFunction::Write,
        Some(b'r') => MicroFunction::Read,
        Some(b'-') if line == b"-----" => return Some(Line::EndTransaction),
        Some(b'=') if line == b"=====" => return Some(Line::EndSession),
        Some(_) => return None,
    };
    let (key, rest) = integer(&line[1..])?;
    let (value, rest) = integer(rest)?;
    rest.is_empty().then_some(Line::MicroOp(function, key, value))
}

/// Takes white space and an integer.
fn integer(text: &[u8]) -> Option<(i64, &[u8])> {
    let rest = text.trim_ascii_start();
    if rest.len() == text.len() {
        return None;
    }
    let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    // Few digits cannot overflow, and most integers have few.
    if digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) && !digits.is_empty() {
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        return Some((value, rest));
    }
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// Reads a history. Each session is a process; the history is [`History::untimed`] and
/// [`History::in_sessions`], and what was
/// asked for is not told apart from what came back. Transactions are understood on all cores.
///
/// # Errors
///
/// If `input` cannot be read, or a line is none of the format's.
pub fn read(input: impl Read) -> Result<History, ReadError> {
    read_blocks(blocks(input))
}

/// Blocks that end where transactions do.
pub(crate) fn blocks<R: Read>(input: R) -> Blocks<R> {
    Blocks::new(input, after_rule, RULE_LENGTH)
}

/// How long the end of a line and a rule after it are.
const RULE_LENGTH: usize = "\n-----\n".len();

/// Finds the end of a text's last rule, whichever it is: what follows begins a transaction.
fn after_rule(text: &[u8]) -> Option<usize> {
    let is_rule = |line: &[u8]| matches!(line, b"\n-----\n" | b"\n=====\n");
    Some(text.windows(RULE_LENGTH).rposition(is_rule)? + RULE_LENGTH)
}

pub(crate) fn read_blocks(mut blocks: Blocks<impl Read>) -> Result<History, ReadError> {
    let mut builder = HistoryBuilder::new(Vec::new());
    let (mut process, mut before) = (0, 0);
    // What was taken is used again for what comes.
    let used: RefCell<Vec<Transactions>> = RefCell::default();
    let next = || {
        let mut transactions = used.borrow_mut().pop().unwrap_or_default();
        transactions.text = blocks.next(transactions.text)?;
        Some(transactions)
    };
    in_order(next, Transactions::read, |mut transactions| {
        for entry in transactions.entries.drain(..) {
            match entry {
                Entry::Transaction(value, line) => {
                    transaction(&mut builder, process, value).map_err(|error| ReadError::Text {
                        line: line + before,
                        column: 1,
                        problem: error.to_string(),
                    })?;
                }
                Entry::EndSession => process += 1,
            }
        }
        before += transactions.count;
        if transactions.is_foul {
            let problem = "expected `r KEY VALUE`, `w KEY VALUE`, `-----` or `=====`".to_owned();
            return Err(ReadError::Text { line: before, column: 1, problem });
        }
        used.borrow_mut().push(transactions);
        Ok(())
    })?;
    blocks.failure()?;
    let mut history = builder.finish();
    history.untimed = true;
    history.in_sessions = true;
    Ok(history)
}

/// Some lines, from the beginning of a transaction to the end of one.
#[derive(Debug, Default)]
struct Transactions {
    text: Vec<u8>,
    /// What they say up to the first that is not understood.
    entries: Vec<Entry>,
    /// How many lines were read.
    count: u64,
    /// Whether the last line read was not understood.
    is_foul: bool,
    packer: Packer,
}

#[derive(Debug)]
enum Entry {
    /// Its micro-operations, and the line from 1 that ends it.
    Transaction(Value, u64),
    EndSession,
}

impl Transactions {
    fn read(mut self) -> Transactions {
        (self.count, self.is_foul) = (0, false);
        let text = std::mem::take(&mut self.text);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            self.count += 1;
            match parse(line) {
                Some(Line::MicroOp(function, key, value)) => {
                    self.packer.push(function, key, Some(value));
                }
                Some(Line::Blank) => {}
                Some(Line::EndTransaction) => self.end(),
                Some(Line::EndSession) => {
                    self.end();
                    self.entries.push(Entry::EndSession);
                }
                None => {
                    self.is_foul = true;
                    break;
                }
            }
        }
        if !self.is_foul {
            // The end of the whole text ends a transaction too.
            self.end();
        }
        self.text = text;
        self
    }

    /// Ends a transaction, unless it is empty.
    fn end(&mut self) {
        let value = self.packer.finish(true);
        if matches!(value, Value::MicroOps(_)) {
            self.entries.push(Entry::Transaction(value, self.count));
        }
    }
}

/// Adds a transaction.
fn transaction(builder: &mut HistoryBuilder, process: u32, value: Value) -> Result<(), BuildError> {
    for kind in [EventKind::Invoke, EventKind::Complete(Outcome::Ok)] {
        builder.event(Record {
            index: None,
            time: Some(Time::ZERO),
            kind,
            process,
            function: Some(Function::Txn),
            value: value.clone(),
            error: Value::Null,
            phase: Phase::Load,
            node: None,
        })?;
    }
    Ok(())
}

/// Appends the acknowledged transactions of a history of registers, process by process. What else
/// it holds (lists, reads of nothing, operations that are no transactions or did not succeed) has
/// no place in the format; the number of micro-operations and operations left out is returned.
pub fn write(out: &mut Vec<u8>, history: &History) -> u64 {
    let mut left_out = 0;
    let mut order: Vec<usize> = (0..history.operations.len()).collect();
    order.sort_by_key(|at| history.operations[*at].process);
    let mut process = None;
    let mut digits = itoa::Buffer::new();
    for at in order {
        let operation = &history.operations[at];
        let Value::MicroOps(micro_ops) = &operation.result else {
            left_out += 1;
            continue;
        };
        if !operation.is_ok() || operation.function != Function::Txn {
            left_out += 1;
            continue;
        }
        if let Some(last) = process.replace(operation.process) {
            let separator = if last == operation.process { "-----\n" } else { "=====\n" };
            out.extend_from_slice(separator.as_bytes());
        }
        for micro_op in micro_ops.iter() {
            let Operand::Int(value) = micro_op.operand else {
                left_out += 1;
                continue;
            };
            for (text, int) in [(micro_op.function.name(), micro_op.key), ("", value)] {
                out.extend_from_slice(text.as_bytes());
                out.push(b' ');
                out.extend_from_slice(digits.format(int).as_bytes());
            }
            out.push(b'\n');
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "w 0 1\nw 1 -1\n-----\nr 0 1\n=====\nr 1 -1\nw 0 2\n";

    #[test]
    fn reads_what_it_writes() {
        let history = read(TEXT.as_bytes()).unwrap();
        assert!(history.untimed);
        let told: Vec<String> = history
            .operations
            .iter()
            .map(|operation| format!("{} {}", operation.process, operation.result))
            .collect();
        let expected =
            [r#"0 [["w",0,1],["w",1,-1]]"#, r#"0 [["r",0,1]]"#, r#"1 [["r",1,-1],["w",0,2]]"#];
        assert_eq!(told, expected);
        let mut out = Vec::new();
        assert_eq!(write(&mut out, &history), 0);
        assert_eq!(String::from_utf8(out).unwrap(), TEXT);
    }

    #[test]
    fn is_told_from_others_and_from_nonsense() {
        for (text, expected) in [
            (TEXT, true),
            ("\n\n  r 0 0", true),
            ("=====", true),
            ("{\"index\":0}", false),
            ("write 0 1", false),
            ("w 0", false),
            ("", false),
        ] {
            assert_eq!(is_awdit(text.as_bytes()), expected, "{text}");
        }
        let error = read("w 0 1\n----\n".as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 1: expected `r KEY VALUE`, `w KEY VALUE`, `-----` or `=====`"
        );
        for line in ["w 0 1 2", "w 0x 1", "w 99999999999999999999 0", "w0 1"] {
            assert!(read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
