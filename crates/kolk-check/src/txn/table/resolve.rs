//! Finding the elements that were read, once all writes are known.
//!
//! Reads come in no order that the processor's caches could follow. So keys are taken in groups
//! whose values fit these: what was written and read is dealt out to the groups, keeping its order,
//! each group looks up its own, on any thread, and what was found is collected in the order of the
//! reads.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::NONE;
use super::elements::Elements;
use super::index::Index;

/// About how many writes a group has.
const GROUP_WRITES: usize = 1 << 15;

/// A value of a key, written or read.
#[derive(Clone, Copy, Debug, Default)]
struct Item {
    key: u32,
    /// [`NONE`] if nobody wrote it.
    element: u32,
    code: i64,
}

/// Groups of keys with consecutive numbers.
struct Groups {
    /// Where each begins, and the end of the last.
    starts: Vec<u32>,
    /// By key.
    of: Vec<u32>,
}

impl Groups {
    fn new(elements: &Elements, keys: usize) -> Groups {
        let mut writes = vec![0u32; keys];
        for element in elements.all() {
            writes[elements.key(element) as usize] += 1;
        }
        let mut groups = Groups { starts: vec![0], of: Vec::with_capacity(keys) };
        let mut size = 0;
        for (key, writes) in writes.iter().enumerate() {
            if size >= GROUP_WRITES {
                groups.starts.push(key as u32);
                size = 0;
            }
            groups.of.push(groups.starts.len() as u32 - 1);
            size += *writes as usize;
        }
        groups.starts.push(keys as u32);
        groups
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Deals items out to the groups of their keys. Gives them group by group.
    fn deal(&self, items: impl Iterator<Item = Item> + Clone) -> (Vec<usize>, Vec<Item>) {
        let mut starts = vec![0; self.count() + 1];
        for item in items.clone() {
            starts[self.of[item.key as usize] as usize + 1] += 1;
        }
        for group in 0..self.count() {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut dealt = vec![Item::default(); starts[self.count()]];
        for item in items {
            let place = &mut next[self.of[item.key as usize] as usize];
            dealt[*place] = item;
            *place += 1;
        }
        (starts, dealt)
    }
}

/// What is found: elements of reads, in their order.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub reads: Vec<u32>,
    /// The elements of the keys' lists, key by key.
    pub spines: Vec<u32>,
    /// Values written again: the element and the one that repeats it, as they were written.
    pub duplicates: Vec<(u32, u32)>,
}

/// Finds the elements of reads of registers, each a key and a code, and of the lists of keys. What
/// nobody wrote becomes an element of nobody's.
pub(super) fn resolve(
    elements: &mut Elements,
    reads: impl Iterator<Item = (u32, i64)> + Clone,
    spines: &[Vec<i64>],
) -> Resolved {
    let groups = Groups::new(elements, spines.len());
    let written =
        |element| Item { key: elements.key(element), element, code: elements.code(element) };
    let (write_starts, writes) = groups.deal(elements.all().map(written));
    let read = |(key, code)| Item { key, element: NONE, code };
    let (read_starts, mut found) = groups.deal(reads.clone().map(read));
    let mut rest = found.as_mut_slice();
    let mut work = Vec::with_capacity(groups.count());
    for group in 0..groups.count() {
        let (reads, others) = rest.split_at_mut(read_starts[group + 1] - read_starts[group]);
        rest = others;
        let writes = &writes[write_starts[group]..write_starts[group + 1]];
        let keys = groups.starts[group] as usize..groups.starts[group + 1] as usize;
        work.push(Group { first_key: groups.starts[group], writes, reads, spines: &spines[keys] });
    }
    let done: Vec<Resolved> = match work.len() {
        0 | 1 => work.into_iter().map(Group::resolve).collect(),
        _ => work.into_par_iter().map(Group::resolve).collect(),
    };
    let mut resolved = Resolved::default();
    for group in done {
        resolved.spines.extend(group.spines);
        resolved.duplicates.extend(group.duplicates);
    }
    resolved.duplicates.sort_unstable_by_key(|(_, again)| *again);
    let mut unwritten = Unwritten::default();
    let mut next = read_starts;
    resolved.reads.reserve_exact(found.len());
    for (key, code) in reads {
        let place = &mut next[groups.of[key as usize] as usize];
        let element = found[*place].element;
        *place += 1;
        resolved.reads.push(unwritten.or(elements, element, key, code));
    }
    let codes =
        (0..).zip(spines).flat_map(|(key, spine)| spine.iter().map(move |code| (key, *code)));
    for (element, (key, code)) in resolved.spines.iter_mut().zip(codes) {
        *element = unwritten.or(elements, *element, key, code);
    }
    resolved
}

/// Elements of values that nobody wrote.
#[derive(Debug, Default)]
struct Unwritten(FxHashMap<(u32, i64), u32>);

impl Unwritten {
    /// The element, or if there is none, that of nobody's.
    #[inline]
    fn or(&mut self, elements: &mut Elements, element: u32, key: u32, code: i64) -> u32 {
        if element != NONE {
            return element;
        }
        *self.0.entry((key, code)).or_insert_with(|| elements.push(key, code, NONE))
    }
}

/// What was written to the keys of a group, and what is looked for.
struct Group<'a> {
    first_key: u32,
    writes: &'a [Item],
    reads: &'a mut [Item],
    spines: &'a [Vec<i64>],
}

