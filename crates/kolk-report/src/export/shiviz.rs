//! A log for ShiViz, <https://bestchai.bitbucket.io/shiviz/>: two lines for each event, what
//! happened, and the host with its vector clock (Fidge 1988, Mattern 1989).
//!
//! Sending and receiving are events; ShiViz sees from the clocks which message was which. One that
//! never arrived is a sending that nobody's clock knows of. Where a window is asked for, clocks
//! count the events in it alone, and what arrives from before it is an event of its host's own.

use std::fmt::Write as _;
use std::io::{BufRead, Write};

use kolk_history::journal::{HeadKind, JournalReader};
use rustc_hash::FxHashMap;

use super::{ExportError, OnTheirWay, is_wanted, kind};
use crate::figures::Span;
use crate::sanitize::excerpt;

/// The regular expression by which ShiViz reads the log.
pub const PARSER: &str = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})";

/// How much of a body is told.
const BODY_WIDTH: usize = 300;

/// A vector clock: by the hosts' numbers, how many of their events are known; 0 beyond its end.
type Clock = Vec<u32>;

/// Everybody who sends or receives, and what they know.
#[derive(Debug, Default)]
struct Hosts {
    numbers: FxHashMap<String, usize>,
    names: Vec<String>,
    clocks: Vec<Clock>,
}

impl Hosts {
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.numbers.insert(name.to_owned(), number);
        self.names.push(self.shown(name));
        self.clocks.push(Vec::new());
        number
    }

    /// A name as a word that stands in JSON as it is; another's with a number behind it.
    fn shown(&self, name: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let plain = |c: char| if is_plain(c) { c } else { '_' };
        let mut shown: String = name.chars().map(plain).collect();
        if shown.is_empty() || self.names.contains(&shown) {
            let _ = write!(shown, "~{}", self.names.len());
        }
        shown
    }

    /// Another event at a host, which knows from now on what `known` says.
    fn tick(&mut self, host: usize, known: &[u32]) -> &Clock {
        let clock = &mut self.clocks[host];
        clock.resize(clock.len().max(known.len()).max(host + 1), 0);
        for (own, other) in clock.iter_mut().zip(known) {
            *own = (*own).max(*other);
        }
        clock[host] += 1;
        clock
    }
}

/// Writes the log of a run, or of a part of it, and says how many events it has.
///
/// # Errors
///
/// If the journal is not one, or the log cannot be written.
pub fn shiviz(
    out: &mut dyn Write,
    journal: impl BufRead,
    span: Option<Span>,
) -> Result<u64, ExportError> {
    let mut hosts = Hosts::default();
    let mut on_their_way: OnTheirWay<(String, Clock)> = OnTheirWay::default();
    let mut count = 0;
    let mut text = String::new();
    let mut reader = JournalReader::new(journal);
    while let Some(head) = reader.next_head() {
        let head = head?;
        let line = reader.current()?;
        let is_wanted = is_wanted(head, span);
        text.clear();
        let host = match head.event {
            HeadKind::Duplicate => {
                on_their_way.duplicate(head.id);
                continue;
            }
            HeadKind::Drop => {
                on_their_way.end(head.id);
                continue;
            }
            HeadKind::Send => {
                let kind = kind(&line);
                let mut clock = Vec::new();
                let host = if is_wanted { hosts.number(&line.src) } else { 0 };
                if is_wanted {
                    clock.clone_from(hosts.tick(host, &[]));
                    let body = line.body.map_or("{}", |body| body.get());
                    let _ = write!(text, "{} send {kind} → {}: {body}", head.time, line.dest);
                }
                on_their_way.send(head.id, (kind, clock));
                host
            }
            HeadKind::Receive => {
                let noted = on_their_way.end(head.id);
                let (kind, known) = noted.map_or_else(Default::default, |(noted, _)| noted);
                let host = if is_wanted { hosts.number(&line.dest) } else { 0 };
                if is_wanted {
                    hosts.tick(host, &known);
                    let _ = write!(text, "{} receive {kind} from {}", head.time, line.src);
                }
                host
            }
        };
        if is_wanted {
            count += 1;
            writeln!(out, "{}", excerpt(&text, None, BODY_WIDTH).text)?;
            write_clock(out, &hosts, host)?;
        }
    }
    Ok(count)
}

/// `n0 {"n0":3,"c0":1}`.
fn write_clock(out: &mut dyn Write, hosts: &Hosts, host: usize) -> Result<(), ExportError> {
    write!(out, "{} {{", hosts.names[host])?;
    let known = hosts.clocks[host].iter().enumerate().filter(|(_, count)| **count > 0);
    for (place, (other, count)) in known.enumerate() {
        let comma = if place > 0 { "," } else { "" };
        write!(out, "{comma}\"{}\":{count}", hosts.names[other])?;
    }
    Ok(writeln!(out, "}}")?)
}
