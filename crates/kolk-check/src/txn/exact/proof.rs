//! Whether an order of all vertices is a proof: it agrees with what is known, and where a
//! transaction begins, each key holds what it read there; for snapshots, also where it commits if
//! it writes the key. Of parallel snapshots, that each key's writes in that order let
//! [nobody see](parallel) what it must not.

use super::Shape;
use super::parallel;
use super::problem::Problem;

/// Whether the order shows that there is one.
pub(super) fn shows(problem: &Problem<'_>, order: &[u32]) -> bool {
    let (facts, known) = (problem.facts, &problem.known);
    let mut places = vec![usize::MAX; known.len()];
    for (place, vertex) in order.iter().enumerate() {
        places[*vertex as usize] = place;
    }
    let place = |vertex: u32| places[vertex as usize];
    let agrees = (0..known.len() as u32)
        .all(|from| known.edges(from).iter().all(|edge| place(from) < place(edge.to())));
    match problem.shape {
        Shape::Parallel => return agrees && parallel::shows(problem, &places),
        shape if shape.is_known() => return agrees,
        _ => {}
    }
    let fits = |key: u32| {
        let mut writes: Vec<(usize, u32)> = facts
            .elements(key)
            .iter()
            .map(|element| (place(problem.commit(facts.writer(*element))), *element))
            .collect();
        writes.sort_unstable();
        let held = |place: usize| {
            let before = writes.partition_point(|(committed, _)| *committed < place);
            before.checked_sub(1).map(|last| writes[last].1)
        };
        let reads = |(_, element): &(usize, u32)| {
            let mut readers = facts.readers(*element);
            readers.all(|reader| held(place(reader)) == Some(*element))
        };
        let is_current = |(committed, element): &(usize, u32)| {
            problem.shape != Shape::Snapshot
                || held(place(facts.writer(*element))) == held(*committed)
        };
        writes.iter().all(|write| reads(write) && is_current(write))
            && facts.readers_of_nothing(key).iter().all(|reader| held(place(*reader)).is_none())
    };
    agrees && (0..facts.table.keys.len() as u32).all(fits)
}
