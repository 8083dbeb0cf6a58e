//! Traffic that feeds itself: nodes that answer answers, or pass on what they have passed on
//! before.
//!
//! Three things are watched, all in the run's own time and so alike on both clocks. Traffic that
//! grows though the load does not is named, and so is traffic that is for seconds more than the
//! load explains; neither need be wrong. Traffic beyond a bound ends the run: what honest nodes
//! need depends on how many they are, on the operations, and on how often they gossip, so the bound
//! grows with all three.

use std::cmp::Reverse;
use std::collections::VecDeque;

use kolk_history::summary::Mostly;
use kolk_protocol::Time;
use rustc_hash::FxHashMap;

use crate::endpoint::{Directory, Endpoint};

/// How many messages any run may send between servers.
const FREE: u64 = 250_000;
/// How many more for each operation and each pair of nodes, of which the services count as one (a
/// node that is alone still asks them, and tries again if others were faster): whoever floods sends
/// each value over each link, has it acknowledged, and does so again a few times if that fails.
const PER_OPERATION_AND_PAIR: u64 = 10;
/// How many more for each second and each pair of nodes: gossip with everybody every few
/// milliseconds.
const PER_SECOND_AND_PAIR: u64 = 500;
/// And how many more for each second at most, for clusters in which nobody can gossip so often.
const PER_SECOND_MAX: u64 = 30_000;

/// How many of the latest messages say what traffic consists of.
const LATEST: usize = 1024;
/// How many types of message are told apart.
const KINDS_MAX: usize = 4096;
/// How often messages are held against the bound.
const CHECK_EVERY: u64 = 1024;

/// For how many seconds traffic must have grown without a stop, and how much since the load began,
/// to be named.
const SECONDS: usize = 6;
const GROWTH: u64 = 3;
/// Below so many messages a second nobody minds.
const RATE_MIN: u64 = 2_000;
/// For how many seconds in a row traffic must be more than the load explains, to be named.
const EXCESSIVE_SECONDS: usize = 4;
/// The first seconds of a load, in which everything grows.
const WARM_UP: usize = 2;

/// A second of the load.
#[derive(Clone, Copy, Debug)]
struct Second {
    messages: u64,
    operations: u64,
    /// No fault was open at its end.
    calm: bool,
}

/// What is sent most: a type of message from one server to another, and what goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) src: Endpoint,
    pub(crate) dest: Endpoint,
    pub(crate) kind: String,
    pub(crate) back: Option<String>,
}

impl Pair {
    pub(crate) fn named(self, directory: &Directory) -> Mostly {
        let name = |end| directory.name(end).to_owned();
        Mostly { src: name(self.src), dest: name(self.dest), kind: self.kind, back: self.back }
    }
}

/// What is the matter with the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It grows: messages a second when the load began and now.
    Grows { from: u64, to: u64, pair: Pair },
    /// It is more than the load explains: messages and operations of the last second.
    Exceeds { messages: u64, operations: u64, pair: Pair },
    /// It is more than the run may have.
    Beyond { messages: u64, bound: u64, pair: Pair },
}

/// The traffic between servers since the load began.
#[derive(Debug)]
pub(crate) struct Traffic {
    nodes: u64,
    /// The bound that was asked for, in place of the one that grows.
    asked: Option<u64>,
    messages: u64,
    began: Time,
    /// How many whole seconds of the load are over.
    second: u64,
    /// Messages and operations when the present one began.
    at_second: (u64, u64),
    /// The latest of them.
    seconds: VecDeque<Second>,
    /// The first that was not warm-up, with which they are compared.
    base: Option<Second>,
    /// For how many seconds in a row there was more than the load explains.
    excessive: usize,
    named: bool,
    latest: Vec<(Endpoint, Endpoint, u16)>,
    kinds: FxHashMap<String, u16>,
    names: Vec<String>,
}

impl Traffic {
    pub(crate) fn new(nodes: usize, asked: Option<u64>) -> Traffic {
        Traffic {
            nodes: nodes as u64,
            asked,
            messages: 0,
            began: Time::ZERO,
            second: 0,
            at_second: (0, 0),
            seconds: VecDeque::new(),
            base: None,
            excessive: 0,
            named: false,
            latest: Vec::new(),
            kinds: FxHashMap::default(),
            names: Vec::new(),
        }
    }

