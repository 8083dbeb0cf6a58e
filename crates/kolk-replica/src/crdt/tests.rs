//! The laws, and that replicas come to the same whichever way they tell each other.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::gossip::Keep;
use crate::gossip::tests::World;

/// A type under test: what its replicas do, and what a client should then see.
trait Model: DeltaState + Clone + PartialEq + Debug {
    type Op: Clone + Debug;
    type Seen: PartialEq + Debug;

    fn op() -> BoxedStrategy<Self::Op>;

    /// The delta mutator.
    fn mutate(&self, replica: u32, op: &Self::Op) -> Self::Delta;

    fn seen(&self) -> Self::Seen;

    /// What the mutator itself would make of what a client sees.
    fn after(seen: Self::Seen, op: &Self::Op) -> Self::Seen;

    fn apply(&mut self, replica: u32, op: &Self::Op) {
        let delta = self.mutate(replica, op);
        self.merge_delta(&delta);
    }
}

impl Model for GrowOnlySet<u8> {
    type Op = u8;
    type Seen = BTreeSet<u8>;

    fn op() -> BoxedStrategy<u8> {
        (0..20_u8).boxed()
    }

    fn mutate(&self, _: u32, op: &u8) -> u8 {
        let Ok(delta) = self.add(*op);
        delta
    }

    fn seen(&self) -> BTreeSet<u8> {
        self.elements().clone()
    }

    fn after(mut seen: BTreeSet<u8>, op: &u8) -> BTreeSet<u8> {
        seen.insert(*op);
        seen
    }
}

impl Model for GrowOnlyCounter {
    type Op = u64;
    type Seen = u128;

    fn op() -> BoxedStrategy<u64> {
        (0..5_u64).boxed()
    }

    fn mutate(&self, replica: u32, op: &u64) -> CounterShare {
        self.add(replica, *op).expect("small numbers")
    }

    fn seen(&self) -> u128 {
        self.sum()
    }

    fn after(seen: u128, op: &u64) -> u128 {
        seen + u128::from(*op)
    }
}

impl Model for PnCounter {
    type Op = i64;
    type Seen = i64;

    fn op() -> BoxedStrategy<i64> {
        (-5..5_i64).boxed()
    }

    fn mutate(&self, replica: u32, op: &i64) -> PnShare {
        self.add(replica, *op).expect("small numbers")
    }

    fn seen(&self) -> i64 {
        self.value().expect("small numbers")
    }

    fn after(seen: i64, op: &i64) -> i64 {
        seen + op
    }
}

/// A state in which these replicas have done these things.
fn state<S: Model>() -> impl Strategy<Value = S> {
    prop::collection::vec((0..4_u32, S::op()), 0..12).prop_map(|ops| {
        let mut state = S::default();
        ops.iter().for_each(|(replica, op)| state.apply(*replica, op));
        state
    })
}

fn join<S: Model>(left: &S, right: &S) -> S {
    let mut joined = left.clone();
    joined.merge(right);
    joined
}

/// Commutative, associative, idempotent; an upper bound, and with that the least; told rightly
/// whether it grew; and every state is the join of its deltas, none of which can be left out.
fn laws_hold<S: Model>(x: &S, y: &S, z: &S) -> Result<(), TestCaseError> {
    prop_assert_eq!(join(x, y), join(y, x));
    prop_assert_eq!(join(&join(x, y), z), join(x, &join(y, z)));
    prop_assert_eq!(&join(x, x), x);
    prop_assert_eq!(&join(x, &S::default()), x);
    let both = join(x, y);
    prop_assert_eq!(&join(&both, x), &both);
    prop_assert_eq!(x.clone().merge(y), both != *x);
    let deltas: Vec<S::Delta> = x.deltas().collect();
    for left_out in 0..=deltas.len() {
        let mut joined = S::default();
        for (at, delta) in deltas.iter().enumerate().rev().filter(|(at, _)| *at != left_out) {
            let before = joined.clone();
            prop_assert!(joined.merge_delta(delta), "{at} says nothing new");
            prop_assert!(joined != before);
            prop_assert!(!joined.merge_delta(delta), "told twice");
        }
        prop_assert_eq!(joined == *x, left_out == deltas.len());
    }
    Ok(())
}

