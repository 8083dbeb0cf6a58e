//! The network: what becomes of a message between two servers.
//!
//! Loss, duplication and latency touch messages between nodes and between a node and a service;
//! partitions those between nodes. A message with a client at an end always arrives, at once.

use std::time::Duration;

use kolk_history::plan::{FateOverride, LatencyDistribution, NetworkSpec};
use kolk_protocol::{Key, Random, Time};
use rustc_hash::FxHashMap;

use crate::endpoint::{Directory, Endpoint, SERVICES};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// It never arrives.
    pub(crate) lost: bool,
    /// How long it is on its way.
    pub(crate) latency: Duration,
    /// How long a second copy of it is on its way, if there is one.
    pub(crate) duplicate: Option<Duration>,
    /// What would not have been without the faults that are open.
    pub(crate) by_faults: ByFaults,
}

/// What faults made of a message that the network alone would not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByFaults {
    pub(crate) lost: bool,
    pub(crate) doubled: bool,
    pub(crate) slowed: bool,
}

impl ByFaults {
    const NOTHING: ByFaults = ByFaults { lost: false, doubled: false, slowed: false };
}

impl Fate {
    /// Arrives once, at once.
    pub(crate) const AT_ONCE: Fate = Fate {
        lost: false,
        latency: Duration::ZERO,
        duplicate: None,
        by_faults: ByFaults::NOTHING,
    };
}

/// One direction between two servers.
#[derive(Clone, Copy, Debug)]
struct Link {
    key: Key,
    /// How many messages have been sent on it.
    sent: u64,
}

/// Links that stand still between waves.
#[derive(Debug)]
struct Clog {
    /// The fault's number.
    number: u32,
    /// By receiver, then by sender.
    links: Vec<bool>,
    begin: Time,
    end: Time,
    every: Duration,
}

impl Clog {
    /// When the wave comes that what is due then arrives with.
    fn wave(&self, due: Time) -> Time {
        let (since, every) = (due.since(self.begin).as_nanos(), self.every.as_nanos().max(1));
        let waves = since.div_ceil(every);
        let after = u64::try_from(waves * every).unwrap_or(u64::MAX);
        (self.begin + Duration::from_nanos(after)).min(self.end)
    }
}

/// All links' states.
#[derive(Debug)]
pub(crate) struct Network {
    spec: NetworkSpec,
    /// Every message on a link has the same fate, and none is drawn.
    plain: bool,
    node_count: usize,
    /// By sender and receiver, nodes before services.
    links: Vec<Link>,
    /// How many open faults keep a receiver from hearing a sender: by receiver, then by sender.
    blocked: Vec<u16>,
    /// By how many times each open fault makes a link slower: by receiver, then by sender.
    slowed: Vec<Vec<u32>>,
    /// The open faults that lose messages, and those that double them, by their probabilities.
    losses: Vec<f64>,
    duplications: Vec<f64>,
    clogs: Vec<Clog>,
    overrides: FxHashMap<(usize, u64), Fate>,
}

impl Network {
    pub(crate) fn new(
        spec: NetworkSpec,
        overrides: &[FateOverride],
        seed: u64,
        directory: &Directory,
    ) -> Result<Network, String> {
        let names: Vec<&str> =
            directory.nodes().iter().map(String::as_str).chain(SERVICES).collect();
        let domain = Key::new(seed).with_name("fate");
        let links = names.iter().flat_map(|src| {
            names.iter().map(|dest| Link { key: domain.with_name(src).with_name(dest), sent: 0 })
        });
        let node_count = directory.nodes().len();
        let mut network = Network {
            spec,
            plain: spec.loss == 0.0
                && spec.duplication == 0.0
                && spec.latency_dist == LatencyDistribution::Constant,
            node_count,
            links: links.collect(),
            blocked: vec![0; node_count * node_count],
            slowed: vec![Vec::new(); node_count * node_count],
            losses: Vec::new(),
            duplications: Vec::new(),
            clogs: Vec::new(),
            overrides: FxHashMap::default(),
        };
        for fate in overrides {
            let ends = [&fate.src, &fate.dest].map(|name| directory.find(name));
            let link = match ends {
                [Some(src), Some(dest)] => network.link(src, dest),
                _ => None,
            };
            let Some(link) = link else {
                return Err(format!(
                    "the plan overrides the fate of a message from `{}` to `{}`, between which \
                     nothing is drawn",
                    fate.src, fate.dest
                ));
            };
            let given = Fate {
                lost: fate.lost,
                latency: Duration::from_nanos(fate.latency),
                duplicate: fate.duplicate.map(Duration::from_nanos),
                ..Fate::AT_ONCE
            };
            network.overrides.insert((link, fate.nth), given);
        }
        Ok(network)
    }

