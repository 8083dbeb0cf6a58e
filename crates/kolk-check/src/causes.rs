//! What lies behind findings, where the history or the network's numbers show it.
//!
//! Which value is lost is seldom what helps; that a node was never sent a message at all is. These
//! sentences stand beside the verdict. They are facts, each true of the whole run, and are looked
//! for only where a check has found something.

use std::collections::BTreeMap;

use kolk_history::summary::NodeTraffic;
use kolk_history::{Function, History, Operation, Outcome, Summary, Value};
use kolk_protocol::ErrorCode;

use crate::check::{Anomaly, Check};
use crate::elements::{Elements, NONE};
use crate::kind::Kind;
use crate::tree::some_of;
use crate::verdict::Verdict;

/// How many nodes a sentence names.
const NAMED_MAX: usize = 8;

/// Below this many reads that could have seen something, that none did says nothing.
const READS_MIN: usize = 4;

/// Below this many values that a node's read could have shown, that it shows none says nothing.
const VALUES_MIN: usize = 3;

/// Anomalies that show if a node forgets what it has acknowledged.
const FORGOTTEN: [Kind; 6] = [
    Kind::Lost,
    Kind::LostWrite,
    Kind::NotLinearizable,
    Kind::StaleCas,
    Kind::StaleRead,
    Kind::Unseen,
];

/// The workloads whose nodes must learn from each other.
const SHARED: [&str; 9] = [
    "broadcast",
    "g-counter",
    "g-set",
    "kafka",
    "lin-kv",
    "pn-counter",
    "seq-kv",
    "txn-list-append",
    "txn-rw-register",
];

/// What explains the verdict's findings: sentences without a full stop, the most telling first.
pub fn find(history: &History, summary: Option<&Summary>, verdict: &Verdict) -> Vec<String> {
    let workload = verdict.workload.as_str();
    let has_findings = |check: &&Check| !check.anomalies.is_empty() || !check.stronger.is_empty();
    let Some(found) = verdict.check("workload").filter(has_findings) else { return Vec::new() };
    if let Some(cause) = unknown_requests(history, workload) {
        // Nothing else is to be learnt from a program that was written for something else.
        return vec![cause];
    }
    if !SHARED.contains(&workload) {
        return Vec::new();
    }
    let mut causes = Vec::new();
    if let Some(summary) = summary.filter(|_| history.nodes.len() > 1) {
        if summary.servers.msg_count == 0 {
            causes.push("the nodes sent each other no message at all".to_owned());
        } else {
            causes.extend(left_out(summary));
        }
        causes.extend(old_answers(summary));
    }
    let known = causes.len();
    causes.extend(forgotten(history, found));
    match workload {
        "broadcast" => causes.extend(cut_off(history, Function::Broadcast, known)),
        "g-set" => causes.extend(cut_off(history, Function::Add, known)),
        "txn-list-append" | "txn-rw-register" => {
            causes.extend(blank_reads(history));
            if found.count_of(Kind::GarbageRead) > 0 {
                causes.extend(default_value(transaction_reads(history)));
            }
        }
        "lin-kv" => causes.extend(default_value(register_reads(history))),
        "kafka" => causes.extend(own_offsets(history)),
        _ => {}
    }
    causes
}

/// That every request which was answered at all was answered with "not supported".
fn unknown_requests(history: &History, workload: &str) -> Option<String> {
    let is_unsupported = |op: &Operation| {
        let code = op.result.as_list().and_then(|parts| parts.first()?.as_int());
        op.outcome != Outcome::Ok && code == Some(i64::from(ErrorCode::NOT_SUPPORTED.0))
    };
    let mut counted = history.counted().peekable();
    counted.peek()?;
    counted.all(is_unsupported).then(|| {
        format!(
            "the program answers every request with error 10: it is not for the workload {workload}"
        )
    })
}

/// Nodes that no other one, nor any service, ever sent a message, and those that sent none.
fn left_out(summary: &Summary) -> Vec<String> {
    let names = |is_meant: fn(&NodeTraffic) -> bool| -> Vec<&String> {
        let nodes = summary.traffic.iter().filter(|node| is_meant(node));
        nodes.map(|node| &node.node).collect()
    };
    let unheard = names(|node| node.from_nodes + node.from_services == 0);
    let mute = names(|node| {
        node.to_nodes + node.to_services == 0 && node.from_nodes > 0 && node.from_clients > 0
    });
    let mut told = Vec::new();
    if !unheard.is_empty() && unheard.len() < summary.traffic.len() {
        let verb = if unheard.len() == 1 { "was" } else { "were" };
        let names = some_of(unheard.iter(), NAMED_MAX);
        told.push(format!("{names} {verb} never sent a message by another node"));
    }
    if !mute.is_empty() {
        let names = some_of(mute.iter(), NAMED_MAX);
        told.push(format!("{names} never sent a message to another node"));
    }
    told
}

