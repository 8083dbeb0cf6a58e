//! Who surely wrote over whom, even where what was not committed can be read: of transactions that
//! were acknowledged.

use crate::txn::records::{Op, Record};
use crate::txn::table::Datatype;

/// Pairs of records, the earlier first.
pub(super) fn all(kind: Datatype, records: &[Record]) -> Vec<(usize, usize)> {
    match kind {
        Datatype::Register => registers(records),
        Datatype::List => lists(records),
    }
}

fn writer(records: &[Record], key: i64, value: i64) -> Option<usize> {
    let wrote = |record: &Record| record.is_ok() && record.writes(key).any(|own| own == value);
    records.iter().position(wrote)
}

/// Who read a value and set the key later wrote over the value's writer.
fn registers(records: &[Record]) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (later, record) in records.iter().enumerate().filter(|(_, record)| record.is_ok()) {
        for (at, op) in record.ops.iter().enumerate() {
            let Op::Read(key, seen) = op else { continue };
            let sets_it = record.ops[at..].iter().any(|op| op.writes(*key).is_some());
            let earlier = seen.last().and_then(|value| writer(records, *key, *value));
            if let Some(earlier) = earlier.filter(|earlier| sets_it && *earlier != later) {
                all.push((earlier, later));
            }
        }
    }
    all
}

/// What all that read so far agree on came in that order, and before all else.
fn lists(records: &[Record]) -> Vec<(usize, usize)> {
    let acknowledged = || records.iter().filter(|record| record.is_ok());
    let ops = || acknowledged().flat_map(|record| &record.ops);
    let mut keys: Vec<i64> = ops().map(Op::key).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut all = Vec::new();
    for key in keys {
        let lists: Vec<Vec<i64>> = ops()
            .filter_map(|op| match op {
                Op::Read(other, seen) if *other == key => Some(seen),
                _ => None,
            })
            .map(|seen| {
                let is_committed = |value: &i64| writer(records, key, *value).is_some();
                seen.iter().copied().filter(is_committed).collect()
            })
            .collect();
        let mut agreed: Vec<i64> = Vec::new();
        while let Some(next) = lists.iter().find_map(|list| list.get(agreed.len())) {
            let here = lists.iter().filter_map(|list| list.get(agreed.len()));
            let own: Vec<i64> = writer(records, key, *next)
                .map(|writer| records[writer].writes(key).take_while(|own| own != next).collect())
                .unwrap_or_default();
            let is_whole = own.iter().all(|own| agreed.contains(own));
            if !here.into_iter().all(|other| other == next) || !is_whole {
                break;
            }
            agreed.push(*next);
        }
        let rest = acknowledged().flat_map(|record| record.writes(key));
        let rest: Vec<i64> = rest.filter(|value| !agreed.contains(value)).collect();
        let mut pairs: Vec<(i64, i64)> = agreed.windows(2).map(|two| (two[0], two[1])).collect();
        pairs.extend(agreed.last().into_iter().flat_map(|last| rest.iter().map(|e| (*last, *e))));
        for (one, other) in pairs {
            let both = (writer(records, key, one), writer(records, key, other));
            if let (Some(earlier), Some(later)) = both
                && earlier != later
            {
                all.push((earlier, later));
            }
        }
    }
    all
}
