//! What a history says of logs, flat: every message by number, every read as twelve bytes.
//!
//! Operations are lists of micro-operations, `[:send key [offset value]]` and
//! `[:poll {key [[offset value] …]}]`. A million of them hold millions of pairs, so keys and
//! messages are numbered once, and everything after that works on numbers.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use kolk_history::{Function, History, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

use crate::check::Anomaly;
use crate::values;

/// No message, no operation, no index.
pub(super) const NONE: u32 = u32::MAX;

/// An offset that is not known, or no integer of 64 bits.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// What was sent: mostly an integer, but any JSON will do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Datum<'a> {
    Int(i64),
    Other(&'a Value),
}

impl<'a> Datum<'a> {
    fn of(value: &'a Value) -> Datum<'a> {
        value.as_int().map_or(Datum::Other(value), Datum::Int)
    }

    pub(super) fn value(self) -> Value {
        match self {
            Datum::Int(int) => Value::Int(int),
            Datum::Other(value) => value.clone(),
        }
    }
}

impl fmt::Display for Datum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Int(int) => write!(f, "{int}"),
            Datum::Other(value) => write!(f, "{value}"),
        }
    }
}

/// A value that is no integer, ordered.
struct Ordered<'a>(&'a Value);

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered<'_> {}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        values::order(self.0, other.0)
    }
}

/// A value of a key, sent or seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub key: u32,
    pub value: Datum<'a>,
    /// The first offset at which it was seen, [`UNKNOWN`] if none.
    pub offset: i64,
    /// The position of the last operation that sent it, [`NONE`] if nobody did.
    pub writer: u32,
    /// The position of the first `ok` operation that polled it.
    pub reader: u32,
    /// The position of the first operation of any outcome that polled it.
    pub seen: u32,
    pub sent_ok: bool,
    pub sent_fail: bool,
    /// Dense indices over all keys' logs: where it comes first and last, and the last place where
    /// it stands for its offset. [`NONE`] if it has none.
    pub first_index: u32,
    pub last_index: u32,
    pub index: u32,
}

/// A message that was polled, or sent, and the offset that was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub message: u32,
    pub offset: i64,
}

/// Where an operation's parts end in the flat lists; they begin where the one before ends.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    reads: u32,
    sends: u32,
    assigned: u32,
}

/// Everything that the checks need to know.
pub(super) struct Facts<'a> {
    pub history: &'a History,
    pub keys: Vec<Cow<'a, str>>,
    pub messages: Vec<Message<'a>>,
    /// One more than operations.
    ends: Vec<Ends>,
    reads: Vec<Pair>,
    sends: Vec<Pair>,
    assigned: Vec<u32>,
    completions: Vec<u32>,
    /// Further offsets at which messages were seen, beside [`Message::offset`].
    pub elsewhere: Vec<Pair>,
    /// How many pairs had an offset that is no integer of 64 bits.
    pub odd_offsets: u64,
    numbers: Numbers<'a>,
}

#[derive(Default)]
struct Numbers<'a> {
    keys: FxHashMap<Cow<'a, str>, u32>,
    /// By key.
    ints: Vec<IntNumbers>,
    others: BTreeMap<(u32, Ordered<'a>), u32>,
}

/// The numbers of a key's messages that are integers. Most workloads count them up from 0 or 1:
/// polls then find their numbers side by side in a table.
#[derive(Default)]
struct IntNumbers {
    table: Vec<u32>,
    hashed: FxHashMap<i64, u32>,
}

impl IntNumbers {
    /// The number of this integer; `next` if it is a new one.
    #[inline]
    fn number(&mut self, int: i64, next: u32) -> u32 {
        // The table may be twice as long as what is in it, and somewhat more.
        let place = usize::try_from(int).ok().filter(|place| *place < 2 * self.table.len() + 64);
        let Some(place) = place else {
            return *self.hashed.entry(int).or_insert(next);
        };
        if place >= self.table.len() {
            self.table.resize(place + 1, NONE);
        }
        let slot = &mut self.table[place];
        if *slot == NONE {
            // It may have come before the table was long enough.
            *slot = if self.hashed.is_empty() {
                next
            } else {
                self.hashed.remove(&int).unwrap_or(next)
            };
        }
        *slot
    }
}