/// `m(X) = X ⊔ mδ(X)`, and with [`Keep::Newest`] the newest delta of a replica is the join of all.
fn mutators_hold<S: Model>(x: &S, replica: u32, ops: &[S::Op]) -> Result<(), TestCaseError> {
    let mut changed = x.clone();
    let (mut all, mut newest) = (x.clone(), None);
    for op in ops {
        let expected = S::after(changed.seen(), op);
        let delta = changed.mutate(replica, op);
        changed.merge_delta(&delta);
        prop_assert_eq!(changed.seen(), expected);
        prop_assert_eq!(&join(&changed, x), &changed, "a mutator is an inflation");
        all.merge_delta(&delta);
        newest = Some(delta);
    }
    prop_assert_eq!(&all, &changed);
    if let (Keep::Newest, Some(newest)) = (S::KEEP, newest) {
        let mut joined = x.clone();
        joined.merge_delta(&newest);
        prop_assert_eq!(joined, changed);
    }
    Ok(())
}

const NODES: u32 = 4;

/// Something that happens.
#[derive(Clone, Debug)]
enum Act<Op> {
    /// A replica changes its state.
    Change(u32, Op),
    /// Time passes, in ms.
    Wait(u64),
    /// With whole states: a replica sends its state to another.
    Send(u32, u32),
    /// With whole states: what is on its way arrives, and perhaps stays on its way.
    Arrive(Index, bool),
    /// With whole states: what is on its way is lost.
    Lose(Index),
}

fn act<S: Model>() -> impl Strategy<Value = Act<S::Op>> {
    prop_oneof![
        4 => (0..NODES, S::op()).prop_map(|(replica, op)| Act::Change(replica, op)),
        2 => (0..800_u64).prop_map(Act::Wait),
        2 => (0..NODES, 0..NODES).prop_map(|(src, dest)| Act::Send(src, dest)),
        2 => (any::<Index>(), any::<bool>()).prop_map(|(which, stays)| Act::Arrive(which, stays)),
        1 => any::<Index>().prop_map(Act::Lose),
    ]
}

/// What becomes of a packet: latencies in ms, of which there are none if it is lost.
fn fates() -> impl Strategy<Value = Vec<Vec<u64>>> {
    prop::collection::vec(prop::collection::vec(0..600_u64, 0..3), 1..40)
}

/// Replicas with gossip under a schedule, and then in a network that heals; what they come to.
fn by_deltas<S: Model>(
    settings: &gossip::Settings,
    acts: &[Act<S::Op>],
    fates: Vec<Vec<u64>>,
) -> Result<Vec<S>, TestCaseError> {
    let mut world: World<S::Delta> = World::keeping(S::KEEP, NODES as usize, settings);
    let mut states = vec![S::default(); NODES as usize];
    world.set_fate(move |number, _, _| {
        let fate = &fates[number as usize % fates.len()];
        fate.iter().copied().map(Duration::from_millis).collect()
    });
    let learn = |world: &mut World<S::Delta>, states: &mut [S]| {
        for (node, state) in (0..).zip(states) {
            world.take_fresh(node).iter().for_each(|delta| {
                state.merge_delta(delta);
            });
        }
    };
    for act in acts {
        match act {
            Act::Change(node, op) => {
                let state = &mut states[*node as usize];
                let delta = state.mutate(*node, op);
                if state.merge_delta(&delta) {
                    world.add(*node, delta);
                }
            }
            Act::Wait(millis) => world.run(*millis),
            _ => {}
        }
        learn(&mut world, &mut states);
    }
    world.set_fate(|_, _, _| vec![Duration::from_millis(100)]);
    world.run(60_000);
    learn(&mut world, &mut states);
    let sent = world.sent_count();
    world.run(600_000);
    prop_assert_eq!(world.sent_count(), sent, "what has converged is silent");
    Ok(states)
}

