//! set-full: what was added stays readable. For broadcast and grow-only sets.
//!
//! Jepsen's checker of that name. Each element is watched from the invocation of its add (a second
//! add of the same value starts it afresh):
//!
//! - *known*: the earlier of the add's `ok` and the completion of the first `ok` read that holds
//!   it;
//! - *last present*, *last absent*: among the `ok` reads that complete after the add was invoked,
//!   the one with the latest invocation that did, or did not, hold it.
//!
//! It is *stable* if the last present comes after the last absent, *lost* if it is known and the
//! last absent comes after both the last present and the moment it was known, else *never read*. A
//! stable element's latency is the time from when it was known to just after its last absence; it
//! is *stale* if that is a millisecond or more.
//!
//! Stronger, beside Jepsen: the same value twice in one read (`duplicate`), values that
//! nobody added (`never-added`) or whose adds all surely failed (`failed-add`), and
//! [convergence].
//!
//! Measures: `stable-latency-median`, `stable-latency-max` (ms).
//!
//! Reads are bitmaps over the elements, so the work is the reads' total length plus
//! reads × elements ÷ 64; each element's fate is written once. The bitmaps are kept, unless they
//! take more memory than the reads should: then each read is looked through twice.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Value};
use kolk_protocol::Time;

use crate::check::{Anomaly, Check, Validity};
use crate::elements::{Elements, NONE};
use crate::kind::Kind;
use crate::tree::{count, invocation, key, list, quantile, quantiles, some_of};
use crate::{convergence, values};

/// How many of the stalest elements are described.
const WORST_STALE_MAX: usize = 8;

/// How many values a sentence names.
const NAMED_MAX: usize = 8;

/// How many words all bitmaps together may have that are kept: 32 MB.
const ROWS_WORDS_MAX: usize = 4 << 20;

/// Checks a history in which operations with the function `add` add their value, and
/// [`Function::Read`] reads a list.
///
/// ```
/// use kolk_check::set_full;
/// use kolk_history::Function;
///
/// let history = r#"
///     {:process 0 :type :invoke :f :broadcast :value 1}
///     {:process 0 :type :ok :f :broadcast :value 1}
///     {:process 1 :type :invoke :f :read}
///     {:process 1 :type :ok :f :read :value []}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = set_full::check(&history, Function::Broadcast);
/// assert_eq!(check.anomalies[0].kind, "lost");
/// ```
pub fn check(history: &History, add: Function) -> Check {
    let elements = Elements::new(history, add);
    let mut check = Check::new("workload");
    let watched = watch(history, &elements);
    let fates = fates(history, &elements, &watched);
    judge(&mut check, history, &elements, &watched, &fates);
    report_oddities(&mut check, history, &elements, &watched);
    convergence::check(&mut check, history, &elements);
    check
}

/// A read as it matters here.
#[derive(Clone, Copy)]
struct Read<'a> {
    operation: &'a Operation,
    position: usize,
    completion: u32,
    /// The place of its bitmap, if these are kept.
    row: usize,
}

/// What the reads say of each element, by its id. Reads are positions of operations.
#[derive(Default)]
struct Watched {
    /// The first read to complete that held it, with its completion's index.
    first_seen: Vec<Option<(u32, usize)>>,
    last_present: Vec<Option<usize>>,
    last_absent: Vec<Option<usize>>,
    /// The most often that one read held it, less one, and that read.
    repeats: BTreeMap<u32, (u32, usize)>,
    /// For elements that somebody added later: the read that held it before.
    too_early: BTreeMap<u32, usize>,
    /// Values nobody added: the first read that held each.
    strangers: Strangers,
    /// Reads that gave no list.
    no_lists: Vec<u32>,
}

/// Values nobody added, in order.
#[derive(Default)]
struct Strangers {
    ints: BTreeMap<i64, usize>,
    others: Vec<(Value, usize)>,
}

