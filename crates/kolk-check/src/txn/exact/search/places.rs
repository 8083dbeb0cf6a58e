//! Each key's writes in the order of events, kept as events move.
//!
//! A key may have many writes of which few move at a time: only these are put elsewhere, and only
//! what then stands next to them is looked at again.

use super::super::order::Order;
use super::super::problem::{Facts, Problem};
use super::Pair;

#[derive(Debug)]
pub(super) struct Places {
    /// Key by key, as the [facts](Facts::elements) have them, each key's in order.
    in_order: Vec<u32>,
    /// By element: where its write was when it was put in order last.
    put_at: Vec<u32>,
    /// By key: what has to be looked at, each once.
    touched: Vec<Vec<u32>>,
    is_touched: Vec<bool>,
    /// By transaction, where its elements begin.
    starts: Vec<u32>,
    /// What each transaction wrote or read, of what others can see.
    elements: Vec<u32>,
}

impl Places {
    /// In no order yet: all of each key has to be looked at.
    pub(super) fn new(facts: &Facts<'_>) -> Places {
        let table = facts.table;
        let keys = 0..table.keys.len() as u32;
        let mut places = Places {
            in_order: Vec::new(),
            put_at: vec![0; table.elements.len()],
            touched: keys.clone().map(|key| facts.elements(key).to_vec()).collect(),
            is_touched: vec![false; table.elements.len()],
            starts: vec![0; table.len() + 1],
            elements: Vec::new(),
        };
        let all = || keys.clone().flat_map(|key| facts.elements(key));
        places.in_order.extend(all());
        let whose =
            |element: u32| std::iter::once(facts.writer(element)).chain(facts.readers(element));
        for element in all() {
            places.is_touched[*element as usize] = true;
            whose(*element).for_each(|whose| places.starts[whose as usize + 1] += 1);
        }
        for transaction in 0..table.len() {
            places.starts[transaction + 1] += places.starts[transaction];
        }
        places.elements.resize(places.starts[table.len()] as usize, 0);
        let mut next = places.starts.clone();
        for element in all() {
            for whose in whose(*element) {
                places.elements[next[whose as usize] as usize] = *element;
                next[whose as usize] += 1;
            }
        }
        places
    }

    /// Lets an element be looked at, as what it is next to may have changed. Whether nothing of its
    /// key was to be looked at before.
    pub(super) fn touch(&mut self, element: u32, key: u32) -> bool {
        if std::mem::replace(&mut self.is_touched[element as usize], true) {
            return false;
        }
        let touched = &mut self.touched[key as usize];
        touched.push(element);
        touched.len() == 1
    }

    /// What a transaction wrote or read, by number; nothing if there is no more.
    pub(super) fn of(&self, transaction: u32, number: u32) -> Option<u32> {
        let at = self.starts[transaction as usize] + number;
        (at < self.starts[transaction as usize + 1]).then(|| self.elements[at as usize])
    }

    /// A key's elements in the order of their writes.
    pub(super) fn all(&mut self, problem: &Problem<'_>, order: &mut Order<'_>, key: u32) -> &[u32] {
        let range = problem.facts.places(key);
        order.work += 4 * range.len() as u64;
        let elements = &mut self.in_order[range];
        // Mostly they are nearly in order, of which this sort makes use.
        elements.sort_by_key(|element| order.position[commit(problem, *element) as usize]);
        elements
    }

    /// Puts those of a key in order that have to be looked at, and gives each two that stand next
    /// to each other and of which one was.
    pub(super) fn look(
        &mut self,
        problem: &Problem<'_>,
        order: &mut Order<'_>,
        key: u32,
    ) -> Vec<Pair> {
        let touched = std::mem::take(&mut self.touched[key as usize]);
        let position =
            |order: &Order<'_>, element| order.position[commit(problem, element) as usize];
        for element in &touched {
            self.is_touched[*element as usize] = false;
        }
        let range = problem.facts.places(key);
        if 4 * touched.len() >= range.len() {
            for element in &touched {
                self.put_at[*element as usize] = position(order, *element);
            }
            let all = self.all(problem, order, key);
            return all.windows(2).map(|pair| (pair[0], pair[1])).collect();
        }
        let (elements, put_at) = (&mut self.in_order[range], &mut self.put_at);
        order.work += (elements.len() / 32 + 32 * touched.len()) as u64;
        let mut left = elements.len();
        let mut firsts = touched.clone();
        let place = |elements: &[u32], put_at: &[u32], element: u32| {
            elements.partition_point(|other| put_at[*other as usize] < put_at[element as usize])
        };
        for element in &touched {
            let at = place(&elements[..left], put_at, *element);
            elements.copy_within(at + 1..left, at);
            left -= 1;
            firsts.extend(at.checked_sub(1).map(|before| elements[before]));
        }
        for element in &touched {
            put_at[*element as usize] = position(order, *element);
        }
        for element in &touched {
            let at = place(&elements[..left], put_at, *element);
            elements.copy_within(at..left, at + 1);
            elements[at] = *element;
            left += 1;
        }
        for element in &touched {
            let at = place(elements, put_at, *element);
            firsts.extend(at.checked_sub(1).map(|before| elements[before]));
        }
        firsts.sort_unstable_by_key(|element| put_at[*element as usize]);
        firsts.dedup();
        let pair = |first: u32| {
            let next = elements.get(place(elements, put_at, first) + 1)?;
            Some((first, *next))
        };
        firsts.into_iter().filter_map(pair).collect()
    }
}

fn commit(problem: &Problem<'_>, element: u32) -> u32 {
    problem.commit(problem.facts.writer(element))
}
