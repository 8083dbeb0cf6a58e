//! A node's core, and what its driver must do: requests in, outputs out.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, Time};
use kolk_raft::{
    Answer as Fate, Apply, Body, Config, Index, Input, Message, NodeId, Outputs, Raft, Stored,
    Token,
};

use super::clock::{Clock, ELECTION, HEARTBEAT};
use super::machine::{Command, Image, Machine, Order};
use super::requests::{Receipt, Until};
use super::wire::{Answer, Ask, Envelope, Wire};
use super::{Settings, State, Status, disk};
use crate::once::Numbers;

pub(super) type Inputs<S> = VecDeque<Input<Command<S>, Image<S>>>;

type WireOf<S> =
    Wire<<S as State>::Command, <S as State>::Query, <S as State>::Output, <S as State>::Snapshot>;
type AskOf<S> = Ask<<S as State>::Command, <S as State>::Query>;

/// Who asked, in which life, and its number for the request.
type Asked = (NodeId, u64, u64);

pub(super) struct Core<S: State> {
    cx: Context,
    me: NodeId,
    life: u64,
    raft: Raft<Command<S>, Image<S>>,
    machine: Machine<S>,
    clock: Clock,
    /// When the core wants to be stepped, on its clock.
    deadline: Option<Duration>,
    peers: Vec<Peer<S>>,
    numbers: Numbers,
    /// The requests of this node's clients.
    pending: BTreeMap<u64, Pending<S>>,
    /// Requests that were made to the core, of this node and of others.
    tokens: BTreeMap<Token, (Asked, Option<Rc<S::Query>>)>,
    open: BTreeMap<Asked, Token>,
    last_token: Token,
    /// Who led when the requests of this node's clients were handed over.
    leader: Option<NodeId>,
    /// The last round that a leader was heard to begin.
    round: u64,
    /// The last entry of the last snapshot, and how many come before the next.
    snapshot: Index,
    snapshot_every: Index,
}

/// Another node, or this one: then nothing is sent.
struct Peer<S: State> {
    name: String,
    /// Its clock when it was last heard from, in µs, and when that was.
    heard: Option<(u64, Time)>,
    raft: Vec<Message<Command<S>, Image<S>>>,
    asks: Vec<AskOf<S>>,
    answers: Vec<Answer<S::Output>>,
}

struct Pending<S: State> {
    ask: AskOf<S>,
    receipt: Rc<Receipt<S::Output>>,
    until: Until,
    /// It was handed to somebody.
    was_sent: bool,
    /// The leader has said that it was performed: only this node's copy lacks it.
    is_done: bool,
}

fn micros(now: Time) -> u64 {
    now.as_nanos() / 1_000
}

impl<S: State> Core<S> {
    pub fn new(
        cx: &Context,
        settings: Settings,
        life: u64,
        stored: Stored<Command<S>, Image<S>>,
    ) -> Core<S> {
        let place = cx.node_ids().iter().position(|name| name == cx.node_id());
        let me = place.unwrap_or_default() as NodeId + 1;
        let config = Config {
            election_timeout: ELECTION,
            heartbeat: HEARTBEAT,
            batch_delay: settings.batch,
            keep_behind: settings.snapshot_every / 4,
            ..Config::new(me, cx.rng().next_u64())
        };
        let peer = |name: &String| Peer {
            name: name.clone(),
            heard: None,
            raft: Vec::new(),
            asks: Vec::new(),
            answers: Vec::new(),
        };
        Core {
            cx: cx.clone(),
            me,
            life,
            raft: Raft::new(config, stored),
            machine: Machine::new(),
            clock: Clock::new(cx.now(), cx.node_ids().len()),
            deadline: None,
            peers: cx.node_ids().iter().map(peer).collect(),
            numbers: Numbers::default(),
            pending: BTreeMap::new(),
            tokens: BTreeMap::new(),
            open: BTreeMap::new(),
            last_token: 0,
            leader: None,
            round: 0,
            snapshot: 0,
            snapshot_every: settings.snapshot_every.max(1),
        }
    }

    pub fn state(&self) -> &S {
        &self.machine.state
    }

    pub fn status(&self) -> Status {
        Status {
            role: self.raft.role(),
            term: self.raft.term(),
            leader: self.raft.leader().map(|leader| leader as usize - 1),
            commit: self.raft.commit(),
            first: self.raft.start().index + 1,
            last: self.raft.last().index,
        }
    }

    /// When it must be stepped next.
    pub fn due(&self) -> Option<Time> {
        self.deadline.map(|deadline| self.clock.when(deadline))
    }

    /// How long a request may go unanswered before it is repeated.
    pub fn patience(&self) -> Duration {
        self.clock.election() * 3 / 2
    }

