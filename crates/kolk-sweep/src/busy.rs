//! Nodes on a busy machine and a network that jitters.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_node::{Input, Machine, Outputs, Time};
use kolk_protocol::{Key, Random};

/// By how much things are late, each time by another part of it, drawn evenly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Busy {
    /// What comes from another node is under way for so much longer at most.
    pub jitter: Duration,
    /// A node that has something to do gets its turn so much later at most; what comes meanwhile
    /// waits as well.
    pub held_up: Duration,
}

impl Busy {
    /// The node `number` of the run with this seed, as it would act on such a machine. The delays
    /// are a function of the seed and the node's number.
    pub fn node(self, seed: u64, number: u64, machine: Box<dyn Machine>) -> Box<dyn Machine> {
        let random = Key::new(seed).with_name("busy").with(number).random();
        Box::new(BusyNode {
            machine,
            busy: self,
            random,
            inbox: BTreeMap::new(),
            count: 0,
            wakes_at: None,
            turn: None,
        })
    }
}

struct BusyNode {
    machine: Box<dyn Machine>,
    busy: Busy,
    random: Random,
    /// What has been sent to the node and not been read: when it arrives, how-many-th it is, its
    /// sender and its body.
    inbox: BTreeMap<(Time, u64), (String, String)>,
    count: u64,
    /// The deadline of the node itself.
    wakes_at: Option<Time>,
    /// If the node has something to do: since when, and when it gets its turn.
    turn: Option<(Time, Time)>,
}

impl BusyNode {
    /// When there is something to do.
    fn due(&self) -> Option<Time> {
        let arrives = self.inbox.first_key_value().map(|((at, _), _)| *at);
        arrives.into_iter().chain(self.wakes_at).min()
    }

    fn part(&mut self, of: Duration) -> Duration {
        of.mul_f64(self.random.unit())
    }

    /// The node does all there is to do.
    fn act(&mut self, now: Time, outputs: &mut Outputs) {
        while let Some(first) = self.inbox.first_entry().filter(|first| first.key().0 <= now) {
            let (src, body) = first.remove();
            let input = Input::Message { src: &src, body: &body };
            self.wakes_at = self.machine.step(now, input, outputs);
        }
        if self.wakes_at.is_some_and(|at| at <= now) {
            self.wakes_at = self.machine.step(now, Input::Wake, outputs);
        }
    }
}

impl Machine for BusyNode {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if let Input::Message { src, body } = input {
            let jitter = self.part(self.busy.jitter);
            // Clients are where the node is: their messages take no time.
            let arrives = if src.starts_with('n') { now + jitter } else { now };
            self.inbox.insert((arrives, self.count), (src.to_owned(), body.to_owned()));
            self.count += 1;
        }
        loop {
            let due = self.due()?;
            let at = match self.turn {
                Some((drawn_for, at)) if drawn_for <= due => at,
                before => {
                    let at = due + self.part(self.busy.held_up);
                    let at = before.map_or(at, |(_, before)| at.min(before));
                    self.turn = Some((due, at));
                    at
                }
            };
            if at > now {
                return Some(at);
            }
            self.turn = None;
            self.act(now, outputs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells when it got what, and wakes every 10 ms.
    struct Diary;

    impl Machine for Diary {
        fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
            let what = match input {
                Input::Message { src, .. } => src,
                Input::Wake => "wake",
            };
            outputs.push(what, now.as_millis().to_string().as_bytes());
            Some(Time::from_millis(now.as_millis() / 10 * 10 + 10))
        }
    }

    /// What a node does that gets a message from another node at 0 ms and one from a client at 5
    /// ms.
    fn story(busy: Busy, seed: u64) -> Vec<(String, u64)> {
        let (mut node, mut outputs) = (busy.node(seed, 3, Box::new(Diary)), Outputs::new());
        let message = |src| Input::Message { src, body: "{}" };
        let mut wakes_at = node.step(Time::ZERO, message("n1"), &mut outputs);
        let client = Time::from_millis(5);
        while let Some(at) = wakes_at.filter(|at| *at < client) {
            wakes_at = node.step(at, Input::Wake, &mut outputs);
        }
        wakes_at = node.step(client, message("c1"), &mut outputs);
        while let Some(at) = wakes_at.filter(|at| *at < Time::from_millis(60)) {
            wakes_at = node.step(at, Input::Wake, &mut outputs);
        }
        let told = outputs.messages();
        told.map(|(what, at)| (what.to_owned(), at.parse().expect("a number"))).collect()
    }

    #[test]
    fn a_machine_at_rest_changes_nothing() {
        let told = story(Busy::default(), 1);
        let first = [("n1", 0), ("c1", 5), ("wake", 10), ("wake", 20)];
        let first = first.map(|(what, at)| (what.to_owned(), at));
        assert_eq!(told[..4], first);
    }

    #[test]
    fn everything_happens_and_by_so_much_later_at_most() {
        let millis = Duration::from_millis;
        let mut latest = (0, 0);
        for seed in 0..100 {
            let busy = Busy { jitter: millis(30), held_up: millis(8) };
            let told = story(busy, seed);
            assert_eq!(told, story(busy, seed));
            let at = |what: &str| told.iter().find(|(told, _)| told == what).expect("told").1;
            assert!(at("n1") <= 38 && (5..=13).contains(&at("c1")), "{told:?}");
            latest = (latest.0.max(at("n1")), latest.1.max(at("c1")));
        }
        assert!(latest.0 > 25 && latest.1 > 10, "{latest:?}");
    }
}
