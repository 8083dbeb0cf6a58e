//! The world of a story: nodes with a clock each, disks, and a wire on which messages lie until a
//! command delivers, repeats or drops them.
//!
//! | command | what it does |
//! |---|---|
//! | `cluster N [keep=K] [batch=B] [window=W] [delay=MS] [lease] [stopped]` | N founding members |
//! | `log N term T [vote V]: 1 1 2` | what a stopped node has stored: entries of these terms |
//! | `join N` | a node that is no member yet |
//! | `timeout N` | the node's clock comes to its deadline |
//! | `age N…` | the node's clock comes to just before its deadline |
//! | `elect N` | the others hear nothing, N's time is up, and all is delivered |
//! | `deliver [LINK…] [first\|last]` | until nothing is left, or one message; a link is `1->2`, `1->`, `->2` |
//! | `drop [LINK…]`, `duplicate [LINK…]` | what is on the wire is lost, or is there twice |
//! | `cut LINK…`, `isolate N`, `heal` | nothing is put on the wire there, until it is healed |
//! | `propose N TEXT`, `read N`, `change N add\|promote\|remove M`, `hand-over N M`, `compact N` | requests |
//! | `slow N`, `sync N` | its writes wait until they are synced; from then on they do not |
//! | `crash N`, `start N` | what is not synced is lost; it starts with what is |
//! | `show` | all nodes |
//! | `quietly …` | any command, without telling |

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use kolk_raft::{
    Apply, Config, Entry, Input, Lease, Members, Message, NodeId, Payload, Position, Raft, Role,
    Stored, Write,
};

use super::show;

type Command = String;
type State = Vec<String>;

#[derive(Default)]
pub struct World {
    nodes: BTreeMap<NodeId, Node>,
    wire: Vec<Message<Command, State>>,
    cut: BTreeSet<(NodeId, NodeId)>,
    config: Option<Config>,
    requests: u64,
    told: String,
    is_quiet: bool,
}

struct Node {
    raft: Option<Raft<Command, State>>,
    disk: Stored<Command, State>,
    unsynced: VecDeque<Write<Command, State>>,
    is_slow: bool,
    now: Duration,
    deadline: Option<Duration>,
    state: State,
    lives: u64,
}

/// `1->2`, with either end left out.
#[derive(Clone, Copy)]
struct Link(Option<NodeId>, Option<NodeId>);

impl Link {
    fn read(word: &str) -> Link {
        let (from, to) = word.split_once("->").unwrap_or_else(|| panic!("no link: {word}"));
        let end = |text: &str| (!text.is_empty()).then(|| number(text));
        Link(end(from), end(to))
    }

    fn is(self, from: NodeId, to: NodeId) -> bool {
        self.0.is_none_or(|end| end == from) && self.1.is_none_or(|end| end == to)
    }
}

fn number(word: &str) -> u64 {
    word.trim_start_matches('n').parse().unwrap_or_else(|_| panic!("no number: {word}"))
}

impl World {
    pub fn take_told(&mut self) -> String {
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, line: &str) {
        if !self.is_quiet {
            let _ = writeln!(self.told, "{line}");
        }
    }