fn watch(history: &History, elements: &Elements<'_>) -> Watched {
    let mut reads: Vec<Read<'_>> = history
        .operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| {
            operation.function == Function::Read && operation.is_ok() && operation.is_counted()
        })
        .map(|(position, operation)| {
            let completion = operation.completion_or_end();
            Read { operation, position, completion, row: 0 }
        })
        .collect();
    let size = elements.len();
    let mut watched = Watched {
        first_seen: vec![None; size],
        last_present: vec![None; size],
        last_absent: vec![None; size],
        ..Watched::default()
    };
    reads.sort_unstable_by_key(|read| read.completion);
    let rows = watched.forwards(elements, &mut reads);
    reads.sort_unstable_by_key(|read| std::cmp::Reverse(read.operation.index));
    watched.backwards(elements, &reads, rows.as_deref());
    watched
}

impl Watched {
    /// In the order of completions: who was seen first when, and everything odd. Reads that gave
    /// no list are taken out. Returns the bitmaps of the others, one behind the other, if there is
    /// room for them.
    fn forwards(&mut self, elements: &Elements<'_>, reads: &mut Vec<Read<'_>>) -> Option<Vec<u64>> {
        let mut row = Bits::new(elements.len());
        let has_room = row.words.len().saturating_mul(reads.len()) <= ROWS_WORDS_MAX;
        let mut rows = Vec::new();
        let mut count = 0;
        let mut unseen = Bits::full(elements.len());
        let mut repeats = Repeats::default();
        reads.retain_mut(|read| {
            row.clear();
            let list = &read.operation.result;
            let is_list = elements.each(list, |id, place| {
                if id == NONE {
                    self.strangers.add(list, place, read.position);
                } else if !row.insert(id) {
                    repeats.add(id);
                }
            });
            if !is_list {
                self.no_lists.push(read.operation.index);
                return false;
            }
            for (id, extra) in repeats.take() {
                let entry = self.repeats.entry(id).or_insert((extra, read.position));
                if extra > entry.0 {
                    *entry = (extra, read.position);
                }
            }
            let began = elements.before(read.completion);
            unseen.take_from(&row, began, |id| {
                self.first_seen[id] = Some((read.completion, read.position));
            });
            row.from(began, |id| {
                if elements.all[id].first_start > read.completion {
                    self.too_early.entry(id as u32).or_insert(read.position);
                }
            });
            if has_room {
                rows.extend_from_slice(&row.words);
            }
            (read.row, count) = (count, count + 1);
            true
        });
        has_room.then_some(rows)
    }

    /// From the latest invocation back: the first read met with an element, or without it, is the
    /// last there was.
    fn backwards(&mut self, elements: &Elements<'_>, reads: &[Read<'_>], rows: Option<&[u64]>) {
        let mut row = Bits::new(elements.len());
        let mut unsettled_present = Bits::full(elements.len());
        let mut unsettled_absent = Bits::full(elements.len());
        for read in reads {
            if unsettled_present.is_empty() && unsettled_absent.is_empty() {
                break;
            }
            match rows {
                Some(rows) => {
                    let length = row.words.len();
                    row.words.copy_from_slice(&rows[read.row * length..][..length]);
                }
                None => {
                    row.clear();
                    elements.each(&read.operation.result, |id, _| {
                        if id != NONE {
                            row.insert(id);
                        }
                    });
                }
            }
            let began = elements.before(read.completion);
            let present = &mut self.last_present;
            unsettled_present.take_from(&row, began, |id| present[id] = Some(read.position));
            row.invert();
            let absent = &mut self.last_absent;
            unsettled_absent.take_from(&row, began, |id| absent[id] = Some(read.position));
        }
    }
}

