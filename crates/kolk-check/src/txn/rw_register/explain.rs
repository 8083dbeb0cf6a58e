//! Dependencies between transactions in words.

use super::assumed::Assumed;
use super::versions::Versions;
use crate::txn::graph::Kinds;
use crate::txn::table::Table;

/// What there is to explain with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Explainer<'a> {
    pub table: &'a Table,
    pub versions: &'a Versions,
    pub assumed: Option<&'a Assumed>,
}

impl Explainer<'_> {
    /// Why one transaction comes before another, by an edge of that kind. Each is called by the
    /// name beside it.
    pub(super) fn edge(&self, kind: Kinds, from: (u32, &str), to: (u32, &str)) -> Option<String> {
        match kind {
            Kinds::WR => self.saw(from, to),
            Kinds::WW => self.overwrote(from, to),
            Kinds::RW => self.did_not_see(from, to),
            _ => None,
        }
    }

    fn saw(&self, (from, one): (u32, &str), (to, other): (u32, &str)) -> Option<String> {
        self.table.micro_ops(to).iter().find_map(|read| {
            let element = (!read.is_write()).then(|| self.table.last_read(*read))???;
            (self.wrote(from, element) && self.read(to, element)).then(|| {
                let (key, value) = self.key_and_value(element);
                format!("{other} read {key} as {value}, which {one} wrote")
            })
        })
    }

    fn overwrote(&self, from: (u32, &str), to: (u32, &str)) -> Option<String> {
        let (one, other) = (from.1, to.1);
        let by_update = self.written(to.0).find_map(|element| {
            let before = self.versions.before(element)?;
            self.wrote(from.0, before).then(|| {
                let ((key, first), (_, second)) =
                    (self.key_and_value(before), self.key_and_value(element));
                format!("{other} read {one}'s {first} of {key} and overwrote it with {second}")
            })
        });
        by_update.or_else(|| {
            let (before, after, reason) =
                self.assumed(from, to, |before| self.wrote(from.0, before))?;
            let ((key, first), (_, second)) =
                (self.key_and_value(before), self.key_and_value(after));
            Some(format!(
                "{one} set {key} to {first} before {other} set it to {second}, because {reason}"
            ))
        })
    }

    fn did_not_see(&self, from: (u32, &str), to: (u32, &str)) -> Option<String> {
        let (one, other) = (from.1, to.1);
        let by_update = self.written(to.0).find_map(|element| {
            let (key, second) = self.key_and_value(element);
            let of_nothing = self.versions.readers_of_nothing(self.table.elements.key(element));
            if of_nothing.binary_search(&from.0).is_ok() {
                return Some(format!(
                    "{one} read {key} as nothing, so it did not see {other}'s write of {second}"
                ));
            }
            let before = self.versions.before(element)?;
            self.read(from.0, before).then(|| {
                let (_, first) = self.key_and_value(before);
                format!(
                    "{one} read {key} as {first}, which {other} read too and overwrote with \
                     {second}"
                )
            })
        });
        by_update.or_else(|| {
            let (before, after, reason) =
                self.assumed(from, to, |before| self.read(from.0, before))?;
            let ((key, first), (_, second)) =
                (self.key_and_value(before), self.key_and_value(after));
            Some(format!(
                "{one} read {key} as {first}, which comes before {other}'s {second}, because \
                 {reason}"
            ))
        })
    }

    /// A version that the first had and one that the second wrote, which an assumption puts after
    /// the other, and why.
    fn assumed(
        &self,
        from: (u32, &str),
        to: (u32, &str),
        had: impl Fn(u32) -> bool,
    ) -> Option<(u32, u32, String)> {
        let (table, assumed) = (self.table, self.assumed?);
        self.written(to.0).find_map(|after| {
            let key = table.elements.key(after);
            table.micro_ops(from.0).iter().filter(|micro_op| micro_op.key() == key).find_map(
                |micro_op| {
                    let before = match micro_op.is_write() {
                        true => Some(micro_op.element()),
                        false => table.last_read(*micro_op).flatten(),
                    };
                    let before = before.filter(|before| *before != after && had(*before))?;
                    let reason = assumed.reason(table, (before, after), &[from, to])?;
                    Some((before, after, reason))
                },
            )
        })
    }

    /// What a transaction wrote, as others can see it.
    fn written(&self, transaction: u32) -> impl Iterator<Item = u32> {
        let writes = self.table.micro_ops(transaction).iter().filter(|write| write.is_write());
        let elements = writes.map(|write| write.element());
        elements.filter(move |element| self.wrote(transaction, *element))
    }

    fn wrote(&self, transaction: u32, element: u32) -> bool {
        self.versions.writer(self.table, element) == Some(transaction)
    }

    fn read(&self, transaction: u32, element: u32) -> bool {
        self.versions.readers(element).binary_search(&transaction).is_ok()
    }

    fn key_and_value(&self, element: u32) -> (String, String) {
        let key = self.table.elements.key(element);
        (self.table.key_text(key), self.table.value_text(element))
    }
}