    pub fn carry_out(&mut self, command: &str) {
        let (command, is_quiet) = match command.strip_prefix("quietly ") {
            Some(rest) => (rest, true),
            None => (command, false),
        };
        self.is_quiet = is_quiet;
        let words: Vec<&str> = command.split_whitespace().collect();
        let (verb, words) = words.split_first().expect("a command");
        match *verb {
            "cluster" => self.found(words),
            "log" => self.store(words),
            "join" => self.add(number(words[0]), Stored::joining()),
            "timeout" => {
                let node = number(words[0]);
                let known = self.node(node);
                known.now = known.deadline.expect("it has a deadline");
                self.step(node, Input::Tick);
            }
            "age" => words.iter().for_each(|word| self.age(number(word))),
            "elect" => {
                let chosen = number(words[0]);
                let others: Vec<NodeId> = self.nodes.keys().copied().collect();
                others.into_iter().filter(|node| *node != chosen).for_each(|node| self.age(node));
                let known = self.node(chosen);
                known.now = known.deadline.expect("it has a deadline");
                self.step(chosen, Input::Tick);
                self.deliver(&[Link(None, None)], None);
            }
            "deliver" => {
                let (links, which) = Self::links(words);
                self.deliver(&links, which);
            }
            "drop" => {
                let (links, _) = Self::links(words);
                self.wire.retain(|m| !links.iter().any(|link| link.is(m.from, m.to)));
            }
            "duplicate" => {
                let (links, _) = Self::links(words);
                let is_meant = |m: &&Message<_, _>| links.iter().any(|link| link.is(m.from, m.to));
                let again: Vec<_> = self.wire.iter().filter(is_meant).cloned().collect();
                self.wire.extend(again);
            }
            "cut" => {
                let (links, _) = Self::links(words);
                self.cut_where(|from, to| links.iter().any(|link| link.is(from, to)));
            }
            "isolate" => {
                let node = number(words[0]);
                self.cut_where(|from, to| from == node || to == node);
            }
            "heal" => self.cut.clear(),
            "propose" => {
                let token = self.token();
                let command = words[1].to_owned();
                self.step(number(words[0]), Input::Propose { token, command });
            }
            "read" => {
                let token = self.token();
                self.step(number(words[0]), Input::Read { token });
            }
            "change" => {
                let token = self.token();
                let change = show::change(words[1], number(words[2]));
                self.step(number(words[0]), Input::Change { token, change });
            }
            "hand-over" => {
                let token = self.token();
                let to = number(words[1]);
                self.step(number(words[0]), Input::HandOver { token, to });
            }
            "compact" => {
                let node = number(words[0]);
                let known = self.node(node);
                let index = known.raft.as_ref().expect("it runs").applied();
                let state = known.state.clone();
                self.step(node, Input::Compact { index, state });
            }
            "slow" => self.node(number(words[0])).is_slow = true,
            "sync" => {
                let node = number(words[0]);
                self.node(node).is_slow = false;
                self.sync(node);
            }
            "crash" => {
                let known = self.node(number(words[0]));
                known.raft = None;
                known.unsynced.clear();
                known.is_slow = false;
            }
            "start" => self.start(number(words[0])),
            "show" => {
                let lines: Vec<String> = self
                    .nodes
                    .iter()
                    .map(|(name, node)| match &node.raft {
                        Some(raft) => show::node(raft),
                        None => format!("n{name} is down"),
                    })
                    .collect();
                lines.iter().for_each(|line| self.tell(line));
            }
            other => panic!("no command: {other}"),
        }
    }

    fn node(&mut self, node: NodeId) -> &mut Node {
        self.nodes.get_mut(&node).unwrap_or_else(|| panic!("no node {node}"))
    }