    /// The load begins.
    pub(crate) fn begin(&mut self, now: Time) {
        (self.began, self.second, self.at_second) = (now, 0, (self.messages, 0));
        self.seconds.clear();
        self.base = None;
    }

    /// How many messages there may be by now.
    fn bound(&self, now: Time, operations: u64) -> u64 {
        if let Some(asked) = self.asked {
            return asked;
        }
        let seconds = now.since(self.began).as_secs();
        FREE.saturating_add(self.explained(operations, seconds))
    }

    /// How many messages so many operations and seconds explain.
    fn explained(&self, operations: u64, seconds: u64) -> u64 {
        let pairs = (self.nodes + 1) * (self.nodes + 1);
        let each = (PER_SECOND_AND_PAIR * pairs).min(PER_SECOND_MAX);
        (PER_OPERATION_AND_PAIR * pairs)
            .saturating_mul(operations)
            .saturating_add(each.saturating_mul(seconds))
    }

    /// A message is sent between servers, after so many operations; `calm` if no fault is open.
    pub(crate) fn sent(
        &mut self,
        now: Time,
        ends: (Endpoint, Endpoint),
        kind: &str,
        operations: u64,
        calm: bool,
    ) -> Option<Trouble> {
        let kind = self.number_of(kind);
        let message = (ends.0, ends.1, kind);
        let place = self.messages as usize % LATEST;
        match self.latest.get_mut(place) {
            Some(slot) => *slot = message,
            None => self.latest.push(message),
        }
        self.messages += 1;
        if self.asked.is_some_and(|asked| self.messages > asked)
            || self.messages.is_multiple_of(CHECK_EVERY)
        {
            let bound = self.bound(now, operations);
            if self.messages > bound {
                let pair = self.pair();
                return Some(Trouble::Beyond { messages: self.messages, bound, pair });
            }
        }
        let second = now.since(self.began).as_secs();
        if second == self.second {
            return None;
        }
        self.end_second(second, operations, calm)
    }

    fn end_second(&mut self, second: u64, operations: u64, calm: bool) -> Option<Trouble> {
        let (messages, before) = self.at_second;
        // A pause is no growth.
        if second != self.second + 1 {
            self.seconds.clear();
            self.base = None;
            self.excessive = 0;
        }
        let is_warm = self.second >= WARM_UP as u64;
        (self.second, self.at_second) = (second, (self.messages, operations));
        if !is_warm {
            return None;
        }
        let ended =
            Second { messages: self.messages - messages, operations: operations - before, calm };
        self.base.get_or_insert(ended);
        self.seconds.push_back(ended);
        if self.seconds.len() > SECONDS {
            self.seconds.pop_front();
        }
        let is_excess = ended.messages > self.explained(ended.operations, 1) && calm;
        self.excessive = if is_excess { self.excessive + 1 } else { 0 };
        if self.named {
            return None;
        }
        let Second { messages, operations, .. } = ended;
        let trouble = if self.grows() {
            Trouble::Grows { from: self.base?.messages, to: messages, pair: self.pair() }
        } else if self.excessive == EXCESSIVE_SECONDS {
            Trouble::Exceeds { messages, operations, pair: self.pair() }
        } else {
            return None;
        };
        self.named = true;
        Some(trouble)
    }

    fn grows(&self) -> bool {
        let (Some(first), Some(last)) = (self.base, self.seconds.back()) else { return false };
        let seconds = || self.seconds.iter();
        let same_load = |second: &Second| second.operations <= first.operations * 3 / 2 + 3;
        self.seconds.len() == SECONDS
            && last.messages >= RATE_MIN
            && last.messages >= first.messages.saturating_mul(GROWTH)
            && seconds().all(|second| second.calm && same_load(second))
            && seconds().zip(seconds().skip(1)).all(|(a, b)| a.messages < b.messages)
    }

    fn number_of(&mut self, kind: &str) -> u16 {
        if let Some(number) = self.kinds.get(kind) {
            return *number;
        }
        if self.names.len() == KINDS_MAX {
            return KINDS_MAX as u16;
        }
        let number = self.names.len() as u16;
        self.names.push(kind.to_owned());
        self.kinds.insert(kind.to_owned(), number);
        number
    }