    fn place(&self, endpoint: Endpoint) -> Option<usize> {
        match endpoint {
            Endpoint::Node(number) => Some(usize::from(number)),
            Endpoint::Service(number) => Some(self.node_count + usize::from(number)),
            Endpoint::Client(_) => None,
        }
    }

    fn link(&self, src: Endpoint, dest: Endpoint) -> Option<usize> {
        Some(self.place(src)? * (self.node_count + SERVICES.len()) + self.place(dest)?)
    }

    /// Decides the fate of the next message from `src` to `dest`: a function of the seed, the link,
    /// how many went before it, and how slow the link is now.
    pub(crate) fn fate(&mut self, src: Endpoint, dest: Endpoint) -> Fate {
        let fate = self.draw_fate(src, dest);
        match self.factor(src, dest) {
            1 => fate,
            factor => Fate {
                latency: fate.latency.saturating_mul(factor),
                duplicate: fate.duplicate.map(|latency| latency.saturating_mul(factor)),
                by_faults: ByFaults { slowed: !fate.latency.is_zero(), ..fate.by_faults },
                ..fate
            },
        }
    }

    /// How many times slower a link is than it should be.
    fn factor(&self, src: Endpoint, dest: Endpoint) -> u32 {
        match (src, dest) {
            (Endpoint::Node(src), Endpoint::Node(dest)) => {
                let factors = &self.slowed[usize::from(dest) * self.node_count + usize::from(src)];
                factors.iter().copied().max().unwrap_or(1)
            }
            _ => 1,
        }
    }

    /// Begins or ends one reason for messages from `src` to `dest` to take so many times longer; of
    /// several the strongest counts.
    pub(crate) fn slow(&mut self, src: u16, dest: u16, factor: u32, begin: bool) {
        let factors = &mut self.slowed[usize::from(dest) * self.node_count + usize::from(src)];
        if begin {
            factors.push(factor);
        } else if let Some(place) = factors.iter().position(|open| *open == factor) {
            factors.swap_remove(place);
        }
    }

    /// Begins or ends one reason for messages to be lost.
    pub(crate) fn lose(&mut self, probability: f64, begin: bool) {
        open_or_close(&mut self.losses, probability, begin);
    }

    /// Begins or ends one reason for messages to arrive twice.
    pub(crate) fn duplicate(&mut self, probability: f64, begin: bool) {
        open_or_close(&mut self.duplications, probability, begin);
    }

    /// Has links, given by their senders and receivers, stand still until `end`, but for a wave
    /// every so often.
    pub(crate) fn clog(
        &mut self,
        number: u32,
        ends: &[(u16, u16)],
        (begin, end): (Time, Time),
        every: Duration,
    ) {
        let mut links = vec![false; self.node_count * self.node_count];
        for (src, dest) in ends {
            links[usize::from(*dest) * self.node_count + usize::from(*src)] = true;
        }
        self.clogs.push(Clog { number, links, begin, end, every });
    }

    /// Ends that.
    pub(crate) fn unclog(&mut self, number: u32) {
        self.clogs.retain(|clog| clog.number != number);
    }

    /// Until when a message waits that would arrive at `due`; `None` if it need not.
    pub(crate) fn held(&self, src: Endpoint, dest: Endpoint, due: Time) -> Option<Time> {
        let (Endpoint::Node(src), Endpoint::Node(dest)) = (src, dest) else { return None };
        let link = usize::from(dest) * self.node_count + usize::from(src);
        let open = self.clogs.iter().filter(|clog| clog.links[link]);
        open.map(|clog| clog.wave(due)).max().filter(|wave| *wave > due)
    }

