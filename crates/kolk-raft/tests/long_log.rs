//! A long log: memory is bounded by what is kept before a snapshot and what is not in one yet, and
//! a node starts from its snapshot. `KOLK_ENTRIES=1000000` makes it as long as one likes.

use std::collections::VecDeque;
use std::time::Duration;

use kolk_raft::{Apply, Config, Input, Members, Message, NodeId, Raft, Role, Stored};

const SNAPSHOT_EVERY: u64 = 5_000;
const KEEP: u64 = 1_000;
/// How many commands are proposed before messages are delivered.
const BURST: u64 = 100;

type Node = Raft<u64, u64>;

struct Cluster {
    nodes: Vec<Node>,
    disks: Vec<Stored<u64, u64>>,
    /// The state machine: a sum.
    sums: Vec<u64>,
    wire: VecDeque<Message<u64, u64>>,
    now: Duration,
}

fn config(id: NodeId) -> Config {
    Config { keep_behind: KEEP, ..Config::new(id, id) }
}

impl Cluster {
    fn new() -> Cluster {
        let disk = Stored::founding(Members::voters(1..=3));
        Cluster {
            nodes: (1..=3).map(|id| Raft::new(config(id), disk.clone())).collect(),
            disks: vec![disk; 3],
            sums: vec![0; 3],
            wire: VecDeque::new(),
            now: Duration::ZERO,
        }
    }

    fn step(&mut self, at: usize, input: Input<u64, u64>) {
        let outputs = self.nodes[at].step(self.now, input);
        self.wire.extend(outputs.messages);
        for apply in outputs.apply {
            match apply {
                Apply::Restore(snapshot) => self.sums[at] = snapshot.state,
                Apply::Command { command, .. } => self.sums[at] += command,
                Apply::Members { .. } => {}
            }
        }
        if let Some(write) = outputs.write {
            self.disks[at].perform(&write);
            self.step(at, Input::Synced(write.number));
        }
    }

    fn deliver(&mut self) {
        while let Some(message) = self.wire.pop_front() {
            self.step(message.to as usize - 1, Input::Message(message));
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        for at in 0..3 {
            self.step(at, Input::Tick);
            self.deliver();
        }
    }
}

#[test]
fn memory_is_bounded_and_a_start_is_short() {
    let count: u64 = std::env::var("KOLK_ENTRIES").map_or(50_000, |n| n.parse().expect("a number"));
    let mut cluster = Cluster::new();
    while !cluster.nodes.iter().any(|node| node.role() == Role::Leader) {
        cluster.pass(10);
    }
    let leads = |node: &Node| node.role() == Role::Leader;
    let leader = cluster.nodes.iter().position(leads).expect("one leads");
    let (mut proposed, mut longest) = (0, 0);
    while proposed < count {
        for _ in 0..BURST {
            proposed += 1;
            cluster.step(leader, Input::Propose { token: proposed, command: proposed });
        }
        cluster.deliver();
        cluster.pass(1);
        for at in 0..3 {
            let node = &cluster.nodes[at];
            longest = longest.max(node.last().index - node.start().index);
            let newest = cluster.disks[at].snapshot.as_ref().map_or(0, |s| s.position.index);
            if node.applied() >= newest + SNAPSHOT_EVERY {
                let (index, state) = (node.applied(), cluster.sums[at]);
                cluster.step(at, Input::Compact { index, state });
            }
        }
    }
    assert!(leads(&cluster.nodes[leader]), "nothing was in the way");
    assert!(longest <= KEEP + SNAPSHOT_EVERY + 2 * BURST, "{longest} entries were in memory");
    assert!(cluster.nodes[leader].commit() >= count);

    let sum = proposed * (proposed + 1) / 2;
    assert_eq!(cluster.sums[leader], sum);
    let mut again: Node = Raft::new(config(leader as u64 + 1), cluster.disks[leader].clone());
    let outputs = again.step(Duration::ZERO, Input::Tick);
    let snapshot = cluster.disks[leader].snapshot.clone().expect("there is one");
    assert!(snapshot.position.index + SNAPSHOT_EVERY + 2 * BURST > count);
    assert_eq!(outputs.apply, [Apply::Restore(snapshot)]);
}