impl Strangers {
    /// Adds the value at this place of a list.
    fn add(&mut self, list: &Value, place: usize, read: usize) {
        match list {
            Value::Ints(ints) => {
                self.ints.entry(ints[place]).or_insert(read);
            }
            Value::List(values) => {
                let other = &values[place];
                if let Some(int) = other.as_int() {
                    self.ints.entry(int).or_insert(read);
                    return;
                }
                let place = self.others.binary_search_by(|(known, _)| values::order(known, other));
                if let Err(at) = place {
                    self.others.insert(at, (other.clone(), read));
                }
            }
            _ => {}
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Value, usize)> {
        let ints = self.ints.iter().map(|(int, read)| (Value::Int(*int), *read));
        ints.chain(self.others.iter().cloned())
    }
}

/// How often elements come again in one read.
#[derive(Default)]
struct Repeats {
    extra: Vec<u32>,
    touched: Vec<u32>,
}

impl Repeats {
    fn add(&mut self, id: u32) {
        let at = id as usize;
        if self.extra.len() <= at {
            self.extra.resize(at + 1, 0);
        }
        if self.extra[at] == 0 {
            self.touched.push(id);
        }
        self.extra[at] += 1;
    }

    fn take(&mut self) -> impl Iterator<Item = (u32, u32)> {
        let extra = &mut self.extra;
        self.touched.drain(..).map(|id| (id, std::mem::take(&mut extra[id as usize])))
    }
}

/// A set of element ids.
struct Bits {
    words: Vec<u64>,
}

impl Bits {
    fn new(size: usize) -> Bits {
        Bits { words: vec![0; size.div_ceil(64)] }
    }

    /// All of them.
    fn full(size: usize) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; size.div_ceil(64)] };
        if let (Some(last), 1..) = (bits.words.last_mut(), size % 64) {
            *last = (1 << (size % 64)) - 1;
        }
        bits
    }

    fn clear(&mut self) {
        self.words.fill(0);
    }

    fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
    }

    fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Inserts an id; false if it was there.
    #[inline]
    fn insert(&mut self, id: u32) -> bool {
        let word = &mut self.words[id as usize / 64];
        let bit = 1 << (id % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// Takes out the ids below `end` that are in `row`, and calls `each` with every one taken.
    fn take_from(&mut self, row: &Bits, end: usize, mut each: impl FnMut(usize)) {
        for (at, (word, other)) in self.words.iter_mut().zip(&row.words).enumerate() {
            if at * 64 >= end {
                break;
            }
            let mask = if end - at * 64 >= 64 { u64::MAX } else { (1 << (end - at * 64)) - 1 };
            let mut hits = *word & other & mask;
            *word &= !hits;
            while hits != 0 {
                each(at * 64 + hits.trailing_zeros() as usize);
                hits &= hits - 1;
            }
        }
    }

    /// Calls `each` with every id from `begin` on.
    fn from(&self, begin: usize, mut each: impl FnMut(usize)) {
        for (at, word) in self.words.iter().enumerate().skip(begin / 64) {
            let mut hits = *word;
            if at == begin / 64 {
                hits &= u64::MAX << (begin % 64);
            }
            while hits != 0 {
                each(at * 64 + hits.trailing_zeros() as usize);
                hits &= hits - 1;
            }
        }
    }
}

/// What became of an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Stable,
    Lost,
    NeverRead,
}

#[derive(Clone, Copy)]
struct Fate {
    outcome: Outcome,
    /// When it was known: the event's index, its time and the operation's position.
    known: Option<(u32, Time, usize)>,
    /// From when it was known to when it was stable, or lost, in whole milliseconds.
    latency: u64,
}

fn fates(history: &History, elements: &Elements<'_>, watched: &Watched) -> Vec<Fate> {
    let operation = |position: usize| &history.operations[position];
    let fate = |(id, element): (usize, &crate::elements::Element<'_>)| {
        let known = [element.acknowledged, watched.first_seen[id]].into_iter().flatten().min();
        let known = known.map(|(index, position)| (index, operation(position).completed, position));
        let present = watched.last_present[id].map(operation);
        let absent = watched.last_absent[id].map(operation);
        // An index that does not exist is below all others.
        let index = |read: Option<&Operation>| read.map(|read| read.index);
        let outcome = if present.is_some() && index(absent) < index(present) {
            Outcome::Stable
        } else if known.is_some()
            && absent.is_some()
            && index(present) < index(absent)
            && known.map(|(index, ..)| index) < index(absent)
        {
            Outcome::Lost
        } else {
            Outcome::NeverRead
        };
        let changed = match outcome {
            Outcome::Stable => absent,
            Outcome::Lost => present,
            Outcome::NeverRead => None,
        };
        let changed = changed.map_or(0, |read| read.invoked.as_nanos().saturating_add(1));
        let known_at = known.map_or(0, |(_, time, _)| time.as_nanos());
        Fate { outcome, known, latency: changed.saturating_sub(known_at) / 1_000_000 }
    };
    elements.all.iter().enumerate().map(fate).collect()
}

