//! Replicas on a network of a few lines, message by message.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_node::{Random, Time};

use super::replica::Replica;
use super::runs::Runs;
use super::settings::{Settings, Strategy};
use super::store::Keep;
use super::wire::Packet;

const LATENCY: Duration = Duration::from_millis(100);

/// What becomes of a packet, by its number, and whom it is from and to: when it arrives, once or
/// several times, or never.
type Fate = Box<dyn FnMut(u64, u32, u32) -> Vec<Duration>>;

/// Replicas whose packets take [`LATENCY`], unless their fate is another.
pub(crate) struct World<T = i64> {
    now: Time,
    replicas: Vec<Replica<T>>,
    on_way: BTreeMap<(Time, u64, usize), (u32, u32, Packet<T>)>,
    /// When, from whom, to whom, and what was sent.
    sent: Vec<(Time, u32, u32, Packet<T>)>,
    fate: Fate,
}

impl World {
    fn new(nodes: usize, settings: &Settings) -> World {
        World::keeping(Keep::All, nodes, settings)
    }

    fn values(&self, node: u32) -> Vec<i64> {
        let mut values = self.replicas[node as usize].values().to_vec();
        values.sort_unstable();
        values
    }

    /// What was sent so far, as `100 0>1: 5 6 a3`: when, from whom to whom, values, and what else.
    fn story(&self) -> Vec<String> {
        self.sent.iter().map(|(at, src, dest, packet)| told(*at, *src, *dest, packet)).collect()
    }
}

impl<T: Clone> World<T> {
    pub(crate) fn keeping(keep: Keep, nodes: usize, settings: &Settings) -> World<T> {
        let replica = |me| {
            let random = Random::from_seed(u64::from(me));
            Replica::new(me, nodes, keep, settings.clone(), random)
        };
        World {
            now: Time::ZERO,
            replicas: (0..nodes as u32).map(replica).collect(),
            on_way: BTreeMap::new(),
            sent: Vec::new(),
            fate: Box::new(|_, _, _| vec![LATENCY]),
        }
    }

    /// From now on this is what becomes of packets.
    pub(crate) fn set_fate(&mut self, fate: impl FnMut(u64, u32, u32) -> Vec<Duration> + 'static) {
        self.fate = Box::new(fate);
    }

    /// From now on only these packets arrive, after [`LATENCY`].
    fn let_through(&mut self, mut arrives: impl FnMut(u64, u32, u32) -> bool + 'static) {
        self.set_fate(
            move |number, src, dest| {
                if arrives(number, src, dest) { vec![LATENCY] } else { Vec::new() }
            },
        );
    }

    /// How many packets were sent so far.
    pub(crate) fn sent_count(&self) -> usize {
        self.sent.len()
    }

    /// How many values the packets had that were sent to a node since there were `since`.
    fn values_sent_to(&self, node: u32, since: usize) -> usize {
        let packets = self.sent[since..].iter().filter(|(_, _, dest, _)| *dest == node);
        packets.map(|(.., packet)| value_count(packet)).sum()
    }

    fn act(&mut self, node: u32, act: impl FnOnce(&mut Replica<T>, Time)) {
        let replica = &mut self.replicas[node as usize];
        act(replica, self.now);
        for (peer, packet) in replica.drain_outputs() {
            let number = self.sent.len() as u64;
            for (copy, latency) in (self.fate)(number, node, peer).into_iter().enumerate() {
                let arrival = (self.now + latency, number, copy);
                self.on_way.insert(arrival, (node, peer, packet.clone()));
            }
            self.sent.push((self.now, node, peer, packet));
        }
    }

    pub(crate) fn add(&mut self, node: u32, value: T) {
        self.act(node, |replica, now| replica.add(now, value));
    }

    /// The values that are new at a node since this was last asked.
    pub(crate) fn take_fresh(&mut self, node: u32) -> Vec<T> {
        let replica = &mut self.replicas[node as usize];
        let fresh = replica.take_fresh();
        fresh.into_iter().map(|place| replica.values()[place as usize].clone()).collect()
    }

    /// Lets everything happen that happens within `millis`.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            let arrival = self.on_way.first_key_value().map(|((at, ..), _)| *at);
            let wakes = self.replicas.iter().map(Replica::deadline);
            let wake = (0..).zip(wakes).filter_map(|(node, at)| Some((at?, node))).min();
            match (arrival, wake) {
                (Some(at), wake) if at <= end && wake.is_none_or(|(other, _)| at <= other) => {
                    self.now = at;
                    if let Some((_, (src, dest, packet))) = self.on_way.pop_first() {
                        self.act(dest, |replica, now| replica.receive(now, src, packet));
                    }
                }
                (_, Some((at, node))) if at <= end => {
                    self.now = self.now.max(at);
                    self.act(node, |replica, now| replica.wake(now));
                }
                _ => break,
            }
        }
        self.now = end;
    }
}