impl<'a> Facts<'a> {
    pub(super) fn new(history: &'a History) -> Facts<'a> {
        let mut facts = Facts {
            history,
            keys: Vec::new(),
            messages: Vec::new(),
            ends: Vec::with_capacity(history.operations.len() + 1),
            reads: Vec::new(),
            sends: Vec::new(),
            assigned: Vec::new(),
            completions: completions(history),
            elsewhere: Vec::new(),
            odd_offsets: 0,
            numbers: Numbers::default(),
        };
        facts.ends.push(Ends::default());
        for (position, operation) in (0..).zip(&history.operations) {
            if operation.is_counted() {
                facts.take(position, operation, history.known_value(position as usize));
            }
            facts.ends.push(Ends {
                reads: facts.reads.len() as u32,
                sends: facts.sends.len() as u32,
                assigned: facts.assigned.len() as u32,
            });
        }
        facts.numbers = Numbers::default();
        facts.place();
        facts
    }

    fn take(&mut self, position: u32, operation: &'a Operation, value: &'a Value) {
        match operation.function {
            Function::Assign | Function::Subscribe => {
                // An `ok` assign says again what was asked for.
                for key in value.as_list().unwrap_or_default().iter() {
                    let key = self.key(name(key).into_owned().into());
                    self.assigned.push(key);
                }
            }
            Function::Send | Function::Poll | Function::Txn => {
                for micro in items(value) {
                    self.micro(position, operation, items(micro));
                }
            }
            _ => {}
        }
    }

    fn micro(&mut self, position: u32, operation: &'a Operation, micro: &'a [Value]) {
        match micro {
            [what, key, sent] if what.as_str() == Some("send") => {
                let (offset, value) = match pair(sent) {
                    Some((offset, value)) => (offset, value),
                    None => (UNKNOWN, Datum::of(sent)),
                };
                let key = self.key(name(key));
                let message = self.message(key, value);
                let entry = &mut self.messages[message as usize];
                entry.writer = position;
                entry.sent_ok |= operation.is_ok();
                entry.sent_fail |= operation.outcome == Outcome::Fail;
                self.sends.push(Pair { message, offset });
            }
            [what, Value::Map(logs)] if what.as_str() == Some("poll") => {
                for (key, list) in logs.iter() {
                    let key = self.key(name(key));
                    if let Value::Pairs(pairs) = list {
                        for [offset, value] in pairs.iter() {
                            self.read(position, operation, key, *offset, Datum::Int(*value));
                        }
                        continue;
                    }
                    for polled in items(list) {
                        match pair(polled) {
                            Some((offset, value)) => {
                                self.read(position, operation, key, offset, value);
                            }
                            None => self.odd_offsets += 1,
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn read(
        &mut self,
        position: u32,
        operation: &Operation,
        key: u32,
        offset: i64,
        value: Datum<'a>,
    ) {
        self.odd_offsets += u64::from(offset == UNKNOWN);
        let message = self.message(key, value);
        let entry = &mut self.messages[message as usize];
        entry.seen = entry.seen.min(position);
        if operation.is_ok() {
            entry.reader = entry.reader.min(position);
        }
        self.reads.push(Pair { message, offset });
    }

    fn key(&mut self, name: Cow<'a, str>) -> u32 {
        let Numbers { keys, .. } = &mut self.numbers;
        if let Some(number) = keys.get(&name) {
            return *number;
        }
        let number = self.keys.len() as u32;
        keys.insert(name.clone(), number);
        self.numbers.ints.push(IntNumbers::default());
        self.keys.push(name);
        number
    }

    fn message(&mut self, key: u32, value: Datum<'a>) -> u32 {
        let next = self.messages.len() as u32;
        let number = match value {
            Datum::Int(int) => self.numbers.ints[key as usize].number(int, next),
            Datum::Other(other) => {
                *self.numbers.others.entry((key, Ordered(other))).or_insert(next)
            }
        };
        if number == next {
            self.messages.push(Message {
                key,
                value,
                offset: UNKNOWN,
                writer: NONE,
                reader: NONE,
                seen: NONE,
                sent_ok: false,
                sent_fail: false,
                first_index: NONE,
                last_index: NONE,
                index: NONE,
            });
        }
        number
    }

    /// Learns at which offsets messages are: from all polls, and from sends that have happened.
    fn place(&mut self) {
        for position in 0..self.history.operations.len() {
            let [from, to] = [self.ends[position], self.ends[position + 1]];
            for at in from.reads..to.reads {
                self.place_one(self.reads[at as usize]);
            }
            if from.sends < to.sends && self.has_happened(position as u32) {
                for at in from.sends..to.sends {
                    self.place_one(self.sends[at as usize]);
                }
            }
        }
        self.elsewhere.sort_unstable_by_key(|pair| (pair.message, pair.offset));
        self.elsewhere.dedup_by_key(|pair| (pair.message, pair.offset));
    }

    fn place_one(&mut self, pair: Pair) {
        let message = &mut self.messages[pair.message as usize];
        if pair.offset == UNKNOWN || pair.offset == message.offset {
            return;
        }
        if message.offset == UNKNOWN {
            message.offset = pair.offset;
        } else {
            self.elsewhere.push(pair);
        }
    }

    /// True if the operation at this position is `ok`, or is not known to have failed and
    /// something that it sent was polled.
    pub(super) fn has_happened(&self, position: u32) -> bool {
        match self.operation(position).outcome {
            Outcome::Ok => true,
            Outcome::Fail => false,
            Outcome::Info => self.sends(position).iter().any(|sent| self.of(*sent).reader != NONE),
        }
    }

    pub(super) fn operation(&self, position: u32) -> &'a Operation {
        &self.history.operations[position as usize]
    }

    pub(super) fn of(&self, pair: Pair) -> &Message<'a> {
        &self.messages[pair.message as usize]
    }

    /// What the operation at this position polled, in order.
    pub(super) fn reads(&self, position: u32) -> &[Pair] {
        let at = position as usize;
        &self.reads[self.ends[at].reads as usize..self.ends[at + 1].reads as usize]
    }

    /// What it sent, in order.
    pub(super) fn sends(&self, position: u32) -> &[Pair] {
        let at = position as usize;
        &self.sends[self.ends[at].sends as usize..self.ends[at + 1].sends as usize]
    }

    /// The keys it assigned.
    pub(super) fn assigned(&self, position: u32) -> &[u32] {
        let at = position as usize;
        &self.assigned[self.ends[at].assigned as usize..self.ends[at + 1].assigned as usize]
    }

    /// The positions of all operations.
    pub(super) fn positions(&self) -> std::ops::Range<u32> {
        0..self.history.operations.len() as u32
    }

    /// The positions of operations that completed, in the order of their completions.
    pub(super) fn completions(&self) -> &[u32] {
        &self.completions
    }

    /// The event index of the invocation at this position.
    pub(super) fn index(&self, position: u32) -> u32 {
        self.operation(position).index
    }

    /// The node that served an operation, if that is known.
    pub(super) fn node(&self, position: u32) -> Option<String> {
        self.history.node_name(self.operation(position)).map(str::to_owned)
    }

    /// Who did it, as a sentence's ending: ` by n1`; nothing if that is not known.
    pub(super) fn by(&self, position: u32) -> String {
        self.node(position).map_or(String::new(), |node| format!(" by {node}"))
    }

    /// The anomaly, said to be about these messages, all of one key.
    pub(super) fn about(&self, anomaly: Anomaly, messages: &[u32]) -> Anomaly {
        let Some(first) = messages.first() else { return anomaly };
        let key = self.messages[*first as usize].key;
        let values = messages.iter().map(|message| self.messages[*message as usize].value.value());
        anomaly.of_key(self.keys[key as usize].as_ref()).of_values(values)
    }

    /// A message in a sentence: `value 7 of key 3`.
    pub(super) fn text(&self, message: u32) -> String {
        let Message { key, value, .. } = self.messages[message as usize];
        format!("value {value} of key {}", self.keys[key as usize])
    }
}

fn completions(history: &History) -> Vec<u32> {
    let completed = (0..).zip(&history.operations);
    let mut completed: Vec<(u32, u32)> = completed
        .filter_map(|(at, operation)| Some((operation.completion_index?.get(), at)))
        .collect();
    completed.sort_unstable();
    completed.into_iter().map(|(_, position)| position).collect()
}

/// The elements of a list that is not one of plain integers.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(values) => values,
        _ => &[],
    }
}

/// A key's name. JSON has no other keys than text: 3 and "3" are the same log.
fn name(key: &Value) -> Cow<'_, str> {
    match key {
        Value::Text(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    }
}

/// `[offset value]`. An offset that is no integer of 64 bits counts as not known.
fn pair(value: &Value) -> Option<(i64, Datum<'_>)> {
    match value {
        Value::Ints(pair) => match pair[..] {
            [offset, value] => Some((offset, Datum::Int(value))),
            _ => None,
        },
        Value::List(pair) => match &pair[..] {
            [offset, value] => Some((offset.as_int().unwrap_or(UNKNOWN), Datum::of(value))),
            _ => None,
        },
        _ => None,
    }
}