/// Jepsen's verdict and results.
fn judge(
    check: &mut Check,
    history: &History,
    elements: &Elements<'_>,
    watched: &Watched,
    fates: &[Fate],
) {
    let mut by_value: Vec<usize> = (0..elements.len()).collect();
    by_value.sort_by(|a, b| values::order(elements.all[*a].value, elements.all[*b].value));
    let of =
        |outcome: Outcome| by_value.iter().copied().filter(move |id| fates[*id].outcome == outcome);
    let value = |id: usize| elements.all[id].value.clone();
    let latencies = |outcome: Outcome| {
        let mut latencies: Vec<u64> = of(outcome).map(|id| fates[id].latency).collect();
        latencies.sort_unstable();
        latencies
    };
    let lost: Vec<usize> = of(Outcome::Lost).collect();
    let stale: Vec<usize> = of(Outcome::Stable).filter(|id| fates[*id].latency > 0).collect();
    let mut worst = stale.clone();
    worst.sort_by_key(|id| fates[*id].latency);
    let worst = worst.iter().rev().take(WORST_STALE_MAX);
    let never_read: Vec<usize> = of(Outcome::NeverRead).collect();
    let stable = latencies(Outcome::Stable);
    let duplicated = by_value.iter().filter_map(|id| {
        let (extra, _) = watched.repeats.get(&(*id as u32))?;
        Some((value(*id), count(extra + 1)))
    });
    check.results = vec![
        (key(&"lost-count"), count(lost.len())),
        (key(&"lost"), list(lost.iter().map(|id| value(*id)))),
        (key(&"stable-count"), count(stable.len())),
        (key(&"stale-count"), count(stale.len())),
        (key(&"stale"), list(stale.iter().map(|id| value(*id)))),
        (
            key(&"worst-stale"),
            list(worst.map(|id| describe(history, elements, watched, fates, *id))),
        ),
        (key(&"never-read-count"), count(never_read.len())),
        (key(&"never-read"), list(never_read.iter().map(|id| value(*id)))),
        (key(&"attempt-count"), count(elements.len())),
    ];
    if let Some(quantiles) = quantiles(&stable, count) {
        check.results.push((key(&"stable-latencies"), quantiles));
        check.measure("stable-latency-median", quantile(&stable, 0.5) as f64, "ms");
        check.measure("stable-latency-max", quantile(&stable, 1.0) as f64, "ms");
    }
    if let Some(quantiles) = quantiles(&latencies(Outcome::Lost), count) {
        check.results.push((key(&"lost-latencies"), quantiles));
    }
    check.results.push((key(&"duplicated-count"), count(watched.repeats.len())));
    check.results.push((key(&"duplicated"), Value::map(duplicated.collect())));
    if stable.is_empty() {
        check.validity = Validity::Unknown;
        check.notes.push("no value was ever read and stayed readable".to_owned());
    }
    if !watched.no_lists.is_empty() {
        check.validity = Validity::Unknown;
        let reads = some_of(watched.no_lists.iter(), NAMED_MAX);
        check.notes.push(format!("reads that gave no list were left out: {reads}"));
    }
    for id in lost {
        check.anomaly(Kind::Lost, || lost_element(history, elements, watched, fates, id));
    }
}