    fn token(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    fn links(words: &[&str]) -> (Vec<Link>, Option<bool>) {
        let which = words.last().and_then(|word| match *word {
            "first" => Some(true),
            "last" => Some(false),
            _ => None,
        });
        let words = &words[..words.len() - usize::from(which.is_some())];
        let mut links: Vec<Link> = words.iter().map(|word| Link::read(word)).collect();
        if links.is_empty() {
            links.push(Link(None, None));
        }
        (links, which)
    }

    fn cut_where(&mut self, is_cut: impl Fn(NodeId, NodeId) -> bool) {
        for from in self.nodes.keys() {
            for to in self.nodes.keys().filter(|to| *to != from && is_cut(*from, **to)) {
                self.cut.insert((*from, *to));
            }
        }
    }

    fn found(&mut self, words: &[&str]) {
        let count = number(words[0]);
        let mut config = Config { keep_behind: 0, ..Config::new(0, 0) };
        for word in &words[1..] {
            match word.split_once('=') {
                Some(("keep", value)) => config.keep_behind = number(value),
                Some(("batch", value)) => config.batch_max = number(value) as usize,
                Some(("window", value)) => config.in_flight_max = number(value) as usize,
                Some(("delay", value)) => config.batch_delay = Duration::from_millis(number(value)),
                None if *word == "lease" => config.lease = Some(Lease { drift_max: 2.0 }),
                None if *word == "stopped" => {}
                _ => panic!("no setting: {word}"),
            }
        }
        self.config = Some(config);
        let founders = Members::voters(1..=count);
        for node in 1..=count {
            self.insert(node, Stored::founding(founders.clone()));
            if !words.contains(&"stopped") {
                self.start(node);
            }
        }
    }

    fn insert(&mut self, node: NodeId, disk: Stored<Command, State>) {
        self.nodes.insert(
            node,
            Node {
                raft: None,
                disk,
                unsynced: VecDeque::new(),
                is_slow: false,
                now: Duration::ZERO,
                deadline: None,
                state: State::new(),
                lives: 0,
            },
        );
    }

    fn add(&mut self, node: NodeId, disk: Stored<Command, State>) {
        self.insert(node, disk);
        self.start(node);
    }

    /// `log N term T [vote V]: 1 1 2`
    fn store(&mut self, words: &[&str]) {
        let known = self.node(number(words[0]));
        let at = words.iter().position(|word| word.ends_with(':')).expect("a colon");
        known.disk.ballot.term = number(words[2].trim_end_matches(':'));
        if at == 4 {
            known.disk.ballot.vote = Some(number(words[4].trim_end_matches(':')));
        }
        let members = known.disk.start.members.clone();
        for (index, word) in (1..).zip(&words[at + 1..]) {
            let position = Position { term: number(word), index };
            let payload = match index {
                1 => Payload::Members(members.clone()),
                _ => Payload::Command(format!("c{word}.{index}")),
            };
            known.disk.entries.push(Entry { position, payload });
        }
    }

    fn start(&mut self, node: NodeId) {
        let mut config = self.config.clone().expect("a cluster");
        let known = self.node(node);
        known.lives += 1;
        (config.id, config.seed) = (node, 1_000 * node + known.lives);
        known.raft = Some(Raft::new(config, known.disk.clone()));
        known.state.clear();
        self.step(node, Input::Tick);
    }

    fn age(&mut self, node: NodeId) {
        let known = self.node(node);
        let is_follower = known.raft.as_ref().is_some_and(|raft| raft.role() != Role::Leader);
        if let Some(deadline) = known.deadline.filter(|_| is_follower) {
            known.now = known.now.max(deadline - Duration::from_nanos(1));
        }
    }

    /// Delivers messages on these links, also those that come of it; or only the first or last.
    fn deliver(&mut self, links: &[Link], which: Option<bool>) {
        // No story is that long: a circle would be a mistake.
        for _ in 0..10_000 {
            let is_meant = |m: &Message<_, _>| links.iter().any(|link| link.is(m.from, m.to));
            let at = match which {
                Some(false) => self.wire.iter().rposition(is_meant),
                _ => self.wire.iter().position(is_meant),
            };
            let Some(at) = at else { return };
            let message = self.wire.remove(at);
            let to = message.to;
            if self.nodes.get(&to).is_some_and(|node| node.raft.is_some()) {
                self.step(to, Input::Message(message));
            }
            if which.is_some() {
                return;
            }
        }
        panic!("messages without end");
    }

    fn sync(&mut self, node: NodeId) {
        while let Some(write) = self.node(node).unsynced.pop_front() {
            self.node(node).disk.perform(&write);
            self.step(node, Input::Synced(write.number));
        }
    }

    fn step(&mut self, node: NodeId, input: Input<Command, State>) {
        let known = self.node(node);
        let now = known.now;
        let raft = known.raft.as_mut().unwrap_or_else(|| panic!("n{node} is down"));
        let before = (raft.role(), raft.term());
        let outputs = raft.step(now, input);
        let (role, term) = (raft.role(), raft.term());
        known.deadline = outputs.deadline;
        for apply in &outputs.apply {
            match apply {
                Apply::Restore(snapshot) => known.state = snapshot.state.clone(),
                Apply::Command { command, .. } => known.state.push(command.clone()),
                Apply::Members { .. } => {}
            }
        }
        let is_slow = known.is_slow;
        if before != (role, term) {
            self.tell(&format!("n{node} is {} in term {term}", show::role(role)));
        }
        if let Some(write) = &outputs.write {
            let waits = if is_slow { " (not synced)" } else { "" };
            self.tell(&format!("n{node} writes {}{waits}", show::write(write)));
        }
        for message in outputs.messages {
            let is_cut = self.cut.contains(&(message.from, message.to));
            let cut = if is_cut { " (cut)" } else { "" };
            self.tell(&format!("{}{cut}", show::message(&message)));
            if !is_cut {
                self.wire.push(message);
            }
        }
        for apply in &outputs.apply {
            self.tell(&format!("n{node} {}", show::apply(apply)));
        }
        for (token, answer) in &outputs.answers {
            self.tell(&format!("n{node} answers request {token}: {}", show::answer(*answer)));
        }
        if let Some(write) = outputs.write {
            self.node(node).unsynced.push_back(write);
            if !is_slow {
                self.sync(node);
            }
        }
    }
}
