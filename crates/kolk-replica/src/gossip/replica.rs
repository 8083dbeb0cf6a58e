//! One node's part of the protocol, without I/O: what happens in, packets and the next deadline
//! out.

use std::time::Duration;

use kolk_node::{Random, Time};

use super::link::{Link, Sent, WINDOW};
use super::log::{Entry, Log, Target};
use super::repair::Repair;
use super::rhythm::{self, Arrival, Rhythm, next_multiple};
use super::runs::Run;
use super::settings::{Settings, Strategy};
use super::store::{Inserted, Keep, Store};
use super::version::VersionVector;
use super::wire::Packet;

/// How many values a packet has at most.
const CHUNK: usize = 512;

/// How many values an answer to a question for missing ones has at most; a node that misses more
/// asks again.
const ANSWER_MAX: usize = 4 * CHUNK;

/// How long before the hub passes values on they should arrive there.
const ALIGNMENT_MARGIN: Duration = Duration::from_millis(3);

/// A hub that comes so much too late to pass values on was held up, and others' values may have
/// arrived meanwhile that it has not read yet.
const HELD_UP: Duration = Duration::from_millis(3);

/// How long something that is missing may take on the ordinary way, beside acknowledgements.
const OVERDUE: Duration = Duration::from_secs(1);

/// The longest pause between two questions to a node that does not answer and for which there is
/// nothing: only whether it is back.
const PROBE_PAUSE_MAX: Duration = Duration::from_secs(8);

/// A node that others have chosen as their hub counts as one for so long.
const DEPUTY_TERM: Duration = Duration::from_secs(10);

pub(super) struct Replica<T> {
    me: u32,
    settings: Settings,
    store: Store<T>,
    log: Log,
    /// By node; this node's own is not used.
    links: Vec<Link>,
    /// The node that passes on this node's values: the first node that answers, perhaps this one.
    hub: u32,
    /// How many of this node's own values some hub has.
    handed: u64,
    /// Until when this node counts as the hub of others though it is not the first.
    deputy_until: Time,
    repair: Repair,
    rhythm: Rhythm,
    /// How what is being taken came here.
    arrival: Arrival,
    random: Random,
    outputs: Vec<(u32, Packet<T>)>,
    /// When something is due next.
    deadline: Option<Time>,
    /// Something got a time since all deadlines were looked at.
    has_more_to_do: bool,
}

impl<T: Clone> Replica<T> {
    /// The replica of node `me` among `nodes`.
    pub(super) fn new(
        me: u32,
        nodes: usize,
        keep: Keep,
        settings: Settings,
        random: Random,
    ) -> Replica<T> {
        let is_member = !matches!(settings.strategy, Strategy::Neighbours { .. });
        Replica {
            me,
            settings,
            store: Store::new(nodes, keep),
            log: Log::new(keep),
            links: (0..nodes).map(|_| Link { is_member, ..Link::default() }).collect(),
            hub: 0,
            handed: 0,
            deputy_until: Time::ZERO,
            repair: Repair::new(nodes),
            rhythm: Rhythm::default(),
            arrival: Arrival::Own,
            random,
            outputs: Vec::new(),
            deadline: None,
            has_more_to_do: false,
        }
    }

    pub(super) fn strategy(&self) -> &Strategy {
        &self.settings.strategy
    }

    pub(super) fn values(&self) -> &[T] {
        self.store.values()
    }

    pub(super) fn version(&self) -> &VersionVector {
        self.store.version()
    }

    /// The places among [`Replica::values`] that have a value they had not when this was last
    /// asked.
    pub(super) fn take_fresh(&mut self) -> Vec<u32> {
        self.store.take_fresh()
    }

    /// The packets to be sent, and to whom.
    pub(super) fn drain_outputs(&mut self) -> impl Iterator<Item = (u32, Packet<T>)> {
        self.outputs.drain(..)
    }

