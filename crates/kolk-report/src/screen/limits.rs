//! What a challenge asks for, beside what was measured.

use crate::facts::{Held, HeldLimit};
use crate::numbers::{counted, ratio};
use crate::sanitize::sanitize;
use crate::style::Role;
use crate::table::Cell;

/// A row for each limit: `✗ median stable latency  412 ms  (3d speed: < 400 ms)`.
pub fn rows(held: &Held) -> Vec<Vec<Cell>> {
    held.limits.iter().map(|limit| row(held, limit)).collect()
}

fn row(held: &Held, limit: &HeldLimit) -> Vec<Cell> {
    let shown = |value: f64| match limit.unit.as_str() {
        "" => ratio(value),
        unit => format!("{} {unit}", ratio(value)),
    };
    let (role, mark) = match (limit.below, limit.holds) {
        (None, _) => (Role::Faint, '·'),
        (Some(_), true) => (Role::Good, '✓'),
        (Some(_), false) => (Role::Bad, '✗'),
    };
    let asked = limit.below.map_or(String::new(), |below| {
        format!("(challenge {} asks for < {})", held.id, shown(below))
    });
    vec![
        Cell::left(&limit.name).mark(mark, role),
        Cell::right(limit.value.map_or_else(|| "–".to_owned(), shown)),
        Cell::left(asked).role(Role::Faint),
    ]
}

/// `, but 1 of 3 limits of challenge 3d does not hold`; nothing if all do.
pub fn broken(held: &Held) -> Option<String> {
    let limits = || held.limits.iter().filter(|limit| limit.below.is_some());
    let broken = limits().filter(|limit| !limit.holds).count() as u64;
    let verb = if broken == 1 { "does" } else { "do" };
    let all = counted(limits().count() as u64, "limit", "limits");
    (broken > 0)
        .then(|| format!("{broken} of {all} of challenge {} {verb} not hold", sanitize(&held.id)))
}