    /// A command with the number of a new request.
    pub fn order(&mut self, command: S::Command) -> Order<S::Command> {
        let number = self.numbers.issue();
        let floor = self.numbers.floor();
        Order { node: self.me, life: self.life, number, floor, command }
    }

    /// A query with the number of a new request.
    pub fn query(&mut self, query: S::Query) -> AskOf<S> {
        Ask::Query { life: self.life, number: self.numbers.issue(), query: Rc::new(query) }
    }

    /// A client's request begins.
    pub fn open(
        &mut self,
        ask: impl FnOnce(&mut Core<S>) -> AskOf<S>,
        until: Until,
        receipt: &Rc<Receipt<S::Output>>,
        inputs: &mut Inputs<S>,
    ) -> u64 {
        let ask = ask(self);
        let (_, number) = ask.key();
        let receipt = Rc::clone(receipt);
        let pending = Pending { ask, receipt, until, was_sent: false, is_done: false };
        self.pending.insert(number, pending);
        self.again(number, inputs);
        number
    }

    /// It has not been answered: it is handed over again.
    pub fn again(&mut self, number: u64, inputs: &mut Inputs<S>) {
        self.clock.stir(self.cx.now());
        self.hand_over(number, inputs);
    }

    /// A client's request is over.
    pub fn close(&mut self, number: u64) {
        self.pending.remove(&number);
        self.numbers.close(number);
    }

    /// Whether somebody was asked to perform it.
    pub fn was_sent(&self, number: u64) -> bool {
        self.pending.get(&number).is_none_or(|pending| pending.was_sent)
    }

    /// Hands a request to whoever leads, if that is known.
    fn hand_over(&mut self, number: u64, inputs: &mut Inputs<S>) {
        let Some(leader) = self.raft.leader() else { return };
        let pending = self.pending.get_mut(&number).filter(|pending| !pending.is_done);
        let Some(pending) = pending else { return };
        pending.was_sent = true;
        let ask = pending.ask.clone();
        if leader == self.me {
            self.ask(self.me, ask, inputs);
        } else {
            self.peer(leader).asks.push(ask);
        }
    }

    fn peer(&mut self, node: NodeId) -> &mut Peer<S> {
        &mut self.peers[node as usize - 1]
    }

    /// This node is asked to do something for a client of this or another node.
    fn ask(&mut self, from: NodeId, ask: AskOf<S>, inputs: &mut Inputs<S>) {
        let (life, number) = ask.key();
        let asked = (from, life, number);
        // Whoever asks will learn who leads, and ask there.
        if self.raft.leader() != Some(self.me) || self.open.contains_key(&asked) {
            return;
        }
        if let Some(output) = self.machine.result(from, life, number) {
            let output = output.clone();
            return self.answer(asked, output);
        }
        self.last_token += 1;
        let token = self.last_token;
        self.open.insert(asked, token);
        let query = match ask {
            Ask::Perform(command) => {
                inputs.push_back(Input::Propose { token, command });
                None
            }
            Ask::Query { query, .. } => {
                inputs.push_back(Input::Read { token });
                Some(query)
            }
        };
        self.tokens.insert(token, (asked, query));
    }

    fn answer(&mut self, (node, life, number): Asked, output: S::Output) {
        if node == self.me {
            self.complete(life, number, output);
        } else {
            self.peer(node).answers.push(Answer { life, number, output });
        }
    }

    /// A request of this node's client was performed.
    fn complete(&mut self, life: u64, number: u64, output: S::Output) {
        if life == self.life
            && let Some(pending) = self.pending.remove(&number)
        {
            pending.receipt.give(output);
        }
    }

    /// Everything in a message.
    pub fn receive(&mut self, src: &str, wire: WireOf<S>, inputs: &mut Inputs<S>) {
        let now = self.cx.now();
        let Some(place) = self.peers.iter().position(|peer| peer.name == src) else { return };
        let from = place as NodeId + 1;
        let envelope = wire.into_envelope();
        let sent = envelope.echo.and_then(|echo| micros(now).checked_sub(echo));
        if let Some(round_trip) = sent {
            self.clock.sample(place, Duration::from_micros(round_trip));
        }
        self.peers[place].heard = Some((envelope.at, now));
        // First what is asked: what the messages bring about may take it along.
        for ask in envelope.asks {
            self.clock.stir(now);
            self.ask(from, ask, inputs);
        }
        for message in envelope.raft {
            if message.from != from || message.to != self.me {
                continue;
            }
            if self.is_news(&message.body) {
                self.clock.stir(now);
            }
            inputs.push_back(Input::Message(message));
        }
        for Answer { life, number, output } in envelope.answers {
            match self.pending.get_mut(&number).filter(|_| life == self.life) {
                Some(pending) if pending.until == Until::Here => pending.is_done = true,
                _ => self.complete(life, number, output),
            }
        }
    }