    fn draw_fate(&mut self, src: Endpoint, dest: Endpoint) -> Fate {
        let Some(number) = self.link(src, dest) else { return Fate::AT_ONCE };
        let link = &mut self.links[number];
        let nth = link.sent;
        link.sent += 1;
        if !self.overrides.is_empty()
            && let Some(fate) = self.overrides.get(&(number, nth))
        {
            return *fate;
        }
        if self.plain && self.losses.is_empty() && self.duplications.is_empty() {
            let latency = millis(self.spec.latency);
            return Fate { latency, ..Fate::AT_ONCE };
        }
        // All four are always drawn, and in this order, so that a run with more loss differs from
        // one with less in its losses alone.
        let mut random = link.key.with(nth).random();
        let highest = |least: f64, open: &[f64]| open.iter().copied().fold(least, f64::max);
        let loss = random.unit();
        let lost = loss < highest(self.spec.loss, &self.losses);
        let latency = draw_latency(&self.spec, &mut random);
        let double = random.unit();
        let doubled = double < highest(self.spec.duplication, &self.duplications) && !lost;
        let second = draw_latency(&self.spec, &mut random);
        let by_faults = ByFaults {
            lost: lost && loss >= self.spec.loss,
            doubled: doubled && double >= self.spec.duplication,
            slowed: false,
        };
        Fate { lost, latency, duplicate: doubled.then_some(second), by_faults }
    }

    /// Begins or ends one reason for `dest` not to hear `src`.
    pub(crate) fn block(&mut self, src: u16, dest: u16, begin: bool) {
        let count = &mut self.blocked[usize::from(dest) * self.node_count + usize::from(src)];
        *count = if begin { *count + 1 } else { count.saturating_sub(1) };
    }

    /// True if `dest` hears nothing from `src` now.
    pub(crate) fn is_cut(&self, src: Endpoint, dest: Endpoint) -> bool {
        match (src, dest) {
            (Endpoint::Node(src), Endpoint::Node(dest)) => {
                self.blocked[usize::from(dest) * self.node_count + usize::from(src)] > 0
            }
            _ => false,
        }
    }
}

fn open_or_close(open: &mut Vec<f64>, probability: f64, begin: bool) {
    if begin {
        open.push(probability);
    } else if let Some(place) = open.iter().position(|other| *other == probability) {
        open.swap_remove(place);
    }
}

fn millis(millis: f64) -> Duration {
    Duration::from_nanos((millis * 1e6) as u64)
}

