//! The state and the sessions beside it: each request is performed once (thesis §6.3).

use std::collections::BTreeMap;
use std::rc::Rc;

use kolk_raft::NodeId;
use serde::{Deserialize, Serialize};

use super::State;
use crate::once::Performed;

/// A command as it stands in the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order<C> {
    /// Which node's client wants it.
    pub node: NodeId,
    /// Which life of that node it is, counted from 1.
    pub life: u64,
    /// The node's number for the request, and the least that it may still repeat.
    pub number: u64,
    pub floor: u64,
    pub command: C,
}

/// What a snapshot holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved<O, I> {
    sessions: BTreeMap<NodeId, Session<O>>,
    state: I,
}

pub(super) type Command<S> = Rc<Order<<S as State>::Command>>;
pub(super) type Image<S> = Rc<Saved<<S as State>::Output, <S as State>::Snapshot>>;

/// What was performed for a node in its latest life.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session<O> {
    life: u64,
    performed: Performed<O>,
}

/// The state, and what was performed for whom.
pub(super) struct Machine<S: State> {
    pub state: S,
    sessions: BTreeMap<NodeId, Session<S::Output>>,
}

impl<S: State> Machine<S> {
    pub fn new() -> Machine<S> {
        Machine { state: S::default(), sessions: BTreeMap::new() }
    }

    /// Performs a command that was not performed before, and gives what came of it, now or then.
    /// `None` if nobody waits for that any more: the node has started anew, or given up.
    pub fn apply(&mut self, order: &Order<S::Command>) -> Option<S::Output> {
        let Order { node, life, number, floor, command } = order;
        let fresh = || Session { life: *life, performed: Performed::default() };
        let session = self.sessions.entry(*node).or_insert_with(fresh);
        if session.life > *life {
            return None;
        }
        if session.life < *life {
            *session = fresh();
        }
        session.performed.raise_floor(*floor);
        session.performed.once(*number, || self.state.apply(command))
    }

    /// What came of a request, if it was performed.
    pub fn result(&self, node: NodeId, life: u64, number: u64) -> Option<&S::Output> {
        let session = self.sessions.get(&node).filter(|session| session.life == life)?;
        session.performed.result(number)
    }

    pub fn save(&self) -> Image<S> {
        Rc::new(Saved { sessions: self.sessions.clone(), state: self.state.snapshot() })
    }

    pub fn restore(&mut self, image: &Image<S>) {
        self.sessions = image.sessions.clone();
        self.state = S::restore(&image.state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands themselves, in their order.
    #[derive(Default)]
    struct Journal(Vec<u64>);

    impl State for Journal {
        type Command = u64;
        type Query = ();
        type Output = usize;
        type Snapshot = Vec<u64>;

        fn apply(&mut self, command: &u64) -> usize {
            self.0.push(*command);
            self.0.len()
        }

        fn query(&self, (): &()) -> usize {
            self.0.len()
        }

        fn snapshot(&self) -> Vec<u64> {
            self.0.clone()
        }

        fn restore(snapshot: &Vec<u64>) -> Journal {
            Journal(snapshot.clone())
        }
    }

    #[test]
    fn a_command_is_performed_once_in_the_life_that_gave_it() {
        let mut machine: Machine<Journal> = Machine::new();
        for (node, life, number, floor, command, expected) in [
            (1, 1, 0, 0, 10, Some(1)),
            (1, 1, 0, 0, 10, Some(1)),
            (2, 1, 0, 0, 20, Some(2)),
            (1, 1, 2, 0, 12, Some(3)),
            (1, 1, 1, 0, 11, Some(4)),
            (1, 1, 3, 2, 13, Some(5)),
            // Below the floor: nobody waits any more.
            (1, 1, 1, 0, 11, None),
            (1, 1, 2, 0, 12, Some(3)),
            // The node was started anew, and what it asked for before comes too late.
            (1, 2, 0, 0, 14, Some(6)),
            (1, 1, 4, 0, 99, None),
            (1, 2, 0, 0, 14, Some(6)),
        ] {
            let order = Order { node, life, number, floor, command };
            assert_eq!(machine.apply(&order), expected, "{order:?}");
            let image = machine.save();
            let text = serde_json::to_string(&image).expect("JSON");
            machine.restore(&serde_json::from_str(&text).expect("what was written"));
        }
        assert_eq!(machine.state.0, [10, 20, 12, 11, 13, 14]);
        assert_eq!(machine.result(1, 2, 0), Some(&6));
        assert_eq!([machine.result(1, 1, 3), machine.result(3, 1, 0)], [None; 2]);
    }
}
