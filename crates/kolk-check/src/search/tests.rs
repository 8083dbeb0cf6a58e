use proptest::prelude::*;

use super::*;

fn steps(effects: &[Effect]) -> Vec<Step> {
    effects.iter().map(|effect| Step { key: 0, effect: *effect }).collect()
}

fn problem(chains: &[&[Effect]], optional: &[u32]) -> Problem {
    let steps = steps(&chains.concat());
    let mut next = 0;
    let chains = chains.iter().map(|chain| {
        let chain = (next..next + chain.len() as u32).collect();
        next += u32::try_from(Vec::len(&chain)).expect("few");
        chain
    });
    let chains = chains.collect();
    let optional = (0..steps.len() as u32).map(|step| optional.contains(&step)).collect();
    Problem {
        after: vec![vec![]; steps.len()],
        steps,
        chains,
        optional,
        initial: vec![0],
        values: 9,
    }
}

/// So many states, whatever they hold.
fn states(states: usize) -> Limits {
    Limits { states, numbers: usize::MAX }
}

#[test]
fn finds_the_order_or_the_longest_beginning() {
    use Effect::{Nothing, Read, Swap, Write};
    let cases: &[(&[&[Effect]], &[u32], Found)] = &[
        (&[], &[], Found::Order(vec![])),
        (&[&[Read(0)]], &[], Found::Order(vec![0])),
        (&[&[Read(1)]], &[], Found::None { longest: vec![] }),
        (&[&[Write(1)], &[Read(0), Read(1)]], &[], Found::Order(vec![1, 0, 2])),
        (&[&[Write(1)], &[Read(1), Read(0)]], &[], Found::None { longest: vec![] }),
        (&[&[Write(1), Write(0)], &[Read(1), Read(0)]], &[], Found::Order(vec![0, 2, 1, 3])),
        (&[&[Write(1)], &[Swap { from: 1, to: 2 }, Read(2)]], &[], Found::Order(vec![0, 1, 2])),
        // An optional step is taken if it helps, and only then.
        (&[&[Write(1)], &[Read(1)]], &[0], Found::Order(vec![0, 1])),
        (&[&[Write(1)], &[Read(0)]], &[0], Found::Order(vec![1])),
        (&[&[Nothing, Write(1)], &[Nothing, Read(1)]], &[], Found::Order(vec![0, 2, 1, 3])),
        // Two swaps of the same value: one of them cannot have happened.
        (
            &[&[Swap { from: 0, to: 1 }], &[Swap { from: 0, to: 2 }]],
            &[],
            Found::None { longest: vec![] },
        ),
    ];
    for (chains, optional, expected) in cases {
        let problem = problem(chains, optional);
        assert_eq!(search(&problem, states(100)), *expected, "{chains:?}");
    }
}

#[test]
fn gives_up_when_told_to() {
    let chains: Vec<Vec<Effect>> = (1..9).map(|value| vec![Effect::Write(value)]).collect();
    let mut chains: Vec<&[Effect]> = chains.iter().map(Vec::as_slice).collect();
    chains.push(&[Effect::Read(1), Effect::Read(2), Effect::Read(1)]);
    let problem = problem(&chains, &[]);
    assert_eq!(search(&problem, states(3)), Found::GaveUp { states: 4 });
    // A state has a number for each chain and each key.
    let numbers = |numbers| Limits { numbers, ..states(usize::MAX) };
    assert!(matches!(search(&problem, numbers(10)), Found::GaveUp { .. }));
    assert!(matches!(search(&problem, numbers(100_000)), Found::None { .. }));
    assert!(matches!(search(&problem, states(10_000)), Found::None { .. }));
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        3 => (0..4_u32).prop_map(Effect::Read),
        3 => (0..4_u32).prop_map(Effect::Write),
        2 => (0..4_u32, 0..4_u32).prop_map(|(from, to)| Effect::Swap { from, to }),
        1 => Just(Effect::Nothing),
    ]
}

/// Up to seven steps of three keys in three chains, and what else comes before what.
fn any_problem() -> impl Strategy<Value = Problem> {
    let step = (0..2_u32, effect(), 0..3_usize, prop::bool::weighted(0.2), 0..8_usize);
    prop::collection::vec(step, 0..8).prop_map(|drawn| {
        let mut problem = Problem { initial: vec![0, 4], values: 8, ..Problem::default() };
        problem.chains = vec![vec![]; 3];
        for (number, (key, effect, chain, optional, before)) in (0..).zip(drawn) {
            let own = |value| value + 4 * key;
            let effect = match effect {
                Effect::Read(value) => Effect::Read(own(value)),
                Effect::Write(value) => Effect::Write(own(value)),
                Effect::Swap { from, to } => Effect::Swap { from: own(from), to: own(to) },
                Effect::Nothing => Effect::Nothing,
            };
            problem.steps.push(Step { key, effect });
            problem.optional.push(optional);
            let before =
                (before < number as usize && !problem.optional[before]).then_some(before as u32);
            problem.after.push(before.into_iter().collect());
            if optional {
                problem.chains.push(vec![number]);
            } else {
                problem.chains[chain].push(number);
            }
        }
        problem
    })
}

/// Some order exists, by trying all.
fn exists(problem: &Problem, order: &mut Vec<u32>) -> bool {
    if verify(problem, order) {
        return true;
    }
    (0..problem.steps.len() as u32).any(|step| {
        if order.contains(&step) {
            return false;
        }
        order.push(step);
        let found = exists(problem, order);
        order.pop();
        found
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_trying_all_orders(problem in any_problem()) {
        match search(&problem, states(usize::MAX)) {
            Found::Order(order) => prop_assert!(verify(&problem, &order), "{order:?}"),
            Found::None { longest } => {
                prop_assert!(!exists(&problem, &mut Vec::new()), "after {longest:?}");
            }
            Found::GaveUp { .. } => prop_assert!(false, "there was no limit"),
        }
    }
}
