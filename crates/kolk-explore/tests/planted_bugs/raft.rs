//! A linearizable store whose Raft has a mistake, looked for from outside: what clients were
//! answered, whether a node stopped, and which nodes said that they lead.
//!
//! The mistakes are those that `kolk-raft` plants for its own tests, but those in changes of
//! members and in leases: the store has neither.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kolk_explore::Open;
use kolk_lin_kv::LinKv;
use kolk_lin_kv::store::Store;
use kolk_node::storage::Disk;
use kolk_node::{Input, Machine, Outputs, machine};
use kolk_protocol::Time;
use kolk_raft::planted::{Bug, plant};
use kolk_replica::replicated::Settings as Replication;
use kolk_workload::Settings;
use kolk_workload::planner::Nemesis;

use crate::{Bench, RUNS_MAX, measure, repetitions, rows, search};

/// Those that the default strategy must find.
const FOUND: &[Bug] = &[
    Bug::TwoVotes,
    Bug::NoElectionRestriction,
    Bug::TruncatesMatching,
    Bug::NextBelowMatched,
    Bug::CommitGoesBack,
    Bug::LastForgottenBySnapshot,
    Bug::ReadBeforeOwnTerm,
];

/// Those of which it is not known how soon it does: they are measured, and no test waits for them.
const OTHERS: &[Bug] = &[
    Bug::VoteForgottenAtRestart,
    Bug::TermBackAtRestart,
    Bug::VoteFromEarlierTerm,
    Bug::VotesCountedTwice,
    Bug::LongerLogWins,
    Bug::NoStickiness,
    Bug::PreVoteGrantedByLeader,
    Bug::VoteBeforeSync,
    Bug::AppendReplyBeforeSync,
    Bug::SnapshotReplyBeforeSync,
    Bug::OwnEntryBeforeSync,
    Bug::NoPreviousTerm,
    Bug::MatchedIsOwnLast,
    Bug::ReplyFromEarlierTerm,
    Bug::CommitsOldTerms,
    Bug::CommitsUnverified,
    Bug::AppliesUncommitted,
    Bug::AppliesTwice,
    Bug::StaleAppendAfterSnapshot,
    Bug::OldSnapshotInstalled,
    Bug::SnapshotForgetsMembers,
    Bug::ReadWithoutRound,
    Bug::ReadByOldReply,
];

/// Everything is open but the faults: nodes also go down.
const OPEN: Open = Open { nemesis: false, ..Open::ALL };

fn asked(seed: u64) -> Settings {
    let mut settings = rows::asked("lin-kv", seed);
    settings.nemesis = vec![Nemesis::Partition, Nemesis::Kill, Nemesis::Power];
    settings
}

/// Raft stops at a state that cannot be, rather than spread it. A program would end; this says so
/// in a message that is none, and is silent from then on.
struct Stopping {
    machine: Box<dyn Machine>,
    has_stopped: bool,
}

impl Machine for Stopping {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        if self.has_stopped {
            return None;
        }
        let step = AssertUnwindSafe(|| self.machine.step(now, input, outputs));
        catch_unwind(step).unwrap_or_else(|_| {
            self.has_stopped = true;
            outputs.clear();
            outputs.push("n0", b"an assertion failed");
            None
        })
    }

    fn attach(&mut self, disk: Disk) {
        self.machine.attach(disk);
    }
}

/// So often that runs of a few operations have snapshots, too.
const SNAPSHOT_EVERY: u64 = 8;

/// The store, with this mistake in the Raft of all nodes that this thread makes.
fn make(bug: Bug) -> Box<dyn Machine> {
    plant(bug);
    let settings = Replication { snapshot_every: SNAPSHOT_EVERY, ..Replication::default() };
    let machine = machine(move |cx| LinKv::Store(Store::new(cx, settings)));
    Box::new(Stopping { machine, has_stopped: false })
}

#[test]
fn bugs_are_found() {
    // What stops a node is told by its run.
    std::panic::set_hook(Box::new(|_| {}));
    for bug in FOUND.iter().chain(OTHERS) {
        let make = || make(*bug);
        match repetitions() {
            Some(repetitions) => {
                measure("lin-kv", &format!("Raft: {bug:?}"), &make, (repetitions, OPEN), &asked);
            }
            None if FOUND.contains(bug) => {
                let bench = Bench { make: &make, end: None, cores: 1 };
                let found = search(&bench, "swarm", (&asked(1), OPEN), Some(RUNS_MAX));
                assert!(found.found, "{bug:?}: not found in {} runs", found.runs);
            }
            None => {}
        }
    }
    plant(Bug::None);
    drop(std::panic::take_hook());
}

#[test]
fn without_a_bug_it_holds() {
    let bench = Bench { make: &|| make(Bug::None), end: None, cores: 1 };
    let found = search(&bench, "swarm", (&asked(1), OPEN), Some(300));
    assert!(!found.found, "{:?}", found.tally.failures.iter().next());
}