/// One latency. Exponential ones are whole milliseconds, as in Maelstrom; their logarithm is
/// `libm`'s, because the standard library's differs between platforms.
fn draw_latency(spec: &NetworkSpec, random: &mut Random) -> Duration {
    let unit = random.unit();
    match spec.latency_dist {
        LatencyDistribution::Constant => millis(spec.latency),
        LatencyDistribution::Uniform => millis(unit * 2.0 * spec.latency),
        LatencyDistribution::Exponential => millis((-spec.latency * libm::log(1.0 - unit)).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(latency: f64, dist: LatencyDistribution, loss: f64, duplication: f64) -> Network {
        let directory = Directory::new(&["n0".into(), "n1".into(), "n2".into()]).unwrap();
        let spec = NetworkSpec { latency, latency_dist: dist, loss, duplication };
        Network::new(spec, &[], 7, &directory).unwrap()
    }

    const N0: Endpoint = Endpoint::Node(0);
    const N1: Endpoint = Endpoint::Node(1);

    #[test]
    fn latencies_have_their_mean() {
        for dist in [
            LatencyDistribution::Constant,
            LatencyDistribution::Uniform,
            LatencyDistribution::Exponential,
        ] {
            let mut network = network(100.0, dist, 0.0, 0.0);
            let total: f64 =
                (0..10_000).map(|_| network.fate(N0, N1).latency.as_secs_f64() * 1e3).sum();
            let mean = total / 10_000.0;
            assert!((97.0..103.0).contains(&mean), "{dist:?}: {mean}");
        }
    }

    /// What a seed means may never change without a new version of the draws.
    #[test]
    fn fates_are_frozen() {
        let mut network = network(100.0, LatencyDistribution::Exponential, 0.2, 0.2);
        let fates: Vec<_> = (0..6)
            .map(|_| network.fate(N0, N1))
            .map(|fate| {
                let millis = |duration: Duration| duration.as_millis();
                (fate.lost, millis(fate.latency), fate.duplicate.map(millis))
            })
            .collect();
        let expected = [
            (true, 129, None),
            (false, 14, None),
            (false, 24, Some(71)),
            (true, 68, None),
            (false, 78, None),
            (false, 56, None),
        ];
        assert_eq!(fates, expected);
    }

    #[test]
    fn links_do_not_disturb_each_other() {
        let mut alone = network(100.0, LatencyDistribution::Uniform, 0.1, 0.0);
        let mut busy = network(100.0, LatencyDistribution::Uniform, 0.1, 0.0);
        for _ in 0..100 {
            busy.fate(N1, N0);
            assert_eq!(alone.fate(N0, N1), busy.fate(N0, N1));
        }
    }

    #[test]
    fn clients_are_spared() {
        let mut network = network(100.0, LatencyDistribution::Constant, 1.0, 1.0);
        assert_eq!(network.fate(Endpoint::Client(0), N1), Fate::AT_ONCE);
        assert_eq!(network.fate(N1, Endpoint::Client(0)), Fate::AT_ONCE);
        assert!(network.fate(N1, Endpoint::Service(0)).lost);
    }

    #[test]
    fn links_are_slow_in_one_direction_while_a_fault_is_open() {
        let mut network = network(10.0, LatencyDistribution::Constant, 0.0, 0.0);
        let mut both =
            || [network.fate(N0, N1), network.fate(N1, N0)].map(|fate| fate.latency.as_millis());
        assert_eq!(both(), [10, 10]);
        network.slow(0, 1, 10, true);
        network.slow(0, 1, 3, true);
        let mut both =
            || [network.fate(N0, N1), network.fate(N1, N0)].map(|fate| fate.latency.as_millis());
        assert_eq!(both(), [100, 10]);
        network.slow(0, 1, 10, false);
        assert_eq!(network.fate(N0, N1).latency.as_millis(), 30);
        network.slow(0, 1, 3, false);
        assert_eq!(network.fate(N0, N1).latency.as_millis(), 10);
    }

    #[test]
    fn messages_are_lost_and_doubled_while_a_fault_is_open() {
        let plain = || network(10.0, LatencyDistribution::Constant, 0.0, 0.0);
        let (mut network, mut same) = (plain(), plain());
        let mut fates = |count: usize| -> (usize, usize) {
            let fates: Vec<Fate> = (0..count).map(|_| network.fate(N0, N1)).collect();
            let doubled = fates.iter().filter(|fate| fate.duplicate.is_some()).count();
            (fates.iter().filter(|fate| fate.lost).count(), doubled)
        };
        assert_eq!(fates(100), (0, 0));
        network.lose(0.5, true);
        network.lose(0.1, true);
        let mut lost = || (0..100).filter(|_| network.fate(N0, N1).lost).count();
        assert!((35..65).contains(&lost()));
        network.lose(0.5, false);
        let mut lost = || (0..100).filter(|_| network.fate(N0, N1).lost).count();
        assert!((1..25).contains(&lost()));
        network.lose(0.1, false);
        network.duplicate(1.0, true);
        assert!((0..100).all(|_| network.fate(N0, N1).duplicate.is_some()));
        network.duplicate(1.0, false);
        // What came between leaves the others alone.
        for _ in 0..400 {
            same.fate(N0, N1);
        }
        assert_eq!(network.fate(N0, N1), same.fate(N0, N1));
    }

    #[test]
    fn what_waits_on_a_clogged_link_comes_in_waves() {
        let mut network = network(0.0, LatencyDistribution::Constant, 0.0, 0.0);
        let at = Time::from_millis;
        network.clog(3, &[(0, 1)], (at(100), at(350)), Duration::from_millis(100));
        for (due, wave) in [
            (100, None),
            (101, Some(200)),
            (199, Some(200)),
            (200, None),
            (250, Some(300)),
            (301, Some(350)),
            (350, None),
        ] {
            assert_eq!(network.held(N0, N1, at(due)), wave.map(at), "{due}");
            assert_eq!(network.held(N1, N0, at(due)), None);
        }
        network.unclog(3);
        assert_eq!(network.held(N0, N1, at(150)), None);
    }

    #[test]
    fn faults_overlap() {
        let mut network = network(0.0, LatencyDistribution::Constant, 0.0, 0.0);
        network.block(0, 1, true);
        network.block(0, 1, true);
        network.block(0, 1, false);
        assert!(network.is_cut(N0, N1));
        assert!(!network.is_cut(N1, N0), "one way");
        network.block(0, 1, false);
        assert!(!network.is_cut(N0, N1));
        network.block(0, 1, true);
        assert!(!network.is_cut(N0, Endpoint::Service(1)));
    }
}