    /// When [`Replica::wake`] is to be called next.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// A value is new at this node.
    pub(super) fn add(&mut self, now: Time, value: T) {
        let number = self.version().get(self.me as usize);
        if let Inserted::New(place) = self.store.insert(self.me, number, value) {
            let to = self.own_target();
            self.append(now, Entry { place, from: self.me, to });
        }
        self.wake(now);
    }

    /// Those to whom this node speaks, where values go from neighbour to neighbour.
    pub(super) fn set_neighbours(&mut self, now: Time, neighbours: &[u32]) {
        for peer in self.peers() {
            let is_member = neighbours.contains(&peer);
            let link = &mut self.links[peer as usize];
            link.is_member = is_member;
            if is_member {
                link.outgoing.flush_at.get_or_insert(now);
            }
        }
        self.wake(now);
    }

    /// A packet came from `src`.
    pub(super) fn receive(&mut self, now: Time, src: u32, packet: Packet<T>) {
        if src == self.me {
            return;
        }
        self.hear(now, src, &packet);
        self.acknowledge(now, src, &packet);
        let is_stream = packet.to > 0;
        let mut is_new = false;
        self.arrival = if packet.timed { Arrival::Timed } else { Arrival::Untimed };
        for (runs, spread) in [(packet.runs, false), (packet.spread, true)] {
            runs.take_each(|run, values| {
                is_new |= self.take(now, src, (run, values), spread, is_stream);
            });
        }
        self.arrival = Arrival::Own;
        if packet.timed
            && let Strategy::Hub { flush, align: true } = self.settings.strategy
        {
            self.rhythm.note(now, flush);
        }
        if is_new && !is_stream {
            self.repair.answered(src, now);
        }
        let link = &mut self.links[src as usize];
        let incoming = &mut link.incoming;
        if is_stream {
            incoming.receive(packet.from, packet.to);
            incoming.ack_at.get_or_insert(now + self.settings.ack);
            if incoming.gap() > 0 {
                // A part that is only late needs no repetition.
                incoming.gap_at.get_or_insert(now + link.round_trip.jitter() * 2);
            }
        }
        if packet.ask {
            incoming.ack_at = Some(now);
            link.tell_version |= packet.version.is_some();
        }
        if let Some(version) = packet.version {
            self.repair.learn(src, &version, self.store.version(), now + OVERDUE);
            if packet.want {
                self.answer(now, src, &version);
            }
        }
        self.wake(now);
    }

    /// Does whatever is due.
    pub(super) fn wake(&mut self, now: Time) {
        loop {
            self.has_more_to_do = false;
            let mut next = Time::MAX;
            for peer in self.peers() {
                let mut deadline = self.links[peer as usize].deadline();
                if deadline <= now {
                    self.attend(now, peer);
                    deadline = self.links[peer as usize].deadline();
                }
                next = next.min(deadline);
            }
            if self.repair.ask_at.is_some_and(|at| at <= now) {
                self.ask_for_missing(now);
            }
            next = next.min(self.repair.ask_at.unwrap_or(Time::MAX));
            // To attend to one link may have given another something to do.
            if next > now && !self.has_more_to_do {
                self.deadline = (next < Time::MAX).then_some(next);
                return;
            }
        }
    }

