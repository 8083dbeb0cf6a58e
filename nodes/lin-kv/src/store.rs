//! The store that is replicated.

use std::collections::BTreeMap;

use kolk_node::{Context, Datum, ErrorCode, RpcError};
use kolk_replica::replicated::{Replicated, Settings, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Json, Reply, Request};

/// All keys and their values.
#[derive(Debug, Default)]
pub struct Map(BTreeMap<Datum, Datum>);

/// What changes them. The names are short because each stands in every node's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Update {
    /// Sets a key to a value.
    #[serde(rename = "w")]
    Write(Datum, Datum),
    /// Sets a key from one value to another, or, if the last says so, one that does not exist.
    #[serde(rename = "c")]
    Cas(Datum, Datum, Datum, bool),
}

/// What comes of an update or of reading a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was performed.
    #[serde(rename = "ok")]
    Done,
    /// The key does not exist.
    #[serde(rename = "none")]
    NoSuchKey,
    /// The key has another value than the one expected: this one.
    #[serde(rename = "not")]
    Differs(Datum),
    /// The key's value.
    #[serde(rename = "is")]
    Value(Datum),
}

impl State for Map {
    type Command = Update;
    type Query = Datum;
    type Output = Outcome;
    type Snapshot = Vec<(Datum, Datum)>;

    fn apply(&mut self, update: &Update) -> Outcome {
        let (key, value) = match update {
            Update::Write(key, value) => (key, value),
            Update::Cas(key, from, to, creates) => match self.0.get(key) {
                None if !creates => return Outcome::NoSuchKey,
                Some(current) if current != from => return Outcome::Differs(current.clone()),
                _ => (key, to),
            },
        };
        self.0.insert(key.clone(), value.clone());
        Outcome::Done
    }

    fn query(&self, key: &Datum) -> Outcome {
        self.0.get(key).cloned().map_or(Outcome::NoSuchKey, Outcome::Value)
    }

    fn snapshot(&self) -> Self::Snapshot {
        self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn restore(snapshot: &Self::Snapshot) -> Map {
        Map(snapshot.iter().cloned().collect())
    }
}

/// A node with a copy.
pub struct Store(Replicated<Map>);

impl Store {
    /// This node's.
    pub fn new(cx: &Context, settings: Settings) -> Store {
        Store(kolk_replica::replicated(cx, settings))
    }

    /// Has it performed.
    pub async fn handle(&self, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Read { key } => match self.0.query(datum(&key)?).await? {
                Outcome::Value(value) => Ok(Reply::ReadOk { value: json(&value)? }),
                outcome => Err(outcome.into_error()),
            },
            Request::Write { key, value } => {
                self.update(Update::Write(datum(&key)?, datum(&value)?), Reply::WriteOk {}).await
            }
            Request::Cas { key, from, to, create_if_not_exists } => {
                let (from, to) = (datum(&from)?, datum(&to)?);
                let update = Update::Cas(datum(&key)?, from, to, create_if_not_exists);
                self.update(update, Reply::CasOk {}).await
            }
        }
    }

    async fn update(&self, update: Update, reply: Reply) -> Result<Reply, RpcError> {
        match self.0.perform(update).await? {
            Outcome::Done => Ok(reply),
            outcome => Err(outcome.into_error()),
        }
    }
}

impl Outcome {
    /// What a client is told that did not get what it asked for.
    fn into_error(self) -> RpcError {
        match self {
            Outcome::NoSuchKey => {
                RpcError::new(ErrorCode::KEY_DOES_NOT_EXIST, "key does not exist")
            }
            Outcome::Differs(value) => {
                let text = format!("the current value is {value}");
                RpcError::new(ErrorCode::PRECONDITION_FAILED, text)
            }
            Outcome::Done | Outcome::Value(_) => {
                RpcError::new(ErrorCode::CRASH, "the log holds what is no answer to this")
            }
        }
    }
}

fn datum(json: &Json) -> Result<Datum, RpcError> {
    let unreadable = |error| RpcError::new(ErrorCode::MALFORMED_REQUEST, format!("{error}"));
    Datum::parse(json.get()).map_err(unreadable)
}

fn json(datum: &Datum) -> Result<Json, RpcError> {
    let unreadable = |error| RpcError::new(ErrorCode::CRASH, format!("{error}"));
    RawValue::from_string(datum.text().to_owned()).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_of_updates() {
        let datum = |json: &str| Datum::parse(json).expect("JSON");
        let key = || datum("\"k\"");
        let cas =
            |from: &str, to: &str, creates| Update::Cas(key(), datum(from), datum(to), creates);
        let mut map = Map::default();
        for (update, outcome, value) in [
            (cas("1", "2", false), Outcome::NoSuchKey, None),
            (cas("1", "2", true), Outcome::Done, Some("2")),
            (cas("1", "3", true), Outcome::Differs(datum("2")), Some("2")),
            (cas("2", "4", false), Outcome::Done, Some("4")),
            (Update::Write(key(), datum("[5]")), Outcome::Done, Some("[5]")),
            (Update::Write(datum("0"), datum("1")), Outcome::Done, Some("[5]")),
        ] {
            assert_eq!(map.apply(&update), outcome, "{update:?}");
            let value = value.map_or(Outcome::NoSuchKey, |value| Outcome::Value(datum(value)));
            assert_eq!(map.query(&key()), value, "{update:?}");
            let text = serde_json::to_string(&map.snapshot()).expect("JSON");
            map = Map::restore(&serde_json::from_str(&text).expect("what was written"));
        }
    }
}