impl Group<'_> {
    fn resolve(self) -> Resolved {
        let mut resolved = Resolved::default();
        let mut indices = vec![Index::default(); self.spines.len()];
        for write in self.writes {
            let index = &mut indices[(write.key - self.first_key) as usize];
            match index.get(write.code) {
                Some(element) => resolved.duplicates.push((element, write.element)),
                None => index.insert(write.code, write.element),
            }
        }
        for read in self.reads {
            let index = &indices[(read.key - self.first_key) as usize];
            read.element = index.get(read.code).unwrap_or(NONE);
        }
        for (index, spine) in indices.iter().zip(self.spines) {
            let elements = spine.iter().map(|code| index.get(*code).unwrap_or(NONE));
            resolved.spines.extend(elements);
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolk_protocol::Key;
    use std::collections::BTreeMap;

    /// Many groups find what one map of everything finds.
    #[test]
    fn finds_what_was_written_wherever_it_is() {
        const KEYS: u32 = 40;
        for (seed, writes) in [(1, 100), (2, 3 * GROUP_WRITES)] {
            let mut random = Key::new(seed).random();
            let mut elements = Elements::default();
            let mut known: BTreeMap<(u32, i64), u32> = BTreeMap::new();
            let mut duplicates = Vec::new();
            for writer in 0..writes as u32 {
                let (key, code) =
                    (random.index(KEYS as usize) as u32, random.index(1 << 30) as i64);
                let element = elements.push(key, code, writer);
                match known.get(&(key, code)) {
                    Some(first) => duplicates.push((*first, element)),
                    None => drop(known.insert((key, code), element)),
                }
            }
            let (first, again) = (elements.key(7), elements.code(7));
            duplicates.push((7, elements.push(first, again, writes as u32)));
            let mut reads: Vec<(u32, i64)> = (0..writes as u32)
                .map(|_| random.index(writes) as u32)
                .map(|element| (elements.key(element), elements.code(element)))
                .collect();
            // Nobody wrote these; the first is read twice, and in a list too.
            reads.extend([(3, -1), (KEYS - 1, -1), (3, -1)]);
            let mut spines = vec![Vec::new(); KEYS as usize];
            spines[3] = vec![-1, -2];
            spines[first as usize].push(again);
            let resolved = resolve(&mut elements, reads.iter().copied(), &spines);
            let nobodys = writes as u32 + 1;
            for (read, element) in reads.iter().zip(&resolved.reads).take(writes) {
                assert_eq!(known.get(read), Some(element));
            }
            assert_eq!(resolved.reads[writes..], [nobodys, nobodys + 1, nobodys]);
            let mut lists = spines
                .iter()
                .zip(0..)
                .flat_map(|(list, key)| list.iter().map(move |code| (key, *code)));
            for element in &resolved.spines {
                let (key, code) = lists.next().unwrap();
                assert_eq!((elements.key(*element), elements.code(*element)), (key, code));
            }
            assert_eq!(elements.len() as u32, nobodys + 3);
            assert_eq!(resolved.duplicates, duplicates);
        }
    }
}
