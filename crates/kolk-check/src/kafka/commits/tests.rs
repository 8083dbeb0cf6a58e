//! Where a client may begin, against all orders in which commits can have taken effect.

use kolk_protocol::{Key, Random};

use crate::kafka::tests::Tale;
use crate::kind::Kind;

/// A commit as it is told: from event to event, at node 1 or another, of unknown outcome or not.
#[derive(Clone, Copy, Debug)]
struct Told {
    offset: i64,
    began: usize,
    ended: usize,
    elsewhere: bool,
}

/// True if node 1's offset can be `goal` when it is asked for between two events. `None` is no
/// commit at all. Commits take effect one after another, each between its beginning and its end: a
/// node takes a greater one, and may keep what it has instead of a smaller one; of other nodes'
/// commits it may or may not learn.
fn is_possible(told: &[Told], asked: (usize, usize), goal: Option<i64>) -> bool {
    fn search(
        told: &[Told],
        asked: (usize, usize),
        goal: Option<i64>,
        done: u32,
        state: Option<i64>,
    ) -> bool {
        let open = || (0..told.len()).filter(|at| done & (1 << at) == 0);
        let must_come_before = |began: usize| open().any(|at| told[at].ended < began);
        if state == goal && !must_come_before(asked.0) {
            return true;
        }
        open().any(|at| {
            let next = told[at];
            // What begins after the question is over cannot come before it.
            if next.began > asked.1 || must_come_before(next.began) {
                return false;
            }
            let done = done | (1 << at);
            let may_keep = next.elsewhere || state.is_some_and(|state| state > next.offset);
            search(told, asked, goal, done, Some(next.offset))
                || (may_keep && search(told, asked, goal, done, state))
        })
    }
    search(told, asked, goal, 0, None)
}

/// A random story, and whether its last line shows that a commit went back.
fn story(random: &mut Random) -> (String, bool) {
    let count = 1 + random.below(4) as usize;
    // Beginnings and ends in a random order: two for each commit, and for the assignment.
    let mut events: Vec<usize> = (0..=count).flat_map(|at| [at, at]).collect();
    for place in (1..events.len()).rev() {
        events.swap(place, random.below(place as u64 + 1) as usize);
    }
    let ends = |at: usize| {
        let mut places = (0..events.len()).filter(|place| events[*place] == at);
        (places.next().expect("a beginning"), places.next().expect("an end"))
    };
    let told: Vec<Told> = (0..count)
        .map(|at| Told {
            offset: random.below(4) as i64,
            began: ends(at).0,
            ended: ends(at).1,
            elsewhere: random.below(4) == 0,
        })
        .collect();
    let goal = random.below(4) as i64;
    let name = |at: usize| match told.get(at) {
        Some(told) => 10 * (at + 1) + if told.elsewhere { 2 } else { 1 },
        None => 91,
    };
    let mut seen = vec![false; count + 1];
    let mut text = String::new();
    for at in events {
        let name = name(at);
        text += &match (std::mem::replace(&mut seen[at], true), told.get(at)) {
            (false, Some(Told { offset, .. })) => format!("< {name} poll x {offset}={offset}\n"),
            (false, None) => format!("< {name} assign x\n"),
            (true, _) => format!("> {name}\n"),
        };
    }
    text += &format!("91 poll x {goal}={goal}\n");
    let asked = {
        let (mut begin, mut end) = (usize::MAX, 0);
        for (place, line) in text.lines().enumerate() {
            if line.contains("91") && !line.contains("poll") {
                begin = begin.min(place);
                end = end.max(place);
            }
        }
        (begin, end)
    };
    // To a client that is told of no commit the log begins wherever its first message is.
    let possible = [Some(goal), None].iter().any(|goal| is_possible(&told, asked, *goal));
    // What nobody committed may be further on, and is no step back then.
    let back = |told: &Told| !told.elsewhere && told.ended < asked.0 && told.offset > goal;
    (text, !possible && told.iter().any(back))
}

#[test]
fn where_clients_begin_agrees_with_all_orders_of_commits() {
    let mut counts = [0_u32; 2];
    for seed in 0..20_000 {
        let mut random = Key::new(0x6b61).with(seed).random();
        let (text, goes_back) = story(&mut random);
        let check = crate::kafka::check(&Tale::new(&text).history);
        let found = check.count_of(Kind::NonmonotonicCommit) > 0;
        assert_eq!(found, goes_back, "seed {seed}:\n{text}");
        counts[usize::from(found)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
}