    /// Whether it says more than that a leader and its followers are still there.
    fn is_news(&mut self, body: &Body<Command<S>, Image<S>>) -> bool {
        match body {
            Body::Append { entries, round, .. } => {
                let is_new = std::mem::replace(&mut self.round, *round) != *round;
                is_new || !entries.is_empty()
            }
            Body::Appended { .. } => false,
            _ => true,
        }
    }

    /// Steps the core with what `begin` says and with what comes of that.
    pub fn react(
        &mut self,
        begin: impl FnOnce(&mut Core<S>, &mut Inputs<S>),
        writes: &mut Vec<(u64, Vec<u8>)>,
    ) {
        let mut inputs = VecDeque::new();
        begin(self, &mut inputs);
        let now = self.clock.show(self.cx.now());
        while let Some(input) = inputs.pop_front() {
            let outputs = self.raft.step(now, input);
            self.perform(outputs, &mut inputs, writes);
        }
    }

    fn perform(
        &mut self,
        outputs: Outputs<Command<S>, Image<S>>,
        inputs: &mut Inputs<S>,
        writes: &mut Vec<(u64, Vec<u8>)>,
    ) {
        if let Some(write) = outputs.write {
            writes.push((write.number, disk::line(write)));
        }
        for message in outputs.messages {
            self.peer(message.to).raft.push(message);
        }
        for apply in outputs.apply {
            self.apply(apply);
        }
        for (token, fate) in outputs.answers {
            self.settle(token, fate, inputs);
        }
        self.deadline = outputs.deadline;
        let applied = self.raft.applied();
        if applied >= self.snapshot + self.snapshot_every {
            self.snapshot = applied;
            inputs.push_back(Input::Compact { index: applied, state: self.machine.save() });
        }
        if self.leader != self.raft.leader() {
            self.leader = self.raft.leader();
            let numbers: Vec<u64> = self.pending.keys().copied().collect();
            numbers.into_iter().for_each(|number| self.hand_over(number, inputs));
        }
    }

    fn apply(&mut self, apply: Apply<Command<S>, Image<S>>) {
        match apply {
            Apply::Restore(snapshot) => {
                self.snapshot = snapshot.position.index;
                self.machine.restore(&snapshot.state);
                let (me, life) = (self.me, self.life);
                let numbers: Vec<u64> = self.pending.keys().copied().collect();
                for number in numbers {
                    if let Some(output) = self.machine.result(me, life, number).cloned() {
                        self.complete(life, number, output);
                    }
                }
            }
            Apply::Command { command, token, .. } => {
                let output = self.machine.apply(&command);
                let asked = (command.node, command.life, command.number);
                if let Some(token) = token {
                    self.forget(token);
                }
                let Some(output) = output else { return };
                // Whoever led when it was asked tells the node; and the node sees it here as well.
                if token.is_some() || command.node == self.me {
                    self.answer(asked, output);
                }
            }
            Apply::Members { .. } => {}
        }
    }

    fn forget(&mut self, token: Token) -> Option<(Asked, Option<Rc<S::Query>>)> {
        let found = self.tokens.remove(&token)?;
        self.open.remove(&found.0);
        Some(found)
    }

    /// What became of a request that was not performed as an entry.
    fn settle(&mut self, token: Token, fate: Fate, inputs: &mut Inputs<S>) {
        let Some((asked, query)) = self.forget(token) else { return };
        match (fate, query) {
            (Fate::Readable, Some(query)) => {
                let output = self.machine.state.query(&query);
                self.answer(asked, output);
            }
            // There is too much to do here: it is tried again in a while.
            (Fate::Refused(_), _) if self.raft.leader() == Some(self.me) => {}
            // Another node repeats what it is not answered.
            _ if asked.0 == self.me => self.hand_over(asked.2, inputs),
            _ => {}
        }
    }

    /// Sends what there is for others; what is asked of the leader waits while this node's disk is
    /// at work: an acknowledgement is about to leave that takes it along.
    pub fn flush(&mut self, cx: &Context, is_busy: bool) {
        let now = self.cx.now();
        for peer in &mut self.peers {
            let is_silent = peer.raft.is_empty() && peer.answers.is_empty();
            if is_silent && (peer.asks.is_empty() || is_busy) {
                continue;
            }
            let since = |(at, heard): (u64, Time)| at + now.since(heard).as_micros() as u64;
            let envelope = Envelope {
                at: micros(now),
                echo: peer.heard.map(since),
                raft: std::mem::take(&mut peer.raft),
                asks: std::mem::take(&mut peer.asks),
                answers: std::mem::take(&mut peer.answers),
            };
            cx.send(&peer.name, &Wire::new(envelope));
        }
    }
}
