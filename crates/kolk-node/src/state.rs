//! What all contexts of a node share: the state beneath time, calls, tasks and messages.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Waker;

use kolk_protocol::body::BodyError;
use kolk_protocol::message::Body;
use kolk_protocol::{Random, Time};

use crate::executor::Spawned;
use crate::machine::Outputs;
use crate::storage::Medium;

/// The state of one node.
pub(crate) struct NodeState {
    pub(crate) node_id: String,
    pub(crate) node_ids: Vec<String>,
    pub(crate) peers: Vec<String>,
    pub(crate) now: Cell<Time>,
    pub(crate) random: RefCell<Random>,
    /// Swapped with the caller's for the duration of a step.
    pub(crate) outputs: RefCell<Outputs>,
    pub(crate) timers: RefCell<Timers>,
    pub(crate) calls: RefCell<Calls>,
    /// Tasks that were spawned and not yet handed to the executor.
    pub(crate) spawned: RefCell<Vec<Spawned>>,
    pub(crate) receivers: RefCell<Vec<Receiver>>,
    pub(crate) medium: RefCell<Medium>,
    names: RefCell<Names>,
}

impl NodeState {
    pub(crate) fn new(
        node_id: String,
        node_ids: Vec<String>,
        Life { seed, last_id }: Life,
        mut medium: Medium,
    ) -> Rc<NodeState> {
        medium.seed(seed);
        let peers = node_ids.iter().filter(|name| **name != node_id).cloned().collect();
        Rc::new(NodeState {
            node_id,
            node_ids,
            peers,
            now: Cell::new(Time::ZERO),
            random: RefCell::new(Random::from_seed(seed)),
            outputs: RefCell::default(),
            timers: RefCell::default(),
            calls: RefCell::new(Calls { waiting: BTreeMap::new(), last_id }),
            spawned: RefCell::default(),
            receivers: RefCell::default(),
            medium: RefCell::new(medium),
            names: RefCell::default(),
        })
    }

    /// The name of a message's sender, without a copy if it sent another one lately.
    pub(crate) fn name(&self, name: &str) -> Rc<str> {
        self.names.borrow_mut().get(name)
    }

    /// Finds the receiver that takes messages of this type before the node's handler.
    pub(crate) fn receiver(&self, kind: &str) -> Option<Receiver> {
        self.receivers.borrow().iter().find(|receiver| receiver.kind == kind).cloned()
    }
}

/// All armed timers of a node, in the order in which they are due; among equals the one armed
/// first.
///
/// A tree rather than a heap or a wheel: timers are mostly cancelled (an RPC's deadline, when the
/// answer comes), and here a cancelled one is gone, neither remembered nor reported as the next
/// deadline.
#[derive(Default)]
pub(crate) struct Timers {
    pub(crate) armed: BTreeMap<(Time, u64), Waker>,
    pub(crate) count: u64,
}

impl Timers {
    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.armed.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes out a timer that is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Waker> {
        let first = self.armed.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// From when it is started until it is killed, a node has one life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// Its entropy.
    pub(crate) seed: u64,
    /// The number before that of its first request.
    pub(crate) last_id: i64,
}

impl Life {
    /// The life with this entropy. Numbers begin anywhere below 2^32: a node that is started again
    /// may still get answers to what it asked before, and must not take them for answers to what
    /// it asks now.
    pub(crate) fn of(seed: u64) -> Life {
        Life { seed, last_id: (seed >> 32) as i64 }
    }

    /// The only life of a node that nobody starts again.
    pub(crate) fn only(seed: u64) -> Life {
        Life { seed, last_id: 0 }
    }
}

/// The calls that wait for an answer, by the number of their request.
pub(crate) struct Calls {
    pub(crate) waiting: BTreeMap<i64, Rc<dyn Deliver>>,
    pub(crate) last_id: i64,
}

impl Calls {
    /// Takes the call that waits for this answer. An answer for which no call waits (it is late,
    /// repeated, or was never asked for) is ignored.
    pub(crate) fn take(&mut self, in_reply_to: i64) -> Option<Rc<dyn Deliver>> {
        self.waiting.remove(&in_reply_to)
    }
}

/// A call that can be given its answer.
pub(crate) trait Deliver {
    /// Reads the answer's body and wakes the task that waits for it.
    fn deliver(&self, body: &Body<'_>);
}

/// A part of a node that takes messages of one type before the node's handler.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) kind: &'static str,
    /// True if it answers the messages that want an answer.
    pub(crate) answers: bool,
    pub(crate) receive: Receive,
}

/// What a receiver does with a message, given the name of its sender.
pub(crate) type Receive = Rc<dyn Fn(&Rc<NodeState>, &str, &Body<'_>) -> Result<(), BodyError>>;

/// The names of the nodes and clients that sent messages lately, so that a context can hold its
/// sender's name without copying it for every message. The table is small and gives a name one
/// place: its size is bounded, and a miss costs an allocation.
struct Names([Option<Rc<str>>; Names::LEN]);

impl Default for Names {
    fn default() -> Names {
        Names([const { None }; Names::LEN])
    }
}

impl Names {
    const LEN: usize = 128;

    fn get(&mut self, name: &str) -> Rc<str> {
        let hash = name
            .bytes()
            .fold(0usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        match &mut self.0[hash % Names::LEN] {
            Some(known) if **known == *name => Rc::clone(known),
            place => Rc::clone(place.insert(Rc::from(name))),
        }
    }
}