/// Services that answered from an old state, which they may, where a node relied on the newest.
fn old_answers(summary: &Summary) -> Vec<String> {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for answer in &summary.stale_answers {
        let nodes = services.entry(&answer.service).or_default();
        if !nodes.contains(&answer.node.as_str()) {
            nodes.push(&answer.node);
        }
    }
    let told = services.into_iter().map(|(service, nodes)| {
        let nodes = some_of(nodes.iter(), NAMED_MAX);
        let advice = match service {
            "seq-kv" => "whoever writes first, and then reads, is answered from the newest one",
            _ => "its replicas come to agree only after a while",
        };
        format!("{service} answered {nodes} from an old state, as it may: {advice}")
    });
    told.collect()
}

/// That who acknowledged what is missing later was killed in between.
fn forgotten(history: &History, found: &Check) -> Option<String> {
    let killed = |anomaly: &Anomaly| history.forgotten(&anomaly.operations).next();
    let all = found.anomalies.iter().chain(&found.stronger);
    let mut all = all.filter(|anomaly| FORGOTTEN.contains(&anomaly.kind)).filter_map(killed);
    let (operation, killed) = all.next()?;
    let alike = match all.count() {
        0 => String::new(),
        1 => " (one more anomaly is of this kind)".to_owned(),
        more => format!(" ({more} more anomalies are of this kind)"),
    };
    let (fate, is_lost, keep) = match killed.function.as_str() {
        "power" => ("lost its power", "has not synced to its disk", "sync it"),
        _ => ("was killed", "has in memory alone", "write it to disk"),
    };
    Some(format!(
        "{} acknowledged op {} and {fate} at {}{alike}: what a node {is_lost} is lost then, so \
         {keep} before it is acknowledged, or wait until a majority has done so",
        history.node_name(operation)?,
        operation.index,
        killed.time,
    ))
}

/// Sets: nodes that never showed a value that another node was given. `known` causes have told it
/// already if nobody sends anything.
fn cut_off(history: &History, add: Function, known: usize) -> Option<String> {
    if known > 0 {
        return None;
    }
    let elements = Elements::new(history, add);
    let given: Vec<Option<u16>> =
        elements.all.iter().map(|element| history.operations[element.add].node).collect();
    // By node: whether it was read when there was something of another node to see, and showed it.
    let mut nodes: BTreeMap<u16, (usize, bool)> = BTreeMap::new();
    let reads = history.operations.iter();
    for read in reads.filter(|read| read.function == Function::Read && read.is_ok()) {
        let Some(node) = read.node else { continue };
        let (reads, learned) = nodes.entry(node).or_default();
        if *learned {
            continue;
        }
        let is_foreign = |origin: &Option<u16>| origin.is_some_and(|origin| origin != node);
        let before = elements.before(read.index);
        let foreign = given[..before].iter().filter(|origin| is_foreign(origin)).take(VALUES_MIN);
        *reads += usize::from(foreign.count() == VALUES_MIN);
        let mut shows = false;
        elements.each(&read.result, |id, _| {
            shows |= id != NONE && is_foreign(&given[id as usize]);
        });
        *learned = shows;
    }
    let names: Vec<&String> = nodes
        .iter()
        .filter(|(_, (reads, learned))| *reads > 0 && !learned)
        .filter_map(|(node, _)| history.nodes.get(usize::from(*node)))
        .collect();
    match names.len() {
        0 => None,
        count if count == nodes.len() => {
            Some("no node ever showed a value that another node was given".to_owned())
        }
        _ => {
            let names = some_of(names.iter(), NAMED_MAX);
            Some(format!("{names} never showed a value that another node was given"))
        }
    }
}

/// A read by a transaction or a client: of which key, what it saw, and whether anybody had begun to
/// write that key when it was over.
struct KeyRead {
    key: Value,
    value: Value,
    is_written: bool,
}

/// Transactions: the micro-operations of one, as function, key and value.
fn micro_ops(transaction: &Value) -> Vec<(bool, Value, Value)> {
    let micro_op = |micro_op: &Value| match micro_op.as_list()?.as_ref() {
        [function, key, value] => Some((function.as_str()? == "r", key.clone(), value.clone())),
        _ => None,
    };
    transaction.as_list().unwrap_or_default().iter().filter_map(micro_op).collect()
}

/// What an `ok` transaction read of keys that it had not written itself: key and value.
fn external_reads(transaction: &Operation) -> Vec<(Value, Value)> {
    let mut own: Vec<Value> = Vec::new();
    let mut reads = Vec::new();
    for (is_read, key, value) in micro_ops(&transaction.result) {
        if !is_read {
            own.push(key);
        } else if !own.contains(&key) {
            reads.push((key, value));
        }
    }
    reads
}

