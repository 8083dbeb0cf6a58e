//! Orders of versions in words.

use super::touched::Touched;
use super::{Because, Circle};
use crate::check::{Anomaly, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::some_of;
use crate::txn::table::Table;

/// Values of a key that come before themselves.
pub(super) fn circle(table: &Table, touched: &Touched, circle: &Circle) -> Anomaly {
    let key = table.key_text(circle.key);
    let named = |version| version_text(table, touched, version);
    let texts: Vec<String> = circle.versions.iter().map(|(version, _)| named(*version)).collect();
    let claim = match texts.as_slice() {
        [one, other] => format!("{one} and {other} each came before the other"),
        _ => format!("{} came one after another, in a circle", some_of(texts.iter(), PROOF_MAX)),
    };
    let claim = format!("{key} is not {}, as was assumed: {claim}", circle.assumption);
    let mut steps = Vec::new();
    let mut operations: Vec<u32> = Vec::new();
    for (at, (before, reason)) in circle.versions.iter().enumerate() {
        let after = circle.versions[(at + 1) % circle.versions.len()].0;
        let sentence = because(table, touched, (*before, after), *reason, &[]);
        steps.push(format!("{} before {}: {sentence}", named(*before), named(after)));
        let transactions = match *reason {
            Because::Nothing => Vec::new(),
            Because::Update(transaction) => vec![transaction],
            Because::Process(first, second) | Because::Realtime(first, second) => {
                vec![first, second]
            }
        };
        for index in transactions.into_iter().map(|transaction| table.index(transaction)) {
            if !operations.contains(&index) && operations.len() < PROOF_MAX {
                operations.push(index);
            }
        }
    }
    Anomaly { steps, ..Anomaly::new(Kind::CyclicVersions, claim, operations) }
}

fn version_text(table: &Table, touched: &Touched, version: u32) -> String {
    match touched.is_nothing(version) {
        true => "nothing".to_owned(),
        false => table.value_text(version),
    }
}

/// Why one version comes before another. Transactions without a name are called by their number.
pub(super) fn because(
    table: &Table,
    touched: &Touched,
    (before, after): (u32, u32),
    because: Because,
    names: &[(u32, &str)],
) -> String {
    let named = |transaction: u32| names.iter().find(|(other, _)| *other == transaction);
    let name = |transaction: u32| {
        named(transaction)
            .map_or_else(|| table.operation_text(transaction), |(_, name)| (*name).to_owned())
    };
    let key = table.key_text(touched.key(table, before));
    // What a transaction did with a version of the key.
    let did = |transaction: u32, version: u32| {
        let value = version_text(table, touched, version);
        match !touched.is_nothing(version) && table.elements.writer(version) == transaction {
            true => format!("set {key} to {value}"),
            false => format!("read {key} as {value}"),
        }
    };
    match because {
        Because::Nothing => format!("{key} held nothing at first"),
        Because::Update(transaction) => {
            let (read, written) = (did(transaction, before), version_text(table, touched, after));
            format!("{} {read} and set it to {written}", name(transaction))
        }
        Because::Process(first, second) => format!(
            "process {} {} ({}) before it {} ({})",
            table.transactions[first as usize].process,
            did(first, before),
            name(first),
            did(second, after),
            name(second),
        ),
        Because::Realtime(first, second) => {
            let began = match named(second) {
                Some((_, name)) => (*name).to_owned(),
                None => format!("{}, which {},", name(second), did(second, after)),
            };
            let ended = match named(first) {
                Some((_, name)) => (*name).to_owned(),
                None => format!("{} {} and", name(first), did(first, before)),
            };
            let completion = table.transactions[first as usize].completion;
            format!("{ended} was acknowledged (event {completion}) before {began} was invoked")
        }
    }
}