    /// Does what is due on the link to `peer`.
    fn attend(&mut self, now: Time, peer: u32) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if is_due(self.links[peer as usize].outgoing.retry_at) {
            self.retry(now, peer);
        }
        let outgoing = &mut self.links[peer as usize].outgoing;
        if is_due(outgoing.flush_at) && !self.waits_for_others(now, peer) {
            self.flush(now, peer);
        }
        let incoming = &self.links[peer as usize].incoming;
        if is_due(incoming.ack_at) || is_due(incoming.gap_at) {
            let packet = self.packet(now, peer);
            self.outputs.push((peer, packet));
        }
    }

    /// True if this is the hub and comes too late to pass values on: it does so when it has read
    /// what has arrived meanwhile.
    fn waits_for_others(&mut self, now: Time, peer: u32) -> bool {
        let outgoing = &mut self.links[peer as usize].outgoing;
        let is_late = outgoing.flush_at.is_some_and(|at| now.since(at) > HELD_UP);
        let is_aligned = matches!(self.settings.strategy, Strategy::Hub { align: true, .. });
        if !is_aligned || self.hub != self.me || !is_late || outgoing.was_held_up {
            return false;
        }
        outgoing.was_held_up = true;
        outgoing.flush_at = Some(now + HELD_UP);
        true
    }

    fn peers(&self) -> impl Iterator<Item = u32> + use<T> {
        let me = self.me;
        (0..self.links.len() as u32).filter(move |peer| *peer != me)
    }

    /// The target of a value that was added at this node.
    fn own_target(&self) -> Target {
        match self.settings.strategy {
            Strategy::Hub { .. } if self.hub != self.me => Target::Hub(self.hub),
            _ => Target::Everyone,
        }
    }

    /// True if `peer` should get this from this node, and may not have it.
    fn is_due(&self, peer: u32, entry: Entry) -> bool {
        match entry.to {
            Target::Nobody => false,
            Target::Everyone => {
                self.links[peer as usize].is_member
                    && entry.from != peer
                    && self.store.id(entry.place).origin != peer
            }
            Target::Hub(hub) => hub == peer && self.store.id(entry.place).number >= self.handed,
        }
    }

    fn append(&mut self, now: Time, entry: Entry) {
        if entry.to == Target::Everyone {
            self.store.mark_spread(entry.place);
        }
        self.log.append(entry);
        if entry.to == Target::Nobody {
            return;
        }
        self.has_more_to_do = true;
        // What is for everyone is sent to all at one time.
        let mut common = None;
        for peer in self.peers() {
            if self.is_due(peer, entry) {
                let (at, is_timed) = match entry.to {
                    Target::Everyone => {
                        *common.get_or_insert_with(|| self.flush_time(now, peer, entry))
                    }
                    _ => self.flush_time(now, peer, entry),
                };
                let outgoing = &mut self.links[peer as usize].outgoing;
                if outgoing.flush_at.is_none_or(|before| at < before) {
                    (outgoing.flush_at, outgoing.is_timed) = (Some(at), is_timed);
                }
            }
        }
    }

    /// When something new is to be sent, and whether it will then arrive just before the peer
    /// passes it on.
    fn flush_time(&self, now: Time, peer: u32, entry: Entry) -> (Time, bool) {
        match (&self.settings.strategy, entry.to) {
            (Strategy::Hub { flush, align: true }, Target::Hub(_)) => {
                self.just_in_time(now, peer, *flush)
            }
            (Strategy::Hub { flush, align: true }, _) => {
                (self.rhythm.pass_on(now, self.arrival, *flush), false)
            }
            (Strategy::Hub { .. }, Target::Hub(_)) | (Strategy::Direct, _) => (now, false),
            (Strategy::Hub { flush, .. } | Strategy::Neighbours { flush }, _) => {
                (now + *flush, false)
            }
        }
    }

    /// When to send something so that it arrives at the hub just before one of its ticks, and
    /// whether that is known.
    fn just_in_time(&self, now: Time, hub: u32, period: Duration) -> (Time, bool) {
        let link = &self.links[hub as usize];
        let Some((arrival, deviation)) = link.shift.arrival(now) else {
            // Nothing is known of the way there, but perhaps of the hub's clock; and nodes are
            // started at about the same time.
            let clock = link
                .clock
                .map_or(now, |(clock, heard)| Time::from_millis(clock) + now.since(heard));
            let wait = next_multiple(clock, period).since(clock);
            let wait = wait.saturating_sub(link.round_trip.expected());
            return (now + wait, !wait.is_zero());
        };
        if deviation.saturating_mul(4) > rhythm::micros(period / 2) {
            // It would often come too late.
            return (now, false);
        }
        let arrival = arrival.saturating_add(rhythm::micros(ALIGNMENT_MARGIN));
        (now + rhythm::until_multiple(arrival, period), true)
    }

    /// A value that came from `src`. True if it is new.
    fn take_one(
        &mut self,
        now: Time,
        src: u32,
        (origin, number, value): (u32, u64, T),
        spread: bool,
        is_stream: bool,
    ) -> bool {
        let (place, is_new) = match self.store.insert(origin, number, value) {
            Inserted::New(place) => (place, true),
            Inserted::Known(place) => (place, false),
            Inserted::Absurd => return false,
        };
        let is_mine_to_spread = match self.settings.strategy {
            Strategy::Hub { .. } => spread || (is_new && !is_stream && now < self.deputy_until),
            Strategy::Neighbours { .. } => is_new,
            Strategy::Direct => false,
        };
        if is_mine_to_spread && !self.store.id(place).is_spread {
            self.append(now, Entry { place, from: src, to: Target::Everyone });
        } else if is_new {
            self.append(now, Entry { place, from: src, to: Target::Nobody });
        }
        is_new
    }

    /// Values that came from `src`. True if one of them is new.
    fn take(
        &mut self,
        now: Time,
        src: u32,
        (Run { origin, first, count }, values): (Run, impl Iterator<Item = T>),
        spread: bool,
        is_stream: bool,
    ) -> bool {
        let Some(end) = first.checked_add(count as u64) else {
            values.for_each(drop);
            return false;
        };
        let mut is_new = false;
        for (number, value) in (first..end).zip(values) {
            is_new |= self.take_one(now, src, (origin, number, value), spread, is_stream);
        }
        if spread && self.me != 0 {
            self.be_deputy(now);
        }
        if is_new && self.version().get(origin as usize) < end {
            // There is a hole before it.
            let overdue = now + self.settings.ack + OVERDUE;
            self.repair.learn_of(src, origin, end, overdue);
        }
        is_new
    }

    /// Others chose this node to pass on their values. What the hub before it may have left undone
    /// is found by comparing with everybody, once.
    fn be_deputy(&mut self, now: Time) {
        if self.deputy_until <= now {
            for peer in self.peers() {
                let link = &mut self.links[peer as usize];
                (link.tell_version, link.ask) = (true, true);
            }
        }
        self.deputy_until = now + DEPUTY_TERM;
    }

    /// Notes that `peer` is alive, and learns its clock and the round trip.
    fn hear(&mut self, now: Time, peer: u32, packet: &Packet<T>) {
        let link = &mut self.links[peer as usize];
        if let Some((clock, held)) = packet.echo {
            let took = now.as_millis().saturating_sub(clock).saturating_sub(held);
            link.round_trip.sample(Duration::from_millis(took));
            link.shift.sample(clock, packet.clock.saturating_sub(held));
        }
        if link.clock.is_none_or(|(clock, _)| clock < packet.clock) {
            link.clock = Some((packet.clock, now));
            link.owes_echo = true;
        }
        if link.tries > 0 {
            let was_suspected = link.is_suspected();
            link.tries = 0;
            (link.outgoing.flush_at, link.outgoing.is_timed) = (Some(now), false);
            if was_suspected {
                link.outgoing.rewind();
                link.outgoing.retry_at = None;
                self.choose_hub(now);
            }
        }
    }

    /// Takes the packet's acknowledgement of what was sent to `peer`.
    fn acknowledge(&mut self, now: Time, peer: u32, packet: &Packet<T>) {
        let ack_patience = self.settings.ack;
        let link = &mut self.links[peer as usize];
        let outgoing = &mut link.outgoing;
        let acked = outgoing.ack(packet.ack);
        if acked.is_some() && outgoing.has_backlog {
            outgoing.flush_at = Some(now);
        }
        match outgoing.oldest() {
            None => outgoing.retry_at = None,
            Some(oldest) => {
                // Had it come through, this packet would acknowledge it.
                let is_latest = link.clock.is_some_and(|(clock, _)| clock <= packet.clock);
                let took = now - oldest.at;
                let is_missing = match (packet.gap, link.shift.arrival(oldest.at)) {
                    (0, Some(arrival)) => rhythm::is_past(packet.clock, arrival),
                    (0, None) => took > link.round_trip.patience(),
                    _ => took > link.round_trip.expected() * 3 / 4,
                };
                if is_latest && is_missing {
                    outgoing.rewind();
                    outgoing.retry_at = None;
                    (outgoing.flush_at, outgoing.is_timed) = (Some(now), false);
                    link.ask = true;
                } else {
                    let patience = if oldest.asked { Duration::ZERO } else { ack_patience };
                    outgoing.retry_at = Some(oldest.at + link.round_trip.patience() + patience);
                }
            }
        }
        for (_, entry) in acked.into_iter().flat_map(|part| self.log.part(part)) {
            if entry.to == Target::Hub(peer) {
                self.handed = self.handed.max(self.store.id(entry.place).number + 1);
            }
        }
    }

    /// The first node that answers is the hub. A new one gets what the old one did not confirm.
    fn choose_hub(&mut self, now: Time) {
        if !matches!(self.settings.strategy, Strategy::Hub { .. }) {
            return;
        }
        let mut nodes = (0..).zip(&self.links);
        let hub = nodes.find(|(node, link)| *node == self.me || !link.is_suspected());
        let Some((hub, _)) = hub.filter(|(hub, _)| *hub != self.hub) else { return };
        self.hub = hub;
        let link = &mut self.links[hub as usize];
        (link.tell_version, link.ask) = (true, true);
        for number in self.handed..self.version().get(self.me as usize) {
            if let Some(place) = self.store.place(self.me, number) {
                let to = self.own_target();
                self.append(now, Entry { place, from: self.me, to });
            }
        }
    }

    /// What has not been sent to `peer` leaves now.
    fn flush(&mut self, now: Time, peer: u32) {
        let link = &mut self.links[peer as usize];
        link.outgoing.flush_at = None;
        link.outgoing.was_held_up = false;
        let is_timed = std::mem::take(&mut link.outgoing.is_timed);
        if link.is_suspected() {
            // It is not answering; what it should know is repeated as it is.
            link.outgoing.retry_at.get_or_insert(now);
        } else {
            self.stream(now, peer, WINDOW, is_timed);
        }
    }

    /// Sends what is due from where the stream is, in at most so many packets.
    fn stream(&mut self, now: Time, peer: u32, packets_max: usize, is_timed: bool) {
        for nth in 1..=packets_max {
            let (mut places, mut spread, to) = self.due(peer);
            let link = &mut self.links[peer as usize];
            let outgoing = &mut link.outgoing;
            outgoing.has_backlog = false;
            if places.is_empty() && spread.is_empty() {
                if outgoing.oldest().is_none() {
                    outgoing.skip(to);
                }
                return;
            }
            if outgoing.is_full() {
                outgoing.has_backlog = true;
                return;
            }
            let from = if outgoing.sent == outgoing.acked { 0 } else { outgoing.sent as u64 };
            if nth == packets_max && to < self.log.len() {
                outgoing.has_backlog = true;
            }
            link.ask |= outgoing.has_backlog || outgoing.wants_answer();
            let packet = Packet {
                from,
                to: to as u64,
                runs: self.store.runs(&mut places),
                timed: is_timed && !spread.is_empty(),
                spread: self.store.runs(&mut spread),
                ..self.packet(now, peer)
            };
            let link = &mut self.links[peer as usize];
            link.outgoing.send(Sent { to, at: now, asked: packet.ask });
            let patience = if packet.ask { Duration::ZERO } else { self.settings.ack };
            let retry_at = now + link.round_trip.patience() + patience;
            link.outgoing.retry_at.get_or_insert(retry_at);
            self.outputs.push((peer, packet));
        }
    }

    /// The next values that `peer` should get, those to be passed on apart, and up to where in the
    /// log that is.
    fn due(&self, peer: u32) -> (Vec<u32>, Vec<u32>, usize) {
        let (mut places, mut spread) = (Vec::new(), Vec::new());
        let sent = self.links[peer as usize].outgoing.sent;
        for (at, entry) in self.log.part(sent..) {
            if self.is_due(peer, entry) {
                if places.len() + spread.len() == CHUNK {
                    return (places, spread, at);
                }
                let is_for_hub = entry.to != Target::Everyone;
                (if is_for_hub { &mut spread } else { &mut places }).push(entry.place);
            }
        }
        (places, spread, self.log.len())
    }

    /// `peer` has not confirmed what it was sent.
    fn retry(&mut self, now: Time, peer: u32) {
        let acked = self.links[peer as usize].outgoing.acked;
        let is_due = self.log.part(acked..).any(|(_, entry)| self.is_due(peer, entry));
        let is_candidate = peer < self.hub;
        let link = &mut self.links[peer as usize];
        link.outgoing.retry_at = None;
        if !is_due {
            link.outgoing.skip(self.log.len());
            if !(link.is_suspected() && is_candidate) {
                return;
            }
        }
        link.outgoing.rewind();
        link.tries += 1;
        link.ask = true;
        if link.is_suspected() {
            // Whether it is there at all costs less than to repeat everything.
            link.tell_version = true;
            let packet = self.packet(now, peer);
            self.outputs.push((peer, packet));
        } else {
            self.stream(now, peer, 1, false);
        }
        let link = &mut self.links[peer as usize];
        let pause = link.pause();
        let pause = if is_due { pause } else { (pause * link.tries).min(PROBE_PAUSE_MAX) };
        link.outgoing.retry_at = Some(now + pause);
        self.choose_hub(now);
    }

    /// A packet to `peer` with everything that rides on it.
    fn packet(&mut self, now: Time, peer: u32) -> Packet<T> {
        let version = self.links[peer as usize].tell_version.then(|| self.version().clone());
        let link = &mut self.links[peer as usize];
        link.tell_version = false;
        link.incoming.ack_at = None;
        link.incoming.gap_at = None;
        let owes_echo = std::mem::take(&mut link.owes_echo);
        let held = |heard: Time| now.as_millis() - heard.as_millis();
        Packet {
            clock: now.as_millis(),
            echo: link.clock.filter(|_| owes_echo).map(|(clock, heard)| (clock, held(heard))),
            ack: link.incoming.received,
            gap: link.incoming.gap(),
            ask: std::mem::take(&mut link.ask),
            version,
            ..Packet::default()
        }
    }

    /// Sends `peer` what is missing in `version`, beside the stream.
    fn answer(&mut self, now: Time, peer: u32, version: &VersionVector) {
        let mut places = self.store.beyond(version, ANSWER_MAX);
        for chunk in places.chunks_mut(CHUNK) {
            let runs = self.store.runs(chunk);
            let packet = Packet { runs, ..self.packet(now, peer) };
            self.outputs.push((peer, packet));
        }
    }

    /// Asks for values that other nodes have and that are overdue here.
    fn ask_for_missing(&mut self, now: Time) {
        let held = self.store.version().clone();
        let whom = self.repair.whom(&held, self.me, self.links.len(), &mut self.random);
        if let Some(peer) = whom {
            self.links[peer as usize].tell_version = true;
            let packet = Packet { want: true, ..self.packet(now, peer) };
            self.outputs.push((peer, packet));
            self.repair.again(now, self.links[peer as usize].pause());
        }
    }
}
