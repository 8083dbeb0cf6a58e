//! The versions that each key went through.

use super::After;
use crate::txn::table::{NONE, Table};

/// For each key the order of its elements, and who appended what was never read.
#[derive(Debug)]
pub(crate) struct Versions {
    elements: Vec<u32>,
    starts: Vec<u32>,
    open: Vec<u32>,
    open_starts: Vec<u32>,
    /// Each element's place in its key's order.
    places: Vec<u32>,
}

impl Versions {
    /// Takes the versions from the longest reads.
    pub(crate) fn new(table: &Table) -> Versions {
        let mut places = vec![NONE; table.elements.len()];
        let mut elements = Vec::with_capacity(table.elements.len());
        let mut starts = vec![0];
        for key in 0..table.keys.len() as u32 {
            let begin = elements.len();
            for element in table.spine(key) {
                let place = &mut places[*element as usize];
                if *place == NONE {
                    *place = (elements.len() - begin) as u32;
                    elements.push(*element);
                }
            }
            starts.push(elements.len() as u32);
        }
        let is_open = |element: &u32| {
            let writer = table.elements.writer(*element);
            places[*element as usize] == NONE && writer != NONE && table.is_possible(writer)
        };
        let key_and_writer =
            |element| (table.elements.key(element), table.elements.writer(element));
        let mut open: Vec<(u32, u32)> =
            table.elements.all().filter(is_open).map(key_and_writer).collect();
        open.sort_unstable();
        open.dedup();
        let mut open_starts = Vec::with_capacity(table.keys.len() + 1);
        let mut at = 0;
        for key in 0..=table.keys.len() as u32 {
            while open.get(at).is_some_and(|(other, _)| *other < key) {
                at += 1;
            }
            open_starts.push(at as u32);
        }
        let open = open.into_iter().map(|(_, writer)| writer).collect();
        Versions { elements, starts, open, open_starts, places }
    }

    /// The elements of a key in the order in which they were appended.
    pub(crate) fn order(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.elements[self.starts[key] as usize..self.starts[key + 1] as usize]
    }

    /// The transactions that appended what was never read, in ascending order.
    pub(crate) fn open_writers(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.open[self.open_starts[key] as usize..self.open_starts[key + 1] as usize]
    }

    /// An element's place in its key's order.
    pub(crate) fn place(&self, element: u32) -> Option<u32> {
        Some(self.places[element as usize]).filter(|place| *place != NONE)
    }

    /// What follows the version whose last element this is.
    pub(crate) fn after(&self, table: &Table, key: u32, last: Option<u32>) -> After {
        debug_assert!(last.is_none_or(|last| table.elements.key(last) == key));
        let next = match last.map(|last| self.place(last)) {
            None => 0,
            Some(Some(place)) => place + 1,
            Some(None) => return After::Unknown,
        };
        self.order(key).get(next as usize).map_or(After::Open, |element| After::Element(*element))
    }

    /// The element appended just before this one, as far as is known: for one that was never read,
    /// the last that was. `None` if there is none.
    pub(crate) fn before(&self, table: &Table, element: u32) -> Option<u32> {
        let order = self.order(table.elements.key(element));
        match self.place(element) {
            Some(place) => place.checked_sub(1).map(|before| order[before as usize]),
            None => order.last().copied(),
        }
    }
}
