//! Version orders: each key's log as its dense indices, and what contradicts itself in it.

use kolk_history::Value;

use super::facts::{Facts, Message, NONE, Pair, UNKNOWN};
use super::findings::Findings;
use crate::check::Anomaly;
use crate::kind::Kind;
use crate::tree::{count, key, list, some_of};

/// How many offsets or values a sentence names.
const NAMED_MAX: usize = 4;

/// The logs of all keys, one after another: index → the message that stands for that place.
pub(super) struct Orders {
    pub by_index: Vec<u32>,
    /// Offsets below a key's greatest that nobody was seen at.
    pub holes: f64,
}

/// Lays out all logs, gives messages their indices, and reports offsets with several values
/// (`inconsistent-offsets`) and values at several offsets (`duplicate`).
pub(super) fn lay_out(facts: &mut Facts<'_>, findings: &mut Findings) -> Orders {
    let mut places: Vec<(u32, i64, u32)> = (0..)
        .zip(&facts.messages)
        .filter(|(_, message)| message.offset != UNKNOWN)
        .map(|(number, message)| (message.key, message.offset, number))
        .collect();
    let elsewhere = std::mem::take(&mut facts.elsewhere);
    places.extend(elsewhere.iter().map(|pair| (facts.of(*pair).key, pair.offset, pair.message)));
    places.sort_unstable();
    // A message may have been seen elsewhere more than once.
    places.dedup();
    let mut orders = Orders { by_index: Vec::new(), holes: 0.0 };
    let mut previous: Option<(u32, i64)> = None;
    for place in places.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (log, offset, _) = place[0];
        let index = orders.by_index.len() as u32;
        orders.by_index.push(place[0].2);
        orders.holes += match previous {
            Some((same, before)) if same == log => offset as f64 - before as f64 - 1.0,
            _ => offset.max(0) as f64,
        };
        previous = Some((log, offset));
        for (_, _, number) in place {
            let message = &mut facts.messages[*number as usize];
            message.first_index = message.first_index.min(index);
            message.last_index = index;
        }
        facts.messages[place[0].2 as usize].index = index;
        if place.len() > 1 {
            findings.add(Kind::InconsistentOffsets, || inconsistent(facts, place));
        }
    }
    for pairs in elsewhere.chunk_by(|a, b| a.message == b.message) {
        findings.add(Kind::Duplicate, || duplicate(facts, pairs));
    }
    orders
}

/// An operation that told of this message at this offset, or any that polled or sent it.
fn witness(facts: &Facts<'_>, message: u32, offset: i64) -> u32 {
    let told =
        |pairs: &[Pair]| pairs.iter().any(|pair| pair.message == message && pair.offset == offset);
    // Only for the few anomalies that are shown: a search through everything.
    facts
        .positions()
        .find(|at| told(facts.reads(*at)) || (told(facts.sends(*at)) && facts.has_happened(*at)))
        .unwrap_or_default()
}

fn inconsistent(facts: &Facts<'_>, place: &[(u32, i64, u32)]) -> (Anomaly, Value) {
    let (log, offset, _) = place[0];
    let name = &facts.keys[log as usize];
    let values = place.iter().map(|(_, _, message)| facts.messages[*message as usize].value);
    let shown = some_of(values.clone(), NAMED_MAX);
    let claim = format!("offset {offset} of key {name} holds more than one value: {shown}");
    let witnesses = place.iter().take(NAMED_MAX).map(|at| witness(facts, at.2, offset));
    let operations = witnesses.map(|at| facts.index(at)).collect();
    let error = Value::map(vec![
        (key(&"key"), Value::text(name.as_ref())),
        (key(&"offset"), Value::Int(offset)),
        (key(&"index"), count(facts.messages[place[0].2 as usize].index)),
        (key(&"values"), list(values.map(|value| value.value()))),
    ]);
    let messages: Vec<u32> = place.iter().map(|at| at.2).collect();
    let anomaly = Anomaly::new(Kind::InconsistentOffsets, claim, operations);
    (facts.about(anomaly, &messages), error)
}

fn duplicate(facts: &Facts<'_>, elsewhere: &[Pair]) -> (Anomaly, Value) {
    let number = elsewhere[0].message;
    let Message { key: log, value, offset, .. } = facts.messages[number as usize];
    let mut offsets = vec![offset];
    offsets.extend(elsewhere.iter().map(|pair| pair.offset));
    offsets.sort_unstable();
    let text = facts.text(number);
    let claim =
        format!("{text} is at more than one offset: {}", some_of(offsets.iter(), NAMED_MAX));
    let witnesses = offsets.iter().take(NAMED_MAX).map(|offset| witness(facts, number, *offset));
    let operations = witnesses.map(|at| facts.index(at)).collect();
    let error = Value::map(vec![
        (key(&"key"), Value::text(facts.keys[log as usize].as_ref())),
        (key(&"value"), value.value()),
        (key(&"count"), count(offsets.len())),
        (key(&"offsets"), Value::ints(offsets)),
    ]);
    let anomaly = Anomaly::new(Kind::Duplicate, claim, operations);
    (facts.about(anomaly, &[number]), error)
}

/// The messages between two indices of one log, both left out.
pub(super) fn between(orders: &Orders, from: u32, to: u32) -> &[u32] {
    let from = (from as usize + 1).min(to as usize);
    &orders.by_index[from..to as usize]
}

/// How far the second message comes after the first in their log; one, as it should be, if a place
/// is not known.
pub(super) fn delta(facts: &Facts<'_>, first: u32, second: u32) -> i64 {
    let index = |message: u32| facts.messages[message as usize].index;
    match (index(first), index(second)) {
        (NONE, _) | (_, NONE) => 1,
        (first, second) => i64::from(second) - i64::from(first),
    }
}
