//! All checks of a run, and the verdict they come to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kolk_history::{Function, History, Summary, Value};

use crate::check::{Check, Validity};
use crate::kind::Kind;
use crate::models::{Model, Models};
use crate::txn::Levels;
use crate::txn::rw_register::AssumedKeys;
use crate::txn::table::Datatype;
use crate::verdict::Verdict;
use crate::{
    answered, availability, bank, causes, counter, echo, kafka, linearizable, long_fork, net,
    objects, perf, predecessors, protocol, queue, sequential, set, set_full, stats, txn,
    unique_ids, workloads,
};

/// What a checker must be told beside the history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The workload's name, one of [`WORKLOADS`](crate::WORKLOADS).
    pub workload: &'a str,
    /// Whether stronger findings count.
    pub strict: bool,
    /// Whether Maelstrom's checks alone count: replies that do not fit then do not.
    pub lenient: bool,
    /// What availability must be: a fraction, 1 for `total`. Without it, it is only measured.
    pub availability: Option<f64>,
    /// Operations a second that were asked for, in all.
    pub rate: Option<f64>,
    /// How long the load lasted. Without it, the time from its first to its last invocation.
    pub load: Option<Duration>,
    /// What transactions are held to; if there is no model, to strict serializability.
    pub consistency_models: Models,
    /// How read committed, read atomic and causal are meant, where they are among the models.
    pub levels: Levels,
    /// What is assumed of each key of `txn-rw-register`; means nothing to other workloads.
    pub assumed_keys: AssumedKeys,
    /// What a register holds in the beginning; means nothing to workloads other than `register` and
    /// `multi-register`.
    pub initial: Option<&'a Value>,
    /// What all accounts of a `bank` hold together; without it, what the first read shows.
    pub total_amount: Option<i64>,
    /// Whether an account of a `bank` may be overdrawn.
    pub negative_balances: bool,
    /// How many keys each read of `long-fork` reads; without it, as many as it likes.
    pub group_size: Option<usize>,
    /// Whether it is known that nothing was in the way of a message: no fault, no loss, and
    /// latencies far below the time that a client waits. Requests must then be answered.
    pub calm: bool,
    /// Whether so many messages are lost, to the end, that nodes cannot be asked to agree then, or
    /// to answer.
    pub lossy: bool,
    /// Whether there are faults that wait for a node to lead: a run in which none does shows
    /// nothing of what was asked.
    pub unseats: bool,
}

/// Makes all checks of a run. A history without a summary is nobody's run: the checks of the
/// network and the protocol are left out, and that a kind of operation never succeeded is only
/// noted. A checker that panics gives unknown, with the reason, and so does a history that is not
/// the workload's.
pub fn check_run(history: &History, summary: Option<&Summary>, options: &Options<'_>) -> Verdict {
    let mut checks = vec![guarded("perf", || perf::check(history))];
    if let Some(summary) = summary {
        checks.push(guarded("exceptions", || protocol::exceptions(summary)));
    }
    let is_run = summary.is_some();
    checks.push(guarded("stats", || {
        let mut check = stats::check(history, options.rate, options.load, is_run);
        if options.calm {
            answered::check(&mut check, history);
        }
        if summary.is_some_and(|summary| summary.full.is_some()) {
            check.validity = check.validity.worst(Validity::Unknown);
        }
        check
    }));
    checks.push(guarded("availability", || availability::check(history, options.availability)));
    if let Some(summary) = summary {
        checks.push(guarded("net", || net::check(history, summary)));
        checks.push(guarded("protocol", || protocol::check(summary, options.lenient)));
    }
    if options.unseats && summary.is_some_and(|summary| summary.leader_count == 0) {
        checks.push(Check::unknown("leaders", NO_LEADER));
    }
    let mut judged = guarded("workload", || workload(history, options));
    if options.lossy {
        judged.do_not_ask(
            &[Kind::Diverged, Kind::Silent],
            "so many messages are lost, to the end, that nodes are not asked to agree then, or to \
             answer",
        );
    }
    if !is_run && judged.is_vacuous() {
        judged.validity = judged.validity.worst(Validity::Unknown);
    }
    checks.push(judged);
    let worst = |strict| checks.iter().map(|check| check.validity(strict)).max();
    let mut verdict = Verdict {
        validity: worst(options.strict).unwrap_or_default(),
        lenient: worst(false).unwrap_or_default(),
        checks,
        strict: options.strict,
        workload: options.workload.to_owned(),
        causes: Vec::new(),
    };
    match caught(|| causes::find(history, summary, &verdict)) {
        Ok(causes) => verdict.causes = causes,
        // They stand beside the verdict, and take nothing from it.
        Err(failure) => {
            verdict.checks.push(Check { notes: vec![failure], ..Check::new("explanation") });
        }
    }
    verdict
}

