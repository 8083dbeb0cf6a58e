//! Delta debugging: a small part of a list that still does what the whole does.

/// A part of the list from which nothing can be left out by itself. `test` is given lists, and
/// returns the place of the first that still does it.
///
/// # Errors
///
/// Those of `test`.
pub(super) fn minimize<T: Clone, E>(
    mut items: Vec<T>,
    mut test: impl FnMut(&[Vec<T>]) -> Result<Option<usize>, E>,
) -> Result<Vec<T>, E> {
    if items.is_empty() || test(&[Vec::new()])?.is_some() {
        return Ok(Vec::new());
    }
    let mut parts = 2;
    while items.len() > 1 {
        parts = parts.min(items.len());
        let bounds: Vec<usize> = (0..=parts).map(|part| part * items.len() / parts).collect();
        let without = |part: usize| {
            let (before, after) = (&items[..bounds[part]], &items[bounds[part + 1]..]);
            before.iter().chain(after).cloned().collect::<Vec<T>>()
        };
        // The last parts first: what comes late rarely matters.
        let mut lists: Vec<Vec<T>> = (0..parts).rev().map(without).collect();
        match test(&lists)? {
            Some(place) => {
                items = lists.swap_remove(place);
                parts = (parts - 1).max(2);
            }
            None if parts == items.len() => break,
            None => parts *= 2,
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of 0 to 99 where these are needed.
    fn left(needed: &[u32]) -> Vec<u32> {
        let fails = |list: &Vec<u32>| needed.iter().all(|item| list.contains(item));
        let test = |lists: &[Vec<u32>]| Ok::<_, ()>(lists.iter().position(fails));
        minimize((0..100).collect(), test).unwrap()
    }

    #[test]
    fn what_is_needed_is_left() {
        for needed in [&[][..], &[0], &[99], &[3, 50], &[0, 1, 2, 97, 98, 99], &[7, 31, 32, 64]] {
            assert_eq!(left(needed), needed);
        }
    }
}