fn value_count<T>(packet: &Packet<T>) -> usize {
    packet.runs.values().len() + packet.spread.values().len()
}

fn told(at: Time, src: u32, dest: u32, packet: &Packet<i64>) -> String {
    let mut text = format!("{} {src}>{dest}:", at.as_millis());
    let mut say = |what: &str| {
        text.push(' ');
        text.push_str(what);
    };
    for (runs, mark) in [(&packet.runs, ""), (&packet.spread, "!")] {
        runs.values().iter().for_each(|value| say(&format!("{value}{mark}")));
    }
    for (letter, number) in [('a', packet.ack), ('g', packet.gap)] {
        if number > 0 {
            say(&format!("{letter}{number}"));
        }
    }
    for (letter, is_set) in [('q', packet.ask), ('v', packet.version.is_some()), ('w', packet.want)]
    {
        if is_set {
            say(&letter.to_string());
        }
    }
    text
}

fn hub(flush_ms: u64) -> Settings {
    Settings::of(Strategy::Hub { flush: Duration::from_millis(flush_ms), align: false })
}

#[test]
fn acknowledgements_ride_or_travel_alone_in_the_end() {
    let mut world = World::new(3, &hub(200));
    world.add(1, 10);
    world.run(1000);
    world.add(2, 20);
    world.run(60_000);
    let expected = [
        "0 1>0: 10!",
        "300 0>2: 10",
        "1000 2>0: 20! a1",
        "1300 0>1: 20 a1",
        // The hub's acknowledgement of what came at 1100 ms, and node 1's of what came at 1400 ms.
        "3100 0>2: a2",
        "3400 1>0: a2",
    ];
    assert_eq!(world.story(), expected);
    for node in 0..3 {
        assert_eq!(world.values(node), [10, 20]);
    }
}

#[test]
fn what_is_lost_is_missed_at_the_next_message() {
    let mut world = World::new(3, &hub(200));
    world.add(1, 10);
    world.run(1000);
    // The round trip is known from here on.
    world.add(1, 11);
    world.run(1000);
    world.run(5000);
    let before = world.sent.len();
    let lost = before as u64;
    world.let_through(move |number, _, _| number != lost);
    world.add(1, 12);
    world.run(50);
    world.add(1, 13);
    world.run(1000);
    let expected = [
        "7000 1>0: 12!",
        "7050 1>0: 13!",
        // Something between is missing.
        "7150 0>1: a2 g3",
        "7250 1>0: 12! 13! q",
        "7350 0>1: a4",
        "7350 0>2: 12 13",
    ];
    assert_eq!(world.story()[before..][..expected.len()], expected);
}

#[test]
fn what_nobody_acknowledges_is_repeated_quickly_but_never_without_pause() {
    let mut world = World::new(2, &hub(0));
    world.let_through(|_, _, _| false);
    world.add(1, 10);
    world.run(30_000);
    let times: Vec<u64> = world.sent.iter().map(|(at, ..)| at.as_millis()).collect();
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The first comes when an acknowledgement could have come alone, the next when an answer could.
    assert_eq!(pauses[0], 2530);
    assert!(pauses[1..].iter().all(|pause| (530..=1000).contains(pause)), "{pauses:?}");
    world.let_through(|_, _, _| true);
    world.run(2000);
    assert_eq!(world.values(0), [10]);
    let sent = world.sent.len();
    world.run(60_000);
    assert_eq!(world.sent.len(), sent, "{:?}", &world.story()[sent..]);
}

#[test]
fn a_deputy_does_the_work_of_a_dead_hub() {
    let mut world = World::new(4, &hub(200));
    world.let_through(|_, src, dest| src != 0 && dest != 0);
    world.add(2, 20);
    world.run(10_000);
    for node in 1..4 {
        assert_eq!(world.values(node), [20], "node {node}");
    }
    let before = world.sent.len();
    // Node 2 knows whom to turn to, node 3 must find out.
    world.add(3, 30);
    world.add(2, 21);
    world.run(1000);
    assert_eq!(world.values(1), [20, 21], "{:?}", &world.story()[before..]);
    world.run(9000);
    assert_eq!(world.values(2), [20, 21, 30], "{:?}", &world.story()[before..]);
    // Everything returns to the first hub when it is back, and comes to rest.
    world.let_through(|_, _, _| true);
    world.run(20_000);
    assert_eq!(world.values(0), [20, 21, 30]);
    world.add(3, 31);
    world.run(10_000);
    let before = world.sent.len();
    world.add(3, 32);
    world.run(60_000);
    let expected = [
        "50000 3>0: 32!",
        "50300 0>1: 32 a3",
        "50300 0>2: 32",
        "52100 0>3: a6",
        "52400 1>0: a5",
        "52400 2>0: a5",
    ];
    assert_eq!(world.story()[before..], expected);
}

