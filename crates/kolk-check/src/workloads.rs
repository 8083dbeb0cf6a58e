//! The workloads there are checkers for, and which functions their operations have.

use kolk_history::{Function, History};

use Function::{
    Acquire, Add, Append, Assign, Broadcast, Cas, Commit, Crash, DebugTopicPartitions, Dequeue,
    Drain, Echo, Enqueue, Generate, Poll, Read, Release, Send, Subscribe, Transfer, Txn, Write,
};

const TABLE: [(&str, &[Function]); 24] = [
    ("bank", &[Read, Transfer]),
    ("broadcast", &[Broadcast, Read]),
    ("comments", &[Read, Write]),
    ("counter", &[Add, Read]),
    ("echo", &[Echo]),
    ("fifo-queue", &[Enqueue, Dequeue]),
    ("g-counter", &[Add, Read]),
    ("g-set", &[Add, Read]),
    ("kafka", &[Send, Poll, Txn, Assign, Subscribe, Commit, Crash, DebugTopicPartitions]),
    ("kv", &[Read, Write, Append]),
    ("lin-kv", &[Read, Write, Cas]),
    ("long-fork", &[Read, Write, Txn]),
    ("multi-register", &[Read, Write, Txn]),
    ("mutex", &[Acquire, Release]),
    ("pn-counter", &[Add, Read]),
    ("register", &[Read, Write, Cas]),
    ("seq-kv", &[Read, Write, Cas]),
    ("sequential", &[Add, Read]),
    ("set", &[Add, Read]),
    ("total-queue", &[Enqueue, Dequeue, Drain]),
    ("txn-list-append", &[Txn]),
    ("txn-rw-register", &[Txn]),
    ("unique-ids", &[Generate]),
    ("unordered-queue", &[Enqueue, Dequeue]),
];

/// Names that elle-cli and Knossos have for workloads, and those they go by here.
pub const ALIASES: &[(&str, &str)] = &[
    ("cas-register", "register"),
    ("list-append", "txn-list-append"),
    ("rw-register", "txn-rw-register"),
    ("set-full", "g-set"),
];

/// The name that a workload goes by here, if elle-cli or Knossos has another for it.
pub fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name)
}

/// The workloads that [`check_run`](crate::check_run) has a checker for.
pub const WORKLOADS: &[&str] = &names();

const fn names() -> [&'static str; TABLE.len()] {
    let mut names = [""; TABLE.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = TABLE[at].0;
        at += 1;
    }
    names
}

/// The functions that a workload's operations have; none if there is no such workload.
pub fn functions(workload: &str) -> &'static [Function] {
    TABLE.iter().find(|(name, _)| *name == workload).map_or(&[], |(_, functions)| functions)
}

/// The functions in a history that are none of a workload's, each once.
pub fn foreign(history: &History, workload: &str) -> Vec<Function> {
    let known = functions(workload);
    let mut foreign: Vec<Function> = history.operations.iter().map(|op| op.function).collect();
    foreign.sort_unstable();
    foreign.dedup();
    foreign.retain(|function| !known.contains(function));
    foreign
}

/// The workloads that know all functions in a history.
///
/// ```
/// let history = "{:process 0 :type :invoke :f :echo :value 1}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(kolk_check::workloads::fitting(&history), ["echo"]);
/// ```
pub fn fitting(history: &History) -> Vec<&'static str> {
    let fits = |workload: &&&str| foreign(history, workload).is_empty();
    WORKLOADS.iter().filter(fits).copied().collect()
}

/// Why nothing can be checked of a history as that of a workload, if so.
pub(crate) fn mismatch(history: &History, workload: &str) -> Option<String> {
    if let Some(function) = foreign(history, workload).first() {
        return Some(format!(
            "`{function}` is no function of the workload `{workload}`, so this is not its history"
        ));
    }
    if history.counted().next().is_none() {
        return Some(format!("there is no operation of the workload `{workload}`"));
    }
    None
}
