//! A simulated cluster: a network that loses, repeats, delays, overtakes and is cut; disks that
//! forget what was not synced; clocks that run at different rates; nodes that are killed, paused,
//! added and removed; clients. All of it is a function of the settings.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use kolk_history::{Outcome, Value};
use kolk_protocol::random::{Key, Random};

use super::faults;
use super::invariants::{Checker, Event as Did, Line, Violation};
use super::store::{Ask, Command, Record, State};
use crate::planted::{Bug, PLANTED};
use crate::{
    Answer, Apply, Body, Config, Entry, Input, Lease, Members, Message, Payload, Raft, Refusal,
    Role, Stored, Write,
};

pub(super) const MS: u64 = 1_000_000;
const CLIENTS: u64 = 4;
const KEYS: u64 = 2;
/// How long the cluster is left alone in the end, in which it must serve.
const CALM: u64 = 3_000 * MS;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) seed: u64,
    /// How many nodes found the cluster; two more may join.
    pub(super) nodes: u64,
    /// How long there is trouble.
    pub(super) trouble: u64,
    pub(super) style: Style,
    pub(super) bug: Bug,
}

/// Which trouble there is most of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// All of it.
    All,
    /// Leaders fall soon after they are elected, and disks are slow: what the paper's figure 8
    /// needs.
    Leaders,
    /// The network takes as long as nodes wait for a leader, and nodes go down for a moment: there
    /// are candidates all the time, several in a term.
    Elections,
    /// Members come and go.
    Members,
    /// Leaders are cut off and paused, and reads rest on leases; clocks are nearly alike.
    Leases,
    /// A follower is cut off and comes back, while others only read. Nobody else is to lead then.
    Rejoin,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) leaders: u64,
    pub(super) kills: u64,
    pub(super) completed: u64,
    pub(super) snapshots_sent: u64,
    pub(super) changes: u64,
}

pub(super) enum Event {
    Deliver(Message<Command, State>),
    Wake {
        node: u64,
        life: u64,
    },
    Synced {
        node: u64,
        life: u64,
        number: u64,
    },
    Client(u64),
    TimeOut {
        client: u64,
        operation: usize,
    },
    Trouble,
    Restart(u64),
    Resume(u64),
    /// Somebody asks the leader for a change of members.
    Change,
    /// Half of the calm is over.
    Due,
    /// A node is restarted, and out of reach of another.
    Forget {
        node: u64,
        other: u64,
    },
    Calm,
}

pub(super) struct Node {
    pub(super) raft: Option<Raft<Command, State>>,
    pub(super) disk: Stored<Command, State>,
    unsynced: VecDeque<Write<Command, State>>,
    pub(super) life: u64,
    pub(super) paused: bool,
    /// What comes while it is paused.
    waiting: Vec<Event>,
    state: State,
    snapshot_at: u64,
    woken_at: Option<u64>,
    /// Its clock: how fast it runs.
    rate: f64,
    led: Option<u64>,
    committed: u64,
}

struct Client {
    process: u32,
    open: Option<(usize, Ask)>,
    target: u64,
}

pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    pub(super) random: Random,
    pub(super) nodes: BTreeMap<u64, Node>,
    clients: Vec<Client>,
    /// Links on which nothing arrives.
    pub(super) cut: BTreeSet<(u64, u64)>,
    pub(super) loss: f64,
    duplication: f64,
    latency: u64,
    pub(super) sync: u64,
    snapshot_every: u64,
    config: Config,
    record: Record,
    checker: Checker,
    next_value: i64,
    pub(super) is_calm: bool,
    served_in_calm: u64,
    commits_when_due: BTreeMap<u64, u64>,
    pub(super) tally: Tally,
    /// A journal, if asked for.
    pub(super) told: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(settings: Settings) -> World {
        PLANTED.set(settings.bug);
        let mut random = Key::new(settings.seed).random();
        let mut config = Config::new(0, 0);
        config.batch_max = [1, 2, 10][random.index(3)];
        config.in_flight_max = [1, 2, 8][random.index(3)];
        config.keep_behind = [0, 3, 20][random.index(3)];
        config.batch_delay = Duration::from_millis([0, 0, 5][random.index(3)]);
        config.snapshot_timeout = Duration::from_millis(200);
        if settings.style == Style::Leases {
            config.lease = Some(Lease { drift_max: 1.2 });
        }
        if settings.style == Style::Elections {
            config.election_timeout = Duration::from_millis(60);
            config.heartbeat = Duration::from_millis(25);
        }
        let founders = Members::voters(1..=settings.nodes);
        let rates = if config.lease.is_some() { (0.95, 1.1) } else { (0.7, 1.4) };
        let node = |name: u64, random: &mut Random| Node {
            raft: None,
            disk: match founders.contains(name) {
                true => Stored::founding(founders.clone()),
                false => Stored::joining(),
            },
            unsynced: VecDeque::new(),
            life: 0,
            paused: false,
            waiting: Vec::new(),
            state: State::new(),
            snapshot_at: 0,
            woken_at: None,
            rate: rates.0 + random.unit() * (rates.1 - rates.0),
            led: None,
            committed: 0,
        };
        let nodes = (1..=settings.nodes + 2).map(|name| (name, node(name, &mut random))).collect();
        let clients = (0..CLIENTS).map(|client| Client {
            process: client as u32,
            open: None,
            target: 1 + client % settings.nodes,
        });
        let is_gentle = settings.style == Style::Rejoin;
        let harsh = random.chance(0.5) && !is_gentle;
        let mut world = World {
            settings,
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            nodes,
            clients: clients.collect(),
            cut: BTreeSet::new(),
            loss: if harsh { 0.05 } else { 0.0 },
            duplication: if harsh { 0.1 } else { 0.02 },
            latency: [2 * MS, 10 * MS, 30 * MS][if is_gentle { 0 } else { random.index(3) }],
            sync: [0, MS, 20 * MS][if is_gentle { 0 } else { random.index(3) }],
            snapshot_every: [5, 30, 1_000_000][random.index(3)],
            config,
            record: Record::default(),
            checker: Checker::default(),
            next_value: 0,
            is_calm: false,
            served_in_calm: 0,
            commits_when_due: BTreeMap::new(),
            tally: Tally::default(),
            told: None,
            random,
        };
        if settings.style == Style::Elections {
            (world.latency, world.sync) = (60 * MS, 15 * MS);
            (world.loss, world.duplication) = (0.0, 0.3);
        }
        for node in 1..=settings.nodes + 2 {
            world.at(0, Event::Restart(node));
        }
        for client in 0..CLIENTS {
            world.at(client * MS, Event::Client(client));
        }
        world.at(300 * MS, Event::Trouble);
        world.at(settings.trouble, Event::Calm);
        world.at(settings.trouble + CALM / 2, Event::Due);
        world
    }

    /// Runs to the end, or to the first thing that is wrong.
    pub(super) fn run(&mut self) -> Result<Tally, Violation> {
        let end = self.settings.trouble + CALM;
        while let Some((at, _)) = self.queue.first_key_value().map(|(at, _)| *at)
            && at <= end
        {
            let (_, event) = self.queue.pop_first().expect("it is there");
            self.now = at;
            self.handle(event)?;
        }
        if let Err(kind) = self.record.judge() {
            return Err(Violation { name: "linearizability", detail: kind });
        }
        if self.served_in_calm == 0 {
            return Err(Violation { name: "no service", detail: String::new() });
        }
        self.all_have_caught_up()?;
        Ok(self.tally)
    }

    pub(super) fn at(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    pub(super) fn after(&mut self, longest: u64, event: Event) {
        let delay = self.random.below(longest + 1);
        self.at(self.now + delay, event);
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(told) = &mut self.told {
            told.push(format!("{:>9.3} ms  {}", now as f64 / MS as f64, line()));
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Violation> {
        let for_node = match &event {
            Event::Deliver(message) => Some(message.to),
            Event::Wake { node, .. } | Event::Synced { node, .. } => Some(*node),
            _ => None,
        };
        if let Some(node) = for_node.and_then(|node| self.nodes.get_mut(&node))
            && node.paused
        {
            node.waiting.push(event);
            return Ok(());
        }
        match event {
            Event::Deliver(message) => {
                let to = message.to;
                self.step(to, Input::Message(message))
            }
            Event::Wake { node, life } => {
                let known = &self.nodes[&node];
                if known.life != life || known.woken_at != Some(self.now) {
                    return Ok(());
                }
                self.step(node, Input::Tick)
            }
            Event::Synced { node, life, number } => {
                let known = self.nodes.get_mut(&node).expect("a node");
                if known.life != life {
                    return Ok(());
                }
                while known.unsynced.front().is_some_and(|write| write.number <= number) {
                    let write = known.unsynced.pop_front().expect("it is there");
                    known.disk.perform(&write);
                }
                self.step(node, Input::Synced(number))
            }
            Event::Client(client) => self.ask(client),
            Event::TimeOut { client, operation } => {
                let known = &mut self.clients[client as usize];
                if known.open.is_some_and(|(open, _)| open == operation) {
                    known.open = None;
                    known.process += CLIENTS as u32;
                    known.target = 0;
                    self.record.complete(self.now, operation, Outcome::Info, None);
                    self.after(20 * MS, Event::Client(client));
                }
                Ok(())
            }
            Event::Trouble => faults::cause(self),
            Event::Restart(node) => self.start(node),
            Event::Resume(node) => self.resume(node),
            Event::Change => faults::change(self),
            Event::Due => {
                let running = self.nodes.values().filter_map(|node| node.raft.as_ref());
                self.commits_when_due = running.map(|raft| (raft.id(), raft.commit())).collect();
                Ok(())
            }
            Event::Forget { .. } if self.is_calm => Ok(()),
            Event::Forget { node, other } => {
                self.kill(node);
                self.cut.insert((node, other));
                self.cut.insert((other, node));
                self.start(node)
            }
            Event::Calm => {
                self.is_calm = true;
                self.cut.clear();
                self.loss = 0.0;
                self.latency = self.latency.min(30 * MS);
                if self.settings.style == Style::Elections {
                    self.latency = 2 * MS;
                }
                let names: Vec<u64> = self.nodes.keys().copied().collect();
                for node in names {
                    self.resume(node)?;
                    self.start(node)?;
                }
                Ok(())
            }
        }
    }

    fn resume(&mut self, node: u64) -> Result<(), Violation> {
        let known = self.nodes.get_mut(&node).expect("a node");
        known.paused = false;
        for event in std::mem::take(&mut known.waiting) {
            // A wake that was due before the pause ended comes now.
            if let Event::Wake { .. } = event {
                self.nodes.get_mut(&node).expect("a node").woken_at = Some(self.now);
            }
            self.handle(event)?;
        }
        Ok(())
    }

    pub(super) fn start(&mut self, node: u64) -> Result<(), Violation> {
        let known = self.nodes.get_mut(&node).expect("a node");
        if known.raft.is_some() {
            return Ok(());
        }
        known.life += 1;
        let mut config = self.config.clone();
        config.id = node;
        config.seed = Key::new(self.settings.seed).with(node).with(known.life).seed();
        let disk = known.disk.clone();
        let start = disk.start.position.index;
        let log: Vec<Line> = disk.entries.iter().map(line).collect();
        known.raft = Some(Raft::new(config, disk));
        known.state = State::new();
        (known.led, known.committed, known.snapshot_at) = (None, 0, start);
        self.tell(|| format!("n{node} starts"));
        self.checker.check(&Did::Start { node, start, log })?;
        self.step(node, Input::Tick)
    }

    /// A node loses its memory, and its disk some of what was not synced: the last of it.
    pub(super) fn kill(&mut self, node: u64) {
        let known = self.nodes.get_mut(&node).expect("a node");
        if known.raft.take().is_none() {
            return;
        }
        known.paused = false;
        known.waiting.clear();
        let survive = self.random.index(known.unsynced.len() + 1);
        for write in known.unsynced.drain(..).take(survive) {
            known.disk.perform(&write);
        }
        self.tally.kills += 1;
        self.tell(|| format!("n{node} is killed"));
    }

    /// Who takes itself for the leader, in the latest term last.
    fn leaders(&self) -> Vec<u64> {
        let leading = self.nodes.iter().filter_map(|(name, node)| {
            let raft = node.raft.as_ref().filter(|raft| raft.role() == Role::Leader)?;
            Some((raft.term(), *name))
        });
        let mut leading: Vec<(u64, u64)> = leading.collect();
        leading.sort_unstable();
        leading.into_iter().map(|(_, name)| name).collect()
    }

    pub(super) fn leader(&self) -> Option<u64> {
        self.leaders().pop()
    }

    /// In the end no voter is behind what was committed half of the calm before; one that needs a
    /// turn of the network for each entry may still be on its way.
    fn all_have_caught_up(&self) -> Result<(), Violation> {
        let leader = self.leader().and_then(|leader| self.nodes[&leader].raft.as_ref());
        let voters = leader.map(|raft| raft.members().voters.clone()).unwrap_or_default();
        let late = voters.into_iter().find(|voter| {
            let raft = self.nodes[voter].raft.as_ref();
            raft.is_none_or(|raft| {
                let then = self.commits_when_due.get(voter).copied();
                let due = self.commits_when_due.values().max().copied();
                Some(raft.commit()) < due && Some(raft.commit()) <= then
            })
        });
        match late {
            None => Ok(()),
            Some(node) => Err(Violation { name: "left behind", detail: format!("{node}") }),
        }
    }

    /// One step of a node, and all that comes of it.
    pub(super) fn step(
        &mut self,
        node: u64,
        input: Input<Command, State>,
    ) -> Result<(), Violation> {
        let now = self.now;
        let known = self.nodes.get_mut(&node).expect("a node");
        let Some(raft) = &mut known.raft else { return Ok(()) };
        let clock = Duration::from_nanos((now as f64 * known.rate) as u64);
        let outputs = raft.step(clock, input);
        let (term, commit, applied) = (raft.term(), raft.commit(), raft.applied());
        let leads = (raft.role() == Role::Leader).then_some(term);
        let rate = known.rate;
        let life = known.life;

        // A leader is one before it appends; else it ceased to be one before its log changed.
        let mut did = Vec::new();
        let before = std::mem::replace(&mut known.led, leads);
        if before != leads {
            if before.is_some() {
                did.push(Did::Follows { node });
            }
            if let Some(term) = leads {
                did.push(Did::Leads { node, term });
                self.tally.leaders += 1;
                if self.settings.style == Style::Rejoin && self.tally.leaders > 1 {
                    let detail = format!("{node} leads in term {term}");
                    return Err(Violation { name: "leader disturbed", detail });
                }
            }
        }
        if let Some(write) = &outputs.write {
            if let Some(start) = &write.start {
                let start = start.position.index;
                let is_new = write.tail.is_some();
                did.push(Did::Snapshot { node, start, is_new });
            }
            if let Some(tail) = &write.tail {
                let lines = tail.entries.iter().map(line).collect();
                did.push(Did::Log { node, from: tail.from, lines });
            }
        }
        if commit != std::mem::replace(&mut known.committed, commit) {
            did.push(Did::Commit { node, term, index: commit });
        }
        for message in &outputs.messages {
            if let Body::VoteReply { granted: true } = message.body {
                did.push(Did::Vote { node, term: message.term, candidate: message.to });
            }
        }
        let mut ended = Vec::new();
        for apply in outputs.apply {
            match apply {
                Apply::Restore(snapshot) => {
                    known.state = snapshot.state;
                    known.snapshot_at = snapshot.position.index;
                    did.push(Did::Restore { node, index: snapshot.position.index });
                }
                Apply::Command { index, term, command, token } => {
                    did.push(Did::Apply { node, index, line: (term, command.id + 1) });
                    let fits = command.perform(&mut known.state);
                    ended.extend(token.map(|token| {
                        (token, if fits { Outcome::Ok } else { Outcome::Fail }, None)
                    }));
                }
                Apply::Members { .. } => {}
            }
        }
        for (token, answer) in &outputs.answers {
            let outcome = match answer {
                Answer::Readable => Outcome::Ok,
                Answer::Refused(_) | Answer::Overwritten => Outcome::Fail,
                Answer::Unknown => continue,
            };
            ended.push((*token, outcome, Some(*answer)));
        }
        if let Some(told) = &mut self.told {
            let at = now as f64 / MS as f64;
            told.extend(did.iter().map(|did| format!("{at:>9.3} ms  {did:?}")));
            let sent = outputs.messages.iter();
            told.extend(sent.map(|sent| format!("{at:>9.3} ms  {sent:?}")));
        }
        // A leader that has just come to office is asked for a change at once.
        if before.is_none() && leads.is_some() && self.settings.style == Style::Members {
            self.after(5 * MS, Event::Change);
        }
        for did in &did {
            self.checker.check(did)?;
        }
        for (token, outcome, answer) in ended {
            self.end(node, token, outcome, answer);
        }
        if let Some(write) = outputs.write {
            let number = write.number;
            self.nodes.get_mut(&node).expect("a node").unsynced.push_back(write);
            self.after(self.sync, Event::Synced { node, life, number });
        }
        for message in outputs.messages {
            self.send(message);
        }
        if let Some(deadline) = outputs.deadline {
            let at = ((deadline.as_nanos() as f64 / rate) as u64 + 2).max(now + 1);
            self.nodes.get_mut(&node).expect("a node").woken_at = Some(at);
            self.at(at, Event::Wake { node, life });
        }
        let known = self.nodes.get_mut(&node).expect("a node");
        if applied >= known.snapshot_at + self.snapshot_every {
            known.snapshot_at = applied;
            let state = known.state.clone();
            return self.step(node, Input::Compact { index: applied, state });
        }
        Ok(())
    }

    fn send(&mut self, message: Message<Command, State>) {
        if matches!(message.body, Body::Install { .. }) {
            self.tally.snapshots_sent += 1;
        }
        let copies = if self.random.chance(self.duplication) { 2 } else { 1 };
        for _ in 0..copies {
            if self.cut.contains(&(message.from, message.to)) || self.random.chance(self.loss) {
                continue;
            }
            // Now and then one takes very long.
            let (share, factor) = match self.settings.style {
                Style::Rejoin => (0.0, 1),
                Style::Elections => (0.1, 6),
                Style::Leases => (0.05, 10),
                _ => (0.01, 20),
            };
            let is_slow = self.random.chance(share);
            let longest = if is_slow { factor * self.latency } else { self.latency };
            self.after(longest, Event::Deliver(message.clone()));
        }
    }

    fn ask(&mut self, client: u64) -> Result<(), Violation> {
        let key = self.random.below(KEYS) as i64;
        self.next_value += 1;
        let id = self.next_value as u64;
        let from =
            self.random.chance(0.3).then(|| self.random.below(self.next_value as u64) as i64);
        // Where two take themselves for leaders there is most to find out; and where nobody writes,
        // many logs are good enough for an election.
        let leaders = self.leaders();
        let reads = match self.settings.style {
            Style::Rejoin => 1.0,
            Style::Leases if leaders.len() < 2 => 0.97,
            _ => 0.5,
        };
        let ask = match self.random.chance(reads) {
            true => Ask::Read(key),
            false => Ask::Write(Command { id, key, from, to: self.next_value }),
        };
        let names: Vec<u64> = self.nodes.keys().copied().collect();
        let known = &mut self.clients[client as usize];
        if known.target == 0 || self.random.chance(0.1) {
            known.target = names[self.random.index(names.len())];
        }
        if leaders.len() > 1 && self.random.chance(0.7) {
            known.target = leaders[self.random.index(leaders.len())];
        }
        let target = known.target;
        let operation = self.record.invoke(self.now, known.process, ask);
        known.open = Some((operation, ask));
        self.at(self.now + 400 * MS, Event::TimeOut { client, operation });
        let token = (operation as u64) * CLIENTS + client;
        let node = &self.nodes[&target];
        if node.paused || node.raft.is_none() {
            return Ok(());
        }
        self.step(
            target,
            match ask {
                Ask::Read(_) => Input::Read { token },
                Ask::Write(command) => Input::Propose { token, command },
            },
        )
    }

    fn end(&mut self, node: u64, token: u64, outcome: Outcome, answer: Option<Answer>) {
        let (operation, client) = ((token / CLIENTS) as usize, token % CLIENTS);
        let known = &mut self.clients[client as usize];
        let Some((open, ask)) = known.open.filter(|(open, _)| *open == operation) else { return };
        known.open = None;
        if let Some(Answer::Refused(Refusal::NotLeader { leader })) = answer {
            known.target = leader.unwrap_or(0);
        }
        let seen = match ask {
            Ask::Read(key) if outcome == Outcome::Ok => {
                let value = self.nodes[&node].state.get(&key);
                let value = value.map_or(Value::Null, |value| Value::Int(*value));
                Some(Value::list(vec![Value::Int(key), value]))
            }
            _ => None,
        };
        if answer.is_none() || outcome == Outcome::Ok {
            self.tally.completed += 1;
            self.served_in_calm += u64::from(self.is_calm);
        }
        self.record.complete(self.now, open, outcome, seen);
        self.after(20 * MS, Event::Client(client));
    }
}

/// An entry as the check of the invariants knows it.
fn line(entry: &Entry<Command>) -> Line {
    let says = match &entry.payload {
        Payload::Command(command) => command.id + 1,
        _ => 0,
    };
    (entry.position.term, says)
}
