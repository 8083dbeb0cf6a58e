//! Lists that were read and do not fit together.

use rustc_hash::FxHashMap;

use super::elements::Elements;
use super::{MicroOp, NONE, ODD, Odd, UNKNOWN};

/// A list that was no prefix of the spine when it was read.
#[derive(Debug)]
pub(super) struct OddList {
    pub operation: u32,
    pub key: u32,
    pub codes: Vec<i64>,
}

/// The same lists with their elements. What nobody wrote becomes an element of nobody's.
pub(super) fn resolve(odd: Vec<OddList>, elements: &mut Elements) -> Vec<Odd> {
    let mut keys: Vec<u32> = odd.iter().map(|list| list.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut known: FxHashMap<(u32, i64), u32> = FxHashMap::default();
    for element in elements.all().filter(|_| !keys.is_empty()) {
        let key = elements.key(element);
        if keys.binary_search(&key).is_ok() {
            known.entry((key, elements.code(element))).or_insert(element);
        }
    }
    let mut lists = Vec::with_capacity(odd.len());
    for OddList { operation, key, codes } in odd {
        let element =
            |code| *known.entry((key, code)).or_insert_with(|| elements.push(key, code, NONE));
        lists.push(Odd { operation, key, elements: codes.into_iter().map(element).collect() });
    }
    lists
}

/// Makes the longest list of each key its spine, where reads disagree; the first of several.
pub(super) fn choose_spines(
    spines: &mut [Vec<i64>],
    odd: &mut Vec<OddList>,
    operations: &mut [MicroOp],
) {
    if odd.is_empty() {
        return;
    }
    let mut is_odd = vec![false; spines.len()];
    let mut longest: Vec<Option<usize>> = vec![None; spines.len()];
    for (at, list) in odd.iter().enumerate() {
        let key = list.key as usize;
        is_odd[key] = true;
        let length = longest[key].map_or(spines[key].len(), |best| odd[best].codes.len());
        if list.codes.len() > length {
            longest[key] = Some(at);
        }
    }
    let before = std::mem::take(odd);
    let old: Vec<Vec<i64>> = longest
        .iter()
        .zip(&mut *spines)
        .map(|(best, spine)| match best {
            Some(best) => std::mem::replace(spine, before[*best].codes.clone()),
            None => Vec::new(),
        })
        .collect();
    for (at, operation) in operations.iter_mut().enumerate() {
        let key = operation.key();
        let number = key as usize;
        if operation.is_write() || !is_odd[number] || operation.value == UNKNOWN {
            continue;
        }
        let codes = if operation.value & ODD != 0 {
            before[(operation.value & !ODD) as usize].codes.as_slice()
        } else if longest[number].is_some() {
            &old[number][..operation.value as usize]
        } else {
            continue;
        };
        operation.value = if spines[number].starts_with(codes) {
            codes.len() as u32
        } else {
            odd.push(OddList { operation: at as u32, key, codes: codes.to_vec() });
            ODD | (odd.len() - 1) as u32
        };
    }
}