    /// What the latest messages were, most of them.
    fn pair(&self) -> Pair {
        let mut counts: FxHashMap<(Endpoint, Endpoint, u16), u32> = FxHashMap::default();
        for message in &self.latest {
            *counts.entry(*message).or_default() += 1;
        }
        // Of several the first, so that the same run names the same.
        let most = |wanted: &dyn Fn(&(Endpoint, Endpoint, u16)) -> bool| {
            let counts = counts.iter().filter(|(message, _)| wanted(message));
            counts.max_by_key(|(message, count)| (**count, Reverse(**message))).map(|(at, _)| *at)
        };
        let name = |kind: u16| self.names.get(usize::from(kind)).cloned().unwrap_or("…".to_owned());
        let (src, dest, kind) = most(&|_| true).expect("a message was sent");
        let back = most(&|(from, to, _)| *from == dest && *to == src && *from != *to);
        Pair { src, dest, kind: name(kind), back: back.map(|(_, _, kind)| name(kind)) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const N0: Endpoint = Endpoint::Node(0);
    const N1: Endpoint = Endpoint::Node(1);

    /// Sends so many messages in each second, after five operations in each; gives what was said
    /// and in which second.
    fn watch(nodes: usize, asked: Option<u64>, rates: &[u64], calm: bool) -> Vec<(usize, Trouble)> {
        let mut traffic = Traffic::new(nodes, asked);
        let begin = Time::from_millis(500);
        traffic.begin(begin);
        let mut said = Vec::new();
        for (second, rate) in rates.iter().enumerate() {
            for number in 0..*rate {
                let nanos = second as u64 * 1_000_000_000 + number * 1_000_000_000 / rate;
                let now = begin + Duration::from_nanos(nanos);
                let (ends, kind) =
                    if number % 2 == 0 { ((N0, N1), "ask") } else { ((N1, N0), "ask_ok") };
                let trouble = traffic.sent(now, ends, kind, 5 * (second as u64 + 1), calm);
                said.extend(trouble.map(|trouble| (second, trouble)));
            }
        }
        said
    }

    fn pair() -> Pair {
        Pair { src: N0, dest: N1, kind: "ask".into(), back: Some("ask_ok".into()) }
    }

    #[test]
    fn growth_is_named_once_and_only_growth() {
        let grows: Vec<u64> = (1..20).map(|second| second * 500).collect();
        let said = watch(5, None, &grows, true);
        assert_eq!(said, [(9, Trouble::Grows { from: 1500, to: 4500, pair: pair() })]);
        assert_eq!(watch(5, None, &grows, false), [], "a fault is open");
        assert_eq!(watch(5, None, &[5000; 20], true), [], "much, and always so");
        assert_eq!(
            watch(5, None, &[100, 200, 300, 400, 500, 600, 700, 800, 900], true),
            [],
            "little"
        );
        let waves: Vec<u64> = (0..30).map(|second| 1000 + second % 5 * 1500).collect();
        assert_eq!(watch(5, None, &waves, true), [], "up and down");
    }

    /// Five operations a second and two nodes: 10 · 9 · 5 + 500 · 9 messages a second are
    /// explained.
    #[test]
    fn steady_traffic_that_no_load_explains_is_named_once() {
        let excess = |messages| Trouble::Exceeds { messages, operations: 5, pair: pair() };
        assert_eq!(watch(2, None, &[4_950; 20], true), []);
        assert_eq!(watch(2, None, &[4_951; 20], true), [(6, excess(4_951))]);
        assert_eq!(watch(2, None, &[4_951; 20], false), [], "a fault is open");
        let waves: Vec<u64> =
            (0..30).map(|second| if second % 4 == 3 { 9 } else { 9_000 }).collect();
        assert_eq!(watch(2, None, &waves, true), [], "it stops now and then");
        assert_eq!(watch(24, None, &[30_000; 10], true), [], "many nodes");
    }

    #[test]
    fn the_bound_grows_with_nodes_operations_and_time() {
        // Twenty-five nodes that gossip with everybody twenty times a second, acknowledged.
        assert_eq!(watch(25, None, &[24_000; 30], true), []);
        // Five that do so every ten milliseconds.
        assert_eq!(watch(5, None, &[4_000; 30], true), []);
        let said = watch(3, None, &[60_000; 10], true);
        let Some((4, Trouble::Beyond { messages, bound, pair: found })) = said.first() else {
            panic!("{said:?}");
        };
        assert!(messages > bound && *found == pair());
        let said = watch(3, Some(10), &[12], true);
        assert_eq!(said[0].1, Trouble::Beyond { messages: 11, bound: 10, pair: pair() });
    }
}
