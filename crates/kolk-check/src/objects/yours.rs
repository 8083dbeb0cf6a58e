//! Linearizability of an object of your own.
//!
//! An [`Object`] says what it is in the beginning and what an operation makes of it, as the models
//! of Porcupine do (Athalye, *Porcupine: A fast linearizability checker in Go*, 2017). Whether
//! calls on it are linearizable is then decided as for the objects that this crate knows: each must
//! seem to have taken effect at one moment between its invocation and its return, and one that
//! never returned at any moment after its invocation, or not at all.

use super::{Answer, Task, search};

/// An object: what it is in the beginning, and what becomes of it.
///
/// ```
/// use kolk_check::objects::yours::{Call, Linearizability, Object, decide};
///
/// /// A stack of numbers.
/// struct Stack;
///
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
/// enum Input {
///     Push(u32),
///     Pop,
/// }
///
/// impl Object for Stack {
///     type State = Vec<u32>;
///     type Input = Input;
///     type Output = Option<u32>;
///
///     fn init(&self) -> Vec<u32> {
///         Vec::new()
///     }
///
///     fn step(
///         &self,
///         stack: &Vec<u32>,
///         input: &Input,
///         output: Option<&Option<u32>>,
///     ) -> Option<Vec<u32>> {
///         let mut next = stack.clone();
///         match input {
///             Input::Push(number) => next.push(*number),
///             Input::Pop => {
///                 let popped = next.pop();
///                 // If it is not known what it returned, everything fits.
///                 if output.is_some_and(|output| *output != popped) {
///                     return None;
///                 }
///             }
///         }
///         Some(next)
///     }
/// }
///
/// // Both are pushed before anything is popped, the 2 after the 1 had been acknowledged.
/// let push = |number, begin| Call::new(Input::Push(number), begin).returned(None, begin + 1);
/// let pop = |number, begin| Call::new(Input::Pop, begin).returned(Some(number), begin + 1);
/// assert_eq!(
///     decide(&Stack, &[push(1, 0), push(2, 2), pop(2, 4), pop(1, 6)]),
///     Linearizability::Holds
/// );
/// assert_eq!(
///     decide(&Stack, &[push(1, 0), push(2, 2), pop(1, 4)]),
///     Linearizability::Fails { call: 2, states: vec![vec![1, 2]] }
/// );
/// // A push that never returned may have happened.
/// assert_eq!(
///     decide(&Stack, &[Call::new(Input::Push(3), 0), pop(3, 5)]),
///     Linearizability::Holds
/// );
/// ```
pub trait Object {
    /// All that the object can be.
    type State: Ord + Clone;
    /// What is asked of it. Calls that never return and ask the same are taken for one another.
    type Input: Ord + Clone;
    /// What it answers.
    type Output: Ord + Clone;

    /// What it is in the beginning.
    fn init(&self) -> Self::State;

    /// What becomes of the object in this state by an operation with this input; nothing if the
    /// operation cannot return this output there. Without an output it is not known what was
    /// returned, and all that can be fits.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;
}

/// A call of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<I, O> {
    input: I,
    invoked: u32,
    returned: Option<(O, u32)>,
}

impl<I, O> Call<I, O> {
    /// A call that was made at some moment, in whatever unit, and has not returned. No two events
    /// of all calls are at the same moment.
    pub const fn new(input: I, invoked: u32) -> Call<I, O> {
        Call { input, invoked, returned: None }
    }

    /// The same call, which returned this at a later moment, less than [`u32::MAX`].
    #[must_use]
    pub fn returned(self, output: O, at: u32) -> Call<I, O> {
        debug_assert!(self.invoked < at && at < u32::MAX, "it returns after it was made");
        Call { returned: Some((output, at)), ..self }
    }
}

/// Whether calls are linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linearizability<S> {
    /// They are.
    Holds,
    /// They are not.
    Fails {
        /// The place, among the calls, of one that cannot have taken effect when it returned: all
        /// that returned before it is linearizable.
        call: usize,
        /// All that the object can have been then.
        states: Vec<S>,
    },
    /// There are too many ways to order them: the bound depends on the calls alone.
    Unknown,
}

/// An operation as it is taken: what was asked, and what came back.
type Act<O> = (<O as Object>::Input, Option<<O as Object>::Output>);

/// Decides whether calls on an object are linearizable. At worst it takes time that is exponential
/// in the calls that are open at once.
pub fn decide<O: Object>(
    object: &O,
    calls: &[Call<O::Input, O::Output>],
) -> Linearizability<O::State> {
    let mut places: Vec<usize> = (0..calls.len()).collect();
    places.sort_by_key(|place| calls[*place].invoked);
    let task = |place: &usize| {
        let Call { input, invoked, returned } = &calls[*place];
        let (output, end) = match returned {
            Some((output, at)) => (Some(output.clone()), *at),
            None => (None, u32::MAX),
        };
        let act = (input.clone(), output);
        Task { index: *place as u32, begin: *invoked, end, act }
    };
    let tasks: Vec<Task<Act<O>>> = places.iter().map(task).collect();
    let step =
        |state: &O::State, (input, output): Act<O>| object.step(state, &input, output.as_ref());
    match search(object.init(), &tasks, &step) {
        Answer::Linearizable => Linearizability::Holds,
        Answer::GaveUp(_) => Linearizability::Unknown,
        Answer::Stuck(at, states) => Linearizability::Fails {
            call: tasks[at as usize].index as usize,
            states: states.into_iter().collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::super::tests::by_definition;
    use super::*;

    /// A number that is added to; each addition returns what was there.
    struct Adder;

    impl Object for Adder {
        type State = u32;
        type Input = u32;
        type Output = u32;

        fn init(&self) -> u32 {
            0
        }

        fn step(&self, state: &u32, input: &u32, output: Option<&u32>) -> Option<u32> {
            output.is_none_or(|output| output == state).then(|| state + input)
        }
    }

    #[test]
    fn calls_are_judged_as_defined() {
        let mut seen = [0, 0];
        for seed in 0..2_000 {
            let mut random = Key::new(seed).random();
            let mut calls: Vec<Call<u32, u32>> = Vec::new();
            let mut open: [Option<usize>; 3] = [None; 3];
            let mut held = 0;
            for now in 0..4 + random.index(9) as u32 {
                let process = random.index(3);
                match open[process].take() {
                    Some(_) if random.chance(0.2) => {}
                    Some(at) => {
                        let seen = if random.chance(0.3) { random.index(5) as u32 } else { held };
                        held += calls[at].input;
                        calls[at] = calls[at].clone().returned(seen, now);
                    }
                    None => {
                        open[process] = Some(calls.len());
                        calls.push(Call::new(1 + random.index(2) as u32, now));
                    }
                }
            }
            let tasks: Vec<Task<(u32, Option<u32>)>> = calls
                .iter()
                .map(|call| {
                    let (output, end) =
                        call.returned.map_or((None, u32::MAX), |(seen, at)| (Some(seen), at));
                    Task { index: 0, begin: call.invoked, end, act: (call.input, output) }
                })
                .collect();
            let step = |state: &u32, (input, output): (u32, Option<u32>)| {
                Adder.step(state, &input, output.as_ref())
            };
            let holds = by_definition(&0, &tasks, &step);
            let found = decide(&Adder, &calls);
            assert_eq!(found == Linearizability::Holds, holds, "seed {seed}: {calls:?}");
            seen[usize::from(holds)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 200), "{seen:?}");
    }
}
