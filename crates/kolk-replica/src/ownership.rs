//! The owner of a key among nodes: rendezvous hashing.
//!
//! Every node gives every key a weight, and the heaviest node owns it. All who know the same nodes
//! come to the same owner without asking anybody, keys spread evenly, and if a node leaves, only
//! its own keys move, each to the next in its ranking. D. Thaler & C. Ravishankar, *Using
//! name-based mappings to increase hit rates*, IEEE/ACM Transactions on Networking 6(1), 1998.

use std::cmp::Reverse;

use kolk_node::Key;

/// The weight of a node for a key. It must never change: nodes of different versions must agree.
fn weight(key: &str, node: &str) -> u64 {
    Key::new(0).with_name(key).with_name(node).seed()
}

/// The position of a key's owner among `nodes`, whatever their order.
///
/// # Panics
///
/// If there are no nodes.
pub fn owner<N: AsRef<str>>(nodes: &[N], key: &str) -> usize {
    let name = |at: &usize| nodes[*at].as_ref();
    (0..nodes.len())
        .max_by_key(|at| (weight(key, name(at)), Reverse(name(at))))
        .expect("a key needs a node to own it")
}

/// The positions of all nodes, the owner first: where copies of the key belong, and who takes over
/// from whom.
pub fn ranking<N: AsRef<str>>(nodes: &[N], key: &str) -> Vec<usize> {
    let mut ranking: Vec<usize> = (0..nodes.len()).collect();
    let name = |at: usize| nodes[at].as_ref();
    ranking.sort_by_cached_key(|at| (Reverse(weight(key, name(*at))), name(*at).to_owned()));
    ranking
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [&str; 5] = ["n0", "n1", "n2", "n3", "n4"];

    fn keys() -> impl Iterator<Item = String> {
        (0..10_000).map(|key| key.to_string())
    }

    #[test]
    fn keys_spread_evenly() {
        for count in 1..=NODES.len() {
            let mut owned = vec![0_usize; count];
            keys().for_each(|key| owned[owner(&NODES[..count], &key)] += 1);
            let fair = 10_000 / count;
            assert!(owned.iter().all(|owned| owned.abs_diff(fair) < fair / 10), "{owned:?}");
        }
    }

    #[test]
    fn the_owner_ranks_first_and_order_says_nothing() {
        let mut shuffled = NODES;
        shuffled.reverse();
        for key in keys().take(1000) {
            let names = |nodes: [&'static str; 5]| {
                ranking(&nodes, &key).into_iter().map(move |at| nodes[at])
            };
            assert!(names(NODES).eq(names(shuffled)));
            assert_eq!(owner(&NODES, &key), ranking(&NODES, &key)[0]);
        }
    }

    #[test]
    fn only_the_keys_of_a_node_that_leaves_move() {
        for key in keys().take(1000) {
            let ranking = ranking(&NODES, &key);
            let left: Vec<&str> = NODES
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != ranking[0])
                .map(|(_, n)| *n)
                .collect();
            assert_eq!(left[owner(&left, &key)], NODES[ranking[1]]);
            let without_last: Vec<&str> = NODES
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != ranking[4])
                .map(|(_, n)| *n)
                .collect();
            assert_eq!(without_last[owner(&without_last, &key)], NODES[ranking[0]]);
        }
    }

    #[test]
    fn owners_are_frozen() {
        let owners: Vec<usize> = (0..20).map(|key| owner(&NODES, &key.to_string())).collect();
        assert_eq!(owners, [0, 2, 2, 3, 3, 1, 0, 0, 2, 3, 3, 0, 2, 2, 2, 4, 2, 0, 4, 0]);
    }
}