/// One of the stalest elements, as Jepsen describes it.
fn describe(
    history: &History,
    elements: &Elements<'_>,
    watched: &Watched,
    fates: &[Fate],
    id: usize,
) -> Value {
    let known = fates[id].known.map_or(Value::Null, |(index, time, position)| {
        let operation = &history.operations[position];
        let mut entries = vec![
            (key(&"index"), count(index)),
            (key(&"time"), count(time.as_nanos())),
            (key(&"type"), key(&"ok")),
            (key(&"process"), count(operation.process)),
            (key(&"f"), operation.function.keyword()),
        ];
        // What a read returned is long, and stands in the history.
        if operation.function != Function::Read {
            entries.push((key(&"value"), operation.value.clone()));
        }
        Value::map(entries)
    });
    let absent = watched.last_absent[id];
    let absent = absent.map_or(Value::Null, |read| invocation(&history.operations[read]));
    Value::map(vec![
        (key(&"element"), elements.all[id].value.clone()),
        (key(&"outcome"), key(&"stable")),
        (key(&"stable-latency"), count(fates[id].latency)),
        (key(&"lost-latency"), Value::Null),
        (key(&"known"), known),
        (key(&"last-absent"), absent),
    ])
}

fn lost_element(
    history: &History,
    elements: &Elements<'_>,
    watched: &Watched,
    fates: &[Fate],
    id: usize,
) -> Anomaly {
    let operations = &history.operations;
    let element = &elements.all[id];
    let add = &operations[element.add];
    let mut proof = vec![add.index];
    let mut claim = format!("value {} is lost:", element.value);
    if let Some((_, time, position)) = fates[id].known {
        if position == element.add || operations[position].function == add.function {
            claim += &format!(" acknowledged at {time},");
        } else {
            claim += &format!(" read at {time},");
            proof.push(operations[position].index);
        }
    }
    if let Some(read) = watched.last_present[id] {
        let read = &operations[read];
        claim += &format!(" last read at {},", read.invoked);
        proof.push(read.index);
    }
    if let Some(read) = watched.last_absent[id] {
        let read = &operations[read];
        let by = history.node_name(read).map_or(String::new(), |node| format!(" by {node}"));
        claim += &format!(" absent from a read{by} at {}", read.invoked);
        proof.push(read.index);
    }
    proof.dedup();
    Anomaly::new(Kind::Lost, claim, proof).of_values([element.value.clone()])
}

/// What Jepsen does not look at.
fn report_oddities(
    check: &mut Check,
    history: &History,
    elements: &Elements<'_>,
    watched: &Watched,
) {
    let read = |position: usize| {
        let read = &history.operations[position];
        let by = history.node_name(read).map_or(String::new(), |node| format!(" by {node}"));
        (read.index, format!("a read{by} at {}", read.invoked))
    };
    for (id, (extra, position)) in &watched.repeats {
        check.stronger(Kind::Duplicate, || {
            let (index, what) = read(*position);
            let value = elements.all[*id as usize].value;
            let claim = format!("{what} holds value {value} not once but {} times", extra + 1);
            Anomaly::new(Kind::Duplicate, claim, vec![index]).of_values([value.clone()])
        });
    }
    for (value, position) in watched.strangers.iter() {
        check.stronger(Kind::NeverAdded, || {
            let (index, what) = read(position);
            let claim = format!("{what} holds value {value}, which nobody added");
            Anomaly::new(Kind::NeverAdded, claim, vec![index]).of_values([value])
        });
    }
    for (id, position) in &watched.too_early {
        check.stronger(Kind::NeverAdded, || {
            let (index, what) = read(*position);
            let element = &elements.all[*id as usize];
            let claim = format!("{what} holds value {} before anybody added it", element.value);
            Anomaly::new(Kind::NeverAdded, claim, vec![index, element.first_start])
                .of_values([element.value.clone()])
        });
    }
    for (id, element) in elements.all.iter().enumerate().filter(|(_, element)| element.failed) {
        let Some((_, position)) = watched.first_seen[id] else { continue };
        check.stronger(Kind::FailedAdd, || {
            let (index, what) = read(position);
            let claim = format!("{what} holds value {}, whose add had failed", element.value);
            Anomaly::new(Kind::FailedAdd, claim, vec![element.start, index])
                .of_values([element.value.clone()])
        });
    }
}

#[cfg(test)]
mod tests;
