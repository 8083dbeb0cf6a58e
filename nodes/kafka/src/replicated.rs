//! All logs, and what was committed, as one state machine that the nodes replicate by Raft.
//!
//! A send is a command, and so is a commit that says something new. Polls are answered from the
//! node's own copy, without a message: a log is read in order and never promises to show at once
//! what somebody has just sent, a copy has nothing that is not on the disks of a majority, and
//! where a client reads on it says itself. Where a client *begins* is what is committed, and that
//! may not go back: it is asked of the leader.

use std::collections::BTreeMap;
use std::rc::Rc;

use kolk_node::{Context, ErrorCode, RpcError};
use kolk_replica::replicated::{Replicated, Settings, State};
use serde::{Deserialize, Serialize};

use crate::log::{Log, Message};
use crate::wire::{Key, Polled, Reply, Request};

/// All logs and the offsets committed.
#[derive(Debug, Default)]
pub struct Logs {
    logs: BTreeMap<Key, Log>,
    committed: BTreeMap<Key, u64>,
}

/// What changes them. The names are short because each stands in every node's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Appends a message.
    #[serde(rename = "s")]
    Send(Key, Message),
    /// Raises committed offsets; none goes back.
    #[serde(rename = "c")]
    Commit(BTreeMap<Key, u64>),
}

/// What comes of a command, or of asking what is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The message has this offset.
    #[serde(rename = "at")]
    Offset(u64),
    /// The offsets are noted.
    #[serde(rename = "ok")]
    Committed,
    /// What is committed.
    #[serde(rename = "is")]
    Offsets(BTreeMap<Key, u64>),
}

/// Both parts, the messages of each log from offset 0 on.
type Snapshot = (BTreeMap<Key, Vec<Message>>, BTreeMap<Key, u64>);

impl State for Logs {
    type Command = Command;
    /// The keys whose committed offsets are wanted.
    type Query = Vec<Key>;
    type Output = Outcome;
    type Snapshot = Snapshot;

    fn apply(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Send(key, message) => {
                let log = self.logs.entry(Rc::clone(key)).or_default();
                Outcome::Offset(log.append(Rc::clone(message)))
            }
            Command::Commit(offsets) => {
                for (key, offset) in offsets {
                    let known = self.committed.entry(Rc::clone(key)).or_insert(*offset);
                    *known = (*known).max(*offset);
                }
                Outcome::Committed
            }
        }
    }

    fn query(&self, keys: &Vec<Key>) -> Outcome {
        let known = |key: &Key| self.committed.get(key).map(|offset| (Rc::clone(key), *offset));
        Outcome::Offsets(keys.iter().filter_map(known).collect())
    }

    fn snapshot(&self) -> Snapshot {
        let all = |(key, log): (&Key, &Log)| (Rc::clone(key), log.from(0, usize::MAX).to_vec());
        (self.logs.iter().map(all).collect(), self.committed.clone())
    }

    fn restore((logs, committed): &Snapshot) -> Logs {
        let log = |(key, messages): (&Key, &Vec<Message>)| {
            let mut log = Log::default();
            for message in messages {
                log.append(Rc::clone(message));
            }
            (Rc::clone(key), log)
        };
        Logs { logs: logs.iter().map(log).collect(), committed: committed.clone() }
    }
}

impl Logs {
    /// Whether nothing of this is new.
    fn has_committed(&self, offsets: &BTreeMap<Key, u64>) -> bool {
        offsets.iter().all(|(key, offset)| self.committed.get(key).is_some_and(|at| at >= offset))
    }
}

/// A node with a copy.
pub struct Store(Replicated<Logs>);

impl Store {
    /// This node's.
    pub fn new(cx: &Context, settings: Settings) -> Store {
        Store(kolk_replica::replicated(cx, settings))
    }

    /// Answers a client.
    pub async fn handle(&self, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Send { key, msg } => match self.0.perform(Command::Send(key, msg)).await? {
                Outcome::Offset(offset) => Ok(Reply::SendOk { offset }),
                other => Err(no_answer(&other)),
            },
            Request::Poll { offsets } => {
                let msgs = self.0.look(|logs| Polled::of(&logs.logs, &offsets)).await?;
                Ok(Reply::PollOk { msgs })
            }
            Request::CommitOffsets { offsets } => {
                // What this copy has is on the disks of a majority.
                if !self.0.look(|logs| logs.has_committed(&offsets)).await? {
                    self.0.perform(Command::Commit(offsets)).await?;
                }
                Ok(Reply::CommitOffsetsOk {})
            }
            Request::ListCommittedOffsets { keys } => match self.0.query(keys).await? {
                Outcome::Offsets(offsets) => Ok(Reply::ListCommittedOffsetsOk { offsets }),
                other => Err(no_answer(&other)),
            },
            Request::Exchange(_) => {
                let text = "this node has no owners: all nodes want --raft, or none";
                Err(RpcError::new(ErrorCode::NOT_SUPPORTED, text))
            }
        }
    }
}

fn no_answer(outcome: &Outcome) -> RpcError {
    let text = format!("the log holds what is no answer to this: {outcome:?}");
    RpcError::new(ErrorCode::CRASH, text)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn what_comes_of_commands() {
        let key: Key = "k".into();
        let send = |number: u64| {
            let message = RawValue::from_string(number.to_string()).expect("JSON");
            Command::Send("k".into(), message.into())
        };
        let commit = |offset| Command::Commit(BTreeMap::from([("k".into(), offset)]));
        let mut logs = Logs::default();
        for (command, outcome, messages, committed) in [
            (send(7), Outcome::Offset(0), "[[0,7]]", None),
            (commit(0), Outcome::Committed, "[[0,7]]", Some(0)),
            (send(7), Outcome::Offset(1), "[[0,7],[1,7]]", Some(0)),
            (commit(1), Outcome::Committed, "[[0,7],[1,7]]", Some(1)),
            (commit(0), Outcome::Committed, "[[0,7],[1,7]]", Some(1)),
        ] {
            assert_eq!(logs.apply(&command), outcome, "{command:?}");
            let all = Polled::of(&logs.logs, &BTreeMap::from([("k".into(), 0)]));
            let text = serde_json::to_string(&all).expect("JSON");
            assert_eq!(text, format!("{{\"k\":{messages}}}"), "{command:?}");
            let offsets = committed.map(|offset| (Rc::clone(&key), offset)).into_iter().collect();
            assert_eq!(
                logs.query(&vec![Rc::clone(&key), "other".into()]),
                Outcome::Offsets(offsets)
            );
            let text = serde_json::to_string(&logs.snapshot()).expect("JSON");
            logs = Logs::restore(&serde_json::from_str(&text).expect("what was written"));
        }
        for (offset, expected) in [(0, true), (1, true), (2, false)] {
            assert_eq!(logs.has_committed(&BTreeMap::from([("k".into(), offset)])), expected);
        }
        assert!(!logs.has_committed(&BTreeMap::from([("other".into(), 0)])));
    }
}
