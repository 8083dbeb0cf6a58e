//! What nodes say of their [state](NodeState) in their logs, as the page has it.

use kolk_history::NodeState;

use super::columns::{Columns, or_zero};
use super::intern::Names;

/// How many names of roles and leaders are told apart: nobody reads more, and a node can invent as
/// many as it likes.
const NAMES_MAX: usize = 1000;
/// How long such a name may be, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// The states of a node's log, in the order of their lines.
#[derive(Debug, Default)]
pub struct States {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    line: u64,
    role: Option<u32>,
    leader: Option<u32>,
    /// Each is 0 where nothing is said, else one more.
    numbers: [u64; 4],
}

impl States {
    /// Takes a line, if it is a state; `number` is its place in the log, from 0.
    pub fn take(&mut self, number: u64, line: &[u8], names: &mut Names) {
        let Some(state) = NodeState::read(line) else { return };
        let mut name = |name: Option<String>| Some(short_number(&name?, names));
        let (first, last) = state.log.unzip();
        let one_more = |number: Option<u64>| number.map_or(0, |number| number.saturating_add(1));
        self.rows.push(Row {
            line: number,
            role: name(state.role),
            leader: name(state.leader),
            numbers: [state.term, state.commit, first, last].map(one_more),
        });
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The columns of their table: line, role, leader, term, commit, first and last of the log.
    pub fn columns(&self) -> Columns {
        let mut columns = Columns::default();
        let rows = || self.rows.iter();
        columns.differences(rows().map(|row| row.line));
        columns.plain(rows().map(|row| or_zero(row.role)));
        columns.plain(rows().map(|row| or_zero(row.leader)));
        for place in 0..4 {
            columns.differences(rows().map(|row| row.numbers[place]));
        }
        columns
    }
}

/// The number of a name that is cut to what anybody reads.
fn short_number(name: &str, names: &mut Names) -> u32 {
    let most = NAME_BYTES_MAX.min(name.len());
    let end = (0..=most).rev().find(|at| name.is_char_boundary(*at)).unwrap_or_default();
    let short = &name[..end];
    let is_new =
        names.list().len() >= NAMES_MAX && !names.list().iter().any(|known| known == short);
    names.number(if is_new { "…" } else { short })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that invents names does not fill the page with them.
    #[test]
    fn names_are_bounded() {
        let (mut names, mut states) = (Names::default(), States::default());
        for number in 0..3 * NAMES_MAX as u64 {
            let line =
                format!("state {{\"role\":\"{}{number}\"}}", "é".repeat((number % 90) as usize));
            states.take(number, line.as_bytes(), &mut names);
        }
        assert_eq!(states.count(), 3 * NAMES_MAX);
        assert!(names.list().len() <= NAMES_MAX + 1);
        assert!(names.list().iter().all(|name| name.len() <= NAME_BYTES_MAX));
    }
}
