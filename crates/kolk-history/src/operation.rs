//! Operations: what clients asked for, and what came of it.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use kolk_protocol::Time;

use crate::Value;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What an operation does: Jepsen's `:f`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function { $($(#[$doc])* $name,)* }

        impl Function {
            /// Every function, in the order of their numbers.
            pub const ALL: &[Function] = &[$(Function::$name,)*];

            /// The name in histories, flags and text.
            pub const fn name(self) -> &'static str {
                match self { $(Function::$name => $text,)* }
            }

            /// The name as a keyword.
            pub const fn keyword(self) -> Value {
                match self { $(Function::$name => Value::Keyword(&$text),)* }
            }
        }

        impl FromStr for Function {
            type Err = UnknownFunction;
            fn from_str(text: &str) -> Result<Function, UnknownFunction> {
                match text {
                    $($text => Ok(Function::$name),)*
                    _ => Err(UnknownFunction(text.to_owned())),
                }
            }
        }
    };
}

functions! {
    /// Have a payload sent back.
    Echo = "echo",
    /// Get a fresh id.
    Generate = "generate",
    /// Tell a value to everybody.
    Broadcast = "broadcast",
    /// Read what there is.
    Read = "read",
    /// Add to a set or a counter.
    Add = "add",
    /// Set a register.
    Write = "write",
    /// Compare and set a register.
    Cas = "cas",
    /// Make a text longer.
    Append = "append",
    /// Run a transaction.
    Txn = "txn",
    /// Append to a log.
    Send = "send",
    /// Read from logs.
    Poll = "poll",
    /// Choose which logs to poll.
    Assign = "assign",
    /// Subscribe to logs.
    Subscribe = "subscribe",
    /// Commit offsets.
    Commit = "commit",
    /// A client gave up its state.
    Crash = "crash",
    /// Ask a log for its state.
    DebugTopicPartitions = "debug-topic-partitions",
    /// Move money from one account to another.
    Transfer = "transfer",
    /// Take a lock.
    Acquire = "acquire",
    /// Give a lock back.
    Release = "release",
    /// Put into a queue.
    Enqueue = "enqueue",
    /// Take from a queue.
    Dequeue = "dequeue",
    /// Take all that is left in a queue.
    Drain = "drain",
}

impl Function {
    /// Whether it changes what others read.
    pub const fn changes(self) -> bool {
        use Function::{Add, Append, Broadcast, Cas, Commit, Enqueue, Send, Transfer, Txn, Write};
        matches!(
            self,
            Add | Append | Broadcast | Cas | Commit | Enqueue | Send | Transfer | Txn | Write
        )
    }
}

/// A function this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown function `{0}`")]
pub struct UnknownFunction(pub String);

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It happened.
    Ok,
    /// It surely did not happen.
    Fail,
    /// Nobody knows: it may have happened, or may yet.
    Info,
}

impl Outcome {
    /// The name in histories.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Fail => "fail",
            Outcome::Info => "info",
        }
    }
}

/// The part of a run an operation belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Under load.
    #[default]
    Load,
    /// A final operation, after the faults healed.
    Final,
    /// An extra read of every node at the end, for the convergence check alone: it counts in no
    /// statistic.
    Convergence,
}

/// One operation, from its invocation to its completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// When it was invoked.
    pub invoked: Time,
    /// When it completed; the invocation's time if it never did.
    pub completed: Time,
    /// The event index of the invocation.
    pub index: u32,
    /// The event index of the completion, if there is one in the history.
    pub completion_index: Option<NonZeroU32>,
    /// The process that invoked it.
    pub process: u32,
    /// The node that served it, as a position in the history's list of nodes.
    pub node: Option<u16>,
    /// What it does.
    pub function: Function,
    /// How it ended; [`Outcome::Info`] also if it never completed.
    pub outcome: Outcome,
    /// The part of the run it belongs to.
    pub phase: Phase,
    /// What was asked for.
    pub value: Value,
    /// The completion's value if it is ok, else the error: null, a text, or `[code, text]`.
    pub result: Value,
}

impl Operation {
    /// True if it counts in statistics: not one of the convergence phase.
    pub fn is_counted(&self) -> bool {
        self.phase != Phase::Convergence
    }

    /// True if it is known to have happened.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// What an update did: what its acknowledgement says, or what was asked for if that says
    /// nothing.
    pub fn told(&self) -> &Value {
        if self.is_ok() && !self.result.is_null() { &self.result } else { &self.value }
    }

    /// The index of the event that completed it, or the last possible one if none did: such an
    /// operation overlaps everything after its invocation.
    pub fn completion_or_end(&self) -> u32 {
        self.completion_index.map_or(u32::MAX, NonZeroU32::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_small() {
        assert!(size_of::<Operation>() <= 72, "{}", size_of::<Operation>());
    }

    #[test]
    fn names_read_back() {
        for function in Function::ALL {
            assert_eq!(function.name().parse(), Ok(*function));
        }
        assert!("fly".parse::<Function>().is_err());
    }
}
