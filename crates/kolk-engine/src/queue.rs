//! The one queue of events, ordered by time and then by when they were scheduled.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use kolk_protocol::Time;

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A message arrives; its place in the network's store.
    Deliver(u32),
    /// A node's deadline has come, if `generation` is still its latest.
    Wake { node: u16, generation: u32 },
    /// A worker's request may have timed out.
    Timeout { worker: u32 },
    /// The next operation is due.
    Invoke,
    /// A worker's next final operation is due.
    Final { worker: u32 },
    /// A fault of the plan begins.
    FaultBegin(u32),
    /// A fault of the plan ends.
    FaultEnd(u32),
    /// A part of the run has had its time.
    StageEnd(u32),
    /// A node that was started again has had its time to answer `init`.
    StartEnd { node: u16, incarnation: u32 },
    /// A node's clock that was ahead is right again, if `generation` is still its latest.
    ClockRight { node: u16, generation: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: Time,
    /// Breaks ties: what was scheduled first happens first.
    sequence: u64,
    event: Event,
}

/// Events to come.
///
/// Much of what is scheduled is due at once (messages to and from clients take no time). Those go
/// to a list beside the heap: whatever the heap holds for this instant was scheduled before this
/// instant began, so it comes first, and the list keeps the order of the rest.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    now: Time,
    sequence: u64,
    heap: BinaryHeap<Reverse<Entry>>,
    due: VecDeque<Event>,
}

impl Queue {
    /// The present instant.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Schedules an event; one in the past is due now.
    pub(crate) fn push(&mut self, time: Time, event: Event) {
        if time <= self.now {
            self.due.push_back(event);
        } else {
            self.sequence += 1;
            self.heap.push(Reverse(Entry { time, sequence: self.sequence, event }));
        }
    }

    /// The next event and its time, not taken.
    pub(crate) fn peek(&self) -> Option<(Time, Event)> {
        match self.heap.peek() {
            Some(Reverse(entry)) if entry.time <= self.now || self.due.is_empty() => {
                Some((entry.time, entry.event))
            }
            _ => self.due.front().map(|event| (self.now, *event)),
        }
    }

    /// Takes the next event and jumps to its time.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        match self.heap.peek() {
            Some(Reverse(entry)) if entry.time <= self.now || self.due.is_empty() => {
                let Reverse(entry) = self.heap.pop()?;
                self.now = self.now.max(entry.time);
                Some(entry.event)
            }
            _ => self.due.pop_front(),
        }
    }

    /// Takes the next event if it is due at `now` at the latest. The queue's time becomes the
    /// event's if the clock is virtual; on the real one [`Queue::advance`] sets it.
    pub(crate) fn pop_due(&mut self) -> Option<Event> {
        match self.peek() {
            Some((time, _)) if time <= self.now => self.pop(),
            _ => None,
        }
    }

    /// True if something is due at once.
    pub(crate) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Moves the present on to `now`; it never goes back. Nothing may be due before.
    pub(crate) fn advance(&mut self, now: Time) {
        debug_assert!(self.due.is_empty(), "the past is over");
        self.now = self.now.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_time_then_by_scheduling() {
        let mut queue = Queue::default();
        let at = Time::from_millis;
        queue.push(at(2), Event::Deliver(0));
        queue.push(at(1), Event::Deliver(1));
        queue.push(at(2), Event::Deliver(2));
        queue.push(at(0), Event::Deliver(3));
        let mut order = Vec::new();
        while let Some(Event::Deliver(number)) = queue.pop() {
            order.push((queue.now(), number));
            if number == 0 {
                // Due at once, but after what was scheduled for this instant before it began.
                queue.push(at(2), Event::Deliver(4));
                queue.push(at(3), Event::Deliver(5));
            }
        }
        let expected = [(0, 3), (1, 1), (2, 0), (2, 2), (2, 4), (3, 5)];
        assert_eq!(order, expected.map(|(time, number)| (at(time), number)));
    }
}
