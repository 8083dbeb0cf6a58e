//! What kolk asks beside what Maelstrom asks, in words.
//!
//! A [stronger finding](crate::Check::stronger) counts with `--strict` and in challenges. Whoever
//! is told that a run is invalid because of one must read that Maelstrom would accept the run, and
//! what it is that kolk asks for: the half sentence that this module has for every type.

/// What a solution is asked for that this type of anomaly shows it does not keep: a clause whose
/// subject is a node, a read or the like. `check` is the name of the check that found it.
///
/// ```
/// use kolk_check::asked;
///
/// assert_eq!(
///     asked::promise("workload", "diverged"),
///     "every node must come to hold every acknowledged write"
/// );
/// ```
pub fn promise(check: &str, kind: &str) -> &'static str {
    match kind {
        "foreign-source" => "a node must send messages in its own name alone",
        _ if check == "protocol" => "every message must keep to the protocol",
        "diverged" => "every node must come to hold every acknowledged write",
        "lost-write" => "no acknowledged write may vanish",
        "silent" => "every node must answer when the load is over",
        "unanswered" => "every request must be answered, as no fault is in the way",
        "wrong-total" => "the last read of every node must be the sum of what was added",
        "too-low" => "a read must count what the same client was told had been added",
        "too-high" => "a read must count nothing that nobody has added yet",
        "duplicate" | "duplicate-elements" => "no read may return the same value twice",
        "never-added" | "garbage-read" => "no read may return a value that nobody wrote",
        "failed-add" | "aborted-write" => "what failed must not take effect",
        "nonmonotonic-commit" => "a committed offset must not go back by itself",
        "nonmonotonic-offset" => {
            "what is sent after an acknowledged message must come after it in the log"
        }
        "internal" => "a transaction must see its own writes",
        "future-read" => "a transaction must not read what it writes only later",
        "incompatible-order" => "all reads of a list must agree on the order of its elements",
        "stale-view" => "a read must not miss what was acknowledged before its process wrote",
        "stale-read" | "read-before-write" | "never-written" | "failed-write" | "stale-cas"
        | "resurrected-value" | "non-atomic-cas" | "not-linearizable" => {
            "a read that finds no key must be linearizable too"
        }
        kind if kind.starts_with("read-committed-violation") => {
            "transactions must be read committed, each client's one after another"
        }
        kind if kind.starts_with("read-atomic-violation") => {
            "a transaction must see all of another's writes or none"
        }
        kind if kind.starts_with("causal-violation") => {
            "a transaction must see what the transactions that it has seen had seen"
        }
        kind if kind.ends_with("-violation") => {
            "the consistency model must hold for some order of the writes of each key"
        }
        // The types of cycles, of transactions.
        _ => {
            "the consistency model must hold for what the last reads and transactions of unknown \
             outcome show as well"
        }
    }
}
