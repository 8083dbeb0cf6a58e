//! `lin-kv`: keys that are read, written and compared and set, and should behave as if there were
//! one copy of each.
//!
//! The generator is that of `jepsen.tests.linearizable-register` as Maelstrom calls it. Workers
//! stand in groups of two a node. A group works on one key at a time, one half of it reading, the
//! other half writing, until so many processes have taken part that a checker would have a hard
//! time (each operation of unknown outcome makes a new one); then it takes the next key that nobody
//! has had.

use std::collections::BTreeSet;
use std::time::Duration;

use kolk_engine::{Call, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Plan};
use kolk_protocol::Random;
use kolk_protocol::message::Body;

/// How many workers a group has for each node: one that reads, one that writes.
pub const WORKERS_PER_NODE: u32 = 2;

/// How many processes may work on a key.
const PROCESSES_MAX: usize = 20;

/// Written values are below this.
const VALUES: u64 = 5;

/// A client waits so many mean latencies for an answer, and a second at least.
const TIMEOUT_LATENCIES: f64 = 10.0;

/// Workers that share their keys.
#[derive(Debug)]
struct Group {
    key: i64,
    /// The processes that its workers have now.
    present: Vec<u32>,
    /// All that were there since the group took its key.
    seen: BTreeSet<u32>,
}

/// The workload. A read's value is `[key, null]` and ends as `[key, value]`, a write's is `[key,
/// value]`, a compare-and-set's `[key, [from, to]]`.
#[derive(Debug)]
pub struct LinKv {
    /// Workers in a group.
    group_size: usize,
    concurrency: u32,
    timeout: Duration,
    groups: Vec<Group>,
    next_key: i64,
}

impl LinKv {
    /// For so many nodes.
    pub fn new(nodes: usize) -> LinKv {
        LinKv {
            group_size: nodes.max(1) * WORKERS_PER_NODE as usize,
            concurrency: 0,
            timeout: Duration::from_secs(1),
            groups: Vec::new(),
            next_key: 0,
        }
    }

    /// A key that nobody has had.
    fn fresh_key(&mut self) -> i64 {
        self.next_key += 1;
        self.next_key - 1
    }

    /// The worker's group; groups take their first keys in order.
    fn group(&mut self, worker: &Worker) -> &mut Group {
        let number = worker.number / self.group_size;
        while self.groups.len() <= number {
            let first = self.groups.len() * self.group_size;
            let present: Vec<u32> =
                (first..first + self.group_size).map(|process| process as u32).collect();
            let seen = present.iter().copied().collect();
            let key = self.fresh_key();
            self.groups.push(Group { key, present, seen });
        }
        &mut self.groups[number]
    }

    /// The worker goes on as this process.
    fn becomes(&mut self, worker: &Worker, process: u32) {
        let place = worker.number % self.group_size;
        let group = self.group(worker);
        group.present[place] = process;
        group.seen.insert(process);
    }

    /// The key that the worker's group works on.
    fn key(&mut self, worker: &Worker) -> i64 {
        // A group that is larger than the bound gets along without replacements.
        let most = PROCESSES_MAX.max(self.group_size);
        if self.group(worker).seen.len() > most {
            let key = self.fresh_key();
            let group = self.group(worker);
            group.key = key;
            group.seen = group.present.iter().copied().collect();
        }
        self.group(worker).key
    }
}

impl Workload for LinKv {
    fn name(&self) -> &'static str {
        "lin-kv"
    }

    fn prepare(&mut self, plan: &Plan) {
        self.concurrency = plan.concurrency;
        let patience = Duration::from_secs_f64(plan.network.latency * TIMEOUT_LATENCIES / 1e3);
        self.timeout = patience.max(Duration::from_secs(1));
    }

    fn next(&mut self, worker: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        self.becomes(worker, worker.process);
        let key = self.key(worker);
        if worker.number % self.group_size < self.group_size / 2 {
            return Some(super::read(key));
        }
        let is_write = random.below(3) == 0;
        let mut value = || random.below(VALUES) as i64;
        let first = value();
        Some(if is_write { super::write(key, first) } else { super::cas(key, first, value()) })
    }

    fn start(&mut self, _: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        super::start(invocation, call)
    }

    fn reply(
        &mut self,
        _: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        super::result(invocation, reply).map(super::done)
    }

    fn ended(&mut self, worker: &Worker, invocation: &Invocation, definite: bool) {
        if !definite && invocation.function != Function::Read {
            // The engine gives the worker its next process.
            self.becomes(worker, worker.process + self.concurrency);
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolk_protocol::Key;

    fn worker(number: usize) -> Worker {
        Worker { number, process: number as u32, node: number % 2 }
    }

    fn key(invocation: &Invocation) -> i64 {
        invocation.value.as_list().and_then(|parts| parts[0].as_int()).expect("a key")
    }

    fn next(workload: &mut LinKv, worker: &Worker, number: u64) -> Invocation {
        workload.next(worker, number, &mut Key::new(1).with(number).random()).expect("an operation")
    }

    #[test]
    fn half_of_a_group_reads_and_the_others_write_one_in_three() {
        let mut workload = LinKv::new(2);
        for reader in [0, 1] {
            for number in 0..100 {
                assert_eq!(next(&mut workload, &worker(reader), number), super::super::read(0));
            }
        }
        let mut writes = 0;
        for number in 0..3000 {
            let invocation = next(&mut workload, &worker(2), number);
            writes += u32::from(invocation.function == Function::Write);
            assert_ne!(invocation.function, Function::Read);
        }
        assert!((900..1100).contains(&writes), "{writes}");
    }

    /// What a seed means is part of the format of a plan: this may never change.
    #[test]
    fn draws_are_frozen() {
        let mut workload = LinKv::new(2);
        let operations = (0..6).map(|number| {
            let invocation = next(&mut workload, &worker(3), number);
            format!("{} {}", invocation.function, invocation.value)
        });
        assert_eq!(
            operations.collect::<Vec<_>>().join(", "),
            "write [0,2], cas [0,[3,2]], cas [0,[4,2]], write [0,4], cas [0,[0,4]], write [0,3]"
        );
    }

    #[test]
    fn groups_have_their_own_keys_and_leave_them_after_twenty_processes() {
        let mut workload = LinKv::new(2);
        workload.concurrency = 8;
        assert_eq!(key(&next(&mut workload, &worker(5), 0)), 1, "the second group");
        assert_eq!(key(&next(&mut workload, &worker(0), 1)), 0);
        let mut writer = worker(3);
        let write = super::super::write(0, 1);
        for number in 0..16 {
            assert_eq!(key(&next(&mut workload, &writer, number)), 0, "{number}");
            // A read that fails and a write that surely did not happen cost no process.
            workload.ended(&worker(0), &super::super::read(0), false);
            workload.ended(&writer, &write, true);
            workload.ended(&writer, &write, false);
            writer.process += 8;
        }
        assert_eq!(key(&next(&mut workload, &writer, 16)), 0, "twenty took part");
        workload.ended(&writer, &write, false);
        writer.process += 8;
        assert_eq!(key(&next(&mut workload, &worker(0), 17)), 2);
        assert_eq!(key(&next(&mut workload, &writer, 18)), 2);
        assert_eq!(key(&next(&mut workload, &worker(5), 19)), 1, "the other group stays");
    }
}
