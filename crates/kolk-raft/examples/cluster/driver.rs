// A cluster in one process: a driver for `kolk_raft`, and what can be done with it. The network
// takes 10 ms, disks write at once, and time is a number that jumps to whatever is due next. A
// driver with sockets, files and a clock has the same five parts: see `Cluster::step`.
//
// The README goes through it step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_raft::{
    Answer, Apply, Change, Config, Input, Members, Message, NodeId, Raft, Role, Stored,
};

/// A command for the state machine: set a key.
#[derive(Clone, Debug)]
pub struct Set {
    /// The key that is set.
    pub key: String,
    /// What it is set to.
    pub value: String,
}

/// The state machine's state, and so what a snapshot holds.
pub type Store = BTreeMap<String, String>;

/// What is asked of a node.
#[derive(Clone, Debug)]
pub enum Request {
    /// To set a key to a value.
    Set(&'static str, &'static str),
    /// A key's value, as of now.
    Get(&'static str),
    /// To change who belongs to the cluster.
    Change(Change),
    /// To hand leadership to another node.
    HandOver(NodeId),
}

struct Node {
    /// Nothing while it is down.
    raft: Option<Raft<Set, Store>>,
    /// What survives.
    disk: Stored<Set, Store>,
    store: Store,
    deadline: Option<Duration>,
    starts: u64,
}

/// Nodes, their disks and the network between them.
#[derive(Default)]
pub struct Cluster {
    now: Duration,
    nodes: BTreeMap<NodeId, Node>,
    /// Messages under way, and when they arrive.
    wire: Vec<(Duration, Message<Set, Store>)>,
    /// What was asked for by token, and what came of it.
    gets: BTreeMap<u64, &'static str>,
    answers: BTreeMap<u64, String>,
    tokens: u64,
    /// After how many entries a node takes a snapshot.
    pub snapshot_every: Option<u64>,
}

impl Cluster {
    /// A new cluster of the nodes 1 to `size`.
    pub fn new(size: u64) -> Cluster {
        let mut cluster = Cluster::default();
        for node in 1..=size {
            cluster.add(node, Stored::founding(Members::voters(1..=size)));
        }
        cluster
    }

    /// A node that no leader knows of yet.
    pub fn join(&mut self, node: NodeId) {
        self.add(node, Stored::joining());
    }

    fn add(&mut self, node: NodeId, disk: Stored<Set, Store>) {
        let fresh = Node { raft: None, disk, store: Store::new(), deadline: None, starts: 0 };
        self.nodes.insert(node, fresh);
        self.start(node);
    }

    /// A node goes down; its disk stays.
    pub fn kill(&mut self, node: NodeId) {
        self.nodes.get_mut(&node).expect("a node").raft = None;
    }

    /// A node starts with what its disk holds.
    pub fn start(&mut self, node: NodeId) {
        let known = self.nodes.get_mut(&node).expect("a node");
        known.starts += 1;
        // A program takes the seed from the machine's entropy.
        let mut config = Config::new(node, 1_000 * node + known.starts);
        config.keep_behind = 0;
        known.raft = Some(Raft::new(config, known.disk.clone()));
        known.store.clear();
        self.step(node, Input::Tick);
    }

    /// All there is to driving a node.
    fn step(&mut self, node: NodeId, input: Input<Set, Store>) {
        let known = self.nodes.get_mut(&node).expect("a node");
        let Some(raft) = &mut known.raft else { return };
        let outputs = raft.step(self.now, input);
        // 1. Write; that it is durable is said below, since here it is at once.
        if let Some(write) = &outputs.write {
            known.disk.perform(write);
        }
        // 2. Send.
        let arrival = self.now + Duration::from_millis(10);
        self.wire.extend(outputs.messages.into_iter().map(|message| (arrival, message)));
        // 3. Apply.
        for apply in outputs.apply {
            match apply {
                Apply::Restore(snapshot) => known.store = snapshot.state,
                Apply::Command { command, token, .. } => {
                    known.store.insert(command.key, command.value);
                    self.answers.extend(token.map(|token| (token, "done".to_owned())));
                }
                Apply::Members { token, .. } => {
                    self.answers.extend(token.map(|token| (token, "done".to_owned())));
                }
            }
        }
        // 4. Answer.
        for (token, answer) in outputs.answers {
            let text = match answer {
                Answer::Readable => {
                    let value = known.store.get(self.gets[&token]);
                    value.cloned().unwrap_or_else(|| "nothing".to_owned())
                }
                Answer::Refused(refusal) => format!("refused: {refusal}"),
                Answer::Overwritten => "not done".to_owned(),
                Answer::Unknown => "done, or not".to_owned(),
            };
            self.answers.insert(token, text);
        }
        // 5. Come back in time.
        known.deadline = outputs.deadline;

        let applied = raft.applied();
        let since = applied.saturating_sub(raft.start().index);
        if self.snapshot_every.is_some_and(|every| since >= every) {
            let state = known.store.clone();
            self.step(node, Input::Compact { index: applied, state });
        }
        if let Some(write) = outputs.write {
            self.step(node, Input::Synced(write.number));
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        loop {
            let arrival = self.wire.iter().map(|(due, _)| *due).min();
            let running = self.nodes.iter().filter(|(_, node)| node.raft.is_some());
            let wake = running.filter_map(|(name, node)| Some((node.deadline?, *name))).min();
            let due = arrival.into_iter().chain(wake.map(|(due, _)| due)).min();
            let Some(due) = due.filter(|due| *due <= until) else { break };
            self.now = self.now.max(due);
            if arrival == Some(due) {
                let at = self.wire.iter().position(|(at, _)| *at == due).expect("one is due");
                let (_, message) = self.wire.remove(at);
                self.step(message.to, Input::Message(message));
            } else if let Some((_, node)) = wake {
                self.step(node, Input::Tick);
            }
        }
        self.now = until;
    }

    /// Who leads in the latest term.
    pub fn leader(&self) -> Option<NodeId> {
        let running = self.nodes.values().filter_map(|node| node.raft.as_ref());
        let leaders = running.filter(|raft| raft.role() == Role::Leader);
        leaders.max_by_key(|raft| raft.term()).map(Raft::id)
    }

    /// Asks a node and waits for half a second for the answer.
    pub fn ask(&mut self, node: NodeId, request: Request) -> String {
        self.tokens += 1;
        let token = self.tokens;
        let input = match request {
            Request::Set(key, value) => {
                let command = Set { key: key.to_owned(), value: value.to_owned() };
                Input::Propose { token, command }
            }
            Request::Get(key) => {
                self.gets.insert(token, key);
                Input::Read { token }
            }
            Request::Change(change) => Input::Change { token, change },
            Request::HandOver(to) => Input::HandOver { token, to },
        };
        self.step(node, input);
        self.run(500);
        self.answers.remove(&token).unwrap_or_else(|| "no answer".to_owned())
    }

    /// What a node's copy holds, which may be old.
    pub fn store(&self, node: NodeId) -> &Store {
        &self.nodes[&node].store
    }

    /// A node, if it is up.
    pub fn raft(&self, node: NodeId) -> Option<&Raft<Set, Store>> {
        self.nodes[&node].raft.as_ref()
    }
}
