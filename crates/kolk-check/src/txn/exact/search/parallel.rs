//! The search for orders of each key's writes in which nobody sees what it must not.
//!
//! Every two writers of a key that stand next to each other are decided upon, as the order of all
//! that was made so far has them. Where a reader then sees who overwrote what it read, that is a
//! conflict, as a cycle is.

use super::super::order::{Link, Order};
use super::super::parallel::{self, Unseen};
use super::{End, Literal, Search};

impl Search<'_> {
    /// Goes round all keys until none has anything left to say.
    pub(super) fn see(&mut self, order: &mut Order<'_>) -> End {
        let keys = self.problem.facts.table.keys.len();
        let (mut key, mut quiet) = (0, 0);
        while quiet < keys {
            match self.look_at(order, key as u32) {
                None => return End::Contradiction,
                Some(_) if order.work > self.work_max => return End::Stopped,
                // What this key has to say was said.
                Some(true) => quiet = 1,
                Some(false) => quiet += 1,
            }
            key = (key + 1) % keys;
        }
        End::Order
    }

    /// Orders a key's writers and looks at its readers: whether anything new came of it, or nothing
    /// if there is no way out.
    fn look_at(&mut self, order: &mut Order<'_>, key: u32) -> Option<bool> {
        let mut is_new = false;
        loop {
            let elements = self.places.all(self.problem, order, key).to_vec();
            let is_settled = self.decide_all(order, &elements, &mut is_new)?;
            if order.work > self.work_max {
                return Some(is_new);
            }
            if !is_settled {
                continue;
            }
            let Some(conflict) = self.seen(order, key, &elements) else { return Some(is_new) };
            is_new = true;
            if !self.take_back(order, conflict) || !self.propagate(order) {
                return None;
            }
        }
    }

    /// Decides upon each two that stand next to each other; whether they stand so, and are decided
    /// so, in the end.
    fn decide_all(
        &mut self,
        order: &mut Order<'_>,
        elements: &[u32],
        is_new: &mut bool,
    ) -> Option<bool> {
        for pair in elements.windows(2) {
            let literal = self.literal(pair[0], pair[1]);
            if self.clauses.value(literal).is_none() {
                *is_new = true;
                if order.position[self.commit(pair[0]) as usize]
                    > order.position[self.commit(pair[1]) as usize]
                {
                    return Some(false);
                }
                self.clauses.decide(literal);
                if !self.propagate(order) {
                    return None;
                }
            }
        }
        order.moved.clear();
        let mut pairs = elements.windows(2);
        Some(pairs.all(|pair| {
            let literal = self.literal(pair[0], pair[1]);
            self.clauses.value(literal) == Some(true)
        }))
    }

    /// The clause of a reader that sees what it must not, if there is one.
    fn seen(&mut self, order: &mut Order<'_>, key: u32, elements: &[u32]) -> Option<u32> {
        let mut found: Option<(Vec<Link>, Unseen)> = None;
        parallel::unseen(self.problem.facts, key, elements, |pair| {
            if found.is_none() {
                let path = order.path_between(pair.writer, pair.reader);
                found = path.map(|path| (path, pair));
            }
        });
        let (path, Unseen { reader, writer, because }) = found?;
        let mut literals: Vec<Literal> =
            path.iter().filter_map(|link| link.choice).map(Literal::of_number).collect();
        literals.extend(because.map(|(first, second)| self.literal(first, second)));
        let members = path.iter().filter_map(|link| self.problem.transaction(link.from));
        let members = members.chain([reader, writer]).collect();
        Some(self.contradict(literals, members))
    }
}