/// Nothing, or an empty list.
fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_list().is_some_and(|elements| elements.is_empty())
}

/// Transactions: no read ever saw what another had written.
fn blank_reads(history: &History) -> Option<String> {
    let transactions = || {
        let all = history.counted();
        all.filter(|operation| operation.function == Function::Txn && operation.is_ok())
    };
    // Mostly the first few say that it is not so.
    let is_blind = |transaction: &Operation| {
        external_reads(transaction).iter().all(|(_, value)| is_blank(value))
    };
    if !transactions().all(is_blind) {
        return None;
    }
    let mut first_write: BTreeMap<String, u32> = BTreeMap::new();
    for transaction in transactions() {
        let end = transaction.completion_or_end();
        for (_, key, _) in micro_ops(&transaction.result).into_iter().filter(|op| !op.0) {
            let first = first_write.entry(key.to_string()).or_insert(end);
            *first = end.min(*first);
        }
    }
    let could_have = transactions().flat_map(|transaction| {
        let reads = external_reads(transaction).into_iter();
        reads.map(|(key, _)| (transaction.index, key.to_string()))
    });
    let could_have = could_have
        .filter(|(began, key)| first_write.get(key).is_some_and(|written| written < began))
        .count();
    (could_have >= READS_MIN)
        .then(|| "no read ever saw what an earlier transaction wrote".to_owned())
}

/// What the reads of transactions saw, of keys that they had not written themselves.
fn transaction_reads(history: &History) -> Vec<KeyRead> {
    let transactions = || history.operations.iter().filter(|op| op.function == Function::Txn);
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    for transaction in transactions() {
        for (_, key, _) in micro_ops(&transaction.value).into_iter().filter(|op| !op.0) {
            first.entry(key.to_string()).or_insert(transaction.index);
        }
    }
    let mut reads = Vec::new();
    for transaction in transactions().filter(|transaction| transaction.is_ok()) {
        let end = transaction.completion_or_end();
        for (key, value) in external_reads(transaction).into_iter().filter(|(_, v)| !is_blank(v)) {
            let is_written = first.get(&key.to_string()).is_some_and(|first| *first < end);
            reads.push(KeyRead { key, value, is_written });
        }
    }
    reads
}

/// What reads of a key-value store saw.
fn register_reads(history: &History) -> Vec<KeyRead> {
    let key = |operation: &Operation| operation.value.as_list().and_then(|p| p.first().cloned());
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    for write in history.counted().filter(|op| op.function != Function::Read) {
        if let Some(key) = key(write) {
            first.entry(key.to_string()).or_insert(write.index);
        }
    }
    let reads = history.counted().filter(|op| op.function == Function::Read && op.is_ok());
    let read = |read: &Operation| {
        let key = key(read)?;
        let end = read.completion_or_end();
        let is_written = first.get(&key.to_string()).is_some_and(|first| *first < end);
        let value = read.result.as_list().and_then(|parts| parts.get(1).cloned())?;
        Some(KeyRead { key, value, is_written })
    };
    reads.filter_map(read).collect()
}

/// A node that answers 0, or the like, for a key that nobody had begun to write: the zero value of
/// its language.
fn default_value(reads: Vec<KeyRead>) -> Option<String> {
    let is_invented = |read: &KeyRead| !read.is_written && !is_blank(&read.value);
    let mut answers = reads.into_iter().filter(is_invented);
    let KeyRead { value, key, .. } = answers.next()?;
    answers.all(|read| read.value == value).then(|| {
        format!(
            "a key that was never written must read as null: a node answers {value}, for key {key} \
             among others"
        )
    })
}

/// Logs: two nodes number the messages of one key each by itself.
fn own_offsets(history: &History) -> Option<String> {
    let mut givers: BTreeMap<(String, i64), u16> = BTreeMap::new();
    for send in history.counted().filter(|op| op.function == Function::Send && op.is_ok()) {
        let (Some(node), Some(micros)) = (send.node, send.result.as_list()) else { continue };
        for micro in micros.iter() {
            let parts = micro.as_list().unwrap_or_default();
            let [_, key, sent] = parts.as_ref() else { continue };
            let Some(offset) = sent.as_list().and_then(|sent| sent.first()?.as_int()) else {
                continue;
            };
            let giver = givers.entry((key.to_string(), offset)).or_insert(node);
            if *giver != node {
                let name = |node: u16| history.nodes.get(usize::from(node)).cloned();
                let (one, other) = (name(*giver)?, name(node)?);
                return Some(format!(
                    "{one} and {other} number the messages of a key each by itself: both gave out \
                     offset {offset} of key {}",
                    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
                ));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