/// The hub told one node and confirmed to the origin, and is never heard of again.
#[test]
fn what_a_dead_hub_left_undone_is_found_out() {
    let mut world = World::new(4, &hub(200));
    let late = std::rc::Rc::new(std::cell::Cell::new(false));
    let is_late = std::rc::Rc::clone(&late);
    world.let_through(move |_, src, dest| match (src, dest) {
        (0, 3) => false,
        (0, _) | (_, 0) => !is_late.get(),
        _ => true,
    });
    world.add(2, 20);
    world.run(150);
    world.add(1, 10);
    world.run(400);
    late.set(true);
    assert_eq!(world.values(3), Vec::<i64>::new());
    world.run(10_000);
    world.add(3, 30);
    world.run(10_000);
    for node in 1..4 {
        assert_eq!(world.values(node), [10, 20, 30], "node {node}");
    }
}

#[test]
fn long_backlogs_come_in_pieces() {
    for strategy in ["", "--direct", "--topology"] {
        let settings = Settings::from_args(
            &strategy.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        )
        .expect("settings");
        let mut world = World::new(3, &settings);
        for node in 0..3u32 {
            let others: Vec<u32> = (0..3).filter(|other| *other != node).collect();
            world.act(node, |replica, now| replica.set_neighbours(now, &others));
        }
        world.run(100);
        world.let_through(|_, _, _| false);
        for value in 0..100_000 {
            world.add(2, value);
        }
        world.run(20_000);
        world.let_through(|_, _, _| true);
        let before = world.sent.len();
        world.run(20_000);
        for node in 0..3 {
            assert_eq!(world.replicas[node].values().len(), 100_000, "{strategy} node {node}");
        }
        let pieces = world.sent[before..].iter();
        let longest = pieces.map(|(.., packet)| value_count(packet));
        assert!(longest.max() <= Some(512), "{strategy}");
    }
}

/// Whatever a faulty peer sends, a replica lives on and comes to rest.
#[test]
fn nonsense_does_no_harm() {
    for seed in 0..200 {
        let mut random = Random::from_seed(seed);
        let mut world = World::new(3, &hub(50));
        let mut number = |random: &mut Random| match random.below(4) {
            0 => 0,
            1 => random.below(10),
            2 => random.below(1 << 40),
            _ => u64::MAX - random.below(3),
        };
        for _ in 0..50 {
            let run = |random: &mut Random, number: &mut dyn FnMut(&mut Random) -> u64| {
                Runs::of(random.below(5) as u32, number(random), vec![7; random.index(3)])
            };
            let packet = Packet {
                clock: number(&mut random),
                echo: Some((number(&mut random), number(&mut random))),
                ack: number(&mut random),
                gap: number(&mut random),
                from: number(&mut random),
                to: number(&mut random),
                runs: run(&mut random, &mut number),
                spread: run(&mut random, &mut number),
                timed: random.below(2) == 0,
                ask: random.below(2) == 0,
                version: None,
                want: random.below(2) == 0,
            };
            world.act(1, |replica, now| replica.receive(now, 2, packet));
            world.run(random.below(100));
            world.add(0, 1);
        }
        world.run(1000);
        assert!(world.values(1).len() >= 50);
    }
}

/// Where the newer value says it all, whoever was cut off gets one of each origin.
#[test]
fn what_was_superseded_is_not_sent() {
    for strategy in ["", "--at-once", "--direct"] {
        let args: Vec<String> = strategy.split_whitespace().map(str::to_owned).collect();
        let settings = Settings::from_args(&args).expect("settings");
        let mut world = World::keeping(Keep::Newest, 4, &settings);
        world.add(1, 0);
        world.run(1000);
        world.let_through(|_, src, dest| src != 3 && dest != 3);
        for value in 1..2000 {
            world.add(1, value);
            world.add(2, -value);
            world.run(5);
        }
        world.add(3, 7);
        world.run(10_000);
        assert_eq!(world.values(3), [0, 7], "{strategy}");
        let before = world.sent_count();
        world.let_through(|_, _, _| true);
        world.run(20_000);
        for node in 0..4 {
            assert_eq!(world.values(node), [-1999, 7, 1999], "{strategy} node {node}");
        }
        // From whoever gave them and from who was asked for what is missing, at worst.
        assert!(world.values_sent_to(3, before) <= 6, "{:?}", &world.story()[before..]);
        let before = world.sent_count();
        world.run(600_000);
        assert_eq!(world.sent_count(), before, "{:?}", &world.story()[before..]);
    }
}