/// Replicas that send whole states, as the schedule says, and in the end each to each.
fn by_full_states<S: Model>(acts: &[Act<S::Op>]) -> Vec<S> {
    let mut states = vec![S::default(); NODES as usize];
    let mut on_way: Vec<(u32, S)> = Vec::new();
    for act in acts {
        match act {
            Act::Change(node, op) => states[*node as usize].apply(*node, op),
            Act::Wait(_) => {}
            Act::Send(src, dest) => on_way.push((*dest, states[*src as usize].clone())),
            Act::Arrive(..) | Act::Lose(_) if on_way.is_empty() => {}
            Act::Arrive(which, stays) => {
                let which = which.index(on_way.len());
                let (dest, state) = on_way[which].clone();
                states[dest as usize].merge(&state);
                if !stays {
                    on_way.swap_remove(which);
                }
            }
            Act::Lose(which) => drop(on_way.swap_remove(which.index(on_way.len()))),
        }
    }
    let sent = states.clone();
    for state in &mut states {
        sent.iter().for_each(|other| {
            state.merge(other);
        });
    }
    states
}

fn come_to_the_same<S: Model>(
    acts: &[Act<S::Op>],
    fates: &[Vec<u64>],
    settings: &str,
) -> Result<(), TestCaseError> {
    let args: Vec<String> = settings.split_whitespace().map(str::to_owned).collect();
    let settings = gossip::Settings::from_args(&args).expect("settings");
    // What each replica did, and nothing else.
    let mut expected = S::default();
    for act in acts {
        if let Act::Change(node, op) = act {
            expected.apply(*node, op);
        }
    }
    for state in
        by_deltas::<S>(&settings, acts, fates.to_vec())?.iter().chain(&by_full_states(acts))
    {
        prop_assert_eq!(state, &expected);
    }
    Ok(())
}

macro_rules! properties {
    ($($name:ident: $type:ty),*) => { $(
        mod $name {
            use super::*;

            proptest! {
                #[test]
                fn laws(x in state::<$type>(), y in state::<$type>(), z in state::<$type>()) {
                    laws_hold(&x, &y, &z)?;
                }

                #[test]
                fn mutators(
                    x in state::<$type>(),
                    replica in 0..5_u32,
                    ops in prop::collection::vec(<$type as Model>::op(), 1..6),
                ) {
                    mutators_hold(&x, replica, &ops)?;
                }
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(64))]

                #[test]
                fn deltas_and_full_states_come_to_the_same(
                    acts in prop::collection::vec(act::<$type>(), 0..60),
                    fates in fates(),
                    settings in prop::sample::select(vec!["", "--at-once", "--flush-ms 0", "--direct"]),
                ) {
                    come_to_the_same::<$type>(&acts, &fates, settings)?;
                }
            }
        }
    )* };
}

properties! { set: GrowOnlySet<u8>, growing: GrowOnlyCounter, up_and_down: PnCounter }

#[test]
fn what_does_not_fit_changes_nothing() {
    let mut counter = PnCounter::default();
    counter.apply(0, &i64::MAX);
    counter.apply(0, &i64::MAX);
    assert_eq!(counter.add(0, 2), Err(TooLarge));
    assert_eq!(counter.value(), Err(TooLarge));
    counter.apply(1, &i64::MIN);
    assert_eq!(counter.value(), Ok(i64::MAX - 1));
    let mut growing = GrowOnlyCounter::default();
    growing.merge_delta(&(7, u64::MAX));
    assert_eq!(growing.add(7, 1), Err(TooLarge));
    assert_eq!((growing.add(7, 0), growing.value()), (Ok((7, u64::MAX)), Err(TooLarge)));
}

#[test]
fn states_are_json() {
    let mut counter = PnCounter::default();
    counter.apply(3, &5);
    counter.apply(10, &-2);
    let json = serde_json::to_string(&counter).expect("JSON");
    assert_eq!(json, r#"{"added":{"3":5},"removed":{"10":2}}"#);
    assert_eq!(serde_json::from_str::<PnCounter>(&json).expect("a counter"), counter);
}