/// What is said of a run whose faults wait for a leader, if there was none.
const NO_LEADER: &str = "no node said on its stderr that it leads, so no fault came that waits for \
                         that: print a line such as `state {\"term\":3,\"role\":\"leader\"}`, or \
                         `became leader`, when a node begins to lead";

/// The check of a workload's own semantics.
fn workload(history: &History, options: &Options<'_>) -> Check {
    let is_known = crate::WORKLOADS.contains(&options.workload);
    if let Some(reason) = workloads::mismatch(history, options.workload).filter(|_| is_known) {
        let mut check = Check { validity: Validity::Unknown, ..Check::new("workload") };
        check.checked_nothing(&reason);
        return check;
    }
    let models = match options.consistency_models {
        none if none.is_empty() => Models::new(&[Model::StrictSerializable]),
        models => models,
    };
    match options.workload {
        "bank" => bank::check(history, options.total_amount, options.negative_balances),
        "comments" => predecessors::comments(history),
        "counter" => counter::check_reads(history),
        "fifo-queue" => queue::fifo(history),
        "long-fork" => long_fork::check(history, options.group_size),
        "multi-register" => {
            objects::multi_register::check(history, options.initial.unwrap_or(&Value::Null))
        }
        "mutex" => objects::mutex::check(history),
        "sequential" => predecessors::sequential(history),
        "set" => set::check(history),
        "total-queue" => queue::total(history),
        "unordered-queue" => queue::unordered(history),
        "broadcast" => set_full::check(history, Function::Broadcast),
        "g-counter" | "pn-counter" => counter::check(history),
        "g-set" => set_full::check(history, Function::Add),
        "seq-kv" => sequential::check(history),
        "unique-ids" => unique_ids::check(history),
        "echo" => echo::check(history),
        "kafka" => kafka::check(history),
        "kv" => linearizable::check(history, linearizable::Model::Texts),
        "lin-kv" => linearizable::check(history, linearizable::Model::LinKv),
        "register" => {
            let initial = options.initial.unwrap_or(&Value::Null);
            linearizable::check_from(history, linearizable::Model::Register, initial)
        }
        "txn-list-append" => {
            let mut check = txn::list_append::check(history, models);
            txn::levels::settle(&mut check, models, options.levels, history.in_sessions);
            txn::convergence::check(&mut check, history, Datatype::List, models);
            check
        }
        "txn-rw-register" => {
            let mut check = txn::rw_register::check_assuming(history, models, options.assumed_keys);
            txn::levels::settle(&mut check, models, options.levels, history.in_sessions);
            txn::convergence::check(&mut check, history, Datatype::Register, models);
            check
        }
        name => {
            Check::unknown("workload", format!("there is no checker for the workload `{name}`"))
        }
    }
}

/// How many checkers run now.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// True while a checker runs. If one panics, that is told as a verdict: a program's own panic hook
/// need not tell it too.
pub fn is_checking() -> bool {
    RUNNING.load(Ordering::SeqCst) > 0
}

/// Runs a checker; if it panics, its check is unknown, with the reason.
pub fn guarded(name: &'static str, check: impl FnOnce() -> Check) -> Check {
    caught(check).unwrap_or_else(|failure| Check::unknown(name, failure))
}

/// What a checker finds, or why it panicked and what to do about it.
fn caught<T>(find: impl FnOnce() -> T) -> Result<T, String> {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    let found = catch_unwind(AssertUnwindSafe(find));
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    found.map_err(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        format!(
            "the checker failed, which says nothing about the history and is a mistake in kolk: \
             {reason}. Please send the history to {}/issues",
            env!("CARGO_PKG_REPOSITORY")
        )
    })
}

#[cfg(test)]
mod tests;
