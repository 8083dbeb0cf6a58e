//! Delta debugging (Zeller & Hildebrandt, *Simplifying and isolating failure-inducing input*, IEEE
//! Transactions on Software Engineering 28, 2002): from a set that shows a failure to a smaller one
//! that shows it still.

/// What came of trying a part.
pub(crate) enum Tried {
    /// It shows the failure; perhaps even without some of it, so this is what is left.
    Shows(Vec<u32>),
    /// It does not.
    Not,
    /// There is no more work to be spent.
    Spent,
}

/// Leaves out parts of a set, half by half and down to single members, as long as what is left
/// shows the failure. In the end no single member can be left out, unless all work is spent before.
/// The set is in ascending order, and so are all parts of it. With *n* members there are at most
/// *n²* trials, mostly some *n* log *n*.
pub(crate) fn minimize(mut kept: Vec<u32>, mut attempt: impl FnMut(Vec<u32>) -> Tried) -> Vec<u32> {
    let mut parts = 2;
    while kept.len() > 1 {
        parts = parts.min(kept.len());
        let size = kept.len().div_ceil(parts);
        let mut is_smaller = false;
        let mut begin = 0;
        while begin < kept.len() {
            let end = (begin + size).min(kept.len());
            match attempt([&kept[..begin], &kept[end..]].concat()) {
                Tried::Shows(rest) => {
                    // What comes next has moved to `begin`.
                    kept = rest;
                    is_smaller = true;
                }
                Tried::Not => begin = end,
                Tried::Spent => return kept,
            }
        }
        if size > 1 {
            parts *= 2;
        } else if !is_smaller {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_left_and_no_more() {
        for needed in [&[0][..], &[99], &[3, 4, 5], &[0, 50, 99], &[1, 2, 30, 31, 32, 77, 98]] {
            let mut trials = 0;
            let least = minimize((0..100).collect(), |part| {
                trials += 1;
                match needed.iter().all(|member| part.binary_search(member).is_ok()) {
                    true => Tried::Shows(part),
                    false => Tried::Not,
                }
            });
            assert_eq!(least, needed);
            assert!(trials < 200, "{needed:?}: {trials}");
        }
    }

    #[test]
    fn work_is_bounded() {
        let mut trials = 0;
        let least = minimize((0..100).collect(), |part| {
            trials += 1;
            match part.contains(&99) {
                _ if trials == 4 => Tried::Spent,
                true => Tried::Shows(part),
                false => Tried::Not,
            }
        });
        assert_eq!((least, trials), ((63..100).collect(), 4));
    }
}
